"""“5 pixels a class, beat the baseline”, from a shell: a project whose reference is hidden until it is handed in.

python -m hsi_studio lesson start SCENE --shots 5
python -m hsi_studio lesson show PROJECT
python -m hsi_studio lesson hand-in PROJECT [--layer LAYER] [--json OUT]
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from hsi_studio.cli.common import READING, add_json, add_scene, positive, progress, report, studio

if TYPE_CHECKING:
    from hsi_studio.studio.lessons import Lesson, Score


def add_commands(commands: Any) -> None:
    """Put the commands of this file beside the others."""
    lesson = commands.add_parser("lesson", help="few labels a class, the reference hidden until they are handed in")
    does = lesson.add_subparsers(required=True, metavar="WHAT")

    starting = does.add_parser("start", help="a new lesson on a scene with a reference; prints the project's id")
    add_scene(starting)
    starting.add_argument("--shots", type=positive, default=5, help="labels a class (default 5)")
    starting.add_argument("--title", help="of the project")
    starting.set_defaults(run=_start)

    showing = does.add_parser("show", help="labels left, or the score")
    showing.add_argument("project", metavar="PROJECT")
    showing.set_defaults(run=_show)

    ending = does.add_parser("hand-in", help="measure the map beside the baseline's, and show the reference again")
    ending.add_argument("project", metavar="PROJECT")
    ending.add_argument("--layer", default="live", help="live, texts or run:ID (default live)")
    add_json(ending)
    ending.set_defaults(run=_hand_in)


def _start(args: argparse.Namespace) -> int:
    here = studio()
    try:
        said = {name: getattr(args, name) for name in (*READING, "dsm", "reference")} | {"variable": args.var}
        options = {name: value for name, value in said.items() if value is not None}
        print(here.lessons.start_on(args.scene, args.shots, args.title, **options).id)
    finally:
        here.close()
    return 0


def _show(args: argparse.Namespace) -> int:
    here = studio()
    try:
        found = here.lessons.of(args.project)
    finally:
        here.close()
    if found is None:
        print("This project is no lesson.")
    elif found.result is None:
        _print_labels(found)
    else:
        _print_result(found.result)
    return 0


def _hand_in(args: argparse.Namespace) -> int:
    here = studio()
    try:
        result = here.lessons.hand_in(args.project, args.layer, progress())
    finally:
        here.close()
    if not report(args.json, result.model_dump(mode="json")):
        _print_result(result)
    return 0


def _print_labels(found: Lesson) -> None:
    print(f"{found.left} of {found.shots * len(found.given)} labels left")
    for info, count in found.given:
        print(f"  {info.name:32} {count} of {found.shots}")


def _print_result(result: Score) -> None:
    from hsi_studio.studio.lessons import figure_text, verdict

    print(f"{result.title}: OA {figure_text(result.score)}")
    print(f"Baseline: OA {figure_text(result.baseline)}")
    print(verdict(result))
    print(f"Baseline: {result.baseline_words}.")
    print(f"Test pixels: {result.words}.")
