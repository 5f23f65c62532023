"""Do words help? p1 against p5 against the same words shuffled, for every method that reads text, paired over seeds.

    python -m benchmarks.prompt_ab run out --scenes indian_pines demo --methods curated s3fn diffclip --seeds 10
    python -m benchmarks.prompt_ab report out --to benchmarks/prompt_ab.md

`run` computes what is missing and may be stopped at any time; the same command goes on. One comparison a scene and
method (`hsi_studio/engine/compare/results.py`) lies in out/<scene>-<method>, cells in out/compared, features and
pre-trained encoders in out/cache. `report` puts them into one Markdown file. --param NAME=VALUE (repeated) changes
parameters of every method that has them, for a trial run with tiny settings; the report says so.
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from benchmarks.common import STOPPED, exit_code, make_parser, named_values, printed_progress
from benchmarks.prompt_anchors import HEADING

WORDS = ("p1", "p5")
METHODS = ("curated", "s3fn", "diffclip")
SCENES = ("indian_pines", "demo")


def main(argv: list[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    return exit_code(lambda: int(args.command(args)), STOPPED)


def _parser() -> argparse.ArgumentParser:
    parser = make_parser(__doc__)
    commands = parser.add_subparsers(required=True)
    run = commands.add_parser("run", help="compute what is missing")
    run.add_argument("folder", type=Path)
    run.add_argument("--scenes", nargs="+", default=list(SCENES))
    run.add_argument("--methods", nargs="+", default=list(METHODS))
    run.add_argument("--shots", type=int, default=5)
    run.add_argument("--seeds", type=int, default=10, help="draws 0 … N−1")
    run.add_argument("--device", default="cpu", help="cpu or cuda")
    run.add_argument("--param", action="append", default=[], metavar="NAME=VALUE")
    run.set_defaults(command=_run)
    report = commands.add_parser("report", help="one Markdown file of everything in the folder")
    report.add_argument("folder", type=Path)
    report.add_argument("--to", type=Path, default=Path(__file__).with_name("prompt_ab.md"))
    report.set_defaults(command=_report)
    return parser


def _run(args: argparse.Namespace) -> int:
    from benchmarks.scenes import open_for_sweep
    from hsi_studio.engine.compare.paces import plan_for
    from hsi_studio.engine.compare.plan import Arm, sentences_of
    from hsi_studio.engine.compare.runner import run_comparison
    from hsi_studio.methods import get_method
    from hsi_studio.methods.contract import Context

    changed = named_values(args.param)
    for spec in args.scenes:
        scene = open_for_sweep(spec).scene
        names = [name for _, name in scene.reference_classes]
        for method in args.methods:
            fields = get_method(method).Params.model_fields
            params = {key: value for key, value in changed.items() if key in fields}
            arms = [
                Arm(
                    name=words, method=method, words=words, params=params,
                    sentences=sentences_of(names, words, scene.name)[0],
                )
                for words in WORDS
            ]  # fmt: skip
            title = f"{get_method(method).title} on {scene.title}"
            plan = plan_for(arms, args.shots, "thorough", args.seeds, title)
            context = Context(device=args.device, cache_dir=args.folder / "cache", progress=printed_progress(title))
            made = run_comparison(
                plan, args.folder / f"{spec}-{method}", context, scene, store=args.folder / "compared"
            )
            print(f"{title}: {made.headline}", file=sys.stderr)
    return 0


def _report(args: argparse.Namespace) -> int:
    from hsi_studio.engine.compare.report import joined
    from hsi_studio.engine.compare.results import read_comparison

    found = [read_comparison(folder) for folder in sorted(args.folder.iterdir()) if (folder / "plan.json").is_file()]
    made = [comparison for comparison in found if comparison is not None]
    if not made:
        print(f"There are no comparisons in {args.folder}: run the benchmark first.", file=sys.stderr)
        return 2
    before = args.to.read_text(encoding="utf-8") if args.to.is_file() else ""
    kept = before[before.index(HEADING) :] if HEADING in before else ""  # of the other benchmark
    text = joined("Do words help? p1, p5 and shuffled words", made)
    args.to.write_text(f"{text.rstrip()}\n\n{kept}" if kept else text, encoding="utf-8")
    print(args.to)
    return 0


if __name__ == "__main__":
    sys.exit(main())
