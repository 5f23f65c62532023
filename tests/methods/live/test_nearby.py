"""What labels say of the places around them: by hand, on scenes that want it, on scenes that do not, and in models."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hsi_studio.features.spatial import IndexArray, node_centres
from hsi_studio.methods.contract import Context
from hsi_studio.methods.live.fitted import LiveFitted
from hsi_studio.methods.live.method import Live
from hsi_studio.methods.live.nearby import GRID, Nearby, Places, Votes, places_of
from hsi_studio.methods.live.params import LiveParams
from hsi_studio.types import FloatArray, LabelSet, PromptSet, Scene
from tests.features.scenes import draw_labels, scene_from, schema


def fit(scene: Scene, labels: LabelSet, **params: Any) -> LiveFitted:
    return Live().fit(scene, labels, PromptSet(), LiveParams(**params), Context())


def unclear_fields(seed: int = 0) -> tuple[Scene, np.ndarray]:
    """Four fields of two crops that hardly differ: of one crop, two are told apart by where they lie alone."""
    rng = np.random.default_rng(seed)
    row, col = np.mgrid[:60, :60]
    truth = 2 * (row // 30) + col // 30
    cube = rng.uniform(0.48, 0.52, (2, 12))[truth % 2] + rng.normal(0, 0.05, (60, 60, 12))
    return scene_from(cube.astype(np.float32), name=f"unclear {seed}"), truth


def even(labels: int, classes: int = 2) -> FloatArray:
    return np.full((labels, classes), 1.0 / classes, dtype=np.float32)


def votes_of(index: IndexArray, places: Places) -> Votes:
    return Votes(index, node_centres(index), places, 2)


def fit_nearby(index: IndexArray, places: Places, left_out: FloatArray, near: bool) -> Nearby:
    return votes_of(index, places).heard(left_out, near)


def test_a_vote_by_hand() -> None:
    """40 × 40 pixels and four labels: spacing 20, deviation 10. At a label of class 0 with one of its class 10 pixels
    off and the others out of reach: v = (1 + e^(−½) + ½) / (1 + e^(−½) + 1)."""
    index = np.arange(1600, dtype=np.int32).reshape(40, 40)
    label = np.array([0, 0, 1, 1])
    places = places_of(index, np.array([5, 5, 39, 39]), np.array([0, 10, 29, 39]), label)
    assert places.spread == pytest.approx(10.0)
    found = fit_nearby(index, places, even(4), near=False)
    assert found.power == 0.5
    near = np.exp(-0.5)
    v = (1 + near + 0.5) / (1 + near + 1)
    p = found.beside(np.array([[0.5, 0.5]], dtype=np.float32), np.array([index[5, 0]]))
    far = np.exp(-0.5 * (34**2 + np.array([29, 39]) ** 2) / 100).sum()
    other = (far + 0.5) / (1 + near + 1 + far)
    assert p[0] == pytest.approx(np.sqrt([v, other]) / np.sqrt([v, other]).sum(), abs=2e-3)
    # Left out, a label is not its own witness: its neighbour alone speaks.
    assert found.left_out is not None
    left = np.sqrt([(near + 0.5) / (near + 1), (far + 0.5) / (near + 1 + far)])
    assert found.left_out[0] == pytest.approx(left / left.sum(), abs=2e-3)
    assert found.places is not None
    same = votes_of(index, found.places).raised(found.power)
    assert np.array_equal(same.beside(even(1600), slice(None)), found.beside(even(1600), slice(None)))


def test_labels_that_contradict_their_neighbours_are_not_heard() -> None:
    rng = np.random.default_rng(0)
    index = np.arange(1600, dtype=np.int32).reshape(40, 40)
    row, col = (rng.integers(0, 40, 60) for _ in range(2))
    label = (row + col) % 2  # a chessboard of pixels
    sure = np.where(label[:, None] == np.arange(2), 0.9, 0.1).astype(np.float32)
    assert fit_nearby(index, places_of(index, row, col, label), sure, near=False).power == 0.0


def test_one_label_a_class_has_no_say() -> None:
    scene, truth = unclear_fields()
    one = fit(scene, draw_labels(truth, scene.valid, 1))
    assert one.nearby.power == 0.0
    index = one.features.index
    places = Places(np.array([1, 30]), np.array([1, 30]), np.array([0, 1]), 10.0)
    assert fit_nearby(index, places, even(2), near=False).power == 0.0


def test_fields_are_mapped_better_and_left_out_labels_promise_no_more_than_that() -> None:
    gain, promised = [], []
    for seed in range(6):
        scene, truth = unclear_fields(seed)
        labels = draw_labels(truth, scene.valid, 8, seed=seed)
        heard, unheard = fit(scene, labels), fit(scene, labels, nearby=False)
        right, before = (
            float((one.node_probabilities().argmax(axis=1) == truth.ravel()).mean()) for one in (heard, unheard)
        )
        said, said_before = (float((one.leave_one_out() == labels.label).mean()) for one in (heard, unheard))
        gain.append(right - before)
        promised.append(said - said_before)
    assert np.mean(gain) > 0.01
    assert min(gain) >= 0
    assert np.mean(promised) < np.mean(gain) + 0.03


def test_labels_of_one_place_a_class_are_heard_with_half_the_power() -> None:
    index = np.arange(10_000, dtype=np.int32).reshape(100, 100)
    label = np.repeat([0, 1], 4)
    places = places_of(index, np.array([1, 2, 3, 4, 90, 91, 92, 93]), np.repeat([5, 80], 4), label)
    assert fit_nearby(index, places, even(8), near=False).power == 0.5
    assert fit_nearby(index, places, even(8), near=True).power == 0.25


def test_superpixels_are_asked_at_their_middle() -> None:
    index = np.repeat(np.repeat(np.arange(100, dtype=np.int32).reshape(10, 10), 4, axis=0), 4, axis=1)  # 4 × 4 pixels
    pixels = np.arange(1600, dtype=np.int32).reshape(40, 40)
    row, col, label = np.array([2, 6, 33, 37]), np.array([2, 6, 33, 37]), np.array([0, 0, 1, 1])
    coarse = fit_nearby(index, places_of(index, row, col, label), even(4), near=False)
    fine = fit_nearby(pixels, places_of(pixels, row, col, label), even(4), near=False)
    found = coarse.beside(even(100), slice(None)).reshape(10, 10, 2)
    wanted = fine.beside(even(1600), slice(None)).reshape(10, 4, 10, 4, 2).mean(axis=(1, 3))
    assert np.abs(found - wanted).max() < 1.0 / GRID


def test_a_model_hears_its_labels_on_its_own_scene_alone() -> None:
    scene, truth = unclear_fields()
    labels = draw_labels(truth, scene.valid, 8)
    heard = fit(scene, labels)
    assert heard.nearby.power > 0
    state = heard.state()
    again_there = Live().from_state(state, scene, Context())
    np.testing.assert_allclose(again_there.node_probabilities(), heard.node_probabilities(), atol=1e-5)
    other, _ = unclear_fields(1)
    assert Live().from_state(state, other, Context()).nearby.power == 0.0
    deaf = fit(scene, labels, nearby=False)
    assert "near_row" not in deaf.state().arrays
    assert Live().from_state(deaf.state(), scene, Context()).nearby.power == 0.0
    older = {k: v for k, v in state.header.items() if k != "nearby"}
    old = Live().from_state(type(state)(state.arrays, older), scene, Context())
    np.testing.assert_allclose(old.node_probabilities(), deaf.node_probabilities(), atol=1e-5)


def test_the_order_of_clicks_changes_nothing() -> None:
    scene, truth = unclear_fields()
    labels = draw_labels(truth, scene.valid, 8)
    turn = np.random.default_rng(0).permutation(labels.label.size)
    turned = LabelSet(schema(len(labels.schema)), labels.row[turn], labels.col[turn], labels.label[turn])
    np.testing.assert_array_equal(fit(scene, turned).node_probabilities(), fit(scene, labels).node_probabilities())
