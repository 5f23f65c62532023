"""What every method fulfils, as functions that take a method and raise AssertionError.

All but the first two fit it with `test_params` on small fields of 40 × 48 pixels, 12 bands and 4 classes, with a hole
of 6 × 7 pixels without data and one constant band. A method that cannot tell these apart from one label a class has no
chance on a real scene.
"""

from __future__ import annotations

import functools
import json
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from hsi_studio.engine.mapping.predict import predict_scene
from hsi_studio.errors import Cancelled, SceneMismatch, StudioError, TooFewLabels
from hsi_studio.methods import not_a_method
from hsi_studio.methods.contract import Block, Context, Fitted, Method, Params, State, without_limits
from hsi_studio.testing.scenes import draw_labels, fields, scene_from, schema, with_gaps
from hsi_studio.types import LabelSet, Prediction, Progress, PromptSet, Scene

CLASSES, SHOTS = 4, 4
PHASES = {"prepare", "fit", "predict"}

MethodCheck = Callable[[Method], None]


def check_method(method: Method) -> None:
    """All of `METHOD_CHECKS`. Raises AssertionError, and whatever the method raises where it should not."""
    for check in METHOD_CHECKS:
        check(method)


def describes_itself(method: Method) -> None:
    """Names, a citation, and a description of every parameter; defaults go through JSON."""
    need(not not_a_method(method), not_a_method(method))
    need(bool(method.title), "its title is empty: people choose it by its title")
    need(len(method.source) > 20, f"its source is {method.source!r}: cite where it comes from")
    unknown = method.needs - {"text", "dsm", "pretraining"}
    need(not unknown, f"it needs {', '.join(sorted(unknown))}: only text, dsm and pretraining are known")
    kind = method.Params
    bare = [name for name, field in kind.model_fields.items() if not field.description]
    need(not bare, f"parameters without a description: {', '.join(bare)}. Write Field(…, description=…)")
    open_ended = without_limits(kind)
    need(not open_ended, f"parameters without limits: {'; '.join(open_ended)}. Write Field(…, ge=…, le=…) and the like")
    defaults = kind()
    again = kind.model_validate(json.loads(defaults.model_dump_json()))
    need(again == defaults, "its parameters are not the same after JSON: use numbers, texts, tuples and booleans")


def declares_what_it_can(method: Method) -> None:
    """Every set of values is one of its parameters; its costs are numbers."""
    fields_ = set(method.Params.model_fields)
    sets = {"test_params": method.test_params, "quick_pace": method.quick_pace}
    for kind in ("presets", "efforts", "ablations"):
        sets |= {f"{kind}[{name!r}]": values for name, values in getattr(method, kind).items()}
    for name, values in sets.items():
        unknown = set(values) - fields_
        need(not unknown, f"{name} names {', '.join(sorted(unknown))}, which are no parameters of it")
        method.Params.model_validate(dict(values))
    unknown = set(method.efforts) - {"fast", "thorough"}
    need(not unknown, f"efforts has {', '.join(sorted(unknown))}: the dial knows fast and thorough")
    unknown = set(method.label_free) - fields_
    need(not unknown, f"label_free names {', '.join(sorted(unknown))}, which are no parameters of it")
    values = method.Params().model_dump(mode="json")
    small, large = (method.work(values, (side, side, 100), 10, 4) for side in (50, 200))
    for phase, work in [*small.items(), *large.items()]:
        need(phase in PHASES, f"work tells of a phase {phase!r}: the phases are {', '.join(sorted(PHASES))}")
        need(0 <= min(work) <= max(work) < float("inf"), f"work of {phase} is {work}: tell (GFLOP, calls)")
    total = [sum(work[0] for work in found.values()) for found in (small, large)]
    need(total[0] < total[1], "work does not grow with the scene: 16 times the pixels cost more")
    need(set(method.fixed_seconds) <= PHASES, f"fixed_seconds has phases {set(method.fixed_seconds) - PHASES}")


def same_seed_same_map(method: Method) -> None:
    """Twice with one seed gives one map, and it is better than chance."""
    first = mapped(method, the_scene(), the_labels())
    need(same_map(first, mapped(method, the_scene(), the_labels())), f"two runs with one seed differ: {RANDOM}")
    valid = the_scene().valid
    right = float((first.label[valid] == the_truth()[valid] + 1).mean())
    need(right > 2 / CLASSES, f"only {right:.0%} of the pixels are right, with {SHOTS} labels a class on plain fields")


def probabilities_sum_to_one(method: Method) -> None:
    """`predict` gives (K, h, w) float32 that sum to 1, NaN at invalid pixels, and the map leaves those out."""
    scene = the_scene()
    fitted, valid = fit(method, scene, the_labels()), scene.valid
    found = fitted.predict(Block(scene, slice(0, 40), slice(0, 48)))
    need(found.shape == (CLASSES, 40, 48), f"predict gave {found.shape} for 4 classes and 40 × 48 pixels: (K, h, w)")
    need(found.dtype == np.float32, f"predict gave {found.dtype}: return .astype(np.float32)")
    need(np.allclose(found[:, valid].sum(axis=0), 1, atol=1e-5), "probabilities of a pixel do not sum to 1")
    need(bool((found[:, valid] >= 0).all()), "there are probabilities below 0")
    need(
        bool(np.isnan(found[:, ~valid]).all()), "pixels without data have probabilities: set NaN where not block.valid"
    )
    prediction = predict_scene(fitted, scene, method.name, {}, 0, Context())
    need(bool((prediction.label[~valid] == 0).all()), "pixels without data have a class in the map")
    need(bool((prediction.label[valid] > 0).all()), "pixels with data have no class in the map")
    need(
        np.array_equal(np.isnan(prediction.confidence), ~valid),
        "confidence is NaN at other pixels than those without data",
    )


def tiles_make_no_difference(method: Method) -> None:
    """A scene mapped in tiles of 13 pixels is the scene mapped at once; `predict_best` agrees with `predict`."""
    scene = the_scene()
    fitted = fit(method, scene, the_labels())
    whole = predict_scene(fitted, scene, method.name, {}, 0, Context())
    tiled = predict_scene(fitted, scene, method.name, {}, 0, Context(), tile=13)
    need(same_map(whole, tiled), "the map depends on the tiles: what a pixel gets must not depend on the block's edges")
    block = Block(scene, slice(3, 30), slice(5, 40))
    label, confidence = fitted.predict_best(block)
    expected = Fitted.predict_best(fitted, block)
    same = np.array_equal(label, expected[0]) and np.allclose(confidence, expected[1], atol=1e-5, equal_nan=True)
    need(same, "predict_best is not the best class of predict")


def inputs_stay_as_they_were(method: Method) -> None:
    """Neither the cube nor the labels are changed."""
    cube, labels = with_gaps(fields(classes=CLASSES)[0]), the_labels()
    kept, points = cube.copy(), [labels.row.copy(), labels.col.copy(), labels.label.copy()]
    mapped(method, scene_from(cube, name="inputs"), labels)
    need(np.array_equal(cube, kept, equal_nan=True), "the scene's cube was changed: work on a copy")
    now = [labels.row, labels.col, labels.label]
    need(all(np.array_equal(a, b) for a, b in zip(points, now, strict=True)), "the labels were changed: work on a copy")


def one_label_a_class_is_enough(method: Method) -> None:
    """A map with every class in it, from one pixel each."""
    labels = draw_labels(the_truth(), the_scene().valid, shots=1)
    classes = set(np.unique(mapped(method, the_scene(), labels).label).tolist())
    need(
        classes == {0, 1, 2, 3, 4},
        f"with one label a class the map holds {sorted(classes)}: all classes are in the scene",
    )


def too_few_labels_are_refused(method: Method) -> None:
    """No label, or one class alone, is TooFewLabels with a sentence about labels."""
    for classes in (0, 1):
        at = np.zeros(classes, dtype=np.int64)
        labels = LabelSet(schema(classes), at, at, at)
        error = raised(TooFewLabels, functools.partial(fit, method, the_scene(), labels), f"{classes} labelled classes")
        need("label" in str(error), f"its TooFewLabels says {str(error)!r}: say how many labels more are needed")


def order_of_labels_makes_no_difference(method: Method) -> None:
    """Clicked in another order, the same labels give the same map and the same leave-one-out."""
    labels = the_labels()
    order = np.random.default_rng(1).permutation(len(labels))
    shuffled = replace(labels, row=labels.row[order], col=labels.col[order], label=labels.label[order])
    maps = [mapped(method, the_scene(), which) for which in (labels, shuffled)]
    need(
        same_map(*maps),
        "the map depends on the order of the labels: sort them (common/sorted_labels.py)",
    )
    left_out = [fit(method, the_scene(), which).leave_one_out() for which in (labels, shuffled)]
    if left_out[0] is None or left_out[1] is None:
        need(left_out[0] is left_out[1], "leave_one_out is known in one order of the labels and not in another")
        return
    need(np.array_equal(left_out[0][order], left_out[1]), "leave_one_out is not in the order of the labels")


def the_reference_makes_no_difference(method: Method) -> None:
    """Test labels must not be seen: neither true ones nor shuffled ones move the map."""
    truth = the_truth().astype(np.int32) + 1
    shuffled = np.random.default_rng(2).permutation(truth.ravel()).reshape(truth.shape)
    cube = with_gaps(fields(classes=CLASSES)[0])
    maps = [
        mapped(method, replace(scene_from(cube, name=name), reference=known), the_labels())
        for name, known in (("true", truth), ("shuffled", shuffled))
    ]
    need(same_map(*maps), "the map changes with scene.reference: a method may not look at it")


def leave_one_out_tells_each_label(method: Method) -> None:
    """One class a label, mostly right, and none that only knows itself; or None, for it cannot be known."""
    labels = the_labels()
    left_out = fit(method, the_scene(), labels).leave_one_out()
    if left_out is None:
        return
    need(left_out.shape == (len(labels),), f"leave_one_out gave {left_out.shape} for {len(labels)} labels")
    need(set(left_out.tolist()) <= set(range(CLASSES)), "leave_one_out gives classes that do not exist: 0 … K − 1")
    right = float((left_out == labels.label).mean())
    need(right > 2 / CLASSES, f"leave_one_out finds only {right:.0%} of the labels on plain fields")
    six = draw_labels(the_truth(), the_scene().valid, shots=6)
    wrong = six.label.copy()
    wrong[0] = (wrong[0] + 1) % CLASSES
    found = fit(method, the_scene(), replace(six, label=wrong)).leave_one_out()
    need(
        found is not None and bool(found[0] != wrong[0]),
        "a lone wrong label confirms itself: leave_one_out must not use the label it tells",
    )


def a_saved_model_gives_the_same_map(method: Method) -> None:
    """`state` goes through a file of arrays and JSON, and `from_state` gives the same map."""
    from safetensors.numpy import load_file, save_file

    scene, labels, ctx = the_scene(), the_labels(), Context()
    fitted = fit(method, scene, labels)
    before, state = predict_scene(fitted, scene, method.name, {}, 0, ctx), fitted.state()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.safetensors"
        save_file({name: np.ascontiguousarray(value) for name, value in state.arrays.items()}, file)
        arrays = load_file(file)
    loaded = method.from_state(State(arrays, json.loads(json.dumps(state.header))), scene, ctx)
    after = predict_scene(loaded, scene, method.name, {}, 0, ctx)
    need(same_map(before, after), "a saved and loaded model gives another map: state() leaves something out")
    need(loaded.schema == labels.schema, "a loaded model has other classes: keep schema.to_json() in the header")
    own, kept = fitted.leave_one_out(), loaded.leave_one_out()
    need(
        own is kept if own is None or kept is None else np.array_equal(own, kept),
        "a loaded model has another leave_one_out: keep it in state()",
    )


def other_bands_are_refused(method: Method) -> None:
    """A model of 12 bands on a scene of 9 is SceneMismatch, with both numbers."""
    state = fit(method, the_scene(), the_labels()).state()
    other = scene_from(fields(bands=9)[0], name="nine")
    error = raised(SceneMismatch, lambda: method.from_state(state, other, Context()), "a model of 12 bands on 9")
    said = "12" in str(error) and "9" in str(error)
    need(said, f"its SceneMismatch says {str(error)!r}: name both numbers (common/checks.py)")


def cancel_stops_it(method: Method) -> None:
    """Stopped before it starts, and on its way."""
    labels = the_labels()

    def stopped(name: str, cancelled: Callable[[], bool]) -> None:
        fresh = scene_from(with_gaps(fields(classes=CLASSES)[0]), name=name)
        fit(method, fresh, labels, Context(cancelled=cancelled))

    raised(Cancelled, lambda: stopped("stopped", lambda: True), "a fit that is stopped")
    asked: list[bool] = []

    def third() -> bool:
        asked.append(len(asked) >= 2)
        return asked[-1]

    try:
        stopped("stopped later", third)
    except Cancelled:
        return
    need(len(asked) <= 2, "Cancelled was caught on its way: let it pass")


def preparing_tells_how_far_it_is(method: Method) -> None:
    """At least three messages with a fraction that only grows; for methods that prepare anything."""
    if type(method).prepare is Method.prepare:
        return
    said: list[Progress] = []
    fresh = scene_from(fields(classes=CLASSES)[0], name="progress")
    method.prepare(fresh, params(method), Context(progress=said.append))
    done = [progress.fraction for progress in said]
    need(len(done) >= 3, f"prepare told its progress {len(done)} times: tell it at least three times")
    need(all(progress.message for progress in said), "prepare told a progress without a message")
    known = [fraction for fraction in done if fraction is not None]
    need(len(known) == len(done) and known == sorted(known), f"the progress of prepare goes back or is unknown: {done}")


def few_bands_work(method: Method) -> None:
    """Scenes of 1, 2 and 3 bands whose classes lie far apart."""
    for bands in (1, 2, 3):
        cube, truth = fields(bands=bands, classes=2, seed=3)
        cube += truth[..., None].astype(np.float32)
        scene = scene_from(cube, name="few")
        try:
            prediction = mapped(method, scene, draw_labels(truth, scene.valid, shots=3))
        except StudioError as error:
            raise AssertionError(f"{method.name}: {bands} bands are refused: {error}") from error
        right = float((prediction.label == truth + 1).mean())
        need(right > 0.95, f"with {bands} bands and classes far apart only {right:.0%} of the pixels are right")


def optional_parts_agree(method: Method) -> None:
    """What a fitted model offers beyond the map has the shapes it says."""
    scene = the_scene()
    fitted = fit(method, scene, the_labels())
    row, col = np.array([0, 20, 39]), np.array([0, 30, 47])
    told = fitted.at(row, col)
    if told is not None:
        need(told.shape == (3, CLASSES), f"at gave {told.shape} for 3 pixels and 4 classes: (n, K)")
    vectors, texts = fitted.embed(Block(scene, slice(0, 4), slice(0, 5))), fitted.text_vectors()
    if vectors is not None:
        need(vectors.shape[:2] == (4, 5), f"embed gave {vectors.shape} for 4 × 5 pixels: (h, w, D)")
        if texts is not None:
            same = texts.shape == (CLASSES, vectors.shape[2])
            need(
                same,
                f"text_vectors gave {texts.shape} for 4 classes and {vectors.shape[2]} dimensions of embed: (K, D)",
            )
    if method.joint_space:
        need(vectors is not None and texts is not None, "joint_space is set: its models need embed and text_vectors")
    if method.own_text_side:
        own = type(fitted).text_space is not Fitted.text_space
        need(own, "own_text_side is set: its models need a text_space of their own")


METHOD_CHECKS: tuple[MethodCheck, ...] = (
    describes_itself,
    declares_what_it_can,
    same_seed_same_map,
    probabilities_sum_to_one,
    tiles_make_no_difference,
    inputs_stay_as_they_were,
    one_label_a_class_is_enough,
    too_few_labels_are_refused,
    order_of_labels_makes_no_difference,
    the_reference_makes_no_difference,
    leave_one_out_tells_each_label,
    a_saved_model_gives_the_same_map,
    other_bands_are_refused,
    cancel_stops_it,
    preparing_tells_how_far_it_is,
    few_bands_work,
    optional_parts_agree,
)

RANDOM = "draw random numbers from ctx.rng() alone"


@functools.cache
def the_scene() -> Scene:
    """The fields, with wavelengths."""
    cube = with_gaps(fields(classes=CLASSES)[0])
    return scene_from(cube, wavelength_nm=np.linspace(450, 2400, 12).astype(np.float32))


def the_truth() -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """(H, W) class index of every pixel."""
    return fields(classes=CLASSES)[1]


def the_labels() -> LabelSet:
    return draw_labels(the_truth(), the_scene().valid, shots=SHOTS)


def params(method: Method) -> Params:
    """The defaults, but for methods that train for minutes their `test_params`."""
    return method.Params.model_validate(dict(method.test_params))


def fit(method: Method, scene: Scene, labels: LabelSet, ctx: Context | None = None) -> Fitted:
    """Without any prompts."""
    return method.fit(scene, labels, PromptSet(), params(method), ctx or Context())


def mapped(method: Method, scene: Scene, labels: LabelSet) -> Prediction:
    """The whole scene."""
    return predict_scene(fit(method, scene, labels), scene, method.name, {}, labels.revision, Context())


def same_map(a: Prediction, b: Prediction) -> bool:
    return np.array_equal(a.label, b.label) and np.allclose(a.confidence, b.confidence, atol=1e-5, equal_nan=True)


def need(true: bool, sentence: str) -> None:
    """Raises AssertionError with the sentence."""
    if not true:
        raise AssertionError(sentence)


def raised(kind: type[Exception], act: Callable[[], object], when: str) -> Exception:
    """The error that `act` raises. Raises AssertionError when there is none, or one of another kind."""
    try:
        act()
    except kind as error:
        return error
    except Exception as error:
        raise AssertionError(f"{when} must raise {kind.__name__}, it raised {type(error).__name__}: {error}") from error
    raise AssertionError(f"{when} must raise {kind.__name__}, it raised nothing")
