"""MATLAB v5 files: a table of contents that trusts nothing, then `scipy.io` for the arrays asked for.

Source: MathWorks, "MAT-File Format" (2023), chapter 1. `scipy.io.whosmat` lists names and shapes but not
how many bytes back them, and `loadmat` allocates what a header claims. So the element tags are read here:
every top-level element says how long it is, a compressed one after inflating its first bytes. An array
needs at least one stored byte a value, and deflate expands at most 1032 times. What is inside an element is looked
through by `matlab5_check` before scipy gets it.
Objects and functions are listed as such and never loaded.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from hsi_studio.errors import CorruptFile
from hsi_studio.humanize import shape_text, size_text
from hsi_studio.scene.formats import limits
from hsi_studio.scene.formats.limits import MOST_DEFLATE
from hsi_studio.scene.formats.matlab5_check import check_element
from hsi_studio.scene.formats.variables import Variable
from hsi_studio.scene.raster import check_memory

HEADER = 128
MATRIX, COMPRESSED = 14, 15
NUMERIC = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}
CELL, STRUCT, CHAR, SPARSE = 1, 2, 4, 5
COMPLEX = 0x0800  # of the array flags
COPY_AGAIN = "Copy or download it again"
LONGEST_TEXT = 1 << 20  # bytes
LARGEST_STRUCT = 1 << 30  # bytes; structs are looked into only by loading them


@dataclass(frozen=True)
class Element:
    """One variable as its tag describes it."""

    name: str
    shape: tuple[int, ...]
    kind: int  # array class, mxDOUBLE_CLASS = 6 …
    n_bytes: int  # uncompressed
    complex: bool = False
    position: int = 0  # of its tag in the file


def is_matlab5(head: bytes) -> bool:
    return len(head) >= HEADER and head[126:128] in (b"IM", b"MI") and head[124:126] in (b"\0\1", b"\1\0")


def byte_order(path: Path) -> str:
    with path.open("rb") as stream:
        return "<" if stream.read(HEADER)[126:128] == b"IM" else ">"


def elements(path: Path) -> list[Element]:
    """The variables of a file. Raises CorruptFile: truncated, damaged, or claims what cannot be there."""
    size = path.stat().st_size
    found = []
    order = byte_order(path)
    with path.open("rb") as stream:
        position, count = HEADER, 0
        while position + 8 <= size:
            count += 1
            limits.check_count(path, count, "variables")
            stream.seek(position)
            kind, length = struct.unpack(order + "II", stream.read(8))
            if position + 8 + length > size:
                raise CorruptFile(
                    path,
                    f"a variable needs {position + 8 + length} bytes and the file ends after {size}",
                    "The file was cut off: " + COPY_AGAIN.lower(),
                )
            try:
                if kind == COMPRESSED:
                    head = zlib.decompressobj().decompress(stream.read(min(length, 1 << 16)), 4096)
                    inner, n_bytes = struct.unpack(order + "II", head[:8])
                    most = length * MOST_DEFLATE + 1024
                    head = head[8:]
                else:
                    inner, n_bytes, most = kind, length, length
                    head = stream.read(min(length, 4096))
                if inner == MATRIX and n_bytes:
                    found.append(replace(_matrix(path, head, order, n_bytes, most), position=position))
            except (struct.error, zlib.error, ValueError) as error:
                raise CorruptFile(path, f"a variable's header is damaged ({error})", COPY_AGAIN) from error
            position += 8 + length
    if not found:
        raise CorruptFile(path, "there are no variables in it", "Save it again from MATLAB, or download it again")
    return found


def _matrix(path: Path, head: bytes, order: str, n_bytes: int, most: int) -> Element:
    """Array flags, dimensions and name from the start of a matrix element."""
    flags = struct.unpack_from(order + "I", head, 8)[0]
    kind = flags & 0xFF
    position = 16
    if kind == 17:  # opaque objects have another layout
        return Element("(object)", (), kind, n_bytes)
    _, dims_bytes = struct.unpack_from(order + "II", head, position)
    shape = struct.unpack_from(f"{order}{dims_bytes // 4}i", head, position + 8)
    position += 8 + dims_bytes + (-dims_bytes % 8)
    tag = struct.unpack_from(order + "I", head, position)[0]
    if tag >> 16:  # small element: length and up to four bytes in one
        name = head[position + 4 : position + 4 + (tag >> 16)]
    else:
        length = struct.unpack_from(order + "I", head, position + 4)[0]
        name = head[position + 8 : position + 8 + length]
    text = name.decode("latin-1")
    if kind in NUMERIC:
        count = 1
        for n in shape:
            count *= int(n)
        if min(shape, default=0) < 0 or count > n_bytes or n_bytes > most:
            raise CorruptFile(
                path,
                f"“{text}” claims {shape_text(shape)} values ({count * np.dtype(NUMERIC[kind]).itemsize} bytes),"
                f" but the file has {path.stat().st_size} bytes",
                "The file was cut off or is damaged: " + COPY_AGAIN.lower(),
            )
    return Element(text, tuple(int(n) for n in shape), kind, n_bytes, bool(flags & COMPLEX))


def variables(path: Path) -> list[Variable]:
    """Arrays by name; fields of structs as "hsi.Data", cells as "hsi.Lidar{1}.z", lists of names as text."""
    out: list[Variable] = []
    found = elements(path)
    nested = [e for e in found if e.kind in (STRUCT, CELL) and e.n_bytes <= LARGEST_STRUCT]
    n_bytes = sum(element.n_bytes for element in nested)
    if n_bytes > 64 << 20:
        check_memory(path, f"the struct “{nested[0].name}” ({size_text(n_bytes)})", n_bytes)
    loaded = _load(path, [element.name for element in nested], found) if nested else {}
    for element in found:
        if element.kind in NUMERIC:
            dtype = np.dtype("c16" if element.complex else NUMERIC[element.kind])
            out.append(Variable(element.name, element.shape, dtype, partial(_load_array, path, element.name, dtype)))
        elif element.kind == CHAR and element.n_bytes <= LONGEST_TEXT:
            texts = np.atleast_1d(_load(path, [element.name], found)[element.name]).ravel()  # one text a row
            out.append(Variable(element.name, texts.shape, texts.dtype, partial(np.copy, texts)))
        elif element.kind == SPARSE and len(element.shape) == 2:
            full = partial(_load_sparse, path, element.name, element.shape, found)
            out.append(Variable(element.name, element.shape, np.dtype("f8"), full))
        elif element in nested:
            out.extend(_flatten(element.name, loaded[element.name], 0))
    limits.check_count(path, len(out), "arrays")
    return out


def _load_sparse(path: Path, name: str, shape: tuple[int, ...], found: list[Element]) -> Any:
    """A sparse matrix in full: MATLAB users keep label maps so."""
    n_bytes = int(np.prod(shape, dtype=np.float64)) * 8
    check_memory(path, f"“{name}” ({size_text(n_bytes)} in full)", n_bytes)
    return _load(path, [name], found)[name].toarray()


def _load(path: Path, names: list[str], found: list[Element]) -> dict[str, Any]:
    """Variables through scipy, after every tag in them was checked. Raises CorruptFile, FileProblem."""
    from scipy.io import loadmat

    order = byte_order(path)
    for element in found:
        if element.name in names:  # also those that bear the same name: which of them scipy takes is its affair
            check_element(path, element.position, order)
    try:
        values = loadmat(path, variable_names=names, struct_as_record=True, chars_as_strings=True)
        return {name: values[name] for name in names}
    except Exception as error:  # scipy raises a dozen kinds for damaged files, zlib.error to IndexError
        raise CorruptFile(path, f"“{names[0]}” cannot be read ({error})", COPY_AGAIN) from error


def _load_array(path: Path, name: str, dtype: np.dtype[Any]) -> Any:
    found = elements(path)
    size = next(e for e in found if e.name == name)
    n_bytes = int(np.prod(size.shape, dtype=np.float64)) * dtype.itemsize
    if n_bytes > 64 << 20:
        check_memory(path, f"“{name}” ({size_text(n_bytes)})", 2 * n_bytes)
    return _load(path, [name], found)[name]


def _flatten(name: str, value: Any, depth: int) -> list[Variable]:
    """Numbers and lists of text inside a struct or cell, at most five levels down."""
    if not isinstance(value, np.ndarray) or depth > 5:
        return []
    if value.dtype.names is not None and value.size == 1:
        record = value.reshape(-1)[0]
        return [v for field in value.dtype.names for v in _flatten(f"{name}.{field}", record[field], depth + 1)]
    if value.dtype.names is not None and 1 < value.size <= 64:  # an array of structs, numbered as cells are
        records = enumerate(value.reshape(-1), start=1)
        return [v for k, record in records for field in value.dtype.names
                for v in _flatten(f"{name}{{{k}}}.{field}", record[field], depth + 1)]  # fmt: skip
    if value.dtype == object:
        items = value.ravel()
        if items.size and all(isinstance(item, np.ndarray) and item.dtype.kind == "U" for item in items):
            texts = np.array(["".join(item.ravel().tolist()) for item in items])
            return [Variable(name, texts.shape, texts.dtype, lambda: texts)]
        if items.size > 64:
            return []
        return [v for k, item in enumerate(items) for v in _flatten(f"{name}{{{k + 1}}}", item, depth + 1)]
    if value.dtype.kind in "buif":
        return [Variable(name, value.shape, value.dtype, lambda: value)]
    return []
