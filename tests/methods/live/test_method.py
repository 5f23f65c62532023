"""Facts about `live` itself: large scenes, heights, label checks, models on other scenes, accuracy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hsi_studio.engine.mapping.predict import predict_scene
from hsi_studio.errors import LabelProblem, SceneMismatch, TooFewLabels
from hsi_studio.methods.contract import Block, Context, State, best_class
from hsi_studio.methods.live import nodes
from hsi_studio.methods.live.fitted import LiveFitted
from hsi_studio.methods.live.linear import fit_power, sharpened
from hsi_studio.methods.live.method import Live
from hsi_studio.methods.live.params import LiveParams
from hsi_studio.types import ClassInfo, ClassSchema, LabelSet, Prediction, PromptSet, Scene
from tests.features.scenes import draw_labels, fields, scene_from, schema, with_gaps

WAVELENGTHS = np.linspace(450, 2400, 12).astype(np.float32)


def fit(scene: Scene, labels: LabelSet, **params: Any) -> LiveFitted:
    return Live().fit(scene, labels, PromptSet(), LiveParams(**params), Context())


def map_of(scene: Scene, fitted: LiveFitted) -> Prediction:
    return predict_scene(fitted, scene, "live", {}, 0, Context())


def test_a_large_scene_is_mapped_on_bounded_nodes() -> None:
    cube, truth = fields(150, 160)
    scene = scene_from(with_gaps(cube), name="large")
    labels = draw_labels(truth, scene.valid, 5)
    fitted = fit(scene, labels, max_nodes=2000)
    assert 500 < fitted.features.count <= 2000
    prediction = map_of(scene, fitted)
    assert np.array_equal(prediction.label == 0, ~scene.valid)
    assert (prediction.label[scene.valid] == truth[scene.valid] + 1).mean() > 0.9


def test_a_scene_too_large_for_its_single_pixels_says_what_its_map_cannot_show(monkeypatch: pytest.MonkeyPatch) -> None:
    cube, truth = fields(60, 60)
    scene = scene_from(with_gaps(cube), name="too large")
    labels = draw_labels(truth, scene.valid, 3)
    assert fit(scene, labels).notes == ()
    assert fit(scene, labels, max_nodes=400).notes == ()  # single pixels speak beside superpixels
    monkeypatch.setattr(nodes, "MOST_ALONE", 1000)
    between = fit(scene, labels, max_nodes=400)
    size = round(np.count_nonzero(scene.valid) / between.features.count)
    assert (
        f"superpixels of about {size} pixels, with its pixels between them: what is smaller can be missing"
        in between.notes[0]
    )
    monkeypatch.setattr(nodes, "MOST_GUIDED", 1000)
    assert "nothing smaller is on the map" in fit(scene, labels, max_nodes=400).notes[0]


def test_painting_the_map_directly_agrees_with_the_probabilities() -> None:
    cube, truth = fields()
    scene = scene_from(with_gaps(cube), name="paint")
    fitted = fit(scene, draw_labels(truth, scene.valid, 3))
    block = Block(scene, slice(3, 30), slice(10, 41))
    label, confidence = fitted.predict_best(block)
    expected_label, expected_confidence = best_class(fitted.predict(block))
    assert np.array_equal(label, expected_label)
    assert np.array_equal(confidence, expected_confidence, equal_nan=True)


def test_heights_separate_what_spectra_cannot() -> None:
    """Two classes of one spectrum, one of them 6 m up: chance without the surface model, right with it."""
    rng = np.random.default_rng(0)
    row, col = np.mgrid[0:60, 0:60]
    truth = ((row // 15 + col // 15) % 2).astype(np.int64)
    cube = (0.3 + rng.normal(0, 0.02, (60, 60, 8))).astype(np.float32)
    dsm = (50 + 0.05 * row + 6.0 * truth + rng.normal(0, 0.1, (60, 60)))[..., None].astype(np.float32)
    dsm[20:22, 20:22] = np.nan
    scene = scene_from(cube, dsm, name="heights")
    labels = draw_labels(truth, scene.valid, 5)
    with_heights, without = (map_of(scene, fit(scene, labels, use_dsm=use)).label == truth + 1 for use in (True, False))
    assert with_heights.mean() > 0.95
    assert without.mean() < 0.75


def test_the_smoothing_follows_the_labels() -> None:
    """Salt-and-pepper classes ask for the pixel's own spectrum, fields for smoothing."""
    rng = np.random.default_rng(0)
    spectra = rng.uniform(0.1, 0.6, (3, 12))
    pepper = rng.integers(0, 3, (40, 40))
    fine = scene_from((spectra[pepper] + rng.normal(0, 0.03, (40, 40, 12))).astype(np.float32), name="pepper")
    on_pixels = fit(fine, draw_labels(pepper, fine.valid, 8))
    cube, truth = fields(seed=1)
    noisy = scene_from(cube + rng.normal(0, 0.3, cube.shape).astype(np.float32), name="noisy fields")
    on_fields = fit(noisy, draw_labels(truth, noisy.valid, 8))

    def at(fitted: LiveFitted) -> dict[int, float]:
        """Weight of the kernels at each scale."""
        return {
            s: sum(w for k, w in zip(fitted.kernels, fitted.weights, strict=True) if k.scale == s) for s in range(6)
        }

    fine_at, fields_at = at(on_pixels), at(on_fields)
    assert fine_at[0] + fine_at[1] > 0.9
    assert fields_at[0] < 0.1
    assert sum(fields_at[s] for s in range(2, 6)) > 0.5


def test_more_labels_than_the_head_takes_still_give_a_map_and_a_leave_one_out(monkeypatch: pytest.MonkeyPatch) -> None:
    cube, truth = fields()
    scene = scene_from(with_gaps(cube), name="many")
    labels = draw_labels(truth, scene.valid, 100)
    monkeypatch.setattr("hsi_studio.methods.live.method.MAX_SUPPORT", 60)
    fitted = fit(scene, labels)
    assert fitted.support.position.size == 60
    assert (fitted.leave_one_out() == labels.label).mean() > 0.9
    assert (map_of(scene, fitted).label[scene.valid] == truth[scene.valid] + 1).mean() > 0.9


def test_what_is_missing_is_said() -> None:
    scene = scene_from(fields()[0])
    three = LabelSet(schema(3), np.array([1, 2]), np.array([1, 2]), np.array([0, 0]))
    with pytest.raises(TooFewLabels, match=r"Only “class 0” has labels"):
        fit(scene, three)
    with pytest.raises(TooFewLabels, match=r"1 of 3 classes have no label \(class 1\)"):
        fit(scene, replace(three, label=np.array([0, 2])))


def test_a_label_on_missing_data_is_named() -> None:
    scene = scene_from(with_gaps(fields()[0]))
    labels = LabelSet(schema(2), np.array([1, 7]), np.array([1, 22]), np.array([0, 1]))
    with pytest.raises(LabelProblem, match="row 7, column 22"):
        fit(scene, labels)


def test_features_are_read_from_the_cache_folder(tmp_path: Path) -> None:
    cube, truth = fields()
    scene = scene_from(cube, name="cached")
    labels = draw_labels(truth, scene.valid, 3)
    ctx = Context(cache_dir=tmp_path)
    first = Live().fit(scene, labels, PromptSet(), LiveParams(), ctx)
    assert len(list((tmp_path / "features").glob("*.npz"))) == 1

    class Unreadable:
        shape = scene.shape

        def read(self, *_: Any) -> Any:
            raise AssertionError("the cube was read although its features are cached")

    again = Live().fit(replace(scene, cube=Unreadable()), labels, PromptSet(), LiveParams(), ctx)
    assert np.array_equal(first.node_probabilities(), again.node_probabilities())


def model(scene: Scene, truth: np.ndarray, **params: Any) -> State:
    return fit(scene, draw_labels(truth, scene.valid, 5), **params).state()


def test_a_mixture_is_as_sure_as_its_left_out_labels_were_right_and_older_models_stay_as_they_were() -> None:
    """p ∝ p^(5/4) of 0.8 and 0.2: 0.7566 and 0.1337, so 0.8498."""
    assert sharpened(np.array([[0.8, 0.2, 0.0]], dtype=np.float32), 1.25)[0] == pytest.approx(
        [0.8498, 0.1502, 0], abs=1e-4
    )
    right = np.repeat([[0.6, 0.4]], 40, axis=0).astype(np.float32)
    assert fit_power(right, np.zeros(40, dtype=np.int64)) > 1.2  # always right at 0.6: not sure enough
    sure = np.repeat([[0.95, 0.05]], 40, axis=0).astype(np.float32)
    assert fit_power(sure, np.arange(40) % 3 // 2) < 0.6  # right in two of three at 0.95: too sure
    assert fit_power(right[:0], np.zeros(0, dtype=np.int64)) == pytest.approx(1.0, abs=0.04)
    cube, truth = fields()
    scene = scene_from(cube, wavelength_nm=WAVELENGTHS, name="a")
    state = model(scene, truth, nearby=False)
    now = Live().from_state(state, scene, Context())
    before = Live().from_state(State(state.arrays, {**state.header, "power": 1.0}), scene, Context())
    old = Live().from_state(
        State(state.arrays, {k: v for k, v in state.header.items() if k != "power"}), scene, Context()
    )
    assert np.array_equal(old.node_probabilities(), before.node_probabilities())
    assert np.array_equal(now.node_probabilities().argmax(axis=1), old.node_probabilities().argmax(axis=1))
    assert now.node_probabilities() == pytest.approx(sharpened(old.node_probabilities(), now.linear.power), abs=1e-6)


def test_labels_of_one_place_a_class_do_not_say_how_sure_the_map_is() -> None:
    cube, truth = fields()
    scene = scene_from(cube, wavelength_nm=WAVELENGTHS)
    label = np.repeat(np.arange(4), 4)
    row, col = np.tile([2, 4, 6, 8], 4), 10 * label + 5  # in the four fields of the first row
    assert np.array_equal(truth[row, col], label)
    near = fit(scene, LabelSet(schema(4), row, col, label))
    assert (near.linear.power, len(near.linear.heads)) == (1.0, 4)
    row[12:], col[12:] = [8, 18, 28, 38], [35, 5, 15, 25]  # three of four are enough, two are not
    assert np.array_equal(truth[row, col], label)
    assert fit(scene, LabelSet(schema(4), row, col, label)).linear.power == 1.0
    row[8:12], col[8:12] = [8, 18, 28, 38], [25, 35, 5, 15]
    assert np.array_equal(truth[row, col], label)
    assert fit(scene, LabelSet(schema(4), row, col, label)).linear.power != 1.0


def test_a_model_maps_another_scene_of_the_same_sensor() -> None:
    cube, truth = fields()
    state = model(scene_from(cube, wavelength_nm=WAVELENGTHS, name="a"), truth)
    other_truth = truth[::-1].copy()
    other = scene_from(cube[::-1].copy(), wavelength_nm=WAVELENGTHS, name="b")
    prediction = map_of(other, Live().from_state(state, other, Context()))
    assert (prediction.label == other_truth + 1).mean() > 0.9


def test_a_model_refuses_other_wavelengths_units_and_missing_heights() -> None:
    cube, truth = fields()
    dsm = (np.abs(np.random.default_rng(0).normal(10, 3, truth.shape))[..., None]).astype(np.float32)
    state = model(scene_from(cube, dsm, wavelength_nm=WAVELENGTHS, name="a"), truth)
    for scene, message in (
        (scene_from(cube, dsm, wavelength_nm=WAVELENGTHS + 20, name="b"), r"450\.0 nm in the model and at 470\.0 nm"),
        (scene_from(cube * 10_000, dsm, wavelength_nm=WAVELENGTHS, name="c"), "units or the scale factor differ"),
        (scene_from(cube, wavelength_nm=WAVELENGTHS, name="d"), "no surface model"),
    ):
        with pytest.raises(SceneMismatch, match=message):
            Live().from_state(state, scene, Context())
    flat = model(scene_from(cube, name="flat"), truth)
    with_dsm = scene_from(cube, dsm, name="with heights")  # more than the model needs: fine
    assert map_of(with_dsm, Live().from_state(flat, with_dsm, Context())).label.min() == 1


def random_draw(reference: np.ndarray, shots: int, seed: int) -> tuple[LabelSet, np.ndarray]:
    """The benchmark's draw: (labels, flat indices of the test pixels)."""
    rng = np.random.default_rng(seed)
    values = np.unique(reference[reference > 0])
    picked = []
    for value in values:
        at = np.flatnonzero(reference.ravel() == value)
        rng.shuffle(at)
        picked.append(at[: min(shots, at.size // 2)])
    train = np.concatenate(picked)
    test = reference.ravel() > 0
    test[train] = False
    classes = ClassSchema(tuple(ClassInfo(str(v), f"class {v}", "#000000") for v in values))
    label = np.searchsorted(values, reference.ravel()[train])
    width = reference.shape[1]
    return LabelSet(classes, train // width, train % width, label), np.flatnonzero(test)


@pytest.mark.slow
@pytest.mark.parametrize(("shots", "floor"), [(5, 80.9), (10, 89.7), (20, 95.1)])
def test_indian_pines_is_at_least_as_good_as_the_first_prototype(shots: int, floor: float) -> None:
    """Mean overall accuracy over 20 random draws, percent."""
    from hsi_studio.scene import open_catalog

    pines = open_catalog("indian_pines")
    reference = np.asarray(pines.reference)
    blind, method = pines.without_reference(), LIVE
    found = []
    for seed in range(20):
        labels, test = random_draw(reference, shots, seed)
        prediction = map_of(blind, method.fit(blind, labels, PromptSet(), LiveParams(), Context()))
        found.append(100 * (prediction.label.ravel()[test] == reference.ravel()[test]).mean())
    assert np.mean(found) >= floor


LIVE = Live()  # one cache for the slow tests


@pytest.mark.slow
def test_heights_help_on_the_simulated_scene() -> None:
    """The same 10 draws of 10 labels a class with and without the surface model. At 5 they gain half as much: shapes of
    spectra tell there what heights told before."""
    from hsi_studio.scene.demo import demo_scene

    scene = demo_scene()
    reference = np.where(scene.valid, np.asarray(scene.reference), 0)
    values = np.unique(reference[reference > 0])
    gain = []
    for seed in range(10):
        labels, test = random_draw(reference, 10, seed)
        right = []
        for use in (True, False):
            fitted = LIVE.fit(scene.without_reference(), labels, PromptSet(), LiveParams(use_dsm=use), Context())
            label = map_of(scene, fitted).label.ravel()[test]
            right.append((values[label.astype(int) - 1] == reference.ravel()[test]).mean())
        gain.append(100 * (right[0] - right[1]))
    assert np.mean(gain) > 1.0
    assert np.sum(np.array(gain) > 0) >= 8
