"""The Label tab: the class list. Clicks themselves come from the viewer.

The list is on the bus, made before the tabs, because clicks in the viewer change it too; it is rendered here.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from hsi_studio.errors import BadRequest, StudioError
from hsi_studio.humanize import counted
from hsi_studio.sanitize import parse_class_list, same_name
from hsi_studio.studio.facade import Studio
from hsi_studio.ui.bus import Bus
from hsi_studio.ui.tabs.contract import Tab
from hsi_studio.ui.toasts import tell, warn
from hsi_studio.ui.viewer.page_state import Present, stepped


class LabelTab:
    """What the class list can do."""

    def __init__(self, studio: Studio) -> None:
        self.studio, self.present = studio, Present(studio)

    def act(self, project_id: str, event: gr.EventData) -> tuple[str, str]:
        """(viewer, class list) after an action; one handler, because all actions end the same way."""
        done, chosen, told = event._data, None, [""]
        try:
            if done.get("do") in ("undo", "redo"):
                self.studio.edit(project_id, lambda project: told.append(stepped(project, done["do"])))
            else:
                chosen = self.do(project_id, done)
        except StudioError as error:
            warn(error)
        notice = self.present.follow_labels(project_id) if done.get("do") in ("draw", "undo", "redo") else ""
        notice = " ".join(filter(None, [told[-1], notice]))
        return self.present.answer(project_id, chosen, **({"notice": notice} if notice else {}))

    def do(self, project_id: str, done: dict[str, Any]) -> str | None:
        """Make the action; returns the class it chose to label with, if it chose one. Raises StudioError."""
        match done.get("do"):
            case "add":
                return self.add_class(project_id, str(done["name"]))
            case "add several":
                return self.add_classes(project_id, str(done["text"]))
            case "rename":
                self.studio.edit(project_id, lambda p: p.rename_class(str(done["id"]), str(done["name"])))
            case "recolour":
                self.studio.edit(project_id, lambda p: p.recolour_class(str(done["id"]), str(done["color"])))
            case "remove":
                self.studio.edit(project_id, lambda p: p.delete_class(str(done["id"])))
            case "paste":
                self.studio.edit(project_id, lambda p: tell(p.set_classes(str(done["text"]))))
            case "draw":
                self.draw(project_id, done)
        return None

    def add_class(self, project_id: str, name: str) -> str:
        """A new class is the one to label with."""
        self.studio.edit(project_id, lambda p: p.add_class(name))
        return self.studio.project(project_id).schema.classes[-1].id

    def add_classes(self, project_id: str, text: str) -> str | None:
        """The names of a list, one a line, behind the classes there are; those there already stay as they are. One
        action, so one undo. The first new one is the one to label with."""
        project = self.studio.project(project_id)
        have = project.schema.classes
        new = [
            (name, color)
            for name, color in parse_class_list(text)
            if not any(same_name(name, info.name) for info in have)
        ]
        if not new:
            raise BadRequest("All names of this list are there already.")
        lines = [f"{info.name}, {info.color}" for info in have]
        lines += [f"{name}, {color}" if color else name for name, color in new]
        self.studio.edit(project_id, lambda p: p.set_classes("\n".join(lines)))
        tell(f"{counted(len(new), 'class', 'classes')} added. Undo takes them away.")
        return self.studio.project(project_id).schema.classes[len(have)].id

    def draw(self, project_id: str, done: dict[str, Any]) -> None:
        """Labels from the reference map."""
        shots, seed = whole(done.get("shots")), whole(done.get("seed"))
        tell(self.studio.labels.draw(project_id, shots, seed, instead=done.get("instead") is True))


def whole(number: Any) -> int:
    """A number of the page. Raises BadRequest for what is no whole number."""
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if type(number) is not int:
        raise BadRequest(f"{number!r} is no whole number: give one, such as 5.")
    return number


def create(studio: Studio, bus: Bus) -> None:
    tab = LabelTab(studio)
    bus.classes.render()
    gr.HTML(
        "<p class='hsi-hint'>Click to label, click a marker to take it away, Shift-click to read a spectrum only. "
        "Keys 1–9 choose a class; press ? in the picture for all keys.</p>",
        padding=False,
    )
    changed = bus.classes.act(  # queued: Gradio shows gr.Info and gr.Warning of no other events
        tab.act,
        inputs=[bus.project],
        outputs=[bus.viewer, bus.classes],
        show_progress="hidden",
        trigger_mode="multiple",
        concurrency_limit=None,
        api_visibility="private",
    )
    bus.after(changed)


TAB = Tab("label", "Label", 12, create, step="label")
