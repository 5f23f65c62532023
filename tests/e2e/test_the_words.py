"""The prompt lab's moment: two wordings, what each lights up, both on the same shots and seeds, an answer with an
interval and the shuffled words beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.running import VIEWER, RunningApp, choose_from, open_tab, small_town, wait_ready
from tests.e2e.test_prompts import version
from tests.e2e.test_query import ask

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
QUESTIONS = ("grass", "healthy grass, dense green canopy, strong near-infrared plateau")


@pytest.fixture
def app(tmp_path: Path) -> Iterator[RunningApp]:
    """On a small scene: a comparison on Indian Pines takes six minutes of two cores and shows no more."""
    small_town(tmp_path / "app")
    with RunningApp(tmp_path / "app") as running:
        yield running


@pytest.mark.timeout(600)  # a comparison of 3 seeds is waited for up to 400 s
def test_what_the_words_are_worth(app: RunningApp, browser: Any, tmp_path: Path) -> None:
    problems: list[str] = []
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.set_default_timeout(120_000)
    page.goto(app.url)
    wait_ready(page)

    open_tab(page, "Query")
    lit = []
    for question in QUESTIONS:
        ask(page, question)
        lit.append(page.evaluate(f"document.querySelector('{VIEWER}').dataset.heat"))
        assert page.locator(".hsi-query-region").count()
    assert lit[0] != lit[1]

    open_tab(page, "Prompts")
    page.locator("[data-source=p1]").click()
    version(page, 1)
    grass = page.locator(".hsi-words", has_text=re.compile("grass", re.IGNORECASE)).first.locator("textarea").first
    grass.fill(QUESTIONS[1])
    grass.press("Enter")
    version(page, 2)

    open_tab(page, "Compare")
    page.locator("#hsi-compare-words").wait_for()
    choose_from(page, "#hsi-compare-method", "Few steps")
    choose_from(page, "#hsi-compare-words", "p1 plain", "version 2")
    page.get_by_text("maps to make").wait_for()
    page.locator("#hsi-compare-start").click()
    page.wait_for_selector(".hsi-compare[data-state='done']", timeout=400_000)
    panel = page.locator(".hsi-compare")
    told = panel.inner_text()
    headline = panel.locator(".hsi-compare-headline").inner_text()
    assert re.search(r"95\s?%|no difference", headline, re.IGNORECASE), headline
    assert "huffled" in told  # the control
    panel.get_by_role("button", name="Swipe A | B").click()
    page.wait_for_function(f"document.querySelector('{VIEWER} [data-part=swipe]').hidden === false")
    page.context.close()
    assert problems == []
