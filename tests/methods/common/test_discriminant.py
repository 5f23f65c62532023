"""Discriminants: leave-one-out without refitting, and shares that follow who was right."""

from __future__ import annotations

import numpy as np
import pytest

from hsi_studio.methods.common import discriminant
from hsi_studio.methods.common.discriminant import fit_discriminant, mixture_shares


def sample(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    label = np.repeat([0, 1, 2], [6, 9, 4])
    return (rng.normal(size=(19, 4)) + rng.normal(size=(3, 4))[label]).astype(np.float32), label


def test_left_out_is_what_a_fit_without_the_label_says() -> None:
    x, label = sample()
    mean = np.stack([x[label == k].mean(axis=0) for k in range(3)]).astype(np.float64)
    rest, outer, ridge = x - mean[label], 0.7 / 16, 0.05
    precision = np.linalg.inv(outer * rest.T @ rest + ridge * np.eye(4))
    found = discriminant._left_out_scores(label, mean, rest, precision, outer)
    for i in range(label.size):
        keep = np.arange(label.size) != i
        without = np.stack([x[keep & (label == k)].mean(axis=0) for k in range(3)]).astype(np.float64)
        left = x[keep] - without[label[keep]]
        inverse = np.linalg.inv(outer * left.T @ left + ridge * np.eye(4))
        score = np.array([-0.5 * (x[i] - m) @ inverse @ (x[i] - m) for m in without])
        assert np.allclose(found[i], score - score.max(), atol=1e-5)


def test_the_only_label_of_a_class_is_unknown_without_it() -> None:
    x, label = sample()
    label[-4:] = [2, 1, 1, 1]
    _, left_out = fit_discriminant(x, label, 3)
    assert left_out[-4, 2] == 0.0
    assert left_out.sum(axis=1) == pytest.approx(1.0, abs=1e-5)


def test_the_unit_and_labels_all_alike_do_no_harm() -> None:
    x, label = sample()
    first, left_out = fit_discriminant(x, label, 3)
    scaled, again = fit_discriminant(1e4 * x, label, 3)
    assert np.allclose(left_out, again, atol=1e-4)
    assert np.allclose(first.probabilities(x), scaled.probabilities(1e4 * x), atol=1e-3)
    alike, told = fit_discriminant(np.eye(3, 4, dtype=np.float32)[label], label, 3)
    assert (told.argmax(axis=1) == label).all()
    assert np.isfinite(alike.probabilities(x)).all()


def test_shares_follow_who_was_right_and_start_at_the_prior() -> None:
    prior = np.array([4.0, 1.0])
    assert mixture_shares(np.zeros((0, 2), dtype=np.float32), prior) == pytest.approx([0.8, 0.2])
    assert mixture_shares(np.tile([0.1, 0.9], (200, 1)), prior)[1] > 0.95
    assert mixture_shares(np.tile([0.9, 0.1], (200, 1)), prior)[0] > 0.95
    assert mixture_shares(np.zeros((5, 2)), prior).sum() == pytest.approx(1.0)
