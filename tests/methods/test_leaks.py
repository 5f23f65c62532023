"""No label of a test pixel, and no name of its class, reaches a map: every registered method, through the harness.

Each fit is made with the method's `quick` parameters on a small scene; the same fit is compared after a change that
must not matter.
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hsi_studio.engine.evaluation.few_shot import MappedDraw, map_draw, prompts_in_style, score_draw
from hsi_studio.engine.evaluation.metrics import scores
from hsi_studio.engine.evaluation.splits import make_split, parse_protocol
from hsi_studio.methods import get_method, methods
from hsi_studio.methods.contract import Block, Context, Fitted, Method, State
from hsi_studio.text.prompts import derangement, permuted_names
from hsi_studio.types import FloatArray, IntArray, LabelSet, PromptSet, Scene
from tests.features.scenes import fields, scene_from, with_gaps

CLASSES, SHOTS, SEED = 3, 4, 5
EVERY_METHOD = pytest.mark.parametrize("name", list(methods().entries))
READS_TEXT = pytest.mark.parametrize("name", [n for n, m in methods().entries.items() if "text" in m.needs])
CACHE = tempfile.TemporaryDirectory()  # sentence vectors: the same sentences are encoded once
SENTENCES = {
    "Alder": ("dark green crowns, high above the ground",),
    "Brick": ("a flat red roof without red edge",),
    "Chalk": ("bright bare ground",),
}


def the_scene(names: Sequence[str] = tuple(SENTENCES)) -> Scene:
    cube, truth = fields(height=26, width=30, classes=CLASSES)
    bare = scene_from(with_gaps(cube), name="leaks", wavelength_nm=np.linspace(450, 2400, 12).astype(np.float32))
    labelled = np.where(np.random.default_rng(0).random(truth.shape) < 0.7, truth + 1, 0)
    return replace(
        bare, reference=labelled.astype(np.int32), reference_names={k + 1: name for k, name in enumerate(names)}
    )


@functools.cache
def the_split() -> Any:
    scene = the_scene()
    usable = np.where(scene.valid, scene.reference, 0)
    return make_split(usable, SHOTS, SEED, parse_protocol("random"), None, scene.reference_names)


def run(name: str, scene: Scene, prompts: Mapping[str, Sequence[str]], method: Any = None) -> MappedDraw:
    chosen = method or get_method(name)
    params = chosen.Params.model_validate(get_method(name).test_params)
    ctx = Context(seed=SEED, cache_dir=Path(CACHE.name))
    return map_draw(scene, scene.without_reference(), chosen, params, the_split().train, prompts, ctx)


@functools.cache
def first(name: str) -> MappedDraw:
    return run(name, the_scene(), SENTENCES)


class Spy(Method):
    """A method that notes which scenes it is shown, and hands everything on."""

    def __init__(self, name: str) -> None:
        self.method = get_method(name)
        self.name, self.Params, self.scenes = name, self.method.Params, list[Scene]()

    def fit(self, scene: Scene, labels: LabelSet, prompts: PromptSet, params: Any, ctx: Context) -> Fitted:
        self.scenes.append(scene)
        self.labels = labels
        return SpiedModel(self.method.fit(scene, labels, prompts, params, ctx), self.scenes)

    def from_state(self, state: State, scene: Scene, ctx: Context) -> Fitted:
        return self.method.from_state(state, scene, ctx)


class SpiedModel(Fitted):
    def __init__(self, fitted: Fitted, scenes: list[Scene]) -> None:
        self.fitted, self.scenes, self.schema = fitted, scenes, fitted.schema

    def predict(self, block: Block) -> FloatArray:
        self.scenes.append(block.scene)
        return self.fitted.predict(block)

    def leave_one_out(self) -> IntArray | None:
        return self.fitted.leave_one_out()

    def state(self) -> State:
        return self.fitted.state()


@pytest.mark.slow
@EVERY_METHOD
def test_the_reference_of_test_pixels_changes_only_the_score(name: str) -> None:
    scene, split = the_scene(), the_split()
    assert scene.reference is not None
    other = scene.reference.copy()
    other.ravel()[split.test] = np.random.default_rng(1).permutation(other.ravel()[split.test])
    shuffled, spy = replace(scene, reference=other), Spy(name)
    mapped = run(name, shuffled, SENTENCES, spy)
    assert np.array_equal(mapped.index, first(name).index)
    right, wrong = (scores(score_draw(s, mapped, split.test)).oa for s in (scene, shuffled))
    assert right > 1.5 / CLASSES > wrong  # the map is a real one, and the shuffled reference is not its own
    assert len(spy.scenes) >= 2
    assert all(seen.reference is None and not seen.reference_names for seen in spy.scenes)
    assert len(spy.labels) == split.train.size


@pytest.mark.slow
@EVERY_METHOD
def test_the_order_of_test_pixels_changes_nothing(name: str) -> None:
    scene, test = the_scene(), the_split().test
    by_class = test[np.argsort(scene.reference.ravel()[test], kind="stable")]  # type: ignore[union-attr]
    matrices = [score_draw(scene, first(name), order) for order in (test, test[::-1], by_class)]
    assert all(np.array_equal(matrices[0], m) for m in matrices[1:])


@pytest.mark.slow
@EVERY_METHOD
def test_class_names_do_not_enter_when_prompts_are_given(name: str) -> None:
    """Renaming the reference's classes, with the same sentences for them, gives the same map."""
    names = ("X1", "Brick wall of another street", "zebra")
    renamed = dict(zip(names, SENTENCES.values(), strict=True))
    assert np.array_equal(run(name, the_scene(names), renamed).index, first(name).index)


@pytest.mark.slow
@READS_TEXT
def test_the_permuted_control_runs(name: str) -> None:
    scene = the_scene()
    mapped = run(name, scene, permuted_names(SENTENCES, np.random.default_rng(SEED)))
    assert set(mapped.index[scene.valid.ravel()].tolist()) <= set(range(CLASSES))
    assert (mapped.index[~scene.valid.ravel()] == -1).all()


def test_permuted_prompts_give_no_class_its_own_text_and_differ_by_seed() -> None:
    scene = the_scene()
    own, _ = prompts_in_style(scene, "p4")
    permuted, _ = prompts_in_style(scene, "permuted:p4")
    drawn = [permuted(seed) for seed in range(20)]
    for found in drawn:
        assert sorted(found.values()) == sorted(own(0).values())
        assert all(found[name] != own(0)[name] for name in found)
    assert len({tuple(found.values()) for found in drawn}) == 2  # the two derangements of three
    assert permuted(7) == permuted(7)


@pytest.mark.parametrize("count", [2, 3, 9, 16])
def test_a_derangement_has_no_fixed_point(count: int) -> None:
    for seed in range(50):
        order = derangement(count, np.random.default_rng(seed))
        assert sorted(order.tolist()) == list(range(count))
        assert (order != np.arange(count)).all()


def test_a_method_that_reads_the_reference_would_be_caught() -> None:
    """The checks above can fail: a method that is handed a scene with its reference is seen by the spy."""
    spy = Spy("knn")
    scene, split = the_scene(), the_split()
    params = spy.Params()
    mapped = map_draw(scene, scene, spy, params, split.train, SENTENCES, Context())  # type: ignore[arg-type]
    assert isinstance(mapped, MappedDraw)
    assert any(seen.reference is not None for seen in spy.scenes)
