"""Comparisons from a shell.

    python -m hsi_studio compare indian_pines --arm curated:p1 --arm curated:p5 --out words
    python -m hsi_studio compare SCENE --arm diffclip --arm "diffclip,use_dsm=false@no DSM" --pace thorough

An arm is METHOD[:WORDS][,NAME=VALUE…][@NAME]; the first is what the others are compared with. Words are p1 … p5 or
names. The same command goes on where it was stopped. The report lies in the folder as Markdown and HTML.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from hsi_studio.cli.common import DEVICE_HELP, add_scene, opened, progress


def add_commands(commands: Any) -> None:
    """Put the command of this file beside the others."""
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
    comparing.add_argument("--device", default="cpu", help=DEVICE_HELP)
    comparing.set_defaults(run=_compare)


def _compare(args: argparse.Namespace) -> int:
    studio, scene = opened(args)
    sides = [studio.compare.side(text) for text in args.arm]
    plan = studio.compare.plan_on(scene, sides, args.shots, args.pace, args.seeds)
    made = studio.compare.run(scene, plan, args.out, progress(), args.device)
    print(f"\n{made.headline}")
    for sentence in made.sentences:
        if sentence not in made.headline:
            print(f"- {sentence}")
    for file in studio.compare.report_on(made, args.out):
        print(file)
    return 0
