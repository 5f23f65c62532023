"""Which reader opens a file: every format of this folder is asked `sniff(path)`."""

from __future__ import annotations

import functools
from pathlib import Path

from hsi_studio.errors import CorruptFile, UnknownFormat
from hsi_studio.registry import Registry, scan
from hsi_studio.scene import formats
from hsi_studio.scene.raster import Candidate, Reader, file_size, first_bytes


@functools.cache
def readers() -> Registry:
    """Every file format by name."""
    return scan(formats, "READER")


def find_reader(path: str | Path) -> Reader:
    """The reader that recognises the file. Raises FileProblem, CorruptFile (empty), UnknownFormat."""
    path = Path(path)
    file_size(path)
    for reader in readers().entries.values():
        if reader.sniff(path):
            found: Reader = reader
            return found
    titles = ", ".join(reader.title for reader in readers().entries.values())
    claimed = [r for r in readers().entries.values() if path.suffix.lower() in r.extensions]
    if claimed:
        head = first_bytes(path, 256)
        text = " (it looks like a text file)" if head and all(b in b"\t\n\r" or b >= 32 for b in head) else ""
        raise CorruptFile(
            path,
            f"it is named like {claimed[0].title} but its content is not{text}",
            "Export it again from the program it comes from, or give it its right extension",
        )
    raise UnknownFormat(path, "no reader recognises this file", f"Convert it to one of: {titles}")


def list_variables(path: str | Path) -> list[Candidate]:
    """(name, shape, dtype) of the arrays in a file; one unnamed entry for single-raster formats."""
    return find_reader(path).variables(Path(path))
