"""Shots drawn from the reference in a real browser: from the Train tab, more of them, others instead, undo."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.running import RunningApp, open_tab, wait_map, wait_ready

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture
def app(tmp_path: Path) -> Iterator[RunningApp]:
    with RunningApp(tmp_path / "app") as running:
        yield running


def draw(page: Any, shots: int, seed: int, instead: bool = False) -> None:
    dialog = page.locator("#hsi-draw-labels")
    dialog.get_by_label("Labels a class").fill(str(shots))
    dialog.get_by_label("Seed").fill(str(seed))
    if instead:
        dialog.get_by_label("Take away").check()
    dialog.get_by_role("button", name="Draw labels").click()


def test_shots_are_drawn_from_the_train_tab(browser: Any, app: RunningApp) -> None:
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    problems: list[str] = []
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: problems.append(str(e)))
    page.goto(app.url)
    wait_ready(page)
    open_tab(page, "Train")
    page.wait_for_selector(".hsi-train[data-ready='1']", timeout=30_000)
    page.wait_for_function("document.querySelector('.tr-forecast').textContent.includes('once two classes')")

    page.get_by_role("button", name="Draw labels from the reference").click()
    assert page.locator("#hsi-draw-labels .hsi-draw-instead").is_hidden()  # there are none to take away
    draw(page, shots=3, seed=1)
    page.wait_for_function("document.querySelector('.tr-labels h4').textContent === '48 labels in 16 classes'")
    page.wait_for_function("document.querySelector('.tr-forecast').textContent.startsWith('About ')")
    wait_map(page, 1)
    (event,) = app.journal()
    assert event["type"] == "import_labels"
    assert event["payload"]["source"] == "reference, 3 a class, seed 1"

    # the spectra were drawn for a part of the dock that was not shown: they must fit all the same
    open_tab(page, "Label")
    page.get_by_role("tab", name="Spectra", exact=True).click()
    page.wait_for_selector(".hsi-spectrum[data-drawn] .main-svg")
    plot, side = (page.locator(name).bounding_box() for name in (".hsi-spectrum .main-svg >> nth=0", ".hsi-spectrum"))
    assert plot["x"] + plot["width"] <= side["x"] + side["width"] + 1

    # more of the same seed, then others instead, then back
    page.get_by_title("Draw labels from the reference, for experiments").click()
    draw(page, shots=5, seed=1)
    page.wait_for_function("document.querySelector('.hsi-classes-head').textContent.includes('80 labelled')")
    page.get_by_title("Draw labels from the reference, for experiments").click()
    draw(page, shots=2, seed=7, instead=True)
    page.wait_for_function("document.querySelector('.hsi-classes-head').textContent.includes('32 labelled')")
    page.get_by_test_id("undo").click()
    page.wait_for_function("document.querySelector('.hsi-classes-head').textContent.includes('80 labelled')")
    page.get_by_title("Draw labels from the reference, for experiments").click()
    draw(page, shots=5, seed=1)
    page.get_by_text("nothing to add").wait_for()
    assert [line["type"] for line in app.journal()] == ["import_labels"] * 3 + ["undo"]
    assert not problems
