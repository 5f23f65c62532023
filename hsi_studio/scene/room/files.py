"""Which files belong to an opening: the one that was named, and those beside it that a reader may look at.

Formats come in several files: ENVI's header, GDAL's sidecars, a product's metadata, a header of another name whose size
fits. Reachable are, in the same folder and not hidden: files of the same name but for its ending, others of the kinds
that such parts have, and the flags of a product whose files differ in their names (EMIT's RFL and MASK). Links that
lead out of the folder are not: what they stand for was not given.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from hsi_studio.errors import FileProblem

MOST_FILES = 256
KINDS = frozenset(
    {".hdr", ".xml", ".img", ".dat", ".raw", ".bsq", ".bil", ".bip", ".cube", ".cub", ".bin", ".sli", ".tif", ".tiff"}
    | {".msk", ".ovr", ".rrd", ".ige", ".tfw", ".prj"}
)


@dataclass(frozen=True)
class Files:
    """`own`: the file and those of its name, the file first. `beside`: others it may look at."""

    own: tuple[Path, ...]
    beside: tuple[Path, ...]

    @property
    def all(self) -> tuple[Path, ...]:
        return self.own + self.beside

    @property
    def n_bytes(self) -> int:
        return sum(path.stat().st_size for path in self.all)

    def beside_state(self) -> list[tuple[str, int, int]]:
        """What changes when one beside comes, goes or is written to."""
        return [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in self.beside]

    def state(self) -> tuple[tuple[int, int, int], ...]:
        """What changes when one of its own is written to or replaced."""
        found = [path.stat() for path in self.own]
        return tuple((one.st_ino, one.st_size, one.st_mtime_ns) for one in found)


def files_of(path: Path) -> Files:
    """Raises FileProblem for a link out of the folder that bears the file's name."""
    path = Path(os.path.abspath(path))
    stem = path.name.partition(".")[0].lower()
    flags = path.name.upper().replace("_RFL_", "_MASK_")
    own: list[Path] = [path]
    beside: list[Path] = []
    for one in _siblings(path):
        same = bool(stem) and one.name.lower().partition(".")[0] == stem
        part = same or one.suffix.lower() in KINDS or one.name.upper() == flags
        if one.name.startswith(".") or not part or not one.is_file():
            continue
        if not _is_here(one):
            if same and one.suffix.lower() in KINDS:
                raise FileProblem(
                    one, f"it lies beside {path.name} and is a link to another folder", "Put the file itself there"
                )
            continue
        (own if same else beside).append(one)
    return Files(tuple(own[:MOST_FILES]), tuple(beside[: MOST_FILES - len(own[:MOST_FILES])]))


def _siblings(path: Path) -> list[Path]:
    try:
        return sorted(one for one in path.parent.iterdir() if one.name != path.name)
    except OSError:
        return []


def _is_here(path: Path) -> bool:
    """A regular file of its folder, also by a link within it."""
    return path.is_file() and path.resolve().parent == path.parent.resolve()
