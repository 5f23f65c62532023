"""Figures of what was written down by hand (`benchmarks/measured.py`), drawn as in `benchmarks/result_figures.py`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.measured import Value, read, value
from benchmarks.result_figures import BY_PROTOCOL, STYLES, TESTED_ON, finish, intervals, panels, rows

GOAL_MS = 500  # of several people at once, 95th percentile
LIVE = STYLES["live"]
SPECTRA = STYLES["svm"]
SERIES = {
    "live_indian_pines": (("live OA", "live", LIVE), ("SVM OA", "SVM on spectra", SPECTRA)),
    "live_demo": (
        ("with heights OA", "live, with heights", LIVE),
        ("without OA", "live, without heights", STYLES["curated"]),
        ("SVM on spectra OA", "SVM on spectra", SPECTRA),
    ),
}


def live_figure(name: str, title: str) -> Any:
    """OA of `live` and of a baseline against shots, 20 draws: random beside buffered."""
    lines = read(name)
    figure, axes = panels(1, 2, 8.6, 3.6)
    handles: dict[str, Any] = {}
    for panel, protocol in zip(axes[0], ("random", "buffered"), strict=True):
        here = [line for line in lines if line["protocol"] == protocol]
        shots = [int(line["shots"]) for line in here]
        for column, label, (color, marker, style) in SERIES[name]:
            found = [value(line, column) for line in here]
            (handles[label],) = panel.plot(shots, [v.value for v in found], style, color=color, marker=marker)
            panel.fill_between(
                shots, [v.low for v in found], [v.high for v in found], color=color, alpha=0.15, linewidth=0
            )
        panel.set_xscale("log")
        panel.set_xticks(shots, [str(k) for k in shots])
        panel.minorticks_off()
        panel.set_xlabel("labelled pixels a class")
        panel.set_title(f"{protocol}: {TESTED_ON[protocol]}", fontsize=8.5)
    axes[0][0].set_ylabel("overall accuracy (OA), %")
    finish(figure, title, "Lines: mean over n 20 draws of the labels; bands: ± 1 standard deviation.", handles)
    return figure


def floor_figure() -> Any:
    """OA of `live` and of the best plain classifier against labels: a panel a scene, bands of one deviation."""
    lines = read("floor_rule")
    scenes = list(dict.fromkeys(line["scene"] for line in lines))
    columns = 4
    rows_ = -(-len(scenes) // columns)
    figure, axes = panels(rows_, columns, 10.4, 2.1 * rows_ + 0.7, share_y=False)
    handles: dict[str, Any] = {}
    draws: set[int] = set()
    for number, panel in enumerate(one for row in axes for one in row):
        if number >= len(scenes):
            panel.set_axis_off()
            continue
        here = [line for line in lines if line["scene"] == scenes[number]]
        shots = [int(line["shots"]) for line in here]
        draws |= {int(line["n"]) for line in here}
        floor = "best of SVM, LDA, forest on spectra"
        for column, label, (color, marker, style) in (("live OA", "live", LIVE), ("floor OA", floor, SPECTRA)):
            found = [value(line, column) for line in here]
            (handles[label],) = panel.plot(
                shots, [v.value for v in found], style, color=color, marker=marker, markersize=3.5
            )
            low, high = ([v.low or v.value for v in found], [v.high or v.value for v in found])
            panel.fill_between(shots, low, high, color=color, alpha=0.15, linewidth=0)
        panel.set_xscale("log")
        panel.set_xticks([1, 2, 5, 10, 20, 40], ["1", "2", "5", "10", "20", "40"])
        panel.minorticks_off()
        panel.tick_params(labelbottom=True, labelsize=7)
        panel.set_title(f"{scenes[number]} ({here[0]['role']})", fontsize=8.5)
    for row in axes:
        row[0].set_ylabel("OA, %")
    counted = "–".join(str(n) for n in sorted({min(draws), max(draws)}))
    finish(
        figure,
        "The live map and the best plain classifier, against labelled pixels a class",
        f"Random test pixels. Lines: mean over n {counted} draws of the labels; bands: ± 1 standard deviation.",
        handles,
    )
    return figure


def shortcuts_figure() -> Any:
    """What the exact form of each shortcut of DiffCLIP gains or loses."""
    lines = read("shortcuts")
    figure, axes = panels(1, 1, 8.6, 3.4)
    handles = {}
    for place, (protocol, (color, marker)) in enumerate(BY_PROTOCOL.items()):
        found = [value(line, f"exact − default, {protocol}") for line in lines]
        handles[f"{protocol} test pixels"] = intervals(axes[0][0], found, place * 0.24 - 0.12, color, marker)
    rows(axes[0][0], [f"{line['default → exact form']}, n {line['seeds']}" for line in lines])
    axes[0][0].set_xlabel("difference of OA, points")
    finish(
        figure,
        "DiffCLIP's exact forms − its default, Indian Pines, 5 labels a class",
        "Mean over n paired draws, no intervals: the single draws were not kept. Left of 0 the shortcut is better.",
        handles,
    )
    return figure


def words_figure() -> Any:
    """Ten draws of described against plain, and of shuffled against right words: a panel a scene."""
    lines = read("words_ten_draws")
    scenes = list(dict.fromkeys(line["scene"] for line in lines))
    columns = {
        "described (p5) − plain (p1)": ("#0072B2", "s"),
        "shuffled − right words, p5": ("#D55E00", "o"),
    }
    figure, axes = panels(1, len(scenes), 9.6, 3.0)
    handles = {}
    for panel, scene in zip(axes[0], scenes, strict=True):
        here = [line for line in lines if line["scene"] == scene]
        for place, (column, (color, marker)) in enumerate(columns.items()):
            found = [value(line, column) for line in here]
            handles[column] = intervals(panel, found, place * 0.24 - 0.12, color, marker)
        rows(panel, [line["method"] for line in here])
        panel.set_title(scene)
        panel.set_xlabel("difference of OA, points")
    finish(
        figure,
        "What described words add, and what shuffled words lose, 5 labels a class",
        "Mean over n 10 paired draws with its 95 % interval, random test pixels; filled: the interval leaves out 0.",
        handles,
    )
    return figure


def clicks_figure() -> Any:
    """From a click to the marker, the journal and the map: medians, and the 90th percentile as a whisker."""
    lines = read("clicks")
    steps = ("fit + predict alone, ms", "marker, ms", "journal, ms", "map, ms")
    names = ("fit + predict, no browser", "click → marker", "click → journal", "click → map painted")
    figure, axes = panels(1, 1, 8.2, 3.0)
    handles = {}
    for place, (line, color) in enumerate(zip(lines, ("#0072B2", "#E69F00"), strict=True)):
        most = {step: line.get(step.replace(",", " p90,"), line[step]) for step in steps}
        found = [Value(float(line[step]), None, float(most[step])) for step in steps]
        handles[line["scene"]] = bars(axes[0][0], found, place * 0.36 - 0.18, color)
    ticks(axes[0][0], names)
    axes[0][0].set_xlabel("milliseconds")
    finish(
        figure,
        "From a click to the new map, in the browser",
        "Bars: median of n 24 clicks; whiskers: 90th percentile.",
        handles,
    )
    return figure


def people_figure() -> Any:
    """Eight sessions at once: from a click to the journal, beside one session alone."""
    lines = read("several_people")
    figure, axes = panels(1, 1, 10.4, 3.2)
    handles = {}
    for place, (label, middle, most, color) in enumerate(
        (
            ("eight sessions", "click → journal, ms", "p95, ms", "#0072B2"),
            ("one session alone", "alone, ms", "alone p95, ms", "#E69F00"),
        )
    ):
        found = [Value(float(line[middle]), None, float(line[most])) for line in lines]
        handles[label] = bars(axes[0][0], found, place * 0.36 - 0.18, color)
    handles["goal, 95th percentile"] = axes[0][0].axvline(GOAL_MS, color="#D55E00", linewidth=1.2, linestyle="--")
    titles = ("Gradio events, all in the same instant", "Gradio events, in turns", "plain routes, quiet machine")
    ticks(axes[0][0], [*titles, "plain routes, three heavy jobs besides"])
    axes[0][0].set_xlabel("milliseconds from a click to the journal")
    clicks = ", ".join(line["clicks"] for line in lines)
    finish(
        figure,
        "Eight people who label while their trainings run, on two cores",
        f"Bars: median of n {clicks} clicks of all sessions; whiskers: 95th percentile.",
        handles,
    )
    return figure


def bars(axes: Any, found: Sequence[Value], shift: float, color: str) -> Any:
    """A bar a line from the top, with a whisker to `high`."""
    at = [line + shift for line in range(len(found))]
    handle = axes.barh(at, [v.value for v in found], height=0.32, color=color)
    for place, one in zip(at, found, strict=True):
        axes.plot([one.value, one.high], [place, place], "-|", color="#1f2328", linewidth=1.0, markevery=[1])
    return handle


def ticks(axes: Any, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)


DRAWN: dict[str, tuple[str, Callable[[], Any]]] = {  # figure → (table, what draws it)
    "live_indian_pines": (
        "live_indian_pines",
        lambda: live_figure("live_indian_pines", "Indian Pines: the map behind a click (live)"),
    ),
    "live_demo": (
        "live_demo",
        lambda: live_figure("live_demo", "Simulated HSI + LiDAR scene: the map behind a click (live)"),
    ),
    "floor_rule": ("floor_rule", floor_figure),
    "shortcuts_of_diffclip": ("shortcuts", shortcuts_figure),
    "words_ten_draws": ("words_ten_draws", words_figure),
    "clicks": ("clicks", clicks_figure),
    "several_people": ("several_people", people_figure),
}
