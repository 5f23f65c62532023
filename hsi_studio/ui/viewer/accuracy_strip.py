"""The accuracy strip and the table per class: an `AccuracyReport` as values for `accuracy_strip.js` and `facts.js`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hsi_studio.humanize import signed
from hsi_studio.studio.facade import AccuracyReport, Comparison, Estimate, SamePixels, ScoreBlock

NAMES = (
    ("OA", "oa", "Overall accuracy: the share of these pixels that the map has right, in percent."),
    ("AA", "aa", "Average accuracy: the mean over classes of the share that the map has right, in percent."),
    ("κ", "kappa", "Cohen's kappa × 100: agreement beyond what chance would give."),
)
PRODUCER, USER = "Producer's accuracy (recall)", "User's accuracy (precision)"


def strip_value(report: AccuracyReport, stale: bool) -> dict[str, Any]:
    """The strip for a report; `stale` = labels have changed since."""
    groups = [_group(block) for block in (report.main, report.buffered) if block is not None]
    if len(groups) == 2 and groups[1]["figures"]:
        groups[1]["strict"] = True  # of the two the one for a room
    return {
        "state": "busy" if stale else "figures",
        "groups": groups,
        "text": " ".join(report.notes),
    }


def brief(report: AccuracyReport) -> str:
    """ "OA 84.2 (81 to 87) away from labels"; "" where nothing was measured."""
    found = report.leading.oa
    if found is None:
        return ""
    ends = None if found.low is None or found.high is None else _ends(found.low, found.high)
    interval = "" if ends is None else f" ({ends[0]} to {ends[1]})"
    return f"OA {100 * found.value:.1f}{interval}{' away from labels' * report.away}"


def _group(block: ScoreBlock) -> dict[str, Any]:
    if block.problem:
        return {"title": block.title, "figures": [], "words": block.problem}
    shown = [(name, getattr(block, key), text) for name, key, text in NAMES]
    figures = [_figure(name, estimate, text) for name, estimate, text in shown if estimate is not None]
    return {"title": block.title, "figures": figures, "words": f"{block.words[:1].upper()}{block.words[1:]}."}


def model_group(title: str, facts: Any, scene_id: str) -> dict[str, Any]:
    """A model's own figures, from its file: they were computed when it was trained, and say so."""
    if facts is None or facts.accuracy is None:
        return {"title": title, "figures": [], "words": "No accuracy was measured when this model was trained."}
    if facts.scene.id != scene_id:
        where = facts.scene.title or facts.scene.name
        return {
            "title": title,
            "figures": [],
            "words": f"Trained on {where}: how good it is here has not been measured.",
        }
    found = [(name, getattr(facts.accuracy, key), text) for name, key, text in NAMES]
    figures = [
        _figure(name, Estimate(value), text) | {"help": text} for name, value, text in found if value is not None
    ]
    return {"title": f"{title} · when it was trained", "figures": figures, "words": f"{_upper(facts.accuracy.on)}."}


def _upper(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}"


def _figure(name: str, estimate: Estimate, text: str) -> dict[str, str]:
    interval = estimate.low is not None and estimate.high is not None
    return {
        "name": name,
        "value": f"{100 * estimate.value:.1f}",
        "low": f"{100 * estimate.low:.1f}" if estimate.low is not None and interval else "",
        "high": f"{100 * estimate.high:.1f}" if estimate.high is not None and interval else "",
        "help": f"{text} Below it: 95 % interval." if interval else f"{text} Too few pixels for an interval.",
    }


def compared_value(both: SamePixels, left: str, right: str) -> dict[str, Any]:
    """The strip while two maps are shown: both on the same test pixels, and what is between them, with what has to be
    known to read it."""
    assert both.first is not None
    assert both.second is not None
    assert both.difference is not None
    name, _, text = NAMES[0]
    words = f"{_upper(both.words)}."
    found = both.difference
    range_text = (
        ""
        if found.low is None or found.high is None
        else f", 95 %: {signed(100 * found.low)} to {signed(100 * found.high)}"
    )
    return {
        "state": "figures",
        "groups": [
            {"title": left, "figures": [_figure(name, both.first, text)], "words": words},
            {
                "title": right, "figures": [_figure(name, both.second, text)],
                "words": f"{signed(100 * found.value)} points{range_text}. {both.caveat}".strip(),
            },
        ],
        "text": "",
    }  # fmt: skip


def compared_strip(c: Comparison | None, names: Sequence[str]) -> dict[str, Any]:
    """The accuracy strip while the map of an arm, or where two differ, is shown: mean figures of these arms."""
    if c is None:
        return {"state": "words", "text": "The comparison is still running."}
    groups = []
    for name in names:
        arm = c.arm(name)
        if arm is None:
            continue
        found = arm.figures[c.plan.protocols[0]]
        spreads = [(title, getattr(found, key)) for title, key, _ in NAMES]
        figures = [
            {
                "name": title, "value": f"{s.mean:.1f}", "low": "", "high": "",
                "help": f"Mean of {len(s.values)} seeds, standard deviation {s.std:.1f}."
                if len(s.values) > 1
                else "Of one seed.",
            }
            for title, s in spreads
            if s is not None
        ]  # fmt: skip
        seeds = f"Mean of {len(c.seeds)} seeds" if len(c.seeds) > 1 else "Of one seed,"
        words = f"{seeds} on {found.n_test:,} random test pixels; its map is of the first seed."
        groups.append({"title": f"{name} · comparison", "figures": figures, "words": words})
    return {"state": "figures", "groups": groups, "text": ""}


def per_class_value(report: AccuracyReport | None, of: str = "") -> dict[str, Any]:
    """Per-class figures of a report as tables. `of` names the map; "" = the one of the labels as they are now."""
    if report is None or not report.main.classes:
        waiting = "Accuracy per class appears with the first map."
        known = "" if report is None else report.main.problem
        return {"sections": [], "empty": f"No accuracy per class of the {of}. {known}".strip() if of else waiting}
    sections = []
    for block in (report.main, report.buffered):
        if block is None or not block.classes:
            continue
        table = [
            [
                score.info.name,
                f"{score.n:,}",
                _ranged(score.recall, score.recall_range),
                _ranged(score.precision, score.precision_range),
                _ranged(score.f1, score.f1_range),
            ]
            for score in block.classes
        ]
        sections.append(
            {
                "title": f"{block.title} · {of}" if of else block.title,
                "head": ["Class", "Pixels", f"{PRODUCER} %", f"{USER} %", "F1 %"],
                "table": table,
                "numbers": [1, 2, 3, 4],
                "words": f"{_upper(block.words)}. Producer's accuracy: of the class's pixels, the share mapped as it. "
                "User's accuracy: of the pixels mapped as it, the share that is it. In brackets: 95 % interval.",
            }
        )
    return {"sections": sections, "notes": list(report.notes)} if of else {"sections": sections}


def _ranged(value: float | None, interval: tuple[float, float] | None) -> str:
    """ "92.1 (88.0–95.2)": with its 95 % interval, where there is one."""
    if value is None:
        return "–"
    if interval is None:
        return f"{100 * value:.1f}"
    low, high = _ends(*interval)
    return f"{100 * value:.1f} ({low}–{high})"


def _ends(low: float, high: float) -> tuple[str, str]:
    """Ends of an interval in whole percent; with a decimal where whole ones would make a point of it."""
    digits = 1 if low < high and f"{100 * low:.0f}" == f"{100 * high:.0f}" else 0
    return f"{100 * low:.{digits}f}", f"{100 * high:.{digits}f}"
