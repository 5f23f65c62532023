"""The side panel's tabs: a folder each, whose `__init__.py` ends with `TAB = Tab(name, title, order, create)`."""

from __future__ import annotations

import sys

from hsi_studio.registry import scan
from hsi_studio.ui.tabs.contract import Tab
from hsi_studio.ui.tabs.problem import problem_tab


def tabs() -> list[Tab]:
    """Every tab in its order; last, one for each that could not be loaded, with its error."""
    found = scan(sys.modules[__name__], "TAB")
    good = [entry for entry in found.entries.values() if isinstance(entry, Tab)]
    strange = [name for name, entry in found.entries.items() if not isinstance(entry, Tab)]
    problems = [*found.problems, *(f"{name} is left out: its TAB is no Tab." for name in strange)]
    return [*sorted(good, key=lambda tab: tab.order), *(problem_tab(n, text) for n, text in enumerate(problems))]
