"""What a language model is asked to write, how its answer is read, and what is checked before anyone may use it.

ParsedQuery for are p5 descriptions (DiffCLIP, AAAI 2025: inherent attributes, height, spectral behaviour, relations to
neighbours, the class's name), each with a comparison (S3FN, arXiv 2510.07556). The user sees and edits the system
prompt, and sees what is sent with it: class names, facts of the scene and, where labels exist, what was measured of
each class. No pixel, no coordinate and no file leaves the machine.

Unusual here: the answer is one JSON object a line, one a class, so that a proposal is there as soon as its line is;
but every form that models answer in is read (a list, one object for all, a code fence around it). A proposal with a
problem is shown with it and cannot be taken over as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hsi_studio.humanize import counted
from hsi_studio.text.llm.protocol import Message
from hsi_studio.text.prompt_checks import names_class
from hsi_studio.text.prompts import normalise, readable
from hsi_studio.text.wavelengths import outside
from hsi_studio.types import ClassSchema

MIN_WORDS, MAX_WORDS = 8, 60
MAX_PROPOSED = 6  # sentences a class
MAX_SYSTEM = 6000  # characters
SYSTEM = """\
You describe the classes of a land-cover map so that a text encoder can tell them apart in images of a hyperspectral \
sensor, some with heights from LiDAR.

For each class write two sentences in English of 15 to 30 words each:
1. what it looks like: colour, texture, height, shape, how its reflectance runs over the wavelengths;
2. how it differs from the classes of the list it is most easily confused with.

Rules
- Every sentence contains the class name as it is given.
- Use the measured facts where there are some. Invent no numbers.
- Name no wavelength outside the sensor's range, and no range that it does not measure.
- No markup, no lists, no headings, no remarks of your own.

Answer with one JSON object a line and nothing else, one line a class, in the order of the list:
{"class": "<name as given>", "sentences": ["…", "…"]}"""
GIVEN = ("sentences", "sentence", "description", "text")
ENGLISH = frozenset(
    [
        "the",
        "of",
        "is",
        "are",
        "and",
        "with",
        "than",
        "that",
        "from",
        "has",
        "have",
        "by",
        "which",
        "its",
        "it",
        "for",
        "but",
        "when",
        "while",
        "under",
        "at",
        "not",
        "more",
        "most",
    ]
)  # words that hardly an English sentence does without, and few of other languages
_MARKUP = re.compile(r"[*_]{2}|[`#<>{}|\\]|^\s*(?:[-•*]|\d+[.)])\s|\]\(|https?://|www\.", re.IGNORECASE)


@dataclass(frozen=True)
class Proposal:
    """What a model proposes for a class; usable when `problems` is empty."""

    class_id: str
    sentences: tuple[str, ...]
    problems: tuple[str, ...]
    remarks: tuple[str, ...] = ()  # what to look at; it may be used as it is, but not unseen


@dataclass(frozen=True)
class Task:
    """What the model is told about a scene. `facts`: class id → sentences that were measured."""

    scene: str
    schema: ClassSchema
    range_nm: tuple[float, float] | None
    has_heights: bool
    gsd_m: float | None = None
    bands: int = 0
    facts: Mapping[str, Sequence[str]] | None = None
    wanted: tuple[str, ...] = ()  # ids of the classes to describe; () = all

    @property
    def classes(self) -> list[Any]:
        return [info for info in self.schema.classes if not self.wanted or info.id in self.wanted]

    def question(self) -> str:
        """The user message, as it is sent."""
        reach = "wavelengths unknown: name none"
        if self.range_nm is not None:
            reach = f"{self.bands} bands from {self.range_nm[0]:.0f} to {self.range_nm[1]:.0f} nm"
        size = f", pixels of {self.gsd_m:g} m" if self.gsd_m else ""
        heights = "heights above ground from LiDAR" if self.has_heights else "no heights: do not claim any"
        lines = [f"Scene: {self.scene}", f"Sensor: {reach}{size}; {heights}", "", "Classes:"]
        for info in self.classes:
            lines.append(f"- {readable(info.name)}")
            lines += [f"  measured: {fact}" for fact in (self.facts or {}).get(info.id, ())]
        others = [readable(info.name) for info in self.schema.classes if info not in self.classes]
        if others:
            lines += ["", f"Other classes of the map, to compare with: {', '.join(others)}"]
        return "\n".join(lines)

    def messages(self, system: str = SYSTEM) -> list[Message]:
        return [
            {"role": "system", "content": system.strip()[:MAX_SYSTEM]},
            {"role": "user", "content": self.question()},
        ]

    @property
    def tokens(self) -> int:
        """Room for the answer."""
        return min(8000, 300 + 220 * len(self.classes))

    def read(self, text: str) -> tuple[list[Proposal], list[str]]:
        """Proposals in class order, from as much of an answer as there is, and notes on what could not be used."""
        by_name = {normalise(info.name): info for info in self.classes}
        found: dict[str, list[str]] = {}
        strange: list[str] = []
        again: list[str] = []
        for name, sentences in _entries(text):
            info = by_name.get(normalise(name))
            if info is None:
                strange.append(_short(name))
            elif found.setdefault(info.id, sentences) != sentences:
                again.append(info.name)
        proposals = [
            Proposal(
                info.id, tuple(found[info.id]), tuple(problems(found[info.id], info.name, self.range_nm)),
                tuple(remarks(found[info.id])),
            )
            for info in self.classes
            if info.id in found
        ]  # fmt: skip
        notes = []
        if again:
            notes.append(f"Described more than once, the first is shown: {', '.join(dict.fromkeys(again))}.")
        if strange:
            notes.append(f"Left out, no class of this name was asked for: {', '.join(dict.fromkeys(strange))}.")
        return proposals, notes

    def missing(self, proposals: Sequence[Proposal]) -> list[str]:
        """Names of the classes a finished answer says nothing of."""
        there = {proposal.class_id for proposal in proposals}
        return [info.name for info in self.classes if info.id not in there]


def problems(sentences: Sequence[str], name: str, range_nm: tuple[float, float] | None) -> list[str]:
    """What keeps a proposal from being used; [] = nothing."""
    if not any(text.strip() for text in sentences):
        return ["It has no sentence."]
    found = []
    if len(sentences) > MAX_PROPOSED:
        found.append(f"It has {len(sentences)} sentences; {MAX_PROPOSED} are the most.")
    for n, text in enumerate(sentences, start=1):
        which = f"Sentence {n}" if len(sentences) > 1 else "It"
        words = len(re.findall(r"\w+(?:[-’'.]\w+)*", text))
        if not MIN_WORDS <= words <= MAX_WORDS:
            found.append(f"{which} has {counted(words, 'word')}; {MIN_WORDS} to {MAX_WORDS} are asked for.")
        if not names_class(text, name):
            found.append(f"{which} does not name the class “{readable(name)}”.")
        strange = outside(text, range_nm)
        if strange:
            found.append(f"{which} names what the sensor does not measure: {', '.join(strange)}.")
        if _MARKUP.search(text):
            found.append(f"{which} has markup in it.")
    return found


def remarks(sentences: Sequence[str]) -> list[str]:
    """What to look at before a proposal is used: [] = nothing."""
    text = " ".join(sentences)
    letters, words = [c for c in text if c.isalpha()], re.findall(r"[a-z]+", text.lower())
    strange = sum(not c.isascii() for c in letters)
    english = sum(word in ENGLISH for word in words)
    if not letters or (strange <= len(letters) / 5 and english >= len(words) / 15):
        return []
    return ["It does not read as English, and most text encoders know little else."]


def _entries(text: str) -> list[tuple[str, list[str]]]:
    """(class name, sentences) of every JSON object in a text, whatever stands around them."""
    text = re.sub(r"<think>.*?(?:</think>|\Z)", "", text, flags=re.DOTALL)
    decoder = json.JSONDecoder()
    found: list[tuple[str, list[str]]] = []
    at = text.find("{")
    while at >= 0:
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            at = text.find("{", at + 1)
            continue
        found += _of_object(value)
        at = text.find("{", end)
    return found


def _of_object(value: Any) -> list[tuple[str, list[str]]]:
    """Objects {"class", "sentences"}, {"classes": [...]}, or {name: sentences, …}."""
    if isinstance(value, list):
        return [entry for item in value for entry in _of_object(item)]
    if not isinstance(value, dict):
        return []
    low = {str(key).strip().lower(): item for key, item in value.items()}
    name = next((low[key] for key in ("class", "name", "class_name", "label") if isinstance(low.get(key), str)), None)
    if name is not None:
        return [(name, _texts(_given(value)))]
    if isinstance(low.get("classes"), (list, dict)):
        return _of_object(low["classes"])
    return [(str(key), _texts(_given(item))) for key, item in value.items() if isinstance(item, (str, list, dict))]


def _given(item: Any) -> Any:
    """What was given for a class: texts, or an object that holds them."""
    if not isinstance(item, dict):
        return item
    low = {str(key).strip().lower(): held for key, held in item.items()}
    return next((low[key] for key in GIVEN if key in low), [])


def _texts(given: Any) -> list[str]:
    items = [given] if isinstance(given, str) else given if isinstance(given, list) else []
    texts = [" ".join("".join(c if c.isprintable() else " " for c in str(item)).split()) for item in items]
    return [text[:2000] for text in texts if text][:64]


def _short(name: str) -> str:
    return " ".join(name.split())[:40]
