"""JSON that lies on disk, read as if a stranger had written it: the one place where that is done.

    read_model(path, Model, most, what, remedy)      a file as a pydantic model
    read_object(path, most, what, remedy)            a file as a plain object, for what has no fixed form
    loads(data)                                      one text, such as a line of a journal

What Python's `json` takes and this does not: NaN, Infinity and numbers beyond a float (1e999), whole numbers beyond 64
bits, a name twice in one object (the second would win in silence), more than `MOST_DEPTH` levels. A file is opened only
if it is a file: a pipe would wait for ever, and a link could lead to anything that this program may read. Trap: half a
surrogate pair is let through, because names of files that are not UTF-8 are kept so; texts for people are cleaned
(`sanitize`).

Unknown names are left out by `Stored`, never an error: the file stays as it is, so nothing of a newer version is lost.
"""

from __future__ import annotations

import errno
import json
import math
import os
import stat
from pathlib import Path
from typing import Annotated, Any, BinaryIO, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hsi_studio.errors import CorruptFile, FileProblem

MOST_DEPTH = 32
LARGEST_INT = 2**64  # seeds have up to 64 bits

Whole = Annotated[int, Field(strict=True, ge=-(2**53), le=2**53)]  # no "12", no 1.0, no true
Count = Annotated[int, Field(strict=True, ge=0, le=2**53)]
Model = TypeVar("Model", bound=BaseModel)


class Stored(BaseModel):
    """Base of what is read from disk: frozen, finite numbers, unknown names left out."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


def loads(data: bytes | str) -> Any:
    """One JSON value. Raises ValueError with the reason."""
    text = data if isinstance(data, str) else data.decode("utf-8")  # UnicodeDecodeError is a ValueError
    try:
        value = _DECODER.decode(text)
    except RecursionError as error:
        raise ValueError(f"more than {MOST_DEPTH} levels") from error
    _check(value)
    return value


def loads_object(data: bytes | str) -> dict[str, Any]:
    """One JSON object. Raises ValueError with the reason."""
    value = loads(data)
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def validated(kind: type[Model], value: Any) -> Model:
    """Raises ValueError with the first thing that is wrong: "scene.shape.0: Input should be …"."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise ValueError(first_mistake(error)) from error


def first_mistake(error: ValidationError) -> str:
    """What pydantic says first, in one line."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])[:120]
    said = first["msg"].removeprefix("Value error, ")
    return f"{where}: {said}" if where else said


def open_file(path: Path, remedy: str) -> BinaryIO:
    """An ordinary file, for reading. Raises FileProblem: missing, a link, a folder, a pipe."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    try:
        handle = os.open(path, flags)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise FileProblem(path, "it is a link to another place", f"Put the file itself there. {remedy}") from error
        raise FileProblem(path, f"it cannot be read ({error.strerror})", remedy) from error
    mode = os.fstat(handle).st_mode
    if not stat.S_ISREG(mode):
        os.close(handle)
        raise CorruptFile(path, f"it is {'a folder' if stat.S_ISDIR(mode) else 'no ordinary file'}", remedy)
    return os.fdopen(handle, "rb")


def read_file(path: Path, most: int, remedy: str) -> bytes:
    """The bytes of an ordinary file. Raises FileProblem; CorruptFile for one of more than `most` bytes."""
    with open_file(path, remedy) as stream:
        size = os.fstat(stream.fileno()).st_size
        if size > most:
            raise CorruptFile(path, f"{size:,} bytes are more than it has ({most:,})", remedy)
        try:
            return stream.read(most + 1)
        except OSError as error:
            raise FileProblem(path, f"it cannot be read ({error.strerror})", remedy) from error


def read_object(path: Path, most: int, what: str, remedy: str) -> dict[str, Any]:
    """A file's JSON object. `what` it should be: "the record of a run". Raises FileProblem, CorruptFile."""
    data = read_file(path, most, remedy)
    if not data:
        raise CorruptFile(path, f"it is empty, not {what}", remedy)
    try:
        return loads_object(data)
    except ValueError as error:
        raise CorruptFile(path, f"it is not {what}: not JSON of ours ({_short(error)})", remedy) from error


def read_model(path: Path, kind: type[Model], most: int, what: str, remedy: str) -> Model:
    """A file as a model. `what` it should be: "the record of a run". Raises FileProblem, CorruptFile."""
    value = read_object(path, most, what, remedy)
    try:
        return validated(kind, value)
    except ValueError as error:
        raise CorruptFile(path, f"it is not {what} ({_short(error)})", remedy) from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ValueError(f"the name {twice[:40]!r} occurs twice")
    return found


def _constant(text: str) -> Any:
    raise ValueError(f"{text} is not a number")


_DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_constant)


def _check(value: Any) -> None:
    """Level by level, so that no depth of the value can end the program. Raises ValueError."""
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > MOST_DEPTH:
            raise ValueError(f"more than {MOST_DEPTH} levels")
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
            elif isinstance(item, float):
                if not math.isfinite(item):
                    raise ValueError("a number beyond what a float holds")
            elif isinstance(item, int) and not -LARGEST_INT <= item <= LARGEST_INT:
                raise ValueError("a whole number beyond 64 bits")
        level = below


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:160]
