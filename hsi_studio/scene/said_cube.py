"""A cube read as the user or a rule says: axes in another order, fill values, scale, a mask. Nothing is copied."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hsi_studio.types import BoolArray, Cube, FloatArray


class SaidCube:
    """Windows of another cube, read as the user or a rule says.

    `axes`: axes of the inner cube that are rows, columns, bands. `fill`: (B,) values that mean “no data”, as the inner
    cube gives them. Then value = inner · gain + shift. `usable`: (H, W), False = no data. `within`: (lowest, highest)
    value that is data, (B,) each, as the inner cube gives them.
    """

    def __init__(
        self,
        inner: Cube,
        axes: tuple[int, int, int] = (0, 1, 2),
        fill: FloatArray | None = None,
        gain: FloatArray | None = None,
        shift: FloatArray | None = None,
        usable: BoolArray | None = None,
        within: tuple[FloatArray, FloatArray] | None = None,
    ) -> None:
        self._inner, self._axes, self._fill = inner, axes, fill
        self._gain, self._shift, self._usable, self._within = gain, shift, usable, within

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, B)."""
        stored = self._inner.shape
        return stored[self._axes[0]], stored[self._axes[1]], stored[self._axes[2]]

    def read(self, rows: slice, cols: slice, bands: Sequence[int] | None = None) -> FloatArray:
        """(h, w, b) float32; a copy."""
        picked = np.arange(self.shape[2]) if bands is None else np.asarray(bands, dtype=np.intp)
        out = self._plain(rows, cols, bands, picked)
        missing = None if self._fill is None else out == self._fill[picked]
        if self._within is not None:
            beyond = (out < self._within[0][picked]) | (out > self._within[1][picked])
            missing = beyond if missing is None else missing | beyond
        if self._gain is not None:
            out *= self._gain[picked]
        if self._shift is not None:
            out += self._shift[picked]
        if missing is not None:
            out[missing] = np.nan
        if self._usable is not None:
            out[~self._usable[rows, cols]] = np.nan
        return out

    def _plain(self, rows: slice, cols: slice, bands: Sequence[int] | None, picked: npt.NDArray[np.intp]) -> FloatArray:
        if self._axes == (0, 1, 2):
            return self._inner.read(rows, cols, bands)
        if picked.size == 0:
            return self._inner.read(rows, cols, [])
        first, last = int(picked.min()), int(picked.max()) + 1
        window: list[slice] = [slice(None)] * 3
        window[self._axes[0]], window[self._axes[1]], window[self._axes[2]] = rows, cols, slice(first, last)
        inner_bands = range(self._inner.shape[2])[window[2]]
        block = self._inner.read(window[0], window[1], list(inner_bands))
        return np.ascontiguousarray(np.transpose(block, self._axes)[:, :, picked - first])
