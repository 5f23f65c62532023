"""The Prompts tab: prompt sets, their table, versions, likeness, a language model's proposals, files.

Every edit is in the journal before its answer is sent. Comparing texts and asking a model run in the background
(`studio/prompt_similarity.py`, `studio/prompt_drafts.py`); a timer looks after them, and only while one of them works.
Which set is shown is kept in the page, so that choosing one to look at is no action on the project.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr
from gradio.context import Context

from hsi_studio.errors import StudioError
from hsi_studio.studio.facade import Studio
from hsi_studio.ui.bus import Bus, Tab
from hsi_studio.ui.tabs.prompts import values
from hsi_studio.ui.web_component import panel

PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
NOW: dict[str, Any] = {"queue": False, "trigger_mode": "multiple", **PRIVATE}


def create(studio: Studio, bus: Bus) -> None:
    tab: Any = Context.block  # the gr.Tab this stands in
    table: Any = panel("prompts", {"sets": [], "set": "", "classes": []})
    likeness = gr.Accordion("Likeness: what the text model mixes up", open=False, elem_id="hsi-likeness")
    with likeness:
        textview: Any = panel("textview", {"state": "none", "title": "Opening …"})
    with gr.Accordion("Versions", open=False, elem_id="hsi-prompt-versions"):
        wordings: Any = panel("wordings", {"versions": []})
    with gr.Accordion("Language model", open=False, elem_id="hsi-language-model"):
        drafts: Any = panel("drafts", {"configured": False, "how": studio.prompts.drafts.how})
    with gr.Accordion("Language, import, export", open=False, elem_id="hsi-prompt-files"):
        language = gr.Dropdown(
            choices=_languages(), value="en", label="Language of the set's sentences", elem_id="hsi-prompt-language"
        )
        with gr.Row():
            as_json = gr.Button("Export JSON", size="sm", elem_id="hsi-prompts-json")
            as_csv = gr.Button("Export CSV", size="sm", elem_id="hsi-prompts-csv")
        files = gr.File(label="Downloads", interactive=False, visible=False, elem_id="hsi-prompts-download")
        gr.HTML(
            "<p class='hsi-hint'>Import makes a new set: JSON as exported here or {class: [sentences]}, CSV with the "
            "columns class and sentence. Classes are matched by name.</p>",
            padding=False,
        )
        chosen = gr.File(label="File with prompts", height=110, elem_id="hsi-prompts-import")
    shown = gr.Textbox(visible=False)  # id of the set that is shown, in the page
    opened = gr.Textbox(visible=False)  # "1" once the likeness section is open
    painted = gr.Textbox(visible=False)  # what the table shows: "project/revision"
    watch = gr.Timer(0.4, active=False)
    everything = [shown, painted, table, wordings, textview, drafts, language, watch]

    def paint(project_id: str, set_id: str, wanted: str, version: int = 0, **more: Any) -> tuple[Any, ...]:
        """Values for `everything`."""
        set_id = values.set_to_show(studio, project_id, set_id)
        view = values.textview_value(studio, project_id, set_id, bool(wanted))
        info = studio.prompts.book(project_id).get(set_id) if set_id else None
        return (
            set_id,
            f"{project_id}/{studio.project(project_id).revision}",
            values.prompts_value(studio, project_id, set_id, **more),
            values.wordings_value(studio, project_id, set_id, version),
            view,
            values.drafts_value(studio, project_id, set_id),
            gr.update(value=(info.language if info else "en") or "en", interactive=info is not None),
            gr.update(active=working(project_id, view)),
        )

    def working(project_id: str, view: str) -> bool:
        draft = studio.prompts.drafts.get(project_id)
        return '"state": "working"' in view or (draft is not None and draft.state == "writing")

    def repaint(project_id: str, set_id: str, wanted: str, seen: str) -> tuple[Any, ...]:
        """Only when the project is another one, or somebody changed it."""
        if not project_id or seen == f"{project_id}/{studio.project(project_id).revision}":
            return (gr.skip(),) * len(everything)
        return paint(project_id, set_id, wanted)

    def act(project_id: str, set_id: str, wanted: str, event: gr.EventData) -> tuple[Any, ...]:
        """Everything the table and the versions can do."""
        done, version = event._data, 0
        more: dict[str, Any] = {}
        try:
            set_id = values.set_to_show(studio, project_id, str(done.get("set", set_id)))
            set_id, more, version = do(project_id, set_id, done)
        except StudioError as error:
            more = {"refused": str(error)}
        if "n" in done:
            more["ack"] = int(done["n"])
        return paint(project_id, set_id, wanted, version, **more)

    def do(project_id: str, set_id: str, done: dict[str, Any]) -> tuple[str, dict[str, Any], int]:
        """(set to show, more for the table, version to compare with)."""
        prompts, what = studio.prompts, done.get("do")
        if what == "create":
            made, notes = prompts.create(project_id, str(done["source"]))
            return made.id, {"said": " ".join(notes)}, 0
        if what == "edit":
            prompts.edit(project_id, set_id, {str(done["id"]): [str(s) for s in done["sentences"]]})
        elif what == "add":
            key, sentence = str(done["id"]), str(done["sentence"])
            before = prompts.book(project_id).prompts(set_id).sentences.get(key, ())
            prompts.edit(project_id, set_id, {key: [*before, sentence]}, "suggested from the pixels")
        elif what == "rename":
            prompts.do(project_id, lambda book: book.rename(set_id, str(done["name"])))
        elif what == "delete":
            prompts.do(project_id, lambda book: book.delete(set_id))
            return "", {"said": "Deleted; undo brings it back."}, 0
        elif what in ("undo", "redo"):
            studio.edit(project_id, lambda project: project.undo() if what == "undo" else project.redo())
            return values.set_to_show(studio, project_id, set_id), {}, 0
        elif what == "revert":
            number, key = int(done["version"]), str(done.get("id", ""))
            prompts.do(project_id, lambda book: book.revert(set_id, number, key))
            return set_id, {"history": values.history_value(studio, project_id, set_id, key)} if key else {}, 0
        elif what == "history":
            return set_id, {"history": values.history_value(studio, project_id, set_id, str(done["id"]))}, 0
        elif what == "diff":
            return set_id, {}, int(done["version"])
        return set_id, {}, 0

    def measure(project_id: str, set_id: str, wanted: str) -> Iterator[tuple[Any, ...]]:
        """A set from the pixels: the first one on a scene takes seconds, so the page is told first."""
        yield paint(project_id, set_id, wanted, said="Measuring your labelled pixels …")
        more: dict[str, Any] = {}
        try:
            made, notes = studio.prompts.create(project_id, "pixels")
            set_id, more = made.id, {"said": " ".join(notes)}
        except StudioError as error:
            more = {"refused": str(error)}
        yield paint(project_id, set_id, wanted, **more)

    def draft(project_id: str, set_id: str, wanted: str, event: gr.EventData) -> tuple[Any, ...]:
        """Everything the language model's panel can do."""
        done, error = event._data, ""
        what, lab = done.get("do"), studio.prompts.drafts
        try:
            if what == "ask":
                lab.start(project_id, str(done.get("system", "")))
            elif what == "stop":
                lab.cancel(project_id)
            elif what == "turn down":
                lab.settle(project_id, str(done["id"]))
            elif what == "accept":
                studio.prompts.accept(project_id, set_id, {str(done["id"]): [str(s) for s in done["sentences"]]})
            elif what == "accept all":
                now, wanted_ids = lab.get(project_id), set(map(str, done["ids"]))
                proposals = {p.class_id: p.sentences for p in (now.proposals if now else ())}
                studio.prompts.accept(project_id, set_id, {k: s for k, s in proposals.items() if k in wanted_ids})
        except StudioError as problem:
            error = str(problem)
        out = list(paint(project_id, set_id, wanted))
        out[everything.index(drafts)] = values.drafts_value(studio, project_id, set_id, what == "preview", error)
        return tuple(out)

    def look(project_id: str, set_id: str, wanted: str) -> tuple[Any, ...]:
        """What the timer shows while something works."""
        view = values.textview_value(studio, project_id, set_id, bool(wanted))
        said = values.drafts_value(studio, project_id, set_id)
        return view, said, gr.update(active=working(project_id, view))

    def set_language(project_id: str, set_id: str, wanted: str, code: str) -> tuple[Any, ...]:
        more: dict[str, Any] = {}
        try:
            studio.prompts.do(project_id, lambda book: book.set_language(set_id, code))
        except StudioError as error:
            more = {"refused": str(error)}
        return paint(project_id, set_id, wanted, **more)

    def export(project_id: str, set_id: str, kind: str) -> Any:
        if not set_id:
            gr.Warning("There is no prompt set to export yet. Start one above.")
            return gr.update(visible=False)
        try:
            return gr.update(value=str(studio.prompts.export(project_id, set_id, kind)), visible=True)
        except StudioError as error:
            gr.Warning(str(error))
            return gr.update(visible=False)

    def bring_in(project_id: str, set_id: str, wanted: str, file: str | None) -> tuple[Any, ...]:
        if not file:
            return (gr.skip(),) * (len(everything) + 1)
        more: dict[str, Any] = {}
        try:
            made, notes = studio.prompts.import_file(project_id, file)
            set_id, more = made.id, {"said": " ".join((f"Imported as {made.name}.", *notes))}
        except StudioError as error:
            gr.Warning(str(error))
        return None, *paint(project_id, set_id, wanted, **more)

    here = [bus.project, shown, opened]
    for box in (table, wordings, textview):
        box.act(act, here, everything, **NOW)
    table.measure(measure, here, everything, concurrency_limit=None, **PRIVATE)
    drafts.act(draft, here, everything, **NOW)
    watch.tick(look, here, [textview, drafts, watch], **PRIVATE)
    likeness.expand(lambda p, s: ("1", *paint(p, s, "1")), [bus.project, shown], [opened, *everything], **PRIVATE)
    likeness.collapse(lambda: "", None, [opened], **PRIVATE)
    for event in (bus.project.change, table.look, tab.select):
        event(repaint, [*here, painted], everything, queue=False, **PRIVATE)
    language.input(set_language, [*here, language], everything, **PRIVATE)
    as_json.click(lambda p, s: export(p, s, "json"), [bus.project, shown], [files], **PRIVATE)
    as_csv.click(lambda p, s: export(p, s, "csv"), [bus.project, shown], [files], **PRIVATE)
    chosen.upload(bring_in, [*here, chosen], [chosen, *everything], **PRIVATE)


def _languages() -> list[tuple[str, str]]:
    from hsi_studio.text.prompt_checks import LANGUAGES

    return [(LANGUAGES[code], code) for code in values.LANGUAGE_CHOICES]


TAB = Tab("prompts", "Prompts", 14, create)
