"""A trained model asked in words: its own text side where it has one, its classes where it has not."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from hsi_studio.engine.query.model_text_space import ClassSpace, open_space
from hsi_studio.errors import Cancelled
from hsi_studio.methods import get_method
from hsi_studio.methods.common.text_side import WindowSpace
from hsi_studio.methods.contract import Context, Fitted, make_params
from hsi_studio.scene.physics.simulate import simulate
from hsi_studio.types import ClassInfo, ClassSchema, LabelSet, PromptSet, Scene

QUICK = {
    "curated": {"epochs": 30, "patch": 9, "token": 3, "jitter": 0, "least_steps": 60},
    "s3fn": {},
}  # fmt: skip


@functools.cache
def scene() -> Scene:
    raster = np.repeat(np.repeat([[1, 2], [3, 1]], 16, axis=0), 16, axis=1)
    return simulate(
        raster, np.zeros(raster.shape), materials={1: "meadow", 2: "water", 3: "bare soil"},
        wavelength_nm=np.linspace(450, 950, 24), name="fields",
    ).scene.without_reference()  # fmt: skip


def labels() -> LabelSet:
    schema = ClassSchema(tuple(ClassInfo.new(name, "#000000") for name in ("meadow", "water", "bare soil")))
    row = np.array([4, 8, 12, 4, 8, 12, 20, 24, 28])
    col = np.array([4, 8, 12, 20, 24, 28, 4, 8, 12])
    return LabelSet(schema, row, col, np.repeat([0, 1, 2], 3))


@functools.cache
def fitted(method: str) -> Fitted:
    chosen = get_method(method)
    params = make_params(chosen.Params, {**chosen.test_params, **QUICK.get(method, {})})
    return chosen.fit(scene(), labels(), PromptSet(), params, Context())


def encoder(spec: str) -> object:
    from hsi_studio.text.encoders import get_encoder

    return get_encoder(spec)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["curated", "s3fn"])
def test_a_class_name_lights_up_its_own_field(method: str) -> None:
    space = open_space(fitted(method), scene(), encoder)  # type: ignore[arg-type]
    assert isinstance(space, WindowSpace)
    for k, name in enumerate(("meadow", "water", "bare soil")):
        found = space.query([name])
        assert found.shape == (32, 32)
        assert np.isfinite(found).all()
        assert (np.abs(found) <= 1.001).all()
        fields = [found[:14, :14], found[:14, 18:], found[18:, :14]]
        assert int(np.argmax([part.mean() for part in fields])) == k


@pytest.mark.slow
def test_a_model_without_a_text_side_answers_in_its_classes() -> None:
    space = open_space(fitted("svm"), scene(), encoder)  # type: ignore[arg-type]
    assert isinstance(space, ClassSpace)
    assert not get_method("svm").own_text_side
    lake = space.query(["a lake"])
    assert lake[:14, 18:].mean() > 0.5 > lake[:14, :14].mean()


@pytest.mark.slow
def test_reading_the_scene_can_be_stopped() -> None:
    def stop(done: float) -> None:
        raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        open_space(fitted("curated"), scene(), encoder, stop)  # type: ignore[arg-type]
