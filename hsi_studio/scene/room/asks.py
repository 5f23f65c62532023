"""What readers are asked in the room. Any function of a module may be (`opening.run`); these are those of scenes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hsi_studio.scene.formats.registry import find_reader
from hsi_studio.scene.raster import Candidate, Raster


def cube(path: Path, options: dict[str, Any], *given: Any, **more: Any) -> Raster:
    """As `Reader.open`; `options` of `find_reader`."""
    return find_reader(path, **options).open(path, *given, **more)


def layer(path: Path, options: dict[str, Any], *given: Any, **more: Any) -> Raster:
    """As `Reader.layer`."""
    return find_reader(path, **options).layer(path, *given, **more)


def variables(path: Path, options: dict[str, Any], *given: Any, **more: Any) -> list[Candidate]:
    """As `Reader.variables`."""
    return find_reader(path, **options).variables(path, *given, **more)


def part(path: Path, options: dict[str, Any], name: str) -> tuple[bool, Any]:
    """(whether the reader has it, its value where that can be told) of an attribute."""
    value = getattr(find_reader(path, **options), name, None)
    return (value is not None, value if isinstance(value, (str, int, float, tuple)) else None)
