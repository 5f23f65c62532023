"""Which words a run is trained with: a style, the class names, or a version of one of the project's prompt sets.

A choice is a short text, so that pages, command lines and records can keep it: "p1" … "p5", "names", "set:ID" (the set
as it is now), "set:ID@VERSION". A set may also be called by its name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hsi_studio.errors import BadRequest, LabelProblem
from hsi_studio.project.store import Project
from hsi_studio.text.prompts import sentences_for

STYLE_NAMES = {
    "p1": "p1 plain", "p2": "p2 nice", "p3": "p3 fusion", "p4": "p4 long", "p5": "p5 described",
}  # fmt: skip


@dataclass(frozen=True)
class Chosen:
    """The words a run is to use. `set_id` "" = a style or the names."""

    title: str  # "p5 described", "My words, version 3"
    style: str  # "p1" … "p5", "names"; "" for a set
    set_id: str
    version: int  # 0 for a style
    sentences: dict[str, tuple[str, ...]]  # class id → sentences
    notes: tuple[str, ...] = ()

    @property
    def choice(self) -> str:
        """What gives the same words again, whatever is edited later."""
        return self.style or f"set:{self.set_id}@{self.version}"

    @property
    def record(self) -> dict[str, Any]:
        """What a run's record keeps."""
        return {
            "style": self.choice, "set": self.title if self.set_id else "",
            "sentences": {key: list(text) for key, text in self.sentences.items()},
        }  # fmt: skip


def choices(project: Project) -> list[tuple[str, str]]:
    """(words, value) of the styles and the project's sets; `resolve` takes the value."""
    own = [(f"{info.name}, version {info.version}", f"set:{info.id}") for info in project.words.all]
    return [*((name, style) for style, name in STYLE_NAMES.items()), *own]


def resolve(project: Project, scene_name: str, choice: str) -> Chosen:
    """The sentences behind a choice. Raises BadRequest, LabelProblem."""
    schema = project.schema
    if choice == "names":
        return Chosen("class names", choice, "", 0, {})
    if choice in STYLE_NAMES:
        said, notes = sentences_for(schema.names, choice, scene_name)
        return Chosen(STYLE_NAMES[choice], choice, "", 0, {c.id: said[c.name] for c in schema.classes}, notes)
    kind, _, rest = choice.partition(":")
    set_id, at, number = rest.rpartition("@") if "@" in rest else (rest, "", "")
    if kind != "set" or (at and not number.isdecimal()):
        raise BadRequest(f"There are no prompts {choice!r}. Choose p1 to p5, names, or a prompt set of the project.")
    try:
        info = project.words.get(set_id)
    except LabelProblem:
        info = project.words.named(set_id)
    version = int(number) if number else info.version
    sentences = dict(project.words.prompts(info.id, version).sentences)
    without = [c.name for c in schema.classes if c.id not in sentences]
    note = (f"No sentence for {', '.join(without)}: their names stand for them.",) if without else ()
    return Chosen(f"{info.name}, version {version}", "", info.id, version, sentences, note)


def record_of_prompts(
    project: Project, scene_name: str, choice: str, reads: bool, given: Mapping[str, Sequence[str]] | None = None
) -> dict[str, Any]:
    """`RunRecord.prompts`: the words of a choice and, before them, the `given` ones (class id → sentences).

    `reads`: whether the method takes words; one that does not keeps the choice alone, whatever became of that set.
    Raises BadRequest, LabelProblem.
    """
    if not reads and choice not in ("", "names", *STYLE_NAMES) and not choice.startswith("set:"):
        raise BadRequest(f"There are no prompts {choice[:80]!r}, and this method reads none: leave them out.")
    chosen = resolve(project, scene_name, choice if reads else "names")
    known = {info.id for info in project.schema.classes}
    found = {**chosen.sentences, **(given or {})}
    sentences = {key: [str(text) for text in value] for key, value in found.items() if key in known}
    return {**chosen.record, "style": chosen.choice if reads else choice, "sentences": sentences}
