"""A training that starts from another model's encoder: bands are matched by wavelength, sizes must agree."""

from __future__ import annotations

import numpy as np
import pytest

from hsi_studio.engine.mapping.predict import predict_scene
from hsi_studio.errors import BadRequest
from hsi_studio.methods.contract import Context, State
from hsi_studio.methods.diffclip.inputs import SceneInputs, fit_scaling
from hsi_studio.methods.diffclip.method import DiffClip
from hsi_studio.methods.diffclip.params import DiffClipParams
from hsi_studio.methods.diffclip.warm_start import band_match, carried_over, warm_encoder
from hsi_studio.types import PromptSet, Scene
from tests.features.scenes import draw_labels, fields, scene_from

ALL = np.arange(12)


def made(bands: int = 12, seed: int = 0, name: str = "first", low: float = 450, high: float = 2400) -> Scene:
    cube, _ = fields(bands=bands, seed=seed)
    return scene_from(cube, name=name, wavelength_nm=np.linspace(low, high, bands).astype(np.float32))


def quick(**changes: object) -> DiffClipParams:
    return DiffClipParams.model_validate({**DiffClip.test_params, **changes})


def trained(scene: Scene, params: DiffClipParams, ctx: Context | None = None) -> tuple[State, np.ndarray]:
    truth = fields()[1]
    labels = draw_labels(truth, scene.valid, shots=4)
    method = DiffClip()
    fitted = method.fit(scene, labels, PromptSet(), params, ctx or Context())
    return fitted.state(), predict_scene(fitted, scene, "diffclip", {}, 0, ctx or Context()).label == truth + 1


def test_bands_are_interpolated_over_wavelength() -> None:
    old, new = np.array([500, 560, 590], np.float32), np.array([600, 480, 520, 560], np.float32)  # not sorted
    match = band_match(old, np.arange(3), new, np.arange(4))
    assert match is not None
    assert np.allclose(match, [[0, 0, 0.75], [0.5, 0, 0], [0.5, 0, 0], [0, 1, 0.25]])
    line = 2 * new + 3
    assert np.allclose(line @ match, 2 * old + 3)


def test_bands_out_of_reach_count_as_the_median_and_too_few_in_reach_as_none() -> None:
    old, new = np.array([500, 550, 2000], np.float32), np.array([490, 560], np.float32)
    match = band_match(old, np.arange(3), new, np.arange(2))
    assert match is not None
    assert (match[:, 2] == 0).all()
    assert band_match(np.array([500, 1500, 2000], np.float32), np.arange(3), new, np.arange(2)) is None
    assert band_match(None, np.arange(3), new, np.arange(2)) is None
    assert np.array_equal(band_match(None, np.arange(3), None, np.arange(3)), np.eye(3))


@pytest.mark.parametrize("components", [None, 5])
def test_on_the_same_scene_the_old_layer_comes_back(components: int | None) -> None:
    inputs = SceneInputs(made(), fit_scaling(made(), components, False))
    channels = inputs.scaling.channels[0]
    rng = np.random.default_rng(0)
    weight, bias = rng.normal(size=(8, channels)).astype(np.float32), rng.normal(size=8).astype(np.float32)
    nm = inputs.scene.bands.wavelength_nm
    carried = carried_over(weight, bias, inputs.scaling, nm, inputs)
    assert carried is not None
    assert np.allclose(carried[0], weight, atol=0.05)
    assert np.allclose(carried[1], bias, atol=0.05)


@pytest.mark.parametrize(("components", "own"), [(None, None), (3, 8), (3, None), (None, 12)])
def test_a_scene_seen_by_another_sensor_gets_the_same_features(components: int | None, own: int | None) -> None:
    """The same ground at twice as many wavelengths: what the carried layer puts out agrees with the old layer's."""
    fine, _ = fields(bands=23)
    smooth = np.apply_along_axis(lambda v: np.convolve(v, np.ones(9) / 9, mode="same"), 2, fine).astype(np.float32)
    nm = np.linspace(450, 1000, 23).astype(np.float32)
    old_scene = scene_from(smooth[..., ::2], name="coarse", wavelength_nm=nm[::2])
    new_scene = scene_from(smooth, name="fine", wavelength_nm=nm)
    old = SceneInputs(old_scene, fit_scaling(old_scene, components, False))
    new = SceneInputs(new_scene, fit_scaling(new_scene, own, False))
    weight = np.random.default_rng(1).normal(size=(4, old.scaling.channels[0])).astype(np.float32)
    carried = carried_over(weight, np.zeros(4, np.float32), old.scaling, nm[::2], new)
    assert carried is not None
    whole = slice(0, 40), slice(0, 48)
    before = old.window(*whole, 0)[0][0].reshape(-1, weight.shape[1]) @ weight.T
    after = new.window(*whole, 0)[0][0].reshape(-1, carried[0].shape[1]) @ carried[0].T + carried[1]
    explained = 1 - ((before - after) ** 2).sum() / ((before - before.mean(axis=0)) ** 2).sum()
    assert explained > 0.85


@pytest.mark.slow
def test_a_training_starts_from_a_model_of_another_sensor() -> None:
    state, _ = trained(made(), quick())
    other = made(bands=17, name="other", low=420, high=1900)
    calls: list[str] = []
    ctx = Context(warm_start=state, progress=lambda p: calls.append(p.message))
    warm, right = trained(other, quick(), ctx)
    assert right.mean() > 0.5
    assert not any("Pre-training" in message for message in calls)
    assert warm.header["bands"] == 17
    again, _ = trained(other, quick(), Context(warm_start=state))
    assert all(np.array_equal(again.arrays[name], array) for name, array in warm.arrays.items())


def test_what_is_taken_is_the_encoder_and_the_front_end_but_not_the_head() -> None:
    state, _ = trained(made(), quick())
    inputs = SceneInputs(made(bands=17), fit_scaling(made(bands=17), 40, False))
    kept = warm_encoder(state, inputs, quick())
    assert np.array_equal(kept["encoder.blocks.0.qkv.weight"], state.arrays["net.sides.0.encoder.blocks.0.qkv.weight"])
    assert kept["fronts.0.first.weight"].shape == (32, 17)
    assert not any(name.startswith("head") for name in kept)
    assert "encoder.position" not in warm_encoder(state, inputs, quick(patch=5))


def test_networks_of_different_size_are_refused_with_both_numbers() -> None:
    state, _ = trained(made(), quick())
    inputs = SceneInputs(made(), fit_scaling(made(), 40, False))
    with pytest.raises(BadRequest, match="has width 32, this training 64"):
        warm_encoder(state, inputs, quick(width=64))
