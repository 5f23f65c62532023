"""Shapes of spectra: what light does to them, what no unit and no scale changes, and which values have none."""

from __future__ import annotations

import numpy as np
import pytest

from hsi_studio.features.shape import BRIGHTNESS_LEFT, FEWEST_BANDS, fit_shape, shape
from hsi_studio.features.spectral import fit_components
from hsi_studio.methods.contract import Context
from hsi_studio.methods.live.method import Live
from hsi_studio.methods.live.params import LiveParams
from hsi_studio.types import PromptSet, Scene
from tests.features.scenes import draw_labels, fields, scene_from

BANDS = 24


def positive(rng: np.random.Generator, n: int = 60) -> np.ndarray:
    return np.exp(rng.normal(0.0, 0.4, (n, BANDS))).astype(np.float32)


def all_bands(scene: Scene) -> np.ndarray:
    return np.arange(scene.shape[2], dtype=np.int64)


def test_of_a_factor_on_a_whole_spectrum_less_than_a_third_is_left() -> None:
    """log(f) on every band, less 0.7 of it; what is added for dark pixels takes a little more."""
    spectra = positive(np.random.default_rng(0))
    level = spectra.mean(axis=0)
    moved = shape(2.0 * spectra, level) - shape(spectra, level)
    assert 0.0 < moved.mean() < (1.0 - BRIGHTNESS_LEFT) * np.log(2.0)
    assert moved.std() < 0.1 * np.log(2.0)


def test_black_pixels_and_noise_below_zero_are_numbers() -> None:
    level = np.ones(BANDS, dtype=np.float32)
    found = shape(np.array([[0.0] * BANDS, [-5.0] * BANDS, [1e30] * BANDS], dtype=np.float32), level)
    assert np.isfinite(found).all()
    assert np.array_equal(found[0], found[1])


def test_a_unit_and_a_scale_of_every_band_change_nothing() -> None:
    cube = positive(np.random.default_rng(1), 400).reshape(20, 20, BANDS)
    factors = np.geomspace(0.01, 1000.0, BANDS).astype(np.float32)
    one, other = scene_from(cube, name="one"), scene_from(cube * factors, name="other")
    first, second = (fit_shape(s, all_bands(s), 6) for s in (one, other))
    assert first is not None
    assert second is not None
    assert np.allclose(np.abs(first(cube)), np.abs(second(cube * factors)), atol=2e-3)


@pytest.mark.parametrize("kind", ["components", "differences", "few bands"])
def test_values_without_a_zero_or_with_few_bands_have_no_shape(kind: str) -> None:
    rng = np.random.default_rng(2)
    cube = positive(rng, 400).reshape(20, 20, BANDS)
    cube = {
        "components": cube - cube.mean(axis=(0, 1)),
        "differences": cube - 0.8,
        "few bands": cube[..., : FEWEST_BANDS - 1],
    }[kind]
    scene = scene_from(cube.astype(np.float32))
    assert fit_shape(scene, all_bands(scene), 6) is None
    truth = (np.arange(400).reshape(20, 20) // 200).astype(np.int64)
    fitted = Live().fit(scene, draw_labels(truth, scene.valid, 2), PromptSet(), LiveParams(), Context())
    assert fitted.features.shape == ()
    assert {k.family for k in fitted.kernels} <= {"principal", "white"}
    assert {family for family, _ in fitted.linear.places} <= {"principal"}


def test_components_are_those_of_the_covariance_largest_first() -> None:
    cube, _ = fields(24, 30)
    scene = scene_from(np.abs(cube) + 0.1)
    found = fit_shape(scene, fit_components(scene, 5, 5).whitened.bands, 5)
    assert found is not None
    spread = found(scene.read(slice(0, 24), slice(0, 30), found.bands.tolist())).reshape(-1, 5).var(axis=0)
    assert (np.diff(spread) <= 1e-6).all()


def test_a_saved_map_that_stands_on_shapes_is_the_same_again_also_on_another_scene() -> None:
    """Three materials of different shape, each as bright as the others in its own light."""
    rng = np.random.default_rng(3)
    truth = (np.arange(900).reshape(30, 30) // 300).astype(np.int64)
    curves = np.stack([1 + 0.6 * np.sin(np.linspace(0, (k + 1) * 3, BANDS)) for k in range(3)])
    light = rng.uniform(0.3, 2.0, (30, 30, 1))
    cube = (curves[truth] * light + rng.normal(0, 0.01, (30, 30, BANDS))).astype(np.float32)
    scene, live = scene_from(np.maximum(cube, 0.0), name="lit"), Live()
    fitted = live.fit(scene, draw_labels(truth, scene.valid, 2), PromptSet(), LiveParams(), Context())
    assert "shape" in {k.family for k in fitted.kernels}
    assert (fitted.node_probabilities().argmax(axis=1) == truth.ravel()).mean() > 0.97
    state = fitted.state()
    again = Live().from_state(state, scene, Context())
    assert np.allclose(again.node_probabilities(), fitted.node_probabilities(), atol=1e-4)
    elsewhere = scene_from(np.maximum(cube[::-1], 0.0).copy(), name="elsewhere")
    there = Live().from_state(state, elsewhere, Context()).node_probabilities().argmax(axis=1)
    assert (there == truth[::-1].ravel()).mean() > 0.95
