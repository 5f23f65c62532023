"""What the user does in the Prompts tab, and what its panels are told; without a component, so without a page.

Every edit is in the journal before its answer is sent. Comparing texts and asking a model run in the background
(`studio/prompt_similarity.py`, `studio/prompt_drafts.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from hsi_studio.errors import StudioError
from hsi_studio.project.prompt_sets import SUGGESTED
from hsi_studio.studio.facade import Studio
from hsi_studio.ui.tabs.prompts import values
from hsi_studio.ui.toasts import warn

PARTS = ("shown", "painted", "table", "wordings", "textview", "drafts", "language", "watch")  # what `paint` gives
Painted = tuple[Any, ...]


class PromptsTab:
    """Handlers take the project, the set that is shown, and `wanted`: "1" once the likeness section is open."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    # ── what the page shows ─────────────────────────────────────────────────────────────────────

    def paint(self, project_id: str, set_id: str, wanted: str, version: int = 0, **more: Any) -> Painted:
        """Values for `PARTS`. `version`: the one to compare the set with; `more`: for the table."""
        set_id = values.set_to_show(self.studio, project_id, set_id)
        view = values.textview_value(self.studio, project_id, set_id, bool(wanted))
        info = self.studio.prompts.book(project_id).get(set_id) if set_id else None
        return (
            set_id,
            self.stamp(project_id),
            values.prompts_value(self.studio, project_id, set_id, **more),
            values.wordings_value(self.studio, project_id, set_id, version),
            view,
            values.drafts_value(self.studio, project_id, set_id),
            gr.update(value=(info.language if info else "en") or "en", interactive=info is not None),
            gr.update(active=self.working(project_id, view)),
        )

    def stamp(self, project_id: str) -> str:
        return f"{project_id}/{self.studio.project(project_id).revision}"

    def working(self, project_id: str, view: str) -> bool:
        """Whether a timer should look after something."""
        draft = self.studio.prompts.drafts.get(project_id)
        return '"state": "working"' in view or (draft is not None and draft.state == "writing")

    def repaint(self, project_id: str, set_id: str, wanted: str, seen: str) -> Painted:
        """Only when the project is another one, or somebody changed it."""
        if not project_id or seen == self.stamp(project_id):
            return (gr.skip(),) * len(PARTS)
        return self.paint(project_id, set_id, wanted)

    def look(self, project_id: str, set_id: str, wanted: str) -> tuple[Any, Any, Any]:
        """(textview, drafts, watch): what the timer shows while something works."""
        view = values.textview_value(self.studio, project_id, set_id, bool(wanted))
        said = values.drafts_value(self.studio, project_id, set_id)
        return view, said, gr.update(active=self.working(project_id, view))

    def open_likeness(self, project_id: str, set_id: str) -> tuple[Any, ...]:
        """("1", *PARTS)."""
        return ("1", *self.paint(project_id, set_id, "1"))

    # ── the table and the versions ──────────────────────────────────────────────────────────────

    def act(self, project_id: str, set_id: str, wanted: str, event: gr.EventData) -> Painted:
        """Everything the table and the versions can do."""
        done, version = event._data, 0
        more: dict[str, Any] = {}
        try:
            set_id = values.set_to_show(self.studio, project_id, str(done.get("set", set_id)))
            set_id, more, version = self.do(project_id, set_id, done)
        except StudioError as error:
            more = {"refused": str(error)}
        if "n" in done:
            more["ack"] = int(done["n"])
        return self.paint(project_id, set_id, wanted, version, **more)

    def do(self, project_id: str, set_id: str, done: dict[str, Any]) -> tuple[str, dict[str, Any], int]:
        """(set to show, more for the table, version to compare with). Raises StudioError."""
        prompts = self.studio.prompts
        match done.get("do"):
            case "create":
                made, notes = prompts.create(project_id, str(done["source"]))
                return made.id, {"said": " ".join(notes)}, 0
            case "edit":
                prompts.edit(project_id, set_id, {str(done["id"]): [str(s) for s in done["sentences"]]})
            case "add":
                self.add_sentence(project_id, set_id, str(done["id"]), str(done["sentence"]))
            case "rename":
                prompts.do(project_id, lambda book: book.rename(set_id, str(done["name"])))
            case "delete":
                prompts.do(project_id, lambda book: book.delete(set_id))
                return "", {"said": "Deleted; undo brings it back."}, 0
            case "undo" | "redo" as what:
                self.studio.edit(project_id, lambda project: project.undo() if what == "undo" else project.redo())
                return values.set_to_show(self.studio, project_id, set_id), {}, 0
            case "revert":
                return set_id, self.revert(project_id, set_id, int(done["version"]), str(done.get("id", ""))), 0
            case "history":
                return set_id, self.history(project_id, set_id, str(done["id"])), 0
            case "read":
                return set_id, {"recipes": values.recipes_value(self.studio, project_id, set_id)}, 0
            case "chips":
                self.studio.recipes.correct(project_id, set_id, str(done["id"]), list(done["chips"]))
                return set_id, {"recipes": values.recipes_value(self.studio, project_id, set_id)}, 0
            case "diff":
                return set_id, {}, int(done["version"])
        return set_id, {}, 0

    def add_sentence(self, project_id: str, set_id: str, class_id: str, sentence: str) -> None:
        """One that the pixels suggested, after those there are."""
        before = self.studio.prompts.book(project_id).prompts(set_id).sentences.get(class_id, ())
        self.studio.prompts.edit(project_id, set_id, {class_id: [*before, sentence]}, SUGGESTED)

    def revert(self, project_id: str, set_id: str, version: int, class_id: str) -> dict[str, Any]:
        """The whole set, or one class, as it was in a version."""
        self.studio.prompts.do(project_id, lambda book: book.revert(set_id, version, class_id))
        return self.history(project_id, set_id, class_id) if class_id else {}

    def history(self, project_id: str, set_id: str, class_id: str) -> dict[str, Any]:
        return {"history": values.history_value(self.studio, project_id, set_id, class_id)}

    def measure(self, project_id: str, set_id: str, wanted: str) -> Iterator[Painted]:
        """A set from the pixels: the first one on a scene takes seconds, so the page is told first."""
        yield self.paint(project_id, set_id, wanted, said="Measuring your labelled pixels …")
        more: dict[str, Any] = {}
        try:
            made, notes = self.studio.prompts.create(project_id, "pixels")
            set_id, more = made.id, {"said": " ".join(notes)}
        except StudioError as error:
            more = {"refused": str(error)}
        yield self.paint(project_id, set_id, wanted, **more)

    # ── the language model ──────────────────────────────────────────────────────────────────────

    def draft(self, project_id: str, set_id: str, wanted: str, event: gr.EventData) -> Painted:
        """Everything the language model's panel can do."""
        done, error = event._data, ""
        try:
            self.do_draft(project_id, set_id, done)
        except StudioError as problem:
            error = str(problem)
        out = list(self.paint(project_id, set_id, wanted))
        preview = done.get("do") == "preview"
        out[PARTS.index("drafts")] = values.drafts_value(self.studio, project_id, set_id, preview, error)
        return tuple(out)

    def do_draft(self, project_id: str, set_id: str, done: dict[str, Any]) -> None:
        """Nothing that a model wrote becomes a prompt without the user's yes. Raises StudioError."""
        prompts, drafts = self.studio.prompts, self.studio.prompts.drafts
        match done.get("do"):
            case "ask":
                drafts.start(project_id, str(done.get("system", "")))
            case "stop":
                drafts.cancel(project_id)
            case "turn down":
                drafts.settle(project_id, str(done["id"]))
            case "accept":
                prompts.accept(project_id, set_id, {str(done["id"]): [str(s) for s in done["sentences"]]})
            case "accept all":
                now, ids = drafts.get(project_id), set(map(str, done["ids"]))
                proposals = {p.class_id: p.sentences for p in (now.proposals if now else ())}
                prompts.accept(project_id, set_id, {k: s for k, s in proposals.items() if k in ids})

    # ── language and files ──────────────────────────────────────────────────────────────────────

    def set_language(self, project_id: str, set_id: str, wanted: str, code: str) -> Painted:
        more: dict[str, Any] = {}
        try:
            self.studio.prompts.do(project_id, lambda book: book.set_language(set_id, code))
        except StudioError as error:
            more = {"refused": str(error)}
        return self.paint(project_id, set_id, wanted, **more)

    def export(self, project_id: str, set_id: str, kind: str) -> Any:
        """The set as a file, "json" or "csv"."""
        if not set_id:
            warn("There is no prompt set to export yet. Start one above.")
            return gr.update(visible=False)
        try:
            return gr.update(value=str(self.studio.prompts.export(project_id, set_id, kind)), visible=True)
        except StudioError as error:
            warn(error)
            return gr.update(visible=False)

    def export_json(self, project_id: str, set_id: str) -> Any:
        return self.export(project_id, set_id, "json")

    def export_csv(self, project_id: str, set_id: str) -> Any:
        return self.export(project_id, set_id, "csv")

    def import_file(self, project_id: str, set_id: str, wanted: str, file: str | None) -> tuple[Any, ...]:
        """(file field, *PARTS): a new set from a file, shown."""
        if not file:
            return (gr.skip(),) * (len(PARTS) + 1)
        more: dict[str, Any] = {}
        try:
            made, notes = self.studio.prompts.import_file(project_id, file)
            set_id, more = made.id, {"said": " ".join((f"Imported as {made.name}.", *notes))}
        except StudioError as error:
            warn(error)
        return None, *self.paint(project_id, set_id, wanted, **more)
