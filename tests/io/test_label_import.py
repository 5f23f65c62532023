from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hsi_studio.errors import CorruptFile, FileProblem, UnknownFormat
from hsi_studio.io.export import export_labels
from hsi_studio.io.label_geojson import labels_to_geojson
from hsi_studio.io.label_import import import_labels, labels_from_file
from hsi_studio.io.palette import palette
from hsi_studio.project.store import Project
from hsi_studio.types import ClassInfo, ClassSchema, LabelSet, Scene
from tests.io.test_export import NASTY
from tests.project.small import UTM, small_scene, striped_reference, utm_wkt

EMPTY = ClassSchema()


def geo(**options: Any) -> Scene:
    return small_scene(transform=UTM, crs=utm_wkt(), **options)


def nasty_labels() -> LabelSet:
    names = [*NASTY, "'quoted'", "'=x", "-dash", "@at", "+plus"]
    schema = ClassSchema(tuple(ClassInfo.new(n, c) for n, c in zip(names, palette(len(names)), strict=True)))
    n = np.arange(len(names))
    return LabelSet(schema, n % 12, n % 16, n, 4)


@pytest.mark.parametrize("scene", [small_scene(), geo()], ids=["plain", "map"])
@pytest.mark.parametrize("which", [0, 1, 2], ids=["geojson", "csv", "geopackage"])
def test_what_goes_out_comes_back(tmp_path: Path, scene: Scene, which: int) -> None:
    labels = nasty_labels()
    path = export_labels(labels, scene, tmp_path)[which]
    points, notes = import_labels(path, scene, EMPTY)
    assert points == [
        (int(labels.row[n]), int(labels.col[n]), info.name, info.color)
        for n, info in enumerate(labels.schema.classes)
    ]  # fmt: skip
    assert all("outside" not in note for note in notes)


def test_geojson_is_wgs84_and_its_coordinates_alone_find_the_pixel(tmp_path: Path) -> None:
    path = export_labels(nasty_labels(), geo(), tmp_path)[0]
    document = json.loads(path.read_text(encoding="utf-8"))
    lon, lat = document["features"][0]["geometry"]["coordinates"]
    assert lon == pytest.approx(-85.82, abs=0.01)
    assert lat == pytest.approx(40.46, abs=0.01)
    assert document["features"][0]["properties"]["color"] == palette(1)[0]
    for feature in document["features"]:
        del feature["properties"]["row"], feature["properties"]["col"]
    path.write_text(json.dumps(document), encoding="utf-8")
    points, _ = import_labels(path, geo(), EMPTY)
    assert [point[:2] for point in points] == [(n % 12, n % 16) for n in range(13)]


def test_without_a_coordinate_system_a_point_is_column_and_row() -> None:
    """GeoJSON says x before y; so does a plain picture."""
    schema = ClassSchema((ClassInfo.new("Corn", "#112233"),))
    labels = LabelSet(schema, np.array([2]), np.array([7]), np.array([0]), 1)
    for scene in (None, small_scene()):
        found = labels_to_geojson(labels, scene)
        (feature,) = found["features"]
        assert feature["geometry"] == {"type": "Point", "coordinates": [7.0, 2.0]}
        assert (feature["properties"]["row"], feature["properties"]["col"]) == (2, 7)
        assert found["coordinates"].startswith("pixel column, row")


def test_formulas_are_escaped_in_csv(tmp_path: Path) -> None:
    path = export_labels(nasty_labels(), geo(), tmp_path)[1]
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["row", "col", "class", "x", "y", "color"]
    assert not any(row["class"].startswith(("=", "+", "-", "@")) for row in rows)
    assert (float(rows[1]["x"]), float(rows[1]["y"])) == (600003.0, 4479997.0)


@pytest.mark.parametrize(
    "text",
    [
        "row,col,class\n3,4,Corn\n",
        "\ufeffLine;Sample;Label\r\n3;4;Corn\r\n\r\n",
        "name\tcolumn\trow\nCorn\t4.0\t3\n",
        "x,y,class\n600009,4479993,Corn\n",
        "x,y,class\n600008.1,4479993.9,Corn\n",
    ],
)
def test_csv_of_other_programs(tmp_path: Path, text: str) -> None:
    (tmp_path / "l.csv").write_text(text, encoding="utf-8")
    assert import_labels(tmp_path / "l.csv", geo(), EMPTY)[0] == [(3, 4, "Corn", None)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("row,col\n1,2\n", "line 1 names no class column"),
        ("r,c,class\n1,2,A\n", "line 1 names no columns for the place"),
        ("row,col,class\n1,2,A\n1,x,B\n", "line 3: col 'x' is not a number"),
        ("row,col,class\n1,2.5,A\n", "line 2: column 2.5 is not a whole number"),
        ("row,col,class\n1,nan,A\n", "line 2: col 'nan' is not a number"),
        ("row,col,class\n1,2,  \n", "line 2 has no class"),
        ("row,col,class\n1,2\n", "line 2 has 2 values, the header 3"),
    ],
)
def test_csv_that_cannot_be_understood_names_the_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "l.csv").write_text(text)
    with pytest.raises(FileProblem, match=message) as caught:
        import_labels(tmp_path / "l.csv", geo(), EMPTY)
    assert str(caught.value).startswith("l.csv: ")


def test_other_files_that_cannot_be_understood(tmp_path: Path) -> None:
    (tmp_path / "a.geojson").write_text('{"features": [\n{]}')
    with pytest.raises(CorruptFile, match="line 2 is not JSON"):
        import_labels(tmp_path / "a.geojson", geo(), EMPTY)
    for text in ("[1]", '{"features": 3}', '{"features": [{"properties": [1]}]}', "[" * 100_000):
        (tmp_path / "a.geojson").write_text(text)
        with pytest.raises(CorruptFile):
            import_labels(tmp_path / "a.geojson", geo(), EMPTY)
    (tmp_path / "a.docx").write_bytes(b"PK\x03\x04")
    with pytest.raises(UnknownFormat, match=r"GeoJSON, GeoPackage, shapefile"):
        import_labels(tmp_path / "a.docx", geo(), EMPTY)
    (tmp_path / "x.csv").write_text("x,y,class\n1,2,A\n")
    with pytest.raises(FileProblem, match="no coordinate system"):
        import_labels(tmp_path / "x.csv", small_scene(), EMPTY)
    with pytest.raises(FileProblem, match=r"none\.csv: it cannot be read"):
        import_labels(tmp_path / "none.csv", geo(), EMPTY)


def test_what_is_left_out_is_told(tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_text("row,col,class\n1,2,corn\n150,2,A\n-1,0,A\n1,2,B\n5,5,2\n")
    schema = ClassSchema((ClassInfo.new("Corn", "#111111"), ClassInfo.new("Wood", "#222222", 2)))
    points, notes = import_labels(tmp_path / "l.csv", geo(), schema)
    assert points == [(1, 2, "B", None), (5, 5, "Wood", None)]
    text = " ".join(notes)
    assert "2 of 5 labels are left out, outside the scene (rows 0–11, columns 0–15)" in text
    assert "line 3 (row 150, column 2)" in text
    assert "1 pixel gets two classes; the last one counts: row 1, column 2 (Corn in line 2, B in line 5)" in text
    assert "class number" in text


def test_geojson_without_geometries_and_with_an_empty_one(tmp_path: Path) -> None:
    point = {"type": "Point", "coordinates": [600009, 4479993]}
    features = [
        {"type": "Feature", "properties": {"Name": "Corn"}, "geometry": point},
        {"type": "Feature", "properties": {"Name": "Corn"}, "geometry": {"type": "Polygon", "coordinates": []}},
        {"type": "Feature", "properties": {"Name": "Wood", "row": 0, "col": 1}, "geometry": None},
    ]  # fmt: skip
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32616"}}
    (tmp_path / "l.json").write_text(json.dumps({"type": "FeatureCollection", "crs": crs, "features": features}))
    points, notes = import_labels(tmp_path / "l.json", geo(), EMPTY)
    assert sorted(points) == [(0, 1, "Wood", None), (3, 4, "Corn", None)]
    assert any("1 of 3 features is left out, without a geometry: feature 2" in note for note in notes)


def test_labels_move_to_a_scene_of_another_size_by_their_coordinates(tmp_path: Path) -> None:
    wide = small_scene(20, 20, transform=UTM, crs=utm_wkt())
    labels = LabelSet(ClassSchema((ClassInfo.new("A", "#111111"),)), np.array([7]), np.array([9]), np.array([0]))
    path = export_labels(labels, wide, tmp_path)[0]
    shifted = small_scene(10, 12, transform=(2.0, 0.0, UTM[2] + 10, 0.0, -2.0, UTM[5] - 6), crs=utm_wkt())
    points, notes = import_labels(path, shifted, EMPTY)
    assert points == [(4, 4, "A", "#111111")]
    assert "another size" in notes[0]


def test_a_project_takes_what_was_imported(tmp_path: Path) -> None:
    scene = geo()
    project = Project.create(tmp_path / "p", scene, {})
    path = export_labels(nasty_labels(), scene, tmp_path)[0]
    project.import_labels(import_labels(path, scene, project.schema)[0])
    assert len(project.points) == 13
    assert project.schema.names[:2] == [NASTY[0], "two lines"]  # the store keeps names on one line
    assert project.schema.colors == palette(13)


def test_labels_from_a_file_without_a_project(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    scene = geo(reference=striped_reference(), reference_names={1: "A", 2: "B", 3: "C"}, invalid=[(2, 2)])
    (tmp_path / "l.csv").write_text("row,col,class,color\n1,1,new,\n1,2,c,#123456\n1,3,A,\n2,2,A,\n99,0,A,\n")
    labels = labels_from_file(tmp_path / "l.csv", scene)
    assert labels.schema.names == ["A", "C", "new"]
    assert [info.reference_value for info in labels.schema.classes] == [1, 3, None]
    assert labels.schema.colors[1] == "#123456"
    assert len(set(labels.schema.colors)) == 3
    assert labels.label.tolist() == [2, 1, 0]
    assert "outside the scene" in caplog.text
    assert "without data" in caplog.text
    (tmp_path / "l.csv").write_text("row,col,class\n99,0,A\n")
    with pytest.raises(FileProblem, match="no label in it"):
        labels_from_file(tmp_path / "l.csv", scene)
