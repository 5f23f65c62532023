"""`ArrayCube`: a cube over anything that indexes like an array (memory map, h5py view, ndarray).

The array keeps its file's data type and order; a window is converted to float32 when it is read, so a
40-GB file costs nothing to open.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hsi_studio.types import FloatArray


class ArrayCube:
    """Windows of `array` after a transpose to (H, W, B).

    value = stored · scale + offset, per band or one number; stored values equal to `nodata`
    (and non-finite ones) become NaN.
    """

    def __init__(
        self,
        array: Any,
        axes: tuple[int, int, int] = (0, 1, 2),
        scale: float | npt.NDArray[Any] = 1.0,
        offset: float | npt.NDArray[Any] = 0.0,
        nodata: float | None = None,
    ) -> None:
        self._array, self._axes, self._nodata = array, axes, nodata
        self._scale = np.asarray(scale, dtype=np.float32)
        self._offset = np.asarray(offset, dtype=np.float32)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, B)."""
        stored = self._array.shape
        return stored[self._axes[0]], stored[self._axes[1]], stored[self._axes[2]]

    @property
    def stored(self) -> tuple[npt.NDArray[Any], npt.NDArray[np.float32], npt.NDArray[np.float32], float | None]:
        """(values as stored (H, W, B), scale, offset, nodata), all of it in memory: for copies without loss."""
        return np.transpose(np.asarray(self._array[:, :, :]), self._axes), self._scale, self._offset, self._nodata

    def with_nodata(self, nodata: float | None) -> ArrayCube:
        """The same cube with another stored value that means “no data”, or none."""
        return ArrayCube(self._array, self._axes, self._scale, self._offset, nodata)

    def read(self, rows: slice, cols: slice, bands: Sequence[int] | None = None) -> FloatArray:
        """(h, w, b) float32; a copy, so that the caller may write to it."""
        wanted: list[Any] = [slice(None)] * 3
        wanted[self._axes[0]], wanted[self._axes[1]] = rows, cols
        picked = None if bands is None else np.asarray(bands, dtype=np.intp)
        if picked is not None and picked.size and np.all(np.diff(picked) > 0):
            wanted[self._axes[2]] = picked.tolist()  # increasing lists are what h5py and memory maps both take
            stored = np.asarray(self._array[tuple(wanted)])
        elif picked is not None:
            stored = np.take(np.asarray(self._array[tuple(wanted)]), picked, axis=self._axes[2])
        else:
            stored = np.asarray(self._array[tuple(wanted)])
        stored = np.transpose(stored, self._axes)  # (h, w, b)
        scale, offset = self._scale, self._offset
        if picked is not None:
            scale = scale[picked] if scale.ndim else scale
            offset = offset[picked] if offset.ndim else offset
        with np.errstate(over="ignore", invalid="ignore"):  # beyond float32 = infinite = missing
            out = np.array(stored, dtype=np.float32, order="C")
            out *= scale
            out += offset
        missing = ~np.isfinite(out)
        if self._nodata is not None and np.isfinite(self._nodata):
            missing |= stored == self._nodata
        if missing.any():
            out[missing] = np.nan
        return out
