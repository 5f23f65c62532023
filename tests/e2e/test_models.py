"""The Models tab in a real browser: two models side by side; renamed, searched, exported, thrown away, imported."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.running import VIEWER, RunningApp, labelled_town, page_at, wait_ready
from tests.e2e.test_train import SMALL

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
TABLE, DETAIL = ".hsi-models-sheet tbody tr", ".hsi-models-detail"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    """The application with two trained models of one project; the last test throws one away."""
    from hsi_studio import Studio

    home = tmp_path_factory.mktemp("models") / "app"
    labelled_town(home)
    studio = Studio(home=home)
    project = studio.latest_project()
    assert project is not None
    params = {**SMALL, "epochs": 2, "min_steps": 4}
    for seed in (0, 1):
        run = studio.runs.start(project.id, "diffclip", params, "p5", seed)
        assert studio.runs.wait(run.id, 120).state == "done"
    studio.close()
    with RunningApp(home) as running:
        yield running


@pytest.fixture
def page(browser: Any, app: RunningApp) -> Iterator[Any]:
    """The app's page with the Models tab open; any console error fails the test."""
    with page_at(browser, app, "Models") as opened:
        yield opened


def button(page: Any, name: str) -> Any:
    return page.locator(DETAIL).get_by_role("button", name=name, exact=True)


def wait_rows(page: Any, count: int) -> None:
    page.wait_for_function(f"document.querySelectorAll('{TABLE}').length === {count}", timeout=15_000)


def hand_in(page: Any, file: Path) -> None:
    with page.expect_file_chooser() as waiting:
        page.locator("#hsi-models-import").click()
    waiting.value.set_files(str(file))


def test_two_models_are_shown_side_by_side(page: Any) -> None:
    wait_rows(page, 2)
    page.locator(TABLE).first.click()
    button(page, "Show map").click()
    page.wait_for_function(f"document.querySelector('{VIEWER}').dataset.mapRev !== undefined", timeout=60_000)
    page.wait_for_selector(f"{TABLE} >> text=A", timeout=10_000)
    page.locator(TABLE).nth(1).click()
    page.wait_for_function(f"document.querySelector('{TABLE}:nth-child(2)').classList.contains('is-active')")
    button(page, "Show beside").click()
    page.wait_for_selector(f"{VIEWER} [data-part=swipe]:not([hidden])", timeout=60_000)
    page.reload()
    wait_ready(page)
    page.wait_for_selector(f"{VIEWER} [data-part=swipe]:not([hidden])", timeout=30_000)  # nothing is lost


def test_a_wrong_file_is_refused_with_the_reason(page: Any, tmp_path: Path) -> None:
    wait_rows(page, 2)
    wrong = tmp_path / "wrong.safetensors"
    wrong.write_bytes(b"\xff" * 400)
    hand_in(page, wrong)
    page.get_by_text("wrong.safetensors").first.wait_for()
    wait_rows(page, 2)


def test_a_model_is_renamed_found_given_out_binned_and_taken_in_again(page: Any, tmp_path: Path) -> None:
    wait_rows(page, 2)
    page.locator(TABLE).first.click()
    page.locator(DETAIL).get_by_role("button", name="Rename").click()
    page.locator(".hsi-models .hsi-class-rename").fill("Summer, final")
    page.keyboard.press("Enter")
    page.locator(TABLE, has_text="Summer, final").wait_for()
    page.locator(".hsi-models-search").fill("summer")
    wait_rows(page, 1)
    page.locator(TABLE).first.click()
    button(page, "Export").click()
    with page.expect_download() as waiting:
        page.locator("#hsi-models-export a").first.click()
    file = tmp_path / "given.safetensors"
    waiting.value.save_as(file)
    assert file.stat().st_size > 10_000
    button(page, "Delete").click()
    button(page, "Delete").click()  # it asks first
    wait_rows(page, 0)
    page.locator(".hsi-models-search").fill("")
    wait_rows(page, 1)
    assert "1" in page.locator(".hsi-models-bin summary").inner_text()
    hand_in(page, file)
    page.locator(TABLE, has_text="Summer, final").wait_for()
