"""Cold start, click → marker and click → refreshed map, measured in the browser on the real app.

    python -m benchmarks.click --scene indian_pines --clicks 24 [--training]

Starts `app.py` with an empty home folder and drives it with Playwright. The page is looked at for `--look` seconds:
what class names mean is found out meanwhile (with 0, under the first clicks). Then two pixels to begin with, and
`--clicks` reference pixels of ever other classes. The page's own clock is read: a `MutationObserver` notes when the
markers were drawn with the click pending, when the journal has it and when the map of that revision is painted.
The named baseline is the same labels' fit + predict in this process, without a browser: what any
interface has to wait for. With --training the same page then starts a training that outlasts as many clicks again; the
idle clicks of the same run are their baseline.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from benchmarks.common import machine, make_parser, open_step, quantile, reference_pixels, start_training
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


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__)
    parser.add_argument("--scene", default="indian_pines")
    parser.add_argument("--clicks", type=int, default=24)
    parser.add_argument("--look", type=float, default=15, metavar="SECONDS", help="before the first click (default 15)")
    parser.add_argument("--training", action="store_true", help="then as many clicks while a training runs")
    args = parser.parse_args(argv)

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
            scene = Studio(home=home / "bench").open(args.scene)
            chosen = reference_pixels(scene, (1 + args.training) * args.clicks + 2, classes=8, apart_px=7)
            pixels, later = chosen[: args.clicks + 2], chosen[args.clicks + 2 :]
            time.sleep(args.look)
            page.evaluate(WATCH)
            times = measure(page, pixels)
            if args.training:
                train(page)
                busy = measure(page, later, done=len(pixels))
                assert page.locator(".tr-run").get_attribute("data-state") == "running", "the training did not last"
            browser.close()
        alone = fit_and_predict(args.scene, home / "bench", pixels)
    for name, values in times.items():
        print(f"click → {name:8} {shown(values)}, n {len(values)}")
    for name, values in busy.items():
        ratio = statistics.median(values) / statistics.median(times[name])
        print(f"while training → {name:8} {shown(values)}: {ratio:.2f} × idle")
    median = statistics.median(times["map"])
    print(
        f"fit + predict of the same labels, no browser: median {alone:.0f} ms; click → map is {median / alone:.1f} × it"
    )
    print(machine())
    return 0


def shown(values: list[float]) -> str:
    return f"median {statistics.median(values):5.0f} ms, p90 {quantile(values, 0.9):5.0f} ms"


def train(page: Any) -> None:
    """A long DiffCLIP training; back to the labels once its steps are seen."""
    start_training(page, "diffclip", {"epochs": 2000})
    page.wait_for_selector(".tr-run[data-state='running']", timeout=60_000)
    page.wait_for_function(
        "Number(document.querySelector('.hsi-train .tr-curves').dataset.updates || 0) >= 3", timeout=120_000
    )
    open_step(page, "Label")


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


if __name__ == "__main__":
    sys.exit(main())
