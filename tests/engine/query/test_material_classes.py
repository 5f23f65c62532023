"""Words told on nodes by synthetic pixels of their materials."""

from __future__ import annotations

import functools

import numpy as np

from hsi_studio.engine.query.material_classes import even_out, in_state, posteriors, told_apart
from hsi_studio.engine.query.spectral_view import SensorBank, windows_of
from hsi_studio.features.cache import FeatureCache
from hsi_studio.features.measures import Axis
from hsi_studio.text.materials.names import State, materials, meant
from hsi_studio.text.materials.recipes import draw

NAMES = ("Water", "Trees", "Bare soil", "Metal roof")


@functools.lru_cache
def sensor() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """(centres of the windows, bank) of a sensor of 60 bands."""
    nm = np.linspace(420, 2400, 60).astype(np.float32)
    windows = windows_of(Axis(nm, np.ones(60, dtype=bool)), None)
    assert windows.tells
    keys = {key for name in NAMES for key in meant(name).weights} | {"young maize", "young soybean"}
    return windows.centre_nm, {key: (draw(key, 200) @ windows.response.T).astype(np.float32) for key in keys}


def test_spectra_of_a_material_are_told_as_it() -> None:
    centre, bank = sensor()
    classes = [meant(name) for name in NAMES]
    pixels = np.concatenate([bank[next(iter(one.weights))][:30] for one in classes])
    found = posteriors(bank, classes, pixels, centre, absolute=True)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-5)
    assert (found.argmax(axis=1) == np.repeat(np.arange(4), 30)).mean() > 0.9


def test_two_names_of_one_spectrum_are_not_told_apart() -> None:
    centre, bank = sensor()
    apart = told_apart(bank, [meant("young corn"), meant("young soybean"), meant("water")], centre, absolute=True)
    assert apart[0, 1] < 0.75
    assert min(apart[0, 2], apart[1, 2]) > 0.8


def test_the_same_words_give_the_same_posteriors() -> None:
    centre, bank = sensor()
    classes = [meant(name) for name in NAMES]
    once, again = (posteriors(bank, classes, bank["water"][:5], centre, True) for _ in range(2))
    np.testing.assert_array_equal(once, again)


def test_class_biases_move_the_mean_towards_even() -> None:
    rng = np.random.default_rng(0)
    posterior = rng.dirichlet([8.0, 1.0, 1.0], 500)
    moved = even_out(posterior, 0.5).mean(axis=0)
    np.testing.assert_allclose(moved, 0.5 * posterior.mean(axis=0) + 0.5 / 3, atol=0.01)


def test_a_sensor_of_the_visible_alone_tells_no_materials() -> None:
    nm = np.linspace(420, 650, 10).astype(np.float32)
    assert not windows_of(Axis(nm, np.ones(10, dtype=bool)), None).tells


def test_radiance_is_not_compared_where_water_vapour_absorbs() -> None:
    nm = np.linspace(420, 2400, 200).astype(np.float32)
    axis = Axis(nm, np.ones(200, dtype=bool))
    through = windows_of(axis, None, through_air=True)
    assert through.tells
    for line in (762.0, 940.0, 1130.0, 1900.0):  # oxygen, and three bands of vapour
        assert not (abs(through.centre_nm - line) < 10).any()
    assert len(through.bands) < len(windows_of(axis, None).bands)


def test_a_list_of_names_makes_only_its_own_materials() -> None:
    centre, _ = sensor()
    nm = np.linspace(420, 2400, 60).astype(np.float32)
    bank = SensorBank(FeatureCache(), None, windows_of(Axis(nm, np.ones(60, dtype=bool)), None))
    found = posteriors(bank, [meant("water"), meant("soil")], bank["water"][:5], centre, absolute=True)
    assert (found.argmax(axis=1) == 0).all()
    assert set(bank.made) == {"water", "soil"}
    assert len(bank) == len(materials())


def test_states_wet_darken_and_thin_the_material() -> None:
    centre, bank = sensor()
    rng, rows = np.random.default_rng(0), bank["metal roof"][:200]
    np.testing.assert_array_equal(in_state(rows, State(), bank, centre, rng), rows)
    swir = int(np.argmin(abs(centre - 1650)))
    assert (in_state(rows, State(wet=1.0), bank, centre, rng)[:, swir] < rows[:, swir]).all()
    np.testing.assert_allclose(in_state(rows, State(gain=0.5), bank, centre, rng), 0.5 * rows, rtol=1e-6)
    soil = bank["soil"].mean(axis=0)
    thin = in_state(rows, State(cover=0.5), bank, centre, rng).mean(axis=0)
    np.testing.assert_allclose(thin, 0.5 * (rows.mean(axis=0) + soil), rtol=0.1)
