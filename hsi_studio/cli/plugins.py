"""What there is to choose from, and which plug-ins were left out.

python -m hsi_studio methods
python -m hsi_studio formats
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from hsi_studio.registry import Registry


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
    from hsi_studio.methods import methods

    _list(methods())
    return 0


def _formats(_: argparse.Namespace) -> int:
    from hsi_studio.scene.formats.registry import readers

    _list(readers())
    return 0


def _list(registry: Registry) -> None:
    for name, entry in registry.entries.items():
        source = registry.sources.get(name)
        print(f"{name:16} {entry.title}" + (f"  [{source.words}]" if source is not None else ""))
    tell_problems()
