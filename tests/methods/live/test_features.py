"""Facts about what `live` knows of a scene before the first label."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hsi_studio.errors import Cancelled
from hsi_studio.features.cache import FeatureCache
from hsi_studio.methods.live.features import Basis, LiveFeatures, Recipe, live_features
from hsi_studio.types import Progress, Scene
from tests.features.scenes import fields, scene_from, with_gaps

RECIPE = Recipe(components=6, edge_components=3, edge_strength=4.0, scales=(2, 20), height_weight=0.0, max_nodes=10_000)
CUBE, TRUTH = fields(24, 30)


def scene(factor: float = 1.0, dsm: np.ndarray | None = None) -> Scene:
    return scene_from(with_gaps(CUBE) * np.float32(factor), dsm=dsm, name=f"times {factor}")


def made(scene: Scene, recipe: Recipe = RECIPE, **more: Any) -> LiveFeatures:
    return live_features(scene, recipe, FeatureCache(), None, lambda: None, lambda _: None, **more)


def test_every_scale_has_the_same_total_variance_and_a_node_a_valid_pixel() -> None:
    found = made(scene())
    assert len(found.scales) == 3
    assert np.array_equal(found.index >= 0, scene().valid)
    assert found.count == int(scene().valid.sum())
    for features in found.scales:
        assert features.var(axis=0, dtype=np.float64).sum() == pytest.approx(1.0, rel=1e-3)


def test_more_diffusion_leaves_less_variance_within_a_field() -> None:
    found = made(scene())
    truth = TRUTH[scene().valid]
    within = [np.mean([f[truth == k].var(axis=0).sum() for k in range(4)]) for f in found.scales]
    assert within[0] > within[1] > within[2]


def test_the_unit_of_the_values_changes_nothing() -> None:
    """Reflectance as a fraction or as per cent is the same scene."""
    one, hundred = made(scene()), made(scene(100.0))
    for a, b in zip(one.scales, hundred.scales, strict=True):
        signs = np.sign((a * b).sum(axis=0))  # the sign of a component's axis is free
        assert np.allclose(a, b * signs, atol=5e-3)


def test_in_its_own_basis_a_scene_has_the_same_features() -> None:
    first = made(scene())
    again = made(scene(), basis=Basis.from_arrays(first.basis.arrays()))
    for a, b in zip(first.scales, again.scales, strict=True):
        assert np.allclose(a, b, atol=1e-5)


def test_heights_are_one_more_channel_in_their_own_unit() -> None:
    """A tower of 20 m is ln 21 above ground, times the root of the weight; flat ground stays 0."""
    dsm = np.full((24, 30, 1), 300.0, dtype=np.float32)
    dsm[12:15, 10:13] += 20.0
    found = made(scene(dsm=dsm), replace(RECIPE, height_weight=0.25))
    raw = found.scales[0][:, -1]
    assert found.scales[0].shape[1] == made(scene(dsm=dsm)).scales[0].shape[1] + 1
    assert raw[found.index[13, 11]] == pytest.approx(0.5 * np.log(21), rel=1e-3)
    assert raw[found.index[22, 28]] == pytest.approx(0.0, abs=1e-3)


def test_a_large_scene_gets_superpixels_and_a_stop_is_heard() -> None:
    few = made(scene(), replace(RECIPE, max_nodes=100))
    assert few.count <= 130
    assert np.array_equal(few.index >= 0, scene().valid)
    shares: list[float] = []

    def stop(progress: Progress) -> None:
        shares.append(progress.fraction or 0.0)
        if shares[-1] > 0.5:
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        live_features(scene(), RECIPE, FeatureCache(), None, lambda: None, stop)
    assert shares == sorted(shares)
