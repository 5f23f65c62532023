"""Facts about the closed-form head."""

from __future__ import annotations

import numpy as np
import pytest

from hsi_studio.methods.common.kernel_head import (
    calibrate,
    choose_ridge,
    kernel,
    mix_views,
    softmax,
    solve,
    targets,
    thin,
)


def problem(count: int = 24, classes: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(gram, label) of well separated blobs."""
    rng = np.random.default_rng(seed)
    label = np.arange(count) % classes
    points = (rng.normal(0, 0.4, (count, 2)) + 2 * np.eye(3)[label][:, :2]).astype(np.float32)
    return kernel(points, points, 1.0).astype(np.float64), label


def test_leave_one_out_in_closed_form_equals_fitting_again_without_the_label() -> None:
    gram, label = problem()
    ridge, classes = 0.1, 3
    closed = solve(gram, label, classes, ridge).left_out_scores()
    balance = np.bincount(label)[label] / np.bincount(label).mean()  # as in the whole fit
    for i in range(label.size):
        rest = np.delete(np.arange(label.size), i)
        dual = np.linalg.solve(gram[np.ix_(rest, rest)] + ridge * np.diag(balance[rest]), targets(label, classes)[rest])
        assert np.allclose(gram[i, rest] @ dual, closed[i], atol=1e-9)


def test_kernel_is_one_at_the_point_and_gaussian_elsewhere() -> None:
    a = np.array([[0.0, 0.0], [3.0, 4.0]], dtype=np.float32)
    assert kernel(a, a, 0.1) == pytest.approx(np.array([[1, np.exp(-2.5)], [np.exp(-2.5), 1]]))


def test_targets_are_centred() -> None:
    assert targets(np.array([0, 2]), 3).tolist() == [[1, -0.5, -0.5], [-0.5, -0.5, 1]]


def test_many_labels_of_one_class_do_not_pull_the_border() -> None:
    """At the middle between two points, 30 copies of one side's label leave the balance within a few per cent."""
    points = np.array([[0.0]] + [[2.0]] * 30, dtype=np.float32)
    label = np.array([0] + [1] * 30)
    head = solve(kernel(points, points, 0.5).astype(float), label, 2, 0.02)
    middle = kernel(np.array([[1.0]], dtype=np.float32), points, 0.5) @ head.dual
    assert abs(middle[0, 0] - middle[0, 1]) < 0.05


def test_softmax_does_not_overflow_and_temperature_sharpens() -> None:
    assert softmax(np.array([[1e4, 0.0]]), 10.0) == pytest.approx(np.array([[1, 0]]))
    mild, sharp = softmax(np.array([[0.2, 0.0]]), 1.0), softmax(np.array([[0.2, 0.0]]), 20.0)
    assert 0.5 < mild[0, 0] < sharp[0, 0]


def test_random_labels_get_less_confidence_than_clean_ones() -> None:
    gram, label = problem(60)
    clean = calibrate(solve(gram, label, 3, 0.02))
    noisy = calibrate(solve(gram, np.random.default_rng(1).permutation(label), 3, 0.02))
    assert noisy[0] < clean[0]  # temperature
    assert noisy[1] > clean[1]  # loss


def test_with_one_label_a_class_the_prior_decides() -> None:
    grams = [np.eye(3), np.eye(3)]
    weights = mix_views(grams, np.arange(3), 3, 0.02, np.eye(2), np.array([0.2, 0.8]))
    assert weights == pytest.approx([0.2, 0.8])


def test_the_scale_that_explains_the_labels_wins() -> None:
    gram, label = problem(60)
    shuffled = np.random.default_rng(0).permutation(60)
    useless = gram[np.ix_(shuffled, shuffled)]
    weights = mix_views([useless, gram], label, 3, 0.02, np.eye(2), np.array([0.9, 0.1]))
    assert weights == pytest.approx([0, 1])


def test_thinning_keeps_small_classes_whole_and_the_limit() -> None:
    label = np.array([0] * 500 + [1] * 3 + [2] * 60)
    kept = thin(label, 100)
    assert np.bincount(label[kept]).tolist() == [48, 3, 48]
    assert np.all(np.diff(kept) > 0)
    assert thin(label, 1000).size == label.size
    assert np.bincount(label[thin(label, 2)]).tolist() == [1, 1, 1]  # one a class at least


def test_the_heaviest_kernels_are_kept() -> None:
    views = np.array([[0.5, 0.3, 0.2, 0.0], [0.0, 0.0, 0.0, 1.0]])
    weights = mix_views([np.zeros((0, 0))] * 4, np.arange(3), 3, 0.02, views, np.array([0.6, 0.4]), most=2)
    assert weights == pytest.approx([0.3 / 0.7, 0, 0, 0.4 / 0.7])


def test_labels_that_contradict_their_neighbours_get_a_larger_ridge() -> None:
    gram, label = problem(60)
    wrong = label.copy()
    wrong[::4] = (wrong[::4] + 1) % 3
    clean, mixed = (choose_ridge(gram, y, 3, 0.02) for y in (label, wrong))
    assert mixed > clean
    assert choose_ridge(gram[:3, :3], np.arange(3), 3, 0.2) == 0.2  # one label a class: nothing to leave out
