"""Which axis is the spectral one: the order of trust is wavelengths, maps beside the cube, then the values."""

from __future__ import annotations

import numpy as np
import pytest

from hsi_studio.scene.rules.axes import find_axes, variance_shares
from tests.scene import fake


def test_the_wavelengths_are_trusted_before_a_map_beside_it() -> None:
    array = np.zeros((8, 6, 5), dtype=np.float32)
    axes, notes = find_axes(array, 8, [(8, 6)])  # the map alone would say that the last axis is spectral
    assert axes == (1, 2, 0)
    assert "The first axis (8) is read as the spectral one" in notes[0]
    assert find_axes(array, None, [(8, 6)]) == ((0, 1, 2), ())


def test_a_length_that_fits_two_axes_settles_nothing() -> None:
    array = np.zeros((8, 6, 8), dtype=np.float32)
    assert find_axes(array, 8, []) == ((0, 1, 2), ())
    assert find_axes(array, 8, [(6, 8)]) == ((0, 1, 2), ())  # nor does a map that fits either way
    assert find_axes(array, 6, [])[0] == (0, 2, 1)


def test_rows_and_columns_are_exchanged_to_fit_the_map() -> None:
    axes, notes = find_axes(np.zeros((6, 5, 8), dtype=np.float32), 8, [(5, 6)])
    assert axes == (1, 0, 2)
    assert "exchanged to fit the (5, 6) map" in notes[0]


def test_the_shares_of_variance_are_those_of_the_slices() -> None:
    ramp = 10 + np.arange(4.0)[:, None, None] + np.zeros((4, 5, 6))
    assert variance_shares(ramp) == pytest.approx([1, 0, 0])  # all of it lies along the first axis
    mixed = ramp + 2 * np.arange(6.0)
    along_first, along_last = np.var(np.arange(4.0)), np.var(2 * np.arange(6.0))
    total = along_first + along_last
    assert variance_shares(mixed) == pytest.approx([along_first / total, 0, along_last / total])


def test_values_say_nothing_when_they_are_constant_centred_or_too_few() -> None:
    cube = fake.cube().transpose(2, 0, 1).astype(np.float64)
    assert find_axes(cube, None, [])[0] == (1, 2, 0)
    assert variance_shares(np.ones((4, 5, 6))) is None
    assert variance_shares(cube - cube.mean()) is None
    assert variance_shares(cube[:1]) is None
    cube[0, 0, 0], cube[1, 0, 0] = np.nan, 1e38  # a damaged pixel does not decide
    assert find_axes(cube, None, [])[0] == (1, 2, 0)
