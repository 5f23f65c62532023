"""How much a pixel counts beside its window: by what each says of labels that are left out."""

from __future__ import annotations

import numpy as np
import pytest

from hsi_studio.methods.common import looks
from hsi_studio.methods.common.looks import HALF, left_out, said, share_of_pixels, weight


def features(each: int, classes: int = 4, apart: float = 3.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(N, C) that tell the classes, (N, C) that do not, and the labels."""
    rng = np.random.default_rng(0)
    label = np.repeat(np.arange(classes), each)
    noise = rng.normal(size=(2, label.size, 6)).astype(np.float32)
    noise[0, np.arange(label.size), label] += apart
    return noise[0], noise[1], label


def test_what_tells_the_left_out_labels_counts_more() -> None:
    good, poor, label = features(8)
    assert share_of_pixels(good, poor, label, 4) > 0.75
    assert share_of_pixels(poor, good, label, 4) < 0.25
    assert share_of_pixels(good, good, label, 4) == pytest.approx(HALF, abs=1e-3)


def test_few_labels_move_it_little_and_single_ones_not_at_all() -> None:
    good, poor, label = features(8)
    two = np.flatnonzero(np.tile(np.arange(8) < 2, 4))
    few = share_of_pixels(good[two], poor[two], label[two], 4)
    assert HALF < few < share_of_pixels(good, poor, label, 4)
    one = np.arange(4) * 8
    assert share_of_pixels(good[one], poor[one], label[one], 4) == HALF


def test_the_weight_is_where_the_posterior_is_largest() -> None:
    own, around = np.array([0.9, 0.2, 0.7]), np.array([0.3, 0.4, 0.6])
    grid = np.linspace(0.001, 0.999, 9981)
    mixed = np.log(own[:, None] * grid + around[:, None] * (1 - grid)).sum(axis=0)
    at = grid[np.argmax(mixed + 8 * np.log(grid * (1 - grid)))]
    assert weight(own, around) == pytest.approx(at, abs=1e-3)


def test_left_out_labels_are_no_part_of_their_own_fit() -> None:
    good, poor, label = features(8)
    assert np.mean(left_out(good, label, 4) > 0.5) > 0.8
    assert np.mean(left_out(poor, label, 4) > 0.5) < 0.5  # a fit on all labels would know each of them
    single = np.append(label, 4)
    assert left_out(np.vstack([good, good[:1]]), single, 5).shape == label.shape


def test_of_many_labels_some_of_each_class_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    good, poor, label = features(30)
    monkeypatch.setattr(looks, "MOST", 32)
    assert share_of_pixels(good, poor, label, 4) > 0.75
    assert share_of_pixels(good, poor, label, 4) < 1 - 1 / 64  # as of 32 labels: the prior still counts


def test_a_learned_share_is_told() -> None:
    assert said(None) == said(HALF) == said(0.0) == ()
    assert said(0.231) == (
        "Pixels by themselves count 23 %, their windows 77 %: by how well each tells left-out labels.",
    )
