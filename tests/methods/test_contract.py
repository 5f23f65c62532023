"""The contract every registered method fulfils. A new method is tested by existing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hsi_studio.engine.mapping.predict import predict_scene
from hsi_studio.errors import BadRequest, Cancelled, SceneMismatch, TooFewLabels
from hsi_studio.methods import get_method, methods
from hsi_studio.methods.contract import Block, Context, Params, State
from hsi_studio.types import LabelSet, Prediction, Progress, PromptSet, Scene
from tests.features.scenes import draw_labels, fields, scene_from, schema, with_gaps

CLASSES = 4
EVERY_METHOD = pytest.mark.parametrize("name", list(methods().entries))


@pytest.fixture(scope="module")
def scene() -> Scene:
    cube, _ = fields(classes=CLASSES)
    return scene_from(with_gaps(cube), wavelength_nm=np.linspace(450, 2400, 12).astype(np.float32))


@pytest.fixture(scope="module")
def labels(scene: Scene) -> LabelSet:
    return draw_labels(fields(classes=CLASSES)[1], scene.valid, shots=4)


def quick(name: str) -> Params:
    """Defaults, but for methods that train for minutes those of their class attribute `quick`."""
    method = get_method(name)
    return method.Params.model_validate(method.test_params)


def mapped(name: str, scene: Scene, labels: LabelSet, seed: int = 0) -> Prediction:
    method, ctx = get_method(name), Context(seed=seed)
    fitted = method.fit(scene, labels, PromptSet(), quick(name), ctx)
    return predict_scene(fitted, scene, name, {}, labels.revision, ctx)


def same_map(a: Prediction, b: Prediction) -> bool:
    return np.array_equal(a.label, b.label) and np.allclose(a.confidence, b.confidence, atol=1e-5, equal_nan=True)


def test_every_module_of_the_folder_imports_and_names_are_unique() -> None:
    assert methods().problems == []
    with pytest.raises(BadRequest, match="live"):
        get_method("no such method")


@EVERY_METHOD
def test_it_describes_itself_and_every_parameter(name: str) -> None:
    method = get_method(name)
    assert method.title
    assert len(method.source) > 20
    assert method.needs <= {"text", "dsm", "pretraining"}
    defaults = method.Params()
    assert method.Params.model_validate(json.loads(defaults.model_dump_json())) == defaults
    assert all(field.description for field in method.Params.model_fields.values())


@pytest.mark.slow
@EVERY_METHOD
def test_same_seed_same_map_and_better_than_chance(name: str, scene: Scene, labels: LabelSet) -> None:
    first = mapped(name, scene, labels)
    assert same_map(first, mapped(name, scene, labels))
    truth = fields(classes=CLASSES)[1]
    accuracy = (first.label[scene.valid] == truth[scene.valid] + 1).mean()
    assert accuracy > 2 / CLASSES


@EVERY_METHOD
def test_probabilities_sum_to_one_and_invalid_pixels_stay_unlabelled(name: str, scene: Scene, labels: LabelSet) -> None:
    method = get_method(name)
    fitted = method.fit(scene, labels, PromptSet(), quick(name), Context())
    block = Block(scene, slice(0, 40), slice(0, 48))
    probabilities = fitted.predict(block)
    assert probabilities.shape == (CLASSES, 40, 48)
    assert probabilities.dtype == np.float32
    assert np.allclose(probabilities[:, scene.valid].sum(axis=0), 1, atol=1e-5)
    assert (probabilities[:, scene.valid] >= 0).all()
    assert np.isnan(probabilities[:, ~scene.valid]).all()
    prediction = predict_scene(fitted, scene, name, {}, 0, Context())
    assert (prediction.label[~scene.valid] == 0).all()
    assert (prediction.label[scene.valid] > 0).all()
    assert np.array_equal(np.isnan(prediction.confidence), ~scene.valid)


@pytest.mark.slow
@EVERY_METHOD
def test_tiles_give_the_same_map_as_one_block(name: str, scene: Scene, labels: LabelSet) -> None:
    method, ctx = get_method(name), Context()
    fitted = method.fit(scene, labels, PromptSet(), quick(name), ctx)
    whole = predict_scene(fitted, scene, name, {}, 0, ctx)
    assert same_map(whole, predict_scene(fitted, scene, name, {}, 0, ctx, tile=13))


@EVERY_METHOD
def test_inputs_are_left_as_they_were(name: str, labels: LabelSet) -> None:
    cube = with_gaps(fields(classes=CLASSES)[0])
    kept, points = cube.copy(), (labels.row.copy(), labels.col.copy(), labels.label.copy())
    mapped(name, scene_from(cube, name="inputs"), labels)
    assert np.array_equal(cube, kept, equal_nan=True)
    assert all(np.array_equal(a, b) for a, b in zip(points, (labels.row, labels.col, labels.label), strict=True))


@EVERY_METHOD
def test_one_label_a_class_works(name: str, scene: Scene) -> None:
    prediction = mapped(name, scene, draw_labels(fields(classes=CLASSES)[1], scene.valid, shots=1))
    assert set(np.unique(prediction.label)) == {0, 1, 2, 3, 4}


@EVERY_METHOD
@pytest.mark.parametrize("classes", [0, 1])
def test_fewer_than_two_classes_is_an_answer(name: str, scene: Scene, classes: int) -> None:
    at = np.zeros(classes, dtype=np.int64)
    with pytest.raises(TooFewLabels, match="label"):
        mapped(name, scene, LabelSet(schema(classes), at, at, at))


@pytest.mark.slow
@EVERY_METHOD
def test_the_order_of_labels_changes_nothing(name: str, scene: Scene, labels: LabelSet) -> None:
    order = np.random.default_rng(1).permutation(len(labels))
    shuffled = replace(labels, row=labels.row[order], col=labels.col[order], label=labels.label[order])
    assert same_map(mapped(name, scene, labels), mapped(name, scene, shuffled))
    method = get_method(name)
    left_out = [
        method.fit(scene, which, PromptSet(), quick(name), Context()).leave_one_out() for which in (labels, shuffled)
    ]
    assert np.array_equal(left_out[0][order], left_out[1])


@pytest.mark.slow
@EVERY_METHOD
def test_the_reference_changes_nothing(name: str, scene: Scene, labels: LabelSet) -> None:
    """Test labels must not be seen: neither true ones nor shuffled ones move the map."""
    truth = fields(classes=CLASSES)[1].astype(np.int32) + 1
    shuffled = np.random.default_rng(2).permutation(truth.ravel()).reshape(truth.shape)
    maps = [
        mapped(name, replace(scene_from(with_gaps(fields(classes=CLASSES)[0]), name=title), reference=known), labels)
        for title, known in (("true", truth), ("shuffled", shuffled))
    ]
    assert same_map(*maps)


@EVERY_METHOD
def test_leave_one_out_has_one_class_a_label_and_finds_most(name: str, scene: Scene, labels: LabelSet) -> None:
    method = get_method(name)
    left_out = method.fit(scene, labels, PromptSet(), quick(name), Context()).leave_one_out()
    assert left_out.shape == (len(labels),)
    assert set(left_out.tolist()) <= set(range(CLASSES))
    assert (left_out == labels.label).mean() > 2 / CLASSES


@EVERY_METHOD
def test_leave_one_out_does_not_know_the_label_left_out(name: str, scene: Scene) -> None:
    """A lone wrong label amid a field of another class is not confirmed by itself."""
    truth = fields(classes=CLASSES)[1]
    labels = draw_labels(truth, scene.valid, shots=6)
    wrong = labels.label.copy()
    wrong[0] = (wrong[0] + 1) % CLASSES
    method = get_method(name)
    fitted = method.fit(scene, replace(labels, label=wrong), PromptSet(), quick(name), Context())
    assert fitted.leave_one_out()[0] != wrong[0]


@EVERY_METHOD
def test_state_goes_through_json_and_gives_the_same_map(
    name: str, scene: Scene, labels: LabelSet, tmp_path: Path
) -> None:
    from safetensors.numpy import load_file, save_file

    method, ctx = get_method(name), Context()
    fitted = method.fit(scene, labels, PromptSet(), quick(name), ctx)
    before = predict_scene(fitted, scene, name, {}, 0, ctx)
    state = fitted.state()
    save_file({k: np.ascontiguousarray(v) for k, v in state.arrays.items()}, tmp_path / "model.safetensors")
    again = State(load_file(tmp_path / "model.safetensors"), json.loads(json.dumps(state.header)))
    loaded = method.from_state(again, scene, ctx)
    assert same_map(before, predict_scene(loaded, scene, name, {}, 0, ctx))
    assert loaded.schema == labels.schema
    assert np.array_equal(loaded.leave_one_out(), fitted.leave_one_out())


@EVERY_METHOD
def test_a_scene_with_other_bands_is_refused_with_both_numbers(name: str, scene: Scene, labels: LabelSet) -> None:
    method, ctx = get_method(name), Context()
    state = method.fit(scene, labels, PromptSet(), quick(name), ctx).state()
    other = scene_from(fields(bands=9)[0], name="nine")
    with pytest.raises(SceneMismatch, match=r"12 .* 9 "):
        method.from_state(state, other, ctx)


@EVERY_METHOD
def test_cancel_stops_the_work_on_its_way(name: str, labels: LabelSet) -> None:
    method = get_method(name)
    fresh = scene_from(with_gaps(fields(classes=CLASSES)[0]), name="cancelled")
    asked = iter([False, False, True])  # the user stops it on its way, not before it starts
    with pytest.raises(Cancelled):
        method.fit(fresh, labels, PromptSet(), quick(name), Context(cancelled=lambda: next(asked, True)))


@EVERY_METHOD
def test_preparing_tells_how_far_it_is(name: str) -> None:
    said: list[Progress] = []
    fresh = scene_from(fields(classes=CLASSES)[0], name="progress")
    method = get_method(name)
    method.prepare(fresh, quick(name), Context(progress=said.append))
    done = [p.fraction for p in said]
    assert len(done) >= 3
    assert all(p.message for p in said)
    assert done == sorted(done)


@EVERY_METHOD
@pytest.mark.parametrize("bands", [1, 2, 3])
def test_few_bands_work(name: str, bands: int) -> None:
    cube, truth = fields(bands=bands, classes=2, seed=3)
    cube += truth[..., None].astype(np.float32)
    scene = scene_from(cube, name="few")
    prediction = mapped(name, scene, draw_labels(truth, scene.valid, shots=3))
    assert (prediction.label == truth + 1).mean() > 0.95
