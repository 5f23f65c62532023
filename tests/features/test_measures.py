"""Facts of spectra with known answers."""

from __future__ import annotations

import numpy as np
import pytest

from hsi_studio.features.measures import RADIANCE, VAPOUR_NM, Axis, calibrate, measure, sun_light
from hsi_studio.types import FloatArray

NM = np.arange(400, 2501, 10, dtype=np.float32)


def axis(wavelength_nm: FloatArray = NM) -> Axis:
    return Axis(wavelength_nm, np.ones(wavelength_nm.size, dtype=bool))


def flat(level: float = 0.3) -> FloatArray:
    return np.full((1, NM.size), level, dtype=np.float32)


def dip(centre: float, depth: float, width: float = 12.0) -> FloatArray:
    return (flat() * (1.0 - depth * np.exp(-0.5 * ((NM - centre) / width) ** 2))).astype(np.float32)


def test_a_flat_spectrum_has_no_index_no_feature_and_no_slope() -> None:
    got = measure(flat(0.3), axis())
    for name in ("ndvi", "ndre", "ndwi", "ndmi", "redness", "greenness", "shape", "swir_slope", "cai"):
        assert got.values[name][0] == pytest.approx(0.0, abs=1e-6), name
    assert got.values["visible"][0] == pytest.approx(0.3)
    assert all(abs(got.values[name][0]) < 1e-6 for name in got.values if name.startswith("depth"))
    assert np.isnan(got.values["red_edge_nm"][0])


def test_indices_are_those_of_their_definition() -> None:
    spectrum = np.where(NM < 700, 0.05, 0.45).astype(np.float32)[None]
    got = measure(spectrum, axis())
    assert got.values["ndvi"][0] == pytest.approx((0.45 - 0.05) / 0.5)
    assert got.values["ndwi"][0] == pytest.approx((0.05 - 0.45) / 0.5)
    assert got.bands_nm["ndvi"][0] == 640
    assert got.bands_nm["ndvi"][-1] == 900


def test_indices_and_depths_do_not_change_with_brightness() -> None:
    rng = np.random.default_rng(0)
    spectrum = rng.uniform(0.1, 0.5, (5, NM.size)).astype(np.float32)
    one, two = measure(spectrum, axis()), measure(spectrum * 0.5, axis())
    for name in ("ndvi", "redness", "shape", "cai", "depth_2200", "swir_slope"):
        np.testing.assert_allclose(one.values[name], two.values[name], atol=1e-5, err_msg=name)


def test_a_linear_red_edge_is_where_it_is() -> None:
    """Guyot and Baret: the wavelength where reflectance is midway between 670 and 780 nm, on a line 700–740."""
    ramp = np.interp(NM, [400, 690, 750, 2500], [0.05, 0.05, 0.45, 0.45]).astype(np.float32)[None]
    found = measure(ramp, Axis(NM, np.ones(NM.size, dtype=bool))).values["red_edge_nm"][0]
    assert found == pytest.approx(720.0, abs=1.5)


@pytest.mark.parametrize(("name", "centre"), [("depth_2200", 2206), ("depth_2100", 2102), ("depth_1730", 1732)])
def test_an_absorption_has_its_own_depth_and_no_other(name: str, centre: float) -> None:
    got = measure(dip(centre, 0.2), axis())
    assert 0.12 < got.values[name][0] < 0.21
    others = [key for key in got.values if key.startswith("depth") and key != name]
    assert all(abs(got.values[key][0]) < 0.03 for key in others)


def test_what_the_sensor_does_not_see_is_not_measured() -> None:
    visible = NM[NM <= 900]
    got = measure(np.full((2, visible.size), 0.2, dtype=np.float32), axis(visible))
    assert "ndvi" in got.values
    assert not {"cai", "swir", "ndmi"} & set(got.values)
    assert not any(name.startswith("depth") for name in got.values)


def test_without_wavelengths_nothing_is_measured() -> None:
    got = measure(flat(), Axis(None, np.ones(NM.size, dtype=bool)))
    assert got.values == {}


def test_the_airs_water_vapour_is_never_looked_at() -> None:
    got = measure(flat(), axis())
    used = {w for bands in got.bands_nm.values() for w in bands}
    assert not [w for w in used for low, high in VAPOUR_NM if low <= w <= high]


def test_a_missing_band_takes_its_feature_away() -> None:
    usable = np.ones(NM.size, dtype=bool)
    usable[(NM >= 2180) & (NM <= 2230)] = False
    got = measure(flat(), Axis(NM, usable))
    assert "depth_2200" not in got.values
    assert "depth_2300" in got.values


def test_radiance_of_a_known_reflectance_comes_back() -> None:
    """L = ρ E cos θ / π of a black-body sun, with haze that the darkest pixel shows."""
    unit = "µW/(cm² nm sr)"
    light = sun_light(NM) * np.cos(np.radians(35.0)) / np.pi / RADIANCE[unit]
    reflectance = np.stack([np.full(NM.size, 0.015), np.where(NM < 700, 0.05, 0.4)])
    haze = np.where(NM < 740, 0.03, 0.0) * light
    radiance = (reflectance * light + haze).astype(np.float32)
    scale = calibrate(unit, NM, radiance.mean(axis=0), radiance.min(axis=0), np.ones(NM.size, dtype=bool))
    got = measure(radiance, axis(), scale)
    assert not got.absolute
    assert got.values["ndvi"][1] == pytest.approx((0.4 - 0.05) / 0.45, abs=0.01)
    assert not any(name.startswith("depth") for name in got.values)


def test_the_suns_light_is_about_the_solar_constant() -> None:
    nm = np.arange(250, 20_000, 5, dtype=np.float32)
    total = float(np.trapezoid(sun_light(nm), nm)) / 100.0  # µW/cm² → W/m²
    assert total == pytest.approx(1361, rel=0.03)


def test_values_in_an_unknown_unit_have_no_colours() -> None:
    counts = np.full((3, NM.size), 2500, dtype=np.float32)
    scale = calibrate("counts", NM, counts.mean(axis=0), counts.min(axis=0), np.ones(NM.size, dtype=bool))
    got = measure(counts, axis(), scale)
    assert "redness" not in got.values
    assert "ndvi" in got.values
    assert got.values["visible"][0] == pytest.approx(0.12, abs=1e-3)


def test_small_values_without_a_unit_count_as_reflectance() -> None:
    values = np.full((3, NM.size), 0.25, dtype=np.float32)
    scale = calibrate("", NM, values.mean(axis=0), values.min(axis=0), np.ones(NM.size, dtype=bool))
    assert scale.absolute
    assert "by their size" in scale.note


@pytest.mark.parametrize("unit", ["", "unitless", "1", "Reflectance"])
@pytest.mark.parametrize("scale", [1.0, 100.0, 10_000.0])
def test_reflectance_is_recognised_however_it_is_stored(unit: str, scale: float) -> None:
    share = np.linspace(0.05, 0.4, NM.size, dtype=np.float32)
    found = calibrate(unit, NM, share * scale, share * 0, np.ones(NM.size, dtype=bool))
    np.testing.assert_allclose(found.factor, 1.0 / scale, rtol=1e-5)
    assert found.absolute
    assert "give its scale" in found.note


def test_percent_said_is_percent_and_radiance_of_no_unit_is_no_reflectance() -> None:
    share = np.linspace(0.05, 0.4, NM.size, dtype=np.float32)
    usable = np.ones(NM.size, dtype=bool)
    np.testing.assert_allclose(calibrate("%", NM, share * 100, share * 0, usable).factor, 0.01, rtol=1e-5)
    sun = sun_light(NM) * 55.0
    found = calibrate("", NM, sun, sun * 0, usable)
    assert not found.absolute
    assert "radiance" in found.note
