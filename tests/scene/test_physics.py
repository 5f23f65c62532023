"""Leaf, canopy, soil, water, light and sensor against mathematics, published numbers and an independent solver."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_bvp
from scipy.special import exp1

from hsi_studio.errors import BadRequest
from hsi_studio.scene.physics import ground, light, sensor
from hsi_studio.scene.physics.canopy import canopy_reflectance, leaf_angles, streams
from hsi_studio.scene.physics.fields import connected_objects, per_object, smooth_field
from hsi_studio.scene.physics.leaf import Leaf, average_transmissivity, leaf_optics, plate_model
from hsi_studio.scene.physics.spectra import band_response, curve, grid_nm, water_absorption_per_m
from hsi_studio.scene.physics.surfaces import NODES, SURFACES, tabulate

W = grid_nm()


def at(spectrum: np.ndarray, nm: float) -> np.ndarray:
    return spectrum[..., round((nm - W[0]) / 5)]


def ndvi(spectrum: np.ndarray) -> np.ndarray:
    return (at(spectrum, 860) - at(spectrum, 665)) / (at(spectrum, 860) + at(spectrum, 665))


# curves


def test_curves_pass_through_their_knots_and_never_leave_them() -> None:
    knots = {400: 0.1, 500: 0.5, 520: 0.5, 700: 0.2, 2500: 0.3}
    x = np.linspace(400, 2500, 4201)
    y = curve(x, knots)
    np.testing.assert_allclose(curve(np.array(list(knots), dtype=float), knots), list(knots.values()))
    for (left, low), (right, high) in zip(list(knots.items())[:-1], list(knots.items())[1:], strict=True):
        piece = y[(x >= left) & (x <= right)]
        assert piece.min() >= min(low, high) - 1e-12
        assert piece.max() <= max(low, high) + 1e-12


# leaf


def test_average_transmissivity_agrees_with_published_diffuse_reflectance() -> None:
    """External diffuse reflectance of a smooth surface: 9.18 % for n = 1.5, 6.67 % for n = 1.333 (Duntley 1942)."""
    assert average_transmissivity(90.0, 1.5) == pytest.approx(1 - 0.0918, abs=2e-4)
    assert average_transmissivity(90.0, 4 / 3) == pytest.approx(1 - 0.0667, abs=3e-4)


def test_average_transmissivity_has_the_right_limits() -> None:
    assert average_transmissivity(0.1, 1.5) == pytest.approx(0.96, abs=1e-4)  # normal incidence: 1 − (0.5/2.5)²
    assert average_transmissivity(90.0, 1.0) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("layers", [1.0, 1.5, 3.2])
def test_a_leaf_that_absorbs_nothing_loses_nothing(layers: float) -> None:
    r, t = plate_model(np.zeros(3), np.array([1.3, 1.4, 1.5]), layers)
    np.testing.assert_allclose(r + t, 1.0, atol=1e-6)
    assert np.all(r > 0)
    assert np.all(t > 0)


def test_the_lossless_branch_continues_the_general_one() -> None:
    exact, nearly = plate_model(0.0, 1.4, 2.0), plate_model(1e-6, 1.4, 2.0)
    np.testing.assert_allclose(nearly, exact, atol=1e-3)


def test_one_layer_and_one_layer_make_two() -> None:
    """Adding method (van de Hulst 1980): a leaf of N = 2 is one of N = 1 over one plate in diffuse light."""
    k, n = 0.4, 1.4
    r2, t2 = plate_model(k, n, 2.0)
    r1, t1 = plate_model(k, n, 1.0)
    into = float(average_transmissivity(90.0, n))
    tau = (1 - k) * np.exp(-k) + k**2 * exp1(k)
    inside = 1 - into / n**2
    t = into * tau * (1 - inside) / (1 - (inside * tau) ** 2)
    r = 1 - into + inside * tau * t
    assert t2 == pytest.approx(t1 * t / (1 - r * r), rel=1e-6)
    assert r2 == pytest.approx(r1 + t1 * r * t / (1 - r * r), rel=1e-6)


def test_absorbing_leaves_stay_between_zero_and_one() -> None:
    k = np.geomspace(1e-4, 400, 60)
    r, t = plate_model(k, 1.4, 1.7)
    assert np.all((r > 0) & (t >= 0) & (r + t < 1))
    assert np.all(np.diff(r + t) <= 0)  # level only where the leaf is opaque
    assert np.all(np.diff((r + t)[k < 3]) < 0)
    assert t[-1] < 1e-6  # opaque, and still finite


def test_chlorophyll_darkens_red_and_moves_the_red_edge_to_longer_wavelengths() -> None:
    r, _ = leaf_optics(Leaf(chlorophyll_ug_cm2=np.array([10.0, 25.0, 45.0, 70.0])), W)
    assert np.all(np.diff(at(r, 650)) < 0)
    assert np.all(np.diff(at(r, 550)) < 0)
    edge = (W >= 690) & (W <= 760)
    steepest = W[edge][np.gradient(r, W, axis=1)[:, edge].argmax(axis=1)]
    assert np.all(np.diff(steepest) >= 0)
    assert steepest[-1] > steepest[0] + 5
    np.testing.assert_allclose(at(r, 1650), at(r, 1650)[0], rtol=1e-6)  # no chlorophyll in the SWIR


@pytest.mark.parametrize(("dip", "left", "right"), [(970, 900, 1070), (1200, 1090, 1270), (1450, 1280, 1660)])
def test_leaf_water_deepens_its_bands(dip: int, left: int, right: int) -> None:
    r, t = leaf_optics(Leaf(water_cm=np.array([0.004, 0.012, 0.025])), W)
    for spectrum in (r, t):
        continuum = np.interp(dip, [left, right], [0.0, 1.0])
        depth = 1 - at(spectrum, dip) / ((1 - continuum) * at(spectrum, left) + continuum * at(spectrum, right))
        assert np.all(np.diff(depth) > 0)


def test_leaves_look_like_the_published_model_with_its_own_coefficients(shared_data: Path) -> None:
    table = shared_data / "spectral_libraries" / "prosail" / "prospect_d_spectra.txt"
    if not table.exists():
        pytest.skip("no published coefficients to compare with")
    published = np.loadtxt(table, comments="#")[::5]
    for leaf in (Leaf(), Leaf(chlorophyll_ug_cm2=15.0), Leaf(layers=2.0, water_cm=0.004, dry_matter_g_cm2=0.01)):
        amounts = (leaf.chlorophyll_ug_cm2, leaf.carotenoids_ug_cm2, leaf.water_cm, leaf.dry_matter_g_cm2)
        k = sum(float(a) * published[:, c] for a, c in zip(amounts, (2, 3, 6, 7), strict=True)) / float(leaf.layers)
        expected, _ = plate_model(k, published[:, 1], leaf.layers)
        found, _ = leaf_optics(leaf, W)
        assert np.corrcoef(found[0], expected)[0, 1] > 0.99
        assert np.sqrt(np.mean((found[0] - expected) ** 2)) < 0.02


def test_water_absorbs_as_published() -> None:
    """Pope & Fry (1997): 0.0565 /m at 550 nm; Hale & Querry (1973): about 45 /m at 970 nm, 12,000 /m at 1930 nm."""
    a = water_absorption_per_m(W)
    assert at(a, 550) == pytest.approx(0.0565, rel=0.02)
    assert at(a, 970) == pytest.approx(45, rel=0.1)
    assert a.max() == pytest.approx(12_300, rel=0.05)
    assert 1925 <= W[a.argmax()] <= 1945


# canopy


@pytest.mark.parametrize("mean_deg", [30.0, 45.0, 57.0, 65.0])
def test_leaf_angle_distribution_has_the_mean_asked_for(mean_deg: float) -> None:
    angle, weight = leaf_angles(mean_deg)
    assert weight.sum() == pytest.approx(1.0)
    assert np.degrees((weight[0] * angle).sum()) == pytest.approx(mean_deg, abs=2.0)


def test_spherical_leaves_intercept_half() -> None:
    """G = 0.5 for every direction when leaves are oriented like the faces of a sphere (mean angle 57.3° → 56.2°)."""
    leaf = np.full((1, 1), 0.3)
    for zenith in (10.0, 40.0, 65.0):
        c = streams(leaf, leaf, 56.15, zenith)
        assert float(c.ks[0, 0]) * np.cos(np.radians(zenith)) == pytest.approx(0.5, abs=0.01)
        assert float(c.ko[0, 0]) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("light_kind", ["sun", "sky"])
@pytest.mark.parametrize(("rho", "tau", "lai", "soil"), [(0.46, 0.42, 3.0, 0.25), (0.05, 0.02, 1.2, 0.15)])
def test_closed_form_solves_the_four_stream_equations(
    light_kind: str, rho: float, tau: float, lai: float, soil: float
) -> None:
    """Verhoef's (1984) differential equations integrated numerically give the same radiance towards nadir."""
    c = streams(np.full((1, 1), rho), np.full((1, 1), tau), 50.0, 35.0)
    ks, ko, a, back, sf, sb, vf, vb, w = (
        float(getattr(c, name)[0, 0]) for name in ("ks", "ko", "a", "back", "sf", "sb", "vf", "vb", "w")
    )
    beam = 1.0 if light_kind == "sun" else 0.0

    def slope(x: np.ndarray, e: np.ndarray) -> np.ndarray:
        direct = beam * np.exp(-ks * x)
        return np.stack([-a * e[0] + back * e[1] + sf * direct, a * e[1] - back * e[0] - sb * direct])

    def ends(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
        return np.array([top[0] - (1 - beam), bottom[1] - soil * (bottom[0] + beam * np.exp(-ks * lai))])

    x = np.linspace(0, lai, 400)
    answer = solve_bvp(slope, ends, x, np.zeros((2, x.size)), tol=1e-8, max_nodes=20_000)
    assert answer.success
    down, up = answer.sol(x)
    direct = beam * np.exp(-ks * x)
    seen = np.trapezoid(np.exp(-ko * x) * (w * direct + vb * down + vf * up), x)
    seen += np.exp(-ko * lai) * soil * (down[-1] + direct[-1])
    sun, sky = canopy_reflectance(c, lai, np.full(1, soil))
    assert float((sun if light_kind == "sun" else sky)[0, 0]) == pytest.approx(seen, rel=2e-4)


def test_no_leaves_means_soil_and_ndvi_rises_with_leaf_area() -> None:
    leaf = leaf_optics(Leaf(), W)
    lai = np.array([0.0, 0.5, 1.5, 3.0, 6.0])
    c = streams(np.repeat(leaf[0], 5, axis=0), np.repeat(leaf[1], 5, axis=0), 55.0, 40.0)
    soil = ground.dry("loam", W)
    sun, sky = canopy_reflectance(c, lai, soil)
    np.testing.assert_allclose(sun[0], soil, rtol=1e-6)
    np.testing.assert_allclose(sky[0], soil, rtol=1e-6)
    assert np.all(np.diff(ndvi(sun)) > 0)
    assert np.all(np.diff(at(sun, 665)) < 0)


# ground and water


@pytest.mark.parametrize("name", ground.names())
def test_dry_surfaces_are_reflectances(name: str) -> None:
    spectrum = ground.dry(name, W)
    assert np.all((spectrum > 0.02) & (spectrum < 0.8))


def test_wet_soil_is_darker_everywhere_and_most_in_the_water_bands() -> None:
    dry = ground.dry("loam", W)
    wet = ground.wet(dry, np.array([0.0, 0.3, 0.6, 1.0]), W)
    np.testing.assert_allclose(wet[0], dry)
    assert np.all(np.diff(wet, axis=0) < 0)
    ratio = wet[-1] / dry
    assert at(ratio, 1935) < at(ratio, 1450) < at(ratio, 1650) < at(ratio, 800)
    assert 0.4 < at(ratio, 600) < 0.75  # wet soils are about half as bright (Ångström 1925)


def test_deep_water_is_black_beyond_the_red_and_sediment_brightens_it() -> None:
    clear, muddy = ground.deep_water(W, np.array([1.0, 15.0]), 0.3, 3.0)
    assert np.all(clear[W > 760] < 0.02)
    assert np.all(muddy[W > 900] < 0.05)
    assert at(muddy, 650) > 3 * at(clear, 650)
    assert at(clear, 550) > at(clear, 440)  # dissolved matter absorbs blue
    assert np.all(ground.deep_water(W, 2.0, 1.5, 3.0)[0, W < 500] < clear[W < 500])


@pytest.mark.parametrize("name", list(SURFACES))
def test_every_surface_is_physical_over_its_whole_table(name: str) -> None:
    table = tabulate(name, 42.0)
    assert table.sun.shape == table.sky.shape == (NODES**2, W.size)
    assert np.all((table.sun >= 0) & (table.sun < 1) & (table.sky >= 0) & (table.sky < 1))
    assert all(values.shape == (NODES**2,) for values in table.parameters.values())


# fields and light


def test_fields_are_standardised_and_smoother_at_larger_scales() -> None:
    fine, coarse = (smooth_field((90, 120), 1.0, scale, np.random.default_rng(1)) for scale in (4.0, 40.0))
    for field in (fine, coarse):
        assert field.shape == (90, 120)
        assert field.std() == pytest.approx(1.0)
        assert abs(field.mean()) < 1e-9
    assert np.diff(coarse, axis=0).std() < 0.5 * np.diff(fine, axis=0).std()


def test_objects_are_the_connected_regions_of_a_class() -> None:
    raster = np.array([[1, 1, 2], [2, 1, 2], [2, 1, 1]])
    objects = connected_objects(raster)
    assert len(np.unique(objects)) == 3  # two separate regions of 2
    assert objects[0, 2] != objects[1, 0]
    drawn = per_object(objects, np.random.default_rng(0))
    assert len(np.unique(drawn)) == 3
    assert drawn[0, 0] == drawn[2, 2]


def test_a_pole_casts_a_shadow_as_long_as_it_is_high_under_a_sun_at_45_degrees() -> None:
    surface = np.zeros((41, 41))
    surface[20, 20] = 10.0
    lit = light.cast_shadow(surface, 1.0, light.Sun(zenith_deg=45.0, azimuth_deg=90.0))  # sun in the east
    shaded = np.flatnonzero(lit[20] < 0.5)
    assert shaded.min() == 20 - 9
    assert shaded.max() == 19
    assert np.all(lit[:15] == 1.0)
    south = light.cast_shadow(surface, 1.0, light.Sun(zenith_deg=45.0, azimuth_deg=180.0))
    assert south[15, 20] == 0.0  # shadow falls to the north, up in the image
    assert south[25, 20] == 1.0


def test_slopes_towards_the_sun_are_brighter_and_flat_ground_is_one() -> None:
    x = np.mgrid[:30, :30][1].astype(float)
    hard = np.zeros((30, 30))
    east = light.Sun(zenith_deg=40.0, azimuth_deg=90.0)
    flat = light.illuminate(np.zeros((30, 30)), 1.0, east, hard)
    np.testing.assert_allclose(flat.sun, 1.0)
    np.testing.assert_allclose(flat.sky, 1.0)
    facing, turned = (light.illuminate(slope * x, 1.0, east, hard).sun[15, 15] for slope in (-0.3, 0.3))
    tilt = np.arctan(0.3)  # cos(40° ∓ tilt) / cos 40°
    assert facing == pytest.approx(np.cos(np.radians(40) - tilt) / np.cos(np.radians(40)), rel=1e-3)
    assert turned == pytest.approx(np.cos(np.radians(40) + tilt) / np.cos(np.radians(40)), rel=1e-3)


def test_skylight_is_blue() -> None:
    d = light.diffuse_fraction(W)
    assert np.all(np.diff(d) < 0)
    assert np.all((d > 0) & (d < 0.5))


# sensor


def test_band_responses_sum_to_one_and_sit_at_their_centres() -> None:
    centre, width = np.array([450.0, 700.0, 2203.0]), np.array([8.0, 10.0, 20.0])
    response = band_response(centre, width)
    np.testing.assert_allclose(response.sum(axis=1), 1.0)
    np.testing.assert_allclose(response @ W, centre, atol=0.5)


def test_default_band_widths_are_the_spacing_but_not_across_a_gap() -> None:
    centres = np.array([500.0, 510.0, 520.0, 1000.0, 1020.0])
    np.testing.assert_allclose(sensor.check_bands(centres, None), [10, 10, 10, 20, 20])


@pytest.mark.parametrize("centres", [[380.0, 500.0], [0.45, 0.55], [2400.0, 2600.0], [np.nan, 500.0]])
def test_bands_outside_the_physics_are_refused_with_the_numbers(centres: list[float]) -> None:
    with pytest.raises(BadRequest, match=r"400–2500 nm.*nanometres"):
        sensor.check_bands(np.array(centres), None)


def test_noise_has_the_level_asked_for() -> None:
    cube = np.full((60, 60, 1), 0.3, dtype=np.float32)
    centre = np.array([650.0])
    wanted = 0.3 / sensor.signal_to_noise(centre, 60.0)[0]
    noisy = sensor.expose(cube.copy(), centre, 60.0, np.random.default_rng(0))
    assert noisy.std() == pytest.approx(wanted, rel=0.06)
    assert sensor.signal_to_noise(np.array([940.0]), 60.0) < sensor.signal_to_noise(np.array([860.0]), 60.0)


def test_blur_keeps_the_energy_and_spreads_a_point() -> None:
    cube = np.zeros((11, 11, 2), dtype=np.float32)
    cube[5, 5] = 1.0
    spread = sensor.blur(cube, 0.6)
    np.testing.assert_allclose(spread.sum(axis=(0, 1)), 1.0, rtol=1e-5)
    assert 0 < spread[5, 6, 0] < spread[5, 5, 0] < 1
