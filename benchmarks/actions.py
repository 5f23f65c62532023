"""What labelling costs the hand: nine classes with five pixels each, in actions, seconds and lost labels.

    python -m benchmarks.actions [--pace 1.3] [--only town,envi,wide]

Starts `app.py` with an empty home folder on each of three scenes and labels as somebody does who knows the keys: a
key, a click, a pasted text or a drag is one action, one every `--pace` seconds; to come near enough in a wide scene and
to move on counts as well. The pixels are of the scene's reference, which the program does not have in the two scenes
that are files. At the end the project is read from disk:
every label must be there. From each click to its map is the page's own clock.

    town    the simulated town, whose classes come with it
    envi    the town as an own ENVI file with a coordinate system, without reference: the classes are pasted
    wide    the town laid side by side to 349 × 1905 pixels, likewise: a pixel is smaller than a point of the screen at
            first, so the hand must zoom
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import sync_playwright

from benchmarks.common import machine, make_parser, quantile
from hsi_studio import Studio
from hsi_studio.scene.resolve import resolve
from hsi_studio.types import Scene
from tests.e2e.conftest import _start
from tests.e2e.running import VIEWER, RunningApp, wait_journal, wait_map, wait_ready

CLASSES, PIXELS = 9, 5
MOST_ACTIONS, MOST_S = 55, 120
WIDE = (349, 1905)
EDGE_PX = 40  # of the picture, where its buttons lie
PLACE = (
    f"() => {{ const v = document.querySelector('{VIEWER}'), b = v.querySelector('.hv-stage').getBoundingClientRect();"
    " const {scale, x0, y0} = v.__zoom(); return {scale, x0, y0, left: b.left, top: b.top, w: b.width, h: b.height}; }"
)

# Milliseconds from each click to its map, of those whose map was painted before the next click.
WATCH = f"""() => {{
  const viewer = document.querySelector('{VIEWER}');
  let down = 0;
  const clicked = new Map();
  window.__took = [];
  viewer.addEventListener('click', () => {{ down = performance.now(); }}, true);
  new MutationObserver((all) => {{
    const now = performance.now(), {{journal, mapRev}} = viewer.dataset;
    if (all.some((one) => one.attributeName === 'data-journal') && !clicked.has(journal)) clicked.set(journal, down);
    if (!clicked.has(mapRev) || mapRev !== journal) return;
    window.__took.push(now - clicked.get(mapRev));
    clicked.set(mapRev, NaN);
  }}).observe(viewer, {{attributes: true, attributeFilter: ['data-journal', 'data-map-rev']}});
}}"""


class Hand:
    """Does one thing after another and counts."""

    def __init__(self, page: Any, pace_s: float) -> None:
        self.page, self.pace_s, self.actions, self.began = page, pace_s, 0, time.monotonic()

    def _next(self) -> None:
        wait = self.began + self.actions * self.pace_s - time.monotonic()
        if wait > 0:
            self.page.wait_for_timeout(1000 * wait)
        self.actions += 1

    def key(self, name: str) -> None:
        self._next()
        self.page.keyboard.press(name)

    def click(self, x: float, y: float) -> None:
        self._next()
        self.page.mouse.click(x, y)

    def press(self, locator: Any) -> None:
        self._next()
        locator.click()

    def paste(self, text: str) -> None:
        """Ctrl+V of a text that is in the clipboard already."""
        self._next()
        self.page.evaluate(
            "(text) => { const data = new DataTransfer(); data.setData('text/plain', text);"
            " (document.activeElement || document.body).dispatchEvent("
            "new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true})); }",
            text,
        )

    def drag(self, dx: float) -> None:
        self._next()
        at = self.page.evaluate(PLACE)
        x, y = at["left"] + at["w"] / 2, at["top"] + at["h"] / 2
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x + dx, y, steps=4)
        self.page.wait_for_timeout(150)  # no throw
        self.page.mouse.up()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began


def in_view(
    page: Any, reference: np.ndarray[Any, Any], value: int, taken: np.ndarray[Any, Any]
) -> np.ndarray[Any, Any]:
    """(N, 2) pixels of a class that can be clicked now, row and column."""
    at = page.evaluate(PLACE)
    edge = np.ones(reference.shape, np.bool_)  # nobody aims at the scene's very edge
    edge[2:-2, 2:-2] = False
    rows, cols = np.nonzero((reference == value) & ~taken & ~edge)
    x, y = at["x0"] + (cols + 0.5) * at["scale"], at["y0"] + (rows + 0.5) * at["scale"]
    free = (x > EDGE_PX) & (x < at["w"] - EDGE_PX) & (y > EDGE_PX) & (y < at["h"] - EDGE_PX)
    free &= ~((x < 260) & (y > at["h"] - 60))  # the legend
    found: np.ndarray[Any, Any] = np.stack([rows, cols], axis=1)[free]
    return found


def label(page: Any, reference: np.ndarray[Any, Any], names: list[tuple[int, str]], paste: bool, pace_s: float) -> Hand:
    """The task, from an open page to the last label in the journal."""
    rng, taken = np.random.default_rng(0), np.zeros(reference.shape, np.bool_)
    hand = Hand(page, pace_s)
    if paste:
        hand.paste("\n".join(name for _, name in names))
    hand.press(page.locator(".hsi-advance input[type=checkbox]"))
    if page.evaluate(PLACE)["scale"] < 1:
        hand.key("z")
    if paste:
        page.wait_for_function(f"document.querySelectorAll('.hsi-class').length === {len(names)}")
    page.wait_for_timeout(300)
    page.evaluate(WATCH)
    for value, _ in names:
        for _ in range(PIXELS):
            found = in_view(page, reference, value, taken)
            while not len(found):
                hand.drag(-500)
                found = in_view(page, reference, value, taken)
            row, col = (int(v) for v in found[rng.integers(len(found))])
            taken[max(0, row - 2) : row + 3, max(0, col - 2) : col + 3] = True
            at = page.evaluate(f"([c, r]) => document.querySelector('{VIEWER}').__toClient(c, r)", [col, row])
            hand.click(at["x"], at["y"])
    last = CLASSES * PIXELS + paste  # a pasted list is an action of the journal, too
    wait_journal(page, last)
    wait_map(page, last)
    return hand


def as_envi(scene: Scene, folder: Path, shape: tuple[int, int] | None) -> tuple[Path, np.ndarray[Any, Any]]:
    """The scene's cube as an ENVI file with its coordinate system, every fourth band; laid side by side to `shape`."""
    import rasterio
    from rasterio.transform import Affine

    assert scene.reference is not None
    bands = np.flatnonzero(scene.good_bands)[::4]
    height, width, _ = scene.shape
    cube = np.nan_to_num(scene.cube.read(slice(0, height), slice(0, width), bands.tolist()))
    values = np.round(np.clip(cube, 0, 3) * 10_000).astype(np.int16)
    reference = np.where(scene.valid, scene.reference, 0)
    if shape is not None:
        rows, cols = np.arange(shape[0]) % height, np.arange(shape[1]) % width
        values, reference = values[rows][:, cols], reference[rows][:, cols]
    nm = scene.bands.wavelength_nm
    assert nm is not None
    assert scene.transform is not None
    file = folder / "own.img"
    with rasterio.open(
        file, "w", driver="ENVI", height=values.shape[0], width=values.shape[1], count=len(bands), dtype="int16",
        crs=scene.crs, transform=Affine(*scene.transform), INTERLEAVE="BIP",
    ) as out:  # fmt: skip
        out.write(np.moveaxis(values, 2, 0))
    header = file.with_suffix(".hdr")
    centres = ", ".join(f"{v:.2f}" for v in nm[bands])
    header.write_text(
        header.read_text()
        + f"wavelength units = Nanometers\nwavelength = {{ {centres} }}\nreflectance scale factor = 10000\n"
    )
    return file, reference


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__)
    parser.add_argument("--pace", type=float, default=1.3, help="seconds an action")
    parser.add_argument("--only", default="town,envi,wide")
    args = parser.parse_args(argv)

    town, bad = resolve("demo"), 0
    names = town.reference_classes[:CLASSES]
    print(f"{CLASSES} classes × {PIXELS} pixels, one action every {args.pace:g} s; {machine()}")
    with sync_playwright() as playwright:
        browser = _start(playwright)
        for kind in args.only.split(","):
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                spec, reference = "demo", np.asarray(town.reference)
                if kind != "town":
                    file, reference = as_envi(town, folder, WIDE if kind == "wide" else None)
                    spec = str(file.with_suffix(".hdr"))
                with RunningApp(folder / "home", ["--scene", spec, "--data", str(folder)]) as app:
                    page = browser.new_page(viewport={"width": 1440, "height": 900})
                    page.goto(app.url)
                    wait_ready(page)
                    page.wait_for_selector(".hsi-advance")
                    hand = label(page, reference, list(names), kind != "town", args.pace)
                    seconds = hand.seconds
                    took = [t for t in page.evaluate("window.__took") if t is not None and np.isfinite(t)]
                    page.close()
                studio = Studio(home=folder / "home")
                try:
                    counts = studio.project(studio.projects()[0].id).labels().counts
                finally:
                    studio.close()
                lost = CLASSES * PIXELS - int(sum(min(int(n), PIXELS) for n in counts))
                height, width = reference.shape
                print(f"{kind:5} {height} × {width}: {hand.actions} actions, {seconds:.0f} s, {lost} labels lost")
                half, most = np.median(took), quantile(took, 0.9)
                print(f"      click → map: median {half:.0f} ms, p90 {most:.0f} ms, n {len(took)}")
                bad += hand.actions > MOST_ACTIONS or lost > 0 or seconds > MOST_S
        browser.close()
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
