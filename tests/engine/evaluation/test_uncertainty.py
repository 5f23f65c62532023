"""Temperature, margins, entropy and conformal sets, on probabilities whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from hsi_studio.engine.evaluation.uncertainty import (
    Held,
    fit_sets,
    fit_temperature,
    halves,
    least_for_sets,
    probabilities_at,
    reliability,
    values_of,
    warmed,
)
from hsi_studio.errors import TooFewLabels
from hsi_studio.methods.contract import Block, Context, Fitted, State
from hsi_studio.testing.scenes import fields, scene_from, schema


def honest(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(n, 4) probabilities and labels drawn from them: perfectly calibrated."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(4, 0.6), n).astype(np.float32)
    label = (rng.random(n)[:, None] > p.cumsum(axis=1)).sum(axis=1).clip(0, 3)
    return p, label.astype(np.int64)


def held(p: np.ndarray, label: np.ndarray) -> Held:
    return Held(p, label, np.arange(label.size, dtype=np.int64) % 2, "made up")


def test_the_temperature_of_an_overconfident_model_is_found_and_mends_it() -> None:
    """Honest probabilities sharpened with T = ½ come back with T ≈ 2, and the calibration error falls."""
    p, label = honest(6000)
    sharp = warmed(p, 0.5)
    assert fit_temperature(p, label) == pytest.approx(1.0, abs=0.06)
    found = reliability(held(sharp, label))
    assert found.temperature == pytest.approx(2.0, abs=0.15)
    assert found.before.ece > 0.08
    assert found.after.ece < 0.03
    assert found.n_fit == found.n_test == 3000


@pytest.mark.slow
def test_sets_hold_the_true_class_as_often_as_they_say() -> None:
    for confidence in (0.8, 0.9, 0.95):
        covered = [fit_sets(held(*honest(1000, seed)), confidence).coverage for seed in range(20)]
        assert np.mean(covered) == pytest.approx(confidence, abs=0.02)


def test_too_few_held_out_pixels_say_how_many_are_needed() -> None:
    assert (least_for_sets(0.9), least_for_sets(0.95), least_for_sets(0.8)) == (9, 19, 4)
    p, label = honest(10)
    with pytest.raises(TooFewLabels, match="need 9 pixels"):
        fit_sets(held(p, label))
    with pytest.raises(TooFewLabels, match=r"20 pixels .* there are \d and \d"):
        reliability(held(p, label))


def test_margin_and_entropy_by_hand() -> None:
    p = np.array([[0.7, 1.0, 0.25], [0.2, 0.0, 0.25], [0.1, 0.0, 0.25], [0.0, 0.0, 0.25]], np.float32)[:, None]
    assert values_of(p, "margin")[0] == pytest.approx([0.5, 1.0, 0.0])
    assert values_of(p, "entropy")[0] == pytest.approx([0.5784, 0.0, 1.0], abs=1e-3)
    assert values_of(p, "confidence")[0] == pytest.approx([0.7, 1.0, 0.25])


def test_neighbours_are_in_the_same_half() -> None:
    row, col = (a.ravel() for a in np.indices((40, 40)))
    side = halves(row, col).reshape(40, 40)
    for r in range(0, 40, 10):
        for c in range(0, 40, 10):
            assert np.unique(side[r : r + 10, c : c + 10]).size == 1
    assert side.sum() == 800


def test_both_halves_of_a_small_scene_have_pixels_to_count() -> None:
    """Few blocks, of very different sizes: turns would leave six pixels to check 93 on."""
    row, col = np.divmod(np.arange(12 * 9), 9)
    both = np.bincount(halves(row, col), minlength=2)
    assert both.min() >= 108 / 3


def test_pixels_are_asked_of_the_map_and_not_of_a_first_look_at_it() -> None:
    """DiffCLIP's first look leaves out the smoothing of its map."""

    class Smoothed(Fitted):
        schema = schema(2)

        def predict(self, block: Block) -> np.ndarray:
            rows = np.arange(block.rows.start, block.rows.stop, dtype=np.float32)[:, None] / 40
            return np.stack([np.broadcast_to(p, block.shape) for p in (rows, 1 - rows)])

        def at(self, row: np.ndarray, col: np.ndarray) -> np.ndarray:
            return np.full((row.size, 2), 0.5, dtype=np.float32)

        def state(self) -> State:
            return State()

    scene = scene_from(fields()[0])
    found = probabilities_at(Smoothed(), scene, np.array([0, 10 * 48 + 7]), Context())
    assert found == pytest.approx(np.array([[0, 1], [0.25, 0.75]]))
