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
from functools import cached_property
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


class Votes:
    """What labels weigh in the places around them: made once a fit, heard beside one map or several."""

    def __init__(self, index: IndexArray, centres: tuple[FloatArray, FloatArray], places: Places, classes: int) -> None:
        """`centres` of the scene's nodes, see `node_centres`."""
        self.places, self.classes, self._centres = places, classes, centres
        step = max(1.0, places.spread / GRID, float(np.sqrt(index.size / MOST_CELLS)))
        self._step = step
        rows, cols = (np.arange(0, size, step, dtype=np.float32) for size in index.shape)
        self._shape = (rows.size, cols.size)
        self._down = _gauss(rows[:, None] - places.row[None, :].astype(np.float32), places.spread)  # (h, M)
        self._across = _gauss(places.col[:, None].astype(np.float32) - cols[None, :], places.spread)  # (M, w)
        counts = self._counts = np.bincount(places.label, minlength=classes)
        loud = np.clip(counts[counts > 0].mean() / np.maximum(counts, 1), 1 / LOUDEST, LOUDEST).astype(np.float32)
        self._loud = loud[places.label]  # (M,)
        self._told = counts[places.label] > 1

    def heard(self, left_out: FloatArray, near: bool) -> Nearby:
        """With the power that left-out labels ask for. `left_out` (M, K): a map's probabilities of each label without
        it; `near`: labels lie mostly in one place a class."""
        each, label = np.arange(self.places.label.size), self.places.label
        powers = [power for power in POWERS if not near or power <= MOST_IN_ONE_PLACE]
        tried = {power: _product(left_out, self._left_out**power) for power in powers}

        def likelihood(power: float) -> float:
            return float(np.log(tried[power][each, label][self._told]).sum())

        power = max(tried, key=likelihood)
        return self.raised(power, tried[power]) if power else Nearby()

    def raised(self, power: float, left_out: FloatArray | None = None) -> Nearby:
        """With a power that was found, as a saved model tells it."""
        return Nearby(self.places, power, self._vote ** np.float32(power), self._cells, left_out)

    @cached_property
    def _vote(self) -> FloatArray:
        """(cells, K)"""
        return _vote(self._sums)

    @cached_property
    def _cells(self) -> IndexArray:
        """(n,) the cell of every node."""
        return self._cell(*self._centres).astype(np.int32)

    @cached_property
    def _sums(self) -> FloatArray:
        """(cells, K) what labels weigh in each cell: not before a map hears them."""
        out = np.zeros((self._shape[0] * self._shape[1], self.classes), dtype=np.float32)
        for k in np.flatnonzero(self._counts).tolist():
            mine = self.places.label == k
            out[:, k] = ((self._down[:, mine] * self._loud[mine]) @ self._across[mine]).ravel()
        return out

    @cached_property
    def _left_out(self) -> FloatArray:
        """(M, K) the vote at every label without its own."""
        down, across = self._nearest(self.places.row, 0), self._nearest(self.places.col, 1)
        weight = self._down[down] * self._across[:, across].T  # (M, M) of label j in the cell of label i
        np.fill_diagonal(weight, 0.0)
        voice = np.zeros((self._loud.size, self.classes), dtype=np.float32)
        voice[np.arange(self._loud.size), self.places.label] = self._loud
        return _vote(weight @ voice)

    def _cell(self, row: FloatArray | IntArray, col: FloatArray | IntArray) -> IntArray:
        return self._nearest(row, 0) * self._shape[1] + self._nearest(col, 1)

    def _nearest(self, where: FloatArray | IntArray, axis: int) -> IntArray:
        return np.minimum(np.rint(where / self._step), self._shape[axis] - 1).astype(np.int64)


def _gauss(distance: FloatArray, deviation: float) -> FloatArray:
    return np.asarray(np.exp(-0.5 * np.square(distance / np.float32(deviation))), dtype=np.float32)


def _vote(sums: FloatArray) -> FloatArray:
    """v (m, K) of what labels weigh."""
    return np.asarray((sums + 1.0 / sums.shape[1]) / (sums.sum(axis=1, keepdims=True) + 1.0), dtype=np.float32)


def _product(probabilities: FloatArray, factors: FloatArray) -> FloatArray:
    out = np.maximum(probabilities, LEAST) * factors
    return np.asarray(out / out.sum(axis=1, keepdims=True), dtype=np.float32)
