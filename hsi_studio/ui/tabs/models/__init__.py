"""The Models tab: every trained model, what it is, its map in the viewer (A) and another beside it (B)."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import gradio as gr

from hsi_studio.errors import BadRequest, LabelProblem, StudioError
from hsi_studio.studio.facade import Studio
from hsi_studio.ui.bus import Bus
from hsi_studio.ui.tabs.contract import Tab
from hsi_studio.ui.tabs.models.values import list_value
from hsi_studio.ui.toasts import tell, warn
from hsi_studio.ui.viewer.page_state import Present
from hsi_studio.ui.web_component import packed, panel

CHANGE_THE_VIEWER = ("show", "beside", "discard", "rename")


class ModelsTab:
    """What the list and a model's details can do. `exports`: where exported files go, for the page to fetch."""

    def __init__(self, studio: Studio, exports: Path) -> None:
        self.studio, self.present, self.exports = studio, Present(studio), exports

    def draw(self, project_id: str, model_id: str) -> tuple[str, str]:
        """(list, drawn) as things are now."""
        text = packed(list_value(self.studio, project_id, model_id))
        return text, str(hash(text))

    def look(self, project_id: str, model_id: str, before: str) -> tuple[Any, Any]:
        """While the list is on the screen, its page asks: nothing unless something changed."""
        if not project_id:
            return gr.skip(), gr.skip()
        text, now = self.draw(project_id, model_id)
        return (gr.skip(), gr.skip()) if now == before else (text, now)

    def act(self, project_id: str, model_id: str, event: gr.EventData) -> tuple[Any, ...]:
        """(chosen model, list, drawn, viewer, strip, exported file) after an action."""
        done, written = event._data, gr.skip()
        what, wanted, shown = str(done.get("do", "")), str(done.get("id", "")), False
        try:
            if what == "select":
                model_id = wanted
            elif what == "export":
                written = gr.update(value=str(self.export(wanted)), visible=True)
            else:
                self.do(project_id, wanted, what, done)
                shown = what in CHANGE_THE_VIEWER
                if what == "discard" and wanted == model_id:
                    model_id = ""
        except StudioError as error:
            warn(error)
        seen: tuple[Any, Any] = (gr.skip(), gr.skip())
        if shown:
            seen = (self.present.viewer_changes(project_id), self.present.strip(project_id))
        return (model_id, *self.draw(project_id, model_id), *seen, written)

    def do(self, project_id: str, model_id: str, what: str, done: dict[str, Any]) -> None:
        """Raises StudioError."""
        models = self.studio.models
        match what:
            case "show" | "beside":
                self.switch(project_id, model_id, what)
            case "stop":
                models.maps.stop(project_id, model_id)
            case "begin":
                self.start_from(project_id, model_id)
            case "load":
                tell(f"Loaded. {models.load(model_id, project_id).reason}.")
            case "unload":
                models.unload(model_id)
            case "rename":
                models.edit(model_id, title=str(done["title"]))
            case "annotate":
                models.edit(model_id, note=str(done["note"]))
            case "label_tags":
                models.edit(model_id, tags=tags_of(str(done["tags"])))
            case "discard":
                models.delete(model_id)
            case "restore":
                models.restore(model_id)
            case "purge":
                models.empty_trash()

    def switch(self, project_id: str, model_id: str, what: str) -> None:
        """Show a model's map, or no longer, and have it made where there is none."""
        layer, displayed = f"model:{model_id}", self.studio.displayed
        left, right = displayed.chosen(project_id)
        if what == "show":
            on = left != layer
            displayed.show(project_id, *(("model", model_id) if on else ("live",)))
        else:
            on = right != layer
            displayed.show_beside(project_id, layer if on else "")
        if on:
            self.studio.models.maps.request(project_id, model_id)

    def start_from(self, project_id: str, model_id: str) -> None:
        """A training on the labels as they are, with the model's settings, from its encoder."""
        info = self.studio.models.get(model_id)
        facts = info.facts
        if facts is None:
            return
        style = facts.prompts.style or "p5"
        try:
            self.studio.prompts.resolve(project_id, style)
        except LabelProblem as error:  # a prompt set of another project, or one that was deleted
            raise BadRequest(
                f"“{info.title}” was trained with the prompts “{facts.prompts.set or style}”, which this project has "
                f"not. Say from a shell which words it is to read: hsi-studio train {project_id} --method "
                f"{facts.method} --start-from {model_id} --prompts p5."
            ) from error
        run = self.studio.runs.start(project_id, facts.method, facts.params, style, facts.seed, warm_start=model_id)
        tell(f"“{run.title}” is queued: watch it in the Train tab.")

    def export(self, model_id: str) -> Path:
        """One file, in a folder nobody can guess."""
        folder = self.exports / secrets.token_hex(8)
        folder.mkdir(parents=True)
        return Path(self.studio.models.export(model_id, folder))

    def import_file(self, project_id: str, model_id: str, path: str | None) -> tuple[str, str, str]:
        """(chosen model, list, drawn) with the imported model chosen."""
        if path:
            try:
                info, known = self.studio.models.import_file(path)
                model_id = info.id
                tell(f"“{info.title}” {'is here already' if known else 'is imported'}.")
            except StudioError as error:
                warn(error)
        return (model_id, *self.draw(project_id, model_id))


def tags_of(text: str) -> tuple[str, ...]:
    """ "final, summer" → ("final", "summer")."""
    return tuple(dict.fromkeys(tag.strip()[:50] for tag in text.split(",") if tag.strip()))[:50]


def create(studio: Studio, bus: Bus) -> None:
    chosen = gr.Textbox(visible=False)  # id of the model whose details are shown, in the page
    drawn = gr.Textbox(visible=False)  # what this page shows, so that an unchanged list is not sent again
    listed: Any = panel("models", {"models": [], "trash": [], "detail": None})  # gr.HTML accepts any event name
    with gr.Row(elem_id="hsi-models-files"):
        bring = gr.UploadButton(
            "Import a model file", file_types=[".safetensors"], size="sm", elem_id="hsi-models-import"
        )
    file = gr.File(label="Exported model", interactive=False, visible=False, elem_id="hsi-models-export")
    tab = ModelsTab(studio, Path(file.GRADIO_CACHE))

    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    drawing = [listed, drawn]
    acted = listed.act(  # queued: Gradio shows gr.Info and gr.Warning of no other events
        tab.act, [bus.project, chosen], [chosen, *drawing, bus.viewer, bus.strip, file],
        concurrency_limit=None, trigger_mode="multiple", **quiet,
    )  # fmt: skip
    bus.after(acted)
    listed.look(tab.look, [bus.project, chosen, drawn], drawing, queue=False, **quiet)
    bring.upload(tab.import_file, [bus.project, chosen, bring], [chosen, *drawing], **quiet)
    bus.project.change(tab.draw, [bus.project, chosen], drawing, **quiet)


TAB = Tab("models", "Models", 20, create, step="train")
