"""The text of ENVI headers: lists over several lines, values with commas, and where a pixel lies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hsi_studio.errors import CorruptFile
from hsi_studio.scene.formats.envi_header import HEADER_LIMIT, Header, read_header
from hsi_studio.scene.rules.georeference import epsg_of, transform_of

UTM = ["UTM", "1", "1", "500000", "5000000", "2", "3", "33", "North", "WGS-84"]


def header(folder: Path, text: str) -> Header:
    file = folder / "scene.hdr"
    file.write_text(text, encoding="utf-8")
    return read_header(file)


def test_lists_go_over_lines_and_equals_signs_inside_belong_to_them(tmp_path: Path) -> None:
    found = header(
        tmp_path, "\ufeffENVI\ndescription = {\n a = b\n}\nBand  Names = {red (1, 2),\n; a note\n green,\n}\nbands = 2"
    )
    assert found.text("description") == "a = b"
    assert found.items("band names") == ["red (1, 2)", "green"]
    assert found.integer("bands") == 2
    assert found.items("wavelength") == []


def test_numbers_are_all_or_none(tmp_path: Path) -> None:
    found = header(tmp_path, "ENVI\nwavelength = {400.5, 5e2}\nfwhm = {10, wide}\nsamples = 1e999\nlines = 12.0\n")
    assert found.numbers("wavelength") is not None
    np.testing.assert_array_equal(found.numbers("wavelength"), [400.5, 500])  # type: ignore[arg-type]
    assert found.numbers("fwhm") is None
    assert found.numbers("bbl") is None
    assert found.integer("lines") == 12
    assert found.integer("header offset", 0) == 0
    with pytest.raises(CorruptFile, match="samples = 1e999"):
        found.integer("samples")


def test_a_file_too_long_for_a_header_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "scene.hdr"
    with file.open("wb") as stream:
        stream.write(b"ENVI\n")
        stream.truncate(HEADER_LIMIT + 1)
    with pytest.raises(CorruptFile, match="far too long"):
        read_header(file)


def test_the_reference_pixel_need_not_be_the_first() -> None:
    moved = ["UTM", "3", "5", "500000", "5000000", "2", "3"]
    assert transform_of(moved) == ((2, 0, 500000 - 2 * 2, 0, -3, 5000000 + 4 * 3), 0)
    assert transform_of([*moved[:5], "0", "3"])[0] is None  # a pixel without a width
    assert transform_of(["Arbitrary", "1", "1"]) == (None, 0)


@pytest.mark.parametrize(
    ("zone", "side", "datum", "code"),
    [
        ("33", "North", "WGS-84", 32633),  # EPSG registry: WGS 84 / UTM zone 33N
        ("33", "South", "WGS-84", 32733),
        ("11", "North", "North America 1983", 26911),
        ("11", "North", "NAD-27", 26711),
        ("32", "North", "ETRS-89", 25832),
        ("61", "North", "WGS-84", None),
        ("11", "South", "North America 1983", None),  # no such system
        ("33", "North", "Pulkovo 1942", None),
    ],
)
def test_the_codes_of_utm_are_those_of_the_registry(zone: str, side: str, datum: str, code: int | None) -> None:
    assert epsg_of([*UTM[:7], zone, side, datum]) == code
    assert epsg_of(["Geographic Lat/Lon", *UTM[1:7], "WGS-84"]) == 4326
    assert epsg_of([]) is None
