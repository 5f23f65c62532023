"""Cold start, click → marker and click → refreshed map, measured in the browser on the real app.

    python benchmarks/click.py --scene indian_pines --clicks 24 [--training]

Starts `app.py` with an empty home folder and drives it with Playwright: two pixels to begin with, then `--clicks`
reference pixels of ever other classes. The page's own clock is read: a `MutationObserver` notes when
the markers were drawn with the click pending, when the journal has it and when the map of that revision is painted.
The named baseline is the same labels' fit + predict in this process, without a browser: what any
interface has to wait for. With --training the same page then starts a training that outlasts as many clicks again; the
idle clicks of the same run are their baseline.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from playwright.sync_api import sync_playwright

from hsi_studio import Studio
from tests.e2e.conftest import _start
from tests.e2e.running import VIEWER, RunningApp, click_pixel, wait_journal, wait_map, wait_ready

WATCH = """() => {
  const viewer = document.querySelector('.hsi-viewer');
  window.__at = {};
  window.__down = 0;
  viewer.addEventListener('click', () => { window.__down = performance.now(); }, true);
  new MutationObserver(() => {
    const now = performance.now();
    window.__at['journal' + viewer.dataset.journal] ??= now;
    window.__at['map' + viewer.dataset.mapRev] ??= now;
    if (viewer.dataset.pending !== '0') window.__at.marker ??= now;
  }).observe(viewer, {attributes: true});
}"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scene", default="indian_pines")
    parser.add_argument("--clicks", type=int, default=24)
    parser.add_argument("--training", action="store_true", help="then as many clicks while a training runs")
    args = parser.parse_args()

    busy: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        started = time.perf_counter()
        with RunningApp(home / "app", ["--scene", args.scene]) as app, sync_playwright() as playwright:
            served = time.perf_counter() - started
            browser = _start(playwright)
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            opened = time.perf_counter()
            page.goto(app.url)
            wait_ready(page)
            visible = time.perf_counter() - opened
            print(f"cold start: page served after {served:.1f} s; scene visible {visible:.1f} s after it was asked for")
            chosen = reference_pixels(args.scene, home / "bench", (1 + args.training) * args.clicks + 2)
            pixels, later = chosen[: args.clicks + 2], chosen[args.clicks + 2 :]
            page.evaluate(WATCH)
            times = measure(page, pixels)
            if args.training:
                start_training(page)
                busy = measure(page, later, done=len(pixels))
                assert page.locator(".tr-run").get_attribute("data-state") == "running", "the training did not last"
            browser.close()
        floor = fit_and_predict(args.scene, home / "bench", pixels)
    for name, values in times.items():
        print(
            f"click → {name:8} median {statistics.median(values):5.0f} ms, p90 {p90(values):5.0f} ms, n {len(values)}"
        )
    for name, values in busy.items():
        median, ratio = statistics.median(values), statistics.median(values) / statistics.median(times[name])
        print(f"while training → {name:8} median {median:5.0f} ms, p90 {p90(values):5.0f} ms: {ratio:.2f} × idle")
    median = statistics.median(times["map"])
    print(
        f"fit + predict of the same labels, no browser: median {floor:.0f} ms; click → map is {median / floor:.1f} × it"
    )
    return 0


def start_training(page: Any) -> None:
    """A long DiffCLIP training through the Train tab; back to the labels once its steps are seen."""
    page.get_by_role("tab", name="Train", exact=True).click()
    page.wait_for_selector(".hsi-train[data-ready='1']", timeout=60_000)
    if page.locator(".tr-panel").is_hidden():
        page.locator(".tr-toggle").click()
    page.locator("#hsi-method").select_option("diffclip")
    page.locator(".tr-advanced").evaluate("node => (node.open = true)")
    page.locator(".tr-advanced > details.tr-details").evaluate("node => (node.open = true)")
    page.locator(".tr-json").fill('{"epochs": 2000}')
    page.locator("#hsi-train-start").click()
    page.wait_for_selector(".tr-run[data-state='running']", timeout=60_000)
    page.wait_for_function("Number(document.querySelector('.tr-curves').dataset.updates || 0) >= 3", timeout=120_000)
    page.get_by_role("tab", name="Label", exact=True).click()


def measure(page: Any, pixels: list[tuple[int, int, str]], done: int = 0) -> dict[str, list[float]]:
    """Click each pixel with its class; milliseconds from the click event to each of the three moments. `done`: labels
    that are there already."""
    found: dict[str, list[float]] = {"marker": [], "journal": [], "map": []}
    for seq, (row, col, name) in enumerate(pixels, start=done + 1):
        page.locator(".hsi-class", has_text=name).filter(has=page.get_by_text(name, exact=True)).click()
        page.wait_for_timeout(150)
        page.evaluate("delete window.__at.marker")
        click_pixel(page, row, col)
        wait_journal(page, seq)
        if seq < 2:
            continue
        wait_map(page, seq)
        page.wait_for_timeout(150)
        at, down = page.evaluate("window.__at"), page.evaluate("window.__down")
        if seq > 2:
            found["marker"].append(at["marker"] - down)
            found["journal"].append(at[f"journal{seq}"] - down)
            found["map"].append(at[f"map{seq}"] - down)
    assert page.locator(VIEWER).get_attribute("data-pending") == "0"
    return found


def reference_pixels(scene_id: str, home: Path, count: int) -> list[tuple[int, int, str]]:
    """(row, column, class name) in turn over the classes with the most pixels, far enough apart for markers."""
    import numpy as np

    scene = Studio(home=home).open(scene_id)
    assert scene.reference is not None
    rng = np.random.default_rng(0)
    classes = sorted(scene.reference_classes, key=lambda c: -int(np.count_nonzero(scene.reference == c[0])))[:8]
    chosen: list[tuple[int, int, str]] = []
    while len(chosen) < count:
        value, name = classes[len(chosen) % len(classes)]
        row, col = (int(v) for v in rng.choice(np.argwhere(scene.reference == value)))
        if all(max(abs(row - r), abs(col - c)) > 6 for r, c, _ in chosen):
            chosen.append((row, col, name))
    return chosen


def fit_and_predict(scene_id: str, home: Path, pixels: list[tuple[int, int, str]]) -> float:
    """Median milliseconds of fit + predict as labels grow, by the live map itself."""
    studio = Studio(home=home)
    project = studio.new_project(scene_id)
    by_name = {info.name: info.id for info in project.schema.classes}
    spent = []
    for row, col, name in pixels:
        seq = studio.label(project.id, row, col, by_name[name])
        status = studio.live(project.id).wait(seq, 60)
        if status.prediction is not None:
            spent.append(1000 * status.seconds)
    studio.close()
    return statistics.median(spent[1:])


def p90(values: list[float]) -> float:
    return sorted(values)[int(0.9 * (len(values) - 1))]


if __name__ == "__main__":
    sys.exit(main())
