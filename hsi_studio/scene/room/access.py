"""The door: the reader of a file, in the room unless somebody chose to trust.

    reader = find_reader(path)              as `registry.find_reader`: the same parts, the same errors
    with direct(): open_scene(path)         files of our own: those whose sha256 the catalogue has, scenes made here

The choice is `settings.TRUST_LOCAL` (`--trust-local`): for one's own machine and one's own files, and for tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from hsi_studio import settings
from hsi_studio.scene.formats import registry
from hsi_studio.scene.raster import Candidate, Raster, Reader
from hsi_studio.scene.room import asks

_direct: ContextVar[bool] = ContextVar("_direct", default=False)


@contextmanager
def direct() -> Iterator[None]:
    """Files opened in the block are read in this process."""
    token = _direct.set(True)
    try:
        yield
    finally:
        _direct.reset(token)


def trusted() -> bool:
    return _direct.get() or settings.TRUST_LOCAL.text() not in ("", "0")


def find_reader(path: str | Path) -> Reader:
    """The reader that recognises the file; what it opens comes out of its room. Raises as `registry.find_reader`."""
    reader = registry.find_reader(path)
    return reader if trusted() else InRoom(reader)


def list_variables(path: str | Path) -> list[Candidate]:
    """(name, shape, dtype) of the arrays in a file; one unnamed entry for single-raster formats."""
    return find_reader(path).variables(Path(path))


class InRoom:
    """A reader whose work is done in the room. Everything else is the reader's own."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    def open(self, path: Path, *given: Any, **options: Any) -> Raster:
        return _raster(asks.cube, path, *given, **options)

    def layer(self, path: Path, *given: Any, **options: Any) -> Raster:
        return _raster(asks.layer, path, *given, **options)

    def variables(self, path: Path, *given: Any, **options: Any) -> list[Candidate]:
        from hsi_studio.scene.room.opening import run

        found: list[Candidate] = run(asks.variables, path, *given, **options)
        return found


def _raster(function: Any, path: Path, *given: Any, **options: Any) -> Raster:
    from hsi_studio.scene.room.opening import run

    found: Raster = run(function, path, *given, **options)
    return found
