"""Units of wavelengths, and when a list of numbers is not one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsi_studio.scene.rules.wavelengths import TO_NM, from_band_names, to_nm

NM = np.linspace(380, 2500, 50)


@given(unit=st.sampled_from(sorted(TO_NM)))
def test_every_unit_gives_the_same_nanometres(unit):
    nm, fwhm, notes = to_nm(NM / TO_NM[unit], unit, np.full(50, 10 / TO_NM[unit]))
    assert nm == pytest.approx(NM, rel=1e-5)
    assert fwhm == pytest.approx([10] * 50, rel=1e-5)
    assert notes == ()


@pytest.mark.parametrize("factor", [1, 1e3, 1e7, 1e9])
def test_unit_by_magnitude_is_announced(factor):
    nm, _, notes = to_nm(NM / factor, None)
    assert nm == pytest.approx(NM, rel=1e-5)
    assert len(notes) == 1


def test_wavenumbers():
    nm, _, _ = to_nm([10_000, 5_000], "Wavenumber")
    assert nm.tolist() == [1000, 2000]


@pytest.mark.parametrize("values", [range(1, 51), [0.0, 1.0], [np.nan, 500], [-400, 500], []])
def test_band_numbers_and_gaps_are_no_wavelengths(values):
    nm, fwhm, notes = to_nm(list(values), None)
    assert nm is None
    assert fwhm is None
    assert "number" in notes[0]


def test_band_names():
    nm, notes = from_band_names(["376.44 Nanometers", "b2 (0.5 µm)", "band 3: 700nm"])
    assert nm == pytest.approx([376.44, 500, 700])
    assert notes
    assert from_band_names(["Band 1", "Band 2"]) == (None, ())
    assert from_band_names(["500 nm", None]) == (None, ())
    assert from_band_names([]) == (None, ())
