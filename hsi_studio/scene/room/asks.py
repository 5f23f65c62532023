"""What readers are asked in the room. Any function of a module may be (`opening.run`); these are those of scenes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hsi_studio.scene.formats.registry import find_reader
from hsi_studio.scene.raster import Candidate, Raster


def cube(path: Path, *given: Any, **options: Any) -> Raster:
    """As `Reader.open`."""
    return find_reader(path).open(path, *given, **options)


def layer(path: Path, *given: Any, **options: Any) -> Raster:
    """As `Reader.layer`."""
    return find_reader(path).layer(path, *given, **options)


def variables(path: Path, *given: Any, **options: Any) -> list[Candidate]:
    """As `Reader.variables`."""
    return find_reader(path).variables(path, *given, **options)
