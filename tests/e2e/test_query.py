"""Asking the demo scene in a real browser: heat map, places with reasons, labels from them, a map without a click."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.running import VIEWER, RunningApp, page_at, wait_journal, wait_ready

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

ANSWERED = """(old) => {
  const heat = document.querySelector('.hsi-viewer').dataset.heat;
  const said = document.querySelector('.hsi-query > .hsi-query-status').textContent;
  return heat && heat !== old && said.startsWith('Answered');
}"""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    with RunningApp(tmp_path_factory.mktemp("query") / "app", ["--scene", "demo"]) as running:
        yield running


@pytest.fixture
def page(browser: Any, app: RunningApp) -> Iterator[Any]:
    """The app's page with the Query tab open; any console error fails the test."""
    with page_at(browser, app, "Query") as opened:
        yield opened


def ask(page: Any, text: str) -> None:
    old = page.evaluate(f"document.querySelector('{VIEWER}').dataset.heat || ''")
    page.fill(".hsi-query-field", text)
    page.keyboard.press("Enter")
    page.wait_for_function(ANSWERED, arg=old, timeout=120_000)
    page.wait_for_selector(".hsi-query-region")


def test_a_question_becomes_labels_and_undo_takes_them_back(page: Any, app: RunningApp) -> None:
    before = app.journal()
    ask(page, "metal roof")
    assert page.locator("[data-part=heatlegend]").is_visible()
    page.locator(".hsi-query-name").first.click()
    assert "bright metal roof" in page.inner_text(".hsi-query-why")
    page.locator("button", has_text="Propose labels").click()
    page.wait_for_selector(".hsi-query-ask")
    assert app.journal() == before  # nothing without a yes
    (count,) = re.findall(r"Label (\d+) pixels as Metal roof", page.inner_text(".hsi-query-ask"))
    page.locator(".hsi-query-label .hsi-primary").click()
    wait_journal(page, len(before) + 1)
    line = app.journal()[-1]
    assert len(line["payload"]["points"]) == int(count) > 0
    page.locator(f"{VIEWER} [data-part=stage]").focus()
    page.keyboard.press("Control+z")
    wait_journal(page, len(before) + 2)
    assert page.evaluate(f"document.querySelector('{VIEWER}').dataset.heat") is not None  # the answer stays


def test_a_reload_shows_the_answer_again_and_the_cross_takes_it_away(page: Any) -> None:
    ask(page, "water")
    page.reload()
    wait_ready(page)
    page.wait_for_selector(".hsi-query", timeout=20_000)
    page.wait_for_timeout(1500)
    assert page.locator(f"{VIEWER}[data-heat]").count() == 0  # a page that was loaded again begins with the map


def test_a_map_without_a_click_and_what_clicks_add(page: Any) -> None:
    page.locator("button", has_text="Map from these texts").click()
    page.wait_for_selector(".hsi-query-curve svg", timeout=180_000)
    assert page.inner_text(".hsi-query-figures").startswith("OA ")
    page.wait_for_function(f"document.querySelector('{VIEWER}').dataset.mapRev !== undefined")
    assert "map from texts alone" in page.inner_text("#hsi-strip")


def test_a_region_is_drawn_and_described_and_labels_nothing(page: Any, app: RunningApp) -> None:
    before = app.journal()
    page.locator("summary", has_text="What a class or a region looks like").click()
    page.get_by_test_id("draw-region").click()
    box = page.locator(f"{VIEWER} [data-part=stage]").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for dx, dy in ((60, 0), (60, 60), (0, 60), (0, 5)):
        page.mouse.move(x + dx, y + dy, steps=5)
    page.mouse.up()
    page.wait_for_selector(".hsi-query-looks .hsi-phrase", timeout=120_000)
    assert "This region" in page.inner_text(".hsi-query-looks")
    page.locator(".hsi-query-looks .hsi-phrase").first.click()
    assert "most pixels" in page.inner_text(".hsi-query-looks .hsi-query-evidence")
    assert page.locator(f"{VIEWER} [data-part=region]").is_visible()
    assert app.journal() == before
    page.get_by_test_id("draw-region").click()
    page.keyboard.press("Escape")
    assert page.get_by_test_id("draw-region").is_enabled()
