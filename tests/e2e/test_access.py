"""Every step of the page by the rules of axe-core (WCAG 2 A and AA, good practice), light and dark; and what a hand
needs least for: classes pasted at once, the next class by itself, one class alone, a panel as wide as wanted."""

from __future__ import annotations

import itertools
import os
from typing import Any

import pytest

from tests.e2e.running import ROOT, RunningApp, click_pixel, wait_map, wait_ready

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

AXE = ROOT / "tests" / "web" / "node_modules" / "axe-core" / "axe.min.js"
PLACES = ("label", "scene", "words.prompts", "words.query", "train", "train.models", "compare", "map")
DOCK = ("accuracy", "spectra", "matrix", "curves", "history", "origin")
RUN = """async () => (await axe.run(document, {resultTypes: ['violations']})).violations.flatMap(
  (rule) => rule.nodes.map((node) => `${rule.id}: ${node.target.join(' ')}`))"""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with RunningApp(tmp_path_factory.mktemp("access") / "app", ["--scene", "demo"]) as started:
        yield started


def opened(browser: Any, app: RunningApp, **options: Any) -> Any:
    options = {"viewport": {"width": 1440, "height": 900}, "reduced_motion": "reduce", **options}
    page = browser.new_page(**options)
    page.goto(app.url)
    wait_ready(page)
    page.locator(".hsi-class").first.wait_for()
    return page


def paste(page: Any, text: str) -> None:
    page.evaluate(
        "(text) => { const data = new DataTransfer(); data.setData('text/plain', text); document.body.dispatchEvent("
        "new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true})); }",
        text,
    )


def test_a_pasted_list_the_next_class_and_one_class_alone(browser: Any, app: RunningApp) -> None:
    page = opened(browser, app)
    before = page.locator(".hsi-class").count()
    paste(page, "Harbour\nQuay")
    page.locator(".hsi-class.is-active", has_text="Harbour").wait_for()
    assert page.locator(".hsi-class").count() == before + 2
    page.keyboard.press("Control+z")
    page.wait_for_function(f"document.querySelectorAll('.hsi-class').length === {before}")

    page.get_by_label("Labels a class before the next one is chosen").fill("2")
    page.get_by_label("Choose the next class after").check()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("1")
    for place in [(50, 60), (52, 62), (100, 120)]:
        click_pixel(page, *place)
    page.locator(".hsi-class.is-active .hsi-key", has_text="2").wait_for()
    wait_map(page, 3)

    page.locator(".hv-legend summary").click()
    first = page.locator(".hv-solo").first
    first.click()
    assert page.locator(".hv-out").count() == before - 1
    first.click()
    assert page.locator(".hv-out").count() == 0

    side = page.locator("#hsi-side")
    wide = side.bounding_box()["width"]
    page.get_by_role("separator", name="Width of the panel").focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_function(f"document.querySelector('#hsi-side').getBoundingClientRect().width > {wide + 10}")
    page.reload()
    wait_ready(page)
    page.wait_for_function(f"document.querySelector('#hsi-side').getBoundingClientRect().width > {wide + 10}")
    page.close()


def test_axe_finds_nothing(browser: Any, app: RunningApp) -> None:
    if not AXE.is_file():
        assert os.environ.get("CI") != "true", "axe-core is missing: run `npm ci` in tests/web"
        pytest.skip("axe-core is not installed: `npm ci` in tests/web brings it")
    page, found = opened(browser, app), []
    page.locator(".hv-legend summary").click()
    page.evaluate(f"() => {{ {AXE.read_text(encoding='utf-8')} }}")

    def look(place: str) -> None:
        for dark in (False, True):  # colours change at once: the page keeps still for whoever asks for it
            page.evaluate("(dark) => document.body.classList.toggle('dark', dark)", dark)
            scheme = "dark" if dark else "light"
            found.extend(f"{place}, {scheme}: {line}" for line in page.evaluate(RUN))

    def opened_step(place: str) -> None:
        step, _, part = place.partition(".")
        page.locator(f"#hsi-step-{step}-button").click()
        if part:
            page.locator(f"#hsi-part-{part}-button").click()
        page.locator(f"#hsi-{'part' if part else 'step'}-{part or step} > * > *").first.wait_for()
        if place == "train":  # its form comes with the server's answer
            page.locator(".hsi-train[data-ready]").wait_for()

    for place, part_below in zip(PLACES, itertools.cycle(DOCK), strict=False):
        if page.locator(f"#hsi-dock-{part_below}").get_attribute("aria-selected") == "false":
            page.locator(f"#hsi-dock-{part_below}").click()
            page.wait_for_timeout(400)  # plots come when the page is idle
        opened_step(place)
        look(place)
    page.keyboard.press("p")
    look("presenting")
    page.keyboard.press("Escape")

    opened_step("compare.lesson")
    page.locator(".hsi-lesson button").first.wait_for()
    start = page.get_by_role("button", name="Start a lesson")
    if start.count():  # a second try finds the lesson of the first
        start.click()
    opened_step("label")
    page.locator(".hsi-lesson-go").wait_for()
    look("a lesson goes on: the classes")
    opened_step("compare.lesson")
    page.get_by_role("button", name="Hand in").wait_for()
    look("a lesson goes on")
    page.close()
    assert found == []
