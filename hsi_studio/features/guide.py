"""A pixel between superpixels: to which of those around it it belongs, and how much.

    w(x, j) ∝ exp(−(‖s(x) − s_j‖² − ‖s(x) − s_own‖²) / σ² − |x − x_j|² / (4 a²))

s: components in units of their noise; s_j: their mean over superpixel j; σ²: how far pixels are from the mean of their
own superpixel, on average; x_j: the middle of j; a: the mean side of a superpixel. j: the pixel's own superpixel and
those eight that hold the pixels one side away in each direction; the `MOST` strongest of them are kept.

What is known of superpixels, a class's probabilities or a smoothed feature, becomes a pixel's by these weights.
Source: J. Kopf et al., "Joint bilateral upsampling", ACM Trans. Graphics 26(3), 2007, doi:10.1145/1276377.1276497;
what differs: values lie on superpixels and not on a coarser grid, so the middle of each says where.

Notation: n superpixels, N = H·W pixels, q components.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from hsi_studio.features.cache import Arrays
from hsi_studio.features.spatial import IndexArray, node_centres
from hsi_studio.types import FloatArray, IntArray

MOST = 5  # superpixels a pixel belongs to
LEAST = 0.02  # weight that counts


@dataclass(frozen=True)
class Guide:
    """Weights of the superpixels in every pixel."""

    weights: sparse.csr_matrix  # (N, n), rows sum to 1; of an invalid pixel empty

    def at(self, pixels: slice | IntArray) -> sparse.csr_matrix:
        """(m, n) of some pixels, as `pixel_numbers` gives them."""
        found = self.weights
        if not isinstance(pixels, slice):
            return found[pixels]
        ends = found.indptr[pixels.start : pixels.stop + 1]  # one run of rows: a view, no copy
        own = slice(int(ends[0]), int(ends[-1]))
        parts = (found.data[own], found.indices[own], ends - ends[0])
        return sparse.csr_matrix(parts, shape=(pixels.stop - pixels.start, found.shape[1]), copy=False)

    def arrays(self) -> Arrays:
        found = self.weights
        return {"guide_data": found.data, "guide_indices": found.indices, "guide_ends": found.indptr}

    @staticmethod
    def from_arrays(arrays: Arrays, pixels: int, nodes: int) -> Guide | None:
        """None where there is none."""
        if "guide_data" not in arrays:
            return None
        parts = (arrays["guide_data"], arrays["guide_indices"], arrays["guide_ends"])
        return Guide(sparse.csr_matrix(parts, shape=(pixels, nodes), copy=False))


def pixel_numbers(rows: slice, cols: slice, width: int) -> slice | IntArray:
    """The pixels of a window, numbered row by row over the scene; of whole rows as a slice."""
    if (cols.start, cols.stop) == (0, width):
        return slice(rows.start * width, rows.stop * width)
    return (np.arange(rows.start, rows.stop)[:, None] * width + np.arange(cols.start, cols.stop)).ravel()


@dataclass(frozen=True)
class Spots:
    """Some pixels (m,), by the nodes they belong to."""

    node: IntArray  # (m,) the pixel's own
    weights: sparse.csr_matrix | None = None  # (m, n); None = the own node alone

    def of(self, values: FloatArray) -> FloatArray:
        """(m, C) of what is known of nodes (n, C)."""
        if self.weights is None:
            return values[self.node]
        return np.asarray(self.weights @ values, dtype=values.dtype)

    def some(self, which: IntArray) -> Spots:
        return Spots(self.node[which], None if self.weights is None else self.weights[which])


def fit_guide(
    index: IndexArray, means: FloatArray, spread: float, spectra: Iterator[tuple[slice, FloatArray]]
) -> Guide:
    """Of superpixels `index` (H, W), −1 where invalid, with `means` (n, q) of the components and mean squared distance
    `spread` of a pixel from its own mean. `spectra`: rows of the scene and (m, q) components of their valid pixels."""
    height, width = index.shape
    count = means.shape[0]
    centre = node_centres(index)
    side = float(np.sqrt(int((index >= 0).sum()) / count))
    step = max(1, round(side))
    around = [(0, 0)] + [(a, b) for a in (-step, 0, step) for b in (-step, 0, step) if (a, b) != (0, 0)]
    kept = np.zeros(height * width + 1, dtype=np.int64)
    data, indices = [], []
    for rows, values in spectra:
        row, col = np.nonzero(index[rows] >= 0)
        row += rows.start
        own = index[row, col]
        node = np.empty((len(around), row.size), dtype=np.int32)
        force = np.empty((len(around), row.size), dtype=np.float32)
        for k, (down, across) in enumerate(around):
            there = index[np.clip(row + down, 0, height - 1), np.clip(col + across, 0, width - 1)]
            there = np.where(there < 0, own, there)
            apart = np.square(values - means[there]).sum(axis=1)
            away = np.square(row - centre[0][there]) + np.square(col - centre[1][there])
            force[k] = -apart / max(spread, 1e-12) - away / (4.0 * side**2)
            for earlier in node[:k]:
                force[k, earlier == there] = -np.inf
            node[k] = there
        weight = np.exp(force - force.max(axis=0))
        strongest = np.argsort(-weight, axis=0, kind="stable")[:MOST]
        weight, node = np.take_along_axis(weight, strongest, 0), np.take_along_axis(node, strongest, 0)
        weight[weight < LEAST * weight.sum(axis=0)] = 0.0
        weight /= weight.sum(axis=0)
        belongs = (weight > 0).T  # (m, MOST)
        kept[row * width + col + 1] = belongs.sum(axis=1)
        data.append(weight.T[belongs].astype(np.float32))
        indices.append(node.T[belongs])
    ends = np.cumsum(kept)
    parts = (np.concatenate(data), np.concatenate(indices), ends if ends[-1] > 2**31 - 1 else ends.astype(np.int32))
    return Guide(sparse.csr_matrix(parts, shape=(height * width, count), copy=False))
