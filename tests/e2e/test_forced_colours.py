"""The page with colours forced by the system: backgrounds and shadows go, and it must still be told what is chosen,
where the focus is, what is a button and which class a colour stands for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.running import RunningApp, choose_class, click_pixel, open_tab, wait_map, wait_ready

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

LOOK = "(node, name) => getComputedStyle(node)[name]"
FOCUSED = """() => {
    const node = document.activeElement, look = getComputedStyle(node);
    return [node.outerHTML.slice(0, 120), look.outlineStyle];
}"""


def look(node: Any, name: str) -> str:
    return str(node.first.evaluate(LOOK, name))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_a_background_told_is_told_otherwise(browser: Any, tmp_path: Path, scheme: str) -> None:
    problems: list[str] = []
    with RunningApp(tmp_path / "app") as app:
        page = browser.new_page(
            viewport={"width": 1440, "height": 900}, forced_colors="active", color_scheme=scheme
        )  # fmt: skip
        page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: problems.append(str(e)))
        page.goto(app.url)
        wait_ready(page)
        for name, place in {"Corn-notill": (35, 37), "Woods": (122, 91)}.items():
            choose_class(page, name)
            click_pixel(page, *place)
        wait_map(page, 2)

        tabs = page.locator("#hsi-steps > .tab-wrapper [role=tab]:visible")
        chosen, other = (
            page.locator(f"#hsi-steps > .tab-wrapper [aria-selected={on}]:visible") for on in ("true", "false")
        )
        assert tabs.count() == 6
        assert look(chosen, "backgroundColor") != look(other, "backgroundColor")
        shown, kept = (
            page.locator(".hv-layername[aria-pressed=true]"),
            page.locator(".hv-layername[aria-pressed=false]"),
        )
        assert look(shown, "backgroundColor") != look(kept, "backgroundColor")
        assert look(shown, "color") == look(shown.locator("b"), "color")  # the figure in it is readable too
        assert look(page.locator(".hsi-class.is-active"), "outlineStyle") == "solid"
        assert look(page.locator(".hv-active .hv-dot"), "backgroundColor") == "rgb(0, 158, 115)"  # that of woods

        page.evaluate("document.activeElement.blur()")
        for _ in range(130):  # once around: every one of them shows the focus
            page.keyboard.press("Tab")
            node, outline = page.evaluate(FOCUSED)
            assert outline != "none" or node.startswith("<body"), node

        open_tab(page, "Map")
        export = page.get_by_role("button", name="Export everything")
        export.wait_for()
        assert look(export, "borderTopStyle") == "solid"
        cells = page.locator(".ev-cells")
        cells.locator(".is-right").first.wait_for()
        assert look(cells.locator(".is-right"), "backgroundColor") != look(cells.locator(".is-none"), "backgroundColor")

        open_tab(page, "Compare")
        words = page.get_by_role("radio", name="Words", exact=True)
        words.wait_for()
        page.wait_for_function("document.querySelector('#hsi-side input[type=radio]:checked')")
        chosen, other = (
            page.locator(f"#hsi-side input[type=radio]{on}:visible") for on in (":checked", ":not(:checked)")
        )
        assert chosen.first.screenshot() != other.first.screenshot()
        page.close()
    assert problems == []
