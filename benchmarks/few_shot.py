"""Few-shot tables: scenes × methods × prompts × shots × seeds × protocols as one sweep that can be stopped and resumed.

    python -m benchmarks.few_shot run out --scenes indian_pines demo --methods diffclip diffclip:clip@CLIP live svm \\
        --shots 2 5 20 --seeds 10 --protocols random buffered --prompts p5 permuted --jobs 2 --threads 1
    python -m benchmarks.few_shot tables out --baseline live
    python -m benchmarks.few_shot run out … --dry-run        what is there, what is missing

A method is METHOD[:PRESET][,NAME=VALUE…][@LABEL]; presets are the method's own, such as diffclip:paper, curated:paper,
"diffclip:no text". Prompts: names, p1 … p5, permuted[:STYLE]; methods that read no text run once. Protocols: random,
buffered[:PIXELS], mask:NAME (a split that comes with a scene; scenes without it skip it), split:FILE, official:A,B.
One JSON a cell lies in out/cells; features and pre-trained encoders in out/cache, which may be deleted. Tables go to
out/tables.md, .csv, .tex and, the Markdown, to standard output. Exit code 1 when cells failed, 130 when stopped.
"""

from __future__ import annotations

import argparse
import functools
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from hsi_studio.errors import StudioError
from hsi_studio.humanize import duration
from hsi_studio.types import Progress

PUBLISHED = Path(__file__).with_name("paper_numbers.json")
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def main(argv: list[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        code: int = args.command(args)
        return code
    except StudioError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
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
    tables = commands.add_parser("tables", help="tables from the folder")
    tables.add_argument("folder", type=Path)
    tables.add_argument("--baseline", nargs="+", default=[], help="methods to take paired differences from")
    tables.add_argument("--published", type=Path, default=PUBLISHED)
    tables.set_defaults(command=_tables)
    return parser


def _run(args: argparse.Namespace) -> int:
    from benchmarks.scenes import open_for_sweep
    from hsi_studio.engine.sweep.cells import missing, parse_variant, plan
    from hsi_studio.engine.sweep.workers import run_in_workers

    threads = args.threads or max(1, (os.cpu_count() or 1) // args.jobs)
    for name in THREAD_VARIABLES:  # read by numpy, scikit-learn and torch when the workers import them
        os.environ[name] = str(threads)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a time limit from outside stops it like Ctrl-C
    opener = functools.partial(open_for_sweep, data=args.data)
    scenes = {spec: opener(spec) for spec in args.scenes}
    cells = plan(
        scenes,
        [parse_variant(m) for m in args.methods],
        args.prompts,
        args.shots,
        list(range(args.seeds)),
        args.protocols,
    )
    todo = missing(cells, args.folder)
    print(f"{len(cells)} cells, {len(cells) - len(todo)} are there, {len(todo)} to do", file=sys.stderr)
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
        progress=_progress(),
    )
    for cell, problem in outcome.failed.items():
        print(f"failed: {cell}: {problem}", file=sys.stderr)
    print(f"{outcome.done} done, {len(outcome.failed)} failed", file=sys.stderr)
    if outcome.stopped:
        print("stopped; the same command goes on where it ended", file=sys.stderr)
        return 130
    return 1 if outcome.failed else 0


def _tables(args: argparse.Namespace) -> int:
    from hsi_studio.engine.sweep.tables import latex, load_cells, long_csv, markdown, tables

    cells = load_cells(args.folder)
    found = tables(cells, json.loads(args.published.read_text(encoding="utf-8")), args.baseline)
    text = markdown(found)
    (args.folder / "tables.md").write_text(text, encoding="utf-8")
    (args.folder / "tables.csv").write_text(long_csv(cells), encoding="utf-8")
    (args.folder / "tables.tex").write_text(latex(found), encoding="utf-8")
    print(text)
    return 0


def _progress() -> Callable[[Progress], None]:
    started = time.monotonic()

    def show(progress: Progress) -> None:
        left = "" if progress.seconds_left is None else f", {duration(progress.seconds_left)} left"
        passed = duration(time.monotonic() - started)
        print(
            f"[{progress.done:.0f}/{progress.total:.0f}] {passed}{left}: {progress.message}",
            file=sys.stderr,
            flush=True,
        )

    return show


if __name__ == "__main__":
    sys.exit(main())
