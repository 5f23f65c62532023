"""Facts about heights as channels of `curated` and `s3fn`: they separate, they travel, they can be switched off."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hsi_studio.errors import SceneMismatch
from hsi_studio.methods import get_method
from hsi_studio.methods.common.nn.window_grid import HEIGHT_CLIP, fit_basis, read_components
from hsi_studio.methods.contract import Block, Context, Method
from hsi_studio.types import LabelSet, PromptSet, Scene
from tests.features.scenes import draw_labels, fields, scene_from, with_gaps

EVERY = pytest.mark.parametrize("name", ["curated", "s3fn"])
WHOLE = (slice(0, 30), slice(0, 32))


def scenes(layers: int = 1) -> tuple[Scene, Scene, LabelSet]:
    """(with heights, without, labels): fields of one spectrum, 8 m apart in height; one height is not known."""
    _, truth = fields(30, 32, classes=2)
    rng = np.random.default_rng(0)
    cube = with_gaps(rng.normal(0.3, 0.05, (30, 32, 12)).astype(np.float32))
    dsm = np.repeat((8.0 * truth + 200 + rng.normal(0, 0.1, truth.shape))[..., None], layers, axis=2).astype(np.float32)
    dsm[2, 3] = np.nan
    flat = scene_from(cube, name="flat")
    return scene_from(cube, dsm, name="high"), flat, draw_labels(truth, flat.valid, shots=6)


def fitted(name: str, scene: Scene, labels: LabelSet, **params: object) -> tuple[Method, np.ndarray, object]:
    method = get_method(name)
    values = method.Params.model_validate({**method.test_params, **params})
    made = method.fit(scene, labels, PromptSet(), values, Context())
    return method, made.predict(Block(scene, *WHOLE)), made


@pytest.mark.parametrize("layers", [1, 3])
def test_heights_are_the_last_channels_scaled_and_zero_where_unknown(layers: int) -> None:
    high, flat, _ = scenes(layers)
    plain, basis = fit_basis(flat, "mnf", 5, 1.0, 0.5), fit_basis(high, "mnf", 5, 1.0, 0.5, use_dsm=True)
    assert basis.components == plain.components + 3 + layers
    values = read_components(high, basis, *WHOLE, 2)
    assert np.array_equal(values[..., : plain.components], read_components(flat, plain, *WHOLE, 2))
    heights = values[2:-2, 2:-2, plain.components :]
    assert (heights[2, 3] == 0).all()
    assert (heights[~high.valid] == 0).all()
    assert np.abs(heights).max() <= HEIGHT_CLIP
    assert (heights[high.valid].std(axis=0) > 0.3).all()
    part = read_components(high, basis, slice(4, 9), slice(20, 32), 2)  # what a tile reads is what the whole has
    assert np.array_equal(part, values[4:13, 20:])


@pytest.mark.slow
@EVERY
def test_heights_tell_classes_of_one_spectrum_apart(name: str) -> None:
    high, flat, labels = scenes()
    truth = fields(30, 32, classes=2)[1]
    found = {}
    for scene in (high, flat):
        p = fitted(name, scene, labels)[1]
        found[scene.name] = float((p.argmax(axis=0) == truth)[scene.valid].mean())
    assert found["high"] > 0.85
    assert found["flat"] < 0.7


@pytest.mark.slow
@EVERY
def test_without_a_surface_model_or_with_it_switched_off_the_map_is_the_cubes(name: str) -> None:
    high, flat, labels = scenes()
    off = fitted(name, high, labels, use_dsm=False)[1]
    assert np.array_equal(off, fitted(name, flat, labels)[1], equal_nan=True)
    assert np.array_equal(off, fitted(name, flat, labels, use_dsm=False)[1], equal_nan=True)
    method = get_method(name)
    assert method.presets["paper"]["use_dsm"] is False


@pytest.mark.slow
@EVERY
def test_a_scene_without_the_heights_a_model_needs_is_refused(name: str) -> None:
    high, flat, labels = scenes()
    method, before, made = fitted(name, high, labels)
    state = made.state()
    again = method.from_state(state, high, Context())
    assert np.allclose(before, again.predict(Block(high, *WHOLE)), atol=1e-5, equal_nan=True)
    with pytest.raises(SceneMismatch, match=r"1 layer.* flat has none: .*use_dsm off"):
        method.from_state(state, flat, Context())
    with pytest.raises(SceneMismatch, match="has none"):
        again.predict(Block(flat, *WHOLE))
    assert high.dsm is not None
    two = replace(high, id="two", dsm=np.concatenate([high.dsm, high.dsm], axis=2))
    with pytest.raises(SceneMismatch, match=r"1 layer.* has 2"):
        method.from_state(state, two, Context())
