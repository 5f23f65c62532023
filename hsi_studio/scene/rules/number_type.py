"""Whether raw numbers are of the type that is said of them, or of another one of the same size.

A header with the wrong data type opens without an error: the bytes are as many. The rule, on runs of neighbours:
- floating point called a whole number: nearly all numbers are huge (bits of an exponent), and as floating point they
  have the size of measurements. The other way round they are tiny (10⁻³⁸) and, as whole numbers, below 10⁷;
- unsigned called signed: neighbours jump from one end of the range to the other and do not as unsigned. (The other way
  round, as of small negative numbers, marks for “no data” look the same: left to the rule on those.)
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

RUNS, LONGEST, LEAST = 24, 4096, 256  # as in `byte_order`
NEARLY_ALL = 0.98
SIZES = (1e-6, 1e7)  # of measurements that are not 0
JUMPS, FEWER = 0.002, 20  # share of pairs that jump, and how many times fewer as the other type
WORDS = {"f4": 4, "f8": 5, "i4": 3, "i8": 14, "u2": 12, "u4": 13, "i2": 2, "u8": 15}  # ENVI's codes


def other_type(stored: npt.NDArray[Any]) -> int | None:
    """ENVI's code of the type that (a, b, c) stored numbers are, where it is another one of their size. Reads a few
    runs; in the array's own byte order."""
    said = stored.dtype.str[1:]
    rivals = {"i4": "f4", "u4": "f4", "f4": "i4", "i8": "f8", "u8": "f8", "f8": "i8", "i2": "u2"}
    if said not in rivals or min(stored.shape) == 0:
        return None
    outer = np.unique(np.linspace(0, stored.shape[0] - 1, RUNS).astype(int))
    middle = np.unique(np.linspace(0, stored.shape[1] - 1, 3).astype(int))
    runs = np.stack([np.array(stored[k, j, :LONGEST]) for k in outer for j in middle])
    if runs.size < LEAST:
        return None
    other = runs.view(runs.dtype.str[0] + rivals[said])
    if said == "i2":
        found = _wraps(runs, other)
    elif said[0] == "f":
        found = _measured(runs, *SIZES) < 0.5 and _measured(other, 1.0, SIZES[1]) >= NEARLY_ALL
    else:
        found = _measured(other, *SIZES) >= NEARLY_ALL and _measured(runs, 0, SIZES[1]) < 0.5
    return WORDS[rivals[said]] if found else None


def _measured(runs: npt.NDArray[Any], low: float, high: float) -> float:
    """The share of numbers of such a size; of those that are neither 0 nor NaN. 0 where too few are."""
    told = runs[(runs != 0) & ~np.isnan(runs)] if runs.dtype.kind == "f" else runs[runs != 0]
    if told.size < LEAST:
        return 1.0 if runs.dtype.kind != "f" else 0.0
    with np.errstate(all="ignore"):
        size = np.abs(told.astype(np.float64))
        return float(((size >= low) & (size <= high)).mean())


def _wraps(signed: npt.NDArray[Any], unsigned: npt.NDArray[Any]) -> bool:
    """Whether neighbours jump over half of the range as signed numbers, and hardly ever as unsigned ones."""
    jumps, fewer = (int((np.abs(np.diff(v.astype(np.int64), axis=-1)) > 1 << 15).sum()) for v in (signed, unsigned))
    different = np.unique(signed[signed < 0]).size
    return jumps > JUMPS * signed.size and jumps > FEWER * fewer and different > FEWER
