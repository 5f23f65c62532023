"""What labels say of the places around them, beside what spectra say.

    v_k(x) = (Σ_{labels i of k} w_k g(|x − x_i|) + 1/K) / (Σ_{all labels i} w_i g(|x − x_i|) + 1)
    p(x)   ∝ p(x) v(x)^a                                g: Gaussian, its deviation half the labels' mean spacing

Fields, roofs and lakes are wider than a pixel, so a label says something of its neighbours; far from every label
v = 1/K and nothing changes. w: no class speaks louder because it was clicked more, within a factor of two.
The power a is 0, ¼ or ½, whichever makes the labels that are left out most likely, of the spectra's map and of the
vote; more than ½ was better still for labels drawn anywhere and cost 1 to 5 points where a class's labels lie in one
place. There left-out labels speak for their own neighbours alone, and a is at most ¼. With one label of every class
nothing can be left out, and nothing is voted: with a = ½ it gave 6 points on simulated Trento and cost 3 on the town.
Source: ours; a kernel vote of samples around a place is indicator kriging without its variogram (A. G. Journel,
"Nonparametric estimation of spatial distributions", Math. Geology 15, 1983, doi:10.1007/BF01031292).

Cost: (h, M) × (M, w) products on a grid of an eighth of the deviation, at most `MOST_CELLS`; two look-ups a node.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hsi_studio.features.spatial import IndexArray
from hsi_studio.methods.common.kernel_head import row_sums
from hsi_studio.types import FloatArray, IntArray

SPREAD = 0.5  # of the labels' mean spacing
POWERS = (0.0, 0.25, 0.5)
MOST_IN_ONE_PLACE = 0.25
LOUDEST = 2.0  # label of a class that has fewer than the mean, and its inverse for one that has more
GRID = 8.0  # cells to a deviation
MOST_CELLS = 100_000
LEAST = 1e-6  # of a probability


@dataclass(frozen=True)
class Places:
    """The labels the head was solved on: where they lie, and how far they speak."""

    row: IntArray  # (M,)
    col: IntArray  # (M,)
    label: IntArray  # (M,)
    spread: float  # pixels


@dataclass(frozen=True)
class Nearby:
    """v^a of every node; nothing where a is 0."""

    places: Places | None = None
    power: float = 0.0
    factors: FloatArray | None = None  # (cells, K)
    cell: IndexArray | None = None  # (n,) of every node
    left_out: FloatArray | None = None  # (M, K) the map's probabilities of each label without it

    def beside(self, probabilities: FloatArray, rows: slice | IntArray) -> FloatArray:
        """(m, K) of some nodes, with what the labels around them say."""
        if self.factors is None or self.cell is None:
            return probabilities
        out: FloatArray = probabilities * self.factors[self.cell[rows]]
        out /= row_sums(out)
        return out

    def header(self) -> dict[str, Any]:
        """What a saved model says of it beside `places`."""
        return {} if self.places is None or not self.power else {"spread": self.places.spread, "power": self.power}


def places_of(index: IndexArray, row: IntArray, col: IntArray, label: IntArray) -> Places:
    """Of labels at these pixels of a scene whose nodes are `index` (H, W)."""
    return Places(row, col, label, SPREAD * float(np.sqrt(max(int((index >= 0).sum()), 1) / max(label.size, 1))))


def fit_nearby(index: IndexArray, places: Places, classes: int, left_out: FloatArray, near: bool) -> Nearby:
    """The power that left-out labels ask for. `left_out` (M, K): the spectra's probabilities of each label without it;
    `near`: labels lie mostly in one place a class."""
    told = np.bincount(places.label, minlength=classes)[places.label] > 1
    sums, at, own = _sums(index, places, classes)
    each = np.arange(places.label.size)
    without = sums[at(places.row, places.col)]
    without[each, places.label] = np.maximum(without[each, places.label] - own, 0.0)
    voted = _vote(without)
    tried = {power: _product(left_out, voted**power) for power in POWERS if not near or power <= MOST_IN_ONE_PLACE}

    def likelihood(power: float) -> float:
        return float(np.log(tried[power][each, places.label][told]).sum())

    power = max(tried, key=likelihood)
    return _raised(index, places, sums, at, power, tried[power]) if power else Nearby()


def again(index: IndexArray, places: Places, classes: int, power: float) -> Nearby:
    """What `fit_nearby` found, from a saved model."""
    sums, at, _ = _sums(index, places, classes)
    return _raised(index, places, sums, at, power, None)


def _raised(
    index: IndexArray, places: Places, sums: FloatArray, at: Any, power: float, left_out: FloatArray | None
) -> Nearby:
    return Nearby(places, power, _vote(sums) ** np.float32(power), at(*_centres(index)).astype(np.int32), left_out)


def _sums(index: IndexArray, places: Places, classes: int) -> tuple[FloatArray, Any, FloatArray]:
    """(cells, K) what labels of each class weigh there; the cell of a pixel; (M,) what a label weighs at itself."""
    height, width = index.shape
    step = max(1.0, places.spread / GRID, float(np.sqrt(height * width / MOST_CELLS)))
    rows, cols = (np.arange(0, size, step, dtype=np.float32) for size in (height, width))
    counts = np.bincount(places.label, minlength=classes)
    loud = np.clip(counts[counts > 0].mean() / np.maximum(counts, 1), 1 / LOUDEST, LOUDEST).astype(np.float32)
    down = _gauss(rows[:, None] - places.row[None, :].astype(np.float32), places.spread)  # (h, M)
    across = _gauss(places.col[:, None].astype(np.float32) - cols[None, :], places.spread)  # (M, w)
    sums = np.zeros((rows.size * cols.size, classes), dtype=np.float32)
    for k in np.flatnonzero(counts).tolist():
        mine = places.label == k
        sums[:, k] = loud[k] * (down[:, mine] @ across[mine]).ravel()

    def nearest(where: FloatArray | IntArray, size: int) -> IntArray:
        return np.minimum(np.rint(where / step), size - 1).astype(np.int64)

    def at(row: FloatArray | IntArray, col: FloatArray | IntArray) -> IntArray:
        return nearest(row, rows.size) * cols.size + nearest(col, cols.size)

    each = np.arange(places.label.size)
    own = down[nearest(places.row, rows.size), each] * across[each, nearest(places.col, cols.size)]
    return sums, at, own * loud[places.label]


def _gauss(distance: FloatArray, deviation: float) -> FloatArray:
    return np.asarray(np.exp(-0.5 * np.square(distance / np.float32(deviation))), dtype=np.float32)


def _vote(sums: FloatArray) -> FloatArray:
    """v (m, K) of what labels weigh."""
    return np.asarray((sums + 1.0 / sums.shape[1]) / (sums.sum(axis=1, keepdims=True) + 1.0), dtype=np.float32)


def _product(probabilities: FloatArray, factors: FloatArray) -> FloatArray:
    out = np.maximum(probabilities, LEAST) * factors
    return np.asarray(out / out.sum(axis=1, keepdims=True), dtype=np.float32)


def _centres(index: IndexArray) -> tuple[FloatArray, FloatArray]:
    """Row and column of the middle of every node (n,)."""
    inside = np.flatnonzero(index >= 0)
    node = index.ravel()[inside]
    row, col = np.divmod(inside, index.shape[1])
    if node.size == int(node[-1]) + 1 and bool((np.diff(node) == 1).all()):  # a node is a pixel
        return row.astype(np.float32), col.astype(np.float32)
    pixels = np.maximum(np.bincount(node), 1)
    middle = (np.bincount(node, weights=where.astype(np.float64)) / pixels for where in (row, col))
    first, second = (np.asarray(where, dtype=np.float32) for where in middle)
    return first, second
