"""The Train tab: settings, start, pause, resume, stop; curves and map of runs; which map the viewer shows.

One panel draws it all (`train.js` and its parts) and follows the runs by itself (`routes.py`). Here is only what
changes something. Nothing about a run is kept in the page's session: it is in the run's folder, so a reload, a second
tab and another browser show the same.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from hsi_studio.errors import BadRequest, StudioError
from hsi_studio.studio.facade import Studio
from hsi_studio.ui import web_component
from hsi_studio.ui.bus import Bus
from hsi_studio.ui.tabs.contract import Tab
from hsi_studio.ui.tabs.train import forms
from hsi_studio.ui.tabs.train.routes import router
from hsi_studio.ui.viewer.page_state import Present
from hsi_studio.ui.web_component import packed


class TrainTab:
    """Starts runs and acts on them. The panel's value says only what an action came to; the rest it asks for itself."""

    def __init__(self, studio: Studio) -> None:
        self.studio, self.present = studio, Present(studio)

    def answer(self, project_id: str, said: str = "", bad: bool = False, focus: str = "") -> str:
        """The panel's value. `focus`: id of the run to look at."""
        return packed({"project": project_id, "said": {"text": said, "bad": bad}, "focus": focus})

    def idle(self, project_id: str) -> str:
        return self.answer(project_id)

    def start(self, project_id: str, event: gr.EventData) -> str:
        """A run with the form's settings."""
        wanted = event._data
        try:
            seed = forms.whole(wanted.get("seed", 0), "seed")
            method, params = str(wanted.get("method", "")), forms.from_json(str(wanted.get("params", "")))
            info = self.studio.runs.start(project_id, method, params, str(wanted.get("prompts", "")) or "p5", seed)
        except StudioError as error:
            return self.answer(project_id, str(error), bad=True)
        return self.answer(project_id, focus=info.id)

    def act(self, project_id: str, event: gr.EventData) -> tuple[Any, ...]:
        """(panel, viewer, strip) after something was done to a run."""
        what, run_id = str(event._data.get("do")), str(event._data.get("run") or "")
        try:
            self.do(project_id, what, run_id)
        except StudioError as error:
            return self.answer(project_id, str(error), bad=True), gr.skip(), gr.skip()
        if what == "ended":
            return self.answer(project_id), gr.skip(), self.present.strip(project_id)
        if what not in ("show", "delete"):
            return self.answer(project_id), gr.skip(), gr.skip()
        return self.answer(project_id), self.present.viewer_changes(project_id), self.present.strip(project_id)

    def do(self, project_id: str, what: str, run_id: str) -> None:
        """Raises StudioError; a run of another project is not touched."""
        runs = self.studio.runs
        if run_id and runs.get(run_id).project_id != project_id:
            raise BadRequest("This run belongs to another project.")
        match what:
            case "pause":
                runs.pause(run_id)
            case "resume":
                runs.resume(run_id)
            case "cancel":
                runs.cancel(run_id)
            case "delete":
                runs.delete(run_id)
            case "show":
                self.show(project_id, run_id)
            case "ended":
                self.studio.displayed.announce(project_id, f"run:{run_id}")

    def show(self, project_id: str, run_id: str) -> None:
        """The run's map in the viewer; "" = the live map again."""
        self.studio.displayed.show(project_id, "run" if run_id else "live", run_id)


def create(studio: Studio, bus: Bus) -> None:
    tab = TrainTab(studio)
    panel: Any = web_component.panel("train", {})  # gr.HTML accepts any event name
    now: dict[str, Any] = {
        "queue": False, "trigger_mode": "multiple", "show_progress": "hidden", "api_visibility": "private",
    }  # fmt: skip
    panel.start(tab.start, [bus.project], [panel], **now)
    bus.after(panel.act(tab.act, [bus.project], [panel, bus.viewer, bus.strip], **now))
    bus.project.change(tab.idle, [bus.project], [panel], **now)


TAB = Tab("train", "Runs", 18, create, step="train", routes=router, styles=("train.css",))
