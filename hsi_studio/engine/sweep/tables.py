"""Tables from a sweep's folder: accuracy, cost, paired differences, published figures; Markdown, CSV, LaTeX.

Mean ± standard deviation (n − 1) over the seeds that have the figure; n is said. A difference is taken seed by seed, on
the same test pixels, and has the interval of `engine/evaluation/draw_intervals.py`, from three seeds on. Test sets of
different seeds overlap, so the interval speaks of other draws on this scene, not of other scenes.

Published figures stand in a list (JSON) with their source; they are shown only for the scene they were made on.
"""

from __future__ import annotations

import csv
import io
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hsi_studio.engine.evaluation.draw_intervals import interval
from hsi_studio.engine.evaluation.metrics import Estimate
from hsi_studio.engine.evaluation.metrics import figures as figures_of
from hsi_studio.engine.sweep.cells import read_cell
from hsi_studio.errors import BadRequest

FIGURES = (("oa", "OA"), ("aa", "AA"), ("kappa", "κ"))
NO_TEXT = ("none", "names")

CellJson = dict[str, Any]
Key = tuple[str, int, str, str]  # scene, shots, label, prompts


@dataclass(frozen=True)
class Row:
    """One scene, shots, method and prompts: its cells by seed and what they cost."""

    scene: str
    shots: int
    label: str
    prompts: str
    cells: dict[str, dict[int, CellJson]]  # protocol → seed → cell with figures

    def values(self, protocol: str, figure: str) -> list[float]:
        found = [cell["results"][protocol][figure] for _, cell in sorted(self.cells.get(protocol, {}).items())]
        return [value for value in found if value is not None]

    @property
    def all_cells(self) -> list[CellJson]:
        return [cell for by_seed in self.cells.values() for cell in by_seed.values()]

    @property
    def name(self) -> str:
        return self.label if self.prompts in NO_TEXT else f"{self.label}, {self.prompts}"


def load_cells(folder: Path) -> list[CellJson]:
    """Every readable cell below a sweep's folder. Raises BadRequest when there is none."""
    found = [
        cell
        for file in sorted((folder / "cells").rglob("*.json"))
        if not file.name.startswith(".") and (cell := read_cell(file)) is not None  # a dot: being written now
    ]
    if not found:
        raise BadRequest(f"There are no results in {folder}: run the sweep first.")
    return found


def rows_of(cells: Iterable[CellJson]) -> tuple[list[Row], list[str]]:
    """(rows, protocols). Labels whose parameters differ are told apart by the parameters' own names."""
    cells = list(cells)
    labels = _labels(cells)
    grouped: dict[Key, dict[str, dict[int, CellJson]]] = {}
    protocols: list[str] = []
    for cell in cells:
        key = (cell["scene"], cell["shots"], labels[_variant(cell)], cell["prompts"])
        for protocol, figures in cell["results"].items():
            if protocol not in protocols:
                protocols.append(protocol)
            if "problem" not in figures:
                grouped.setdefault(key, {}).setdefault(protocol, {})[cell["seed"]] = cell
    rows = [Row(*key, by_protocol) for key, by_protocol in grouped.items()]
    return sorted(rows, key=lambda r: (r.scene, r.shots, r.label, r.prompts)), sorted(protocols, key=_protocol_order)


def _variant(cell: CellJson) -> str:
    return f"{cell['method']} {sorted(cell['params'].items())}"


def _labels(cells: Sequence[CellJson]) -> dict[str, str]:
    """Variant → label; two variants that were run under one label get a number."""
    label_of: dict[str, str] = {}
    taken: dict[str, int] = {}
    for cell in cells:
        variant = _variant(cell)
        if variant in label_of:
            continue
        count = taken[cell["label"]] = taken.get(cell["label"], 0) + 1
        label_of[variant] = cell["label"] if count == 1 else f"{cell['label']} #{count}"
    return label_of


def _protocol_order(protocol: str) -> tuple[int, str]:
    kind = protocol.partition(":")[0]
    return (("random", "buffered", "mask", "split", "official").index(kind), protocol)


def mean_std(values: Sequence[float]) -> tuple[float, float] | None:
    if not values:
        return None
    return statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else 0.0


def plus_minus(values: Sequence[float], digits: int = 2) -> str:
    found = mean_std(values)
    if found is None:
        return "–"
    spread = f" ± {found[1]:.{digits}f}" if len(values) > 1 else ""  # one seed has none
    return f"{found[0]:.{digits}f}{spread}"


@dataclass(frozen=True)
class Table:
    title: str
    head: list[str]
    body: list[list[str]]
    notes: tuple[str, ...] = ()


def accuracy_table(rows: Sequence[Row], protocols: Sequence[str], published: Sequence[Mapping[str, Any]]) -> Table:
    """One line a row; the published figures of the same scene and shots below them."""
    used = [p for p in protocols if any(row.cells.get(p) for row in rows)]
    head = _head(used)
    body, notes = [], []
    scenes = {row.scene for row in rows}
    for shots in sorted({row.shots for row in rows}):
        for row in [r for r in rows if r.shots == shots]:
            seeds = sorted({len(row.cells.get(p, {})) for p in used})
            figures = [plus_minus(row.values(p, key)) for p in used for key, _ in FIGURES]
            body.append([str(shots), row.name, *figures, "/".join(map(str, seeds))])
        for entry in published:
            if entry["scene"] in scenes and entry["shots"] == shots:
                figures = [
                    f"{entry[key]:.2f}" if entry["protocol"] == p and entry.get(key) is not None else "–"
                    for p in used
                    for key, _ in FIGURES
                ]
                body.append([str(shots), f"*{entry['method']}*", *figures, str(entry.get("runs") or "?")])
                notes.append(f"*{entry['method']}*: {entry['source']}.")
    for entry in published:
        if entry["scene"] in scenes and entry["shots"] is None:
            oa, kappa = entry.get("oa"), entry.get("kappa")
            notes.append(f"*{entry['method']}*, not few-shot or split unknown: OA {oa}, κ {kappa}; {entry['source']}.")
    return Table("Accuracy, percent (κ × 100)", head, body, tuple(dict.fromkeys(notes)))


def cost_table(rows: Sequence[Row]) -> Table:
    """Seconds, pixels a second and memory; preparation is made once a scene, so its largest value is shown."""
    head = ["shots", "method", "prepare, s", "fit, s", "map, s", "pixels/s", "peak MB", "above scene MB", "GPU MB"]
    body = []
    for row in rows:
        cells = list({id(c): c for c in row.all_cells}.values())
        memory = [c["memory"] for c in cells]
        gpu = [m["cuda_peak_mb"] for m in memory if m["cuda_peak_mb"] is not None]
        body.append(
            [
                str(row.shots),
                row.name,
                f"{max(c['prepare_seconds'] for c in cells):.1f}",
                plus_minus([c["fit_seconds"] for c in cells]),
                plus_minus([c["predict_seconds"] for c in cells]),
                f"{statistics.median(c['pixels_per_second'] for c in cells):,.0f}",
                f"{max(m['peak_mb'] for m in memory):,.0f}",
                f"{max(m['peak_mb'] - m['before_mb'] for m in memory):,.0f}",
                f"{max(gpu):,.0f}" if gpu else "–",
            ]
        )
    return Table("Cost", head, body)


def _head(protocols: Sequence[str]) -> list[str]:
    named = [p.replace("mask:", "split: ", 1) for p in protocols]
    return ["shots", "method", *(f"{title}, {protocol}" for protocol in named for _, title in FIGURES), "n"]


def difference_table(rows: Sequence[Row], protocols: Sequence[str], baseline: str) -> Table:
    """Row − baseline on the same seeds; `baseline` is a row's name, or a method's label (then its own prompts, or the
    only ones it has). Raises BadRequest when no row is called so.
    """
    used = [p for p in protocols if any(row.cells.get(p) for row in rows)]
    head = _head(used)
    if not any(baseline in (row.name, row.label) for row in rows):
        known = ", ".join(sorted({row.name for row in rows}))
        raise BadRequest(f"No method is called {baseline!r}. Choose one of: {known}.")
    body = []
    for row in rows:
        beside = [r for r in rows if (r.scene, r.shots) == (row.scene, row.shots) and r is not row]
        first = next((r for r in beside if r.name == baseline), None) or next(
            (r for r in beside if r.label == baseline and r.prompts in (row.prompts, *NO_TEXT)), None
        )
        if first is None or row.name == baseline:
            continue
        found = [_difference(first, row, p) for p in used]
        figures = [text for estimates, _ in found for text in estimates]
        body.append([str(row.shots), row.name, *figures, "/".join(dict.fromkeys(str(n) for _, n in found))])
    return Table(f"Difference from {baseline} on the same seeds, points [95 % interval]", head, body)


def words_table(rows: Sequence[Row], protocols: Sequence[str]) -> Table:
    """What words add, on the same seeds: a style − the plain names of p1, and a style − the same sentences exchanged
    among the classes.
    """
    used = [p for p in protocols if any(row.cells.get(p) for row in rows)]
    head = _head(used)
    body = []
    for row in rows:
        if row.prompts.startswith("permuted"):
            continue
        alike = [r for r in rows if (r.scene, r.shots, r.label) == (row.scene, row.shots, row.label) and r is not row]
        exchanged = ("permuted", f"permuted:{row.prompts}") if row.prompts == "p5" else (f"permuted:{row.prompts}",)
        for other in [r for r in alike if r.prompts == "p1"] + [r for r in alike if r.prompts in exchanged]:
            found = [_difference(other, row, p) for p in used]
            figures = [text for estimates, _ in found for text in estimates]
            name = f"{row.label}: {row.prompts} − {other.prompts}"
            body.append([str(row.shots), name, *figures, "/".join(dict.fromkeys(str(n) for _, n in found))])
    note = "An interval that holds 0 means that these words were not seen to help."
    return Table(
        "What words add: text − p1, and right text − permuted text, points [95 % interval]", head, body, (note,)
    )


def difference(first: Row, second: Row, protocol: str) -> tuple[list[Estimate | None], int]:
    """([OA, AA, κ] of second − first as fractions with intervals, number of seeds both have).

    All None and 0 seeds where there is no common seed, or the test pixels are others: not comparable.
    """
    a, b = first.cells.get(protocol, {}), second.cells.get(protocol, {})
    seeds = sorted(set(a) & set(b))
    stacks = [np.array([cells[s]["results"][protocol]["confusion"] for s in seeds], dtype=np.int64) for cells in (a, b)]
    if not seeds or not np.array_equal(stacks[0].sum(axis=2), stacks[1].sum(axis=2)):
        return [None] * len(FIGURES), 0
    apart = [
        late - early for early, late in zip(figures_of(stacks[0]), figures_of(stacks[1]), strict=True)
    ]  # (seeds,) each
    return [None if np.isnan(d).any() else Estimate(float(d.mean()), *interval(d)) for d in apart], len(seeds)


def _difference(first: Row, second: Row, protocol: str) -> tuple[list[str], int]:
    """`difference` as text."""
    found, seeds = difference(first, second, protocol)
    return [_points(estimate) for estimate in found], seeds


def _points(found: Estimate | None) -> str:
    if found is None:
        return "–"
    text = f"{100 * found.value:+.2f}"
    return (
        text if found.low is None or found.high is None else f"{text} [{100 * found.low:+.2f}, {100 * found.high:+.2f}]"
    )


def footnotes(rows: Sequence[Row]) -> tuple[str, ...]:
    """Devices, threads and load; a warning where cells were made by different code."""
    cells = [cell for row in rows for cell in row.all_cells]
    notes = []
    devices = sorted({f"{c['device']}, {c['threads'] or 'all'} threads" for c in cells})
    loads = [c["memory"]["load"] for c in cells if c["memory"]["load"] is not None]
    if loads:
        notes.append(
            f"Made on {'; '.join(devices)}; load average of the machine {min(loads):.1f} to {max(loads):.1f} "
            f"(median {statistics.median(loads):.1f})."
        )
    code = {c["code"] for c in cells}
    if len(code) > 1:
        notes.append(f"Cells of {len(code)} versions of the program are mixed here.")
    return tuple(notes)


def tables(
    cells: Sequence[CellJson], published: Sequence[Mapping[str, Any]] = (), baselines: Sequence[str] = ()
) -> dict[str, list[Table]]:
    """Scene title → its tables."""
    rows, protocols = rows_of(cells)
    titles = {cell["scene"]: cell["title"] for cell in cells}
    out: dict[str, list[Table]] = {}
    for scene in dict.fromkeys(row.scene for row in rows):
        here = [row for row in rows if row.scene == scene]
        made = [accuracy_table(here, protocols, published), cost_table(here)]
        made += [difference_table(here, protocols, b) for b in baselines if any(b in (r.name, r.label) for r in here)]
        made.append(words_table(here, protocols))
        last = made[0]
        made[0] = Table(last.title, last.head, last.body, last.notes + footnotes(here))
        out[titles[scene]] = [table for table in made if table.body]
    return out


def markdown(found: Mapping[str, Sequence[Table]]) -> str:
    lines: list[str] = []
    for scene, made in found.items():
        lines += [f"## {scene}", ""]
        for table in made:
            lines += [f"### {table.title}", "", "| " + " | ".join(table.head) + " |", "|" + "---|" * len(table.head)]
            lines += ["| " + " | ".join(line) + " |" for line in table.body]
            lines += ["", *(f"- {note}" for note in table.notes), ""]
    return "\n".join(lines)


def latex(found: Mapping[str, Sequence[Table]]) -> str:
    """`tabular` environments; needs \\usepackage{booktabs} and, for ± and κ, nothing else."""
    blocks = []
    for scene, made in found.items():
        for table in made:
            lines = [
                f"% {scene}: {table.title}",
                "\\begin{tabular}{rl" + "c" * (len(table.head) - 2) + "}",
                "\\toprule",
            ]
            lines += [" & ".join(map(_tex, table.head)) + r" \\", "\\midrule"]
            lines += [" & ".join(map(_tex, line)) + r" \\" for line in table.body]
            blocks.append("\n".join([*lines, "\\bottomrule", "\\end{tabular}"]))
    return "\n\n".join(blocks) + "\n"


def _tex(text: str) -> str:
    for plain, written in (
        ("\\", r"\textbackslash "), ("%", r"\%"), ("&", r"\&"), ("_", r"\_"), ("#", r"\#"), ("±", r"$\pm$"),
        ("κ", r"$\kappa$"), ("−", "$-$"), ("–", "--"), ("*", ""), ("×", r"$\times$"),
    ):  # fmt: skip
        text = text.replace(plain, written)
    return text


def long_csv(cells: Sequence[CellJson]) -> str:
    """One line a cell and protocol: for other programs."""
    stream = io.StringIO()
    first = ("scene", "label", "method", "prompts", "shots", "seed")
    keys = ("n_train", "prepare_seconds", "fit_seconds", "predict_seconds", "pixels_per_second", "device", "code")
    writer = csv.writer(stream)
    writer.writerow([*first, "protocol", "oa", "aa", "kappa", "n_test", *keys, "peak_mb", "load"])
    for cell in cells:
        for protocol, figures in cell["results"].items():
            writer.writerow(
                [
                    *(cell[key] for key in first),
                    protocol,
                    *(figures.get(key) for key in ("oa", "aa", "kappa", "n_test")),
                    *(cell[key] for key in keys),
                    cell["memory"]["peak_mb"],
                    cell["memory"]["load"],
                ]
            )
    return stream.getvalue()
