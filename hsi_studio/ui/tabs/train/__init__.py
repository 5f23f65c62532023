"""The Train tab: settings, start, pause, resume, stop; curves and map of runs; which map the viewer shows.

One panel draws it all (`assets/train*.js`) and follows the runs by itself (`routes.py`). Here is only what changes
something. Nothing about a run is kept in the page's session: it is in the run's folder, so a reload, a second tab and
another browser show the same.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from hsi_studio.errors import StudioError
from hsi_studio.paths import ASSETS
from hsi_studio.studio.facade import Studio
from hsi_studio.ui.bus import Bus, Tab
from hsi_studio.ui.tabs.train import forms
from hsi_studio.ui.viewer.page_state import Present
from hsi_studio.ui.web_component import json_html, packed

SCRIPTS = ("train_form.js", "train_curves.js", "train_runs.js", "train.js")


def create(studio: Studio, bus: Bus) -> None:
    present = Present(studio)
    panel: Any = json_html(
        {},
        "\n".join((ASSETS / name).read_text(encoding="utf-8") for name in SCRIPTS),
        html_template='<div class="hsi-train"></div>',
        elem_id="hsi-train",
    )

    def answer(project_id: str, said: str = "", bad: bool = False, focus: str = "") -> str:
        return packed({"project": project_id, "said": {"text": said, "bad": bad}, "focus": focus})

    def start(project_id: str, event: gr.EventData) -> str:
        wanted = event._data
        try:
            info = studio.runs.start(
                project_id,
                str(wanted["method"]),
                forms.from_json(str(wanted["params"])),
                str(wanted["prompts"]) or "p5",
                int(wanted["seed"]),
            )
        except StudioError as error:
            return answer(project_id, str(error), bad=True)
        return answer(project_id, focus=info.id)

    def act(project_id: str, event: gr.EventData) -> tuple[Any, ...]:
        what, run_id = str(event._data.get("do")), str(event._data.get("run") or "")
        actions = {
            "pause": studio.runs.pause,
            "resume": studio.runs.resume,
            "cancel": studio.runs.cancel,
            "delete": studio.runs.delete,
            "show": lambda run: studio.displayed.show(project_id, "run" if run else "live", run),
        }
        try:
            if run_id and studio.runs.get(run_id).project_id != project_id:
                return answer(project_id, "This run belongs to another project.", bad=True), gr.skip(), gr.skip()
            actions[what](run_id)
        except StudioError as error:
            return answer(project_id, str(error), bad=True), gr.skip(), gr.skip()
        if what not in ("show", "delete"):
            return answer(project_id), gr.skip(), gr.skip()
        return answer(project_id), present.viewer_changes(project_id), present.strip(project_id)

    now: dict[str, Any] = {
        "queue": False, "trigger_mode": "multiple", "show_progress": "hidden", "api_visibility": "private",
    }  # fmt: skip
    panel.start(start, [bus.project], [panel], **now)
    bus.after(panel.act(act, [bus.project], [panel, bus.viewer, bus.strip], **now))
    bus.project.change(lambda project_id: answer(project_id), [bus.project], [panel], **now)


TAB = Tab("train", "Train", 12, create)
