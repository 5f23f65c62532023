"""A lesson in two tabs of a real browser: what one hands in, the other shows."""

from __future__ import annotations

import urllib.request
from pathlib import Path
from typing import Any

import pytest

from hsi_studio import Studio
from tests.e2e.running import RunningApp, small_town, wait_ready

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_a_page_whose_lesson_is_handed_in_elsewhere_shows_the_reference(browser: Any, tmp_path: Path) -> None:
    places = small_town(tmp_path / "app")
    studio = Studio(home=tmp_path / "app")
    lesson = studio.lessons.start(studio.projects()[0].id, shots=2)
    for info in lesson.schema.classes[:2]:
        studio.label(lesson.id, *places[info.name][0], info.id)
    studio.close()
    with RunningApp(tmp_path / "app") as app:
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{app.url}/?project={lesson.id}")
        wait_ready(page)
        page.wait_for_function("document.querySelector('#hsi-lesson')?.textContent.includes('Hand in')")
        facts = page.locator(".hsi-scene-facts", has_text="the reference is hidden")
        facts.wait_for()
        assert page.get_by_role("button", name="Show Reference").count() == 0
        page.get_by_role("tab", name="2 Label", exact=True).click()
        page.get_by_role("button", name="Hand in …").click()
        page.wait_for_function("location.search.includes('step=compare.lesson')")  # where a reload comes back to
        asked = urllib.request.Request(f"{app.url}/hsi/lesson/{lesson.id}/hand-in", b"", method="POST")
        with urllib.request.urlopen(asked, timeout=120) as answer:
            assert answer.status == 200
        facts.wait_for(state="detached")
        page.get_by_role("button", name="Show Reference").wait_for()
        page.close()
