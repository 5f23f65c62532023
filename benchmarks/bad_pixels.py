"""What do bad pixels in a scene cost the map?

    python -m benchmarks.bad_pixels --draws 20            a table; goes on nowhere, it is a matter of minutes
    python -m benchmarks.bad_pixels --draws 20 --csv      and results/measured/bad_pixels.csv for the pages

Of the scenes of development copies are made with wrong values that no file declares: `spikes`, one value in ten
thousand is 100 times the scene's largest; `dead pixels`, one pixel in five hundred is noise of 10 times the largest in
every band; `dead column`, one column is 0 but in one band, another five times too bright. Shots, test pixels and floors
are those of `floor_rule.py`; a wrong pixel may be a shot or a test pixel like any other. Difference: paired with the
same draws on the scene as it is, Student's t.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from benchmarks.common import exit_code, make_parser
from benchmarks.floor_rule import Prepared, t_interval
from benchmarks.measured import file_of
from benchmarks.scenes import BATTERY, open_for_sweep
from hsi_studio.methods.live.params import LiveParams
from hsi_studio.scene.cube import ArrayCube
from hsi_studio.types import FloatArray, Scene

MEASURED = "bad_pixels"
SPIKES, DEAD = 1e-4, 2e-3


def spikes(values: FloatArray, rng: np.random.Generator) -> None:
    values[rng.random(values.shape) < SPIKES] = 100 * float(np.nanmax(values))


def dead_pixels(values: FloatArray, rng: np.random.Generator) -> None:
    wrong = rng.random(values.shape[:2]) < DEAD
    values[wrong] = rng.normal(0.0, 10 * float(np.nanmax(values)), (int(wrong.sum()), values.shape[2]))


def dead_column(values: FloatArray, rng: np.random.Generator) -> None:
    del rng
    width = values.shape[1]
    values[:, width // 3] = 0.0
    values[:, width // 3, 0] = 1.0
    values[:, width // 2] *= 5.0


KINDS: dict[str, Callable[[FloatArray, np.random.Generator], None] | None] = {
    "as it is": None, "spikes": spikes, "dead pixels": dead_pixels, "dead column": dead_column,
}  # fmt: skip


def damaged(scene: Scene, kind: str) -> Scene:
    """A copy in memory, with an id of its own."""
    spoil = KINDS[kind]
    if spoil is None:
        return scene
    values = scene.read(slice(0, scene.shape[0]), slice(0, scene.shape[1]))
    values[~scene.valid] = np.nan
    spoil(values, np.random.default_rng(0))
    return replace(scene, id=f"{scene.id}-{kind.replace(' ', '-')}", cube=ArrayCube(values))


def run(args: argparse.Namespace) -> int:
    rows = []
    for name in args.scenes:
        scene, before = open_for_sweep(name, args.data).scene, dict[str, np.ndarray]()
        for kind in KINDS:
            held = Prepared(damaged(scene, kind), LiveParams.model_validate({}))
            row = {"scene": name, "pixels": kind, "n": str(args.draws)}
            for method in ("live", "svm"):
                found = np.array([held.line(method, args.shots, seed)["oa"] for seed in range(args.draws)])
                before.setdefault(method, found)
                row |= {f"{method} OA": f"{found.mean():.1f}", f"{method} OA ±": f"{found.std(ddof=1):.1f}"}
                low, high = t_interval(found - before[method])
                lost = (found - before[method]).mean()
                said = ("", "", "") if kind == "as it is" else (f"{lost:.1f}", f"{low:.1f}", f"{high:.1f}")
                row |= dict(zip((f"{method} − as it is{end}" for end in ("", " low", " high")), said, strict=True))
            rows.append(row)
            print("| " + " | ".join(row.values()) + " |", flush=True)
    if args.csv:
        with file_of(MEASURED).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    return 0


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__)
    development = [name for name, (role, _) in BATTERY.items() if role == "development"]
    parser.add_argument("--scenes", nargs="+", default=development)
    parser.add_argument("--shots", type=int, default=5)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--data")
    parser.add_argument("--csv", action="store_true")
    args = parser.parse_args(argv)
    return exit_code(lambda: run(args))


if __name__ == "__main__":
    raise SystemExit(main())
