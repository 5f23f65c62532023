"""`studio.prompts`: the words of a project's classes.

>>> words, notes = studio.prompts.create(project.id, "p5")  # a set to start from
>>> studio.prompts.edit(project.id, words.id, {corn.id: ["tall green rows"]})
>>> studio.runs.start(project.id, "curated", prompts=f"set:{words.id}")

Editing goes through the project's journal (`project/prompt_book.py`). What takes longer than a moment, comparing texts
and asking a language model, runs on a thread of its own: `prompt_similarity.py` and `drafts` here (`prompt_drafts.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hsi_studio.errors import BadRequest
from hsi_studio.files import write_text
from hsi_studio.methods import get_method
from hsi_studio.project.prompt_book import PromptBook
from hsi_studio.project.prompt_sets import FROM_PIXELS, PROPOSED, WordSet
from hsi_studio.sanitize import slug
from hsi_studio.studio import Subject
from hsi_studio.studio.class_measurements import Measurements
from hsi_studio.studio.prompt_choice import Chosen, choices, resolve
from hsi_studio.studio.prompt_drafts import Drafts
from hsi_studio.studio.prompt_similarity import TextView, TextViews
from hsi_studio.studio.workspace import Workspace
from hsi_studio.text.prompt_checks import Check, check, language_note
from hsi_studio.types import Scene

SOURCES = ("p1", "p2", "p3", "p4", "p5", "empty", "pixels", "copy")


class Prompts(Subject):
    """One subject of `Studio`. `changed(project_id)` is called after every edit."""

    def __init__(self, workspace: Workspace, changed: Callable[[str], object] = lambda _: None) -> None:
        self._workspace, self._changed = workspace, changed
        self._measurements = Measurements(workspace)
        self.drafts = Drafts(workspace, self._measurements)
        self._views = TextViews(workspace, self._measurements)

    # ── sets ────────────────────────────────────────────────────────────────────────────────────

    def book(self, project_id: str) -> PromptBook:
        """The project's sets and their history, to read."""
        return self._workspace.project(project_id).words

    def create(self, project_id: str, source: str, name: str = "", actor: str = "") -> tuple[WordSet, tuple[str, ...]]:
        """A new set: "p1" … "p5", "empty", "pixels" (described from the labelled pixels) or "copy:SET ID".

        Returns it with notes for the user. Raises BadRequest, LabelProblem, CorruptFile.
        """
        book, (kind, _, what) = self.book(project_id), source.partition(":")
        if kind not in SOURCES:
            raise BadRequest(f"There is no start {source!r} for a prompt set. Choose one of: {', '.join(SOURCES)}.")
        notes: tuple[str, ...] = ()
        if kind == "copy":
            key = book.copy(what, name, actor=actor)
        else:
            title, origin, sentences, notes = self._start(project_id, kind)
            key = book.create(name or book.free_name(title), sentences, origin, actor=actor)
        self._changed(project_id)
        return book.get(key), notes

    def edit(
        self, project_id: str, set_id: str, sentences: Mapping[str, Sequence[str]], why: str = "", actor: str = ""
    ) -> int:
        """New sentences of some classes; the journal has them on return. Raises LabelProblem."""
        version = self.book(project_id).edit(set_id, sentences, why, actor)
        self._changed(project_id)
        return version

    def accept(self, project_id: str, set_id: str, proposals: Mapping[str, Sequence[str]], actor: str = "") -> int:
        """Take over proposals of a language model (class id → sentences, as the user left them), all or none.

        Raises LanguageModelProblem with what is wrong with one, BadRequest, LabelProblem.
        """
        kept = {key: self.drafts.checked(project_id, key, sentences) for key, sentences in proposals.items()}
        version = self.edit(project_id, set_id, kept, PROPOSED, actor)
        for key in kept:
            self.drafts.settle(project_id, key)
        return version

    def do(self, project_id: str, action: Callable[[PromptBook], Any]) -> Any:
        """Anything else: rename, delete, copy, revert, set_language. Raises LabelProblem."""
        done = action(self.book(project_id))
        self._changed(project_id)
        return done

    # ── what a run uses ─────────────────────────────────────────────────────────────────────────

    def choices(self, project_id: str) -> list[tuple[str, str]]:
        """(words, value) of everything that a run can be trained with; `resolve` takes the value."""
        return choices(self._workspace.project(project_id))

    def resolve(self, project_id: str, choice: str) -> Chosen:
        """The sentences behind a choice: "p1" … "p5", "names", "set:ID" or "set:ID@VERSION".

        Raises BadRequest, LabelProblem.
        """
        return resolve(self._workspace.project(project_id), self._workspace.scene_of(project_id).name, choice)

    def unread(self, method: str, choice: str) -> str:
        """What to say of prompts that were chosen for a method which reads none; "" for one that does. Raises
        BadRequest for a method that is not there."""
        known = get_method(method)
        return "" if "text" in known.needs else f"{known.title} reads no words: the prompts {choice} are not used."

    # ── checks ──────────────────────────────────────────────────────────────────────────────────

    def check(self, project_id: str, set_id: str) -> Check:
        """Token counts and flags of a set. Raises LabelProblem, ModelMissing."""
        project = self._workspace.project(project_id)
        info, scene = project.words.get(set_id), self._workspace.scene_of(project_id)
        return check(project.words.prompts(set_id).sentences, project.schema, range_nm(scene), info.language)

    def language_note(self, project_id: str, set_id: str) -> str:
        """What the text model makes of the set's language; "" when there is nothing to say."""
        return language_note(self.book(project_id).get(set_id).language)

    def view(self, project_id: str, set_id: str) -> TextView:
        """How alike the set's texts are, and where words and pixels disagree; made in the background, so it may say
        "working". ParsedQuery again after an edit, it starts again. Raises LabelProblem."""
        return self._views.view(project_id, set_id)

    # ── files ───────────────────────────────────────────────────────────────────────────────────

    def export(self, project_id: str, set_id: str, kind: str = "json", folder: Path | None = None) -> Path:
        """Write a set as JSON or CSV. Raises LabelProblem."""
        from hsi_studio.project.prompt_set_files import prompt_set_text

        project = self._workspace.project(project_id)
        info = project.words.get(set_id)
        text = prompt_set_text(info, project.words.prompts(set_id).sentences, project.schema, kind)
        where = folder or project.folder / "exports"
        return write_text(where / f"prompts-{slug(info.name, 'set')}-v{info.version}.{kind}", text)

    def import_file(self, project_id: str, path: str | Path, actor: str = "") -> tuple[WordSet, tuple[str, ...]]:
        """A new set from a JSON or CSV file, with notes on what was left out. Raises FileProblem, LabelProblem."""
        from hsi_studio.project.prompt_set_files import read_prompt_set

        project = self._workspace.project(project_id)
        found = read_prompt_set(path, project.schema)
        origin = f"imported from {Path(path).name}"
        key = project.words.create(
            project.words.free_name(found.name), found.sentences, origin, found.language or "en", actor
        )
        self._changed(project_id)
        return project.words.get(key), found.notes

    def close(self) -> None:
        """Stop what runs in the background."""
        self.drafts.close()
        self._views.close()

    def _start(self, project_id: str, kind: str) -> tuple[str, str, dict[str, tuple[str, ...]], tuple[str, ...]]:
        """(title, origin, sentences, notes) of a new set."""
        if kind == "empty":
            return "My words", "written by hand", {}, ()
        if kind != "pixels":
            chosen = self.resolve(project_id, kind)
            return f"Style {chosen.title}", f"style {kind}", chosen.sentences, chosen.notes
        said = self._measurements.of(project_id).sentences
        if not said:
            raise BadRequest("No class has labels to describe: label some pixels of each class first.")
        without = [info.name for info in self._workspace.project(project_id).schema.classes if info.id not in said]
        notes = (f"No labels, so nothing was measured: {', '.join(without)}.",) if without else ()
        return "From the pixels", FROM_PIXELS, said, notes


def range_nm(scene: Scene) -> tuple[float, float] | None:
    """First and last wavelength of the usable bands; None when the file does not say."""
    nm = scene.bands.wavelength_nm
    if nm is None or not scene.good_bands.any():
        return None
    good = np.asarray(nm)[scene.good_bands]
    return float(good.min()), float(good.max())
