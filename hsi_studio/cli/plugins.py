"""What there is to choose from, and which plug-ins were left out.

python -m hsi_studio methods
python -m hsi_studio formats
"""

from __future__ import annotations

import argparse
import sys
from typing import Any


def add_commands(commands: Any) -> None:
    """`methods` and `formats`."""
    for name, help_text, run in (
        ("methods", "list the methods, built in and from plug-ins", _methods),
        ("formats", "list the file formats, built in and from plug-ins", _formats),
    ):
        commands.add_parser(name, help=help_text).set_defaults(run=run)


def tell_problems() -> None:
    """What was left out, on standard error."""
    from hsi_studio.studio.plugins import problems

    for sentence in problems():
        print(f"problem: {sentence}", file=sys.stderr)


def _methods(_: argparse.Namespace) -> int:
    from hsi_studio.studio.plugins import listed_methods

    return _list(listed_methods())


def _formats(_: argparse.Namespace) -> int:
    from hsi_studio.studio.plugins import listed_formats

    return _list(listed_formats())


def _list(found: list[tuple[str, str, str]]) -> int:
    for name, title, source in found:
        print(f"{name:16} {title}" + (f"  [{source}]" if source else ""))
    tell_problems()
    return 0
