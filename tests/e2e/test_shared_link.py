"""Who opens a link of somebody's project has that project, a way out, and nothing else to open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.running import RunningApp, open_tab, wait_ready

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_a_guest_is_offered_no_other_project(browser: Any, tmp_path: Path) -> None:
    with RunningApp(tmp_path / "app", ["--scene", "demo", "--per-session"]) as app:
        owner = browser.new_page()
        owner.set_default_timeout(60_000)
        owner.goto(app.url)
        wait_ready(owner)
        assert owner.locator(".hsi-doors").get_by_role("button", name="Open", exact=True).is_visible()
        open_tab(owner, "Scene")
        owner.locator("#hsi-share button").first.click()
        owner.locator("#hsi-share-make").click()
        link = owner.locator("#hsi-share-link textarea, #hsi-share-link input").first
        owner.wait_for_function("(n) => n.value.includes('/hsi/share/')", arg=link.element_handle())
        guest = browser.new_context().new_page()
        guest.set_default_timeout(60_000)
        guest.goto(link.input_value())
        guest.get_by_role("button").first.click()
        wait_ready(guest)
        guest.get_by_role("button", name="Shared with you · leave").wait_for()
        doors = guest.locator(".hsi-doors")
        assert doors.get_by_role("button", name="Export").is_visible()
        assert doors.get_by_role("button", name="Open", exact=True).count() == 0
