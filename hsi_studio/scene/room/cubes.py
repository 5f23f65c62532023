"""Pixels that leave the room: by their place in the file where they stand there plainly, else unpacked once.

Plainly are: a memory map (ENVI, .npy), a data set of HDF5 that is neither packed nor in blocks, a TIFF whose strips
follow each other uncompressed. The reader finds the place; that the app then reads numbers of the very file it was
given, and no more than there are, is for `codec.Reader` to see (by `FileArray`, which a file that is cut short under it
does not kill). Every other cube is read block by block and kept as it
is stored (`ArrayCube`, GeoTIFF) or as float32, which is what every cube gives.

Trap: what a reader does beside scaling (masks) is lost when only the numbers are mapped. So a place that was found in
another way than the reader's own is compared with what the reader gives, at the corners and in the middle, and taken
only for classes whose every part is known here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hsi_studio.errors import FileProblem
from hsi_studio.scene.cube import ArrayCube
from hsi_studio.scene.file_array import FileArray
from hsi_studio.scene.formats import hdf, matlab, tiff_layout
from hsi_studio.scene.formats.geotiff import GeoTiffCube
from hsi_studio.scene.room.codec import BadDescription, Ready, Writer
from hsi_studio.types import Cube

BLOCK_BYTES = 32 << 20


class Flat(ArrayCube):
    """Numbers whose scale and gaps are settled: NaN is missing, and what was stored there is not known any more."""

    with_nodata = None  # type: ignore[assignment]


CLASSES = (ArrayCube, Flat)


def parts(cube: Any, writer: Writer) -> tuple[str, dict[str, Any]]:
    """(class, attributes) of a cube that gives the same windows; its array is mapped or written already."""
    kind: type[ArrayCube] = ArrayCube
    if type(cube) is ArrayCube:
        inside = dict(vars(cube))
        array = inside["_array"]
        plain = array if isinstance(array, np.ndarray) else _plain_hdf(array)
        inside["_array"] = _written(array, writer) if plain is None else plain
    elif (mapped := _plain_tiff(cube)) is not None:
        inside = dict(vars(mapped))
    elif (stored := _stored_tiff(cube)) is not None:
        inside = dict(vars(stored)) | {"_array": _written(stored._array, writer)}
    else:
        kind, values = Flat, _Float32(cube)
        inside = dict(vars(ArrayCube(values))) | {"_array": _written(values, writer)}
    return f"{kind.__module__}:{kind.__qualname__}", inside


def made(kind: type[Any], fields: dict[str, Any]) -> ArrayCube:
    """The cube of decoded parts. Raises BadDescription when it cannot be read from."""
    array = fields.get("_array")
    if (
        kind not in CLASSES
        or set(fields) != set(vars(ArrayCube(np.zeros((1, 1, 1)))))
        or not isinstance(array, (np.ndarray, FileArray))
    ):
        raise BadDescription("a cube of other parts")
    if array.ndim != 3 or array.dtype.kind not in "buif" or 0 in array.shape:
        raise BadDescription(f"a cube of {array.shape}")
    cube: ArrayCube = object.__new__(kind)
    vars(cube).update(fields)
    try:
        window = cube.read(slice(0, 1), slice(0, 1))
        wrong = window.shape != (1, 1, cube.shape[2]) or sorted(cube.shape) != sorted(array.shape)
    except (TypeError, ValueError, IndexError, AttributeError, FileProblem) as error:
        raise BadDescription(f"a cube that cannot be read: {error}") from error
    if wrong:
        raise BadDescription("a cube of another size than its numbers")
    return cube


class _Stored:
    """The values of a GeoTIFF as they are stored, as something that indexes like an array (H, W, B)."""

    chunks = None

    def __init__(self, cube: GeoTiffCube, dtype: np.dtype[Any]) -> None:
        self._cube, self.shape, self.dtype = cube, cube.shape, dtype

    def __getitem__(self, key: Any) -> npt.NDArray[Any]:
        from rasterio.windows import Window

        rows, height = key[0].indices(self.shape[0]), self.shape[0]
        window = Window(0, rows[0], self.shape[1], min(rows[1], height) - rows[0])
        values, _ = self._cube._stored(list(range(self.shape[2])), window)
        return np.ascontiguousarray(np.moveaxis(values, 0, 2))


def _stored_tiff(cube: Any) -> ArrayCube | None:
    """The numbers as stored, with their scale and "no data" value; None where there is more to a pixel (a mask)."""
    if type(cube) is not GeoTiffCube or len(set(cube._nodata)) != 1:
        return None
    from rasterio.windows import Window

    cube.read(slice(0, 1), slice(0, 1), [0])  # raises where the first numbers cannot be read
    values, masks = cube._stored([0], Window(0, 0, 1, 1))
    if masks is not None or values.dtype.kind not in "buif" or len(set(cube._dataset().dtypes)) != 1:
        return None
    return ArrayCube(_Stored(cube, values.dtype), (0, 1, 2), cube._scale, cube._offset, cube._nodata[0])


class _Float32:
    """Any cube as something that indexes like an array (H, W, B)."""

    chunks = None

    def __init__(self, cube: Cube) -> None:
        self._cube, self.shape, self.dtype = cube, cube.shape, np.dtype(np.float32)

    def __getitem__(self, key: Any) -> npt.NDArray[Any]:
        rows, cols, bands = key
        return np.ascontiguousarray(self._cube.read(rows, cols)[:, :, bands])


def _written(array: Any, writer: Writer) -> Ready:
    """The array's numbers at the end of the stream, some rows at a time."""
    order = "C"
    if isinstance(array, matlab.Reversed):  # in the order of the file: each of its blocks is unpacked once
        array, order = array._checked, "F"
    at = writer.begin()
    shape, dtype = tuple(int(n) for n in array.shape), np.dtype(array.dtype)
    row_bytes = max(1, int(np.prod(shape[1:], dtype=np.float64)) * dtype.itemsize)
    chunks = array._dataset.chunks if isinstance(array, hdf.Checked) else None
    step = max(1, BLOCK_BYTES // row_bytes)
    if chunks:
        step = max(step // chunks[0], 1) * chunks[0]
    for row in range(0, shape[0], step):
        block = np.asarray(array[(slice(row, row + step), *(slice(None),) * (len(shape) - 1))])
        writer.stream.write(np.ascontiguousarray(block, dtype=dtype).data)
    return writer.ready(dtype, shape if order == "C" else shape[::-1], at, order=order)


def _plain_hdf(array: Any) -> npt.NDArray[Any] | None:
    """The memory map of a data set that stands in the file as it is."""
    turned = isinstance(array, matlab.Reversed)
    checked = array._checked if isinstance(array, matlab.Reversed) else array
    if not isinstance(checked, hdf.Checked):
        return None
    data = checked._dataset
    offset = data.id.get_offset()
    if data.chunks is not None or offset is None or data.dtype.kind not in "iuf":
        return None
    shape = tuple(data.shape)
    size = int(np.prod(shape, dtype=np.float64)) * data.dtype.itemsize
    for at in (offset, offset + data.file.userblock_size):  # the library counts from behind a block of the user's
        if at + size > checked.path.stat().st_size:
            continue
        order: Any = "F" if turned else "C"
        mapped = np.memmap(checked.path, checked.dtype, "r", at, shape[::-1] if turned else shape, order)
        if _same(array, mapped):
            return mapped
    return None


def _plain_tiff(cube: Any) -> ArrayCube | None:
    """The same windows from a memory map; None where the file is not plain or the reader does more than scaling."""
    layout = tiff_layout.plain(cube.path) if type(cube) is GeoTiffCube else None
    if layout is None or _stored_tiff(cube) is None or cube.path.with_name(cube.path.name + ".msk").exists():
        return None
    array = np.memmap(cube.path, layout.dtype, "r", layout.offset, layout.shape)
    mapped = ArrayCube(array, layout.axes, cube._scale, cube._offset, cube._nodata[0])
    if mapped.shape != cube.shape:
        return None
    for row, col in _places(cube.shape):
        window = slice(row, row + 1), slice(col, col + 1)
        if not np.array_equal(cube.read(*window), mapped.read(*window), equal_nan=True):
            return None
    return mapped


def _same(array: Any, mapped: npt.NDArray[Any]) -> bool:
    for first, second in _places(array.shape):
        key = (slice(first, first + 1), slice(second, second + 1), slice(None))
        one, other = np.asarray(array[key[: len(array.shape)]]), mapped[key[: len(array.shape)]]
        if one.tobytes() != np.ascontiguousarray(other).tobytes():
            return False
    return True


def _places(shape: tuple[int, ...]) -> list[tuple[int, int]]:
    height, width = shape[0], shape[1] if len(shape) > 1 else 1
    return [(r, c) for r in sorted({0, height // 2, height - 1}) for c in sorted({0, width // 2, width - 1})]
