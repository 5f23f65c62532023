"""The Label tab: the class list and the spectrum. Clicks themselves come from the viewer.

The two components are on the bus, made before the tabs, because clicks in the viewer change them too;
they are rendered here.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from hsi_studio.errors import BadRequest, StudioError
from hsi_studio.studio.facade import Studio
from hsi_studio.ui.bus import Bus, Tab
from hsi_studio.ui.viewer.page_state import Present


def create(studio: Studio, bus: Bus) -> None:
    present = Present(studio)
    bus.classes.render()
    bus.spectrum.render()

    def act(project_id: str, event: gr.EventData) -> tuple[Any, ...]:
        """Everything the class list can do; one function, because they all end the same way."""
        done, chosen = event._data, None
        try:
            chosen = do(project_id, done)
        except StudioError as error:
            gr.Warning(str(error))
        return present.answer(project_id, chosen)

    def do(project_id: str, done: dict[str, Any]) -> str | None:
        """Make the action; returns the class it chose, if it chose one."""
        what = done.get("do")
        if what == "add":
            project = studio.project(project_id)
            studio.edit(project_id, lambda p: p.add_class(str(done["name"])))
            return project.schema.classes[-1].id
        if what == "draw":
            shots, seed = _whole(done.get("shots")), _whole(done.get("seed"))
            gr.Info(studio.labels.draw(project_id, shots, seed, instead=done.get("instead") is True))
        actions = {
            "rename": lambda p: p.rename_class(str(done["id"]), str(done["name"])),
            "recolour": lambda p: p.recolour_class(str(done["id"]), str(done["color"])),
            "remove": lambda p: p.delete_class(str(done["id"])),
            "paste": lambda p: gr.Info(p.set_classes(str(done["text"]))),
            "undo": lambda p: p.undo(),
            "redo": lambda p: p.redo(),
        }
        if what in actions:
            studio.edit(project_id, actions[what])
        return None

    changed = bus.classes.act(  # queued: Gradio shows gr.Info and gr.Warning of no other events
        act,
        inputs=[bus.project],
        outputs=[bus.viewer, bus.classes],
        show_progress="hidden",
        trigger_mode="multiple",
        concurrency_limit=None,
        api_visibility="private",
    )
    bus.after(changed)
    gr.HTML(
        "<p class='hsi-hint'>Click to label, click a marker to take it away, Shift-click to read a spectrum only. "
        "Keys 1–9 choose a class; press ? in the picture for all keys.</p>",
        padding=False,
    )


def _whole(number: Any) -> int:
    """A number of the page. Raises BadRequest for what is no whole number."""
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if type(number) is not int:
        raise BadRequest(f"{number!r} is no whole number: give one, such as 5.")
    return number


TAB = Tab("label", "Label", 10, create)
