"""What the tabs share: the project's id, the viewer, the panels, and how to refresh them.

Ids that must survive a restart of the server (project, active class) live in hidden text boxes, whose
values the *browser* holds and sends with every event; `gr.State` would be empty after a restart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr


@dataclass(frozen=True)
class Bus:
    """Components every tab may use, and `after(event)`: "labels or scene changed, bring the map up to date"."""

    project: gr.Textbox  # project id, in the page
    active: gr.Textbox  # id of the class that a click labels with, in the page
    seen: gr.Textbox  # what this page shows: "journal revision/map revision"
    top: gr.HTML
    viewer: gr.HTML
    strip: gr.HTML
    classes: gr.HTML
    spectrum: gr.HTML
    after: Callable[[Any], Any]

    @property
    def shown(self) -> list[gr.components.Component]:
        """Outputs of a handler that shows a whole project (`Present.everything`)."""
        return [self.project, self.active, self.top, self.viewer, self.classes, self.strip, self.spectrum]


@dataclass(frozen=True)
class Tab:
    """One tab of the side panel; `create(studio, bus)` is called inside its `gr.Tab`."""

    name: str
    title: str
    order: int
    create: Callable[[Any, Bus], None]
