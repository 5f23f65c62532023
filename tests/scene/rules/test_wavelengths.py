"""Units of wavelengths, and when a list of numbers is not one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsi_studio.scene.rules.wavelengths import TO_NM, from_band_names, number, read, to_nm

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


@pytest.mark.parametrize(
    ("values", "unit", "expected"),
    [
        (NM, "um", NM), (NM / 1000, "Nanometers", NM), (NM * 10, "Angstrom", NM), (1e7 / NM, "cm-1", NM),
        (299_792.458 / NM, "THz", NM), (NM[::-1], "nm", NM[::-1]), (NM / 1000, "[µm]", NM), (NM, "1", NM),
        (NM / 1000, "unknown", NM), (np.repeat(NM, 2), "nm", np.repeat(NM, 2)),
    ],
)  # fmt: skip
def test_the_numbers_decide_where_the_unit_cannot_be(values, unit, expected):
    nm, _, notes = to_nm(values, unit)
    assert nm == pytest.approx(expected, rel=1e-4)
    contradicts = unit in ("um", "Nanometers")
    assert any("cannot be that" in note for note in notes) == contradicts


@pytest.mark.parametrize(
    ("values", "unit"),
    [(range(1, 9), "Index"), (range(8), None), (range(1, 9), "um"), ([5e5, 6e5], "nm")],
)
def test_what_is_no_wavelength_is_none_with_a_note(values, unit):
    nm, _, notes = to_nm(list(values), unit)
    assert nm is None
    assert notes


def test_a_panchromatic_band_at_zero_is_left_out():
    found = read([0, 450, 500, 550, 600, 650], "um")
    assert found.nm == pytest.approx([0, 450, 500, 550, 600, 650])
    assert found.usable.tolist() == [False, True, True, True, True, True]
    assert any("left out" in note for note in found.notes)


def test_thousands_without_a_unit_are_asked():
    found = read(np.linspace(3500, 9000, 20))
    assert found.fact.sure == "guess"
    assert found.fact.choices == ("nm", "angstrom", "wavenumber")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["Band 1 (450,0 nm)", "Band 2 (514,3 nm)", "Band 3 (900,7 nm)"], [450, 514.3, 900.7]),
        (["Band_503", "Band_510", "Band_799"], [503, 510, 799]),
        (["b1: 0.45", "b2: 0.51", "b3: 0.9"], [450, 510, 900]),
        (["B450nm", "B514nm", "B900nm"], [450, 514, 900]),
        (["450.5", "514.5", "900.5"], [450.5, 514.5, 900.5]),
        (["0,45 µm", "0,51 µm", "0,9 µm"], [450, 510, 900]),
        (["4500 Å", "5143 Angstrom", "9000 å"], [450, 514.3, 900]),
        (["Band 301", "Band 302", "Band 303"], None), (["Band 1", "Band 2", "Band 3"], None),
        (["red", "green", "blue"], None), (["3 nm", "4 nm", "5 nm"], None), (["700", "600", "500"], None),
    ],
)  # fmt: skip
def test_numbers_in_band_names(names, expected):
    nm, notes = from_band_names(names)
    assert (nm is None) == (expected is None)
    if expected is not None:
        assert nm == pytest.approx(expected, rel=1e-5)
        assert notes


@pytest.mark.parametrize(
    ("text", "value"), [("450.5", 450.5), ("450,5", 450.5), ("1,450.25", 1450.25), ("1.450,25", 1450.25), ("x", None)]
)
def test_numbers_with_points_and_commas(text, value):
    assert number(text) == value
