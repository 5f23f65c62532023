"""GDAL reads label files in a room of their own, and what leaves it is what would have been read here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hsi_studio.errors import ChooseLabels, CorruptFile
from hsi_studio.io.label_files.bundle import grouped
from hsi_studio.io.label_files.records import LabelOptions
from hsi_studio.io.label_files.vectors import read_vectors as read_here
from hsi_studio.io.label_files.vectors_in_room import packed, read_vectors, unpacked

pyogrio = pytest.importorskip("pyogrio")
shapely = pytest.importorskip("shapely")


@pytest.fixture
def geopackage(tmp_path: Path) -> Path:
    shapes = np.array([shapely.to_wkb(g) for g in (shapely.Point(1, 2), shapely.box(0, 0, 3, 4))], dtype=object)
    file = tmp_path / "labels.gpkg"
    for layer, shape, kind in (("points", shapes[:1], "Point"), ("areas", shapes[1:], "Polygon")):
        pyogrio.raw.write(
            file, shape, [np.array(["Wald"], dtype=object)], ["class"], layer=layer, geometry_type=kind,
            crs="EPSG:32632", driver="GPKG", append=file.exists(),
        )  # fmt: skip
    return file


def test_the_way_out_changes_nothing(geopackage: Path) -> None:
    (read,) = read_here(geopackage, geopackage, "GeoPackage", LabelOptions(layer="areas"))
    again = unpacked(packed(read), geopackage)
    assert again.geometry[0].equals(read.geometry[0])
    again.geometry = read.geometry
    assert again == read
    read.geometry[0] = None
    assert unpacked(packed(read), geopackage).geometry == [None]


@pytest.mark.slow
def test_a_layer_comes_out_of_its_room(geopackage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = LabelOptions(layer="points")
    (here,) = read_vectors(geopackage, geopackage, "GeoPackage", options)
    monkeypatch.delenv("HSI_STUDIO_TRUST_LOCAL")
    (there,) = read_vectors(geopackage, geopackage, "GeoPackage", options)
    assert there == here
    with pytest.raises(ChooseLabels, match="it has 2 layers") as asked:
        read_vectors(geopackage, geopackage, "GeoPackage", LabelOptions())
    assert [name for name, _ in asked.value.options] == ["points", "areas"]
    points = geopackage.with_name("points.shp")
    pyogrio.raw.write(
        points, np.array([shapely.to_wkb(shapely.Point(1, 2))], dtype=object), [np.array(["Wald"], dtype=object)],
        ["class"], geometry_type="Point", crs="EPSG:32632", driver="ESRI Shapefile",
    )  # fmt: skip
    points.with_suffix(".shx").unlink()  # the room writes nothing, not even an index
    points.with_suffix(".prj").unlink()
    with grouped([points]) as found:
        (group,) = found
        (read,) = read_vectors(points, group.main, "shapefile", LabelOptions())
    assert [shape.wkt for shape in read.geometry] == ["POINT (1 2)"]
    assert not points.with_suffix(".shx").exists()
    geopackage.write_bytes(b"SQLite format 3\x00" + b"\x00" * 500)
    with pytest.raises(CorruptFile):
        read_vectors(geopackage, geopackage, "GeoPackage", options)
