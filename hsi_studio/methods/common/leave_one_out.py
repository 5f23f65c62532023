"""Leave-one-out over the labels of a windowed network, on its embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hsi_studio.methods.common.kernel_head import kernel, solve, thin
from hsi_studio.methods.common.sorted_labels import Labelled
from hsi_studio.types import FloatArray, IntArray

MAX_LEFT_OUT = 2500  # labels whose leave-one-out is solved exactly; the others are told by that solution

if TYPE_CHECKING:
    from hsi_studio.methods.common.nn.window_grid import Grid


def left_out_classes(features: FloatArray, at: Labelled) -> IntArray:
    """(N,) class of each label by leave-one-out, in the caller's order; features (N, C) in sorted order.

    The kernel's width is the median squared distance between labels. A class with one label is unknown without it,
    so such a label counts as wrong.
    """
    few = thin(at.label, MAX_LEFT_OUT)
    known = features[few]
    square = np.einsum("nc,nc->n", known, known)
    distance = square[:, None] + square[None] - 2.0 * known @ known.T
    middle = float(np.median(distance[np.triu_indices(len(few), 1)]))
    width = 1.0 / max(middle, 1e-12)
    head = solve(kernel(known, known, width).astype(np.float64), at.label[few], at.classes, 0.02)
    told = (kernel(features, known, width) @ head.dual).argmax(axis=1)
    told[few] = head.left_out_scores().argmax(axis=1)
    out = np.empty(at.label.size, dtype=np.int64)
    out[at.position] = told
    return out


def window_features(grid: Grid, side: int) -> FloatArray:
    """(N, 2·C) components of each label's pixel and their mean over its window."""
    import torch

    parts = []
    for which in torch.split(torch.arange(grid.centre.shape[0], device=grid.rows.device), 512):
        x = grid.windows(which, side)  # (n, P, P, C)
        parts.append(torch.cat([x[:, side // 2, side // 2], x.mean(dim=(1, 2))], dim=1))
    return np.asarray(torch.cat(parts).cpu().numpy(), dtype=np.float32)
