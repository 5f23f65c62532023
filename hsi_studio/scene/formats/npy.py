"""NumPy files: .npy as a memory map, .npz member by member. Nothing is ever unpickled.

The header's shape × type is compared with the bytes that are there before anything is mapped or
allocated, because `numpy.load` allocates first. Keys of an .npz: cube/hsi/data, dsm/lidar,
reference/gt/labels, wavelength_nm/wavelength(s), fwhm_nm, class_names.
"""

from __future__ import annotations

import struct
import tokenize
import zipfile
import zlib
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np

from hsi_studio.errors import CorruptFile, FileProblem
from hsi_studio.humanize import shape_text, size_text
from hsi_studio.scene.formats import containers, limits
from hsi_studio.scene.formats.variables import Variable
from hsi_studio.scene.raster import Candidate, Raster, check_memory, choose, dtype_problem, file_size, first_bytes

MAGIC = b"\x93NUMPY"
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # what numpy writes; bzip2 and LZMA pack 1.5 kB of zeros to 4 GB
LONGEST_ENTRY = 512  # bytes of an archive's list for each member, where a name and its extra fields take 100
SAVE_AGAIN = "Save it again with numpy.save(name, array.astype('float32'))"


def read_header(stream: IO[bytes], path: Path) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    """(shape, Fortran order, dtype, bytes of header). Raises CorruptFile."""
    try:
        version = np.lib.format.read_magic(stream)
        reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = reader(stream)
    except (ValueError, EOFError, SyntaxError, TypeError, tokenize.TokenError) as error:
        raise CorruptFile(path, f"its NumPy header cannot be read ({error})", "Copy or download it again") from error
    if any(n < 0 for n in shape):
        raise CorruptFile(path, f"its header claims a negative size ({shape})", "Copy or download it again")
    return shape, fortran, dtype, stream.tell()


def _n_bytes(shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    total = dtype.itemsize
    for n in shape:
        total *= int(n)  # Python integers: no overflow, whatever the header claims
    return total


class NumpyReader:
    """.npy and .npz."""

    name = "numpy"
    title = "NumPy"
    extensions = (".npy", ".npz")
    takes_axes = True

    def sniff(self, path: Path) -> bool:
        head = first_bytes(path, 8)
        return head.startswith(MAGIC) or (head.startswith(b"PK") and path.suffix.lower() == ".npz")

    def open(self, path: Path, variable: str | None, axes: str | None = None) -> Raster:
        return containers.assemble(path, self._list(path), variable, axes)

    def layer(self, path: Path, variable: str | None, shape: tuple[int, int] | None) -> Raster:
        variables = self._list(path)
        return containers.as_layer(path, containers.pick_layer(path, variables, variable, shape), variables, shape)

    def variables(self, path: Path) -> list[Candidate]:
        return [v.candidate for v in self._list(path)]

    def _list(self, path: Path) -> list[Variable]:
        size = file_size(path)
        if first_bytes(path, 8).startswith(MAGIC):
            return [_npy(path, size)]
        return _npz(path, size)


def _npy(path: Path, size: int) -> Variable:
    with path.open("rb") as stream:
        shape, _, dtype, offset = read_header(stream, path)
    problem = dtype_problem(dtype)
    if problem:
        raise FileProblem(path, problem, SAVE_AGAIN)
    there, claimed = size - offset, _n_bytes(shape, dtype)
    if claimed > there:
        raise CorruptFile(
            path,
            f"its header claims {shape_text(shape)} {dtype} = {claimed} bytes, but {there} bytes follow",
            "The file was cut off: copy or download it again",
        )
    return Variable(path.stem, shape, dtype, lambda: np.load(path, mmap_mode="r", allow_pickle=False))


def _npz(path: Path, size: int) -> list[Variable]:
    listed = _directory_bytes(path, size)
    if listed > limits.MOST_VARIABLES * LONGEST_ENTRY:
        raise FileProblem(path, f"its list of members alone takes {size_text(listed)}", limits.TRUST)
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError) as error:
        raise CorruptFile(path, f"it is not a complete .npz archive ({error})", "Copy or download it again") from error
    out = []
    with archive:
        limits.check_count(path, len(archive.infolist()), "members")
        for info in archive.infolist():
            if not info.filename.endswith(".npy"):
                continue
            if info.compress_type not in METHODS:
                raise FileProblem(
                    path,
                    f"its member {info.filename} is packed in a way that NumPy never writes (ZIP method "
                    f"{info.compress_type})",
                    "Save it again with numpy.savez_compressed",
                )
            try:
                with archive.open(info) as stream:
                    shape, _, dtype, offset = read_header(stream, path)
            except (zipfile.BadZipFile, zlib.error, OSError, NotImplementedError, RuntimeError, EOFError) as error:
                raise CorruptFile(
                    path, f"its member {info.filename} is damaged ({error})", "Copy or download it again"
                ) from error
            claimed, there = _n_bytes(shape, dtype), info.file_size - offset
            if not dtype.hasobject and claimed > there:
                raise CorruptFile(
                    path,
                    f"its member {info.filename} claims {shape_text(shape)} {dtype} = {claimed} bytes, it has {there}",
                    "Copy or download it again, or save it again with numpy.savez_compressed",
                )
            packed = min(info.compress_size, size)
            if info.compress_type == zipfile.ZIP_DEFLATED:
                limits.check_ratio(path, f"its member {info.filename}", info.file_size, packed)
            elif info.file_size > packed:
                raise CorruptFile(
                    path,
                    f"its member {info.filename} claims {info.file_size} bytes, it has {packed}",
                    "Copy or download it again",
                )
            out.append(Variable(info.filename[:-4], shape, dtype, partial(_member, path, info.filename, claimed)))
    if not out:
        raise choose(path, "there are no arrays in it", [])
    return out


def _directory_bytes(path: Path, size: int) -> int:
    """How long an archive says its list of members is; `zipfile` reads it whole (PKWARE APPNOTE 4.3.14, 4.3.16)."""
    with path.open("rb") as stream:
        stream.seek(max(0, size - (1 << 16) - 128))
        tail = stream.read()
    found = [
        struct.unpack_from(form, tail, tail.rfind(mark) + skip)[0]
        for mark, skip, form in ((b"PK\5\6", 12, "<L"), (b"PK\6\6", 40, "<Q"))
        if 0 <= tail.rfind(mark) <= len(tail) - 48 or (mark == b"PK\5\6" and 0 <= tail.rfind(mark) <= len(tail) - 16)
    ]
    return int(max((n for n in found if n != 0xFFFFFFFF), default=0))


def _member(path: Path, member: str, claimed: int) -> Any:
    """One array of an .npz, in memory. Raises FileProblem when it does not fit, CorruptFile when damaged."""
    if claimed > 64 << 20:
        check_memory(path, f"“{member[:-4]}” ({size_text(claimed)} uncompressed)", claimed)
    try:
        with zipfile.ZipFile(path) as archive, archive.open(member) as stream:
            return np.lib.format.read_array(stream, allow_pickle=False)
    except (ValueError, zipfile.BadZipFile, OSError, EOFError, zlib.error, NotImplementedError) as error:
        raise CorruptFile(path, f"its member {member} is damaged ({error})", "Copy or download it again") from error


READER = NumpyReader()
