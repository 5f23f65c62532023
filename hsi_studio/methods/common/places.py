"""Are a class's labels in one place? Then what labels say of each other says nothing of the scene.

A class that grows in ten fields and was clicked in one is learned as that field: its soil, its shade, its neighbours.
Drawn so, five labels a class give 57 % on Indian Pines where five drawn anywhere give 82, and leave-one-out says 99.9:
a label that is left out has its neighbours (RESULTS.md). Such classes are no witnesses of how right or how sure a map
is, as a class with one label is none.
"""

from __future__ import annotations

import numpy as np

from hsi_studio.types import BoolArray, LabelSet

PLACE_PX = 10  # labels of one place are no farther apart than this, in rows and in columns
LEAST_SIDES = 4  # places that fit into a scene's shorter side; in smaller ones everything is near


def in_one_place(labels: LabelSet, shape: tuple[int, ...]) -> BoolArray:
    """(K,) whether a class has two labels or more, all in one place. `shape`: (H, W, …) of the scene."""
    found = np.zeros(len(labels.schema), dtype=np.bool_)
    if min(shape[:2]) < LEAST_SIDES * PLACE_PX:
        return found
    for k in range(found.size):
        row, col = labels.row[labels.label == k], labels.col[labels.label == k]
        found[k] = row.size > 1 and max(int(np.ptp(row)), int(np.ptp(col))) <= PLACE_PX
    return found


def share_in_one_place(labels: LabelSet, shape: tuple[int, ...]) -> float:
    """How many of the classes with two labels or more are so, 0 to 1; 0 where there are none."""
    alone = in_one_place(labels, shape)
    asked = np.bincount(labels.label, minlength=alone.size) > 1
    return float(alone[asked].mean()) if asked.any() else 0.0
