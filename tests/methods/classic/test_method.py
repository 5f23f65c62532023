"""Facts about the baselines beyond the contract that every method fulfils."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from hsi_studio.engine.mapping.predict import predict_scene
from hsi_studio.errors import BadRequest, LabelProblem, SceneMismatch
from hsi_studio.methods import get_method
from hsi_studio.methods.classic import method as module
from hsi_studio.methods.classic.models import (
    NOT_SEEN,
    Discriminant,
    Forest,
    Model,
    Neighbours,
    SupportVectors,
    in_folds,
    temperature,
)
from hsi_studio.methods.contract import Block, Context, State
from hsi_studio.types import LabelSet, Prediction, PromptSet, Scene
from tests.features.scenes import draw_labels, fields, scene_from, schema, with_gaps

NAMES = ("svm", "forest", "lda", "knn")
EVERY = pytest.mark.parametrize("name", NAMES)
BOTH = pytest.mark.parametrize("features", ["spectra", "spectral-spatial"])
MODELS = [SupportVectors(100, 1), Forest(50), Discriminant(), Neighbours(1, "euclidean"), Neighbours(3, "angle")]


@pytest.fixture(scope="module")
def scene() -> Scene:
    return scene_from(with_gaps(fields()[0]), wavelength_nm=np.linspace(450, 2400, 12).astype(np.float32))


@pytest.fixture(scope="module")
def labels(scene: Scene) -> LabelSet:
    return draw_labels(fields()[1], scene.valid, shots=5)


def blobs(count: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(x (N, 4), label (N,)): three overlapping clouds."""
    rng = np.random.default_rng(seed)
    label = np.arange(count) % 3
    return (rng.normal(0, 1, (count, 4)) + 2 * np.eye(3, 4)[label] + 3).astype(np.float32), label


def learn(model: Model, x: np.ndarray, label: np.ndarray, classes: int = 3):  # type: ignore[no-untyped-def]
    return model.fit(x, label, classes, 0, lambda: None)


def test_the_svm_is_scikit_learns() -> None:
    from sklearn.svm import SVC

    x, label = blobs()
    pixels = np.random.default_rng(1).normal(3, 2, (500, 4)).astype(np.float32)
    theirs = SVC(C=100, gamma="scale", break_ties=True).fit(x, label).predict(pixels)
    assert (learn(SupportVectors(100, 1), x, label).scores(pixels).argmax(axis=1) == theirs).mean() > 0.995


def test_the_discriminant_is_fishers_line() -> None:
    """Two classes, two features: the normal of the boundary is Σ⁻¹(μ₁ − μ₀), and it passes midway."""
    rng = np.random.default_rng(0)
    cloud = rng.normal(0, 1, (4000, 2)) @ np.array([[2.0, 1.0], [0.0, 0.5]])
    label = np.arange(4000) % 2
    x = (cloud + label[:, None] * [1.0, 0.0]).astype(np.float32)
    mean = [x[label == k].mean(axis=0) for k in (0, 1)]
    residual = x - np.array(mean)[label]
    normal = np.linalg.solve(residual.T @ residual / 3998, mean[1] - mean[0])
    pixels = rng.normal(0, 2, (500, 2)).astype(np.float32)
    side = (pixels - (mean[0] + mean[1]) / 2) @ normal > 0
    assert ((learn(Discriminant(), x, label, 2).scores(pixels).argmax(axis=1) == 1) == side).mean() > 0.99


def test_the_discriminant_with_one_label_a_class_is_the_nearest_mean() -> None:
    x = np.array([[0, 0], [4, 0], [0, 4]], dtype=np.float32)
    pixels = np.random.default_rng(0).uniform(-1, 5, (300, 2)).astype(np.float32)
    nearest = ((pixels[:, None] - x[None]) ** 2).sum(axis=2).argmin(axis=1)
    assert np.array_equal(learn(Discriminant(), x, np.arange(3)).scores(pixels).argmax(axis=1), nearest)


def test_one_neighbour_is_the_nearest_label_and_three_are_averaged() -> None:
    x, label = blobs()
    pixels = np.random.default_rng(1).normal(3, 2, (300, 4)).astype(np.float32)
    distance = np.linalg.norm(pixels[:, None] - x[None], axis=2)
    one = learn(Neighbours(1, "euclidean"), x, label).scores(pixels).argmax(axis=1)
    assert np.array_equal(one, label[distance.argmin(axis=1)])
    mean = np.stack([np.sort(distance[:, label == k], axis=1)[:, :3].mean(axis=1) for k in range(3)], axis=1)
    three = learn(Neighbours(3, "euclidean"), x, label).scores(pixels).argmax(axis=1)
    assert np.array_equal(three, mean.argmin(axis=1))


def test_the_angle_does_not_see_brightness() -> None:
    x, label = blobs()
    pixels = np.random.default_rng(1).uniform(0.1, 5, (300, 4)).astype(np.float32)
    scores = learn(Neighbours(1, "angle"), x, label).scores
    assert np.allclose(scores(pixels), scores(7 * pixels), atol=1e-4)
    assert not np.allclose(*(learn(Neighbours(1, "euclidean"), x, label).scores(f * pixels) for f in (1, 7)))


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS, ids=lambda m: type(m).__name__)
def test_left_out_scores_are_those_of_a_fit_without_the_label(model: Model) -> None:
    x, label = blobs(24)
    fitted = learn(model, x, label)
    alone = in_folds(model, x, label, 3, 0, 24, lambda: None)
    for n in (0, 7, 23):
        kept = np.arange(24) != n
        assert np.allclose(alone[n], learn(model, x[kept], label[kept]).scores(x[n : n + 1])[0], atol=1e-5)
    if isinstance(model, Neighbours):  # closed form; its unit of distance is that of all labels
        assert np.array_equal(fitted.left_out.argmax(axis=1), alone.argmax(axis=1))
    if isinstance(model, Forest):  # out of bag: other trees, much the same answer
        assert (fitted.left_out.argmax(axis=1) == alone.argmax(axis=1)).mean() > 0.8


@pytest.mark.parametrize("model", MODELS, ids=lambda m: type(m).__name__)
def test_a_class_without_a_label_is_never_chosen(model: Model) -> None:
    x, label = blobs()
    seen = label != 1
    scores = learn(model, x[seen], label[seen]).scores(x)
    assert (scores[:, 1] == NOT_SEEN).all()
    assert (scores.argmax(axis=1) != 1).all()


def test_folds_hold_out_every_label_once_and_spread_classes() -> None:
    class Spy:
        def __init__(self) -> None:
            self.seen: list[np.ndarray] = []

        def fit(self, x, label, classes, seed, check):  # type: ignore[no-untyped-def]
            self.seen.append(np.bincount(label, minlength=classes))
            return learn(Discriminant(), x, label, classes)

    spy, (x, label) = Spy(), blobs(60)
    assert in_folds(spy, x, label, 3, 0, 5, lambda: None).shape == (60, 3)
    assert [counts.tolist() for counts in spy.seen] == [[16, 16, 16]] * 5


def test_temperature_is_high_for_scores_that_are_right_and_low_for_noise() -> None:
    rng = np.random.default_rng(0)
    label = rng.integers(0, 3, 300)
    right = np.where(np.eye(3)[label] > 0, 1.0, 0.0).astype(np.float32)
    noise = rng.normal(0, 1, (300, 3)).astype(np.float32)
    assert temperature(right, label) > 10 * temperature(noise, label)
    assert temperature(right * 100, label) == pytest.approx(temperature(right, label) / 100)  # units do not count
    nothing = np.where(np.eye(3) > 0, NOT_SEEN, 0).astype(np.float32)
    assert temperature(nothing, np.arange(3)) > 0  # one label a class: the prior alone


def mapped(name: str, scene: Scene, labels: LabelSet, **params: object) -> Prediction:
    method = get_method(name)
    fitted = method.fit(scene, labels, PromptSet(), method.Params(**params), Context())  # type: ignore[arg-type]
    return predict_scene(fitted, scene, name, {}, 0, Context())


@pytest.mark.slow
@EVERY
def test_smoothed_features_find_fields_that_noise_hides(name: str) -> None:
    cube, truth = fields(seed=1)
    noisy = (cube + np.random.default_rng(5).normal(0, 0.15, cube.shape)).astype(np.float32)
    scene = scene_from(noisy, name="noisy")
    labels = draw_labels(truth, scene.valid, shots=5)
    right = [
        (mapped(name, scene, labels, features=features, smoothing_steps=(5, 20)).label == truth + 1).mean()
        for features in ("spectra", "spectral-spatial")
    ]
    assert right[1] > right[0] + 0.1


@pytest.mark.slow
@EVERY
@BOTH
def test_save_and_load_give_the_same_map_here_and_the_same_features_elsewhere(
    name: str, features: str, scene: Scene, labels: LabelSet
) -> None:
    method, ctx = get_method(name), Context(seed=3)
    fitted = method.fit(scene, labels, PromptSet(), method.Params(features=features), ctx)  # type: ignore[call-arg]
    stored = fitted.state()
    state = State({k: v.copy() for k, v in stored.arrays.items()}, json.loads(json.dumps(stored.header)))
    before = predict_scene(fitted, scene, name, {}, 0, ctx)
    again = predict_scene(method.from_state(state, scene, ctx), scene, name, {}, 0, ctx)
    assert np.array_equal(before.label, again.label)
    assert np.allclose(before.confidence, again.confidence, atol=1e-6, equal_nan=True)

    cube = with_gaps(fields()[0])
    twin = scene_from(cube[:, ::-1].copy(), name="twin", wavelength_nm=scene.bands.wavelength_nm)
    there = predict_scene(method.from_state(state, twin, ctx), twin, name, {}, 0, ctx)
    assert (there.label[:, ::-1] == before.label).mean() > 0.97  # mirrored pixels, same classes


@pytest.mark.slow
@EVERY
def test_a_surface_model_is_asked_for_by_a_model_that_used_one(name: str, scene: Scene, labels: LabelSet) -> None:
    method, ctx = get_method(name), Context()
    heights = np.random.default_rng(0).uniform(0, 9, (40, 48, 1)).astype(np.float32)
    tall = replace(scene, id="tall", dsm=heights)
    params = method.Params(features="spectral-spatial")  # type: ignore[call-arg]
    state = method.fit(tall, labels, PromptSet(), params, ctx).state()
    with pytest.raises(SceneMismatch, match=r"no surface model"):
        method.from_state(state, replace(scene, id="flat"), ctx)
    assert method.fit(tall, labels, PromptSet(), method.Params(), ctx).state().header["layers"] == 0


@pytest.mark.slow
def test_labels_beyond_the_bound_are_thinned_and_still_get_a_left_out_class(
    monkeypatch: pytest.MonkeyPatch, scene: Scene
) -> None:
    monkeypatch.setattr(module, "MAX_SUPPORT", 40)
    many = draw_labels(fields()[1], scene.valid, shots=30)
    order = np.random.default_rng(0).permutation(len(many))
    shuffled = replace(many, row=many.row[order], col=many.col[order], label=many.label[order])
    for name in NAMES:
        method = get_method(name)
        fitted, other = (
            method.fit(scene, which, PromptSet(), method.Params(), Context()) for which in (many, shuffled)
        )
        assert len(fitted.support.label) == 40  # type: ignore[attr-defined]
        left_out = fitted.leave_one_out()
        assert left_out.shape == (120,)
        assert (left_out == many.label).mean() > 0.6
        assert np.array_equal(left_out[order], other.leave_one_out())


def test_labels_without_data_are_told(scene: Scene) -> None:
    labels = LabelSet(schema(2), np.array([5, 0]), np.array([20, 0]), np.array([0, 1]))
    for name in NAMES:
        with pytest.raises(LabelProblem, match="row 5, column 20"):
            mapped(name, scene, labels)


def test_an_angle_needs_three_bands() -> None:
    cube, truth = fields(bands=2, classes=2)
    scene = scene_from(cube, name="two bands")
    with pytest.raises(BadRequest, match="at least 3 bands, two bands has 2"):
        mapped("knn", scene, draw_labels(truth, scene.valid, 3), metric="angle")


def test_a_block_of_another_scene_is_refused(scene: Scene, labels: LabelSet) -> None:
    method = get_method("svm")
    fitted = method.fit(scene, labels, PromptSet(), method.Params(), Context())
    other = scene_from(fields()[0], name="other")
    with pytest.raises(SceneMismatch, match="other"):
        fitted.predict(Block(other, slice(0, 4), slice(0, 4)))


def test_steps_that_live_does_not_have_are_made() -> None:
    cube, truth = fields(seed=2)
    scene = scene_from(cube, name="steps")
    labels = draw_labels(truth, scene.valid, 4)
    few, many = (mapped("lda", scene, labels, features="spectral-spatial", smoothing_steps=s) for s in ((1,), (30, 7)))
    assert not np.array_equal(few.confidence, many.confidence)
    assert (many.label == truth + 1).mean() > 0.8
