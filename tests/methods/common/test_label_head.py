"""A smoothed map compared with what it says at the labels."""

from __future__ import annotations

import numpy as np
import pytest

from hsi_studio.methods.common import kernel_sum, label_head, smoothing
from hsi_studio.methods.common.label_head import LabelHead, learned, said
from hsi_studio.methods.common.smoothing import FARTHER, filled, seen_at
from hsi_studio.types import FloatArray
from tests.methods.common.test_smoothing import HEIGHT, INPUTS, WHOLE, WIDTH, lattice

SAYS = np.float32(
    [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.5, 0.1, 0.4]]
)  # of pixels of each class: the third is a thin field


def pixels(each: int, seed: int = 0) -> tuple[FloatArray, np.ndarray]:
    """(m, 3) of as many pixels of each class, and their class."""
    label = np.repeat(np.arange(3), each)
    p = SAYS[label] + np.random.default_rng(seed).normal(0, 0.02, (label.size, 3)).astype(np.float32)
    p = np.clip(p, 0.01, None)
    return (p / p.sum(axis=1, keepdims=True)).astype(np.float32), label


def test_a_class_whose_labels_look_mixed_is_told_by_that() -> None:
    at_labels, label = pixels(4)
    head = learned(at_labels, label, 3)
    assert head is not None
    p, truth = pixels(50, seed=1)
    assert (p.argmax(axis=1) == truth).mean() < 0.7  # the third class is taken for the first
    joined = head.joined(p, p)
    assert (joined.argmax(axis=1) == truth).mean() > 0.98
    np.testing.assert_allclose(joined.sum(axis=1), 1, atol=1e-5)


def test_rows_in_parts_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    at_labels, label = pixels(4)
    head = learned(at_labels, label, 3)
    assert head is not None
    p, _ = pixels(20, seed=1)
    whole = head.joined(p, p)
    monkeypatch.setattr(kernel_sum, "MOST_VALUES", 0)
    monkeypatch.setattr(kernel_sum, "LEAST_BLOCK", 7)
    np.testing.assert_allclose(head.joined(p, p), whole, atol=1e-6)


def test_a_class_that_is_reached_nowhere_leaves_the_map_as_it_is() -> None:
    at_labels, label = pixels(2)
    at_labels[label == 1] = np.nan
    assert learned(at_labels, label, 3) is None


def test_of_many_labels_as_many_of_each_class_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(label_head, "MOST", 12)
    head = learned(*pixels(30), 3)
    assert head is not None
    assert head.seen.shape == (12, 3)


def test_it_comes_back_from_its_arrays() -> None:
    head = learned(*pixels(3), 3)
    assert head is not None
    again = LabelHead.from_arrays(head.arrays())
    assert again is not None
    np.testing.assert_array_equal(again.dual, head.dual)
    assert LabelHead.from_arrays({}) is None
    assert said(head) == ("The smoothed map was compared with what it says at 9 labels, in closed form.",)
    assert said(None) == ()


def test_labels_see_the_map_smoothed_longer_tile_by_tile(monkeypatch: pytest.MonkeyPatch) -> None:
    p, steps = lattice(1), 3
    row, col = np.array([2, 20, 11, 0]), np.array([1, 19, 10, 7])

    def known(r: slice, c: slice) -> FloatArray:
        return p[r, c]

    longer = filled(INPUTS, known, lambda r, c: p[r, c], *WHOLE, FARTHER * steps, 4.0)
    far, made = seen_at(INPUTS, known, row, col, steps, 4.0)
    np.testing.assert_allclose(far, longer[row, col], atol=1e-6)
    monkeypatch.setattr(smoothing, "TILE_PX", 8)
    for whole, tiled in zip((far, made), seen_at(INPUTS, known, row, col, steps, 4.0), strict=True):
        np.testing.assert_allclose(tiled, whole, atol=1e-5)


def test_components_are_smoothed_as_long_within_edges() -> None:
    """Left and right of the edge they keep apart, and what is left of the noise within a side is a fraction."""
    p, row, col = lattice(1), np.arange(4, 20), np.full(16, 4)
    _, made = seen_at(INPUTS, lambda r, c: p[r, c], np.r_[row, row], np.r_[col, col + 11], 6, 4.0)
    plain = INPUTS.components(slice(4, 20), slice(4, 5))[:, 0]
    left, right = made[:16], made[16:]
    assert made.shape == (32, plain.shape[1])
    assert np.abs(left.mean(axis=0) - right.mean(axis=0)).max() > 5 * left.std(axis=0).max()
    assert left.std(axis=0).max() < 0.5 * plain.std(axis=0).max()


def test_components_tell_what_the_map_does_not() -> None:
    """The map knows nothing, the components do: they decide, and not before labels have said what they mean."""
    label = np.repeat(np.arange(3), 4)
    nothing = np.full((12, 3), 1 / 3, dtype=np.float32)
    made = np.eye(3, 5, dtype=np.float32)[label] * 40
    head = learned(nothing, label, 3, made)
    assert head is not None
    assert (head.joined(nothing, nothing, made).argmax(axis=1) == label).all()
    again = LabelHead.from_arrays(head.arrays())
    assert again is not None
    np.testing.assert_allclose(again.joined(nothing, nothing, made), head.joined(nothing, nothing, made), atol=1e-6)
    assert said(head)[0].endswith("and the scene's smoothed components with what they are there, in closed form.")
    alike = learned(nothing, label, 3, np.ones((12, 5), dtype=np.float32))
    assert alike is not None
    assert alike.made is None


def test_a_window_of_the_joined_map_is_part_of_the_whole() -> None:
    p, steps = lattice(2), 4

    def known(r: slice, c: slice) -> FloatArray:
        return p[r, c]

    row, col = np.array([2, 20, 11, 0, 5, 16]), np.array([1, 19, 10, 7, 5, 12])
    far, made = seen_at(INPUTS, known, row, col, steps, 4.0)
    head = learned(far, np.arange(6) % 3, 3, made)
    assert head is not None
    assert head.made is not None

    def joined(rows: slice, cols: slice) -> FloatArray:
        return filled(INPUTS, known, lambda r, c: p[r, c], rows, cols, steps, 4.0, head=head)

    whole = joined(*WHOLE)
    assert whole.shape == (HEIGHT, WIDTH, 3)
    assert np.isnan(whole[9, 3]).all()
    np.testing.assert_allclose(np.nansum(whole, axis=2)[INPUTS.scene.valid], 1, atol=1e-5)
    rows, cols = slice(7, 15), slice(4, 13)
    np.testing.assert_allclose(joined(rows, cols), whole[rows, cols], atol=1e-5)
    assert not np.allclose(whole, filled(INPUTS, known, lambda r, c: p[r, c], *WHOLE, steps, 4.0), equal_nan=True)
