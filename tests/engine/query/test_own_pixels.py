"""Posteriors learned again from the pixels that are sure, on made-up scenes where what was said first is biased."""

from __future__ import annotations

import numpy as np
import pytest

from hsi_studio.engine.query.own_pixels import LIKELIEST, half_whitened, relearned
from hsi_studio.types import FloatArray


def scene(seed: int = 0) -> tuple[FloatArray, np.ndarray, FloatArray]:
    """Features (n, W) of three materials, their class (n,), and posteriors (n, 3) that are sure of half of the pixels
    and take a third of the others for the wrong class."""
    rng = np.random.default_rng(seed)
    label = np.repeat(np.arange(3), 400)
    features = rng.normal(0, 0.3, (1200, 12)) + np.eye(12)[label] * 2
    said = np.full((1200, 3), 0.1)
    said[np.arange(1200), label] = 0.8
    vague = rng.random(1200) < 0.5
    said[vague] = 0.3
    guess = np.where(rng.random(1200) < 1 / 3, (label + 1) % 3, label)
    said[vague, guess[vague]] = 0.4
    return features.astype(np.float32), label, (said / said.sum(axis=1, keepdims=True)).astype(np.float32)


def test_pixels_that_nobody_was_sure_of_are_told_by_those_that_were() -> None:
    features, label, said = scene()
    again = relearned(said, features)
    np.testing.assert_allclose(again.sum(axis=1), 1.0, atol=1e-5)
    before, after = ((p.argmax(axis=1) == label).mean() for p in (said, again))
    assert before < 0.9
    assert after > 0.99


def test_it_is_the_same_every_time_and_few_pixels_are_left_as_they_are() -> None:
    features, _, said = scene()
    np.testing.assert_array_equal(relearned(said, features), relearned(said, features))
    few = slice(0, LIKELIEST * 3 - 1)
    np.testing.assert_array_equal(relearned(said[few], features[few]), said[few])


def test_a_class_that_nothing_is_sure_of_keeps_its_place() -> None:
    """Its likeliest pixels stand for it; one without any would never be seen again."""
    features, label, said = scene()
    weak = said.copy()
    weak[:, 2] = np.minimum(weak[:, 2], 0.2)
    again = relearned(weak / weak.sum(axis=1, keepdims=True), features)
    assert np.isfinite(again).all()
    assert (again.argmax(axis=1)[label == 2] == 2).mean() > 0.5


@pytest.mark.parametrize("bands", [1, 4])
def test_features_of_few_or_constant_bands_do_not_break_it(bands: int) -> None:
    values = np.random.default_rng(0).normal(size=(50, bands)).astype(np.float32)
    assert np.isfinite(half_whitened(values)).all()
    assert np.isfinite(half_whitened(np.ones((50, 3), dtype=np.float32))).all()
