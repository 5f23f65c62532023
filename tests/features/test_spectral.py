"""Facts about spectral features."""

from __future__ import annotations

import numpy as np
import pytest

from hsi_studio.errors import BadValues
from hsi_studio.features import spectral
from hsi_studio.features.spectral import fit_components, mnf_axes, principal_axes, sampled_strips, spectral_angle
from tests.features.scenes import fields, scene_from, with_gaps


def test_spectral_angle_to_itself_is_zero_and_ignores_brightness() -> None:
    spectra = np.random.default_rng(0).uniform(0.01, 1, (5, 30))
    assert np.allclose(spectral_angle(spectra, spectra), 0, atol=1e-12)
    assert np.allclose(spectral_angle(spectra, 3.7 * spectra), 0, atol=1e-7)


def test_spectral_angle_of_orthogonal_and_45_degrees() -> None:
    assert spectral_angle(np.array([1.0, 0]), np.array([0, 2.0])) == pytest.approx(np.pi / 2)
    assert spectral_angle(np.array([1.0, 0]), np.array([3.0, 3.0])) == pytest.approx(np.pi / 4)
    assert np.isnan(spectral_angle(np.zeros(3), np.ones(3)))


def test_principal_axes_find_the_direction_of_variance_with_a_fixed_sign() -> None:
    axis = np.array([-0.6, -0.8])
    covariance = 5 * np.outer(axis, axis) + 0.1 * np.eye(2)
    values, vectors = principal_axes(covariance, 2)
    assert values == pytest.approx([5.1, 0.1])
    assert vectors[:, 0] == pytest.approx([0.6, 0.8])  # flipped: the largest entry is positive


def test_mnf_prefers_signal_over_loud_noise_where_pca_does_not() -> None:
    covariance, noise = np.diag([10.0, 2.0]), np.diag([9.9, 0.01])
    assert abs(principal_axes(covariance, 1)[1][0, 0]) == pytest.approx(1)
    first = mnf_axes(covariance, noise, 1)[:, 0]
    assert abs(first[1]) > 100 * abs(first[0])


def test_mnf_drops_components_without_variance() -> None:
    covariance = np.outer([1.0, 2.0, 3.0], [1.0, 2.0, 3.0])
    assert mnf_axes(covariance, 0.01 * covariance, 3).shape == (3, 1)


def test_whitened_components_are_uncorrelated_with_unit_variance() -> None:
    cube, _ = fields()
    scene = scene_from(with_gaps(cube))
    components = fit_components(scene, 6, 3)
    inside = scene.read(slice(0, 40), slice(0, 48), components.whitened.bands.tolist())[scene.valid]
    assert 3 not in components.whitened.bands  # the constant band
    assert np.allclose(np.cov(components.whitened(inside).T, bias=True), np.eye(6), atol=2e-3)


def test_statistics_do_not_depend_on_the_strips_they_are_read_in(monkeypatch: pytest.MonkeyPatch) -> None:
    cube, _ = fields()
    whole = spectral.scene_moments(scene_from(with_gaps(cube)))
    # One strip after the other: only the pairs across strip borders are missing from the noise estimate.
    monkeypatch.setattr(spectral, "STRIP_VALUES", 48 * 12 * 7)
    parts = spectral.scene_moments(scene_from(with_gaps(cube)))
    assert np.allclose(whole[1], parts[1], atol=1e-5)
    assert np.allclose(whole[3], parts[3], atol=1e-4)
    assert np.allclose(whole[4], parts[4], rtol=0.3, atol=0.1)


def test_a_few_wild_values_do_not_make_the_components() -> None:
    cube, _ = fields()
    clean = spectral.scene_moments(scene_from(cube))
    spiked = cube.copy()
    spiked[7, 9, 4] = spiked[20, 30, 4] = spiked[33, 2, 8] = 1e6
    spiked[12, 12, 6] = -1e6
    found = spectral.scene_moments(scene_from(spiked))
    assert spectral.wild_bands(scene_from(cube)).size == 0
    assert spectral.wild_bands(scene_from(spiked)).tolist() == [4, 6, 8]
    np.testing.assert_allclose(found[2], clean[2], rtol=0.4)  # one of 1,920 values counts for 20 deviations
    assert (found[2] / clean[2] > 0.9).all()
    first = fit_components(scene_from(cube), 3, 3).principal, fit_components(scene_from(spiked), 3, 3).principal
    inside = cube[..., first[0].bands]
    alike = [
        abs(np.corrcoef(a, b)[0, 1])
        for a, b in zip(first[0](inside).reshape(-1, 3).T, first[1](inside).reshape(-1, 3).T, strict=True)
    ]
    assert alike[0] > 0.95


def test_the_deviation_is_that_of_values_cut_at_twenty_of_it() -> None:
    rng = np.random.default_rng(0)
    apart = np.abs(rng.normal(size=(4000, 3)))
    apart[:8, 1] = 1e9  # one in five hundred
    apart[:2000, 2] = 0.0
    spread = spectral.cut_deviation(apart)
    for own, s in zip(apart.T, spread, strict=True):
        assert np.sqrt(np.mean(np.minimum(own, spectral.FARTHEST * s) ** 2)) == pytest.approx(s)
    assert spread[0] == pytest.approx(np.sqrt(np.mean(apart[:, 0] ** 2)))
    assert spread[1] == pytest.approx(1.0 / np.sqrt(1 - 400 * 8 / 4000), rel=0.05)


def test_a_huge_scene_is_sampled_and_the_sample_is_bounded() -> None:
    parts = sampled_strips((100_000, 10_000, 200))
    assert sum(p.stop - p.start for p in parts) * 10_000 <= spectral.SAMPLE_PIXELS * 1.1
    assert all((p.stop - p.start) * 10_000 * 200 <= 2 * spectral.STRIP_VALUES * 2 for p in parts)
    assert parts[0].start == 0
    assert parts[-1].stop == 100_000


def test_too_few_pixels_is_an_error_with_the_number() -> None:
    cube = np.full((4, 4, 3), np.nan, dtype=np.float32)
    cube[1, 1] = [1, 2, 3]
    with pytest.raises(BadValues, match="in 0 usable bands"):
        fit_components(scene_from(cube), 3, 3)
