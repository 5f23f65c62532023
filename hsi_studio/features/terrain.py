"""A second opinion on where the ground is: a stiff sheet pushed up against the surface from below.

Source: asymmetric least squares smoothing, P. H. C. Eilers, "A perfect smoother", Anal. Chem. 75, 2003,
doi:10.1021/ac034173t, with the asymmetric weights of P. H. C. Eilers, H. F. M. Boelens, 2005.
What differs: in two dimensions (second differences along rows, columns and across), on cells of a few metres that hold
their low decile, after a plane fitted to the scene was taken off; up to `REACH_M` above the sheet counts as ground.

`height.py` opens the surface with growing windows: it misses low things that are wide (a crop of 2 m over a whole
field), and this one misses steep terrain. Where they agree, a height can be stated as a number.
Notation: z (H, W) metres without gaps; cells h w. Cost: a sparse solve of h·w unknowns, some ten times.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hsi_studio.features.height import fill_gaps, plane
from hsi_studio.types import FloatArray

CELL_M = 4.5
STIFFNESS = 10.0
ABOVE = 0.02  # weight of what lies above the sheet
REACH_M = 0.15
ROUNDS = 20
MAX_CELLS = 30_000  # larger scenes get larger cells


def sheet(z: npt.NDArray[np.floating[Any]], gsd_m: float = 1.0) -> FloatArray:
    """(H, W) terrain in metres below a surface. `z` may have gaps (NaN)."""
    import scipy.sparse as sp
    from scipy.sparse.linalg import spsolve

    filled = fill_gaps(z)
    tilt = plane(filled)  # a cell on a slope would hold its lower end
    filled = filled - tilt
    height, width = filled.shape
    side = max(2, round(CELL_M / gsd_m), int(np.ceil(np.sqrt(filled.size / MAX_CELLS))))
    h, w = -(-height // side), -(-width // side)
    if min(h, w) < 3:
        return np.asarray(tilt + np.quantile(filled, 0.05), dtype=np.float32)
    padded = np.pad(filled, ((0, h * side - height), (0, w * side - width)), mode="edge")
    cells = padded.reshape(h, side, w, side).transpose(0, 2, 1, 3).reshape(h, w, side * side)  # (h, w, side²)
    rank = max(1, side * side // 10)
    low = np.partition(cells, rank, axis=2)[..., rank].astype(np.float64).ravel()
    bend = sp.vstack([
        sp.kron(_differences(h, 2), sp.identity(w)),
        sp.kron(sp.identity(h), _differences(w, 2)),
        np.sqrt(2.0) * sp.kron(_differences(h, 1), _differences(w, 1)),
    ]).tocsr()  # fmt: skip
    penalty = STIFFNESS * (bend.T @ bend)
    weight, ground = np.ones(h * w), low
    for _ in range(ROUNDS):
        ground = spsolve((sp.diags_array(weight) + penalty).tocsc(), weight * low)
        found = np.where(low - ground > REACH_M, ABOVE, 1.0)
        if (found == weight).all():
            break
        weight = found
    return np.asarray(tilt + _spread(ground.reshape(h, w), side, (height, width)), dtype=np.float32)


def _differences(n: int, order: int) -> Any:
    """(n − order, n) sparse matrix of first or second differences."""
    import scipy.sparse as sp

    parts = {1: [-1.0, 1.0], 2: [1.0, -2.0, 1.0]}[order]
    return sp.diags_array(parts, offsets=list(range(order + 1)), shape=(n - order, n))


def _spread(cells: npt.NDArray[np.float64], side: int, shape: tuple[int, int]) -> FloatArray:
    """Cell values → pixels, bilinear between cell centres."""
    h, w = cells.shape
    row = (np.arange(shape[0]) - (side - 1) / 2) / side
    col = (np.arange(shape[1]) - (side - 1) / 2) / side
    r = np.clip(np.floor(row).astype(int), 0, h - 2)
    c = np.clip(np.floor(col).astype(int), 0, w - 2)
    fr, fc = (row - r)[:, None], (col - c)[None, :]  # beyond the outer centres this goes on along the slope
    top = cells[r][:, c] * (1 - fc) + cells[r][:, c + 1] * fc
    low = cells[r + 1][:, c] * (1 - fc) + cells[r + 1][:, c + 1] * fc
    return np.asarray(top * (1 - fr) + low * fr, dtype=np.float32)
