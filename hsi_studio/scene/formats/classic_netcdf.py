"""The classic netCDF format (CDF-1, -2 and -5): its header, and its arrays where they stand in the file.

Source: "NetCDF Classic Format Specifications", Unidata User's Guide, appendix B (CDF-1, CDF-2); PnetCDF's description
of CDF-5. Everything is big-endian; names and values are padded to four bytes; variables of the unlimited dimension lie
record by record, one variable behind the other.

Unusual: nothing is believed before it is compared with the file's size, and nothing is read into memory but the header.
`Item` and `Group` speak as h5py's data sets and groups do (`attrs`, `parent`, `file`, `name`), so that the rules of
netCDF-4 serve both.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hsi_studio.errors import CorruptFile
from hsi_studio.scene.formats.limits import MOST_VARIABLES, check_count
from hsi_studio.scene.raster import file_size

TYPES = {1: ">i1", 2: "S1", 3: ">i2", 4: ">i4", 5: ">f4", 6: ">f8", 7: ">u1", 8: ">u2", 9: ">u4", 10: ">i8", 11: ">u8"}
DIMENSIONS, VARIABLES, ATTRIBUTES = 10, 11, 12
VERSIONS = (1, 2, 5)
MOST_ATTRIBUTES = 100_000  # of the whole file
LONGEST_HEADER = 16 << 20  # bytes
MOST_AXES = 32
COPY_AGAIN = "Copy or download it again"


class Records:
    """The array (records, …) of a variable of the unlimited dimension: one piece in each record."""

    chunks = None

    def __init__(self, path: Path, dtype: np.dtype[Any], shape: tuple[int, ...], begin: int, step: int) -> None:
        self.shape, self.dtype = shape, dtype
        strides = [dtype.itemsize]
        for n in reversed(shape[2:]):
            strides.insert(0, strides[0] * n)
        whole = np.memmap(path, np.uint8, "r")
        self._array: npt.NDArray[Any] = np.ndarray(
            shape, dtype, whole, begin, (step, *strides) if len(shape) > 1 else (step,)
        )

    def __getitem__(self, key: Any) -> npt.NDArray[Any]:
        return np.array(self._array[key])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.array(self._array, dtype=dtype)


@dataclass
class Item:
    """One variable. `dims`: the names of its dimensions."""

    name: str  # "/reflectance", as in h5py
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    dims: tuple[str, ...]
    attrs: dict[str, Any]
    parent: Group
    load: Callable[..., Any]  # of no arguments, or of the type as which the stored bytes are read

    @property
    def file(self) -> Group:
        return self.parent

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=np.float64))

    def __getitem__(self, key: Any) -> npt.NDArray[Any]:
        return np.asarray(self.load()[key])


@dataclass
class Group:
    """The whole file: its variables by name."""

    attrs: dict[str, Any]
    items: dict[str, Item] = field(default_factory=dict)
    name: str = "/"

    @property
    def parent(self) -> Group:
        return self

    def __contains__(self, name: object) -> bool:
        return str(name).strip("/") in self.items

    def __getitem__(self, name: str) -> Item:
        return self.items[name.strip("/")]

    def __iter__(self) -> Iterator[str]:
        return iter(self.items)

    def visititems(self, look: Callable[[str, Any], Any]) -> None:
        for name, item in self.items.items():
            look(name, item)


class _Header:
    """Numbers, names and lists one behind the other. Raises CorruptFile where the header ends too early."""

    def __init__(self, path: Path, data: bytes, version: int) -> None:
        self.path, self._data, self.version, self._at, self._attributes = path, data, version, 4, 0

    def take(self, count: int) -> bytes:
        if count < 0 or self._at + count > len(self._data):
            raise CorruptFile(self.path, "its netCDF header is not complete", COPY_AGAIN)
        found = self._data[self._at : self._at + count]
        self._at += count
        return found

    def word(self) -> int:
        return int(struct.unpack(">I", self.take(4))[0])

    def count(self) -> int:
        return int(struct.unpack(">Q", self.take(8))[0]) if self.version == 5 else self.word()

    def begin(self) -> int:
        return self.word() if self.version == 1 else int(struct.unpack(">Q", self.take(8))[0])

    def padded(self, count: int) -> bytes:
        found = self.take(count)
        self.take(-count % 4)
        return found

    def name(self) -> str:
        return self.padded(self.count()).decode("utf-8", "replace")

    def dtype(self) -> np.dtype[Any]:
        code = self.word()
        if code not in TYPES:
            raise CorruptFile(self.path, f"its netCDF header names a type {code}, which there is not", COPY_AGAIN)
        return np.dtype(TYPES[code])

    def length(self, tag: int, what: str, most: int) -> int:
        """How many entries a list has; an absent one has none."""
        found, count = self.word(), self.count()
        if found not in (0, tag) or (found == 0 and count != 0):
            raise CorruptFile(self.path, f"its netCDF header has no list of {what} where one belongs", COPY_AGAIN)
        check_count(self.path, count, what, most)
        return count

    def attributes(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        count = self.length(ATTRIBUTES, "attributes", MOST_ATTRIBUTES)
        self._attributes += count
        check_count(self.path, self._attributes, "attributes", MOST_ATTRIBUTES)
        for _ in range(count):
            name, dtype = self.name(), self.dtype()
            data = self.padded(self.count() * dtype.itemsize)
            found[name] = (
                data.rstrip(b"\0").decode("utf-8", "replace")
                if dtype.kind == "S"
                else np.frombuffer(data, dtype).astype(dtype.newbyteorder("="))
            )
        return found


def read_file(path: Path) -> Group:
    """Raises FileProblem and CorruptFile: a header that is no header, arrays that are not in the file."""
    size = file_size(path)
    with path.open("rb") as stream:
        data = stream.read(LONGEST_HEADER)
    if data[:3] != b"CDF" or len(data) < 4 or data[3] not in VERSIONS:
        raise CorruptFile(path, "it does not begin like a netCDF file", COPY_AGAIN)
    header = _Header(path, data, data[3])
    records = header.count()
    dims = []
    for _ in range(header.length(DIMENSIONS, "dimensions", MOST_VARIABLES)):
        dims.append((header.name(), header.count()))
    group = Group(header.attributes())
    described = [_variable(header, dims) for _ in range(header.length(VARIABLES, "variables", MOST_VARIABLES))]
    one_behind = [_n_bytes(v) for v in described if v.unlimited]
    step = one_behind[0] if len(one_behind) == 1 else sum(n + -n % 4 for n in one_behind)
    if records in (0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF):  # written as a stream: as many as there are
        first = min((v.begin for v in described if v.unlimited), default=size)
        records = max(0, size - first) // step if step else 0
    for one in described:
        shape = (records, *one.shape[1:]) if one.unlimited else one.shape
        end = one.begin + (_n_bytes(one) if not one.unlimited else max(records - 1, 0) * step + _n_bytes(one))
        if end > size and 0 not in shape:
            raise CorruptFile(
                path,
                f"“{one.name}” ends {end - size} bytes behind the end of the file",
                "The file was cut off: " + COPY_AGAIN.lower(),
            )
        group.items[one.name] = Item(
            f"/{one.name}", shape, one.dtype, one.dims, one.attributes, group, _loader(path, one, shape, step)
        )
    return group


@dataclass
class _Described:
    name: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]  # 0 for the unlimited dimension
    unlimited: bool
    attributes: dict[str, Any]
    dtype: np.dtype[Any]
    begin: int


def _variable(header: _Header, dims: list[tuple[str, int]]) -> _Described:
    name, count = header.name(), header.count()
    check_count(header.path, count, "axes of one array", MOST_AXES)
    axes = [header.count() for _ in range(count)]
    if any(axis >= len(dims) for axis in axes):
        raise CorruptFile(header.path, f"“{name}” names a dimension that there is not", COPY_AGAIN)
    attributes, dtype = header.attributes(), header.dtype()
    header.count()  # its size, which is too small for large ones
    shape = tuple(dims[axis][1] for axis in axes)
    if 0 in shape[1:]:
        raise CorruptFile(header.path, f"“{name}” has its unlimited dimension behind another one", COPY_AGAIN)
    return _Described(
        name, tuple(dims[axis][0] for axis in axes), shape, bool(shape) and shape[0] == 0, attributes, dtype,
        header.begin(),
    )  # fmt: skip


def _n_bytes(one: _Described) -> int:
    """Of the array, or of its piece in one record."""
    total = one.dtype.itemsize
    for n in one.shape[1:] if one.unlimited else one.shape:
        total *= n
    return total


def _loader(path: Path, one: _Described, shape: tuple[int, ...], step: int) -> Callable[..., Any]:
    def load(dtype: np.dtype[Any] = one.dtype) -> Any:
        if 0 in shape:
            return np.zeros(shape, dtype)
        if one.unlimited:
            return Records(path, dtype, shape, one.begin, step)
        if not shape:
            return np.memmap(path, dtype, "r", one.begin, (1,)).reshape(())
        return np.memmap(path, dtype, "r", one.begin, shape)

    return load
