"""Facts about leave-one-out on embeddings: order, lonely labels, many labels, what the features are."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hsi_studio.methods.common import leave_one_out
from hsi_studio.methods.common.leave_one_out import left_out_classes, window_features
from hsi_studio.methods.common.nn.window_grid import Grid
from hsi_studio.methods.common.sorted_labels import Labelled


def clusters(counts: list[int], seed: int = 0) -> tuple[np.ndarray, Labelled]:
    """Classes far apart, one label after the other in a random order of clicks."""
    rng = np.random.default_rng(seed)
    label = np.repeat(np.arange(len(counts)), counts)
    features = (20 * np.eye(len(counts), 4)[label] + rng.normal(0, 0.5, (label.size, 4))).astype(np.float32)
    place = np.arange(label.size)
    return features, Labelled(place, place, label, rng.permutation(label.size), len(counts))


def test_answers_come_in_the_callers_order() -> None:
    features, at = clusters([6, 5, 7])
    told = left_out_classes(features, at)
    given = np.empty(18, dtype=np.int64)
    given[at.position] = at.label
    assert np.array_equal(told, given)
    assert not np.array_equal(told, at.label)  # the two orders differ, so this test can fail


def test_the_only_label_of_a_class_counts_as_wrong_and_a_misplaced_one_too() -> None:
    features, at = clusters([6, 6, 1])
    features[0] = features[at.label == 1].mean(axis=0)  # labelled 0, looks like 1
    told = left_out_classes(features, at)[at.position]
    assert told[0] == 1
    assert told[12] != 2
    assert np.array_equal(told[1:12], at.label[1:12])


def test_labels_past_the_limit_are_told_by_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leave_one_out, "MAX_LEFT_OUT", 12)
    features, at = clusters([30, 30, 4])
    assert np.array_equal(left_out_classes(features, at)[at.position], at.label)


def test_the_scale_of_the_features_changes_nothing() -> None:
    """The kernel's width is the labels' own median distance."""
    features, at = clusters([6, 6, 6], seed=3)
    features += np.random.default_rng(4).normal(0, 8, features.shape).astype(np.float32)  # so that some are wrong
    told = left_out_classes(features, at)
    assert np.array_equal(left_out_classes(features * 32, at), told)
    assert 0 < (told[at.position] == at.label).mean() < 1


def test_a_windows_features_are_its_pixel_and_its_mean() -> None:
    values = np.random.default_rng(0).normal(size=(6, 7, 2)).astype(np.float32)
    grid = Grid(torch.from_numpy(values.reshape(-1, 2)), 7, torch.tensor([1 * 7 + 1, 4 * 7 + 5]))
    found = window_features(grid, 3)
    for n, (row, col) in enumerate([(1, 1), (4, 5)]):
        around = values[row - 1 : row + 2, col - 1 : col + 2].reshape(9, 2)
        assert np.allclose(found[n], [*values[row, col], *around.mean(axis=0)], atol=1e-6)
