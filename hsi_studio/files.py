"""The one way files are written: whole or not at all, and there after a power cut.

    write beside the name ─▶ fsync the file ─▶ rename ─▶ fsync the folder

Without the last step the rename itself may be lost: the folder's entry lies in memory until the disk has it. Readers
see the old file or the new one, never half of one; two writers at once leave the file of one of them.

- `sync=False` leaves out both fsyncs: for what can be made again.
- `best_effort` is for caches: one that cannot be written costs time later, not the result now.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import logging
import math
import os
import uuid
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hsi_studio.watching import tell

log = logging.getLogger(__name__)

LONGEST_NAME = 255  # bytes, of most file systems
# what reading a damaged .npz raises: of the disk, of NumPy, of the archive, of its packing
DAMAGED_ARRAYS = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError)


def is_there(path: Path | str) -> bool:
    """Whether there is such a file or folder; False also for what no disk takes for a path (too long, a null character,
    the home of a user that does not exist)."""
    try:
        return Path(path).expanduser().exists()
    except (OSError, ValueError, RuntimeError):
        return False


def is_name(text: object) -> bool:
    """Whether a text can be the name of one file or folder: no path, nothing a disk would refuse."""
    if not isinstance(text, str):
        return False
    plain = text not in ("", ".", "..") and not any(c in text for c in "/\\\0")
    return plain and text.isprintable() and len(text.encode("utf-8", "surrogatepass")) <= LONGEST_NAME


@contextmanager
def replacing(path: Path, sync: bool = True) -> Iterator[Path]:
    """A temporary path beside `path`; when the block ends without an error it becomes `path`.

    For writers that want a path: it has the suffix of `path`, by which they choose a format, and begins with a dot.
    """
    make_folder(path.parent, sync)
    partial = path.with_name(f".{uuid.uuid4().hex[:8]}-{path.name}")
    try:
        yield partial
        put_in_place(partial, path, sync)
    except OSError as error:
        if error.errno is not None and (error.filename is None or Path(os.fsdecode(error.filename)) == partial):
            error.filename, error.filename2 = str(path), None  # a full disk names no file, and nobody knows `partial`
        raise
    finally:
        partial.unlink(missing_ok=True)


def put_in_place(partial: Path, path: Path, sync: bool = True) -> None:
    """Give a complete file its name, in the same folder or another of the same disk."""
    if sync:
        with partial.open("rb+") as stream:
            os.fsync(stream.fileno())
    os.replace(partial, path)
    if sync:
        sync_folder(path.parent)


def make_folder(folder: Path, sync: bool = True) -> None:
    """With the folders above it; the disk has their entries on return."""
    new = [one for one in (folder, *folder.parents) if not one.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder)) from error
    for one in new if sync else ():
        sync_folder(one.parent)


def sync_folder(folder: Path) -> None:
    """Wait until the disk has the folder's entries; nothing where a system cannot (Windows, some network disks)."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def best_effort(path: Path) -> Iterator[None]:
    """A problem of the disk in the block is said in the log and costs nothing else."""
    try:
        yield
    except OSError as error:
        log.warning("cache file %s cannot be written: %s", path.name, error)


def write_bytes(path: Path, data: bytes, sync: bool = True) -> Path:
    """Raises OSError; then the old file is as it was."""
    with replacing(path, sync) as partial:
        partial.write_bytes(data)
    return path


def write_text(path: Path, text: str, sync: bool = True) -> Path:
    """UTF-8, line breaks as they are."""
    return write_bytes(path, text.encode("utf-8"), sync)


def write_json(path: Path, value: Any, indent: int | None = None, sync: bool = True) -> Path:
    """One JSON value and a line break; UTF-8 as it is, without NaN and infinities (ValueError; see `json_values`)."""
    text = json.dumps(value, ensure_ascii=False, indent=indent, allow_nan=False)
    try:
        return write_text(path, text + "\n", sync)
    except UnicodeEncodeError:  # the name of a file that is not UTF-8
        return write_text(path, json.dumps(value, indent=indent, allow_nan=False) + "\n", sync)


def write_arrays(path: Path, arrays: Mapping[str, Any], compressed: bool = True, sync: bool = True) -> Path:
    """An .npz, read with `np.load(path, allow_pickle=False)`. Raises OSError, ValueError for Python objects."""
    import numpy as np

    if objects := [name for name, array in arrays.items() if np.asarray(array).dtype.hasobject]:
        raise ValueError(f"{objects[0]} holds Python objects; only numbers and texts are written")
    save = np.savez_compressed if compressed else np.savez
    with replacing(path, sync) as partial, partial.open("wb") as stream:
        save(stream, **arrays)
    return path


def json_values(value: Any) -> Any:
    """Plain JSON values: numpy's and torch's numbers as Python's, NaN and infinities as None."""
    if isinstance(value, dict):
        return {str(key): json_values(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_values(item) for item in value]
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return int(value)
    number = float(value)
    return number if math.isfinite(number) else None


def json_text(value: Any) -> bytes:
    """One JSON value as UTF-8. NaN and infinities become null, half characters (which JSON can escape and UTF-8 cannot
    hold) a question mark: what strangers sent can be sent back."""
    return json.dumps(json_values(value), ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")


def copy_file(source: Path, target: Path) -> Path:
    """A whole copy, or none."""
    size = source.stat().st_size
    with replacing(target) as partial, source.open("rb") as read, partial.open("wb") as written:
        while chunk := read.read(1 << 22):
            written.write(chunk)
            tell("Copying", written.tell(), size)
    return target


def keep_files(sources: list[Path], root: Path) -> list[Path]:
    """Copy files that belong together into one folder named by their content; the same files, the same folder."""
    digest, total, done = hashlib.sha256(), sum(source.stat().st_size for source in sources), 0
    for source in sources:
        digest.update(source.name.encode())
        with source.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                digest.update(chunk)
                done += len(chunk)
                tell("Taking the files in", done, total)
    folder = root / digest.hexdigest()[:16]
    kept = [folder / source.name for source in sources]
    for source, target in zip(sources, kept, strict=True):
        if not target.exists():
            copy_file(source, target)
    return kept
