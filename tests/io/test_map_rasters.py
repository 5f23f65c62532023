"""Map files read byte by byte and by the formats' own rules; `test_export.py` opens them with other programs."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from rasterio.crs import CRS

from hsi_studio.io.map_rasters import export_map_envi, export_map_geotiff, xml_text
from hsi_studio.types import ClassInfo, ClassSchema, Prediction
from tests.project.small import UTM, small_scene


def a_map(classes: int) -> Prediction:
    schema = ClassSchema(tuple(ClassInfo(str(k), f"class {k}", f"#{k:06x}") for k in range(1, classes + 1)))
    label = (np.arange(12 * 16).reshape(12, 16) * 7 % (classes + 1)).astype(np.uint16)
    return Prediction(schema, label, np.ones(label.shape, np.float32), "live", {}, 7)


def fields(header: Path) -> dict[str, str]:
    first, *lines = header.read_text(encoding="utf-8").splitlines()
    assert first == "ENVI"
    return dict(line.split(" = ", 1) for line in lines)


@pytest.mark.parametrize(("classes", "code", "dtype"), [(255, "1", "<u1"), (256, "12", "<u2")])
def test_envi_pixels_are_the_codes_in_the_type_the_header_says(
    tmp_path: Path, classes: int, code: str, dtype: str
) -> None:
    """ENVI's data types: 1 = byte, 12 = unsigned 16 bits; byte order 0 = little-endian."""
    made = a_map(classes)
    header = fields(export_map_envi(made, small_scene(), tmp_path / "m.hdr"))
    assert (header["data type"], header["byte order"], header["classes"]) == (code, "0", str(classes + 1))
    assert np.array_equal(np.fromfile(tmp_path / "m.img", dtype).reshape(12, 16), made.label)
    lookup = header["class lookup"].strip("{}").split(", ")
    assert lookup[:6] == ["0", "0", "0", "0", "0", "1"]
    assert len(lookup) == 3 * (classes + 1)


@pytest.mark.parametrize(("epsg", "words"), [(32616, "UTM, 16, North"), (32733, "UTM, 33, South")])
def test_envi_names_the_utm_zone_and_the_half_of_the_earth(tmp_path: Path, epsg: int, words: str) -> None:
    scene = small_scene(transform=UTM, crs=CRS.from_epsg(epsg).to_wkt())
    info = fields(export_map_envi(a_map(2), scene, tmp_path / "m.hdr"))["map info"].strip("{}").split(", ")
    assert ", ".join([info[0], info[7], info[8]]) == words
    assert [float(value) for value in info[1:7]] == [1, 1, UTM[2], UTM[5], 2, 2]  # pixel 1, 1 is the upper left corner


def test_a_tag_of_the_caller_is_kept_and_cannot_change_what_made_the_map(tmp_path: Path) -> None:
    import rasterio

    path = export_map_geotiff(
        a_map(2), small_scene(transform=UTM), tmp_path / "m.tif", {"run": "r1", "scene_id": "another"}
    )
    with rasterio.open(path) as source:
        assert source.tags()["run"] == "r1"
        assert source.tags()["scene_id"] == "0123456789abcdef"


def test_only_what_xml_cannot_hold_is_taken_from_a_name() -> None:
    """XML 1.0, production [2] Char."""
    kept = "a\tb\nSüßgras 草地 \ud7ff\ue000\ufffd\U0001f33d</a>&"
    root = ElementTree.Element("a")
    root.text = xml_text(kept + "\x00\x08\x0b\x1f\ufffe\uffff")
    assert ElementTree.fromstring(ElementTree.tostring(root, encoding="unicode")).text == kept
