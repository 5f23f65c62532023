"""Where the numbers of a plain TIFF stand in the file: uncompressed, in strips that follow each other, nothing beside.

Such a file can be mapped as an ENVI image is. Everything else (tiles, compression, several images or masks in one file,
colours by palette, mixed types) is for GDAL. Source: TIFF 6.0 (Adobe, 1992), sections 2, 8, 15, 18; BigTIFF (Aware
Systems, 2007).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

TYPES = {1: "B", 3: "H", 4: "I", 16: "Q"}
MOST_STRIPS = 1 << 20
KINDS = {1: "u", 2: "i", 3: "f"}
WIDTH, LENGTH, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
OFFSETS, SAMPLES, ROWS, SIZES, PLANAR = 273, 277, 278, 279, 284
PREDICTOR, COLORS, TILE, SUBIMAGES, EXTRA, FORMAT, FILL_ORDER, SUBFILE = 317, 320, 322, 330, 338, 339, 266, 254


@dataclass(frozen=True)
class Layout:
    """One array of the file: `shape` as stored, `axes` of it that are rows, columns, bands."""

    dtype: str  # with byte order
    shape: tuple[int, int, int]
    axes: tuple[int, int, int]
    offset: int


def plain(path: Path) -> Layout | None:
    """None where the file is not plain, also where it is damaged: GDAL says why."""
    try:
        with path.open("rb") as stream:
            tags, order, last = _directory(stream)
            return _layout(tags, order, path.stat().st_size) if last else None
    except (OSError, struct.error, KeyError, ValueError, IndexError):
        return None


def _directory(stream: BinaryIO) -> tuple[dict[int, tuple[int, ...]], str, bool]:
    """(tags of the first image, byte order, whether it is the only one)."""
    head = stream.read(16)
    order = {b"II": "<", b"MM": ">"}[head[:2]]
    big = struct.unpack_from(order + "H", head, 2)[0] == 43
    count_form, entry_form, next_form = ("Q", "HHQ8s", "Q") if big else ("H", "HHI4s", "I")
    at = struct.unpack_from(order + next_form, head, 8 if big else 4)[0]
    stream.seek(at)
    count = struct.unpack(order + count_form, stream.read(struct.calcsize(count_form)))[0]
    if not 0 < count <= 4096:
        raise ValueError(count)
    size = struct.calcsize("<" + entry_form)
    entries = stream.read(count * size)
    following = struct.unpack(order + next_form, stream.read(struct.calcsize(next_form)))[0]
    tags: dict[int, tuple[int, ...]] = {}
    for k in range(count):
        tag, kind, n, value = struct.unpack_from(order + entry_form, entries, k * size)
        if kind not in TYPES or n > MOST_STRIPS:
            continue
        form = f"{order}{n}{TYPES[kind]}"
        if struct.calcsize(form) <= len(value):
            tags[tag] = struct.unpack_from(form, value)
        else:
            stream.seek(struct.unpack(order + next_form, value)[0])
            tags[tag] = struct.unpack(form, stream.read(struct.calcsize(form)))
    return tags, order, following == 0


def _layout(tags: dict[int, tuple[int, ...]], order: str, size: int) -> Layout | None:
    width, height = tags[WIDTH][0], tags[LENGTH][0]
    bands = tags.get(SAMPLES, (1,))[0]
    bits, form = set(tags[BITS]), set(tags.get(FORMAT, (1,)))
    if tags.get(COMPRESSION, (1,)) != (1,) or set(tags) & {COLORS, TILE, SUBIMAGES} or tags.get(SUBFILE, (0,)) != (0,):
        return None
    if tags.get(PREDICTOR, (1,))[0] != 1 or tags.get(FILL_ORDER, (1,))[0] != 1 or any(tags.get(EXTRA, (0,))):
        return None
    if len(bits) != 1 or len(form) != 1 or not bits <= {8, 16, 32, 64} or not form <= set(KINDS):
        return None
    (n_bits,), (kind,) = bits, form
    if (KINDS[kind] == "f" and n_bits < 32) or tags[PHOTOMETRIC][0] not in (0, 1, 2):
        return None
    dtype = np.dtype(f"{order}{KINDS[kind]}{n_bits // 8}")
    offsets, sizes = tags[OFFSETS], tags[SIZES]
    planar = tags.get(PLANAR, (1,))[0] == 2 and bands > 1
    ends = [at + n for at, n in zip(offsets, sizes, strict=True)]
    if any(end != start for end, start in zip(ends[:-1], offsets[1:], strict=True)):
        return None  # a strip is missing or stands elsewhere
    total = width * height * bands * dtype.itemsize
    if ends[-1] - offsets[0] != total or offsets[0] == 0 or offsets[0] + total > size:
        return None
    if tags[PHOTOMETRIC][0] == 0:  # white is zero
        return None
    shape, axes = ((bands, height, width), (1, 2, 0)) if planar else ((height, width, bands), (0, 1, 2))
    return Layout(dtype.str, shape, axes, offsets[0])
