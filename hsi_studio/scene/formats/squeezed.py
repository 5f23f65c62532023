"""Arrays with axes of length 1 beside three others, as xarray and batches write them: (1, rows, columns, bands)."""

from __future__ import annotations

from typing import Any

import numpy as np


class Squeezed:
    """An array without its axes of length 1; indexing reads only what is asked for."""

    def __init__(self, array: Any, kept: tuple[int, ...]) -> None:
        self._array, self._kept = array, kept
        self.shape = tuple(int(array.shape[axis]) for axis in kept)
        self.dtype = array.dtype

    def __getitem__(self, key: tuple[Any, ...]) -> Any:
        whole: list[Any] = [slice(0, 1)] * len(self._array.shape)  # numbers among lists would move axes
        for axis, part in zip(self._kept, key, strict=True):
            whole[axis] = part
        found = np.asarray(self._array[tuple(whole)])
        return found.reshape([found.shape[axis] for axis in self._kept])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.asarray(self._array, dtype=dtype).reshape(self.shape)
