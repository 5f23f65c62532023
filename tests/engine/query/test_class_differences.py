"""The phrase names the band in which two classes differ most, with numbers that can be checked."""

from __future__ import annotations

import numpy as np

from hsi_studio.engine.query.class_differences import difference, differences
from hsi_studio.engine.spectra import ClassSpectrum
from hsi_studio.types import Bands, ClassInfo, ClassSchema

BANDS = Bands(4, np.array([450, 550, 860, 2200], dtype=np.float32))
SCHEMA = ClassSchema((ClassInfo("a", "Corn", "#111111"), ClassInfo("b", "Wood", "#222222")))


def spectrum(k: int, mean: list[float], std: float = 0.01, count: int = 5) -> ClassSpectrum:
    values = np.array(mean, dtype=np.float32)
    return ClassSpectrum(SCHEMA.classes[k], count, values, np.full(4, std, dtype=np.float32))


def test_the_clearest_band_is_named() -> None:
    corn, wood = spectrum(0, [0.1, 0.1, 0.3, np.nan]), spectrum(1, [0.1, 0.11, 0.5, np.nan], count=1)
    expected = "the near infrared at 860 nm, where Corn is darker (0.3 against 0.5; 5 and 1 label)"
    assert difference(corn, wood, BANDS) == expected
    assert differences([wood, corn], SCHEMA, BANDS) == {(0, 1): expected}
    assert difference(corn, wood, Bands(4)).startswith("band 3, where Corn is darker")


def test_nothing_is_said_where_nothing_differs() -> None:
    corn = spectrum(0, [0.1, 0.1, 0.3, 0.2])
    assert difference(corn, spectrum(1, [0.1, 0.101, 0.3, 0.2], std=0.05), BANDS) == ""
    empty = spectrum(1, [np.nan] * 4)
    assert difference(corn, empty, BANDS) == ""
    zero = spectrum(0, [0.0] * 4, std=0.0, count=1)
    assert difference(zero, zero, BANDS) == ""
