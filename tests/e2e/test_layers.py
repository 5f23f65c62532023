"""The picture and a question's answer as rows of the bar of layers, and an imported map's card, in a real browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from tests.e2e.running import VIEWER, RunningApp, labelled_town, open_tab, wait_map, wait_ready

pytestmark = [
    pytest.mark.e2e, pytest.mark.slow, pytest.mark.filterwarnings("ignore:Dataset has no geotransform"),
]  # fmt: skip
PIXEL = """([part, row, col]) => {
  const viewer = document.querySelector('.hsi-viewer'), canvas = viewer.querySelector(`[data-part=${part}]`);
  const at = viewer.__toClient(col, row), box = canvas.getBoundingClientRect(), ratio = canvas.width / box.width;
  return [...canvas.getContext('2d').getImageData((at.x - box.left) * ratio, (at.y - box.top) * ratio, 1, 1).data];
}"""
SLOW = """() => {
  const real = window.fetch;
  const wait = (url) => new Promise((go) => setTimeout(go, String(url).includes('/follow/') ? 4000 : 0));
  window.fetch = (url, more) => wait(url).then(() => real(url, more));
}"""
PLACE = (20, 20)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    home = tmp_path_factory.mktemp("layers") / "app"
    labelled_town(home)
    with RunningApp(home) as running:
        yield running


@pytest.fixture
def page(browser: Any, app: RunningApp) -> Iterator[Any]:
    """The project with its map; any console error fails the test."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    opened, problems = context.new_page(), list[str]()
    opened.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    opened.on("pageerror", lambda e: problems.append(str(e)))
    name, first = project_of(app).name, {"left": "live", "right": ""}  # whatever a test before left
    assert opened.request.post(f"{app.url}/hsi/layers/{name}", data=first).ok
    opened.goto(f"{app.url}/?project={name}")
    wait_ready(opened)
    wait_map(opened, 9)
    yield opened
    context.close()
    assert problems == []


def project_of(app: RunningApp) -> Path:
    (folder,) = (app.home / "projects").iterdir()
    return folder


def alpha(page: Any, part: str = "picture") -> int:
    """Of a canvas at one pixel of the scene, 0 to 255; after it was painted."""
    page.wait_for_timeout(120)
    return int(page.evaluate(PIXEL, [part, *PLACE])[3])


def slide(page: Any, name: str, percent: int) -> None:
    page.get_by_role("slider", name=name).fill(str(percent))


def ask(page: Any, text: str) -> None:
    open_tab(page, "Query")
    page.fill(".hsi-query-field", text)
    page.keyboard.press("Enter")
    page.get_by_role("checkbox", name=f"Query: {text}").wait_for(timeout=120_000)
    page.wait_for_function(f"document.querySelector('{VIEWER}').dataset.heat !== undefined")


def test_a_map_is_looked_at_without_the_picture_under_it(page: Any, app: RunningApp) -> None:
    bar, tick = page.get_by_role("group", name="Layers"), page.get_by_role("checkbox", name="Picture")
    tick.wait_for()
    assert tick.is_checked()
    assert alpha(page) == 255
    tick.uncheck()
    assert abs(alpha(page) - 0.6 * 255) <= 3  # the map alone, at its own opacity
    assert "The picture is hidden" in page.locator("[data-part=message]").inner_text()
    slide(page, "Opacity of the picture", 50)  # whoever moves the slider wants to see it
    assert tick.is_checked()
    assert abs(alpha(page) - (1 - 0.4 * 0.5) * 255) <= 3
    slide(page, "Opacity of the picture", 0)
    assert abs(alpha(page) - 0.6 * 255) <= 3

    bar.get_by_role("button", name="Put Reference beside the map that is shown").click()
    page.locator(".hv-swiperight", has_text="Reference").wait_for()
    clip = page.evaluate(f"document.querySelector('{VIEWER} [data-part=picture]').style.clipPath")
    assert clip.startswith("inset(")  # the left map is not seen through the right one
    slide(page, "Opacity of the picture", 100)
    page.wait_for_function(f"document.querySelector('{VIEWER} [data-part=picture]').style.clipPath === ''")
    bar.get_by_role("button", name="Take Reference away from beside the map").click()
    page.locator(".hv-swiperight").wait_for(state="hidden")
    page.reload()
    wait_ready(page)
    assert page.get_by_role("checkbox", name="Picture").is_checked()
    assert alpha(page) == 255
    for layer in ("Reference", "Map of your labels"):  # the map's own opacity is in the address, and comes back
        bar.get_by_role("button", name=f"Show {layer}").click()
        page.locator(f".hv-layername[aria-pressed=true]:has-text('{layer}')").wait_for()
        page.locator("[data-part=opacity]").fill("30")
        page.wait_for_url("**opacity=30**")
        page.wait_for_timeout(2000)  # Gradio ends its first requests: one that is left in the middle is a console error
        page.reload()
        wait_ready(page)
        page.locator(f".hv-layername[aria-pressed=true]:has-text('{layer}')").wait_for()
        page.wait_for_function("document.querySelector('[data-part=opacity]').value === '30'")


def test_a_map_chosen_just_before_a_reload_stays_chosen(page: Any) -> None:
    """The address names it at once, not when its pixels are there: a slow server gave the map before back."""
    bar = page.get_by_role("group", name="Layers")
    pressed = ".hv-layername[aria-pressed=true]:has-text('{}')".format
    bar.get_by_role("button", name="Show Reference").click()
    page.wait_for_url("**layer=reference**")
    page.wait_for_function(f"document.querySelector('{VIEWER}').dataset.mapRev !== '9'")
    page.evaluate(SLOW)
    bar.get_by_role("button", name="Show Map of your labels").click()
    page.locator(pressed("Map of your labels")).wait_for()
    page.reload()
    wait_ready(page)
    wait_map(page, 9)
    page.wait_for_timeout(1000)
    assert page.locator(pressed("Map of your labels")).count() == 1
    page.go_back()  # one step: the map before it
    page.locator(pressed("Reference")).wait_for()


def test_an_answer_has_a_row_and_the_map_that_is_measured_stays(page: Any, app: RunningApp) -> None:
    shown = page.locator(".hv-layername[aria-pressed=true]", has_text="Map of your labels")
    shown.locator("b").wait_for()
    figures, journal = page.locator("#hsi-strip .hsi-figure-value").all_inner_texts(), app.journal()
    legend, tick = page.locator("[data-part=heatlegend]"), page.get_by_role("checkbox", name="Query: water")
    map_on = page.locator("[data-part=mapon]")
    assert tick.count() == 0
    ask(page, "water")
    assert tick.is_checked()
    assert legend.is_visible()
    assert map_on.get_attribute("aria-pressed") == "false"  # two colourings on one picture say nothing

    tick.focus()
    page.keyboard.press(" ")
    assert not tick.is_checked()
    assert legend.is_hidden()
    assert map_on.get_attribute("aria-pressed") == "true"
    assert tick.evaluate("(node) => node === document.activeElement")  # the bar was not made anew under the key
    page.wait_for_timeout(2500)  # the page looks for news meanwhile
    assert not tick.is_checked()
    page.keyboard.press(" ")
    legend.wait_for()
    slide(page, "Opacity of the heat map", 40)
    assert page.locator("[data-part=heat]").evaluate("(node) => node.style.opacity") == "0.4"
    assert page.get_by_role("slider", name="Opacity of the heat map").get_attribute("aria-valuetext") == "40 percent"
    shown.wait_for()
    assert page.locator("#hsi-strip .hsi-figure-value").all_inner_texts() == figures
    assert app.journal() == journal

    ask(page, "bright roof")  # one row: of the question that was asked last
    assert tick.count() == 0
    page.get_by_role("group", name="Layers").get_by_role("button", name="Take the heat map away").click()
    page.get_by_role("checkbox", name="Query: bright roof").wait_for(state="detached")
    assert legend.is_hidden()
    page.locator("button", has_text="Show the heat map again").click()
    page.get_by_role("checkbox", name="Query: bright roof").wait_for()
    page.reload()  # queries are not restored
    wait_ready(page)
    page.get_by_role("checkbox", name="Picture").wait_for()
    page.wait_for_timeout(1500)
    assert page.locator(".hv-plain-query:visible").count() == 0
    assert page.locator(f"{VIEWER}[data-heat]").count() == 0


def test_other_colourings_leave_the_answer_in_its_row(page: Any) -> None:
    ask(page, "water")
    tick, legend = page.get_by_role("checkbox", name="Query: water"), page.locator("[data-part=heattitle]")
    open_tab(page, "Map")
    page.locator(".ev-matrix td button").first.click()
    page.wait_for_function("!document.querySelector('.hv-plain-query input[type=checkbox]').checked")
    assert legend.inner_text() != "water"
    page.locator("[data-part=heatclose]").click()  # the cell's, not the answer's
    page.locator("[data-part=heatlegend]").wait_for(state="hidden")
    page.wait_for_timeout(1000)
    assert tick.is_visible()
    tick.check()
    page.wait_for_function(f"document.querySelector('{VIEWER}').dataset.heat !== undefined")
    assert legend.inner_text() == "water"

    page.get_by_role("button", name="Certify this map").click()  # random pixels are labelled blind
    page.wait_for_function("document.querySelector('[data-part=heattitle]').textContent.startsWith('Random pixel')")
    assert not tick.is_checked()
    tick.click()
    assert not tick.is_checked()
    assert "No answer is shown while you label random pixels" in page.locator("[data-part=message]").inner_text()
    assert legend.inner_text().startswith("Random pixel")


def test_the_rows_fit_a_phone(page: Any) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    ask(page, "vegetation")
    page.wait_for_timeout(500)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    query = page.get_by_role("checkbox", name="Query: vegetation")
    query.uncheck()
    assert page.locator("[data-part=heatlegend]").is_hidden()
    page.get_by_role("button", name="Show Reference").scroll_into_view_if_needed()
    page.get_by_role("group", name="Layers").get_by_role("button", name="Take the heat map away").click()
    query.wait_for(state="detached")


def test_an_imported_map_waits_on_a_card_with_what_is_not_known(page: Any, app: RunningApp, tmp_path: Path) -> None:
    names = [info["name"] for info in json.loads((project_of(app) / "project.json").read_text())["classes"]]
    file, values = tmp_path / "town.tif", np.repeat(np.arange(48) // 16 + 1, 48).reshape(48, 48)
    with rasterio.open(file, "w", driver="GTiff", width=48, height=48, count=1, dtype="uint8", nodata=0) as target:
        target.write(values.astype(np.uint8), 1)
        target.update_tags(1, class_names=json.dumps({"1": names[0], "2": names[1], "3": "Landfill"}))
    open_tab(page, "Map")
    page.locator("summary", has_text="Maps from elsewhere").click()
    page.locator(".ev-file[multiple]").set_input_files(str(file))
    card = page.locator("#hsi-strip .hsi-card")
    card.get_by_text("Imported “town”").wait_for()
    text = card.inner_text()
    assert "against map of your labels" in text
    assert "on the same " in text
    assert "What “town” was trained on is not known here" in text
    assert "so where “town” shows them it is wrong: Landfill." in text
    page.locator(".hv-layername[aria-pressed=true]", has_text="Map of your labels").wait_for()  # it was not replaced
    card.get_by_role("button", name="Show").click()
    page.locator(".hv-layername[aria-pressed=true]", has_text="town").wait_for()
    page.locator("#hsi-strip", has_text="among its training pixels").wait_for()
