"""The Models tab: every trained model, what it is, its map in the viewer (A) and another beside it (B)."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import gradio as gr

from hsi_studio.errors import StudioError
from hsi_studio.studio.facade import Studio
from hsi_studio.ui.bus import Bus, Tab
from hsi_studio.ui.tabs.models.values import list_value
from hsi_studio.ui.viewer.page_state import Present
from hsi_studio.ui.web_component import packed, panel


def create(studio: Studio, bus: Bus) -> None:
    present, models = Present(studio), studio.models
    chosen = gr.Textbox(visible=False)  # id of the model whose details are shown, in the page
    drawn = gr.Textbox(visible=False)  # what this page shows, so that an unchanged list is not sent again
    listed = panel("models", {"models": [], "trash": [], "detail": None})
    with gr.Row(elem_id="hsi-models-files"):
        bring = gr.UploadButton(
            "Import a model file", file_types=[".safetensors"], size="sm", elem_id="hsi-models-import"
        )
    file = gr.File(label="Exported model", interactive=False, visible=False, elem_id="hsi-models-export")

    def draw(project_id: str, model_id: str) -> tuple[Any, ...]:
        """(list, drawn) as things are now."""
        text = packed(list_value(studio, project_id, model_id))
        return text, str(hash(text))

    def act(project_id: str, model_id: str, event: gr.EventData) -> tuple[Any, ...]:
        done = event._data
        what, wanted = str(done.get("do", "")), str(done.get("id", ""))
        written, shown = gr.skip(), False
        try:
            if what == "select":
                model_id = wanted
            elif what in ("show", "beside"):
                switch(project_id, wanted, what)
                shown = True
            elif what == "hand_out":
                folder = Path(file.GRADIO_CACHE) / secrets.token_hex(8)
                folder.mkdir(parents=True)
                written = gr.update(value=str(models.give_out(wanted, folder)), visible=True)
            elif what in edits:
                edits[what](project_id, wanted, done)
                shown = what in ("discard", "rename")
                if what == "discard" and wanted == model_id:
                    model_id = ""
        except StudioError as error:
            gr.Warning(str(error))
        seen = (present.viewer_changes(project_id), present.strip(project_id)) if shown else (gr.skip(), gr.skip())
        return (model_id, *draw(project_id, model_id), *seen, written)

    def switch(project_id: str, model_id: str, what: str) -> None:
        """Show a model's map, or no longer, and have it made where there is none."""
        layer, displayed = f"model:{model_id}", studio.displayed
        left, right = displayed.chosen(project_id)
        if what == "show":
            on = left != layer
            displayed.show(project_id, *(("model", model_id) if on else ("live",)))
        else:
            on = right != layer
            displayed.show_beside(project_id, layer if on else "")
        if on:
            models.maps.request(project_id, model_id)

    def start_from(project_id: str, model_id: str) -> None:
        """A training on the labels as they are, with the model's settings, from its encoder."""
        facts = models.get(model_id).facts
        if facts is None:
            return
        style = facts.prompts.style or "p5"
        run = studio.runs.start(project_id, facts.method, facts.params, style, facts.seed, warm_start=model_id)
        gr.Info(f"“{run.title}” is queued: watch it in the Train tab.")

    edits: dict[str, Any] = {
        "begin": lambda p, m, d: start_from(p, m),
        "load": lambda p, m, d: gr.Info(f"Loaded. {models.load(m, p).reason}."),
        "unload": lambda p, m, d: models.unload(m),
        "stop": lambda p, m, d: models.maps.stop(p, m),
        "rename": lambda p, m, d: models.edit(m, title=str(d["title"])),
        "annotate": lambda p, m, d: models.edit(m, note=str(d["note"])),
        "label_tags": lambda p, m, d: models.edit(m, tags=tags_of(str(d["tags"]))),
        "discard": lambda p, m, d: models.delete(m),
        "restore": lambda p, m, d: models.restore(m),
        "purge": lambda p, m, d: models.empty_trash(),
    }

    def look(project_id: str, model_id: str, before: str) -> tuple[Any, ...]:
        """While the list is on the screen, its page asks: nothing unless something changed."""
        if not project_id:
            return (gr.skip(),) * 2
        text, now = draw(project_id, model_id)
        return (gr.skip(),) * 2 if now == before else (text, now)

    def take_in(project_id: str, model_id: str, path: str | None) -> tuple[Any, ...]:
        if path:
            try:
                info, known = models.take_in(path)
                model_id = info.id
                gr.Info(f"“{info.title}” {'is here already' if known else 'is imported'}.")
            except StudioError as error:
                gr.Warning(str(error))
        return (model_id, *draw(project_id, model_id))

    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    drawing = [listed, drawn]
    listing: Any = listed  # gr.HTML accepts any event name
    acted = listing.act(  # queued: Gradio shows gr.Info and gr.Warning of no other events
        act, [bus.project, chosen], [chosen, *drawing, bus.viewer, bus.strip, file],
        concurrency_limit=None, trigger_mode="multiple", **quiet,
    )  # fmt: skip
    bus.after(acted)
    listing.look(look, [bus.project, chosen, drawn], drawing, queue=False, **quiet)
    bring.upload(take_in, [bus.project, chosen, bring], [chosen, *drawing], **quiet)
    bus.project.change(lambda p, m: draw(p, m), [bus.project, chosen], drawing, **quiet)


def tags_of(text: str) -> tuple[str, ...]:
    """ "final, summer" → ("final", "summer")."""
    return tuple(dict.fromkeys(tag.strip()[:50] for tag in text.split(",") if tag.strip()))[:50]


TAB = Tab("models", "Models", 20, create)
