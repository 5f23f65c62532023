"""Named, versioned sets of class sentences: pure state, and what may happen to it.

Unusual here:
- A version number is given once and never used again. Undo goes back to the older version; an edit after that gets
  a number of its own. So "Plain words, version 3" means one wording for ever, and a run can name it.
- Every version keeps all its sentences (they share their text), also the undone ones: any of them can be had back.
- Sentences hang on class ids. A deleted class leaves its sentences where they are; undo finds them again.
- The set made or edited last is the current one: what `Project.prompts()` gives.

`events.py` turns a `SetsChange` into a `Change`; `prompt_book.py` is what a user of a project calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hsi_studio.errors import LabelProblem
from hsi_studio.sanitize import clean_text, same_name
from hsi_studio.types import ClassSchema

MAX_SENTENCES = 64
MAX_SENTENCE = 2000
MAX_SETS = 100
MAX_SET_NAME = 80
FROM_PIXELS = "described from the labelled pixels"  # in the origin of a set that was measured, and of its copies
SUGGESTED, PROPOSED = "suggested from the pixels", "language model, seen and accepted"  # whys that took over facts
FIRST_SET = "first"  # id of the set that a "set_prompt" of older journals writes to
FIRST_NAME = "My words"
MAX_ORIGIN = 200

Sentences = Mapping[str, tuple[str, ...]]  # class id → its sentences; a class without any has no entry


@dataclass(frozen=True)
class WordSet:
    """A prompt set as it is now."""

    id: str
    name: str
    language: str  # "en", "de", …; "" = not said
    origin: str  # where it came from: "style p5", FROM_PIXELS, "copy of …"
    version: int  # of `sentences`
    sentences: Sentences


@dataclass(frozen=True)
class Version:
    """One wording of a set, for good."""

    number: int
    seq: int  # of the journal line that made it
    why: str  # "style p5", "edit Corn", "back to version 2"
    sentences: Sentences


@dataclass(frozen=True)
class SetsChange:
    """Both sides of what an event does to the sets."""

    text: str
    sets: dict[str, tuple[WordSet | None, WordSet | None]] = field(default_factory=dict)
    current: tuple[str, str] = ("", "")  # id of the current set before and after
    why: str = ""  # for the version it makes


class PromptSets:
    """All sets of a project."""

    def __init__(self) -> None:
        self.sets: dict[str, WordSet] = {}
        self.versions: dict[str, list[Version]] = {}  # set id → every version ever, by number
        self.current = ""

    def apply(self, change: SetsChange, after: bool) -> None:
        """Put one side in place. Cannot fail."""
        for key, sides in change.sets.items():
            side = sides[after]
            if side is None:
                self.sets.pop(key, None)
            else:
                self.sets[key] = side
        self.current = change.current[after]

    def remember(self, change: SetsChange, seq: int) -> None:
        """Keep the versions that an event made. Call once, when it is committed."""
        for key, (_, after) in change.sets.items():
            known = self.versions.setdefault(key, [])
            if after is not None and after.version > len(known):
                known.append(Version(after.version, seq, change.why or change.text, after.sentences))

    def info(self, set_id: str) -> WordSet:
        """Raises LabelProblem."""
        if set_id not in self.sets:
            raise LabelProblem("This prompt set does not exist any more. Choose another one, or undo its deletion.")
        return self.sets[set_id]

    def version(self, set_id: str, number: int) -> Version:
        """Raises LabelProblem."""
        known = self.versions.get(self.info(set_id).id, [])
        if not 1 <= number <= len(known):
            raise LabelProblem(f"{self.info(set_id).name} has versions 1 to {len(known)}, not {number}.")
        return known[number - 1]

    def free_name(self, name: str, but: str = "") -> str:
        """The cleaned name, when no other set has it. Raises LabelProblem."""
        cleaned = clean_text(name)
        if not 1 <= len(cleaned) <= MAX_SET_NAME:
            raise LabelProblem(f"A prompt set needs a name of 1 to {MAX_SET_NAME} characters.")
        if any(other.id != but and same_name(other.name, cleaned) for other in self.sets.values()):
            raise LabelProblem(f"There is a prompt set {cleaned!r} already. Give this one another name.")
        return cleaned

    def next_version(self, set_id: str) -> int:
        return len(self.versions.get(set_id, ())) + 1

    # ── what an event would do: each returns a change and changes nothing ──────────────────────

    def create(self, payload: dict[str, Any], schema: ClassSchema) -> SetsChange:
        key = str(payload["set"])
        if not key or len(key) > 64 or key in self.sets or key in self.versions:
            raise LabelProblem("A prompt set with this id exists already.")
        if len(self.sets) >= MAX_SETS:
            raise LabelProblem(f"A project holds at most {MAX_SETS} prompt sets. Delete one first.")
        name = self.free_name(payload["name"])
        origin = clean_text(str(payload.get("origin", "")))[:MAX_ORIGIN]
        sentences = merged({}, payload.get("sentences", {}), schema)
        made = WordSet(key, name, clean_language(payload.get("language", "")), origin, 1, sentences)
        return SetsChange(f"add prompt set {name}", {key: (None, made)}, (self.current, key), origin or "made")

    def update(self, payload: dict[str, Any]) -> SetsChange:
        """Another name, another language."""
        old = self.info(str(payload["set"]))
        name = self.free_name(payload.get("name", old.name), but=old.id)
        new = replace(old, name=name, language=clean_language(payload.get("language", old.language)))
        if new == old:
            return SetsChange("rename a prompt set")
        text = f"rename prompt set {old.name} to {name}" if name != old.name else f"set the language of {name}"
        return SetsChange(text, {old.id: (old, new)}, (self.current, self.current))

    def delete(self, payload: dict[str, Any]) -> SetsChange:
        old = self.info(str(payload["set"]))
        rest = [key for key in self.sets if key != old.id]
        current = self.current if self.current != old.id else (rest[-1] if rest else "")
        return SetsChange(f"delete prompt set {old.name}", {old.id: (old, None)}, (self.current, current))

    def edit(self, payload: dict[str, Any], schema: ClassSchema) -> SetsChange:
        """New sentences of some classes; [] = back to the class name."""
        old = self.info(str(payload["set"]))
        sentences = merged(old.sentences, payload["sentences"], schema)
        names = [info.name for info in schema.classes if sentences.get(info.id) != old.sentences.get(info.id)]
        if not names:
            return SetsChange(f"describe nothing new in {old.name}")
        what = names[0] if len(names) == 1 else f"{len(names)} classes"
        new = replace(old, version=self.next_version(old.id), sentences=sentences)
        why = clean_text(str(payload.get("why", "")))[:MAX_ORIGIN] or f"edit {what}"
        return SetsChange(f"describe {what}", {old.id: (old, new)}, (self.current, old.id), why)

    def edit_first(self, class_id: str, sentences: Any, schema: ClassSchema) -> SetsChange:
        """The "set_prompt" of older journals: one class of the set that stands for the project's own words."""
        if FIRST_SET in self.sets:
            return self.edit({"set": FIRST_SET, "sentences": {class_id: sentences}}, schema)
        written = merged({}, {class_id: sentences}, schema)
        if not written:
            return SetsChange("describe nothing")
        name, n = FIRST_NAME, 2
        while any(same_name(other.name, name) for other in self.sets.values()):
            name, n = f"{FIRST_NAME} ({n})", n + 1
        what = next(info.name for info in schema.classes if info.id == class_id)
        made = WordSet(FIRST_SET, name, "", "written by hand", self.next_version(FIRST_SET), written)
        return SetsChange(f"describe {what}", {FIRST_SET: (None, made)}, (self.current, FIRST_SET), f"edit {what}")


def merged(old: Sentences, edits: Mapping[str, Any], schema: ClassSchema) -> dict[str, tuple[str, ...]]:
    """Cleaned sentences with the edits in; classes that exist come in their order. Raises LabelProblem."""
    out = dict(old)
    for class_id, sentences in edits.items():
        info = schema.get(class_id)
        if info is None:
            raise LabelProblem("This class does not exist any more. Choose another one, or undo its deletion.")
        if isinstance(sentences, str):
            raise LabelProblem(f"The sentences of {info.name} must be a list.")
        cleaned = tuple(text for text in (clean_text(str(s)) for s in sentences) if text)
        if len(cleaned) > MAX_SENTENCES or any(len(s) > MAX_SENTENCE for s in cleaned):
            raise LabelProblem(
                f"A class takes at most {MAX_SENTENCES} sentences of {MAX_SENTENCE} characters. "
                "Shorten the description."
            )
        if cleaned:
            out[class_id] = cleaned
        else:
            out.pop(class_id, None)
    return out


def clean_language(code: Any) -> str:
    """A language code such as "en" or "pt-br", or "". Raises LabelProblem."""
    cleaned = str(code).strip().lower()
    if cleaned and not (2 <= len(cleaned) <= 12 and cleaned.replace("-", "").isalnum() and cleaned.isascii()):
        raise LabelProblem(f"{cleaned[:20]!r} is not a language code. Write one like en, de or pt-br.")
    return cleaned
