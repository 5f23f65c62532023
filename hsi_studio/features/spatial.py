"""Edge-preserving diffusion on a graph of nodes (pixels, or superpixels of a large scene).

Source: the random-walk form of P. Perona, J. Malik, "Scale-space and edge detection using anisotropic
diffusion", IEEE TPAMI 12(7), 1990, doi:10.1109/34.56205, with their first conductance exp(−(d/κ)²).
What differs: conductances are computed once, from spectral components, and stay fixed, so the smoothing is
one sparse matrix P whose powers act on any feature; κ² = β · median d² instead of a hand-set κ; 8 neighbours.

Notation: nodes i = 0 … n−1; A_ij = (number of neighbouring pixel pairs between i and j) · exp(−d²_ij/κ²),
A_ii = pixels of i + 2 · (pixel pairs inside i); P = D⁻¹A. Pixels are nodes of one pixel. With superpixels P is
the pixel graph's walk averaged over nodes, so the number of steps means the same distance on both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hsi_studio.types import BoolArray, FloatArray

IndexArray = npt.NDArray[np.int32]


def pixel_nodes(valid: BoolArray) -> IndexArray:
    """(H, W) node number of each pixel, counted along rows; −1 where not valid."""
    index = np.full(valid.shape, -1, dtype=np.int32)
    index[valid] = np.arange(int(valid.sum()), dtype=np.int32)
    return index


def neighbour_pairs(index: IndexArray) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Node numbers (E,), (E,) of all 8-neighbour pixel pairs, each pair once; pairs with a −1 are left out."""
    height, width = index.shape
    first, second = [], []
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        a = index[: height - down, max(0, -right) : width - max(0, right)]
        b = index[down:, max(0, right) : width + min(0, right)]
        both = (a >= 0) & (b >= 0)
        first.append(a[both])
        second.append(b[both])
    return np.concatenate(first), np.concatenate(second)


def diffusion_matrix(index: IndexArray, features: FloatArray, beta: float = 4.0, typical: float | None = None) -> Any:
    """P (n, n), scipy CSR float32, rows sum to 1; `features` (n, C) decide where the edges are.

    A larger `beta` lets more through. Nodes without a neighbour keep their value. `typical` replaces the median d²,
    so that a window of a scene gets the same edges as the whole.
    """
    import scipy.sparse as sp

    n = features.shape[0]
    pixels = np.bincount(index[index >= 0], minlength=n).astype(np.float32)
    first, second = neighbour_pairs(index)
    inside = first == second
    own = pixels + 2.0 * np.bincount(first[inside], minlength=n)
    first, second = first[~inside], second[~inside]
    counts = sp.coo_matrix((np.ones(first.size, np.float32), (first, second)), shape=(n, n)).tocsr()
    counts = (counts + counts.T).tocoo()  # pixel pairs between two nodes, both directions
    upper = counts.row < counts.col
    row, col, pairs = counts.row[upper], counts.col[upper], counts.data[upper]
    distance = squared_distance(features, row, col)
    weight = pairs * np.exp(-distance / (beta * (typical if typical is not None else _typical(distance))))
    affinity = sp.coo_matrix((weight, (row, col)), shape=(n, n)).tocsr()
    affinity = affinity + affinity.T + sp.diags(own.astype(np.float32))
    degree = np.asarray(affinity.sum(axis=1)).ravel()
    return (sp.diags((1.0 / degree).astype(np.float32)) @ affinity).tocsr().astype(np.float32)


def squared_distance(features: FloatArray, first: npt.NDArray[np.int32], second: npt.NDArray[np.int32]) -> FloatArray:
    """(E,) ‖f_i − f_j‖² for node pairs; one channel at a time, because (E, C) would not fit for large graphs."""
    out = np.zeros(first.size, dtype=np.float32)
    for channel in range(features.shape[1]):
        out += (features[first, channel] - features[second, channel]) ** 2
    return out


def typical_distance(index: IndexArray, features: FloatArray) -> float:
    """Median d² between neighbouring nodes; the mean of the nonzero ones where most neighbours are equal; never 0."""
    first, second = neighbour_pairs(index)
    apart = first != second
    return _typical(squared_distance(features, first[apart], second[apart]))


def _typical(distance: FloatArray) -> float:
    median = float(np.median(distance)) if distance.size else 0.0
    if median > 0.0:
        return median
    return float(distance[distance > 0].mean()) if (distance > 0).any() else 1.0


def diffuse(
    matrix: Any, features: FloatArray, steps: Sequence[int], check: Callable[[float], None] = lambda _: None
) -> list[FloatArray]:
    """[P^t F for t in steps] for features (n, C); `steps` must increase. `check(fraction done)` may raise."""
    if list(steps) != sorted(steps):
        raise ValueError(f"steps must increase: {list(steps)}")
    current = np.ascontiguousarray(features, dtype=np.float32)
    done, out = 0, []
    for target in steps:
        while done < target:
            if done % 4 == 0:
                check(done / max(steps[-1], 1))
            current = matrix @ current
            done += 1
        out.append(current)
    return out


def node_means(index: IndexArray, values: FloatArray, count: int) -> FloatArray:
    """(n, C) means of per-pixel `values` (H, W, C) over each node's pixels; NaN values are left out (0 if all)."""
    inside = index >= 0
    nodes, chosen = index[inside], values[inside]  # (m,), (m, C)
    out = np.zeros((count, values.shape[-1]), dtype=np.float32)
    for channel in range(values.shape[-1]):
        known = np.isfinite(chosen[:, channel])
        total = np.bincount(nodes[known], weights=chosen[known, channel], minlength=count)
        number = np.bincount(nodes[known], minlength=count)
        out[:, channel] = total / np.maximum(number, 1)
    return out


def mean_on(index: IndexArray, values: FloatArray, nodes: IndexArray) -> FloatArray:
    """(m, D) mean over the pixels of other nodes (H, W) of values (n, D) that lie on nodes `index` (H, W)."""
    inside = (index >= 0) & (nodes >= 0)
    of, at, count = nodes[inside], index[inside], int(nodes.max()) + 1
    pixels = np.maximum(np.bincount(of, minlength=count), 1)
    columns = [np.bincount(of, weights=values[at, k], minlength=count) / pixels for k in range(values.shape[1])]
    return np.asarray(np.stack(columns, axis=1), dtype=np.float32)


def node_centres(index: IndexArray) -> tuple[FloatArray, FloatArray]:
    """Row and column of the middle of every node (n,) of `index` (H, W)."""
    inside = np.flatnonzero(index >= 0)
    node = index.ravel()[inside]
    row, col = np.divmod(inside, index.shape[1])
    if node.size == int(node[-1]) + 1 and bool((np.diff(node) == 1).all()):  # a node is a pixel
        return row.astype(np.float32), col.astype(np.float32)
    pixels = np.maximum(np.bincount(node), 1)
    middle = (np.bincount(node, weights=where.astype(np.float64)) / pixels for where in (row, col))
    first, second = (np.asarray(where, dtype=np.float32) for where in middle)
    return first, second
