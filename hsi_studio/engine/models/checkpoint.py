"""A fitted model as one safe file: safetensors, with one JSON header in its `__metadata__`.

    8 bytes   length N of the index, little-endian                        safetensors' own layout
    N bytes   index: {"__metadata__": {"hsi_studio": JSON text}, name: {dtype, shape, data_offsets}, …}
    rest      the arrays' bytes, without gaps

    JSON text: {"format": 1, "facts": CheckpointFacts, "header": State.header, "sha256": {"arrays", "header"}}

A file is read as if it came from a stranger. Nothing in it is executed; no text in it is ever used as a path. Lengths,
offsets, shapes and types are checked against the file's size before anything is allocated; two digests find damage;
numbers that are not finite are refused. `read_header` reads no array. Raised: FileProblem, in its kinds UnknownFormat
(not such a file, or of a newer program), CorruptFile (it contradicts itself) and BadValues (weights that are no
numbers).

The digests find accidents, not forgers: whoever changes a file can make new ones. Against forgery stand the checks, and
those of the methods, which build nothing larger than the arrays in the file say (`from_state`).
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from hsi_studio.engine.models.metadata import CONTROL, CheckpointFacts
from hsi_studio.errors import BadValues, CorruptFile, FileProblem, UnknownFormat
from hsi_studio.files import write_bytes
from hsi_studio.methods.contract import State

FORMAT = 1
KEY = "hsi_studio"  # in __metadata__
MAX_INDEX = 16 << 20  # bytes
MAX_FILE = 8 << 30
MAX_ARRAYS = 100_000
MAX_DIMS = 8
MAX_EMPTY_SIDE = 65_536  # of an array without elements: nothing is to be built after a shape that cost no bytes
DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "|i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "|u1", "BOOL": "|b1",
}  # fmt: skip
FETCH = "Get the file again from where it came, or train the model again"

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class ArrayFacts:
    """One array of the file. `offset` and `size` in bytes, within the data that follow the index."""

    dtype: str
    shape: tuple[int, ...]
    offset: int
    size: int


@dataclass(frozen=True)
class Header:
    """What a file says about itself. `digest` is of the arrays: the same model, the same digest."""

    facts: CheckpointFacts
    state: dict[str, Any]  # State.header
    arrays: dict[str, ArrayFacts]
    size: int  # bytes of the file
    digest: str


def write_checkpoint(path: Path, state: State, facts: CheckpointFacts) -> None:
    """Write the file in one step: a crash leaves the old one or none.

    Raises BadValues for weights that are not finite, CorruptFile where facts and state disagree, OSError.
    """
    from safetensors.numpy import save

    arrays = {name: _plain(array) for name, array in state.arrays.items()}
    for name, array in arrays.items():
        _finite(path, name, array, "The training did not converge: lower the learning rate and train again")
    _agree(path, facts, state.header)
    content = json.loads(_canonical({"format": FORMAT, "facts": facts.model_dump(mode="json"), "header": state.header}))
    digests = {"arrays": _digest_of_arrays(arrays)}
    text = _canonical({**content, "sha256": {**digests, "header": _digest_of_text({**content, "sha256": digests})}})
    data = save(arrays, metadata={KEY: text})
    index_size = int.from_bytes(data[:8], "little")
    if index_size > MAX_INDEX:
        raise CorruptFile(path, f"a header of {index_size:,} bytes is too long", "Shorten the prompts or the note")
    write_bytes(path, data)


def read_header(path: Path) -> Header:
    """What the file says about itself, without its arrays. Raises FileProblem."""
    with _opened(path) as stream:
        return _header(path, stream)[0]


def read_checkpoint(path: Path) -> tuple[State, Header]:
    """The model and what the file says about itself. Raises FileProblem."""
    with _opened(path) as stream:
        header, start = _header(path, stream)
        arrays: dict[str, Array] = {}
        for name, info in sorted(header.arrays.items(), key=lambda item: item[1].offset):
            array = np.empty(info.shape, dtype=DTYPES[info.dtype])
            stream.seek(start + info.offset)
            if info.size and _filled(stream, array.reshape(-1).view(np.uint8)) != info.size:
                raise CorruptFile(path, f"it ends within “{name}”", FETCH)
            arrays[name] = array
    if _digest_of_arrays(arrays) != header.digest:
        raise CorruptFile(path, "its weights are not those it was written with", FETCH)
    for name, array in arrays.items():
        _finite(path, name, array, FETCH)
    return State(arrays, header.state), header


def _filled(stream: BinaryIO, target: Array) -> int:
    """Read into the array; how many bytes there were."""
    done = 0
    while done < target.size and (data := stream.read(min(1 << 24, target.size - done))):
        target[done : done + len(data)] = np.frombuffer(data, np.uint8)
        done += len(data)
    return done


def _opened(path: Path) -> BinaryIO:
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would wait for ever
            raise FileProblem(path, "this is not a file", "Choose a .safetensors file")
        return path.open("rb")
    except OSError as error:
        raise FileProblem(path, f"it cannot be read ({error.strerror})", "Check that it exists and is yours") from error


def _header(path: Path, stream: BinaryIO) -> tuple[Header, int]:
    """(header, where the data begin)."""
    size = os.fstat(stream.fileno()).st_size
    if size > MAX_FILE:
        raise CorruptFile(path, f"{size:,} bytes are more than a model has ({MAX_FILE:,})", FETCH)
    index_size = int.from_bytes(stream.read(8), "little")
    if size < 10 or not 2 <= index_size <= size - 8:
        raise CorruptFile(path, f"{size:,} bytes, with an index of {index_size:,}: not a whole model file", FETCH)
    if index_size > MAX_INDEX:
        raise CorruptFile(path, f"its index has {index_size:,} bytes, at most {MAX_INDEX:,} are read", FETCH)
    index = _json(path, stream.read(index_size), "its index")
    metadata = index.pop("__metadata__", None)
    if not isinstance(metadata, dict) or not isinstance(metadata.get(KEY), str):
        raise UnknownFormat(path, "these are weights without the header of HSI Studio", "Import a model exported there")
    arrays = _index(path, index, size - 8 - index_size)
    content = _json(path, metadata[KEY].encode("utf-8", "surrogatepass"), "its header")
    version = content.get("format")
    if version != FORMAT or isinstance(version, bool):
        raise UnknownFormat(
            path, f"its format is {str(version)[:20]!r}, this program reads {FORMAT}", "Update HSI Studio"
        )
    digests, state = content.get("sha256"), content.get("header")
    if not isinstance(digests, dict) or not isinstance(state, dict):
        raise CorruptFile(path, "its header is not complete", FETCH)
    said, digest = digests.pop("header", None), digests.get("arrays")
    if said != _digest_of_text(content) or not isinstance(digest, str):
        raise CorruptFile(path, "its header is not the one it was written with", FETCH)
    try:
        facts = CheckpointFacts.model_validate(content.get("facts"))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])[:80]
        raise CorruptFile(path, f"its header says nothing usable about {where}: {first['msg']}", FETCH) from error
    _agree(path, facts, state)
    return Header(facts, state, arrays, size, digest), 8 + index_size


def _index(path: Path, index: dict[str, Any], data_size: int) -> dict[str, ArrayFacts]:
    """The arrays, checked against the bytes there are: types, shapes, offsets, no gap and no overlap."""
    if len(index) > MAX_ARRAYS:
        raise CorruptFile(path, f"it names {len(index):,} arrays, at most {MAX_ARRAYS:,} are read", FETCH)
    found = {}
    for name, entry in index.items():
        dtype, shape, offsets = _entry(entry)
        if not isinstance(dtype, str) or dtype not in DTYPES:
            raise CorruptFile(path, f"“{name[:80]}” has the type {str(dtype)[:20]!r}, which no model has", FETCH)
        if shape is None or offsets is None or len(shape) > MAX_DIMS or len(offsets) != 2:
            raise CorruptFile(path, f"“{name[:80]}” has no proper shape or place", FETCH)
        begin, end = offsets
        if end > data_size:
            raise CorruptFile(path, f"it ends after {data_size:,} of at least {end:,} bytes of weights", FETCH)
        if end - begin != math.prod(shape) * np.dtype(DTYPES[dtype]).itemsize:
            raise CorruptFile(
                path, f"“{name[:80]}” of shape {shape} does not fit its place {begin}–{end} of {data_size} bytes", FETCH
            )
        if begin == end and max(shape, default=0) > MAX_EMPTY_SIDE:
            raise CorruptFile(path, f"“{name[:80]}” has the shape {shape} and no values", FETCH)
        found[name] = ArrayFacts(dtype, tuple(shape), begin, end - begin)
    at = 0
    for info in sorted(found.values(), key=lambda a: (a.offset, a.size)):
        if info.offset != at:
            raise CorruptFile(path, f"its arrays overlap or leave a gap at byte {at}", FETCH)
        at += info.size
    if at != data_size:
        raise CorruptFile(path, f"its arrays have {at:,} bytes, the file holds {data_size:,}", FETCH)
    return found


def _entry(entry: Any) -> tuple[Any, list[int] | None, list[int] | None]:
    """(dtype, shape, data_offsets) as they stand; None for lists that are not of counts."""
    if not isinstance(entry, dict):
        return None, None, None
    return entry.get("dtype"), _counts(entry.get("shape")), _counts(entry.get("data_offsets"))


def _counts(values: Any) -> list[int] | None:
    return values if isinstance(values, list) and all(type(v) is int and 0 <= v < 2**48 for v in values) else None


def _agree(path: Path, facts: CheckpointFacts, state: dict[str, Any]) -> None:
    """The facts that people see are those the method will use."""
    said = {
        "method": facts.method,
        "classes": [(c.id, c.name) for c in facts.classes],
        "bands": facts.scene.bands,
        "scene": facts.scene.id,
    }
    classes = state.get("classes")
    try:
        used = {
            "method": state.get("method", facts.method),
            "classes": [(str(c["id"]), CONTROL.sub(" ", str(c["name"])).strip()[:200]) for c in classes or ()],
            "bands": state.get("bands", facts.scene.bands),
            "scene": state.get("scene", facts.scene.id),
        }
    except (TypeError, KeyError, AttributeError) as error:
        raise CorruptFile(path, "its classes are not a list of names", FETCH) from error
    if classes is None:
        used["classes"] = said["classes"]
    for key, value in said.items():
        if used[key] != value:
            raise CorruptFile(path, f"it contradicts itself about its {key}", FETCH)


def _json(path: Path, text: bytes, what: str) -> dict[str, Any]:
    """An object without repeated names, NaN or bottomless nesting."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("a name occurs twice")
        return found

    def number(text: str) -> float:
        value = float(text)
        if not math.isfinite(value):
            raise ValueError(f"{text[:20]} is not a number")
        return value

    try:
        value = json.loads(text.decode("utf-8"), object_pairs_hook=once, parse_constant=number, parse_float=number)
    except (ValueError, RecursionError) as error:
        raise CorruptFile(path, f"{what} cannot be read ({str(error)[:120]})", FETCH) from error
    if not isinstance(value, dict):
        raise CorruptFile(path, f"{what} is not a JSON object", FETCH)
    return value


def _canonical(content: dict[str, Any]) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def _digest_of_text(content: dict[str, Any]) -> str:
    return hashlib.sha256(_canonical(content).encode()).hexdigest()


def _digest_of_arrays(arrays: dict[str, Array]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name}\0{array.dtype.str}\0{array.shape}\0".encode("utf-8", "surrogatepass"))
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _plain(array: Any) -> Array:
    """Contiguous and little-endian, as the file keeps it."""
    values = np.asarray(array)
    return np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<")).reshape(values.shape)


def _finite(path: Path, name: str, array: Array, remedy: str) -> None:
    if array.dtype.kind == "b" and array.size and int(array.view(np.uint8).max()) > 1:
        raise BadValues(path, f"“{name[:80]}” holds bytes that are neither true nor false", remedy)
    if array.dtype.kind == "f" and array.size:
        wrong = int(array.size - np.count_nonzero(np.isfinite(array)))
        if wrong:
            raise BadValues(path, f"{wrong:,} of {array.size:,} numbers in “{name[:80]}” are not finite", remedy)
