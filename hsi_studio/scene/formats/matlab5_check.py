"""MATLAB v5 files: every tag is looked at before `scipy.io` reads what stands behind it.

scipy looks element types up in tables of 20 without asking whether they are in them: 712 bytes with a type of 4 billion
end the process. And it makes arrays as large as a header says: a cell array of 10⁹ empty cells, 5.6 GB, fits into 300
bytes. So the tree of elements is walked here first, through the same compressed stream, keeping nothing of it:

    matrix = flags, dimensions, name, then by its class
        numbers, text    one element of numbers (two when complex)
        sparse           row indices, column starts, numbers (two when complex)
        cell             a matrix a cell
        struct, object   (class name,) length of a field name, field names, a matrix a field and element

Every type must be one that the class may have, every length must lie inside the element it is in, dimensions must not
ask for more values than bytes are there. Source: MathWorks, "MAT-File Format" (2023), tables 1-1 to 1-3.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import IO

from hsi_studio.errors import CorruptFile
from hsi_studio.scene.formats import limits

MATRIX, COMPRESSED = 14, 15
CELL, STRUCT, OBJECT, CHAR, SPARSE, FUNCTION, OPAQUE = 1, 2, 3, 4, 5, 16, 17
NUMBER_CLASSES = range(6, 16)
NUMBER_TYPES = frozenset({1, 2, 3, 4, 5, 6, 7, 9, 12, 13})
TEXT_TYPES = NUMBER_TYPES | {16, 17, 18}
NAME_TYPES = frozenset({1, 2, 16})
MOST_DIMENSIONS = 32
PIECE = 1 << 16
COPY_AGAIN = "Copy or download it again"


class _Bytes:
    """The bytes of one top-level element, unpacked piece by piece. Never holds more than two pieces."""

    def __init__(self, stream: IO[bytes], length: int, packed: bool) -> None:
        self._stream, self._left = stream, length
        self._unpack = zlib.decompressobj() if packed else None
        self._ready = b""

    def read(self, count: int) -> bytes:
        """Exactly `count` bytes. Raises EOFError, zlib.error."""
        out = bytearray()
        while len(out) < count:
            if not self._ready:
                self._fill()
            taken = self._ready[: count - len(out)]
            self._ready = self._ready[len(taken) :]
            out += taken
        return bytes(out)

    def skip(self, count: int) -> None:
        if self._unpack is None and count > len(self._ready):
            count -= len(self._ready)
            self._ready = b""
            if count > self._left:
                raise EOFError
            self._stream.seek(count, 1)
            self._left -= count
            return
        while count:
            count -= len(self.read(min(count, PIECE)))

    def _fill(self) -> None:
        if self._unpack is None:
            data = self._stream.read(min(PIECE, self._left))
            self._left -= len(data)
            self._ready = data
        else:
            while not self._ready:
                data = self._unpack.unconsumed_tail
                if not data:
                    data = self._stream.read(min(PIECE, self._left))
                    self._left -= len(data)
                self._ready = self._unpack.decompress(data, PIECE)
                if not data and not self._ready:
                    raise EOFError
        if not self._ready:
            raise EOFError


class _Walk:
    """One top-level element; `room` is what may still be read of the one that is being looked at."""

    def __init__(self, path: Path, data: _Bytes, order: str) -> None:
        self.path, self.data, self.order = path, data, order
        self.matrices = 0

    def tag(self) -> tuple[int, int, bytes | None, int]:
        """(type, bytes, the bytes themselves if they are in the tag, bytes of the tag)."""
        raw = self.data.read(8)
        first, second = struct.unpack(self.order + "II", raw)
        if first >> 16:  # small element: length and up to four bytes in one
            length = first >> 16
            if length > 4:
                raise self.damaged(f"a small element of {length} bytes")
            return first & 0xFFFF, length, raw[4 : 4 + length], 8
        return first, second, None, 8

    def element(self, allowed: frozenset[int], room: int, keep: int = 0) -> tuple[bytes, int, int]:
        """(its bytes if at most `keep`, its length, bytes used with padding). Skips what is longer."""
        kind, length, inside, used = self.tag()
        if kind not in allowed:
            raise self.damaged(f"an element of type {kind}")
        if inside is not None:
            return inside, length, used
        padded = length + -length % 8
        if used + length > room:
            raise self.damaged(f"an element of {length} bytes inside one of {room}")
        padded = min(padded, room - used)
        if length <= keep:
            return self.data.read(padded)[:length], length, used + padded
        self.data.skip(padded)
        return b"", length, used + padded

    def matrix(self, room: int, depth: int) -> None:
        """The inside of a matrix element of `room` bytes."""
        self.matrices += 1
        limits.check_count(self.path, self.matrices, "arrays in one variable", 20 * limits.MOST_VARIABLES)
        limits.check_count(self.path, depth, "structs in one another", limits.MOST_DEPTH)
        if room == 0:
            return  # an empty array
        flags, length, used = self.element(frozenset({6}), room, keep=8)
        if length != 8:
            raise self.damaged(f"array flags of {length} bytes")
        first = struct.unpack(self.order + "I", flags[:4])[0]
        kind, is_complex = first & 0xFF, bool(first & 0x800)
        room -= used
        if kind == OPAQUE:
            for _ in range(3):  # its name, "MCOS", its class
                room -= self.element(NAME_TYPES, room)[2]
            return self._nested(1, room, depth)
        sizes, length, used = self.element(frozenset({5, 6}), room, keep=4 * MOST_DIMENSIONS)  # some write 6
        if length % 4 or not 8 <= length <= 4 * MOST_DIMENSIONS:
            raise self.damaged(f"dimensions of {length} bytes")
        shape = struct.unpack(f"{self.order}{length // 4}i", sizes)
        room -= used
        room -= self.element(NAME_TYPES, room)[2]  # its name
        count = 1
        for n in shape:
            if n < 0:
                raise self.damaged(f"a dimension of {n}")
            count *= n
        if kind in NUMBER_CLASSES or kind == CHAR:
            self._values(kind, count, room, is_complex, depth)
        elif kind == SPARSE:
            if len(shape) != 2 or shape[1] > room:
                raise self.damaged(f"a sparse array of {shape} in {room} bytes")
            for _ in range(3 + is_complex):
                room -= self.element(NUMBER_TYPES, room)[2]
        elif kind in (CELL, FUNCTION):
            self._nested(count if kind == CELL else 1, room, depth)
        elif kind in (STRUCT, OBJECT):
            if kind == OBJECT:
                room -= self.element(NAME_TYPES, room)[2]
            width, _, used = self.element(frozenset({5}), room, keep=4)
            room -= used
            each = struct.unpack(self.order + "i", width)[0] if len(width) == 4 else 0
            _, total, used = self.element(NAME_TYPES, room)
            room -= used
            if each <= 0 or total % each:
                raise self.damaged(f"field names of {each} in {total} bytes")
            fields = total // each
            limits.check_count(self.path, fields, "fields in one struct")
            if fields == 0 and count > limits.MOST_VARIABLES:
                raise self.damaged(f"{count} structs without a field")
            self._nested(count * fields, room, depth)
        else:
            raise self.damaged(f"an array of class {kind}")

    def _values(self, kind: int, count: int, room: int, is_complex: bool, depth: int) -> None:
        if count > room:  # at least one stored byte a value
            raise self.damaged(f"{count} values in {room} bytes")
        allowed = TEXT_TYPES if kind == CHAR else NUMBER_TYPES
        if depth == 0 and not is_complex:  # nothing follows: a cube is not unpacked a second time for its last tag
            last, length, inside, used = self.tag()
            if last not in allowed or (inside is None and used + length > room):
                raise self.damaged(f"an element of type {last} and {length} bytes inside one of {room}")
            return
        for _ in range(1 + is_complex):
            room -= self.element(allowed, room)[2]

    def _nested(self, count: int, room: int, depth: int) -> None:
        if count * 8 > room:  # at least a tag for each
            raise self.damaged(f"{count} arrays in {room} bytes")
        for _ in range(count):
            kind, length, inside, used = self.tag()
            if kind != MATRIX or inside is not None or used + length > room:
                raise self.damaged(f"an element of type {kind} where an array should be")
            self.matrix(length, depth + 1)
            room -= used + length

    def damaged(self, what: str) -> CorruptFile:
        return CorruptFile(self.path, f"a variable is damaged: it has {what}", COPY_AGAIN)


def check_element(path: Path, position: int, order: str) -> None:
    """The top-level element at a byte of the file, all the way down. Raises CorruptFile, FileProblem."""
    with path.open("rb") as stream:
        stream.seek(position)
        kind, length = struct.unpack(order + "II", stream.read(8))
        walk = _Walk(path, _Bytes(stream, length, kind == COMPRESSED), order)
        try:
            if kind == COMPRESSED:
                kind, inner, _, _ = walk.tag()
                limits.check_ratio(path, "a variable", inner, length)
            else:
                inner = length
            if kind != MATRIX:
                raise walk.damaged(f"an element of type {kind}")
            walk.matrix(inner, 0)
        except (EOFError, struct.error, zlib.error) as error:
            text = str(error) or "it ends too early"
            raise CorruptFile(path, f"a variable is damaged ({text})", COPY_AGAIN) from error
