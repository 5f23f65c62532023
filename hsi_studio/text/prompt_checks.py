"""What is wrong with the sentences of a prompt set, before anything is trained on them.

Counted are tokens as the encoders count them, begin and end token included. Two limits matter: the sentence encoder's
own (the embedded MiniLM reads 256) and 77, the context of DiffCLIP's text transformer; what is longer is cut there.
Flags are advice: nothing is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hsi_studio.text.model_files import EMBEDDED, find_model
from hsi_studio.text.prompts import normalise
from hsi_studio.text.tokens import tokenise
from hsi_studio.text.wavelengths import outside
from hsi_studio.types import ClassSchema

ENCODER_TOKENS = 256  # the embedded encoder's
SHORT_CONTEXT = 77  # DiffCLIP's text transformer, as CLIP's
NO_LIMIT = 100_000

LANGUAGES = {
    "en": "English", "de": "German", "fr": "French", "es": "Spanish", "it": "Italian", "pt": "Portuguese",
    "nl": "Dutch", "pl": "Polish", "ru": "Russian", "uk": "Ukrainian", "tr": "Turkish", "ar": "Arabic",
    "zh": "Chinese", "ja": "Japanese", "ko": "Korean", "hi": "Hindi", "": "not said",
}  # fmt: skip


@dataclass(frozen=True)
class Flag:
    """One remark. `sentence` is its position in the class's list, None when the class as a whole is meant."""

    class_id: str
    sentence: int | None
    kind: str  # "empty", "cut", "long", "duplicate", "outside", "name"
    text: str


@dataclass(frozen=True)
class Check:
    """Token counts of each class's sentences, and the flags, in class order."""

    tokens: dict[str, tuple[int, ...]]
    flags: tuple[Flag, ...]

    def of(self, class_id: str) -> tuple[Flag, ...]:
        return tuple(flag for flag in self.flags if flag.class_id == class_id)


def token_counts(sentences: Sequence[str]) -> list[int]:
    """Tokens of each sentence in the embedded encoder's vocabulary, begin and end included. Raises ModelMissing."""
    return [len(row) for row in tokenise(sentences, context=NO_LIMIT)]


def check(
    sentences: Mapping[str, Sequence[str]],
    schema: ClassSchema,
    range_nm: tuple[float, float] | None,
    language: str = "en",
) -> Check:
    """Look at every class of a schema. `range_nm`: what the sensor measures. Raises ModelMissing."""
    every = [(info, n, text) for info in schema.classes for n, text in enumerate(sentences.get(info.id, ()))]
    counts = token_counts([text for *_, text in every])
    tokens: dict[str, list[int]] = {info.id: [] for info in schema.classes}
    for (info, _, _), count in zip(every, counts, strict=True):
        tokens[info.id].append(count)
    flags: list[Flag] = []
    by_text: dict[str, list[tuple[str, int]]] = {}
    for info, n, text in every:
        by_text.setdefault(_key(text), []).append((info.name, n))
    for info in schema.classes:
        given = sentences.get(info.id, ())
        if not given:
            flags.append(Flag(info.id, None, "empty", f"No sentence: the name “{info.name}” stands for the class."))
        for n, text in enumerate(given):
            flags += _long(info.id, n, tokens[info.id][n])
            others = [(name, m) for name, m in by_text[_key(text)] if (name, m) != (info.name, n)]
            if others:
                where = sorted({name for name, _ in others})
                said = "twice in this class" if where == [info.name] else f"the same as of {', '.join(where)}"
                flags.append(Flag(info.id, n, "duplicate", f"{_ordinal(n)} sentence: {said}."))
            missing = outside(text, range_nm)
            if missing:
                reach = "its wavelengths are not known" if range_nm is None else f"it measures {_nm(range_nm)}"
                flags.append(
                    Flag(info.id, n, "outside", f"{_ordinal(n)} sentence: the sensor has no {_list(missing)}; {reach}.")
                )
        if given and language in ("", "en") and not any(names_class(text, info.name) for text in given):
            flags.append(Flag(info.id, None, "name", f"No sentence names “{info.name}”."))
    return Check({key: tuple(found) for key, found in tokens.items()}, tuple(flags))


def names_class(sentence: str, name: str) -> bool:
    """Whether the words of a class's name stand in a sentence, in any form that `normalise` holds equal."""
    said = f" {normalise(sentence)} "
    return bool(normalise(name)) and all(f" {word} " in said for word in normalise(name).split())


def language_note(language: str, spec: str = EMBEDDED) -> str:
    """What an encoder makes of a language, for the user; "" when there is nothing to say. Raises ModelMissing."""
    if language in ("", "en"):
        return ""
    spoken = LANGUAGES.get(language, language)
    model = find_model(spec, weights=False)
    if re.search(r"multilingual|xlm|e5|bge-m3|labse", model.name.lower()):
        return (
            f"{model.name} was trained on many languages; check with the text map that {spoken} sets its classes apart."
        )
    return (
        f"The text model {model.name} was trained on English: {spoken} sentences are cut into word pieces it hardly "
        "knows, so unlike classes may come out alike. Write English, or train with a multilingual text model "
        "(parameter text_encoder, for example intfloat/multilingual-e5-small)."
    )


def _long(class_id: str, n: int, count: int) -> list[Flag]:
    if count > ENCODER_TOKENS:
        lost = count - ENCODER_TOKENS
        text = f"{count} tokens: every text model cuts it, even the one that reads {ENCODER_TOKENS} ({lost} are lost)"
        return [Flag(class_id, n, "cut", f"{_ordinal(n)} sentence has {text}.")]
    if count > SHORT_CONTEXT:
        text = f"{count} tokens: DiffCLIP reads {SHORT_CONTEXT} and cuts the last {count - SHORT_CONTEXT}"
        return [Flag(class_id, n, "long", f"{_ordinal(n)} sentence has {text}; the other methods read all of it.")]
    return []


def _key(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def _ordinal(n: int) -> str:
    return ("First", "Second", "Third", "Fourth", "Fifth", "Sixth", "Seventh", "Eighth")[n] if n < 8 else f"{n + 1}th"


def _list(items: Sequence[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} or {items[-1]}"


def _nm(range_nm: tuple[float, float]) -> str:
    return f"{range_nm[0]:.0f}–{range_nm[1]:.0f} nm"
