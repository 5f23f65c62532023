"""Backups from a shell; the app may run meanwhile.

python -m hsi_studio backup [PROJECT …] --to FILE.zip [--no-models] [--no-uploads]
python -m hsi_studio restore FILE.zip
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hsi_studio.humanize import counted, size_text

if TYPE_CHECKING:
    from hsi_studio.studio.facade import Studio


def add_commands(commands: Any) -> None:
    """Put the commands of this file beside the others."""
    making = commands.add_parser("backup", help="copy projects into one file, which is read again")
    making.add_argument("projects", nargs="*", metavar="PROJECT", help="ids; without any: all projects")
    making.add_argument("--to", required=True, metavar="FILE", type=Path, help="a new .zip")
    making.add_argument("--no-models", action="store_true", help="leave models and checkpoints out")
    making.add_argument("--no-uploads", action="store_true", help="leave uploaded scenes out")
    restoring = commands.add_parser("restore", help="make the projects of a backup again; nothing is overwritten")
    restoring.add_argument("file", metavar="FILE", type=Path)
    for one, run in ((making, _backup), (restoring, _restore)):
        one.add_argument("--home", type=Path, metavar="FOLDER", help="of the projects (default: ~/.hsi_studio)")
        one.set_defaults(run=run)


def _studio(args: argparse.Namespace) -> Studio:
    from hsi_studio.studio.facade import Studio

    return Studio(home=args.home)


def _backup(args: argparse.Namespace) -> int:
    made = _studio(args).backup(
        args.projects or None, args.to, models=not args.no_models, uploads=not args.no_uploads
    )  # fmt: skip
    for note in made.notes:
        print(note, file=sys.stderr)
    print(f"{made.file}: {counted(len(made.projects), 'project')}, {made.files} files, {size_text(made.size)}")
    return 0


def _restore(args: argparse.Namespace) -> int:
    for one in _studio(args).restore(args.file):
        place = one.id or f"{one.was} (left as it is)"
        print(f"{place}: {one.title}, {counted(one.actions, 'action')}")
        for note in one.notes:
            print(f"  {note}", file=sys.stderr)
    return 0
