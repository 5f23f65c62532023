"""Makes the pictures of the documentation from the running app: `python -m docs.make_pictures [NAME …]`.

The app starts on a home folder of its own, a headless browser does what the tour says, and each step leaves a picture
in `docs/pictures/`. Without names all are made (about ten minutes on two cores: a training and a comparison are among
them). Pictures have 256 colours and stay small: all together below 3 MB, which a test checks.

The steps lean on each other in this order: `label` first makes the nine labels that the later ones need.
"""

from __future__ import annotations

import argparse
import io
import logging
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

from tests.e2e.conftest import ARGUMENTS, installed_browser
from tests.e2e.running import RunningApp as App
from tests.e2e.running import choose_class, click_pixel, open_tab, wait_journal, wait_map, wait_ready

PICTURES = Path(__file__).resolve().parent / "pictures"
SIZE: Any = {"width": 1440, "height": 900}  # all tabs have room
COLOURS = 256
LONG_MS = 1_200_000  # a training or a comparison on busy cores
START_S = 600.0


class RunningApp(App):
    """With more patience than a test has."""

    def start(self, timeout: float = START_S) -> None:
        super().start(timeout)


CLICKS = {
    "Corn-notill": [(35, 37), (39, 34), (52, 98)],
    "Soybean-mintill": [(62, 53), (83, 55), (95, 40)],
    "Woods": [(122, 91), (126, 112), (131, 93)],
}


def nine_clicks(page: Any) -> None:
    """The labels of the tour, and the map of them with its accuracy."""
    count = 0
    for name, pixels in CLICKS.items():
        choose_class(page, name)
        for row, col in pixels:
            click_pixel(page, row, col)
            count += 1
            wait_journal(page, count)
    wait_map(page, count)
    page.wait_for_selector(".hsi-strip[data-state='figures'] .hsi-figure-value")


def label(page: Any) -> None:
    open_tab(page, "Label")
    page.get_by_role("tab", name="Spectra", exact=True).click()
    page.wait_for_selector(".hsi-spectrum[data-drawn] .main-svg")


def scene(page: Any) -> None:
    open_tab(page, "Scene")
    page.get_by_text("Reference map").first.wait_for()


def words(page: Any) -> None:
    open_tab(page, "Prompts")
    page.locator("[data-source=p5]").click()
    page.locator(".hsi-words textarea").first.wait_for()


def query(page: Any) -> None:
    open_tab(page, "Query")
    page.get_by_role("button", name="dry straw").click()
    page.locator("[data-part=heatlegend]").wait_for(timeout=LONG_MS)
    page.locator(".hsi-query-name").first.wait_for()


def train(page: Any) -> None:
    page.locator("[data-part=heatclose]").evaluate("button => button.click()")
    open_tab(page, "Train")
    page.wait_for_selector(".hsi-train[data-ready='1']")
    page.locator("#hsi-method").select_option("curated")
    page.locator("#hsi-train-start").click()
    page.locator(".hsi-strip .hsi-card").get_by_role("button", name="Show").click(timeout=LONG_MS)
    page.locator(".hsi-strip .hsi-card").wait_for(state="detached")


def compare(page: Any) -> None:
    open_tab(page, "Compare")
    page.locator("#hsi-compare-words").wait_for()
    page.get_by_text("maps to make").wait_for(timeout=60_000)
    page.locator("#hsi-compare-start").click()
    page.wait_for_selector(".hsi-compare[data-state='done']", timeout=LONG_MS)
    page.locator(".hsi-compare-headline").scroll_into_view_if_needed()


def export(page: Any) -> None:
    open_tab(page, "Map")
    page.locator("#hsi-export").click()
    page.locator("#hsi-downloads a[download$='.zip']").first.wait_for(timeout=60_000)


STEPS: dict[str, Callable[[Any], None]] = {
    "label": label, "scene": scene, "words": words, "query": query, "train": train, "map": export, "compare": compare,
}  # fmt: skip


def save(page: Any, name: str) -> int:
    """The page as it is, in few colours, none of them farther than a shade from its own: small classes keep theirs.
    Returns its bytes."""
    page.mouse.move(5, 5)
    page.wait_for_timeout(800)  # until what fades has faded
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    file = PICTURES / f"{name}.png"
    picture.quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(file, optimize=True)
    return file.stat().st_size


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(STEPS)} (default: all)")
    wanted = parser.parse_args(argv).names or list(STEPS)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as player, RunningApp(Path(folder) / "home") as app:
        browser = player.chromium.launch(executable_path=installed_browser(), args=ARGUMENTS)
        page = browser.new_page(viewport=SIZE)
        page.set_default_timeout(120_000)
        page.goto(app.url)
        wait_ready(page)
        nine_clicks(page)
        for name, step in STEPS.items():
            if name in wanted:
                step(page)
                logging.getLogger(__name__).info("%s.png, %d bytes", name, save(page, name))
        browser.close()


if __name__ == "__main__":
    main()
