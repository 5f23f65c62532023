"""What does it cost to map a scene on superpixels? Small scenes, forced onto as few nodes as a large scene has.

    python -m benchmarks.large_scenes run OUT.jsonl --draws 12       goes on where it ended
    python -m benchmarks.large_scenes table OUT.jsonl --csv          and results/measured/large_scenes.csv

Scenes of more than `max_nodes` pixels are mapped on superpixels (`hsi_studio/features/superpixels.py`), a satellite
scene of a million pixels on 25 each. The development scenes are mapped here with SIZES pixels each, as they are,
averaged over 3 × 3 pixels and with every third pixel left: then things are as small as a city's at 30 m. Beside it
`live` on pixels, where each is a node of its own, and the best plain classifier of single spectra (`floor_rule.py`,
whose draws and test pixels these are). Of 3 × 3 pixels the class is the commonest that is labelled.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.common import exit_code, make_parser
from benchmarks.floor_rule import FLOORS, Line, Prepared, read_lines, t_interval
from benchmarks.measured import file_of
from benchmarks.scenes import open_for_sweep
from hsi_studio.methods.live.params import LiveParams
from hsi_studio.scene.cube import ArrayCube
from hsi_studio.types import IntArray, Scene

SCENES = ("indian_pines", "demo", "samson", "trento_simulated")
WAYS = ("as it is", "3 × 3 averaged", "every third pixel")
SIZES = (1, 4, 25)  # pixels a superpixel; 1 = pixels
SHOTS = (1, 2, 5, 20)
SIDE = 3


def seen(scene: Scene, way: str) -> Scene:
    """The scene, or as a coarser sensor or a sparser sampling sees it; without heights then."""
    if way == WAYS[0]:
        return scene
    assert scene.reference is not None
    height, width, count = scene.shape
    cube = scene.read(slice(0, height), slice(0, width), list(range(count)))
    reference = np.where(scene.valid, scene.reference, 0)
    if way == WAYS[2]:
        cube, reference = cube[::SIDE, ::SIDE], reference[::SIDE, ::SIDE]
    else:
        down, across = height // SIDE, width // SIDE
        blocks = cube[: down * SIDE, : across * SIDE].reshape(down, SIDE, across, SIDE, count)
        cube, reference = blocks.mean(axis=(1, 3)), commonest(reference[: down * SIDE, : across * SIDE])
    return replace(
        scene, id=f"{scene.id}-{way}", name=f"{scene.name}, {way}", cube=ArrayCube(np.ascontiguousarray(cube)),
        reference=reference.astype(np.int32), dsm=None, transform=None,
    )  # fmt: skip


def commonest(reference: IntArray) -> npt.NDArray[np.int64]:
    """The label with most of the SIDE × SIDE pixels; 0 where none has one."""
    down, across = reference.shape[0] // SIDE, reference.shape[1] // SIDE
    blocks = reference.reshape(down, SIDE, across, SIDE)
    values = np.unique(reference[reference > 0])
    counts = np.stack([(blocks == value).sum(axis=(1, 3)) for value in values.tolist()])
    return np.where(counts.max(axis=0) > 0, values[counts.argmax(axis=0)], 0)


def run(args: argparse.Namespace) -> int:
    for name in args.scenes:
        whole = open_for_sweep(name, args.data).scene
        for way in args.ways:
            scene = seen(whole, way)
            have = {(one["pixels"], one["method"], one["shots"], one["seed"]) for one in read_lines(args.file)
                    if (one["scene"], one["way"]) == (name, way)}  # fmt: skip
            for pixels in SIZES:
                nodes = max(100, int(scene.valid.sum()) // pixels)
                methods = ("live", *FLOORS) if pixels == 1 else ("live",)
                todo = [(m, k, seed) for k in args.shots for m in methods for seed in range(args.draws)
                        if (pixels, m, k, seed) not in have]  # fmt: skip
                if not todo:
                    continue
                held = Prepared(scene, LiveParams.model_validate({"max_nodes": min(nodes + 1, 200_000)}))
                with args.file.open("a", encoding="utf-8") as stream:
                    for one in todo:
                        line = {"scene": name, "way": way, "pixels": pixels, **held.line(*one)}
                        stream.write(json.dumps(line) + "\n")
                        stream.flush()
            print(f"{name}, {way}: done", file=sys.stderr)
    return 0


def rows(lines: list[Line]) -> list[dict[str, str]]:
    """A line a scene, way and number of shots."""
    cells: dict[tuple[str, str, int], dict[tuple[int, str], dict[int, float]]] = defaultdict(lambda: defaultdict(dict))
    for one in lines:
        cells[one["scene"], one["way"], one["shots"]][one["pixels"], one["method"]][one["seed"]] = one["oa"]
    out = []
    for (scene, way, shots), found in cells.items():
        wanted = [(1, "live"), *((1, name) for name in FLOORS), *((size, "live") for size in SIZES[1:])]
        if any(key not in found for key in wanted):
            continue
        draws = sorted(set.intersection(*(set(found[key]) for key in wanted)))
        oa = {key: np.array([found[key][seed] for seed in draws]) for key in wanted}
        best = max(FLOORS, key=lambda name: oa[1, name].mean())
        low, high = t_interval(oa[SIZES[-1], "live"] - oa[1, best])
        row = {"scene": scene, "seen": way, "shots": str(shots), "n": str(len(draws))}
        row |= {
            ("on pixels" if size == 1 else f"{size} pixels a node"): f"{oa[size, 'live'].mean():.1f}" for size in SIZES
        }
        row |= {"best floor": best, "floor OA": f"{oa[1, best].mean():.1f}"}
        row[f"{SIZES[-1]} − floor"] = f"{(oa[SIZES[-1], 'live'] - oa[1, best]).mean():.1f} ({low:.1f} to {high:.1f})"
        out.append(row)
    return out


def table(args: argparse.Namespace) -> int:
    found = rows(read_lines(args.file))
    if not found:
        print("nothing measured yet", file=sys.stderr)
        return 1
    if args.csv:
        with file_of("large_scenes").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(found[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(found)
    for row in found:
        print("  ".join(row.values()))
    return 0


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__)
    commands = parser.add_subparsers(required=True)
    runs = commands.add_parser("run", help="measure what is missing")
    runs.add_argument("file", type=Path)
    runs.add_argument("--scenes", nargs="+", choices=SCENES, default=list(SCENES))
    runs.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    runs.add_argument("--shots", nargs="+", type=int, default=list(SHOTS))
    runs.add_argument("--draws", type=int, default=12)
    runs.add_argument("--data", help="folder of public data (default: $HSI_STUDIO_TEST_DATA)")
    runs.set_defaults(command=run)
    shown = commands.add_parser("table")
    shown.add_argument("file", type=Path)
    shown.add_argument("--csv", action="store_true", help="write the file of the results page, too")
    shown.set_defaults(command=table)
    args = parser.parse_args(argv)
    return exit_code(lambda: int(args.command(args)))


if __name__ == "__main__":
    sys.exit(main())
