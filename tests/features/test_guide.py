"""Pixels between superpixels: by hand, at gaps, in windows, and what that is worth in the live map."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from hsi_studio.engine.mapping.predict import predict_scene
from hsi_studio.features.guide import Guide, Spots, fit_guide, pixel_numbers
from hsi_studio.methods.contract import Block, Context, State, best_class
from hsi_studio.methods.live.fitted import LiveFitted
from hsi_studio.methods.live.method import Live
from hsi_studio.methods.live.params import LiveParams
from hsi_studio.types import FloatArray, LabelSet, PromptSet, Scene
from tests.features.scenes import draw_labels, scene_from, with_gaps


def rows_of(values: FloatArray, valid: np.ndarray[Any, Any], tall: int = 3) -> Iterator[tuple[slice, FloatArray]]:
    for top in range(0, values.shape[0], tall):
        rows = slice(top, min(top + tall, values.shape[0]))
        yield rows, values[rows][valid[rows]]


def two_halves() -> tuple[np.ndarray[Any, Any], FloatArray]:
    """8 × 8 pixels, superpixels of 4 × 4. The ground's edge is one column right of the superpixels'."""
    index = (np.arange(8)[:, None] // 4 * 2 + np.arange(8)[None, :] // 4).astype(np.int32)
    values = np.zeros((8, 8, 1), dtype=np.float32)
    values[:, 5:] = 1.0
    return index, values


def test_a_pixel_on_the_wrong_side_of_an_edge_belongs_to_the_superpixel_it_is_like() -> None:
    index, values = two_halves()
    means = np.array([[0.0], [0.75], [0.0], [0.75]], dtype=np.float32)
    spread = 0.1
    guide = fit_guide(index, means, spread, rows_of(values, index >= 0))
    found = guide.weights.toarray()
    assert found.sum(axis=1) == pytest.approx(np.ones(64), abs=1e-6)
    # (1, 4): dark, in the bright superpixel 1. Middles at 1.5 and 5.5, a = 4: away² is 0.25 + 6.25 and 0.25 + 2.25.
    force = {0: -0.0 - 6.5 / 64, 1: -0.5625 / spread - 2.5 / 64, 2: -(20.25 + 6.25) / 64, 3: -0.5625 / 0.1 - 22.5 / 64}
    raised = {k: np.exp(v) for k, v in force.items()}
    kept = {k: v for k, v in raised.items() if v >= 0.02 * sum(raised.values())}
    wanted = [kept.get(k, 0.0) / sum(kept.values()) for k in range(4)]
    assert found[1 * 8 + 4] == pytest.approx(wanted, abs=1e-5)
    assert Spots(index.ravel(), guide.weights).of(means)[12, 0] < 0.05  # and has its value


def test_rows_of_a_window_are_those_of_the_scene_and_invalid_pixels_have_none() -> None:
    index, values = two_halves()
    index[:2, :] = -1
    index[5, 5] = -1
    means = np.array([[0.0], [0.75], [0.0], [0.75]], dtype=np.float32)
    guide = fit_guide(index, means, 0.1, rows_of(values, index >= 0, tall=5))
    whole = guide.weights.toarray().reshape(8, 8, 4)
    assert (whole.sum(axis=2) > 0).tolist() == (index >= 0).tolist()
    for rows, cols in ((slice(1, 7), slice(0, 8)), (slice(2, 6), slice(3, 7))):
        window = guide.at(pixel_numbers(rows, cols, 8)).toarray()
        assert np.array_equal(window, whole[rows, cols].reshape(-1, 4))
    again = Guide.from_arrays(guide.arrays(), 64, 4)
    assert again is not None
    assert np.array_equal(again.weights.toarray(), guide.weights.toarray())
    assert Guide.from_arrays({}, 64, 4) is None


# ── in the live map ─────────────────────────────────────────────────────────────────────────────────


def small_things(seed: int = 0) -> tuple[Scene, np.ndarray[Any, Any]]:
    """Things of 3 × 3 pixels on a ground, with superpixels of about 25 pixels: hardly one has a superpixel alone."""
    rng = np.random.default_rng(seed)
    truth = np.zeros((100, 100), dtype=np.int64)
    for row, col in rng.integers(0, 97, (150, 2)).tolist():
        truth[row : row + 3, col : col + 3] = 1
    cube = rng.uniform(0.2, 0.4, (2, 12))[truth] + rng.normal(0, 0.03, (100, 100, 12))
    return scene_from(cube.astype(np.float32), name=f"small things {seed}"), truth


def fit(scene: Scene, labels: LabelSet, max_nodes: int, **params: Any) -> LiveFitted:
    return Live().fit(scene, labels, PromptSet(), LiveParams(max_nodes=max_nodes, **params), Context())


def right(scene: Scene, fitted: LiveFitted, truth: np.ndarray[Any, Any]) -> float:
    label = predict_scene(fitted, scene, "live", {}, 0, Context()).label
    return float((label[truth == 1] == 2).mean())


def test_things_smaller_than_a_superpixel_are_mapped() -> None:
    """Found of such pixels: 0.67 by superpixels alone, 0.68 between them, 0.86 with what pixels are themselves."""
    found = []
    for seed in range(3):
        scene, truth = small_things(seed)
        labels = draw_labels(truth, scene.valid, 5, seed=seed)
        fitted, unasked = fit(scene, labels, 400), fit(scene, labels, 400, single_pixels=False)
        assert fitted.features.guide is not None
        assert fitted.features.count <= 400
        assert fitted.alone is not None
        assert unasked.alone is None
        found.append((right(scene, fitted, truth), right(scene, unasked, truth)))
        said = (fitted.leave_one_out() == labels.label).mean()
        assert abs(said - right(scene, fitted, truth)) < 0.25  # left-out labels speak of the whole mixture
    asked, not_asked = np.mean(found, axis=0)
    assert asked > not_asked + 0.1
    assert asked > 0.8


def test_wide_fields_ask_no_pixel() -> None:
    """What fields of 20 × 20 pixels are, superpixels know better: a click costs nothing more."""
    rng = np.random.default_rng(0)
    truth = np.kron(rng.integers(0, 3, (6, 6)), np.ones((20, 20), dtype=np.int64))
    cube = rng.uniform(0.2, 0.4, (3, 12))[truth] + rng.normal(0, 0.2, (120, 120, 12))
    scene = scene_from(cube.astype(np.float32), name="wide fields")
    assert fit(scene, draw_labels(truth, scene.valid, 20), 600).alone is None


def test_maps_between_superpixels_agree_however_they_are_asked() -> None:
    scene, truth = small_things()
    fitted = fit(scene, draw_labels(truth, scene.valid, 4), 400)
    block = Block(scene, slice(10, 60), slice(5, 77))
    label, sure = fitted.predict_best(block)
    expected, how_sure = best_class(fitted.predict(block))
    assert np.array_equal(label, expected)
    np.testing.assert_allclose(sure, how_sure, rtol=1e-6)
    pixels = np.array([1234, 17, 9999])
    whole = fitted.predict(Block(scene, slice(0, 100), slice(0, 100))).reshape(2, -1)
    np.testing.assert_allclose(fitted.probabilities_at(pixels), whole[:, pixels].T, rtol=1e-5)
    assert np.nansum(whole, axis=0) == pytest.approx(np.ones(10_000), abs=1e-5)


def test_gaps_stay_empty_and_a_saved_model_makes_the_same_map() -> None:
    scene, truth = small_things()
    cube = with_gaps(scene.read(slice(0, 100), slice(0, 100), list(range(12))))
    scene = scene_from(cube, name="small things with gaps")
    labels = draw_labels(truth, scene.valid, 4)
    fitted = fit(scene, labels, 400)
    first = predict_scene(fitted, scene, "live", {}, 0, Context())
    assert np.array_equal(first.label == 0, ~scene.valid)
    assert np.array_equal(np.isnan(first.confidence), ~scene.valid)
    again = Live().from_state(fitted.state(), scene, Context())
    second = predict_scene(again, scene, "live", {}, 0, Context())
    assert np.array_equal(first.label, second.label)
    assert again.alone is not None
    older = {key: value for key, value in fitted.state().header.items() if key != "alone"}
    assert Live().from_state(State(fitted.state().arrays, older), scene, Context()).alone is None


def test_a_model_of_a_large_scene_asks_the_pixels_of_a_small_one() -> None:
    scene, truth = small_things()
    state = fit(scene, draw_labels(truth, scene.valid, 5), 400).state()
    small = scene_from(scene.read(slice(0, 15), slice(0, 20), list(range(12))), name="a corner")
    there = Live().from_state(state, small, Context())
    assert there.features.guide is None
    assert there.alone is not None
    with_pixels = predict_scene(there, small, "live", {}, 0, Context())
    there.alone, there._nodes = None, None
    without = predict_scene(there, small, "live", {}, 0, Context())
    assert (with_pixels.confidence != without.confidence).any()
    assert (with_pixels.label == truth[:15, :20] + 1).mean() >= (without.label == truth[:15, :20] + 1).mean()


def test_a_model_of_another_version_is_read_in_its_own_basis() -> None:
    """Its superpixels were others, so the spreads of the scene were: its numbers are in the basis it was made in."""
    scene, truth = small_things()
    state = fit(scene, draw_labels(truth, scene.valid, 4), 400).state()
    arrays = dict(state.arrays)
    live = Live()
    assert live.from_state(State(arrays, state.header), scene, Context()).features.basis.is_like(
        live._features(scene, LiveParams(max_nodes=400), Context()).basis
    )
    for key in ("spread", "white_spread"):
        arrays[key] = arrays[key] * np.float32(1.02)
    older = live.from_state(State(arrays, state.header), scene, Context())
    np.testing.assert_array_equal(older.features.basis.white_spread, arrays["white_spread"])
