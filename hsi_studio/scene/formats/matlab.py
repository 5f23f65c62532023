"""MATLAB .mat files: v5 through `matlab5` (in memory), v7.3 through h5py (lazily).

v7.3 is HDF5 with column-major arrays, so h5py shows every array with its axes reversed; `Reversed` turns
them back without reading anything. Rows × columns × bands is MATLAB's habit; `axes.find_axes` says in a
note where it was read otherwise.
"""

from __future__ import annotations

import struct
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from hsi_studio.errors import CorruptFile, FileProblem
from hsi_studio.scene.formats import containers, hdf, hdf_safety, matlab5
from hsi_studio.scene.formats.variables import Variable
from hsi_studio.scene.raster import Candidate, Raster, check_memory, dtype_problem, file_size, first_bytes

MOST_LETTERS = 100_000
SAVE_AGAIN = "Save it again, as a full matrix"


class Reversed:
    """An array with its axes in reverse order; indexing reads only what is asked for."""

    def __init__(self, path: Path, name: str, dataset: Any) -> None:
        self._checked = hdf.Checked(path, name, dataset)
        self.shape: tuple[int, ...] = tuple(dataset.shape[::-1])
        self.dtype = dataset.dtype

    def __getitem__(self, key: tuple[Any, ...]) -> Any:
        return np.asarray(self._checked[tuple(key)[::-1]]).T

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.asarray(self._checked, dtype=dtype).T


class MatlabReader:
    """MATLAB v5 (also v6, v7) and v7.3."""

    name = "matlab"
    title = "MATLAB"
    extensions = (".mat",)
    takes_axes = True

    def sniff(self, path: Path) -> bool:
        head = first_bytes(path, 1024)
        return matlab5.is_matlab5(head) or head.startswith(b"MATLAB ")

    def why_not(self, path: Path) -> tuple[str, str] | None:
        """(problem, remedy) for a file named like ours that `sniff` did not take."""
        head = first_bytes(path, 20)
        kind, rows, cols, imaginary, letters = struct.unpack("<5i", head) if len(head) == 20 else (-1, 0, 0, 2, 0)
        if 0 <= kind <= 52 and rows > 0 and cols > 0 and imaginary in (0, 1) and 0 < letters < 64:
            return "it is a MATLAB 4 file, which knows no arrays with three axes", "Save it again with -v7 or -v7.3"
        return None

    def open(self, path: Path, variable: str | None, axes: str | None = None) -> Raster:
        return containers.assemble(path, _list(path), variable, axes)

    def layer(self, path: Path, variable: str | None, shape: tuple[int, int] | None) -> Raster:
        variables = _list(path)
        return containers.as_layer(path, containers.pick_layer(path, variables, variable, shape), variables, shape)

    def variables(self, path: Path) -> list[Candidate]:
        return [v.candidate for v in _list(path)]


def _list(path: Path) -> list[Variable]:
    file_size(path)
    head = first_bytes(path, 1024)
    if matlab5.is_matlab5(head):
        return matlab5.variables(path)
    if head.startswith(b"MATLAB 7.3") or hdf.MAGIC in head:
        return _list_v73(path)
    raise FileProblem(path, "it begins like a MATLAB file and is cut off in its header", "Copy or download it again")


def _list_v73(path: Path) -> list[Variable]:
    import h5py

    handle = hdf.open_file(path)
    found: list[Variable] = []

    def visit(name: str, item: Any) -> None:
        if name.startswith("#") or not isinstance(item, h5py.Dataset) or "MATLAB_empty" in item.attrs:
            return
        if "MATLAB_sparse" in item.parent.attrs and name.rsplit("/", 1)[-1] in ("data", "ir", "jc"):
            if name.endswith("/jc"):
                found.append(_sparse(path, name[:-3].replace("/", "."), item.parent))
        elif item.dtype.names == ("real", "imag"):
            found.append(Variable(name.replace("/", "."), tuple(item.shape[::-1]), np.dtype("c16"), lambda: item))
        elif item.attrs.get("MATLAB_class") == b"char" and len(item.shape) <= 2 and 0 < item.size <= MOST_LETTERS:
            texts = _char_rows(item)
            found.append(Variable(name.replace("/", "."), texts.shape, texts.dtype, partial(np.copy, texts)))
        elif item.shape and dtype_problem(item.dtype) is None and item.attrs.get("MATLAB_class") != b"char":
            found.append(
                Variable(name.replace("/", "."), tuple(item.shape[::-1]), item.dtype, partial(_load, path, name, item))
            )
        elif item.attrs.get("MATLAB_class") == b"cell" and item.dtype.hasobject:
            texts = _cell_of_text(path, handle, item)
            if texts is not None:
                found.append(Variable(name.replace("/", "."), texts.shape, texts.dtype, lambda: texts))

    hdf.visit_all(path, handle, visit)
    return found


def _sparse(path: Path, name: str, group: Any) -> Variable:
    """A sparse matrix: its columns' entries behind one another (`data`, rows `ir`), column k from `jc[k]` on."""
    rows, cols = int(group.attrs["MATLAB_sparse"]), group["jc"].size - 1
    dtype = np.dtype(group["data"].dtype) if "data" in group else np.dtype(np.float64)  # of zeros alone there is none

    def load() -> Any:
        check_memory(path, f"“{name}”", rows * cols * dtype.itemsize)
        dense = np.zeros((rows, cols), dtype)
        if "data" not in group:
            return dense
        for part in ("data", "ir", "jc"):
            hdf.check_stored(path, name, group[part])
        row, ends = (np.asarray(group[part][()], dtype=np.int64) for part in ("ir", "jc"))
        counts = np.diff(ends)
        fits = counts.sum() == row.size == group["data"].size and (counts >= 0).all()
        if not fits or row.min(initial=0) < 0 or row.max(initial=-1) >= rows:
            raise CorruptFile(path, f"the rows and columns of the sparse matrix “{name}” are not its own", SAVE_AGAIN)
        dense[row, np.repeat(np.arange(cols), counts)] = group["data"][()]
        return dense

    return Variable(name, (rows, cols), dtype, load)


def _char_rows(item: Any) -> Any:
    """A char matrix as an array of texts, one a row (stored turned: (letters, rows))."""
    letters = np.atleast_2d(np.asarray(item[()]))
    return np.array(["".join(chr(int(c)) for c in row).strip() for row in letters.T])


def _load(path: Path, name: str, dataset: Any) -> Any:
    hdf.check_stored(path, name, dataset)
    return Reversed(path, name, dataset)


def _cell_of_text(path: Path, handle: Any, item: Any) -> Any:
    """A cell array of short texts as an array of strings; None for other cells."""
    if item.size == 0 or item.size > 1000:
        return None
    texts = []
    for reference in np.asarray(item[()]).T.ravel():
        target = handle[reference]
        hdf_safety.check_dataset(path, "a text", target)
        if target.attrs.get("MATLAB_class") != b"char" or target.size > 1000:
            return None
        texts.append("".join(chr(int(c)) for c in np.asarray(target[()]).T.ravel()))
    return np.array(texts)


READER = MatlabReader()
