"""A project's prompt sets, as its users call them: every action is a journal line when its method returns.

>>> words = project.words
>>> plain = words.create("Plain words", {corn.id: ["tall green rows"]}, origin="typed")
>>> words.edit(plain, {corn.id: ["tall dark green rows of corn"]})
>>> words.revert(plain, 1)
"""

from __future__ import annotations

import difflib
import re
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from hsi_studio.errors import LabelProblem
from hsi_studio.project.prompt_sets import FROM_PIXELS, MAX_SET_NAME, PROPOSED, SUGGESTED, PromptSets, Version, WordSet
from hsi_studio.sanitize import same_name
from hsi_studio.types import ClassSchema, PromptSet


class Shelf(Protocol):
    """What a book needs of its project."""

    @property
    def schema(self) -> ClassSchema: ...

    def when(self, seq: int) -> tuple[str, str]:
        """Time and actor of a journal line."""
        ...


@dataclass(frozen=True)
class Wording:
    """What one class said from one version on."""

    version: int
    time: str  # UTC, ISO 8601
    actor: str
    why: str
    sentences: tuple[str, ...]  # () = the class name alone


@dataclass(frozen=True)
class Difference:
    """How one class differs between two versions. `words`: (kind, text) with kind "same", "gone" or "new"."""

    class_id: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    words: tuple[tuple[str, str], ...]


class PromptBook:
    """Thread-safe; `do` writes a journal line and applies it, `writing` holds the project's locks."""

    def __init__(
        self,
        shelf: Shelf,
        sets: Callable[[], PromptSets],
        do: Callable[[str, dict[str, Any], str], Any],
        writing: Callable[[], AbstractContextManager[None]],
        lock: threading.RLock,
    ) -> None:
        self._shelf, self._sets, self._do, self._writing, self._lock = shelf, sets, do, writing, lock

    # ── reading ─────────────────────────────────────────────────────────────────────────────────

    @property
    def all(self) -> list[WordSet]:
        """In the order they were made."""
        with self._lock:
            return list(self._sets().sets.values())

    @property
    def current(self) -> str:
        """Id of the set made or edited last; "" without sets."""
        with self._lock:
            return self._sets().current

    def get(self, set_id: str) -> WordSet:
        """Raises LabelProblem."""
        with self._lock:
            return self._sets().info(set_id)

    def named(self, name: str) -> WordSet:
        """Raises LabelProblem."""
        for info in self.all:
            if same_name(info.name, name):
                return info
        known = ", ".join(info.name for info in self.all) or "none yet"
        raise LabelProblem(f"There is no prompt set {name!r}. There are: {known}.")

    def prompts(self, set_id: str = "", version: int | None = None) -> PromptSet:
        """Sentences of the classes that exist; of the current set, as it is now, unless said otherwise."""
        with self._lock:
            sets = self._sets()
            chosen = set_id or sets.current
            if not chosen:
                return PromptSet()
            source = sets.info(chosen).sentences if version is None else sets.version(chosen, version).sentences
            known = {info.id for info in self._shelf.schema.classes}
            return PromptSet({key: text for key, text in source.items() if key in known})

    def versions(self, set_id: str) -> list[Version]:
        """Every version, oldest first, the undone ones included."""
        with self._lock:
            self._sets().info(set_id)
            return list(self._sets().versions[set_id])

    def measured(self, set_id: str, version: int) -> bool:
        """Whether facts of the labelled pixels may stand in a version: a start, a copy or a suggestion from them in it
        or before it, for a sentence that was taken over may live on. Raises LabelProblem."""
        taken = (v.number <= version and v.why in (SUGGESTED, PROPOSED) for v in self.versions(set_id))
        return FROM_PIXELS in self.get(set_id).origin or any(taken)

    def history(self, set_id: str, class_id: str) -> list[Wording]:
        """What a class said, oldest first: the versions in which its sentences changed."""
        found: list[Wording] = []
        for version in self.versions(set_id):
            said = version.sentences.get(class_id, ())
            if not found or said != found[-1].sentences:
                found.append(Wording(version.number, *self._shelf.when(version.seq), version.why, said))
        return found

    def diff(self, set_id: str, before: int, after: int) -> list[Difference]:
        """Classes that differ between two versions, in class order. Raises LabelProblem."""
        with self._lock:
            old, new = (self._sets().version(set_id, n).sentences for n in (before, after))
            ids = [info.id for info in self._shelf.schema.classes]
        return [
            Difference(key, old.get(key, ()), new.get(key, ()), word_diff(old.get(key, ()), new.get(key, ())))
            for key in ids
            if old.get(key, ()) != new.get(key, ())
        ]

    # ── actions ─────────────────────────────────────────────────────────────────────────────────

    def create(
        self,
        name: str,
        sentences: Mapping[str, Sequence[str]] | None = None,
        origin: str = "",
        language: str = "en",
        actor: str = "",
    ) -> str:
        """A new set; returns its id. Raises LabelProblem."""
        key = uuid.uuid4().hex
        payload = {
            "set": key, "name": name, "language": language, "origin": origin,
            "sentences": {class_id: list(text) for class_id, text in (sentences or {}).items()},
        }  # fmt: skip
        self._do("create_prompt_set", payload, actor)
        return key

    def copy(self, set_id: str, name: str = "", version: int | None = None, actor: str = "") -> str:
        """A set with the same sentences; returns its id. Raises LabelProblem."""
        with self._writing():
            old = self.get(set_id)
            origin = f"copy of {old.name}, version {version or old.version}"
            if self.measured(set_id, version or old.version):
                origin += f", {FROM_PIXELS}"
            sentences = self.prompts(set_id, version).sentences
            return self.create(name or self.free_name(f"{old.name} copy"), sentences, origin, old.language, actor)

    def rename(self, set_id: str, name: str, actor: str = "") -> None:
        """Raises LabelProblem: no such set, or another one has the name."""
        self._do("update_prompt_set", {"set": set_id, "name": name}, actor)

    def set_language(self, set_id: str, language: str, actor: str = "") -> None:
        """`language` is a code such as "en". Raises LabelProblem."""
        self._do("update_prompt_set", {"set": set_id, "language": language}, actor)

    def delete(self, set_id: str, actor: str = "") -> None:
        """Undo brings it back. Raises LabelProblem."""
        self._do("delete_prompt_set", {"set": set_id}, actor)

    def edit(self, set_id: str, sentences: Mapping[str, Sequence[str]], why: str = "", actor: str = "") -> int:
        """New sentences of some classes, the others stay; returns the set's version. Raises LabelProblem."""
        given = {class_id: list(text) for class_id, text in sentences.items()}
        with self._writing():
            self._do("edit_prompt_set", {"set": set_id, "sentences": given, "why": why}, actor)
            return self.get(set_id).version

    def revert(self, set_id: str, version: int, class_id: str = "", actor: str = "") -> int:
        """Say again what an older version said, all classes or one: a new version. Raises LabelProblem."""
        with self._writing():
            old = self.prompts(set_id, version).sentences
            wanted = [class_id] if class_id else [info.id for info in self._shelf.schema.classes]
            return self.edit(set_id, {key: old.get(key, ()) for key in wanted}, f"back to version {version}", actor)

    def free_name(self, wanted: str) -> str:
        """The name, with a number when it is taken."""
        taken = {info.name.casefold() for info in self.all}
        name, n = wanted[:MAX_SET_NAME], 2
        while name.casefold() in taken:
            name, n = f"{wanted[: MAX_SET_NAME - 6]} ({n})", n + 1
        return name


def word_diff(before: Sequence[str], after: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Word by word: what stays, goes and comes. Sentences are joined by line breaks."""
    old, new = (re.findall(r"\S+|\n", "\n".join(text)) for text in (before, after))
    out: list[tuple[str, str]] = []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            out.append(("same", " ".join(old[a:b])))
            continue
        if b > a:
            out.append(("gone", " ".join(old[a:b])))
        if d > c:
            out.append(("new", " ".join(new[c:d])))
    return tuple(out)
