"""What cannot be understood is told with its place in the file; what cannot be projected has no place."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from hsi_studio.errors import CorruptFile
from hsi_studio.io.coordinates import MOST_RETRIES, color_or_none, named, number, projected

FILE = Path("labels.csv")


def test_values_are_read_exactly_or_refused_where_they_stand() -> None:
    assert number(FILE, "line 2", "x", " -1.5e3 ") == -1500.0
    for text in ("inf", "-Infinity", "1,5", ""):
        with pytest.raises(CorruptFile, match="line 2: x"):
            number(FILE, "line 2", "x", text)
    assert named(FILE, "line 2", " Corn, sweet ") == " Corn, sweet "
    with pytest.raises(CorruptFile, match="line 2 has no class"):
        named(FILE, "line 2", " \t")
    assert [color_or_none(text) for text in ("#A1b2C3", "", "javascript:x")] == ["#a1b2c3", None, None]


def test_one_place_that_cannot_be_projected_takes_no_other_with_it() -> None:
    """87° W on the equator is 500,000 m east, 0 m north in UTM zone 16; a latitude of 95° is nowhere."""
    x, y = projected("EPSG:4326", "EPSG:32616", [-87.0, 0.0, -87.0], [0.0, 95.0, 0.0])
    assert [round(v, 3) for v in (x[0], y[0], x[2], y[2])] == [500000.0, 0.0, 500000.0, 0.0]
    assert math.isnan(x[1])


def test_a_file_of_nothing_but_impossible_places_ends() -> None:
    n = 2 * MOST_RETRIES
    x, _ = projected("EPSG:4326", "EPSG:32616", [0.0] * n, [95.0] * n)
    assert all(map(math.isnan, x))
