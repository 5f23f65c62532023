"""The rail, the address, the dock and the bar of maps in a real browser, on a wide, a narrow and a small page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.running import STEPS, RunningApp, choose_class, click_pixel, open_tab, wait_map, wait_ready

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SIZES = """() => [...document.querySelectorAll('#hsi-top *, #hsi-main *')].reduce((found, node) => {
    const text = [...node.childNodes].filter((one) => one.nodeType === 3).map((one) => one.data.trim()).join('');
    if (text && node.checkVisibility() && node.clientHeight > 1 && !node.closest('svg'))
        (found[getComputedStyle(node).fontSize] ??= []).push(text);
    return found;
}, {})"""
WEIGHT = "node => Number(getComputedStyle(node).fontWeight)"


def opened(page: Any) -> str:
    """The open step's title."""
    return str(page.locator("#hsi-steps > .tab-wrapper [aria-selected=true]").inner_text())


def test_steps_back_and_the_map_one_looks_at(browser: Any, tmp_path: Path) -> None:
    problems: list[str] = []
    with RunningApp(tmp_path / "app") as app:
        page = browser.new_page(viewport={"width": 1024, "height": 768})
        page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: problems.append(str(e)))
        page.goto(app.url)
        wait_ready(page)
        titles = [f"{k} {step}" for k, step in enumerate(STEPS, start=1)]
        assert page.locator("#hsi-steps > .tab-wrapper [role=tab]:visible").all_inner_texts() == titles

        open_tab(page, "Compare")
        open_tab(page, "Query")
        assert opened(page) == "3 Words"
        page.go_back()  # the tab inside the step
        page.go_back()
        page.wait_for_function("document.querySelector('#hsi-step-compare-button').ariaSelected === 'true'")
        assert problems == []
        page.reload()
        wait_ready(page)
        problems.clear()  # of the streams that a reload cuts
        page.wait_for_function("document.querySelector('#hsi-step-compare-button')?.ariaSelected === 'true'")

        open_tab(page, "Label")
        for name, pixels in {"Corn-notill": [(35, 37), (39, 34)], "Woods": [(122, 91), (126, 112)]}.items():
            choose_class(page, name)
            for row, col in pixels:
                click_pixel(page, row, col)
        wait_map(page, 4)
        bar = page.get_by_role("group", name="Maps")
        bar.locator(".hv-layername", has_text="Map of your labels").locator("b").wait_for()  # with its accuracy
        page.keyboard.press("p")
        page.locator("#hsi-side").wait_for(state="hidden")
        sizes = {float(size.removesuffix("px")): texts for size, texts in page.evaluate(SIZES).items()}
        # all of it is 1.6 times as large, and one number is the largest
        assert set(sizes) <= {20.8, 24.0, 32.0, 51.2}, sizes
        assert len(sizes[51.2]) == 1, sizes
        page.keyboard.press("Escape")
        bar.get_by_role("button", name="Show Reference").click()
        page.get_by_text("This is the scene's reference").wait_for()
        page.wait_for_function("location.search.includes('layer=reference')")
        page.go_back()  # to the map that was shown before, and again
        page.locator(".hv-layername[aria-pressed=true]", has_text="Map of your labels").wait_for()
        page.go_forward()
        page.get_by_text("This is the scene's reference").wait_for()
        page.get_by_role("button", name="Zoom in").click()
        page.wait_for_function("location.search.includes('at=')")
        for part in ("Matrix", "Curves", "History", "Origin", "Accuracy"):
            page.get_by_role("tab", name=part, exact=True).click()
            page.locator(f"#hsi-dock-part-{part.lower()}").locator("p, li").first.wait_for()
            if part == "Matrix":  # which of the choices holds is to be seen
                weight = page.locator(".hsi-dock-matrix [aria-pressed=true]").first.evaluate(WEIGHT)
                assert weight > page.locator(".hsi-dock-matrix [aria-pressed=false]").first.evaluate(WEIGHT)
            if part == "Curves":
                names, plot = page.locator(".hsi-curve-names"), page.locator(".hsi-climb .main-svg").first
                plot.wait_for()
                assert names.locator("li").count() == 3
                above, lines = names.bounding_box(), plot.bounding_box()
                assert above["y"] + above["height"] <= lines["y"] + 1
        bar.get_by_role("button", name="Put Map of your labels beside the map that is shown").click()
        page.locator(".hv-swiperight", has_text="Map of your labels").wait_for()

        for part in (
            "#hsi-lesson .hsi-lesson",
            "#hsi-map-shown",
        ):  # made when the page was idle, from what it knew by then
            page.wait_for_function("part => document.querySelector(part)?.textContent.trim()", arg=part)

        page.keyboard.press("p")
        page.locator("#hsi-side").wait_for(state="hidden")
        page.keyboard.press("Escape")
        page.locator("#hsi-side").wait_for()

        page.set_viewport_size({"width": 390, "height": 844})
        page.wait_for_timeout(500)
        assert page.locator("#hsi-steps > .tab-wrapper [role=tab]:visible").all_inner_texts() == titles
        page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")  # the page's end is not below the bar
        page.wait_for_function(
            "document.querySelector('#hsi-steps').getBoundingClientRect().bottom"
            " <= document.querySelector('#hsi-steps > .tab-wrapper').getBoundingClientRect().top"
        )
        below = "innerHeight - document.querySelector('#hsi-steps > .tab-wrapper').getBoundingClientRect().bottom"
        assert abs(page.evaluate(below)) < 1  # nothing of the page is seen under it
        page.close()
    assert problems == []
