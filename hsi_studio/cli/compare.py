"""Comparisons from a shell.

    python -m hsi_studio compare indian_pines --arm curated:p1 --arm curated:p5 --out words
    python -m hsi_studio compare SCENE --arm diffclip --arm "diffclip,use_dsm=false@no heights" --pace thorough

An arm is METHOD[:WORDS][,NAME=VALUE…][@NAME]; the first is what the others are compared with. Words are p1 … p5 or
names. The same command goes on where it was stopped. The report lies in the folder as Markdown and HTML.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hsi_studio.types import Progress, Scene

Show = Callable[[Progress], None]


def add_commands(
    commands: Any,
    add_scene: Callable[[argparse.ArgumentParser], None],
    opened: Callable[[argparse.Namespace], tuple[Any, Scene]],
    progress: Callable[[], Show],
) -> None:
    """Put the command of this file beside those of `main.py`, which lends its helpers."""
    comparing = commands.add_parser(
        "compare", help="A/B: prompts, methods or switches on the same shots and seeds",
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    add_scene(comparing)
    comparing.add_argument(
        "--arm", action="append", required=True, metavar="ARM", help="METHOD[:WORDS][,NAME=VALUE…][@NAME]; 2 to 6 times"
    )
    comparing.add_argument("--shots", type=int, default=5, help="labelled pixels a class (default 5)")
    comparing.add_argument("--pace", default="quick", choices=("quick", "thorough"))
    comparing.add_argument("--seeds", type=int, help="draws 0 … N−1 (default: the pace's)")
    comparing.add_argument("--out", type=Path, default=Path("comparison"), metavar="FOLDER", help="default: comparison")
    comparing.add_argument("--device", default="cpu", help="cpu (default) or cuda, for methods that can use it")
    comparing.set_defaults(run=lambda args: _compare(args, *opened(args), progress()))


def _compare(args: argparse.Namespace, studio: Any, scene: Scene, show: Show) -> int:
    from hsi_studio.engine.compare.report import write_report
    from hsi_studio.studio.compare_arms import parse_side

    sides = [parse_side(text) for text in args.arm]
    plan = studio.compare.plan_on(scene, sides, args.shots, args.pace, args.seeds)
    made = studio.compare.run(scene, plan, args.out, show, args.device)
    print(f"\n{made.headline}")
    for sentence in made.words:
        if sentence not in made.headline:
            print(f"- {sentence}")
    for file in write_report(made, args.out):
        print(file)
    return 0
