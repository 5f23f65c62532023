"""Which data file belongs to a header, which header to a data file, and how long the data may be.

The rule: (1) the same name, with an ending of `ENDINGS` or none, in either case; (2) any other file of that name whose
size is the one the header describes (Auto017.hdr and Auto017.cub), or the only one that is long enough; (3) where the
name fits nothing, the one file of the folder with exactly that size and no header of its own: noted. A file of the
same name that is too short never wins over one that fits.
Bytes left over behind the last pixel are left alone with a note, as GDAL does, unless their number shows that rows,
columns or bands are missing from the header.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from hsi_studio.humanize import counted

ENDINGS = ("", ".img", ".dat", ".raw", ".bsq", ".bil", ".bip", ".cube", ".bin", ".sli")
TIFF_ENDINGS = (".tif", ".tiff")
NOT_DATA = {".hdr", ".txt", ".xml", ".csv", ".json", ".md", ".pdf", ".log", ".enp", ".sta", ".prj", ".png", ".jpg",
            ".jpeg",
            ".wld", ".ini", ".cfg", ".yaml", ".yml", ".html", ".gpx", ".kml", ".dbf", ".shp", ".shx", ".cpg", ".zip",
            ".mat",
            ".h5", ".nc", ".npy", ".npz", ".geojson", ".gpkg"}  # fmt: skip
MOST_LOOKED_AT = 500  # files of a folder


def neighbours(path: Path) -> list[Path]:
    """The other files of the folder, sorted; at most `MOST_LOOKED_AT`."""
    found = []
    try:
        with os.scandir(path.parent) as entries:
            for entry in entries:
                if entry.is_file() and entry.name != path.name:
                    found.append(path.with_name(entry.name))
                if len(found) >= MOST_LOOKED_AT:
                    break
    except OSError:
        return []
    return sorted(found)


def data_of(header: Path, wanted: int | None) -> tuple[Path | None, str | None]:
    """(data file, note) of a header that describes `wanted` bytes (None: not known, or compressed)."""
    base = header.with_suffix("")  # x.img.hdr → x.img, x.hdr → x
    others = [p for p in neighbours(header) if p.suffix.lower() not in NOT_DATA or p.name.lower() == base.name.lower()]
    by_name = {p.name.lower(): p for p in reversed(others)}
    named = [
        by_name[name] for name in ((base.name + end).lower() for end in (*ENDINGS, *TIFF_ENDINGS)) if name in by_name
    ]
    exact = [p for p in named if p.name.startswith(base.name)]  # of the same spelling first
    named = exact + [p for p in named if p not in exact]
    long_enough = [p for p in named if wanted is None or p.suffix.lower() in TIFF_ENDINGS or _size(p) >= wanted]
    same = [
        p for p in others if p.stem.lower() == base.name.lower() or p.name.lower().startswith(base.name.lower() + ".")
    ]
    fitting = [p for p in same if wanted is not None and _size(p) == wanted]
    if long_enough:
        best = long_enough[0]
        if wanted is not None and _size(best) != wanted and len(fitting) == 1:
            best = fitting[0]
        return best, None
    if len(fitting) == 1:
        return fitting[0], None
    unnamed = [p for p in same if p not in named and wanted is not None and _size(p) > wanted]
    if not named and not fitting and len(unnamed) == 1:
        return unnamed[0], None
    if named:
        return named[0], None  # too short: said with both sizes
    if wanted is not None and not fitting:
        alone = [p for p in others if _size(p) == wanted and not _has_header(p)]
        if len(alone) == 1:
            return alone[
                0
            ], f"The header {header.name} describes the size of {alone[0].name}, which is taken as its data."
    return None, None


def header_of(data: Path, describes: Callable[[Path], int | None]) -> Path | None:
    """The header of a data file: x.img.hdr, x.hdr in either case, or the one header of the folder that describes
    exactly
    its size. `describes`: bytes a header describes; None when it is no header of raw numbers, or compressed."""
    ending = data.suffix.lower()
    if ending == ".hdr":
        return None
    around = {p.name.lower(): p for p in neighbours(data) if p.suffix.lower() == ".hdr"}
    for name in (f"{data.name}.hdr", f"{data.stem}.hdr"):
        found = around.get(name.lower())
        if found is None:
            continue
        if name.startswith(data.name + ".") or ending in ENDINGS:
            return found
        wanted = describes(found)
        if ending not in NOT_DATA and ending not in TIFF_ENDINGS and wanted is not None and _size(data) >= wanted:
            return found
    if ending not in ENDINGS[1:]:
        return None
    free = [p for p in around.values() if describes(p) == _size(data) and data_of(p, _size(data))[0] in (None, data)]
    return free[0] if len(free) == 1 else None


def trailing(extra: int, height: int, width: int, count: int, itemsize: int) -> str | None:
    """The note on `extra` bytes behind the last pixel; None when they look like missing rows, columns or bands."""
    plane, line, column = height * width * itemsize, width * count * itemsize, height * count * itemsize
    whole = any(extra % unit == 0 for unit in (plane, line, column))
    if whole or extra > max(65_536, height * width * count * itemsize // 100):
        return None
    return (
        f"The file is {counted(extra, 'byte')} longer than its header describes; they are left alone at the end. If "
        f"they stand in front, write header offset = {extra} into the header."
    )


TEXT_SHARE = 0.95


def is_text(head: bytes) -> bool:
    """Whether bytes in front of the numbers are a header of text: letters, digits, blanks."""
    plain = sum(32 <= byte < 127 or byte in (9, 10, 13) for byte in head)
    return len(head) >= 16 and plain >= TEXT_SHARE * len(head.rstrip(b"\0")) and len(head.rstrip(b"\0")) >= 16


def _has_header(path: Path) -> bool:
    names = {p.name.lower() for p in neighbours(path)}
    return f"{path.name}.hdr".lower() in names or f"{path.stem}.hdr".lower() in names


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1
