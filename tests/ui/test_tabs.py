"""Every tab is there: one that does not import would otherwise be missing from the page without a word."""

from __future__ import annotations

import hsi_studio.ui.tabs as folder
from hsi_studio.registry import scan
from hsi_studio.ui.tabs import tabs

EVERY = ["scene", "label", "map", "query", "prompts", "train", "models", "compare"]


def test_tabs_report_no_problem_and_none_is_missing() -> None:
    assert scan(folder, "TAB").problems == []
    assert sorted(tab.name for tab in tabs()) == sorted(EVERY)


def test_tabs_come_in_their_order_and_have_a_title() -> None:
    found = tabs()
    assert [tab.order for tab in found] == sorted({tab.order for tab in found})
    assert all(tab.title and callable(tab.create) for tab in found)
