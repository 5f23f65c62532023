"""What the tabs share: the project's id, the viewer, the panels, and how to refresh them.

Ids that must survive a restart of the server (the project) live in hidden text boxes, whose values the *browser* holds
and sends with every event; `gr.State` would be empty after a restart. The class that a click labels with is known to
the page alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

FOLLOW = "() => { document.dispatchEvent(new CustomEvent('hsi:follow')); }"


@dataclass(frozen=True)
class Bus:
    """Components every tab may use."""

    project: gr.Textbox  # project id, in the page
    top: gr.HTML
    viewer: gr.HTML
    strip: gr.HTML
    classes: gr.HTML
    spectrum: gr.HTML

    @property
    def shown(self) -> list[gr.components.Component]:
        """Outputs of a handler that shows a whole project (`Present.everything`)."""
        return [self.project, self.top, self.viewer, self.classes, self.strip, self.spectrum]

    def after(self, event: Any) -> Any:
        """Labels or scene changed: the page brings the map up to date (`ui/viewer/label_routes.py`)."""
        return event.then(None, None, None, js=FOLLOW, show_progress="hidden", api_visibility="private")
