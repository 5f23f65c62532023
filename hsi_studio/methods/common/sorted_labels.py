"""Labels in an order that does not depend on how they were clicked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hsi_studio.methods.common.checks import enough_labels, labels_on_data
from hsi_studio.types import IntArray, LabelSet, Scene


@dataclass(frozen=True)
class Labelled:
    """Labels sorted by pixel, so that the order of clicks changes nothing. `position[n]`: where n stood before."""

    row: IntArray
    col: IntArray
    label: npt.NDArray[np.int64]
    position: npt.NDArray[np.int64]
    classes: int


def sorted_labels(scene: Scene, labels: LabelSet) -> Labelled:
    """Raises TooFewLabels; LabelProblem for labels on pixels without data."""
    enough_labels(labels)
    labels_on_data(scene.valid, labels)
    order = np.lexsort((labels.label, labels.col, labels.row))
    label = labels.label[order].astype(np.int64)
    return Labelled(labels.row[order], labels.col[order], label, order, len(labels.schema))
