"""From a sentence to a recipe: materials with shares, states and neighbours, as chips that people can correct.

    "Mostly bare soil with straw residue, young maize in rows, near a road; 12 June"
      ─▶ 67 % bare soil, 22 % straw, 11 % young maize at 40 % cover; near road; what was assumed

By rules, in English: what follows a place ("near", "along", "borders on") is a neighbour; what follows "unlike",
"darker than", "no", "without" up to the next stop says what a thing is not, and is left out, as are colours named after
materials ("straw yellow") and brightness in a part of the spectrum ("dark in the near infrared"); the rest falls into
clauses ("," ";" "." "with" "and" "over"). In these the longest names of `names.csv` are found, in any of its languages;
adjectives may stand inside a name ("turbid brown water"). A text that is a name as a whole is that material, shadow of
something is shadow, straw of a crop is straw. A general name ("roof", "tree", "canopy") beside one of its
kinds adds nothing. Where no clause names a material, the sentence encoder compares each with all names, if it is given.
Amounts ("mostly", "some", "40 %") are weights; "wet", "dark", "bright" and what says how closed a cover is are states,
also where they make a clause of their own ("asphalt, wet after rain"; "dark and wet asphalt").

Stages and dates move crops: cover of bare soil by a logistic curve, half closed `HALF_COVERED_WEEKS` after planting.
A month is read with the calendar of northern mid-latitudes (`PLANTED_WEEK`: maize, soybean and the like in early May;
cereals sown in autumn, yellow in July, stubble from August on), and the recipe says so. The curve and the calendar are
ours, from what is usual; no scene was fitted.

A sentence that begins with "Materials:" is a recipe in the form that `written` gives, and the only one that counts:
this is how a correction is kept among a class's sentences.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from hsi_studio.text.materials.grammar import has_small_words
from hsi_studio.text.materials.grammar_words import HAN
from hsi_studio.text.materials.names import (
    AS_IS,
    SPLIT,
    Encode,
    Meant,
    State,
    in_other_language,
    known_names,
    likely,
    materials,
    named,
    stem,
)
from hsi_studio.text.materials.sentence_rules import (
    ADJECTIVES,
    AMOUNTS,
    CAST,
    CEREAL_CUT_WEEK,
    CEREAL_RIPE_WEEK,
    CLAUSE,
    CLOSING_WEEKS,
    COLOUR,
    COVER,
    GAIN,
    GENERAL,
    HALF_COVERED_WEEKS,
    HARVESTED,
    ISO_DATE,
    KIND_WORDS,
    MONTHS,
    NOT,
    NUMBERS,
    PARTS_OF_PLANTS,
    PERCENT,
    PLACE,
    PLANTED_WEEK,
    RIPE,
    SAID_DATE,
    SAID_HEIGHT,
    SAID_TIME,
    SPECTRAL,
    STATE_WORDS,
    SUMMER_RIPE_WEEK,
    WET,
)

WRITTEN = "Materials:"


@dataclass(frozen=True)
class Chip:
    """One material of a recipe. `share` of the pixel, all together 1; `sure`: a name of the list was found."""

    key: str
    share: float
    phrase: str
    sure: bool = True
    state: State = AS_IS

    @property
    def title(self) -> str:
        """ "asphalt (wet, dark)", "maize (60 % cover)"."""
        state = states_said(self.state)
        return materials()[self.key].title + (f" ({', '.join(state)})" if state else "")


@dataclass(frozen=True)
class Recipe:
    """What a text says a pixel is made of. `near` and `height` are for people and for the described words, which read
    them from the text themselves; `notes`: what was assumed."""

    text: str
    chips: tuple[Chip, ...]
    near: tuple[str, ...] = ()
    height: str = ""
    notes: tuple[str, ...] = ()

    def meant(self) -> Meant:
        """For the spectral engine."""
        return Meant(
            self.text,
            tuple({chip.key: 1.0} for chip in self.chips),
            bool(self.chips) and all(chip.sure for chip in self.chips),
            tuple(chip.share for chip in self.chips),
            tuple(chip.state for chip in self.chips),
        )


def read_recipe(text: str, encode: Encode | None = None) -> Recipe:
    """Any text has a recipe, perhaps one without chips. `encode` as in `names.meant`; None = names alone."""
    if WRITTEN in text:
        return Recipe(text, _shared(tuple(_as_written(text[text.index(WRITTEN) + len(WRITTEN) :].split("\n")[0]))))
    lowered = " ".join(text.lower().replace("_", " ").split())
    heights = [found[0] for found in SAID_HEIGHT.finditer(lowered)]
    lowered = SAID_HEIGHT.sub(" ", lowered)
    stage, note, lowered = _stage(lowered)
    lowered = COLOUR.sub(" ", SPECTRAL.sub(" ", lowered))
    near = [found[0].strip() for found in PLACE.finditer(lowered)]
    lowered = PLACE.sub(",", lowered)
    lowered = CAST.sub(",", NOT.sub(",", lowered))
    clauses = [part.strip() for part in CLAUSE.split(lowered) if part.strip()]
    chips = _all_chips(clauses, None) or _all_chips(clauses, encode)
    whole = named(text)
    if whole is not None and {chip.key for chip in chips} != {whole}:  # "bare soil (farmland)"
        chips = [Chip(whole, -1.0, text)]
    staged = tuple(stage(chip) for chip in chips)
    notes = (note,) if note and staged != tuple(chips) else ()
    return Recipe(
        text, _shared(staged), tuple(near), "; ".join(h for h in heights if h[-1].isalpha() and h[0] != "a"), notes
    )


def written(chips: Sequence[Chip]) -> str:
    """The sentence that reads back as these chips (shares to a percent)."""
    return f"{WRITTEN} {', '.join(f'{max(1, round(100 * chip.share))} % {chip.title}' for chip in chips)}"


def _as_written(text: str) -> list[Chip]:
    out = []
    for share, name, said in re.findall(r"(\d+) % ([^,(]+?)\s*(?:\(([^)]*)\))?\s*(?:,|\.|$)", text):
        key = known_names().get(stem(name))
        if key is not None:
            out.append(Chip(key, -float(share) / 100.0, name, True, state_of(said)))
    return out


def states_said(state: State) -> list[str]:
    """Words that `state_of` reads back."""
    out = [min(WET, key=lambda word: abs(WET[word] - state.wet))] if state.wet > 0 else []
    out += [min(GAIN, key=lambda word: abs(GAIN[word] - state.gain))] if state.gain != 1.0 else []
    return out + ([f"{100 * state.cover:.0f} % cover"] if state.cover < 1.0 else [])


def state_of(said: str) -> State:
    """Of "wet, dark, 40 % cover"; words that are no state are not looked at."""
    words = [word.strip() for word in said.split(",")]
    cover = re.search(r"(\d+) % cover", said)
    return State(
        next((WET[word] for word in words if word in WET), 0.0),
        next((GAIN[word] for word in words if word in GAIN), 1.0),
        min(int(cover[1]), 100) / 100.0 if cover else 1.0,
    )


def _all_chips(clauses: Sequence[str], encode: Encode | None) -> list[Chip]:
    """Of all clauses. One of adjectives alone speaks of the clause before it, at the beginning of the one after it."""
    out: list[Chip] = []
    last: list[Chip] = []
    waiting = AS_IS
    for clause in clauses:
        found = _chips(clause, encode)
        if found:
            last = [_with_state(chip, waiting) for chip in found]
            waiting = AS_IS
            out += last
        elif len(clause.split()) <= ADJECTIVES:
            said = _state_in(clause)
            if last:
                out[-len(last) :] = last = [_with_state(chip, said) for chip in last]
            else:
                waiting = said
    plants = [chip for chip in out if _plant(chip.key) and not _part_of_plant(chip)]
    return [chip for chip in out if not (plants and _part_of_plant(chip))]


def _part_of_plant(chip: Chip) -> bool:
    """Whether "canopy" or the like is all that was said of it."""
    words = [word for word in chip.phrase.split() if word in PARTS_OF_PLANTS]
    return chip.key == "tree" and bool(words) and not _names(" ".join(set(chip.phrase.split()) - set(words)))[0]


def _with_state(chip: Chip, said: State) -> Chip:
    """A chip with what is said of it elsewhere, where it says nothing itself; only of plants how closed they are."""
    own = chip.state
    cover = said.cover if own.cover == 1.0 and _plant(chip.key) else own.cover
    return replace(chip, state=State(own.wet or said.wet, said.gain if own.gain == 1.0 else own.gain, cover))


def _state_in(clause: str) -> State:
    """Of words that are states; "dark green" is a colour."""
    clause = re.sub(r"\b(?:dark|light|pale|bright)[ -](?:green|blue|red|yellow|orange|brown)\b", " ", clause)
    return State(
        next((value for word, value in WET.items() if _has(clause, word)), 0.0),
        next((GAIN[word] for word in sorted(GAIN, key=len, reverse=True) if _has(clause, word)), 1.0),
        next((value for word, value in COVER.items() if _has(clause, word)), 1.0),
    )


def _chips(clause: str, encode: Encode | None) -> list[Chip]:
    """Of one clause: its amount and its states hold for all its materials."""
    number = PERCENT.search(clause)
    clause = PERCENT.sub(" ", clause)
    weight = float(number[1]) / 100.0 if number else 0.0
    names, rest = _names(clause)
    amount = next((value for word, value in AMOUNTS.items() if _has(clause, word)), 1.0)
    state = State(
        next((value for word, value in WET.items() if _has(rest, word)), 0.0),
        next((GAIN[word] for word in sorted(GAIN, key=len, reverse=True) if _has(rest, word)), 1.0),
    )
    sure = bool(names)
    if not names and encode is not None and _worth_comparing(rest):
        found = likely(rest, encode)
        names = [max(found, key=lambda key: found[key])] if found else []
    closed = next((value for word, value in COVER.items() if _has(rest, word)), 1.0)
    out = []
    for key in names:
        own = replace(state, cover=closed) if _plant(key) else state
        out.append(_aged(Chip(key, -weight if weight else amount, clause.strip(), sure, own), rest))
    return out


def _names(clause: str) -> tuple[list[str], str]:
    """Keys of the longest names in a clause, and what is left of it."""
    if has_small_words(clause) or HAN.search(clause):  # of another language
        heads = [named(part) for part in SPLIT.split(clause) if part.strip()]
        return list(dict.fromkeys(filter(None, heads))), ""
    words = stem(clause).split()
    found = _kinds(words)
    for size in range(min(4, len(words)), 0, -1):
        for start in range(len(words) - size + 1):
            name = " ".join(words[start : start + size])
            key = known_names().get(name) if name else None
            if key is None or len(name) <= 2:
                continue
            bare = [word for word in words[start : start + size] if word not in STATE_WORDS]
            if len(bare) < size and known_names().get(" ".join(bare)) == key:
                continue  # "dark asphalt" is asphalt: the adjective is a state
            found.append(key)
            words[start : start + size] = [""] * size
    rest = " ".join(filter(None, words))
    if not found and len(clause.split()) <= ADJECTIVES:
        found = list(filter(None, [in_other_language(clause)]))  # "Fichtenwald"
    if "shadow" in found:  # of whatever stands beside it
        found = ["shadow"]
    if "straw" in found:  # of whatever crop stands beside it
        found = [
            key for key in found if key == "straw" or not {"crop", "cereal", "wet crop"} & set(materials()[key].tags)
        ]
    kinds = [key for key in found if not _general(key, found)]
    return list(dict.fromkeys(kinds)), rest


def _kinds(words: list[str]) -> list[str]:
    """Keys of names that adjectives stand inside: "turbid brown river water", "ploughed dark field". What is found is
    emptied in `words`, the states between it stay."""
    found = []
    for start, first in enumerate(words):
        for end in range(min(start + 3, len(words) - 1), start + 1, -1):
            inside = words[start + 1 : end]
            key = known_names().get(f"{first} {words[end]}") if first and words[end] else None
            if first in STATE_WORDS and key == known_names().get(words[end]):
                continue  # "dark wet asphalt" is asphalt
            if key is not None and (first in KIND_WORDS or all(word in STATE_WORDS for word in inside)):
                found.append(key)
                words[start : end + 1] = [word if word in STATE_WORDS else "" for word in inside]
                words[start:start] = ["", ""]
                break
    return found


def _general(key: str, found: Sequence[str]) -> bool:
    """Whether a general material stands beside one of its kinds."""
    tag = GENERAL.get(key)
    return tag is not None and any(
        other != key and other not in GENERAL and (tag in materials()[other].tags if tag else _plant(other))
        for other in found
    )


def _worth_comparing(rest: str) -> bool:
    """Whether anything but adjectives of state and amount is left to compare with names."""
    states = {*WET, *GAIN, *COVER, *RIPE, *HARVESTED, *AMOUNTS, "a", "an", "the", "of", "in", "very", "rows", "row"}
    return any(len(word) > 2 and word not in {stem(s) for s in states} for word in rest.split())


def _has(text: str, word: str) -> bool:
    return re.search(rf"\b{re.escape(word)}\b", text) is not None or (
        stem(word) != word and re.search(rf"\b{re.escape(stem(word))}\b", text) is not None
    )


def _plant(key: str) -> bool:
    return bool(
        {"crop", "sparse crop", "cereal", "wet crop", "crop tree", "grass", "low vegetation", "shrub", "tree"}
        & set(materials()[key].tags)
    )


def _aged(chip: Chip, rest: str) -> Chip:
    """A ripe or harvested crop is another material."""
    tags = set(materials()[chip.key].tags)
    if not tags & {"crop", "cereal", "sparse crop", "wet crop"}:
        return chip
    if any(_has(rest, word) for word in HARVESTED):
        return replace(chip, key="straw", state=replace(chip.state, cover=1.0))
    if any(_has(rest, word) for word in RIPE):
        return replace(chip, key="ripe cereal", state=replace(chip.state, cover=1.0))
    return chip


def _stage(text: str) -> tuple[Callable[[Chip], Chip], str, str]:
    """(chip → chip at that stage, what was assumed, text without the stage)."""
    said = SAID_TIME.search(text)
    if said:
        number = float(NUMBERS.get(said[1], 0) or (said[1] if said[1].isdigit() else 0))
        weeks = number * {"day": 1 / 7, "week": 1.0, "month": 4.35}[said[2]]
        note = f"{said[0]}: read as {100 * _closed(weeks):.0f} % cover over bare soil."
        return (lambda chip: _grown(chip, weeks)), note, text.replace(said[0], " ")
    iso, named = ISO_DATE.search(text), SAID_DATE.search(text)
    if not iso and not named:
        return (lambda chip: chip), "", text
    if iso:
        month, day, said_date = int(iso[1]), int(iso[2]), iso[0]
    else:
        assert named is not None
        month, day, said_date = MONTHS.index(named[2]) + 1, int(named[1] or 15), named[0]
    week = (30.4 * (month - 1) + day) / 7.0
    note = (
        f"{said_date.strip()}: read with the calendar of northern mid-latitudes (maize and the like planted in early "
        "May, cereals sown in autumn)."
    )
    return (lambda chip: _in_week(chip, week)), note, text.replace(said_date, " ")


def _closed(weeks: float) -> float:
    return 1.0 / (1.0 + math.exp(-(weeks - HALF_COVERED_WEEKS) / CLOSING_WEEKS))


def _grown(chip: Chip, weeks: float) -> Chip:
    """A crop some weeks after planting; `young maize` and the like are the plant itself with its own cover."""
    tags = set(materials()[chip.key].tags)
    if not tags & {"crop", "cereal", "sparse crop", "wet crop"}:
        return chip
    grown = {"young maize": "maize", "young soybean": "soybean"}.get(chip.key, chip.key)
    cover = round(_closed(weeks), 2)
    return replace(chip, key=grown, state=replace(chip.state, cover=1.0 if cover > 0.95 else cover))


def _in_week(chip: Chip, week: float) -> Chip:
    tags = set(materials()[chip.key].tags)
    if "cereal" in tags:
        if week < CEREAL_RIPE_WEEK:
            return chip
        return replace(chip, key="ripe cereal" if week < CEREAL_CUT_WEEK else "straw")
    if not tags & {"crop", "sparse crop", "wet crop"} or chip.key in ("alfalfa", "vineyard", "rapeseed", "crop"):
        return chip
    if week > SUMMER_RIPE_WEEK:
        return replace(chip, key="straw", state=replace(chip.state, cover=1.0))
    return _grown(chip, week - PLANTED_WEEK)


def _shared(chips: tuple[Chip, ...]) -> tuple[Chip, ...]:
    """Weights become shares: percent as said (negative here), the others divide what is left; equal ones are one."""
    merged: dict[tuple[str, State], Chip] = {}
    for chip in chips:
        had = merged.get((chip.key, chip.state))
        if had is None:
            merged[chip.key, chip.state] = chip
        elif (chip.share < 0) == (had.share < 0):
            merged[chip.key, chip.state] = chip if abs(chip.share) > abs(had.share) else had
        elif chip.share < 0:  # percent that are said stand above "mostly" and "some"
            merged[chip.key, chip.state] = chip
    said = -sum(chip.share for chip in merged.values() if chip.share < 0)
    loose = sum(chip.share for chip in merged.values() if chip.share > 0)
    left = max(1.0 - said, 0.1 if loose else 0.0)
    parts = [-c.share if c.share < 0 else left * c.share / loose for c in merged.values()]
    total = sum(parts)
    return tuple(replace(c, share=part / total) for c, part in zip(merged.values(), parts, strict=True))
