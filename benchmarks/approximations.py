"""What each approximation of `diffclip` costs in accuracy and saves in time, against its exact form, on the same draws.

    python -m benchmarks.approximations run out --seeds 10 --shots 5 20
    python -m benchmarks.approximations table out
    python -m benchmarks.approximations run out --seeds 1 --shots 5 --param min_steps=20 epochs=1 pretrain_epochs=1

A row compares two settings that differ in one thing: the default, and the form without the shortcut. Differences are
exact − default in points of OA, random and buffered test pixels, with the 95 % interval of `draw_intervals.py` (from 3
seeds); times are ratios of the exact form's to the default's on the same machine in the same run. Settings that only
change the map share one training. One JSON a fit and map lies in OUT; a rerun goes on where the last one ended. Indian
Pines by default, which needs no download.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import STOPPED, exit_code, make_parser, named_values, use_threads

PROTOCOLS = ("random", "buffered")
MAP_ONLY = ("stride", "smoothing", "edge_strength")  # parameters that no training depends on


@dataclass(frozen=True)
class Comparison:
    """Parameters on top of the method's own."""

    title: str
    default: dict[str, Any]
    exact: dict[str, Any]


COMPARISONS = (
    Comparison("every 2nd pixel → every pixel", {"stride": 2}, {"stride": 1}),
    Comparison("smoothing within edges → none", {"stride": 1}, {"stride": 1, "smoothing": 0}),
    Comparison("foveated tokens → a token a pixel", {"stride": 2}, {"stride": 2, "tokens": "pixels"}),
    Comparison("components → every band", {"stride": 2}, {"stride": 2, "inputs": "bands"}),
    Comparison("1 network → 2 networks", {"stride": 2, "members": 1}, {"stride": 2}),
    Comparison("averaged weights → last weights", {"stride": 2}, {"stride": 2, "average": 0.0}),
)


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__)
    commands = parser.add_subparsers(required=True)
    run = commands.add_parser("run", help="compute what is missing, then print the table")
    run.add_argument("folder", type=Path)
    run.add_argument("--scene", default="indian_pines", help="as in benchmarks.scenes")
    run.add_argument("--shots", nargs="+", type=int, default=[20])
    run.add_argument("--seeds", type=int, default=5, help="draws 0 … N−1")
    run.add_argument("--only", nargs="+", type=int, metavar="ROW", help="rows of the table, from 1")
    run.add_argument(
        "--param", nargs="+", default=[], metavar="NAME=VALUE", help="for all settings, as for a quick try"
    )
    run.add_argument("--threads", type=int, default=1)
    run.add_argument("--device", default="cpu")
    run.add_argument("--prompts", default="p5")
    run.set_defaults(command=_run)
    shown = commands.add_parser("table", help="the table of what is there")
    shown.add_argument("folder", type=Path)
    shown.set_defaults(command=_table)
    args = parser.parse_args(argv)
    return exit_code(lambda: int(args.command(args)), STOPPED)


def _run(args: argparse.Namespace) -> int:
    use_threads(args.threads)
    from benchmarks.scenes import open_for_sweep
    from hsi_studio.methods import get_method
    from hsi_studio.methods.contract import Context

    own = named_values(args.param)
    chosen = [COMPARISONS[n - 1] for n in args.only] if args.only else list(COMPARISONS)
    settings = [{**own, **s} for c in chosen for s in (c.default, c.exact)]
    scene = open_for_sweep(args.scene).scene
    method = get_method("diffclip")
    by_training: dict[str, list[dict[str, Any]]] = {}
    for values in settings:
        params = method.Params.model_validate(values).model_dump(mode="json")
        key = json.dumps({k: v for k, v in params.items() if k not in MAP_ONLY}, sort_keys=True)
        if params not in by_training.setdefault(key, []):
            by_training[key].append(params)
    ctx = Context(device=args.device, cache_dir=args.folder / "cache")
    for seed in range(args.seeds):
        for shots in args.shots:
            for group in by_training.values():
                todo = [p for p in group if not _file(args.folder, args.scene, shots, seed, p).is_file()]
                if todo:
                    _fit_and_map(args, scene, todo, shots, seed, ctx)
                    print(f"seed {seed}, {shots} shots: {len(todo)} maps of one training", file=sys.stderr, flush=True)
    return _table(args)


def _fit_and_map(
    args: argparse.Namespace, scene: Any, group: list[dict[str, Any]], shots: int, seed: int, ctx: Any
) -> None:
    """One training, a map for each of the settings that share it, one file a map."""
    from dataclasses import replace

    from hsi_studio.engine.evaluation.few_shot import MappedDraw, prompts_in_style, score_draw, support_set
    from hsi_studio.engine.evaluation.splits import make_split, parse_protocol
    from hsi_studio.engine.mapping.predict import predict_scene
    from hsi_studio.engine.sweep.cells import code_hash, write_cell
    from hsi_studio.methods import get_method
    from hsi_studio.methods.contract import State
    from hsi_studio.types import PromptSet

    method, blind = get_method("diffclip"), scene.without_reference()
    usable = np.where(scene.valid, scene.reference, 0).astype(np.int32)
    splits = {p: make_split(usable, shots, seed, parse_protocol(p), None, scene.reference_names) for p in PROTOCOLS}
    train = splits["random"].train
    assert np.array_equal(train, splits["buffered"].train)
    labels, position = support_set(scene, train, scene.reference.ravel())
    said = prompts_in_style(scene, args.prompts)[0](seed)
    prompts = PromptSet({c.id: tuple(said[c.name]) for c in labels.schema.classes if said.get(c.name)})
    here = replace(ctx, seed=seed)
    params = method.Params.model_validate(group[0])
    method.prepare(blind, params, here)
    started = time.perf_counter()
    state = method.fit(blind, labels, prompts, params, here).state()
    fit_seconds = time.perf_counter() - started
    for values in group:
        fitted = method.from_state(State(state.arrays, {**state.header, "params": values}), blind, here)
        started = time.perf_counter()
        found = predict_scene(fitted, blind, method.name, values, labels.revision, here)
        map_seconds = time.perf_counter() - started
        column = np.array([-1, *(position[info.id] for info in found.schema.classes)])
        mapped = MappedDraw(
            column[found.label.ravel()], found.confidence.ravel(), int(train.size), fit_seconds, map_seconds
        )
        result = {
            "scene": args.scene, "shots": shots, "seed": seed, "params": values, "fit_seconds": round(fit_seconds, 3),
            "map_seconds": round(map_seconds, 3), "pixels": int(scene.valid.sum()), "device": ctx.device,
            "threads": args.threads, "load": os.getloadavg()[0], "code": code_hash(), "own": sorted(args.param),
            "confusion": {p: score_draw(scene, mapped, split.test).tolist() for p, split in splits.items()},
        }  # fmt: skip
        write_cell(_file(args.folder, args.scene, shots, seed, values), result)


def _file(folder: Path, scene: str, shots: int, seed: int, params: dict[str, Any]) -> Path:
    from hsi_studio.engine.sweep.cells import Variant

    place = folder / "maps" / re.sub(r"[^\w-]+", "-", scene)
    place.mkdir(parents=True, exist_ok=True)
    return place / f"{Variant('', 'diffclip', params).key}-k{shots}-s{seed}.json"


def _table(args: argparse.Namespace) -> int:
    found = [json.loads(file.read_text(encoding="utf-8")) for file in sorted((args.folder / "maps").glob("*/*.json"))]
    print("\n".join(table(found)))
    return 0


def table(found: list[dict[str, Any]]) -> list[str]:
    """Markdown: one row a scene, number of shots and comparison."""
    from hsi_studio.engine.evaluation.draw_intervals import interval
    from hsi_studio.engine.evaluation.metrics import Estimate, figures
    from hsi_studio.methods import get_method

    params = get_method("diffclip").Params
    lines = [
        "| scene | shots | default → exact | seeds | OA default, random | exact − default, random "
        "| OA default, buffered | exact − default, buffered | map seconds, exact / default "
        "| fit seconds, exact / default |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for scene, shots, *own in sorted({(f["scene"], f["shots"], *f["own"]) for f in found}):
        values = named_values(own)
        here = [f for f in found if (f["scene"], f["shots"], f["own"]) == (scene, shots, own)]
        for comparison in COMPARISONS:
            sides = []
            for chosen in (comparison.default, comparison.exact):
                wanted = params.model_validate({**values, **chosen}).model_dump(mode="json")
                sides.append({f["seed"]: f for f in here if f["params"] == wanted})
            seeds = sorted(set(sides[0]) & set(sides[1]))
            if not seeds:
                continue
            cells = [scene, str(shots), comparison.title, str(len(seeds))]
            for protocol in PROTOCOLS:
                stacks = [np.array([side[s]["confusion"][protocol] for s in seeds]) for side in sides]
                apart = figures(stacks[1])[0] - figures(stacks[0])[0]  # (seeds,)
                oa = Estimate(float(apart.mean()), *interval(apart))
                base = 100 * figures(stacks[0])[0]
                spread = f" ± {base.std(ddof=1):.2f}" if len(seeds) > 1 else ""
                cells += [f"{base.mean():.2f}{spread}", _points(oa)]
            for key in ("map_seconds", "fit_seconds"):
                cells.append(f"{np.median([sides[1][s][key] / max(sides[0][s][key], 1e-9) for s in seeds]):.2f}")
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def _points(found: Any) -> str:
    interval = "" if found.low is None else f" [{100 * found.low:+.2f}, {100 * found.high:+.2f}]"
    return f"{100 * found.value:+.2f}{interval}"


if __name__ == "__main__":
    sys.exit(main())
