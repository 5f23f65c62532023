"""The mixture of table entries: linear in shares and light, exact at the table's nodes."""

from __future__ import annotations

import numpy as np
import pytest

from hsi_studio.scene.physics.light import Light, Sun, diffuse_fraction
from hsi_studio.scene.physics.render import Mixture, render
from hsi_studio.scene.physics.spectra import band_response, grid_nm
from hsi_studio.scene.physics.surfaces import NODES, Z_LIMIT, tabulate

NM, FWHM = np.array([480.0, 660.0, 840.0, 1650.0]), np.full(4, 20.0)
SUN = Sun()
GROUND, PLANTS = "asphalt", "grass"


def light(n: int, sun: float = 1.0, sky: float = 1.0) -> Light:
    return Light(np.full((1, n), sun), np.full((1, n), sky), np.ones((1, n)))


def made(surface: str, z: tuple[float, float], share: float = 1.0, lit: Light | None = None) -> np.ndarray:
    """(B,) spectrum of one pixel."""
    mixture = Mixture(SUN)
    one = np.zeros(1, dtype=np.int64)
    mixture.add(surface, one, one, np.array([z]), np.array([share]))
    cube, _ = render(mixture, (1, 1), lit or light(1), NM, FWHM)
    return cube[0, 0]


@pytest.mark.parametrize(("z", "entry"), [((-Z_LIMIT, -Z_LIMIT), 0), ((Z_LIMIT, Z_LIMIT), NODES**2 - 1)])
def test_at_a_node_it_is_the_tables_own_spectrum(z: tuple[float, float], entry: int) -> None:
    table, diffuse = tabulate(PLANTS, SUN.zenith_deg), diffuse_fraction(grid_nm())
    under_light = table.sun[entry] * (1 - diffuse) + table.sky[entry] * diffuse
    expected = band_response(NM, FWHM) @ under_light
    assert made(PLANTS, z) == pytest.approx(expected, rel=1e-5)
    beyond = (3 * z[0], 3 * z[1])
    np.testing.assert_array_equal(made(PLANTS, beyond), made(PLANTS, z))  # the table ends there


def test_between_two_nodes_it_is_their_mean() -> None:
    step = 2 * Z_LIMIT / (NODES - 1)
    ends = made(PLANTS, (0.0, 0.0)) + made(PLANTS, (0.0, step))
    assert made(PLANTS, (0.0, step / 2)) == pytest.approx(ends / 2, rel=1e-5)


def test_sub_pixels_mix_by_their_shares_each_in_its_own_light() -> None:
    mixture = Mixture(SUN)
    both, pixel = np.array([0, 1]), np.zeros(2, dtype=np.int64)
    mixture.add(GROUND, both[:1], pixel[:1], np.zeros((1, 2)), np.array([0.25]))
    mixture.add(PLANTS, both[1:], pixel[1:], np.zeros((1, 2)), np.array([0.75]))
    lit = Light(np.array([[1.0, 0.05]]), np.array([[1.0, 0.5]]), np.array([[1.0, 0.0]]))
    cube, _ = render(mixture, (1, 1), lit, NM, FWHM)
    parts = 0.25 * made(GROUND, (0, 0)) + 0.75 * made(PLANTS, (0, 0), lit=light(1, 0.05, 0.5))
    assert cube[0, 0] == pytest.approx(parts, rel=1e-5)


def test_maps_tell_the_leaf_area_over_the_pixel_and_the_chlorophyll_of_its_leaves() -> None:
    mixture = Mixture(SUN)
    fine = np.array([0, 1, 2])
    mixture.add(PLANTS, fine[:2], np.array([0, 1]), np.zeros((2, 2)), np.array([1.0, 0.5]))
    mixture.add(GROUND, fine[1:], np.array([1, 2]), np.zeros((2, 2)), np.array([0.5, 1.0]))
    _, maps = render(mixture, (1, 3), light(3), NM, FWHM)
    full, half, none = maps["lai"][0]
    assert full > 0
    assert half == pytest.approx(full / 2, rel=1e-5)
    assert none == 0
    assert maps["chlorophyll_ug_cm2"][0, 1] == pytest.approx(maps["chlorophyll_ug_cm2"][0, 0], rel=1e-5)
    assert maps["chlorophyll_ug_cm2"][0, 2] == 0
