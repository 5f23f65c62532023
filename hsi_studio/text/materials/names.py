"""Which materials a text means: by their names in English, German, French, Spanish and Chinese, else by likeness.

`names.csv` is the vocabulary: one material a line, names of each language divided by "|", tags that several materials
share. A text that is a name (in any language; case, plurals, "_", "-" and a number at the end do not count) is that
material. Of any other, what legends add is left out (`legends.py`), and it is split at "-", "/", "&", ",", "and",
"und", "et", "y", "和". A part in another language is read by its grammar (`grammar.py`) or means nothing: the encoder
reads English only. A part in English that is no name is compared with English names by a sentence encoder: score =
cosine + 0.3 · Jaccard of the words, a tag counting 0.03 less. A name that adds words to the part ("pine trees" to
"trees") is a kind of it, and all kinds score `KIND`; a state that one says and the other does not ("dry meadow",
"meadow") takes `STATE_LESS` off, another head ("tree shadow" to "tree") `HEAD_LESS`. A material has the mean of its
best score and of its `NEAREST` best; weights = softmax(score / 0.04), those below 15 % of the largest left out. Where
the part ends or begins with a name ("slender oak trees"), only materials with a name that holds that word are
compared, and without an encoder it is that material; what follows "in", "near" or "without" is another thing. A
shadow of something is shadow. A text that begins with a denial ("not water") and one of words like "class" and
"unknown" mean nothing. Minerals (`minerals.py`) are meant by their names alone: nothing is likened to one.

The constants were chosen so that English names find their own material when they are taken out of the list (of 1,427
names 73 % of the weight, 83 % with materials of the same tag), and on the demo scene, Samson and a simulated one.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from hsi_studio.text.materials.grammar import Lexicon, has_small_words, languages_of, words
from hsi_studio.text.materials.grammar_words import ENGLISH_STATES, TREES, changed
from hsi_studio.text.materials.legends import told
from hsi_studio.text.materials.minerals import NEW
from hsi_studio.types import FloatArray

LANGUAGES = ("en", "de", "fr", "es", "zh")
FILE = Path(__file__).parent / "names.csv"
SHARPNESS, LEAST_SHARE, TAG_LESS, JACCARD = 0.04, 0.15, 0.03, 0.3
STATE_LESS = 0.2
MINERAL = "mineral"  # the tag of minerals and of mixes of them
NEAREST = 3
KIND = 0.8  # score of a name that adds a word ("pine trees" to "trees"): all kinds count alike
HEAD_LESS = 0.15
STATES = (  # words that make another material of one, by what they say
    "dry|dried|withered|dead|brown|senescent|senesced|parched|yellow|ripe|mature|harvested|cured",
    "young|emerging|early|seedlings|row|rows|small",
    "wet|moist|damp|saturated|flooded|muddy|irrigated|turbid|silty",
    "dark|black",
    "bright|white|light|pale|reflective",
    "red|reddish|orange",
    "stressed|sparse|patchy|thin|unhealthy|cut|mown|mowed|worn",
    "artificial|synthetic|fake|plastic|manmade|painted",
    "burned|burnt|charred",
    "bare|exposed|unvegetated|barren|uncultivated",
)
FAINT = 0.55  # a best score below it is no likeness
SPLIT = re.compile(r"\s*(?:[-/&,;+、，和与及]|\b(?:and|or|with|und|oder|mit|et|ou|avec|y|o|con)\b)\s*")
DENIED = re.compile(  # "not water", "non-vegetated": what it is, is not said; "no till" is a field
    r"^(?:not?(?![\s-]*till)|non(?![\s-]*till)|without|nicht|kein\w*|ohne|sans|pas de|aucune?|hors|sin|ning[uú]n[ao]?)"
    r"[\s_-]|^pas d['’]|^(?:[无非]|没有?|不是|不含|未)",
    re.IGNORECASE,
)
NOT_THE_HEAD = re.compile(  # "house by the lake", "soil without vegetation": what follows is another thing
    r"\s(?:in|on|by|over|under|through|near|at|along|behind|beside|beneath|around|between|without|for|from|to|next)\s"
)
OF = re.compile(  # "field of wheat" is wheat
    r"^(?:a |an |the )?(?:fields?|patch(?:es)?|areas?|pieces?|bod(?:y|ies)|beds?|rows?|stands?|piles?|heaps?|strips?|"
    r"layers?|stretch(?:es)?|plots?|cover|groups?|clusters?|crops?|surfaces?|pixels?|plantations?) of (?:a |an |the )?"
)
WOODS = ("forest", "forests", "woodland", "woodlands", "woods", "trees", "tree", "plantation", "plantations", "stand")
FIELDS = ("field", "fields", "crop", "crops")
SHADOW = re.compile(r"\b(?:shadows?|\w*schatten|ombres?|sombras?)\b|\bshade$")  # of whatever: "shadow of clouds"
NO_MATERIAL = (  # words that name a class and no thing
    "class|cluster|category|type|label|region|roi|object|target|unknown|other|background|unlabelled|unlabeled|void|"
    "unclassified|undefined|sample|test|new|misc|miscellaneous|rest|area|klasse|sonstige|"
    "sonstiges|unbekannt|hintergrund|classe|autre|inconnu|fond|clase|otro|desconocido|fondo"
)
Encode = Callable[[list[str]], FloatArray]


@dataclass(frozen=True)
class Material:
    """One line of the list. `names` by language."""

    key: str
    tags: tuple[str, ...]
    names: Mapping[str, tuple[str, ...]]

    @property
    def title(self) -> str:
        return self.names["en"][0]


@dataclass(frozen=True)
class State:
    """How a material is here: `wet` 0 to 1, `gain` times as bright, `cover` of it over bare soil (1 = closed)."""

    wet: float = 0.0
    gain: float = 1.0
    cover: float = 1.0


AS_IS = State()


@dataclass(frozen=True)
class Meant:
    """What a text means: parts that lie side by side in a pixel, each a mix of alternatives (key → weight, sum 1).

    `shares` and `states` of the parts where the text says them; () = any shares, materials as they are."""

    text: str
    parts: tuple[Mapping[str, float], ...]
    exact: bool  # every part is a name of the list
    shares: tuple[float, ...] = ()
    states: tuple[State, ...] = ()

    @property
    def weights(self) -> dict[str, float]:
        """Key → share over all parts, sums to 1."""
        out: dict[str, float] = {}
        shares = self.shares or (1.0 / max(len(self.parts), 1),) * len(self.parts)
        for part, share in zip(self.parts, shares, strict=True):
            for key, weight in part.items():
                out[key] = out.get(key, 0.0) + weight * share
        return out


@lru_cache(maxsize=1)
def materials() -> dict[str, Material]:
    """All of the list, by key."""
    with FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        row["key"]: Material(
            row["key"], tuple(filter(None, row["tags"].split("|"))),
            {language: tuple(row[language].split("|")) for language in LANGUAGES},
        )
        for row in rows
    }  # fmt: skip


def plain(text: str) -> str:
    """Lower case, one space between words, no punctuation."""
    return " ".join(re.sub(r"[^\w\s'&]|_", " ", text.lower().replace("ß", "ss").replace("’", "'")).split())


def stem(text: str) -> str:
    """Words without the endings of plurals: "roofs" and "roof" are one."""
    return " ".join(re.sub(r"(?<=\w{3})(?:es|s)$", "", word) for word in plain(text).split())


def singular(text: str) -> str:
    """English words without an "s" for many: "estuaries" and "estuary", "trees" and "tree" are one."""
    return " ".join(re.sub(r"(?<=[^su])s$", "", re.sub(r"(?<=\w{2})ies$", "y", word)) for word in plain(text).split())


@lru_cache(maxsize=1)
def _singulars() -> dict[str, str]:
    """English names by `singular` → stemmed."""
    out: dict[str, str] = {}
    for one in materials().values():
        for name in one.names["en"]:
            out.setdefault(singular(name), stem(name))
    return out


@lru_cache(maxsize=1)
def known_names() -> dict[str, str]:
    """Stemmed name or tag → key; of two materials with one name the first of the list has it."""
    out: dict[str, str] = {}
    for found in materials().values():
        for names in found.names.values():
            for name in names:
                out.setdefault(stem(name), found.key)
    return out


def meant(text: str, encode: Encode | None = None, without: Iterable[str] = ()) -> Meant:
    """What a text means; no parts where nothing is like it. `without`: names that are not looked up (for controls).

    `encode`: sentences → unit vectors; None = names alone.
    """
    hidden = {stem(name) for name in without}
    whole = _by_name(text, hidden)
    if whole:
        return Meant(text, ({whole: 1.0},), True)
    said = _told(text)
    if DENIED.match(said):
        return Meant(text, (), False)
    parts: list[Mapping[str, float]] = []
    exact = True
    for phrase in [said] if _by_name(said, hidden) else [p for p in SPLIT.split(said) if p.strip()]:
        key = _by_name(phrase, hidden) or ("shadow" if SHADOW.search(phrase) and "shadow" not in hidden else None)
        key = key or in_other_language(phrase, hidden)
        foreign = languages_of(phrase, _english())[1]
        head = None if key or foreign else _inside(phrase, hidden)
        likely = {key: 1.0} if key else {}
        if head is not None:
            own = known_names()[head]
            stated = changed(own, [word for word in plain(phrase).split() if word in ENGLISH_STATES])
            likely = _by_likeness(phrase, encode, hidden, _akin(head)) if stated == own else {}
            likely = likely or {stated: 1.0}
        elif key is None and not foreign:
            likely = _by_likeness(phrase, encode, hidden)
        exact = exact and (key is not None or head is not None)
        if likely:
            parts.append(likely)
    unique = [part for k, part in enumerate(parts) if part not in parts[:k]]
    return Meant(text, tuple(unique), exact and bool(unique))


def _told(text: str) -> str:
    """As `legends.told`; in phrases of another language a dash is a space."""
    said = told(text)
    spaced = said.replace("-", " ")
    return spaced if spaced != said and has_small_words(spaced) else said


def named(text: str, without: Iterable[str] = ()) -> str | None:
    """The material that a text as a whole is a name of, in any language, also by the grammar of another than English
    ("Fichtenwälder"); None where it is none."""
    hidden = {stem(name) for name in without}
    return _by_name(text, hidden) or (None if SPLIT.search(text.strip()) else in_other_language(text, hidden))


def is_mineral(text: str) -> bool:
    """Whether a text is a name, or ends in one, of a mineral or a mix of minerals."""
    return any(MINERAL in materials()[max(part, key=lambda key: part[key])].tags for part in meant(text).parts)


def in_english(text: str) -> str:
    """The first English name of what a text is a name of in another language; any other text as it is."""
    key = named(text)
    if key is None or stem(text) in {stem(name) for name in materials()[key].names["en"]}:
        return text
    return materials()[key].title


def in_other_language(phrase: str, hidden: Collection[str] = ()) -> str | None:
    """The material that a phrase is named after by the grammar of another language than English."""
    likely, _ = languages_of(phrase, _english())
    found = [_lexicon(language).names(phrase, hidden) for language in ("de", "fr", "es")]
    found += [_lexicon(language).find(phrase, hidden) for language in likely]
    return next(filter(None, found), None)


@lru_cache(maxsize=1)
def _english() -> frozenset[str]:
    said = {word for one in materials().values() for name in one.names["en"] for word in words(name)}
    return frozenset(said | {f"{word}{'es' if word.endswith(('s', 'x', 'ch', 'sh')) else 's'}" for word in said})


@lru_cache(maxsize=len(LANGUAGES))
def _lexicon(language: str) -> Lexicon:
    names = [(name, one.key, stem(name)) for one in materials().values() for name in one.names[language]]
    return Lexicon.of(language, names, _english())


def _by_name(text: str, hidden: set[str]) -> str | None:
    said = stem(text)
    for one in (said, re.sub(r"(?: \d+)+$", "", said)):  # "parking lot 2" is a parking lot
        if one not in hidden and one in known_names():
            return known_names()[one]
    name = _singulars().get(singular(text))
    return known_names()[name] if name is not None and name not in hidden else None


def _inside(phrase: str, hidden: set[str]) -> str | None:
    """The longest English name at the end or the beginning of a phrase ("tall trees", "water of the harbour"), or the
    kind that stands before it ("beech woodland", "wheat field"). As `known_names` has it."""
    words = re.sub(r"(?: \d+)+$", "", plain(NOT_THE_HEAD.split(OF.sub("", phrase))[0])).split()
    for size in range(len(words), 0, -1):
        for start in (len(words) - size, 0):
            name = _english_name(words[start : start + size], hidden)
            if name is None:
                continue
            kinds = [_english_name(words[k:end], hidden) for end in range(start, 0, -1) for k in range(end)]
            allowed = TREES if words[-1] in WOODS and size == 1 else _grown() if words[-1] in FIELDS else frozenset()
            return next((kind for kind in kinds if kind is not None and known_names()[kind] in allowed), name)
    return None


@lru_cache(maxsize=1)
def _grown() -> frozenset[str]:
    """What a field may be of."""
    return frozenset(
        key for key, one in materials().items() if {"crop", "cereal", "wet crop", "sports"} & set(one.tags)
    )


def _english_name(words: list[str], hidden: set[str]) -> str | None:
    said = " ".join(words)
    for name in (stem(said), _singulars().get(singular(said), "")):
        if len(name) > 2 and name not in hidden and name in _english_names():
            return name
    return None


@lru_cache(maxsize=1)
def _english_names() -> frozenset[str]:
    names = {stem(name) for one in materials().values() for name in one.names["en"]}
    return frozenset(names)


@lru_cache(maxsize=1)
def _no_material() -> frozenset[str]:
    stems = [stem(word) for word in NO_MATERIAL.split("|")]
    return frozenset([*stems, *map(stem, stems)])  # a phrase may be stemmed when it comes here


@lru_cache(maxsize=256)
def _akin(head: str) -> frozenset[str]:
    """Materials with a name or a tag that holds the words of a name, and its own."""
    words = set(head.split())
    return frozenset({known_names()[head], *(one.key for one in _compared() if words <= one.words)})


@dataclass(frozen=True)
class _Compared:
    """A name or tag that unknown phrases are compared with."""

    key: str
    name: str
    stemmed: str
    words: frozenset[str]
    states: frozenset[int]
    less: float


@lru_cache(maxsize=1)
def _compared() -> tuple[_Compared, ...]:
    out = []
    for found in materials().values():
        if found.key in NEW:
            continue
        for name, less in [(n, 0.0) for n in found.names["en"]] + [(t, TAG_LESS) for t in found.tags]:
            out.append(_Compared(found.key, name, stem(name), frozenset(stem(name).split()), _states(name), less))
    return tuple(out)


def _states(text: str) -> frozenset[int]:
    """Which of `STATES` a text says."""
    said = f" {plain(text)} "
    return frozenset(k for k, words in enumerate(STATES) if any(f" {word} " in said for word in words.split("|")))


@lru_cache(maxsize=2)
def _vectors(encode: Encode) -> FloatArray:
    """Of all that is compared, once an encoder: hundreds of names."""
    return encode([one.name for one in _compared()])


def likely(phrase: str, encode: Encode) -> dict[str, float]:
    """Key → weight of the materials a phrase is like, whether it is a name or not; {} where it is like none."""
    return _by_likeness(phrase, encode, set())


def _by_likeness(
    phrase: str, encode: Encode | None, hidden: set[str], among: frozenset[str] | None = None
) -> dict[str, float]:
    """`among`: keys that are compared, None = all."""
    if all(word.isdecimal() or word in _no_material() for word in stem(phrase).split()):
        return {}
    if among is not None and len(among) == 1:
        return dict.fromkeys(among, 1.0)
    if encode is None:
        return {}
    own, states = set(stem(phrase).split()), _states(phrase)
    known = _compared()
    vectors, vector = _vectors(encode), encode([phrase])[0]
    jaccard = np.array([len(own & one.words) / max(len(own | one.words), 1) for one in known])
    likeness = vectors @ vector + JACCARD * jaccard
    likeness[[own < one.words for one in known]] = KIND
    score = likeness - np.array([one.less for one in known])
    score -= STATE_LESS * np.array([len(states ^ one.states) for one in known])
    last = (stem(phrase).split() or [""])[-1]
    score -= HEAD_LESS * np.array([last in one.words and one.stemmed.split()[-1] != last for one in known])
    score[[one.stemmed in hidden or (among is not None and one.key not in among) for one in known]] = -1.0
    if score.max() < (FAINT if among is None else 0.0):
        return {}
    each: dict[str, list[float]] = {}
    for one, value in zip(known, score.tolist(), strict=True):
        each.setdefault(one.key, []).append(value)
    best = {key: (max(values) + float(np.mean(sorted(values)[-NEAREST:]))) / 2.0 for key, values in each.items()}
    top = max(best.values())
    raised = {key: float(np.exp((value - top) / SHARPNESS)) for key, value in best.items()}
    kept = {key: value for key, value in raised.items() if value >= LEAST_SHARE}
    total = sum(kept.values())
    return {key: value / total for key, value in kept.items()}
