"""Regions, forms of a spectrum, and the library's nearest: facts of the definitions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hsi_studio.engine.spectra import best_matches, in_form, region_spectrum
from hsi_studio.errors import BadRequest
from hsi_studio.scene.library import earth_library, resampled
from hsi_studio.types import Bands
from tests.project.small import small_scene

NM = np.arange(400, 1000, 20, dtype=np.float32)


def test_a_region_is_the_mean_and_deviation_of_its_pixels() -> None:
    scene = small_scene(6, 7, 5)
    found = region_spectrum(scene, [(1, 2), (1, 5), (4, 5), (4, 2)])
    inside = scene.read(slice(1, 4), slice(2, 5)).reshape(-1, 5)
    good = scene.good_bands
    assert (found.count, found.used) == (9, 9)
    np.testing.assert_allclose(found.mean[good], inside.mean(axis=0)[good], rtol=1e-4)
    np.testing.assert_allclose(found.std[good], inside.std(axis=0)[good], rtol=1e-3, atol=1e-6)


def test_an_absorption_on_a_slope_has_its_depth_when_the_continuum_is_gone() -> None:
    slope = 0.2 + NM / 2000
    depth = 0.3 * np.exp(-0.5 * ((NM - 700) / 30) ** 2)
    removed = in_form("continuum", NM, (slope * (1 - depth)).astype(np.float32))
    assert removed.max() <= 1 + 1e-6
    assert removed[[0, -1]] == pytest.approx(1.0)
    assert removed[NM == 700] == pytest.approx(0.7, abs=0.01)


def test_the_derivative_of_a_line_is_its_slope_and_no_gap_is_bridged() -> None:
    axis = np.concatenate([NM, NM + 2000]).astype(np.float32)
    values = np.concatenate([NM / 1000, 5 + NM / 500]).astype(np.float32)
    order = np.random.default_rng(0).permutation(axis.size)  # files need not be sorted
    out = in_form("derivative", axis[order], values[order])[np.argsort(order)]
    np.testing.assert_allclose(out[: NM.size], 1 / 1000, rtol=1e-3)
    np.testing.assert_allclose(out[NM.size :], 1 / 500, rtol=1e-3)


def test_bands_without_value_stay_without() -> None:
    values = np.linspace(0.1, 0.4, NM.size, dtype=np.float32)
    values[3] = np.nan
    for form in ("continuum", "derivative"):
        assert np.flatnonzero(np.isnan(in_form(form, NM, values))).tolist() == [3]
    with pytest.raises(BadRequest, match="no form"):
        in_form("second", NM, values)


def test_a_library_spectrum_finds_itself_whatever_its_brightness() -> None:
    library = earth_library()
    scene = replace(small_scene(4, 5, 40), bands=Bands(40, np.linspace(420, 2400, 40, dtype=np.float32)))
    seen, _ = resampled(library, scene.bands)
    told = best_matches(scene, 3000 * seen[5000], library, seen, 3)
    assert told.found[0].name == library.names[5000]
    assert told.found[0].angle_deg == pytest.approx(0.0, abs=0.1)
    assert [m.angle_deg for m in told.found] == sorted(m.angle_deg for m in told.found)
    assert "reflectance" in told.note  # the unit of the scene is not known
    assert best_matches(replace(scene, value_unit="reflectance"), seen[5000], library, seen, 1).note == ""


def test_too_few_shared_bands_are_refused() -> None:
    library = earth_library()
    scene = replace(small_scene(4, 5, 5), bands=Bands(5, np.array([300, 320, 500, 520, 2600], np.float32)))
    seen, _ = resampled(library, scene.bands)
    with pytest.raises(BadRequest, match="2 bands"):
        best_matches(scene, np.ones(5, np.float32), library, seen, 1)
