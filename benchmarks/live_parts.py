"""What each part of `live` adds, and what makes its probabilities honest: the whole and it without a part, paired.

    python -m benchmarks.live_parts run OUT.jsonl --scenes samson indian_pines --draws 10      goes on where it ended
    python -m benchmarks.live_parts table OUT.jsonl --csv      and results/measured/live_parts.csv, live_calibration.csv

Scenes, draws and test pixels are those of `floor_rule.py`. "Without" a part is what stands in `PARTS`; everything else,
features included, is the same, so a difference is that part's and its interval is Student's t over the draws. ECE is
the expected calibration error in percent, 15 bins: "before" is the map with the
temperature that is used where labels say nothing, and without the power of mixtures (`methods/live/linear.py`).
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks.common import exit_code, make_parser
from benchmarks.floor_rule import Line, Prepared, read_lines, t_interval
from benchmarks.measured import file_of
from benchmarks.scenes import BATTERY, open_for_sweep
from hsi_studio.engine.evaluation.calibration import calibration
from hsi_studio.methods.common import kernel_head
from hsi_studio.methods.live import linear, method, views
from hsi_studio.methods.live.features import LiveFeatures, Place
from hsi_studio.methods.live.linear import Linear
from hsi_studio.methods.live.params import LiveParams
from hsi_studio.types import FloatArray

WHOLE = "whole"
BEFORE = "before calibration"
USUAL_PLACES = LiveParams.linear_places
Float64Array = np.ndarray[Any, np.dtype[np.float64]]


def _level(noise: float, dimensions: FloatArray, classes: int, groups: tuple[str, ...] = views.GROUPS) -> Float64Array:
    """No view is preferred."""
    return np.full(dimensions.size * len(groups), 1 / (dimensions.size * len(groups)))


def _white(noise: float, dimensions: FloatArray, classes: int, groups: tuple[str, ...] = views.GROUPS) -> Float64Array:
    """Fully whitened components alone, at every scale, as in the first version."""
    only = np.repeat([metric == "white" for metric in views.METRICS[: dimensions.size]], len(groups))
    return np.asarray(only / only.sum(), dtype=np.float64)


def _components(params: LiveParams, features: LiveFeatures) -> tuple[Place, ...]:
    """Discriminants of principal components, as where values have no shape."""
    return tuple(("principal", scale) for _, scale in USUAL_PLACES(params, features))


# part → (what is patched: object, name, value), and parameters that change
PARTS: dict[str, tuple[tuple[tuple[Any, str, Any], ...], dict[str, Any]]] = {
    "smoothing within edges": ((), {"smoothing": "pixel"}),
    "shapes of spectra": (((views, "SHAPES", 0.0), (LiveParams, "linear_places", _components)), {}),
    "metrics (whitened alone)": (((method, "preference", _white),), {}),
    "preference without labels (none)": (((method, "preference", _level),), {}),
    "evidence of the labels": (((kernel_head, "EVIDENCE", 0.0),), {}),
    "ridge chosen by the labels": (((method, "choose_ridge", lambda gram, label, classes, usual: usual),), {}),
    "discriminants": (((method, "fit_linear", lambda *_: Linear()),), {}),
    "heights": ((), {"use_dsm": False}),
    "labels around a place": ((), {"nearby": False}),
    BEFORE: (
        (
            (linear, "fit_power", lambda *_: 1.0),
            (method, "calibrate", lambda head: (kernel_head.PRIOR_TEMPERATURE, 0.0)),
        ),
        {},
    ),
}


@contextmanager
def without(part: str) -> Iterator[None]:
    """While it lasts `live` lacks a part; `WHOLE` = none."""
    with ExitStack() as stack:
        for place, name, value in PARTS[part][0] if part != WHOLE else ():
            stack.enter_context(patch.object(place, name, value))
        yield


def line(held: Prepared, part: str, shots: int, seed: int) -> Line:
    train, test, far = held.draw(shots, seed)
    true = np.searchsorted(held.values, held.reference.ravel()[test])
    held.params = LiveParams.model_validate(PARTS[part][1] if part != WHOLE else {})
    with without(part):
        found = held.probabilities("live", train, test)
    right = found.argmax(axis=1) == true
    ece = 100 * float(calibration(found.max(axis=1), right).ece)
    over = 100 * float(found.max(axis=1).mean() - right.mean())
    buffered = 100 * float(right[far].mean()) if far.any() else None
    figures = {"oa": 100 * float(right.mean()), "buffered": buffered, "ece": ece, "over": over}
    return {"part": part, "shots": shots, "seed": seed, **figures}


def run(args: argparse.Namespace) -> int:
    for name in args.scenes:
        have = {(one["part"], one["shots"], one["seed"]) for one in read_lines(args.file) if one["scene"] == name}
        wanted = [(part, k, seed) for seed in range(args.draws) for k in args.shots for part in args.parts]
        todo = [one for one in wanted if one not in have]
        if not todo:
            continue
        scene = open_for_sweep(name, args.data).scene
        held = Prepared(scene, LiveParams.model_validate({}))
        with args.file.open("a", encoding="utf-8") as stream:
            for part, shots, seed in todo:
                if part == "heights" and scene.dsm is None:
                    continue
                stream.write(json.dumps({"scene": name, **line(held, part, shots, seed)}) + "\n")
                stream.flush()
        print(f"{name}: done", file=sys.stderr)
    return 0


def cells(lines: Sequence[Line]) -> dict[tuple[str, str, int], dict[int, Line]]:
    """(scene, part, shots) → seed → line."""
    found: dict[tuple[str, str, int], dict[int, Line]] = defaultdict(dict)
    for one in lines:
        found[one["scene"], one["part"], one["shots"]][one["seed"]] = one
    return found


def parts_rows(lines: Sequence[Line]) -> list[dict[str, str]]:
    """OA of the whole − OA without a part, in points: a line a scene and part, columns a number of shots."""
    known, order = cells(lines), list(BATTERY)
    shots = sorted({key[2] for key in known if key[1] not in (WHOLE, BEFORE)})
    rows = []
    for scene, part in sorted({k[:2] for k in known}, key=lambda k: (order.index(k[0]), [*PARTS, WHOLE].index(k[1]))):
        if part in (WHOLE, BEFORE):
            continue
        row = {"scene": scene, "without": part, "n": ""}
        for k in shots:
            whole, less = known.get((scene, WHOLE, k), {}), known.get((scene, part, k), {})
            both = sorted(set(whole) & set(less))
            gap = np.array([whole[s]["oa"] - less[s]["oa"] for s in both])
            low, high = t_interval(gap) if gap.size > 1 else (np.nan, np.nan)
            row["n"] = row["n"] or str(gap.size)
            row |= {f"{k} labels": f"{gap.mean():.1f}" if gap.size else "–"}
            row |= {f"{k} labels low": f"{low:.1f}", f"{k} labels high": f"{high:.1f}"}
        rows.append(row)
    return rows


def calibration_rows(lines: Sequence[Line]) -> list[dict[str, str]]:
    """ECE before and after, and how much surer than right the map is: a line a scene and number of shots."""
    known, order = cells(lines), list(BATTERY)
    rows = []
    for scene, _, k in sorted((key for key in known if key[1] == BEFORE), key=lambda c: (order.index(c[0]), c[2])):
        before, after = known[scene, BEFORE, k], known.get((scene, WHOLE, k), {})
        both = sorted(set(before) & set(after))
        if len(both) < 2:
            continue
        one, two = (np.array([of[s]["ece"] for s in both]) for of in (before, after))
        low, high = t_interval(two - one)
        row = {"scene": scene, "shots": str(k), "n": str(len(both)), "ECE before": f"{one.mean():.1f}"}
        row |= {"ECE after": f"{two.mean():.1f}", "after − before": f"{(two - one).mean():.1f}"}
        row |= {"after − before low": f"{low:.1f}", "after − before high": f"{high:.1f}"}
        row["surer than right"] = f"{np.mean([after[s]['over'] for s in both]):.1f}"
        rows.append(row)
    return rows


def table(args: argparse.Namespace) -> int:
    lines = read_lines(args.file)
    for name, rows in (("live_parts", parts_rows(lines)), ("live_calibration", calibration_rows(lines))):
        if not rows:
            continue
        if args.csv:
            with file_of(name).open("w", encoding="utf-8", newline="") as stream:
                writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)
        for row in rows:
            print("  ".join(row.values()))
    return 0


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__)
    commands = parser.add_subparsers(required=True)
    runs = commands.add_parser("run", help="measure what is missing")
    runs.add_argument("file", type=Path)
    runs.add_argument("--scenes", nargs="+", choices=list(BATTERY), required=True)
    runs.add_argument("--parts", nargs="+", choices=[WHOLE, *PARTS], default=[WHOLE, *PARTS])
    runs.add_argument("--shots", nargs="+", type=int, default=[1, 2, 5, 20])
    runs.add_argument("--draws", type=int, default=10)
    runs.add_argument("--data", help="folder of public data (default: $HSI_STUDIO_TEST_DATA)")
    runs.set_defaults(command=run)
    shown = commands.add_parser("table")
    shown.add_argument("file", type=Path)
    shown.add_argument("--csv", action="store_true", help="write the files of the results page, too")
    shown.set_defaults(command=table)
    args = parser.parse_args(argv)
    return exit_code(lambda: int(args.command(args)))


if __name__ == "__main__":
    sys.exit(main())
