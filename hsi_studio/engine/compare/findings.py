"""A comparison in words: what was seen, what was not, and how far it reaches.

Every sentence is made from the figures beside it. "Helps" and "hurts" name only classes whose difference holds under
the false-discovery rate (`statistics.py`); an interval that covers 0 is "no difference seen", never "equal".
"""

from __future__ import annotations

from typing import Any

from hsi_studio.engine.compare.label_reference import LEAST_LABELS
from hsi_studio.engine.compare.results import ArmResult, Comparison, Difference, Gap
from hsi_studio.engine.compare.statistics import MOST_SEEDS
from hsi_studio.engine.evaluation.draw_intervals import LEAST_BOOTSTRAP, LEAST_INTERVAL
from hsi_studio.humanize import counted, listed, signed

NAMED = 3  # classes in a sentence; the table has all
FEWER_NAMED = 8  # classes that had fewer labels than was asked for
PROTOCOL_WORDS = {"random": "random test pixels", "buffered": "test pixels away from the labels"}


def findings(c: Comparison) -> dict[str, Any]:
    """`headline`, `sentences` and `notes` of a comparison."""
    random = [d for d in c.differences if d.protocol == "random"]
    sentences = [sentence(c, d) for d in random]
    sentences += [
        buffered_sentence(d, _beside(random, d))
        for d in c.differences
        if d.protocol != "random" and d.oa and not d.same
    ]
    sentences += [control_sentence(d) for d in c.controls if d.protocol == "random" and d.oa]
    problems = [_problem(c, arm) for arm in c.arms if arm.problem]
    if random:
        best = max(random, key=lambda d: (bool(d.oa and d.oa.clear), abs(d.oa.value) if d.oa else 0.0))
        headline = " ".join([sentence(c, best), *_control_of(c, best)])
    else:
        headline = " ".join(problems) or "Nothing can be compared yet."
    return {"headline": headline, "sentences": tuple(sentences + problems), "notes": notes(c)}


def _problem(c: Comparison, arm: ArmResult) -> str:
    found = arm.figures[c.plan.protocols[0]].oa
    if found is None:
        return f"{arm.name} could not be run: {arm.problem}"
    ran = counted(len(found.values), "seed")
    return f"{arm.name} has figures of {ran} alone, for it could not be run in the next: {arm.problem}"


def sentence(c: Comparison, d: Difference) -> str:
    """ "p5 against p1: +1.8 OA (95 % interval 0.6 to 3.1) over 10 seeds; helps Corn, hurts Oats." """
    if d.oa is None:
        return f"{d.second} against {d.first}: no overall accuracy to compare."
    if d.same:
        return (
            f"{d.second} against {d.first}: both gave every labelled pixel the same class in {_every(d.oa.n)}, so what "
            "is changed between them changed nothing here."
        )
    return f"{d.second} against {d.first}: {effect(d.oa)}{helps(d)}."


def effect(found: Gap, figure: str = "OA") -> str:
    """The difference with its interval; where that covers 0, "no difference seen" and what it would take."""
    seeds = f"over {counted(found.n, 'seed')}"
    if found.low is None or found.high is None:
        return (
            f"{signed(found.value)} {figure} {seeds}; too few seeds to tell it from chance (at least {LEAST_INTERVAL} "
            "are needed for an interval)"
        )
    shown = f"(95 % interval {plain(found.low)} to {plain(found.high)})"
    if found.clear:
        return f"{signed(found.value)} {figure} {shown} {seeds}"
    return f"no difference seen, {signed(found.value)} {figure} {shown} {seeds}; {needed(found)}"


def needed(found: Gap) -> str:
    """How many seeds would show it, and what these would have shown."""
    if found.std == 0 and found.value == 0:
        return "the maps are equally right in every seed"
    if found.needed is None:
        seeds = f"more than {MOST_SEEDS:,} seeds would be needed to show a difference this small"
    else:
        seeds = f"about {max(found.needed, found.n + 1)} seeds would be needed to show it, if it is really that large"
    seen = (
        ""
        if found.visible is None
        else f" ({found.n} seeds would probably have shown a difference of {found.visible:.1f})"
    )
    return seeds + seen


def helps(d: Difference) -> str:
    """ "; helps A and B, hurts C"; "" when no class stands out."""
    up = [c for c in sorted(d.classes, key=lambda c: -c.f1.value) if c.real and c.f1.value > 0]
    down = [c for c in sorted(d.classes, key=lambda c: c.f1.value) if c.real and c.f1.value < 0]
    parts = [
        f"{verb} {listed([c.name for c in found], NAMED)}" for verb, found in (("helps", up), ("hurts", down)) if found
    ]
    return f"; {', '.join(parts)}" if parts else ""


def buffered_sentence(d: Difference, beside: Difference | None) -> str:
    """The same away from the labels, and whether both tell the same."""
    assert d.oa is not None
    text = f"Away from the labels ({d.protocol.partition(':')[2]} pixels): {effect(d.oa)}."
    random = beside.oa if beside is not None else None
    if random is not None and random.clear and not d.oa.clear:
        text += " What random test pixels show may be nearness to the labels."
    return f"{d.second} against {d.first}. {text}"


def control_sentence(d: Difference) -> str:
    """What the right words were worth: the control against its arm."""
    assert d.oa is not None
    return f"{d.first}: {_lost(d)}."


def _lost(d: Difference) -> str:
    found, who = d.oa, "the shuffled-words control"
    assert found is not None
    if d.same:
        return f"{who} gave every labelled pixel the same class in {_every(found.n)}: the words changed nothing here"
    if found.low is None or found.high is None:
        change = "loses" if found.value < 0 else "gains"
        return f"{who} {change} {abs(found.value):.1f} OA, too few seeds to tell that from chance"
    shown = f"(95 % interval {plain(found.low)} to {plain(found.high)})"
    if found.high < 0:
        return f"{who} loses {-found.value:.1f} OA {shown}, so the words carry meaning"
    if found.low > 0:
        return f"{who} gains {found.value:.1f} OA {shown}: the right words do harm"
    return f"{who} does no worse, {signed(found.value)} OA {shown}: the words were not seen to help"


def _control_of(c: Comparison, d: Difference) -> list[str]:
    """The control of the arm that a headline is about, shortly."""
    found = next((x for x in c.controls if x.first == d.second and x.protocol == "random" and x.oa), None)
    if found is None:
        return []
    text = _lost(found)
    return [f"{text[:1].upper()}{text[1:]}."]


def notes(c: Comparison) -> tuple[str, ...]:
    """What to bear in mind when reading the figures."""
    plan, out = c.plan, []
    if c.basis == "labels":
        out.append(
            "This scene has no reference map: half of your labels at most trained and the others tested, drawn anew "
            "for every seed. They lie where you clicked, so this says little about the rest of the scene."
        )
    if c.left_out:
        out.append(
            f"Left out, for a class needs {LEAST_LABELS} labels to both train and test: "
            f"{listed(c.left_out, FEWER_NAMED)}."
        )
    fewer = [f"{name} {n}" for name, n in zip(c.classes, c.drawn, strict=False) if n < plan.shots]
    if fewer:
        out.append(
            f"Not every class had {counted(plan.shots, 'labelled pixel')}, for half of a class trains at most: "
            f"{listed(fewer, FEWER_NAMED)}."
        )
    if untrained := [name for name, n in zip(c.classes, c.drawn, strict=False) if n == 0]:
        out.append(
            f"No pixel of {listed(untrained, FEWER_NAMED)} trains, for a class needs two, so no arm can map it: its "
            "test pixels are wrong in every figure."
        )
    out.extend(_untested(c))
    out.append(
        f"Every arm had the same {'labelled pixels' if fewer else counted(plan.shots, 'labelled pixel') + ' a class'} "
        "and the same seeds; "
        "differences are taken seed by seed. Intervals speak of other draws of labels on this scene, not of other "
        "scenes."
    )
    few = len(c.seeds)
    if LEAST_INTERVAL <= few < LEAST_BOOTSTRAP:
        out.append(f"With {few} seeds the interval is Student's t; the bootstrap over seeds needs {LEAST_BOOTSTRAP}.")
    if c.state == "done" and few < len(plan.seeds):
        out.append(f"{few} of {len(plan.seeds)} seeds fitted into the time of this pace.")
    if c.state == "stopped":
        out.append(f"Stopped after {few} of {len(plan.seeds)} seeds; run it again to go on.")
    out.extend((*plan.gives_up, *plan.notes))
    if any(d.disagreement for d in c.differences):
        out.append(
            "McNemar's test takes pixels for independent. Neighbouring pixels fail together, so on all pixels its p is "
            "far too small; the p with one pixel a block of 10 × 10 is the one to read."
        )
    if any(d.oa and told_needed(d.oa) for d in c.differences):
        out.append(
            "How many seeds would be needed: paired t test at 5 %, found 80 times in 100, if the difference and its "
            "spread between seeds are as large as they look."
        )
    for arm in c.arms:
        out.extend(
            f"{arm.name}, {PROTOCOL_WORDS[protocol.partition(':')[0]]}: {figures.problem}"
            for protocol, figures in arm.figures.items()
            if figures.problem
        )
    return tuple(dict.fromkeys(out))


def told_needed(found: Gap) -> bool:
    """Whether it is said how many seeds would show this difference: not without an interval, nor of none at all."""
    return found.low is not None and not found.clear and (found.value != 0 or found.std != 0)


def _untested(c: Comparison) -> list[str]:
    """Classes without a test pixel, a sentence a protocol: their recall is missing in AA there."""
    out = []
    for protocol in c.plan.protocols:
        figures = next((arm.figures[protocol] for arm in c.arms if arm.figures[protocol].oa is not None), None)
        if figures is None or figures.oa is None:
            continue
        n = len(figures.oa.values)
        tested = [0 if f1 is None else len(f1.values) for f1 in figures.f1]
        never = [name for name, k in zip(c.classes, tested, strict=True) if k == 0]
        partly = [f"{name} ({k} of {n})" for name, k in zip(c.classes, tested, strict=True) if 0 < k < n]
        where = PROTOCOL_WORDS[protocol.partition(":")[0]]
        if never:
            out.append(
                f"{where[:1].upper()}{where[1:]}: none is left of {listed(never, FEWER_NAMED)}; AA is of the others."
            )
        if partly:
            out.append(
                f"{where[:1].upper()}{where[1:]}: only some seeds leave any of {listed(partly, FEWER_NAMED)}; AA has "
                "them in these seeds alone."
            )
    return out


def _every(seeds: int) -> str:
    return "the one seed" if seeds == 1 else f"all {seeds} seeds"


def plain(value: float) -> str:
    """An end of an interval. One beside nought keeps its side: "−0.04", since an interval to 0.0 would hold nought."""
    text = f"{abs(value):.{1 if abs(value) >= 0.05 else 2}f}"
    return "0.0" if float(text) == 0 else f"−{text}" if value < 0 else text


def _beside(differences: list[Difference], d: Difference) -> Difference | None:
    return next((x for x in differences if (x.first, x.second) == (d.first, d.second)), None)
