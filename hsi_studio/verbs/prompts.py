"""`studio.prompts`: the words of a project's classes.

>>> words = studio.prompts.create(project.id, "p5")          # a set to start from
>>> studio.prompts.edit(project.id, words.id, {corn.id: ["tall green rows"]})
>>> chosen = studio.prompts.resolve(project.id, f"set:{words.id}")
>>> studio.runs.start(project.id, "curated", sentences=chosen.sentences)

Editing goes through the project's journal (`project/prompt_book.py`). What takes longer than a moment, comparing texts
and asking a language model, runs on a thread of its own: `text_view.py` and `drafts` here (`prompt_drafts.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hsi_studio.errors import BadRequest, StudioError
from hsi_studio.project.clean import slug
from hsi_studio.project.files import write_text
from hsi_studio.project.prompt_book import PromptBook
from hsi_studio.project.prompt_sets import WordSet
from hsi_studio.text.prompt_checks import Check, check, language_note
from hsi_studio.types import PromptSet, Scene
from hsi_studio.verbs import Desk
from hsi_studio.verbs.prompt_drafts import Drafts
from hsi_studio.verbs.text_view import TextView, TextViews

Describe = Callable[[str, str], Sequence[str]]  # (project id, class id) → measured sentences

STYLE_NAMES = {
    "p1": "p1 plain", "p2": "p2 nice", "p3": "p3 fusion", "p4": "p4 long", "p5": "p5 described",
}  # fmt: skip
SOURCES = ("p1", "p2", "p3", "p4", "p5", "empty", "pixels", "copy")


@dataclass(frozen=True)
class Chosen:
    """The words a run is to use. `set_id` "" = a style."""

    title: str  # "p5 described", "My words, version 3"
    style: str  # "p1" … "p5", "" for a set
    set_id: str
    version: int  # 0 for a style
    sentences: dict[str, tuple[str, ...]]  # class id → sentences
    notes: tuple[str, ...] = ()

    @property
    def record(self) -> dict[str, Any]:
        """What a run's record keeps."""
        return {
            "style": self.style, "set": self.title if self.set_id else "", "set_id": self.set_id,
            "version": self.version, "sentences": {key: list(text) for key, text in self.sentences.items()},
        }  # fmt: skip


class Prompts:
    """One subject of `Studio`. `changed(project_id)` is called after every edit; `describe`, where there is one, gives
    the measured sentences of a class's labelled pixels."""

    def __init__(
        self,
        desk: Desk,
        changed: Callable[[str], object] = lambda _: None,
        describe: Describe | None = None,
    ) -> None:
        self._desk, self._changed, self._describe = desk, changed, describe
        self.drafts = Drafts(desk, self.measured)
        self._views = TextViews(desk, self.measured if describe is not None else None)

    # ── sets ────────────────────────────────────────────────────────────────────────────────────

    def book(self, project_id: str) -> PromptBook:
        """The project's sets and their history, to read."""
        return self._desk.project(project_id).words

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
        version = self.edit(project_id, set_id, kept, "language model, seen and accepted", actor)
        for key in kept:
            self.drafts.settle(project_id, key)
        return version

    def do(self, project_id: str, action: Callable[[PromptBook], Any]) -> Any:
        """Anything else: rename, delete, copy, revert, set_language. Raises LabelProblem."""
        done = action(self.book(project_id))
        self._changed(project_id)
        return done

    def can_describe(self) -> bool:
        """Whether texts can be written from the pixels."""
        return self._describe is not None

    def measured(self, project_id: str, class_id: str) -> Sequence[str]:
        """What was measured of a class's labelled pixels, in sentences; () without labels or a way to measure."""
        if self._describe is None:
            return ()
        labels = self._desk.project(project_id).labels()
        info = labels.schema.get(class_id)
        if info is None or not labels.counts[labels.schema.index(class_id)]:
            return ()
        return tuple(self._describe(project_id, class_id))

    # ── what a run uses ─────────────────────────────────────────────────────────────────────────

    def choices(self, project_id: str) -> list[tuple[str, str]]:
        """(words, value) of everything that a run can be trained with; `resolve` takes the value."""
        own = [(f"{info.name}, version {info.version}", f"set:{info.id}") for info in self.book(project_id).all]
        return [*((name, style) for style, name in STYLE_NAMES.items()), *own]

    def resolve(self, project_id: str, choice: str) -> Chosen:
        """The sentences behind a choice: "p1" … "p5", "set:ID" or "set:ID@VERSION". Raises BadRequest, LabelProblem."""
        project = self._desk.project(project_id)
        if choice in STYLE_NAMES:
            from hsi_studio.text.prompts import sentences_for

            said, notes = sentences_for(project.schema.names, choice, self._desk.scene_of(project_id).name)
            by_id = {info.id: said[info.name] for info in project.schema.classes}
            return Chosen(STYLE_NAMES[choice], choice, "", 0, by_id, notes)
        kind, _, rest = choice.partition(":")
        set_id, _, number = rest.partition("@")
        if kind != "set" or (number and not number.isdecimal()):
            raise BadRequest(f"There are no prompts {choice!r}. Choose p1 to p5, or a prompt set of the project.")
        info = project.words.get(set_id)
        version = int(number) if number else info.version
        sentences = dict(project.words.prompts(set_id, version).sentences)
        without = [c.name for c in project.schema.classes if c.id not in sentences]
        note = (f"No sentence for {', '.join(without)}: their names stand for them.",) if without else ()
        return Chosen(f"{info.name}, version {version}", "", set_id, version, sentences, note)

    # ── checks ──────────────────────────────────────────────────────────────────────────────────

    def check(self, project_id: str, set_id: str) -> Check:
        """Token counts and flags of a set. Raises LabelProblem, ModelMissing."""
        project = self._desk.project(project_id)
        info, scene = project.words.get(set_id), self._desk.scene_of(project_id)
        return check(project.words.prompts(set_id).sentences, project.schema, range_nm(scene), info.language)

    def language_note(self, project_id: str, set_id: str) -> str:
        """What the text model makes of the set's language; "" when there is nothing to say."""
        return language_note(self.book(project_id).get(set_id).language)

    def view(self, project_id: str, set_id: str) -> TextView:
        """How alike the set's texts are, and where words and pixels disagree; made in the background, so it may say
        "working". Asked again after an edit, it starts again. Raises LabelProblem."""
        return self._views.view(project_id, set_id)

    # ── files ───────────────────────────────────────────────────────────────────────────────────

    def export(self, project_id: str, set_id: str, kind: str = "json", folder: Path | None = None) -> Path:
        """Write a set as JSON or CSV. Raises LabelProblem."""
        from hsi_studio.project.prompt_files import prompt_set_text

        project = self._desk.project(project_id)
        info = project.words.get(set_id)
        text = prompt_set_text(info, project.words.prompts(set_id).sentences, project.schema, kind)
        where = folder or project.folder / "exports"
        return write_text(where / f"prompts-{slug(info.name, 'set')}-v{info.version}.{kind}", text)

    def bring_in(self, project_id: str, path: str | Path, actor: str = "") -> tuple[WordSet, tuple[str, ...]]:
        """A new set from a JSON or CSV file, with notes on what was left out. Raises FileProblem, LabelProblem."""
        from hsi_studio.project.prompt_files import read_prompt_set

        project = self._desk.project(project_id)
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
        if self._describe is None:
            raise BadRequest("Texts from the pixels are not available here. Start from a style instead.")
        classes = self._desk.project(project_id).schema.classes
        said: dict[str, tuple[str, ...]] = {}
        failed: list[str] = []
        for info in classes:
            try:
                said[info.id] = tuple(self.measured(project_id, info.id))
            except StudioError as error:
                failed.append(f"{info.name}: {error}")
        said = {key: text for key, text in said.items() if text}
        if not said:
            raise BadRequest(
                failed[0] if failed else "No class has labels to describe: label some pixels of each class first."
            )
        without = [info.name for info in classes if info.id not in said]
        if without:
            failed.append(f"Nothing could be measured of: {', '.join(without)}. Label pixels of them.")
        return "From the pixels", "described from the labelled pixels", said, tuple(failed)


def range_nm(scene: Scene) -> tuple[float, float] | None:
    """First and last wavelength of the usable bands; None when the file does not say."""
    nm = scene.bands.wavelength_nm
    if nm is None or not scene.good_bands.any():
        return None
    good = np.asarray(nm)[scene.good_bands]
    return float(good.min()), float(good.max())


def prompts_of(chosen: Chosen) -> PromptSet:
    """As the methods take them."""
    return PromptSet(dict(chosen.sentences))
