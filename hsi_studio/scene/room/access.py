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
from typing import Any, cast

from hsi_studio import settings
from hsi_studio.scene.formats import registry
from hsi_studio.scene.raster import Candidate, Raster, Reader, file_size
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
    return _direct.get() or settings.TRUST_LOCAL.yes()


def find_reader(path: str | Path, **options: Any) -> Reader:
    """The reader that recognises the file; `options` as of `registry.find_reader`.

    In the room the file is recognised there, too, when it is opened: to tell one product of HDF5 from another, it has
    to be looked into. Raises FileProblem (no such file, empty); what else the registry raises comes when it is opened.
    """
    path = Path(path)
    if trusted():
        return registry.find_reader(path, **options)
    file_size(path)
    return cast(Reader, InRoom(path, options))


def list_variables(path: str | Path) -> list[Candidate]:
    """(name, shape, dtype) of the arrays in a file; one unnamed entry for single-raster formats."""
    return find_reader(path).variables(Path(path))


class InRoom:
    """The reader of a file, whose work is done in the room."""

    def __init__(self, path: Path, options: dict[str, Any]) -> None:
        self._path, self._options = path, options
        self._parts: dict[str, tuple[bool, Any]] = {}

    def __getattr__(self, name: str) -> Any:
        """`name`, `title` and whatever else it has; asked when it is needed."""
        if name.startswith("_"):
            raise AttributeError(name)
        return self._part(name)

    def _part(self, name: str) -> Any:
        """What the reader says of itself. Raises AttributeError."""
        if name not in self._parts:
            self._parts[name] = self._run(asks.part, self._path, name)
        there, value = self._parts[name]
        if not there:
            raise AttributeError(name)
        return value

    def sniff(self, path: Path) -> bool:
        return path == self._path

    def open(self, path: Path, *given: Any, **more: Any) -> Raster:
        found: Raster = self._run(asks.cube, path, *given, **more)
        return found

    def layer(self, path: Path, *given: Any, **more: Any) -> Raster:
        found: Raster = self._run(asks.layer, path, *given, **more)
        return found

    def variables(self, path: Path, *given: Any, **more: Any) -> list[Candidate]:
        found: list[Candidate] = self._run(asks.variables, path, *given, **more)
        return found

    def _run(self, function: Any, path: Path, *given: Any, **more: Any) -> Any:
        from hsi_studio.scene.room.opening import run

        return run(function, path, self._options, *given, **more)
