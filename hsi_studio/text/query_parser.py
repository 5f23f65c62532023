"""What a query asks for, taken apart: the thing itself, traits, what it lies near or away from.

"tall vegetation near water" → about "tall vegetation", traits {tall}, near "water". Only a few plain English words are
looked for; everything else is left to the sentence encoder.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from hsi_studio.text.lexicon import TRAITS

NEAR = ("next to", "close to", "adjacent to", "bordering", "near", "beside", "along", "by", "around", "between")
AWAY = ("far from", "away from", "not near")
WITHOUT = ("without", "not", "no", "except")
FILLER = {
    "a", "an", "the", "any", "some", "all", "of", "in", "on", "is", "are", "and", "with", "that", "this", "very",
    "something", "anything", "things", "places", "areas", "area", "surface", "surfaces", "pixels", "region", "regions",
    "show", "me", "find", "where", "colour", "coloured", "color", "colored",
}  # fmt: skip


INFRARED = re.compile(  # a part of the spectrum, not a place: "strong near-infrared plateau"
    r"\b(?:(strong|high|bright|large)|(weak|low|dark|little|no)) (?:in (?:the )?)?near[ -]infrared"
    r"(?: plateau| reflectance)?\b|\bnear[ -]infrared\b"
)


@dataclass(frozen=True)
class ParsedQuery:
    """`about` may be empty: "something dark" asks for a trait alone."""

    text: str
    about: str
    bare: str = ""  # `about` without the words of traits; "" where that leaves nothing, or changes nothing
    traits: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()  # traits it must not have
    near: tuple[str, ...] = ()
    away: tuple[str, ...] = ()
    without: tuple[str, ...] = ()  # things it must not be


def parse_query(text: str) -> ParsedQuery:
    """Raises nothing: any text asks for something."""
    lowered = " ".join(re.sub(r"[^\w\s'-]", " ", text.lower()).split())
    lowered = INFRARED.sub(_infrared, lowered)
    marks = {**dict.fromkeys(NEAR, "near"), **dict.fromkeys(AWAY, "away"), **dict.fromkeys(WITHOUT, "without")}
    pattern = "|".join(re.escape(mark) for mark in sorted(marks, key=len, reverse=True))
    pieces = re.split(rf"(?<!-)\b({pattern})\b(?!-)", lowered)
    parts: dict[str, list[str]] = {"near": [], "away": [], "without": []}
    for mark, words in zip(pieces[1::2], pieces[2::2], strict=True):
        if words.strip():
            parts[marks[mark]].append(words.strip())
    main = pieces[0].strip()
    words = re.findall(r"[\w'-]+", main)
    traits = [t for t in TRAITS if any(word in t.words for word in words)]
    named = {word for t in traits for word in t.words}
    rest = [word for word in words if word not in FILLER and word not in named]
    lacking = [t.key for t in TRAITS if any(w in t.words for said in parts["without"] for w in said.split())]
    gone = [said for said in parts["without"] if not any(w in t.words for t in TRAITS for w in said.split())]
    bare = " ".join(rest) if rest and named & set(words) else ""
    keys = tuple(t.key for t in traits)
    near, away = tuple(parts["near"]), tuple(parts["away"])
    main = re.sub(r"-?near-infrared", " near infrared", main).strip()
    return ParsedQuery(text, main if rest else "", bare, keys, tuple(lacking), near, away, tuple(gone))


def _infrared(found: re.Match[str]) -> str:
    """One word that is a trait of its own where it says how strong."""
    return "strong-near-infrared" if found[1] else "weak-near-infrared" if found[2] else "near-infrared"
