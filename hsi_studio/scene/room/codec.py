"""Values that leave the room: JSON that is checked while it is read, numbers beside it in one file.

Written over the types, not over what a `Raster` happens to have: a new field of numbers, texts, arrays or a dataclass
of ours travels by itself. Nothing here makes an object of a class that a file could name: dataclasses and errors are
taken from this package's modules that are loaded already, and every field is compared with its declared type.

    numbers, texts, None       as they are; {"#float": "nan"} for what JSON has not
    list                       [...]
    tuple, dict, set           {"#tuple": [...]}, {"#dict": [[key, value], ...]}, {"#set": [...]}
    array                      {"#array": {"dtype", "shape", "order", "at", "file"}}: bytes of data.bin or a file given
    path                       {"#path": k} for file k of the opening, {"#name": "x"} for anything else
    dataclass, cube            {"#data": "module:Name", "fields": {...}}

Trap: what is read was written by a process that a file may have taken over. Sizes are compared with the file's before
anything is mapped, and only our own file is; texts and lists have an upper end; depth is that of the JSON parser.
"""

from __future__ import annotations

import dataclasses
import json
import math
import sys
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
import numpy.typing as npt

from hsi_studio.errors import FileProblem
from hsi_studio.scene.file_array import FileArray

OURS = ("hsi_studio.types", "hsi_studio.scene.", "hsi_studio.io.")
LONGEST_TEXT = 4 << 20
LONGEST_JSON = 64 << 20
LONGEST_ERROR = 4000
MAPPED_ABOVE = 8 << 20  # bytes; smaller arrays are read into memory
MOST_AXES = 8
ALIGNED = 64
KINDS = "buifSU"


class BadDescription(ValueError):
    """What a reader left is not what a reader leaves."""


CubeWriter = Callable[[Any, "Writer"], tuple[str, dict[str, Any]]]  # cube → (class, attributes): `cubes.parts`
CubeReader = Callable[[type[Any], dict[str, Any]], Any]  # and back: `cubes.made`


def is_cube(value: Any) -> bool:
    return not isinstance(value, (np.ndarray, type)) and hasattr(value, "read") and hasattr(value, "shape")


def is_cube_class(kind: type[Any]) -> bool:
    return hasattr(kind, "read") and hasattr(kind, "shape") and not dataclasses.is_dataclass(kind)


class Ready(dict[str, Any]):
    """Encoded already."""


class Writer:
    """Values → JSON and `stream`. `files`: those of the opening, in order. `cubes`: how pixels are written."""

    def __init__(self, stream: BinaryIO, files: Sequence[Path], cubes: CubeWriter | None = None) -> None:
        self.stream, self.files, self._cubes = stream, [path.resolve() for path in files], cubes

    def encode(self, value: Any) -> Any:
        """Raises TypeError for what cannot leave."""
        if value is None or isinstance(value, (bool, str, Ready)):
            return value
        if isinstance(value, np.ndarray):
            return {"#array": self.array(value)}
        if isinstance(value, np.generic):
            return self.encode(value.item())
        if isinstance(value, int):
            return int(value)
        if isinstance(value, float):
            return float(value) if math.isfinite(value) else {"#float": str(float(value))}
        if isinstance(value, Path):
            return self.path(value)
        if isinstance(value, list):
            return [self.encode(item) for item in value]
        if isinstance(value, tuple):
            return {"#tuple": [self.encode(item) for item in value]}
        if isinstance(value, (set, frozenset)):
            return {"#set": [self.encode(item) for item in value]}
        if isinstance(value, Mapping):
            return {"#dict": [[self.encode(key), self.encode(item)] for key, item in value.items()]}
        if self._cubes is not None and is_cube(value):
            return self.encode_fields(*self._cubes(value, self))
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            kind = type(value)
            fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value) if f.init}
            return self.encode_fields(f"{kind.__module__}:{kind.__qualname__}", fields)
        raise TypeError(f"a {type(value).__name__} cannot leave the room")

    def encode_fields(self, kind: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        return {"#data": kind, "fields": {name: self.encode(value) for name, value in fields.items()}}

    def path(self, value: Path) -> dict[str, Any]:
        full = value.resolve()
        return {"#path": self.files.index(full)} if full in self.files else {"#name": value.name}

    def array(self, value: npt.NDArray[Any]) -> dict[str, Any]:
        """The array's bytes at the end of the stream, or where they are in a file of the opening."""
        if value.dtype.kind not in KINDS:
            raise TypeError(f"an array of {value.dtype} cannot leave the room")
        mapped = self._mapped(value)
        if mapped is not None:
            return mapped
        at = self.begin()
        self.stream.write(np.ascontiguousarray(value).tobytes() if value.nbytes <= MAPPED_ABOVE else b"")
        if value.nbytes > MAPPED_ABOVE:
            for row in value:
                self.stream.write(np.ascontiguousarray(row).tobytes())
        return described(value.dtype, value.shape, at)

    def ready(self, dtype: np.dtype[Any], shape: Sequence[int], at: int, order: str = "C") -> Ready:
        """What stands for an array whose numbers were written at `at`."""
        return Ready({"#array": described(dtype, shape, at, order=order)})

    def begin(self) -> int:
        """Where the next array starts."""
        at = self.stream.tell()
        self.stream.write(b"\0" * (-at % ALIGNED))
        return self.stream.tell()

    def _mapped(self, value: npt.NDArray[Any]) -> dict[str, Any] | None:
        """For a memory map of a whole array in one of the files: the place in it."""
        if not isinstance(value, np.memmap) or value.filename is None or value.offset is None:
            return None
        path = Path(value.filename).resolve()
        contiguous = value.flags.c_contiguous or value.flags.f_contiguous
        whole = value.base is None or not isinstance(value.base, np.ndarray)
        if path not in self.files or not contiguous or not whole:
            return None
        order = "C" if value.flags.c_contiguous else "F"
        return described(value.dtype, value.shape, int(value.offset), self.files.index(path), order)


def described(
    dtype: np.dtype[Any], shape: Sequence[int], at: int, file: int | None = None, order: str = "C"
) -> dict[str, Any]:
    return {"dtype": dtype.str, "shape": [int(n) for n in shape], "order": order, "at": at, "file": file}


class Reader:
    """JSON → values. `data`: data.bin, None where there is none. `files`: those of the opening, as the app sees them.
    `names`: whether a path may be a name that none of them has (in errors)."""

    def __init__(
        self, data: Path | None, files: Sequence[Path], names: bool = True, cubes: CubeReader | None = None
    ) -> None:
        self.data, self.files, self._names, self._cubes = data, list(files), names, cubes

    def decode(self, value: Any, cube: bool = False) -> Any:
        """`cube`: a part of a cube, whose numbers may stay in a file of the opening. Raises BadDescription."""
        if isinstance(value, str) and len(value) > LONGEST_TEXT:
            raise BadDescription("a text is too long")
        if value is None or isinstance(value, (bool, str, int, float)):
            return value
        if isinstance(value, list):
            return [self.decode(item) for item in value]
        if not isinstance(value, dict) or not value:
            raise BadDescription("a value of no kind")
        key = next(iter(value))
        inside = value[key]
        if key == "#float" and inside in ("nan", "inf", "-inf"):
            return float(inside)
        if key == "#path" and isinstance(inside, int) and 0 <= inside < len(self.files):
            return self.files[inside]
        if key == "#name" and isinstance(inside, str) and self._names:
            return Path(Path(inside).name)
        if key == "#tuple" and isinstance(inside, list):
            return tuple(self.decode(item) for item in inside)
        if key == "#set" and isinstance(inside, list):
            return frozenset(self.decode(item) for item in inside)
        if key == "#dict" and isinstance(inside, list):
            return dict(self._pair(pair) for pair in inside)
        if key == "#array" and isinstance(inside, dict):
            return self.array(inside, cube)
        if key == "#data" and isinstance(value.get("fields"), dict):
            return self._data(inside, value["fields"])
        raise BadDescription(f"a value of kind {str(key)[:20]}")

    def _pair(self, pair: Any) -> tuple[Any, Any]:
        if not isinstance(pair, list) or len(pair) != 2:
            raise BadDescription("half a pair")
        key = self.decode(pair[0])
        if not isinstance(key, (str, int, float, tuple, type(None))):
            raise BadDescription("a key of no kind")
        return key, self.decode(pair[1])

    def array(self, said: dict[str, Any], cube: bool = False) -> npt.NDArray[Any] | FileArray:
        """Of our own file mapped where it is large; of a file of the opening, which others may cut short, read: now,
        or as a part of a cube when it is asked for. Raises BadDescription when it does not lie wholly in its file."""
        shape, at, file, order = _size(said)
        if file is not None and not (type(file) is int and 0 <= file < len(self.files)):
            raise BadDescription("an array in another file")
        path = self.data if file is None else self.files[file]
        dtype = _dtype(said.get("dtype"))
        n_bytes = math.prod(shape) * dtype.itemsize
        there = path.stat().st_size if path is not None else 0
        if path is None or at + n_bytes > there:
            raise BadDescription(f"{n_bytes} bytes at {at} of {there}")
        if n_bytes == 0:
            return np.empty(shape, dtype)
        if file is not None and cube and len(shape) == 3:
            return self._in_file(path, dtype, at, shape, order)
        if file is not None or n_bytes <= MAPPED_ABOVE:
            with path.open("rb") as stream:
                stream.seek(at)
                data = stream.read(n_bytes)
            if len(data) < n_bytes:
                raise BadDescription(f"{n_bytes} bytes at {at}, and there are {len(data)}")
            flat = np.frombuffer(data, dtype)
            return flat.reshape(shape, order=order).copy(order=order)
        mapped: npt.NDArray[Any] = np.memmap(path, dtype, "r", at, shape, order)
        return mapped

    def _in_file(self, path: Path, dtype: np.dtype[Any], at: int, shape: Any, order: Literal["C", "F"]) -> FileArray:
        try:
            return FileArray(path, dtype, at, shape, order)
        except FileProblem as error:
            raise BadDescription(error.problem) from error

    def _data(self, kind: Any, said: dict[str, Any]) -> Any:
        found = _ours(kind)
        cube = self._cubes is not None and is_cube_class(found)
        fields = {str(name): self.decode(item, cube) for name, item in said.items()}
        if self._cubes is not None and cube:
            return self._cubes(found, fields)
        if not (isinstance(found, type) and dataclasses.is_dataclass(found)):
            raise BadDescription(f"{str(kind)[:60]} is no dataclass")
        hints = typing.get_type_hints(found)
        wrong = [name for name, value in fields.items() if name not in hints or not fits(value, hints[name])]
        if wrong:
            raise BadDescription(f"{found.__name__}.{wrong[0][:40]} has a wrong value")
        try:
            return found(**fields)
        except (TypeError, ValueError) as error:
            raise BadDescription(str(error)) from error


def _ours(kind: Any) -> Any:
    """A class of this package, in a module that is loaded. Raises BadDescription."""
    module, _, name = str(kind).partition(":")
    if not (module == OURS[0] or module.startswith(OURS[1:])) or not name.isidentifier():
        raise BadDescription(f"{module[:60]} is not of this package")
    found = loaded(module, name)
    if found is None:
        raise BadDescription(f"there is no {name[:60]}")
    return found


def loaded(module: str, name: str) -> Any:
    """A class of a module of this package that is loaded already; None where there is none of that name."""
    found = getattr(sys.modules.get(module), name, None) if module.startswith("hsi_studio.") else None
    return found if isinstance(found, type) and found.__module__ == module else None


def _size(said: dict[str, Any]) -> tuple[tuple[int, ...], int, Any, Literal["C", "F"]]:
    """(shape, first byte, file, order). Raises BadDescription."""
    shape, at, order = said.get("shape"), said.get("at"), said.get("order")
    if not isinstance(shape, list) or not all(type(n) is int and 0 <= n < 1 << 48 for n in shape):
        raise BadDescription("an array without a size")
    if len(shape) > MOST_AXES or type(at) is not int or at < 0 or order not in ("C", "F"):
        raise BadDescription("an array without a place")
    return tuple(shape), at, said.get("file"), "C" if order == "C" else "F"


def _dtype(text: Any) -> np.dtype[Any]:
    try:
        dtype = np.dtype(text) if isinstance(text, str) and len(text) <= 12 else None
    except (TypeError, ValueError, SyntaxError):
        dtype = None
    if dtype is None or dtype.kind not in KINDS or dtype.names is not None or dtype.subdtype is not None:
        raise BadDescription("an array of no type")
    return dtype


def fits(value: Any, hint: Any) -> bool:
    """Whether a decoded value is of a declared type, as far as its kind goes: unions, tuples, lists, dicts, arrays."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return True
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, one) for one in inner)
    if origin is typing.Literal:
        return value in inner
    if origin is np.ndarray or hint is np.ndarray:
        return isinstance(value, np.ndarray) and _kind_fits(value, inner)
    if origin is tuple:
        if not isinstance(value, tuple):
            return False
        if inner[-1:] == (Ellipsis,):
            return all(fits(item, inner[0]) for item in value)
        return len(value) == len(inner) and all(map(fits, value, inner))
    if origin in (dict, Mapping) or (isinstance(origin, type) and issubclass(origin, Mapping)):
        return isinstance(value, dict) and all(fits(k, inner[0]) and fits(v, inner[1]) for k, v in value.items())
    if origin in (list, set, frozenset) or (isinstance(origin, type) and issubclass(origin, Sequence)):
        kinds = (list, tuple) if origin is not frozenset and origin is not set else (frozenset,)
        return isinstance(value, kinds) and all(fits(item, inner[0]) for item in value)
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if getattr(hint, "_is_protocol", False):
        return all(hasattr(value, name) for name in ("shape", "read"))
    return isinstance(hint, type) and isinstance(value, hint)


def _kind_fits(value: npt.NDArray[Any], inner: tuple[Any, ...]) -> bool:
    """The numbers' type: float32 exactly, integers of any width."""
    scalar = (typing.get_args(inner[1]) or (Any,))[0] if len(inner) == 2 else Any
    scalar = typing.get_origin(scalar) or scalar
    return scalar is Any or (isinstance(scalar, type) and issubclass(value.dtype.type, scalar))


def load_json(path: Path) -> Any:
    """Raises BadDescription."""
    try:
        if path.stat().st_size > LONGEST_JSON:
            raise BadDescription("too long")
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BadDescription(str(error)) from error
