"""Are a class's labels in one place? Then the map knows the class as it is there, and figures made there flatter it.

A class that grows in ten fields and was clicked in one is learned as that field: its soil, its shade, its neighbours.
Drawn so, five labels a class give 57 % on Indian Pines where five drawn anywhere give 82, and leave-one-out says 99.9:
a label that is left out has its neighbours (RESULTS.md). So such classes are not counted by leave-one-out, as a class
with one label is not, and whoever reads a figure is told where to click next.
"""

from __future__ import annotations

import numpy as np

from hsi_studio.humanize import counted, listed
from hsi_studio.types import BoolArray, LabelSet

PLACE_PX = 10  # labels of one place are no farther apart than this, in rows and in columns
LEAST_SIDES = 4  # places that fit into a scene's shorter side; in smaller ones everything is near
MOST_NAMED = 3


def in_one_place(labels: LabelSet, shape: tuple[int, ...]) -> BoolArray:
    """(K,) whether a class has two labels or more, all in one place. `shape`: (H, W, …) of the scene."""
    found = np.zeros(len(labels.schema), dtype=np.bool_)
    if min(shape[:2]) < LEAST_SIDES * PLACE_PX:
        return found
    for k in range(found.size):
        row, col = labels.row[labels.label == k], labels.col[labels.label == k]
        found[k] = row.size > 1 and max(int(np.ptp(row)), int(np.ptp(col))) <= PLACE_PX
    return found


def place_note(labels: LabelSet, shape: tuple[int, ...]) -> str:
    """What to do where half of the classes with two labels or more are known from one place each; "" elsewhere."""
    alone = in_one_place(labels, shape)
    asked = int(np.count_nonzero(np.bincount(labels.label, minlength=alone.size) > 1))
    n = int(alone.sum())
    if not n or 2 * n < asked:
        return ""
    names = [info.name for info, one in zip(labels.schema.classes, alone, strict=True) if one]
    each, them = ("", "it") if n == 1 else (", class by class", "them")
    return (
        f"All labels of {listed(names, MOST_NAMED)} lie within {PLACE_PX} pixels{each}: elsewhere the map may be far "
        f"worse. Label {them} in other places too."
    )


def not_counted(single: int, alone: int) -> str:
    """ "2 classes with one label and 1 class with all its labels in one place are not counted"; "" for none."""
    said = [counted(single, "class", "classes") + " with one label"] if single else []
    if alone:
        said.append(f"{counted(alone, 'class', 'classes')} with all labels in one place")
    return f"{' and '.join(said)} {'is' if single + alone == 1 else 'are'} not counted" if said else ""
