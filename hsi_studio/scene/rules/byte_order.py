"""Whether numbers of two bytes or more are a picture in the byte order that is said of them, or in the other one.

A wrong byte order opens without an error and shows noise, of which every later figure is made. The rule: runs of
neighbours are looked at in both orders.

- Whole numbers: the middle step from one to the next against the spread of all. A picture steps by a few hundredths of
  its spread; with its bytes exchanged the lowest byte rules, and the steps are a sixth
  to a third. The other order is believed
  when it steps less than `SMOOTH` and less than a third of what the said order steps, and that is above `ROUGH`.
- Floating point: bytes in the wrong order are numbers of any size (10⁻³⁸ as well as 10³⁰, or none). The other order is
  believed when nearly all of its numbers have a size that measurements have and fewer than half of the said order's.

Noise is noise in both orders, so that a scene without structure is left as it is said to be.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

RUNS, LONGEST = 24, 4096  # runs of neighbours that are looked at, and numbers of one
LEAST = 256  # numbers without which nothing is said
SMOOTH, ROUGH, BETTER = 0.12, 0.05, 3.0
SIZES = (1e-6, 1e8)  # of measurements that are not 0
NEARLY_ALL, HALF = 0.98, 0.5


def looks_swapped(stored: npt.NDArray[Any]) -> bool:
    """Whether (a, b, c) stored numbers are a picture only with their bytes in the other order. Reads a few runs."""
    if stored.dtype.itemsize < 2 or min(stored.shape) == 0:
        return False
    outer = np.unique(np.linspace(0, stored.shape[0] - 1, RUNS).astype(int))
    count = max(1, min(stored.shape[1], LONGEST // stored.shape[2]))  # several runs where they are short
    inner = np.unique(np.linspace(0, stored.shape[1] - 1, count + 2).astype(int)[1:-1])
    said = np.stack([np.array(stored[k, j, :LONGEST]) for k in outer for j in inner])
    if said.size < LEAST:
        return False
    other = said.byteswap().view(said.dtype)
    if np.issubdtype(stored.dtype, np.floating):
        return _measured(other) >= NEARLY_ALL and _measured(said) < HALF
    rough, smooth = _steps(said), _steps(other)
    return smooth < SMOOTH and rough > ROUGH and rough > BETTER * smooth


def _steps(runs: npt.NDArray[Any]) -> float:
    """The middle step between neighbours as a share of the spread; 0 where nearly all are alike."""
    values = runs.astype(np.float64)
    low, high = np.percentile(values, (5, 95))
    steps = np.abs(np.diff(values, axis=-1))
    moved = steps[steps > 0]
    if high <= low or moved.size < LEAST // 2:
        return 0.0
    return float(np.median(moved) / (high - low))


def _measured(runs: npt.NDArray[Any]) -> float:
    """The share of numbers that have a size which measurements have; of those that are neither 0 nor NaN."""
    told = runs[(runs != 0) & ~np.isnan(runs)]
    if told.size < LEAST:
        return 1.0
    with np.errstate(invalid="ignore"):
        size = np.abs(told.astype(np.float64))
        return float(((size >= SIZES[0]) & (size <= SIZES[1])).mean())
