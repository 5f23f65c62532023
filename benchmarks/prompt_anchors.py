"""Do trained methods gain from the spectra of the materials that class names mean? Anchors of text, materials, both.

    python -m benchmarks.prompt_anchors run out --data FOLDER --shots 1 2 5 --seeds 10
    python -m benchmarks.prompt_anchors report out --to benchmarks/prompt_ab.md

Every draw is trained four times on the same labels at Compare's quick pace: with the sentences' vectors, with those of
the materials they mean, with both, and with materials of shuffled names (every class gets another's sentence, another
exchange for every draw). Words are the style p1, the class names in a template. One JSON a cell lies in out/cells, and
the same command goes on where it was stopped; the draws are the outermost loop, so that what is there is comparable.
`report` writes the part of the file that begins with its heading, and leaves what stands above.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import STOPPED, duration, exit_code, machine, make_parser
from benchmarks.scenes import open_for_sweep
from hsi_studio.engine.evaluation.draw_intervals import LEAST_INTERVAL, interval
from hsi_studio.engine.sweep.cells import Cell, SweepScene, Variant, missing, plan, read_cell, run_cell, write_cell
from hsi_studio.errors import StudioError
from hsi_studio.methods import get_method
from hsi_studio.methods.contract import Context, make_params

SCENES = ("samson", "demo", "berlin_hymap", "enmap_potsdam")
METHODS = ("curated", "s3fn", "diffclip")
ANCHORS = ("text", "materials", "both")
WORDS, SHUFFLED = "p1", "permuted:p1"
PROTOCOLS = ("random", "buffered:7")  # half the widest window of the three
HEADING = "# Spectra of materials as class anchors"
ARMS = {"materials": ("materials", WORDS), "both": ("both", WORDS), "materials, shuffled": ("materials", SHUFFLED)}


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__)
    commands = parser.add_subparsers(required=True)
    run = commands.add_parser("run", help="compute what is missing")
    run.add_argument("folder", type=Path)
    run.add_argument("--scenes", nargs="+", default=list(SCENES))
    run.add_argument("--methods", nargs="+", default=list(METHODS))
    run.add_argument("--shots", nargs="+", type=int, default=[1, 2, 5])
    run.add_argument("--seeds", type=int, default=10, help="draws 0 … N−1")
    run.add_argument("--data")
    run.set_defaults(command=_run)
    report = commands.add_parser("report", help="tables of what is there")
    report.add_argument("folder", type=Path)
    report.add_argument("--to", type=Path, default=Path(__file__).with_name("prompt_ab.md"))
    report.set_defaults(command=_report)
    args = parser.parse_args(argv)
    return exit_code(lambda: int(args.command(args)), STOPPED)


def _variants(methods: Iterable[str]) -> list[Variant]:
    out = []
    for name in methods:
        method = get_method(name)
        for kind in ANCHORS:
            params = make_params(method.Params, {**method.quick_pace, "anchors": kind}).model_dump(mode="json")
            out.append(Variant(f"{name} {kind}", name, params))
    return out


def _wanted(cell: Cell) -> bool:
    """Shuffled words are run with materials alone."""
    return cell.prompts == WORDS or cell.variant.params["anchors"] == "materials"


def _run(args: argparse.Namespace) -> int:
    scenes: dict[str, SweepScene] = {name: open_for_sweep(name, args.data) for name in args.scenes}
    seeds = list(range(args.seeds))
    cells = plan(scenes, _variants(args.methods), [WORDS, SHUFFLED], args.shots, seeds, PROTOCOLS)
    todo = missing(sorted(filter(_wanted, cells), key=lambda cell: cell.seed), args.folder)
    began, ctx = time.monotonic(), Context(cache_dir=args.folder / "cache")
    print(f"{len(todo)} cells to do; {machine()}", file=sys.stderr)
    for number, cell in enumerate(todo, 1):
        try:
            found = run_cell(scenes[cell.scene], cell, ctx)
        except StudioError as error:
            print(f"{cell.scene} {cell.variant.label} {cell.shots} {cell.seed}: {error}", file=sys.stderr)
            continue
        write_cell(cell.file(args.folder), found | {"machine": machine()})
        passed = time.monotonic() - began
        left = duration(passed / number * (len(todo) - number))
        said = f"{cell.scene} {cell.variant.label} {cell.prompts} k{cell.shots} s{cell.seed}"
        print(f"[{number}/{len(todo)}] {said}: {duration(passed)}, {left} left", file=sys.stderr, flush=True)
    return 0


def _report(args: argparse.Namespace) -> int:
    cells = [found for file in sorted(args.folder.glob("cells/*/*/*.json")) if (found := read_cell(file))]
    if not cells:
        print(f"There are no cells in {args.folder}: run the benchmark first.", file=sys.stderr)
        return 2
    above = args.to.read_text(encoding="utf-8").partition(HEADING)[0].rstrip() if args.to.is_file() else ""
    args.to.write_text(f"{above}\n\n{tables(cells)}".lstrip(), encoding="utf-8")
    print(args.to)
    return 0


def tables(cells: list[dict[str, Any]]) -> str:
    """Markdown: OA of the sentences, and what the other anchors change, paired over draws."""
    oa: dict[tuple[Any, ...], dict[int, float]] = {}  # (scene, method, shots, anchors, prompts, protocol) → seed → OA
    for one in cells:
        for protocol, scored in one["results"].items():
            if scored.get("oa") is not None:
                key = (
                    one["title"].partition(":")[0],
                    one["method"],
                    one["shots"],
                    one["params"]["anchors"],
                    one["prompts"],
                    protocol,
                )
                oa.setdefault(key, {})[one["seed"]] = scored["oa"]
    parts = [HEADING, "", *_about(cells)]
    for protocol in PROTOCOLS:
        rows = sorted({key[:3] for key in oa if key[5] == protocol})
        if rows:
            lines, sides = _table(oa, rows, protocol)
            parts += ["", f"## Test pixels: {protocol}", "", _summed(sides), "", *lines]
    return "\n".join([*parts, ""])


def _about(cells: list[dict[str, Any]]) -> list[str]:
    codes, cores = sorted({one["code"] for one in cells}), sorted({one["machine"] for one in cells})
    loads = [
        float(text.split("load average ")[1].split(",")[0]) for text in cores if "load average unknown" not in text
    ]
    load = f", load average {min(loads):.1f} to {max(loads):.1f}" if loads else ""
    return [
        "Percent points of OA, a mean over paired draws (the same labels, trained anew) with its 95 % interval; text: "
        "OA ± standard deviation. Bold: the interval does not hold 0. Fewer than three draws are left out. Trainings "
        "at Compare's quick pace, words p1. *Materials − shuffled*: the spectra of the class's own materials against "
        "those of another class's, what their meaning is worth. Made by `benchmarks.prompt_anchors`, "
        f"{len(cells)} trainings, one thread, program {', '.join(codes)}{load}.",
    ]


PAIRS = (("materials", "text"), ("both", "text"), ("materials", "materials, shuffled"))


def _summed(sides: list[tuple[int, ...]]) -> str:
    """How many intervals leave out 0, and on which side."""
    counts = [(sum(own[k] > 0 for own in sides), sum(own[k] < 0 for own in sides)) for k in range(len(PAIRS))]
    said = [f"{a} − {b}: {up} above 0, {down} below" for (a, b), (up, down) in zip(PAIRS, counts, strict=True)]
    return (
        f"Intervals that leave out 0, of {len(sides)} each: {'; '.join(said)}. Where nothing differs one in twenty "
        "does so by chance."
    )


def _table(
    oa: dict[tuple[Any, ...], dict[int, float]], rows: list[tuple[Any, ...]], protocol: str
) -> tuple[list[str], list[tuple[int, ...]]]:
    """The table, and for each row the sign of each pair's interval, 0 where it holds 0."""
    sides: list[tuple[int, ...]] = []
    out = ["| Scene | Method | Labels | Draws | Text | Materials − text | Both − text | Materials − shuffled |"]
    out.append("|---|---|---|---|---|---|---|---|")
    for scene, method, shots in rows:
        have = {name: oa.get((scene, method, shots, *arm, protocol), {}) for name, arm in ARMS.items()}
        text = oa.get((scene, method, shots, "text", WORDS, protocol), {})
        seeds = sorted(set(text).intersection(*have.values()))
        if len(seeds) < LEAST_INTERVAL:
            continue
        values = {name: np.array([own[s] for s in seeds]) for name, own in {"text": text, **have}.items()}
        differences = [values[a] - values[b] for a, b in PAIRS]
        sides.append(tuple(map(_side, differences)))
        cells = [f"{values['text'].mean():.1f} ± {values['text'].std(ddof=1):.1f}", *map(_difference, differences)]
        title = get_method(method).title
        out.append(f"| {scene} | {title} | {shots} | {len(seeds)} | {' | '.join(cells)} |")
    return out, sides


def _side(d: np.ndarray[Any, Any]) -> int:
    low, high = interval(d.astype(np.float64))
    return 0 if low is None or high is None else int(low > 0) - int(high < 0)


def _difference(d: np.ndarray[Any, Any]) -> str:
    low, high = interval(d.astype(np.float64))
    assert low is not None
    assert high is not None
    text = f"{_signed(d.mean())} \\[{_signed(low)}, {_signed(high)}\\]"
    return f"**{text}**" if _side(d) else text


def _signed(value: float) -> str:
    rounded = round(float(value), 1)
    return f"{'−' if rounded < 0 else '+' if rounded > 0 else ''}{abs(rounded):.1f}"


if __name__ == "__main__":
    sys.exit(main())
