"""“Mend” in the list of projects: there for a project that cannot be opened because its files are damaged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from hsi_studio.errors import BadRequest, StudioError
from hsi_studio.studio.facade import Studio

Values = tuple[Any, ...]


class Mending:
    """`show` gives the values of an opened project, `failed` those of an error (`SceneTab`); `plain` makes Markdown of
    a text that shows it as it is."""

    def __init__(
        self,
        studio: Studio,
        show: Callable[[str], Values],
        failed: Callable[[StudioError], Values],
        plain: Callable[[str], str],
    ) -> None:
        self.studio, self.show, self.failed, self.plain = studio, show, failed, plain

    def offer(self, chosen: str | None) -> Values:
        """Whether the button is there, and what is wrong with the chosen project: a list reads no journal."""
        wrong = "" if chosen is None else self.studio.workspace.damage(chosen)
        said = f"**It cannot be opened as it is.** {self.plain(wrong)}" if wrong else gr.skip()
        return gr.update(visible=wrong != ""), said

    def mend(self, chosen: str | None) -> Values:
        """Mend it, open it, and say under the list what was lost."""
        try:
            if not chosen:
                raise BadRequest("Choose a project from the list first.")
            said = self.studio.mend(chosen)
            opened = self.show(chosen)
        except StudioError as error:
            return self.failed(error)
        return (f"**Mended.** {self.plain(' '.join(said))}", *opened[1:])
