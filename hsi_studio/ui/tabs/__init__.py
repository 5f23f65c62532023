"""The side panel's tabs: a folder each, whose `__init__.py` ends with `TAB = Tab(name, title, order, create)`."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from hsi_studio.registry import scan
from hsi_studio.ui.tabs.contract import STEPS, Tab
from hsi_studio.ui.tabs.problem import problem_tab


def tabs() -> list[Tab]:
    """Every tab in its order; last, one for each that could not be loaded, with its error."""
    found = scan(sys.modules[__name__], "TAB")
    good = [entry for entry in found.entries.values() if isinstance(entry, Tab)]
    strange = [name for name, entry in found.entries.items() if not isinstance(entry, Tab)]
    problems = [*found.problems, *(f"{name} is left out: its TAB is no Tab." for name in strange)]
    return [*sorted(good, key=lambda tab: tab.order), *(problem_tab(n, text) for n, text in enumerate(problems))]


@dataclass(frozen=True)
class Step:
    """One entry of the rail: the tabs behind it."""

    name: str
    title: str  # "3 Words"; without a number where it is no step of the work
    tabs: list[Tab]


def steps() -> list[Step]:
    """The rail, in its order; a tab that names no step, or one that there is not, is an entry of its own at the end."""
    found = tabs()
    known = {name for name, _ in STEPS}
    inside = [
        Step(name, f"{number} {title}", [tab for tab in found if tab.step == name])
        for number, (name, title) in enumerate(STEPS, start=1)
    ]
    return [
        *(step for step in inside if step.tabs),
        *(Step(tab.name, tab.title, [tab]) for tab in found if tab.step not in known),
    ]
