"""From measured facts to two or three sentences, each phrase with the numbers it rests on.

    Facts (of a class's or a region's pixels) ─ rules ─▶ phrases, each with its evidence ─▶ sentences

What was measured is `features/measures.py` and heights; what may be said is `description_rules.py`. A fact the sensor
cannot give has no phrase: nothing is said about wavelengths it lacks, nor about those where the air absorbs. From fewer
than `FEW` pixels nothing is said that needs many, and what is said is hedged. No model and no random number takes part:
the same facts give the same words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hsi_studio.errors import BadRequest
from hsi_studio.humanize import counted
from hsi_studio.text.description_rules import COMPARED, MOSTLY, RULES, SAID, UNITS, Rule, meaning
from hsi_studio.text.lexicon import Cond

FEW = 5  # pixels
GROUND_M = 0.5  # below it a height counts as ground level
AGREE_M, AGREE = 0.3, 0.1  # two estimates of a height may differ by the larger of these (metres, share)
CLEAR = 1.0  # standard deviations that two classes must be apart for a difference to be stated
BORDER = 0.15  # least share of a border for a neighbour to be named


@dataclass(frozen=True)
class Fact:
    """One measured number over a region's pixels."""

    value: float  # of the mean spectrum for depths, else the median pixel
    low: float  # tenth percentile of the pixels
    high: float  # ninetieth
    std: float
    bands_nm: tuple[float, ...] = ()


@dataclass(frozen=True)
class Regions:
    """Connected regions of a class on a map."""

    count: int
    area_m2: float | None  # of the middle region; None without a ground sampling distance
    area_px: float
    width_m: float | None
    width_px: float
    elongation: float


@dataclass(frozen=True)
class Facts:
    """What is known of a region. `facts` may hold `height` (above a sheet under the surface) and `height_low` (above
    an opened surface): a height is a number only where both agree."""

    pixels: int
    facts: Mapping[str, Fact]
    absolute: bool = True  # the values are reflectance
    note: str = ""  # how they were read, when they are not
    regions: Regions | None = None
    borders: tuple[tuple[str, float], ...] = ()  # what lies beside it, and its share of the border
    map_note: str = ""  # which map regions and borders come from


@dataclass(frozen=True)
class Phrase:
    """A few words and what they rest on."""

    text: str
    slot: str
    evidence: dict[str, Any]


@dataclass(frozen=True)
class Description:
    """`sentences` are for prompts; `phrases` in the same order, with their evidence; `notes` say what was left out."""

    name: str
    sentences: tuple[str, ...]
    phrases: tuple[Phrase, ...]
    notes: tuple[str, ...] = field(default=())

    @property
    def text(self) -> str:
        return " ".join(self.sentences)


def describe(name: str, facts: Facts, others: Mapping[str, Facts] | None = None) -> Description:
    """Describe a region called `name` ("Asphalt"; "" = "this area").

    `others`: the scene's other classes, to say how it differs from its nearest ones. Raises BadRequest for a region
    without pixels.
    """
    if facts.pixels < 1:
        raise BadRequest("There is nothing to describe: label a pixel of this class, or choose a region with data.")
    called = " ".join(name.replace("_", " ").split()) or "This area"
    few = facts.pixels < FEW
    found = _by_rules(facts, few)
    look = [p for p in found if p.slot not in ("surface", "texture")]
    place = [*_height(facts, few), *(p for p in found if p.slot in ("surface", "texture"))]
    place += [] if few else [*_region(facts), *_borders(facts)]
    apart, notes = ([], []) if few else _differences(facts, others or {})
    sentences = []
    hedge = f", judged from {counted(facts.pixels, 'pixel')} only" if few else ""
    if look:
        sentences.append(f"{called}: {_list([p.text for p in look])}{hedge}.")
    if place:
        sentences.append(f"{'It' if sentences else called} {_place(place)}{'' if sentences else hedge}.")
    if apart:
        start = "It is" if sentences else f"{called} is"
        sentences.append(f"{start} {_list([p.text for p in apart], '; ')}.")
    if not sentences:
        sentences.append(f"{called}: its pixels have nothing in common that this sensor could state{hedge}.")
    if few:
        notes = [f"{counted(facts.pixels, 'labelled pixel')}: label {FEW} or more for spread, "
                 "place and differences."]  # fmt: skip
    if not facts.absolute:
        notes = [*notes, f"No absorption depths: the values are no reflectance ({facts.note})."]
    return Description(called, tuple(sentences), (*look, *place, *apart), tuple(notes))


def _by_rules(facts: Facts, few: bool) -> list[Phrase]:
    """The phrases of `RULES` that hold; the first of each slot."""
    out: dict[str, Phrase] = {}
    for rule in RULES:
        if rule.slot in out or (few and rule.slot in ("surface", "texture")):
            continue
        text = rule.text if facts.absolute else (rule.text if rule.relative is None else rule.relative)
        if not text or any(c.measure not in facts.facts for c in rule.conds):
            continue
        said = _holds(rule, facts, few)
        if said:
            words = text.format(**{k: f.value for k, f in facts.facts.items()})
            doubtful = said == "mostly" and not few
            out[rule.slot] = Phrase(_mostly(words) if doubtful else words, rule.slot, _evidence(rule.conds, facts))
    return list(out.values())


def _holds(rule: Rule, facts: Facts, few: bool) -> str:
    """ "clear", "mostly" or ""."""
    ends = 1.0
    for cond in rule.conds:
        fact = facts.facts[cond.measure]
        middle, low, high = (float(g) for g in cond.grade(np.array([fact.value, fact.low, fact.high])))
        if not middle >= SAID:
            return ""
        if cond.measure.startswith("depth_"):
            if few or fact.value < 3.0 * fact.std / np.sqrt(facts.pixels):
                return ""
        else:
            ends = min(ends, low, high)
    return "clear" if ends >= MOSTLY else "mostly"


def _mostly(words: str) -> str:
    """ "a smooth top" → "a mostly smooth top"."""
    article, _, rest = words.partition(" ")
    return f"a mostly {rest}" if article in ("a", "an") and "spectrum" not in rest else f"mostly {words}"


def _height(facts: Facts, few: bool) -> list[Phrase]:
    """Height above ground, as a number only where two ways to find the ground agree."""
    height, opened = facts.facts.get("height"), facts.facts.get("height_low")
    if height is None or opened is None or not np.isfinite([height.value, opened.value]).all():
        return []
    conds = [Cond("height"), Cond("height_low")]
    h, o = height.value, opened.value
    if max(h, o) < GROUND_M:
        return [Phrase("at ground level", "height", _evidence(conds, facts))]
    agree = abs(h - o) <= max(AGREE_M, AGREE * max(h, o))
    if agree:
        spread = "" if few or height.high - height.low < 0.5 * h else f", {height.low:.0f} to {height.high:.0f} m"
        number = f"{h:.1f}" if h < 3 else f"{h:.0f}"
        return [Phrase(f"about {number} m above the ground{spread}", "height", _evidence(conds, facts, stated_m=h))]
    if min(h, o) >= 1.5:
        least = int(min(h, o))
        said = f"raised at least {least} m above the ground"
        return [Phrase(said, "height", _evidence(conds, facts, at_least_m=least))]
    return []


def _region(facts: Facts) -> list[Phrase]:
    r = facts.regions
    if r is None:
        return []
    size = f"{r.area_px:.0f} pixels" if r.area_m2 is None else _area(r.area_m2)
    wide = f"{r.width_px:.0f} pixels" if r.width_m is None else f"{r.width_m:.0f} m"
    if r.elongation >= 4:
        text = f"in long strips about {wide} wide"
    elif r.count >= 10 and r.area_px < 150:
        text = f"in many small patches of about {size}"
    else:
        text = f"in compact areas of about {size}" if r.count > 1 else f"in one area of about {size}"
    evidence = {
        "regions": r.count, "median_area_m2": r.area_m2, "median_area_px": r.area_px, "mean_width_m": r.width_m,
        "length_over_width": round(r.elongation, 2), "from": facts.map_note,
    }  # fmt: skip
    return [Phrase(text, "region", evidence)]


def _borders(facts: Facts) -> list[Phrase]:
    named = [(name, share) for name, share in facts.borders if share >= BORDER][:2]
    if not named:
        return []
    text = f"bordering on {_list([name.lower() for name, _ in named])}"
    shares = {name: round(share, 3) for name, share in facts.borders[:5]}
    return [Phrase(text, "borders", {"share_of_border": shares, "from": facts.map_note})]


def _differences(facts: Facts, others: Mapping[str, Facts]) -> tuple[list[Phrase], list[str]]:
    """How it differs from its two nearest classes, and a note where they can hardly be told apart."""
    ranked = []
    for name, other in others.items():
        if other.pixels < FEW:
            continue
        effects = {m: _effect(facts, other, m) for m in COMPARED if m in facts.facts and m in other.facts}
        effects = {m: e for m, e in effects.items() if np.isfinite(e)}
        if effects:
            distance = float(np.sqrt(np.mean(np.square(list(effects.values())))))
            ranked.append((distance, name, effects))
    phrases: list[Phrase] = []
    notes: list[str] = []
    said: set[str] = set()
    for _, name, effects in sorted(ranked)[:2]:
        strong = {m for m, e in effects.items() if abs(e) >= 2 * CLEAR} - said  # rather not the same difference twice
        measure = max(strong or effects, key=lambda m: abs(effects[m]))
        said.add(measure)
        effect = effects[measure]
        a, b = facts.facts[measure], others[name].facts[measure]
        if abs(effect) < CLEAR:
            notes.append(
                f"Hard to tell from {name} by these facts: the largest difference is {abs(effect):.1f} standard "
                f"deviations ({meaning(measure)})."
            )
            continue
        more, less, unit, digits = COMPARED[measure]
        word = more if effect > 0 else less
        text = f"{word} than {name.lower()}"
        evidence = {
            "measure": measure, "meaning": meaning(measure), "here": round(a.value, 4), name: round(b.value, 4),
            "apart_in_std": round(effect, 2), "bands_nm": list(a.bands_nm), "pixels": facts.pixels,
            f"pixels_{name}": others[name].pixels, "stated": f"{a.value:.{digits}f} against {b.value:.{digits}f}{unit}",
        }  # fmt: skip
        phrases.append(Phrase(text, "difference", evidence))
    return phrases, notes


def _effect(a: Facts, b: Facts, measure: str) -> float:
    """Difference of two classes' middles in pooled standard deviations."""
    one, two = a.facts[measure], b.facts[measure]
    spread = np.sqrt((one.std**2 + two.std**2) / 2)
    floor = 0.02 * max(abs(one.value), abs(two.value), 0.05)  # no class is so even that 2 % apart means much
    return float((one.value - two.value) / max(spread, floor))


def _evidence(conds: Sequence[Cond], facts: Facts, **more: Any) -> dict[str, Any]:
    numbers = {}
    for name in dict.fromkeys(c.measure for c in conds):
        fact = facts.facts[name]
        numbers[name] = {
            "meaning": meaning(name), "value": _short(fact.value), "p10": _short(fact.low), "p90": _short(fact.high),
            "unit": UNITS.get(name, ""), "bands_nm": list(fact.bands_nm),
        }  # fmt: skip
    note = {} if facts.absolute else {"values": facts.note}
    return {"facts": numbers, "pixels": facts.pixels, **note, **more}


def _short(value: float) -> float | None:
    return float(f"{value:.3g}") if np.isfinite(value) else None


def _area(square_metres: float) -> str:
    return f"{square_metres / 1e4:.1f} hectares" if square_metres >= 1e4 else f"{float(f'{square_metres:.1g}'):.0f} m²"


def _list(parts: Sequence[str], joint: str = ", ") -> str:
    if len(parts) < 2:
        return "".join(parts)
    return f"{joint.join(parts[:-1])} and {parts[-1]}"


def _place(phrases: list[Phrase]) -> str:
    """ "is about 7 m above the ground, with a smooth top, in long strips", or "has a smooth top, in long strips"."""
    first = [p.text for p in phrases if p.slot == "height"]
    top = _list([p.text for p in phrases if p.slot in ("surface", "texture")])
    rest = [p.text for p in phrases if p.slot in ("region", "borders")]
    if top and not first:
        return ", ".join([f"has {top}", *rest])
    parts = [*first, *([f"with {top}"] if top else []), *rest]
    return f"is {', '.join(parts)}"
