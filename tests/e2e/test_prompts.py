"""The Prompts tab in a real browser: words are typed, kept, compared, taken back, and proposed by a language model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.running import RunningApp, open_tab, page_at, wait_ready
from tests.text.llm_server import Handler, serving

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def reply(to: Handler, body: Any) -> None:
    """A good description of every class but the second, whose line has markup."""
    names = [line[2:] for line in body["messages"][1]["content"].splitlines() if line.startswith("- ")]
    to.begin()
    for n, name in enumerate(names):
        text = f"The {name} is a cover of the ground that differs from all others in colour and texture."
        to.piece(json.dumps({"class": name, "sentences": [f"**{text}**" if n == 1 else text]}) + "\n")
    to.piece("", "stop")
    to.usage(prompt_tokens=321, completion_tokens=99)
    to.done()


@pytest.fixture
def app(tmp_path: Path) -> Iterator[RunningApp]:
    with serving(reply) as (url, _):
        options = ["--scene", "demo", "--llm-url", url, "--llm-model", "tiny"]
        with RunningApp(tmp_path / "app", options) as running:
            yield running


@pytest.fixture
def page(browser: Any, app: RunningApp) -> Iterator[Any]:
    """The app's page on the Prompts tab; any console error fails the test."""
    with page_at(browser, app, "Prompts") as opened:
        yield opened


def version(page: Any, number: int) -> None:
    page.wait_for_function(
        f"document.querySelector('.hsi-prompts-choice')?.selectedOptions[0].text.endsWith('version {number}')"
    )


def events(app: RunningApp) -> list[str]:
    return [line["type"] for line in app.journal()]


def test_words_are_typed_kept_compared_and_taken_back(app: RunningApp, page: Any) -> None:
    page.locator("[data-source=p5]").click()
    version(page, 1)
    boxes = page.locator(".hsi-words textarea")
    first = boxes.first.input_value()
    boxes.first.fill("Broadleaf trees are <b>round</b> dark crowns near 9000 nm.")
    boxes.first.press("Enter")
    version(page, 2)
    assert events(app) == ["create_prompt_set", "edit_prompt_set"]  # in the journal before the page says so
    page.wait_for_selector(".hsi-flags >> text=the sensor has no 9000 nm")
    assert page.evaluate("document.activeElement.tagName") == "TEXTAREA"  # Enter went on to the next sentence

    page.keyboard.press("End")
    page.keyboard.type(" and never lost")
    page.keyboard.press("Escape")  # taken back: no new version
    page.locator(".hsi-words").first.get_by_text("History").click()
    page.locator(".hsi-history").get_by_text("Use again").click()
    version(page, 3)
    page.wait_for_function("(said) => document.querySelector('.hsi-words textarea').value === said", arg=first)

    page.locator("#hsi-prompt-versions button").first.click()
    page.locator(".hsi-versions li").nth(1).get_by_text("Compare").click()
    page.wait_for_selector(".hsi-diff del >> text=<b>round</b>")

    page.locator("#hsi-likeness button").first.click()
    page.wait_for_selector(".hsi-textview[data-drawn]", timeout=60_000)
    assert page.locator(".hsi-warnings li").count() >= 1

    page.reload()
    wait_ready(page)
    open_tab(page, "Prompts")
    version(page, 3)
    assert page.locator(".hsi-words textarea").first.input_value() == first


def test_a_language_model_proposes_and_the_user_decides(app: RunningApp, page: Any) -> None:
    page.locator("[data-source=empty]").click()
    version(page, 1)
    assert page.locator(".hsi-flags li[data-kind=empty]").count() == page.locator(".hsi-words").count()
    page.locator("#hsi-language-model button").first.click()
    page.get_by_text("Propose descriptions").click()
    page.wait_for_selector(".hsi-drafts >> text=321 tokens read, 99 written", timeout=30_000)
    assert events(app) == ["create_prompt_set"]  # nothing is used unseen
    proposals = page.locator(".hsi-proposal")
    total = proposals.count()
    proposals.nth(1).get_by_text("Accept").click()
    page.wait_for_selector(".hsi-drafts >> text=has markup in it. Change it here")
    proposals.first.get_by_text("Accept").click()
    version(page, 2)
    page.get_by_text(f"Accept {total - 2}", exact=True).click()
    version(page, 3)
    assert page.locator(".hsi-flags li[data-kind=empty]").count() == 1
    assert proposals.count() == 1
