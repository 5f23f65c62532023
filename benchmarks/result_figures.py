"""The few-shot results as figures (SVG): accuracy against labels, what words add, what parts of DiffCLIP are worth.

Colours are Okabe and Ito's, which people with any kind of colour vision tell apart (https://jfly.uni-koeln.de/color/);
every method has a marker of its own besides. An SVG carries no date and no random ids, so the same results, drawn by
the same version of matplotlib, give the same bytes. Texts stay texts, so that they can be searched and read aloud.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from benchmarks.result_tables import (
    METHODS,
    PARTS,
    PROTOCOLS,
    SCENES,
    SHARED,
    SHOWN,
    WORDED,
    WORDINGS,
    Sweep,
)
from hsi_studio.engine.sweep.tables import mean_std


class Interval(Protocol):
    """A value, with its interval where there is one."""

    @property
    def value(self) -> float: ...
    @property
    def low(self) -> float | None: ...
    @property
    def high(self) -> float | None: ...


STYLES = {
    "live": ("#000000", "o", "-"),
    "diffclip": ("#D55E00", "s", "-"),
    "CLIP": ("#E69F00", "D", "--"),
    "curated": ("#0072B2", "^", "-"),
    "s3fn": ("#56B4E9", "v", "-"),
    "svm": ("#009E73", "P", ":"),
    "forest": ("#CC79A7", "X", ":"),
    "lda": ("#777777", "*", ":"),
}
BY_SHOTS = {2: ("#56B4E9", "o"), 5: ("#0072B2", "s"), 20: ("#000000", "D")}
BY_PROTOCOL = {"random": ("#0072B2", "o"), "buffered": ("#D55E00", "s")}
TESTED_ON = {
    "random": "tested on all other labelled pixels",
    "buffered": "tested more than 5 pixels from a shot",
    "mask:disjoint": "shots from another part of the scene",
    "mask:plots": "shots from other plots",
}
LOOKS: dict[str, Any] = {
    "svg.hashsalt": "hsi-studio",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e7eb",
    "grid.linewidth": 0.7,
}


def few_shot_figure(sweep: Sweep, scene: str, protocols: Sequence[str]) -> Any:
    """OA against shots: a panel a protocol, a line a method, a band of one standard deviation."""
    shots = sweep.shots(scene)
    figure, axes_grid = panels(1, len(protocols), 3.4 * len(protocols) + 2.1, 4.0)
    draws: dict[str, list[str]] = {label: [] for label in METHODS}
    handles: dict[str, Any] = {}
    for axes, protocol in zip(axes_grid[0], protocols, strict=True):
        for label in METHODS:
            color, marker, line = STYLES[label]
            known = [(k, row) for k in shots if (row := sweep.row(scene, k, label)) is not None]
            points = [(k, row.values(protocol, "oa")) for k, row in known if row.values(protocol, "oa")]
            draws[label].append(_range({len(values) for _, values in points}))
            if not points:
                continue
            mean = {k: found for k, values in points if (found := mean_std(values)) is not None}
            at, middle = list(mean), [m for m, _ in mean.values()]
            (handles[label],) = axes.plot(at, middle, line, color=color, marker=marker, markersize=4.5, linewidth=1.3)
            low, high = ([m + sign * spread for m, spread in mean.values()] for sign in (-1, 1))
            axes.fill_between(at, low, high, color=color, alpha=0.12, linewidth=0)
        axes.set_xscale("log")
        axes.set_xticks(shots, [str(k) for k in shots])
        axes.minorticks_off()
        axes.set_xlabel("labelled pixels a class")
        axes.set_title(f"{PROTOCOLS[protocol]}: {TESTED_ON[protocol]}", fontsize=8.5)
    axes_grid[0][0].set_ylabel("overall accuracy (OA), %")
    legend = {f"{SHOWN.get(m, m)}, n {' | '.join(draws[m])}": handles[m] for m in METHODS if m in handles}
    finish(
        figure,
        f"{SCENES[scene]}: accuracy from few labels",
        "Lines: mean over n draws of the labels; bands: ± 1 standard deviation (none where n is 1); "
        "n in the order of the panels.",
        legend,
    )
    return figure


def words_figure(sweep: Sweep, scene: str = "indian_pines") -> Any:
    """Differences between wordings with their intervals: a column a method, a row a protocol."""
    figure, axes_grid = panels(len(SHARED), len(WORDED), 10.0, 6.2)
    titles = [f"{a} − {b}".replace("permuted", "shuffled") for a, b in WORDINGS]
    handles: dict[str, Any] = {}
    draws: set[int] = set()
    for line, protocol in zip(axes_grid, SHARED, strict=True):
        for axes, label in zip(line, WORDED, strict=True):
            for place, (shots, (color, marker)) in enumerate(BY_SHOTS.items()):
                found = [sweep.oa_difference(scene, shots, (label, b), (label, a), protocol) for a, b in WORDINGS]
                draws |= {d.draws for d in found if d is not None}
                handles[f"{shots} labels a class"] = intervals(axes, found, (place - 1) * 0.22, color, marker)
            rows(axes, titles)
            axes.set_title(f"{label}, {PROTOCOLS[protocol]}")
    for axes in axes_grid[-1]:
        axes.set_xlabel("difference of OA, points")
    finish(
        figure,
        f"{SCENES[scene]}: what words add (p1 to p4 around the name, p5 described, shuffled: p5 of other classes)",
        f"Mean over n {_range(draws)} paired draws with its 95 % bootstrap interval; left of 0 the first of the two is "
        "worse; filled: the interval leaves out 0.",
        handles,
    )
    return figure


def parts_figure(sweep: Sweep, scenes: Sequence[str] = ("indian_pines", "trento_simulated"), shots: int = 5) -> Any:
    """What DiffCLIP loses without one of its parts, with intervals: a panel a scene."""
    figure, axes_grid = panels(1, len(scenes), 9.0, 3.4)
    handles: dict[str, Any] = {}
    draws: set[int] = set()
    for axes, scene in zip(axes_grid[0], scenes, strict=True):
        for place, protocol in enumerate(SHARED):
            color, marker = BY_PROTOCOL[protocol]
            found = [
                sweep.oa_difference(scene, shots, ("diffclip", "p5"), (label, words), protocol)
                for _, label, words in PARTS
            ]
            draws |= {d.draws for d in found if d is not None}
            handles[f"{PROTOCOLS[protocol]} test pixels"] = intervals(axes, found, place * 0.24 - 0.12, color, marker)
        rows(axes, [f"without {title}" for title, *_ in PARTS])
        axes.set_title(SCENES[scene])
        axes.set_xlabel("difference of OA, points")
    finish(
        figure,
        f"DiffCLIP without one of its parts − the whole method, {shots} labels a class",
        f"Mean over n {_range(draws)} paired draws with its 95 % bootstrap interval; left of 0 the part was worth it; "
        "filled: the interval leaves out 0.",
        handles,
    )
    return figure


DRAWN: dict[str, Callable[[Sweep], Any]] = {
    "few_shot_indian_pines": lambda s: few_shot_figure(s, "indian_pines", ("random", "buffered", "mask:disjoint")),
    "few_shot_trento_simulated": lambda s: few_shot_figure(s, "trento_simulated", SHARED),
    "few_shot_idtrees": lambda s: few_shot_figure(s, "idtrees", ("mask:plots", "random", "buffered")),
    "words_indian_pines": words_figure,
    "parts_of_diffclip": parts_figure,
}


def panels(
    lines: int, columns: int, width_in: float, height_in: float, share_x: bool = True, share_y: bool = True
) -> tuple[Any, list[list[Any]]]:
    """A figure and its axes, row by row; all panels share both axes unless told otherwise."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_in, height_in), layout="constrained")
    axes = figure.subplots(lines, columns, sharex=share_x, sharey=share_y, squeeze=False)
    return figure, axes.tolist()


def intervals(axes: Any, found: Sequence[Interval | None], shift: float, color: str, marker: str) -> Any:
    """One difference a line from the top, `shift` lines lower; filled where the interval leaves out 0."""
    (handle,) = axes.plot([], [], marker, color=color, linestyle="-", mfc="white", markersize=5)
    for line, one in enumerate(found):
        if one is None:
            continue
        if one.low is not None:
            axes.plot([one.low, one.high], [line + shift] * 2, "-", color=color, linewidth=1.4)
        clear = one.low is not None and one.high is not None and (one.low > 0 or one.high < 0)
        filled_with = color if clear else "white"
        axes.plot([one.value], [line + shift], marker, color=color, mfc=filled_with, markersize=5)
    return handle


def rows(axes: Any, titles: Sequence[str]) -> None:
    axes.axvline(0.0, color="#57606a", linewidth=0.9)
    axes.set_yticks(range(len(titles)), titles)
    axes.set_ylim(len(titles) - 0.5, -0.5)


def finish(figure: Any, title: str, note: str, legend: dict[str, Any]) -> None:
    figure.suptitle(title, fontsize=11, fontweight="bold")
    figure.supxlabel(note, fontsize=8, color="#57606a")
    figure.legend(legend.values(), legend.keys(), loc="outside right center", frameon=False, fontsize=8)


def _range(counts: set[int]) -> str:
    if not counts:
        return "–"
    return str(min(counts)) if len(counts) == 1 else f"{min(counts)}–{max(counts)}"


def svg(draw: Callable[[], Any], source: str) -> str:
    """The figure that `draw` makes. `source` goes into the file: what the figure was made from."""
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    stream = io.StringIO()
    with matplotlib.rc_context(LOOKS):
        figure = draw()
        facts = {"Date": None, "Source": source, "Creator": f"matplotlib {matplotlib.__version__}"}
        FigureCanvasSVG(figure).print_svg(stream, metadata=facts)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"
