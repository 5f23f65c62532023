"""Few-shot tables: scenes × methods × prompts × shots × seeds × protocols as one sweep that can be stopped and resumed.

    python -m benchmarks.few_shot run out --scenes indian_pines demo --methods diffclip diffclip:clip@CLIP live svm \\
        --shots 2 5 20 --seeds 10 --protocols random buffered --prompts p5 permuted --jobs 2 --threads 1
    python -m benchmarks.few_shot run out … --dry-run        what is there, what is missing
    python -m benchmarks.few_shot tables out --baseline live
    python -m benchmarks.few_shot pack out                   out/cells → benchmarks/results/few_shot.*
    python -m benchmarks.few_shot unpack out                 and back, so that `run out` goes on from them
    python -m benchmarks.few_shot tables benchmarks/results/few_shot.csv --baseline live

A method is METHOD[:PRESET][,NAME=VALUE…][@LABEL]; presets are the method's own, such as diffclip:paper, curated:paper,
"diffclip:no text". Prompts: names, p1 … p5, permuted[:STYLE]; methods that read no text run once. Protocols: random,
buffered[:PIXELS], mask:NAME (a split that comes with a scene; scenes without it skip it), split:FILE, official:A,B.
"buffered" without pixels is as wide as half of the largest window of the methods that are run, 5 at least: a test pixel
whose window holds a shot is not apart from it, and all lines of a table are tested on the same pixels.
One JSON a cell lies in out/cells, the working store of a sweep, which is nobody else's: git holds the packed files
(`benchmarks/packed.py`). Features and pre-trained encoders lie in out/cache, which may be deleted. Tables go to
out/tables.md, .csv, .tex and, the Markdown, to standard output. Exit code 1 when cells failed, 130 when stopped.

`unpack` gives back the cells that this very code would make (same hash), and says how many are of other code; with
--any-code it takes those too. `run` and the tables then say that figures of several versions stand side by side.
"""

from __future__ import annotations

import argparse
import functools
import json
import logging
import os
import signal
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.common import STOPPED, exit_code, make_parser, printed_progress, use_threads

if TYPE_CHECKING:
    from hsi_studio.engine.sweep.cells import Variant

PUBLISHED = Path(__file__).with_name("paper_numbers.json")
PACKED = Path(__file__).parent / "results" / "few_shot.csv"


def main(argv: list[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    return exit_code(lambda: int(args.command(args)), STOPPED)


def _parser() -> argparse.ArgumentParser:
    parser = make_parser(__doc__)
    commands = parser.add_subparsers(required=True)
    run = commands.add_parser("run", help="compute what is missing")
    run.add_argument("folder", type=Path)
    run.add_argument("--scenes", nargs="+", required=True)
    run.add_argument("--methods", nargs="+", required=True)
    run.add_argument("--prompts", nargs="+", default=["p5"])
    run.add_argument("--shots", nargs="+", type=int, default=[5, 20])
    run.add_argument("--seeds", type=int, default=10, help="draws 0 … N−1")
    run.add_argument("--protocols", nargs="+", default=["random", "buffered"])
    run.add_argument("--jobs", type=int, default=1, help="worker processes")
    run.add_argument("--threads", type=int, help="threads a worker uses (default: cores / jobs)")
    run.add_argument("--device", default="cpu", help="cpu or cuda")
    run.add_argument("--data", help="folder of public data (default: $HSI_STUDIO_TEST_DATA)")
    run.add_argument("--cache", type=Path, help="features and pre-trained encoders (default: FOLDER/cache)")
    run.add_argument("--minutes", type=float, help="stop after so long; a rerun goes on")
    run.add_argument("--dry-run", action="store_true")
    run.set_defaults(command=_run)
    packs = commands.add_parser("pack", help="the folder's cells as three files for git")
    packs.add_argument("folder", type=Path)
    packs.add_argument("--to", type=Path, default=PACKED, metavar="CSV", help="default: %(default)s")
    packs.add_argument("--replace", action="store_true", help="even where stored results are not in the folder")
    packs.set_defaults(command=_pack)
    unpacks = commands.add_parser("unpack", help="packed cells into a folder, for `run` to go on from")
    unpacks.add_argument("folder", type=Path)
    unpacks.add_argument("--packed", type=Path, default=PACKED, metavar="CSV", help="default: %(default)s")
    unpacks.add_argument("--any-code", action="store_true", help="cells of other versions of the program too")
    unpacks.set_defaults(command=_unpack)
    tables = commands.add_parser("tables", help="tables from a folder or a packed sweep")
    tables.add_argument("source", type=Path, metavar="FOLDER|CSV", help="a CSV's tables go to standard output only")
    tables.add_argument("--baseline", nargs="+", default=[], help="methods to take paired differences from")
    tables.add_argument("--published", type=Path, default=PUBLISHED)
    tables.set_defaults(command=_tables)
    return parser


def _run(args: argparse.Namespace) -> int:
    from benchmarks.scenes import open_for_sweep
    from hsi_studio.engine.sweep.cells import code_hash, missing, parse_variant, plan, read_cell
    from hsi_studio.engine.sweep.workers import run_in_workers

    threads = args.threads or max(1, (os.cpu_count() or 1) // args.jobs)
    use_threads(threads)  # read when the workers import numpy, scikit-learn and torch
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a time limit from outside stops it like Ctrl-C
    opener = functools.partial(open_for_sweep, data=args.data)
    scenes = {spec: opener(spec) for spec in args.scenes}
    variants = [parse_variant(m) for m in args.methods]
    cells = plan(scenes, variants, args.prompts, args.shots, list(range(args.seeds)), wide(args.protocols, variants))
    todo = missing(cells, args.folder)
    print(f"{len(cells)} cells, {len(cells) - len(todo)} are there, {len(todo)} to do", file=sys.stderr)
    todo_files = {cell.file(args.folder) for cell in todo}
    there = (read_cell(file) for cell in cells if (file := cell.file(args.folder)) not in todo_files)
    _say_other_code(Counter(cell["code"] for cell in there if cell and cell["code"] != code_hash()), "kept as they are")
    if args.dry_run or not todo:
        return 0
    scenes.clear()
    outcome = run_in_workers(
        todo,
        args.folder,
        opener,
        jobs=args.jobs,
        device=args.device,
        cache_dir=args.cache or args.folder / "cache",
        seconds=None if args.minutes is None else 60 * args.minutes,
        progress=printed_progress(),
    )
    for cell, problem in outcome.failed.items():
        print(f"failed: {cell}: {problem}", file=sys.stderr)
    print(f"{outcome.done} done, {len(outcome.failed)} failed", file=sys.stderr)
    if outcome.stopped:
        print(STOPPED, file=sys.stderr)
        return 130
    return 1 if outcome.failed else 0


def wide(protocols: Sequence[str], variants: Sequence[Variant]) -> list[str]:
    """The protocols, with pixels for a "buffered" that has none where windows reach farther than the usual buffer."""
    from hsi_studio.engine.evaluation.splits import DEFAULT_BUFFER_PX
    from hsi_studio.methods import get_method

    reach = max(get_method(one.method).window_px(one.params) // 2 for one in variants)
    own = f"buffered:{reach}" if reach > DEFAULT_BUFFER_PX else "buffered"
    return [own if protocol == "buffered" else protocol for protocol in protocols]


def _tables(args: argparse.Namespace) -> int:
    from benchmarks.packed import load
    from hsi_studio.engine.sweep.tables import latex, load_cells, long_csv, markdown, tables

    packed = args.source.suffix == ".csv"
    cells = load(args.source) if packed else load_cells(args.source)
    found = tables(cells, json.loads(args.published.read_text(encoding="utf-8")), args.baseline)
    text = markdown(found)
    if not packed:
        (args.source / "tables.md").write_text(text, encoding="utf-8")
        (args.source / "tables.csv").write_text(long_csv(cells), encoding="utf-8")
        (args.source / "tables.tex").write_text(latex(found), encoding="utf-8")
    print(text)
    return 0


def _pack(args: argparse.Namespace) -> int:
    from benchmarks.packed import load, names, pack, place_of
    from hsi_studio.engine.sweep.tables import load_cells
    from hsi_studio.errors import BadRequest

    cells = load_cells(args.folder)
    if args.to.is_file() and not args.replace:
        here = {place_of(cell, Path()) for cell in cells}
        lost = sum(place_of(cell, Path()) not in here for cell in load(args.to))
        if lost:
            raise BadRequest(
                f"{args.to} holds {lost:,} cells that are not in {args.folder} and would be lost. Bring them with "
                "`unpack FOLDER --any-code`, or leave them out with --replace."
            )
    pack(cells, args.to)
    print(f"{len(cells)} cells: " + ", ".join(f"{f} ({f.stat().st_size / 1e6:.2f} MB)" for f in names(args.to)))
    return 0


def _unpack(args: argparse.Namespace) -> int:
    from benchmarks.packed import load, unpack
    from hsi_studio.engine.sweep.cells import code_hash

    done = unpack(load(args.packed), args.folder, None if args.any_code else code_hash())
    print(f"{done.written} cells written to {args.folder}, {done.kept} were there", file=sys.stderr)
    _say_other_code(done.other_code, "left out; --any-code takes them")
    return 0


def _say_other_code(found: Mapping[str, int], done: str) -> None:
    if found:
        versions = ", ".join(f"{count} of {code}" for code, count in sorted(found.items()))
        total = sum(found.values())
        print(f"{total} cells were made by other versions of the program ({versions}): {done}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
