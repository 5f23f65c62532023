"""Facts about labels in the order of their pixels."""

from __future__ import annotations

import numpy as np
import pytest

from hsi_studio.errors import LabelProblem, TooFewLabels
from hsi_studio.methods.common.sorted_labels import sorted_labels
from hsi_studio.types import LabelSet
from tests.features.scenes import draw_labels, fields, scene_from, schema, with_gaps

CUBE, TRUTH = fields()
SCENE = scene_from(with_gaps(CUBE))
LABELS = draw_labels(TRUTH, SCENE.valid, shots=5)


def test_the_order_of_clicks_changes_nothing_but_the_positions() -> None:
    first = sorted_labels(SCENE, LABELS)
    order = np.random.default_rng(1).permutation(len(LABELS))
    other = sorted_labels(SCENE, LabelSet(LABELS.schema, LABELS.row[order], LABELS.col[order], LABELS.label[order]))
    for name in ("row", "col", "label"):
        assert np.array_equal(getattr(first, name), getattr(other, name))
    assert np.array_equal(order[other.position], first.position)
    flat = first.row * CUBE.shape[1] + first.col
    assert (np.diff(flat) > 0).all()


def test_positions_lead_back_to_the_labels_as_given() -> None:
    found = sorted_labels(SCENE, LABELS)
    for name in ("row", "col", "label"):
        assert np.array_equal(getattr(LABELS, name)[found.position], getattr(found, name))
    assert sorted(found.position) == list(range(len(LABELS)))
    assert found.classes == 4


def test_a_class_without_labels_and_a_label_in_the_gap_are_refused() -> None:
    at = np.array([0, 1])
    with pytest.raises(TooFewLabels, match="class 2"):
        sorted_labels(SCENE, LabelSet(schema(3), at, at, np.array([0, 1])))
    with pytest.raises(LabelProblem, match="row 5, column 20"):
        sorted_labels(SCENE, LabelSet(schema(2), np.array([0, 5]), np.array([0, 20]), np.array([0, 1])))
