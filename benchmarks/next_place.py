"""Is a label where the map wavers worth more than one at random?

    python -m benchmarks.next_place run OUT.jsonl --scenes indian_pines demo --draws 10    goes on where it ended
    python -m benchmarks.next_place table OUT.jsonl --csv            and results/measured/next_place.csv for the pages

A draw begins with `--shots` labels a class, from one place each as hands click, or with `--anywhere` from the whole
scene. Then labels are added one by one, the map made anew after each: at the labelled pixel of the reference where it
wavers most (`hsi_studio/engine/mapping/wavering.py`, the mean margin of the whole scene) or at one drawn at random. The
reference answers for the user; where it is silent a user passes over, so only its pixels are asked for. Tested are the
draw's test pixels (`floor_rule.py`) that were not labelled meanwhile. Difference: paired over the draws, Student's t.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.common import exit_code, make_parser
from benchmarks.floor_rule import Line, Prepared, read_lines, t_interval
from benchmarks.measured import file_of
from benchmarks.scenes import BATTERY, open_for_sweep
from hsi_studio.engine.mapping import wavering
from hsi_studio.methods.live.params import LiveParams
from hsi_studio.types import IntArray

ADDED = (0, 1, 3, 5, 10, 20)
KINDS = ("random", "wavering")
MEASURED = "next_place"


def line(held: Prepared, kind: str, shots: int, seed: int) -> Line:
    """OA after each number of ADDED."""
    train, test, _ = held.draw(shots, seed)
    rng = np.random.default_rng(100 + seed)
    known = np.flatnonzero(held.reference.ravel())
    oa = {}
    for added in range(max(ADDED) + 1):
        fitted = held.fitted(np.sort(train))
        if added in ADDED:
            left = test[~np.isin(test, train)]
            p = fitted.probabilities_at(left)
            true = np.searchsorted(held.values, held.reference.ravel()[left])
            oa[str(added)] = 100 * float((p.argmax(axis=1) == true).mean())
        free = known[~np.isin(known, train)]
        pixel = int(rng.choice(free)) if kind == "random" else _where_it_wavers(held, fitted, train, free)
        train = np.append(train, pixel)
    return {"kind": kind, "shots": shots, "one_place": held.one_place, "seed": seed, "oa": oa}


def _where_it_wavers(held: Prepared, fitted: Any, train: IntArray, free: npt.NDArray[np.int64]) -> int:
    """What the page would show, had the scene no other pixels than the reference's."""
    found = wavering.margins(fitted, held.blind)
    inside = np.full(found.value.size, np.nan, dtype=np.float32)
    inside[free] = 0.0
    shown = [divmod(int(pixel), held.width) for pixel in train]
    mean = wavering.smoothed(found)
    mean = np.where(np.isfinite(inside.reshape(mean.shape)), mean, np.inf)
    for row, col in shown:
        reach = wavering.LABEL_PX
        mean[max(0, row - reach) : row + reach + 1, max(0, col - reach) : col + reach + 1] = np.inf
    return int(mean.argmin()) if np.isfinite(mean).any() else int(free[0])


def run(args: argparse.Namespace) -> int:
    for name in args.scenes:
        have = {(one["kind"], one["shots"], one["one_place"], one["seed"])
                for one in read_lines(args.file) if one["scene"] == name}  # fmt: skip
        wanted = [(kind, args.shots, not args.anywhere, seed) for seed in range(args.draws) for kind in KINDS]
        todo = [one for one in wanted if one not in have]
        if not todo:
            continue
        held = Prepared(open_for_sweep(name, args.data).scene, LiveParams.model_validate({}), not args.anywhere)
        with args.file.open("a", encoding="utf-8") as stream:
            for kind, shots, _, seed in todo:
                stream.write(json.dumps({"scene": name, **line(held, kind, shots, seed)}) + "\n")
                stream.flush()
        print(f"{name}: {len(todo)} made", file=sys.stderr)
    return 0


def table(args: argparse.Namespace) -> int:
    cells: dict[tuple[str, bool, int], dict[str, dict[int, Line]]] = defaultdict(lambda: defaultdict(dict))
    for one in read_lines(args.file):
        cells[one["scene"], not one["one_place"], one["shots"]][one["kind"]][one["seed"]] = one
    rows = []
    order = list(BATTERY)
    for (scene, anywhere, shots), by_kind in sorted(cells.items(), key=lambda c: (order.index(c[0][0]), c[0][1:])):
        shared = sorted(set.intersection(*(set(by_kind[kind]) for kind in KINDS)))
        if len(shared) < 2:
            continue
        for added in ADDED:
            a, b = (np.array([by_kind[kind][seed]["oa"][str(added)] for seed in shared]) for kind in KINDS)
            low, high = t_interval(b - a)
            figures = {
                "at random OA": a.mean(), "at random OA ±": a.std(ddof=1), "where it wavers OA": b.mean(),
                "where it wavers OA ±": b.std(ddof=1), "difference": (b - a).mean(), "difference low": low,
                "difference high": high,
            }  # fmt: skip
            place = f"{shots} a class, {'anywhere' if anywhere else 'one place each'}"
            said = {name: f"{value:.1f}" for name, value in figures.items()}
            if not added:
                said |= {"difference": "", "difference low": "", "difference high": ""}
            rows.append({"scene": scene, "first labels": place, "added": str(added), "n": str(len(shared)), **said})
    if args.csv:
        with file_of(MEASURED).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    for row in rows:
        print("| " + " | ".join(str(value) for value in row.values()) + " |")
    return 0


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__)
    commands = parser.add_subparsers(required=True)
    made = commands.add_parser("run", help="compute what is missing")
    made.add_argument("file", type=Path)
    made.add_argument(
        "--scenes", nargs="+", default=[name for name, (role, _) in BATTERY.items() if role == "development"]
    )
    made.add_argument("--shots", type=int, default=3)
    made.add_argument("--anywhere", action="store_true", help="first labels from the whole scene")
    made.add_argument("--draws", type=int, default=20)
    made.add_argument("--data")
    made.set_defaults(command=run)
    shown = commands.add_parser("table", help="what is there")
    shown.add_argument("file", type=Path)
    shown.add_argument("--csv", action="store_true")
    shown.set_defaults(command=table)
    args = parser.parse_args(argv)
    return exit_code(lambda: int(args.command(args)))


if __name__ == "__main__":
    sys.exit(main())
