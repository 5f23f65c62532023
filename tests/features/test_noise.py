"""Facts about what a scene tells of its noise and its dimensions without labels."""

from __future__ import annotations

import numpy as np
import pytest

from hsi_studio.features.noise import LEAST, MOST, band_noise, effective_dimension, noise_share, signal_weights
from hsi_studio.features.spectral import fit_components
from tests.features.scenes import scene_from


def cube(noise: float, pepper: bool) -> np.ndarray:
    """40 × 40 × 24 of three spectra, in fields of 10 × 10 or pixel by pixel, with white noise."""
    rng = np.random.default_rng(0)
    row, col = np.mgrid[0:40, 0:40]
    which = rng.integers(0, 3, (40, 40)) if pepper else (row // 10 + col // 10) % 3
    spectra = rng.uniform(0.1, 0.6, (3, 24))
    return (spectra[which] + rng.normal(0, noise, (40, 40, 24))).astype(np.float32)


def test_what_other_bands_do_not_tell_is_the_noise() -> None:
    """Two signals in 40 bands and independent noise of variance 0.01: regression on the others leaves about that."""
    rng = np.random.default_rng(1)
    signal = rng.normal(size=(20_000, 2)) @ rng.normal(size=(2, 40))
    covariance = np.cov(signal + rng.normal(0, 0.1, signal.shape), rowvar=False)
    assert band_noise(covariance) == pytest.approx(np.full(40, 0.01), rel=0.3)


def test_fields_under_noise_have_a_larger_share_than_a_clear_mixture_of_pixels() -> None:
    fields, pepper = (fit_components(scene_from(cube(n, p)), 10, 10).noise for n, p in ((0.1, False), (0.01, True)))
    assert fields > 0.6
    assert pepper < 0.3


def test_bands_without_redundancy_say_that_nothing_is_known() -> None:
    """Uncorrelated bands tell nothing of each other: far more "noise" than neighbours differ by, so one half."""
    share = noise_share(np.eye(3), 0.01 * np.eye(3), np.eye(3), np.ones(3))
    assert share == pytest.approx(0.5, abs=0.01)
    assert noise_share(np.eye(3), np.zeros((3, 3)), np.eye(3), np.ones(3)) == 0.5
    assert LEAST <= share <= MOST


def test_effective_dimension_counts_the_directions_of_a_cloud() -> None:
    assert effective_dimension(np.diag([2.0, 2.0, 2.0, 0.0])) == pytest.approx(3.0)
    assert effective_dimension(np.diag([1.0, 0.0])) == pytest.approx(1.0)


def test_components_of_noise_alone_stay_alike() -> None:
    """λ = 1 is noise: none of them is blown up against another; λ = 101 is ten noise units of signal."""
    assert signal_weights(np.array([101.0, 1.0, 0.9])) == pytest.approx([10.0, np.sqrt(0.1), np.sqrt(0.1)])


def test_the_share_does_not_know_units_of_bands() -> None:
    values = cube(0.05, False)
    factors = np.linspace(0.1, 100.0, values.shape[-1]).astype(np.float32)
    one, other = (fit_components(scene_from(v), 8, 8) for v in (values, values * factors))
    assert one.noise == pytest.approx(other.noise, abs=1e-3)
    assert one.ratios == pytest.approx(other.ratios, rel=1e-2)
