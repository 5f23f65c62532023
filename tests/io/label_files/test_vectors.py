"""Shapefile, GeoPackage and KML, written by GDAL through pyogrio, or byte by byte where GDAL is too tidy."""

from __future__ import annotations

import sqlite3
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely

from hsi_studio.errors import ChooseLabels, CorruptFile, FileProblem, UnknownFormat
from hsi_studio.io.label_files.bundle import _index_of
from hsi_studio.io.label_geopackage import NO_PLACE, export_labels_geopackage
from hsi_studio.project.store import Project
from hsi_studio.types import ClassInfo, ClassSchema, LabelSet
from tests.io.label_files.places import POINTS, SCENE_CRS, box, cells, labels, point, read, scene
from tests.project.small import small_scene

WALD = "Gewässer Süd"


def vector(path: Path, shapes: list[Any], columns: dict[str, list[Any]], crs: str = SCENE_CRS, **options: Any) -> Path:
    """Write with GDAL."""
    values = [np.array(v, dtype=object if isinstance(v[0], str) or v[0] is None else None) for v in columns.values()]
    kinds = {shape.geom_type for shape in shapes if shape is not None}
    pyogrio.raw.write(
        path, np.array([None if s is None else shapely.to_wkb(s) for s in shapes], dtype=object), values, list(columns),
        crs=crs, geometry_type=kinds.pop() if len(kinds) == 1 else "Unknown", **options,
    )  # fmt: skip
    return path


def points(path: Path, crs: str = SCENE_CRS, **options: Any) -> Path:
    return vector(path, [point(r, c, crs) for r, c, _ in POINTS], {"class": [n for *_, n in POINTS]}, crs, **options)


# ── shapefile ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("crs", [SCENE_CRS, "EPSG:4326", "EPSG:5070", "EPSG:32617"])
def test_a_shapefile_in_any_system(tmp_path: Path, crs: str) -> None:
    assert labels(points(tmp_path / "p.shp", crs)) == sorted(POINTS)


def test_the_parts_of_a_shapefile_in_any_order_and_from_folders_of_their_own(tmp_path: Path) -> None:
    """An upload lays every file in a folder of its own; names may be in capitals."""
    (tmp_path / "a").mkdir()
    points(tmp_path / "a" / "p.shp")
    parts = []
    for k, part in enumerate(sorted((tmp_path / "a").iterdir())):
        (tmp_path / f"up{k}").mkdir()
        parts.append(part.rename(tmp_path / f"up{k}" / part.name.upper()))
    for order in (parts, parts[::-1]):
        assert labels(order) == sorted(POINTS)
        assert len(read(order).reports) == 1
    with pytest.raises(FileProblem, match=r"its \.dbf is missing, which holds the classes"):
        read([p for p in parts if p.suffix != ".DBF"])
    with pytest.raises(FileProblem, match=r"its \.shp is missing"):
        read([p for p in parts if p.suffix != ".SHP"])


@pytest.mark.parametrize("ending", [".shp", ".gpkg"])
def test_styles_and_metadata_beside_labels_are_no_labels(tmp_path: Path, ending: str) -> None:
    """Whoever chooses all files of one name chooses those too; one alone is refused by name."""
    points(tmp_path / f"areas{ending}")
    for name, text in (("areas.qml", "<qgis/>"), ("areas.xml", "<metadata/>"), ("areas.lyrx", "{}")):
        (tmp_path / name).write_text(text)
    assert labels(sorted(tmp_path.iterdir())) == sorted(POINTS)
    with pytest.raises(UnknownFormat, match=r"not read from \.qml"):
        read(tmp_path / "areas.qml")


@pytest.mark.parametrize("lost", [".shx", ".prj", ".cpg"])
def test_a_shapefile_that_lost_a_part(tmp_path: Path, lost: str) -> None:
    path = points(tmp_path / "p.shp")
    path.with_suffix(lost).unlink()
    assert labels(path) == sorted(POINTS)
    said = " ".join(read(path).sentences())
    assert ("names no coordinate system (CRS)" in said) == (lost == ".prj")
    assert not path.with_suffix(lost).exists()  # the user's folder stays as it is


@pytest.mark.parametrize(
    "shapes", [[shapely.Point(1, 2), shapely.Point(3, 4)], [shapely.box(0, 0, 3, 4)], [shapely.Point(1, 2), None]]
)
def test_the_index_made_for_a_shapefile_is_the_one_it_lost(tmp_path: Path, shapes: list[Any]) -> None:
    path = tmp_path / "p.shp"
    vector(path, shapes, {"class": ["Wald"] * len(shapes)})
    assert _index_of(path.read_bytes()) == path.with_suffix(".shx").read_bytes()
    cut = path.read_bytes()[:-3]
    assert len(_index_of(cut)) == 100 + 8 * (len(shapes) - 1)  # a record that is cut off is not in it


def test_an_empty_index_is_made_anew(tmp_path: Path) -> None:
    path = points(tmp_path / "p.shp")
    path.with_suffix(".shx").write_bytes(b"")
    assert labels(path) == sorted(POINTS)


def test_a_prj_in_latin_1(tmp_path: Path) -> None:
    path = points(tmp_path / "p.shp", "EPSG:32617")
    prj = path.with_suffix(".prj")
    prj.write_bytes(prj.read_bytes().replace(b'PROJCS["', b'PROJCS["Stra\xdfe_'))
    assert labels(path) == sorted(POINTS)


def test_without_a_prj_degrees_are_seen_and_told(tmp_path: Path) -> None:
    path = points(tmp_path / "p.shp", "EPSG:4326")
    path.with_suffix(".prj").unlink()
    assert labels(path) == sorted(POINTS)
    assert "read as longitude and latitude" in " ".join(read(path).sentences())


def test_a_zip_with_two_shapefiles_in_folders(tmp_path: Path) -> None:
    points(tmp_path / "p.shp")
    vector(tmp_path / "areas.shp", [box((2, 3), (2, 3))], {"Klasse": ["Feld"]})
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for file in sorted(tmp_path.glob("p.*")):
            archive.write(file, f"data/points/{file.name}")
        for file in sorted(tmp_path.glob("areas.*")):
            archive.write(file, f"data/{file.name}")
        archive.writestr("__MACOSX/data/._p.shp", b"\x00")
    found = read(tmp_path / "all.zip")
    assert sorted(label[:3] for label in found.labels) == sorted([*POINTS, *cells(range(2, 4), range(2, 4), "Feld")])
    assert [report.file for report in found.reports] == ["all.zip", "all.zip"]


def recoded(path: Path, name: bytes, page: bytes | None) -> Path:
    """The .dbf with a name's bytes as they are, and a .cpg or none."""
    dbf = path.with_suffix(".dbf")
    data = bytearray(dbf.read_bytes())
    data[29] = 0
    at = data.index(b"PLACEHOLDER_")
    data[at : at + 20] = name.ljust(20)
    dbf.write_bytes(data)
    path.with_suffix(".cpg").unlink(missing_ok=True)
    if page is not None:
        path.with_suffix(".cpg").write_bytes(page)
    return path


@pytest.mark.parametrize(
    ("encoding", "page", "told"),
    [
        ("utf-8", b"UTF-8", False), ("utf-8", None, False), ("cp1252", b"CP1252", False),
        ("cp1252", b"ISO-8859-1", False),
        ("cp1252", None, True), ("cp1252", b"UTF-8", True), ("utf-8", b"ISO-8859-1", True), ("cp850", b"CP850", False),
        ("cp850", None, True), ("cp850", b"UTF-8", True), ("cp1252", b"CP932", True),
    ],
)  # fmt: skip
def test_names_in_any_encoding(tmp_path: Path, encoding: str, page: bytes | None, told: bool) -> None:
    path = vector(tmp_path / "p.shp", [point(1, 2)], {"class": ["PLACEHOLDER_________"]})
    found = read(recoded(path, WALD.encode(encoding), page))
    assert [label[:3] for label in found.labels] == [(1, 2, WALD)]
    assert any("Class names are read as" in text for text in found.sentences()) == told


# ── GeoPackage ──────────────────────────────────────────────────────────────────────────────────


def test_layers_of_a_geopackage(tmp_path: Path) -> None:
    path = points(tmp_path / "l.gpkg", layer="points")
    assert labels(path) == sorted(POINTS)
    vector(path, [box((2, 3), (2, 3))], {"Klasse": ["Feld"], "fl": [2.5]}, layer="areas", append=True)
    with pytest.raises(ChooseLabels, match="it has 2 layers") as caught:
        read(path)
    assert caught.value.field == "layer"
    assert caught.value.options[1] == ("areas", "Polygon, 1 feature: Klasse, fl")
    assert labels(path, layer="points") == sorted(POINTS)
    assert labels(path, layer="areas") == cells(range(2, 4), range(2, 4), "Feld")
    with pytest.raises(ChooseLabels, match="no layer 'x'"):
        read(path, layer="x")


def test_mixed_and_missing_geometries(tmp_path: Path) -> None:
    shapes = [box((2, 3), (2, 3)), None, shapely.MultiPoint([point(7, 7), point(7, 9)])]
    found = read(vector(tmp_path / "l.gpkg", shapes, {"class": ["A", "B", "C"]}))
    assert sorted(label[:3] for label in found.labels) == [
        *cells(range(2, 4), range(2, 4), "A"),
        (7, 7, "C"),
        (7, 9, "C"),
    ]
    assert "1 of 3 features is left out, without a geometry: feature 2." in found.sentences()


def test_numbers_as_classes(tmp_path: Path) -> None:
    on = scene(reference=np.ones((12, 16), np.int32), reference_names={1: "Wald", 2: "Wasser"})
    path = vector(tmp_path / "l.gpkg", [point(1, 2), point(3, 4)], {"class_id": [2, 7]})
    assert labels(path, on) == [(1, 2, "Wasser"), (3, 4, "7")]


def test_ours_comes_back_and_others_read_it(tmp_path: Path) -> None:
    schema = ClassSchema((ClassInfo.new(WALD, "#112233"), ClassInfo.new("=1+1", "#445566")))
    made = LabelSet(schema, np.array([1, 5, 11]), np.array([2, 6, 15]), np.array([0, 1, 0]))
    for on in (scene(), small_scene()):
        path = export_labels_geopackage(made, on, tmp_path / "l.gpkg")
        assert sorted(read(path, on).labels) == [
            (1, 2, WALD, "#112233"), (5, 6, "=1+1", "#445566"), (11, 15, WALD, "#112233"),
        ]  # fmt: skip
        meta, _, shapes, values = pyogrio.raw.read(path)  # GDAL as the witness
        assert meta["fields"].tolist() == ["row", "col", "class", "color", "class_id"]
        assert [v.tolist() for v in values[:2]] == [[1, 5, 11], [2, 6, 15]]
        first = shapely.from_wkb(shapes)[0]
        assert (first.x, first.y) == (on.map_xy(1, 2) or (2.5, -1.5))  # where a GIS draws the picture
        if on.crs:
            assert meta["crs"] == "EPSG:32616"
    empty = LabelSet(schema, *(np.zeros(0, np.int64) for _ in range(3)))
    assert read(export_labels_geopackage(empty, scene(), tmp_path / "e.gpkg")).labels == []


def test_ours_of_earlier_versions_of_a_scene_without_a_place(tmp_path: Path) -> None:
    """They had the points at (column, row)."""
    schema = ClassSchema((ClassInfo.new("a", "#112233"),))
    made = LabelSet(schema, np.array([1, 5, 11]), np.array([2, 6, 15]), np.array([0, 0, 0]))
    path = export_labels_geopackage(made, small_scene(), tmp_path / "l.gpkg")
    _, _, _, values = pyogrio.raw.read(path)
    old = shapely.to_wkb(shapely.points(np.column_stack([made.col, made.row]).astype(float)))
    names = ["row", "col", "class", "color", "class_id"]
    pyogrio.raw.write(tmp_path / "old.gpkg", old, values, names, layer="labels", geometry_type="Point", crs=NO_PLACE)
    assert sorted(row[:2] for row in read(tmp_path / "old.gpkg", small_scene()).labels) == [(1, 2), (5, 6), (11, 15)]


def test_ours_of_a_scene_without_a_place_by_way_of_a_table(tmp_path: Path) -> None:
    """As `ogr2ogr -lco GEOMETRY=AS_XY` writes it: X and Y look like map coordinates, row and col say what they are."""
    schema = ClassSchema((ClassInfo.new("a", "#112233"),))
    made = LabelSet(schema, np.array([0, 5, 11]), np.array([0, 6, 15]), np.array([0, 0, 0]))
    path = export_labels_geopackage(made, small_scene(), tmp_path / "l.gpkg")
    places = shapely.get_coordinates(shapely.from_wkb(pyogrio.raw.read(path)[2])).tolist()
    cells = zip(places, made.row.tolist(), made.col.tolist(), strict=True)
    lines = [f"{x},{y},{row},{col},a" for (x, y), row, col in cells]
    (tmp_path / "t.csv").write_text("\n".join(["X,Y,row,col,class", *lines]), encoding="utf-8")
    assert sorted(row[:2] for row in read(tmp_path / "t.csv", small_scene()).labels) == [(0, 0), (5, 6), (11, 15)]


def test_an_import_is_one_action(tmp_path: Path) -> None:
    on = scene()
    project = Project.create(tmp_path / "p", on, {})
    project.import_labels(read([points(tmp_path / "p.shp"), points(tmp_path / "q.gpkg")]).labels)
    assert len(project.points) == 4
    project.undo()
    assert len(project.points) == 0


# ── KML ─────────────────────────────────────────────────────────────────────────────────────────


def kml(path: Path, *folders: tuple[str, list[tuple[str, Any]]], data: bool = False) -> Path:
    """Folders of (name, geometry in WGS 84)."""

    def place(shape: Any) -> str:
        listed = " ".join(f"{x},{y},0" for x, y, *_ in shapely.get_coordinates(shape).tolist())
        if shape.geom_type == "Point":
            return f"<Point><coordinates>{listed}</coordinates></Point>"
        ring = f"<outerBoundaryIs><LinearRing><coordinates>{listed}</coordinates></LinearRing></outerBoundaryIs>"
        return f"<Polygon>{ring}</Polygon>"

    extra = '<ExtendedData><Data name="Klasse"><value>{}</value></Data></ExtendedData>'
    body = "".join(
        f"<Folder><name>{folder}</name>"
        + "".join(
            f"<Placemark><name>{'' if data else name}</name>{extra.format(name) if data else ''}"
            f"{place(shape)}</Placemark>"
            for name, shape in marks
        )
        + "</Folder>"
        for folder, marks in folders
    )
    start = '<?xml version="1.0" encoding="UTF-8"?><kml xmlns="http://www.opengis.net/kml/2.2">'
    path.write_text(f"{start}<Document>{body}</Document></kml>", encoding="utf-8")
    return path


def marks(*names: str) -> list[tuple[str, Any]]:
    return [(name, point(r, c, "EPSG:4326")) for name, (r, c, _) in zip(names, POINTS, strict=False)]


def test_names_are_classes_in_one_folder(tmp_path: Path) -> None:
    path = kml(tmp_path / "k.kml", ("Meine Orte", marks("Wald", "Wasser", "Acker", "Wald")))
    assert labels(path) == sorted(POINTS)


def test_folders_are_classes_where_names_are_those_of_places(tmp_path: Path) -> None:
    one, two = marks("Plot 1", "Plot 2"), [("Plot 3", box((7, 8), (0, 1), "EPSG:4326"))]
    path = kml(tmp_path / "k.kml", ("Wald", one), ("Wasser", two))
    assert labels(path) == sorted([(1, 2, "Wald"), (5, 6, "Wald"), *cells(range(7, 9), range(2), "Wasser")])
    assert "The folders are the classes" in " ".join(read(path).sentences())
    assert {name for *_, name in labels(path, layer="Wasser", attribute="Name")} == {"Plot 3"}


def test_data_of_the_users_own_comes_first(tmp_path: Path) -> None:
    path = kml(
        tmp_path / "k.kml", ("A", marks("Wald", "Wasser")), ("B", marks("Wald", "Wasser", "Acker")[2:]), data=True
    )
    assert {name for *_, name in labels(path)} == {"Wald", "Wasser", "Acker"}


def test_folders_and_names_that_both_repeat_are_asked_about(tmp_path: Path) -> None:
    path = kml(tmp_path / "k.kml", ("Nord", marks("Wald", "Wasser", "Wald", "Wasser")), ("Süd", [
        ("Wald", point(3, 3, "EPSG:4326")), ("Wasser", point(3, 4, "EPSG:4326"))]))  # fmt: skip
    with pytest.raises(ChooseLabels, match="the class may be either") as caught:
        read(path)
    assert [name for name, _ in caught.value.options] == ["folder", "Name"]
    assert {name for *_, name in labels(path, attribute="folder")} == {"Nord", "Süd"}
    assert {name for *_, name in labels(path, attribute="Name")} == {"Wald", "Wasser"}


def test_a_kmz(tmp_path: Path) -> None:
    path = kml(tmp_path / "doc.kml", ("O", marks("Wald", "Wasser", "Acker", "Wald")))
    with zipfile.ZipFile(tmp_path / "k.kmz", "w") as archive:
        archive.write(path, "doc.kml")
    assert labels(tmp_path / "k.kmz") == sorted(POINTS)


# ── what must not be opened ─────────────────────────────────────────────────────────────────────


VRT = (
    b'<OGRVRTDataSource><OGRVRTLayer name="l"><SrcDataSource>/vsicurl/http://127.0.0.1:9/x.shp</SrcDataSource>'
    b"</OGRVRTLayer></OGRVRTDataSource>"
)


@pytest.mark.parametrize("ending", [".gpkg", ".shp", ".kml"])
def test_a_file_that_is_called_otherwise_than_it_is(tmp_path: Path, ending: str) -> None:
    """GDAL would open the VRT by its content, and follow its address."""
    path = tmp_path / f"l{ending}"
    path.write_bytes(VRT)
    path.with_suffix(".dbf").write_bytes(b"\x03")
    with pytest.raises(CorruptFile, match="but its content is not"):
        read(path)


def test_entities_views_and_archives(tmp_path: Path) -> None:
    bomb = tmp_path / "b.kml"
    bomb.write_text('<!DOCTYPE k [<!ENTITY a "aaaa">]><kml>&a;</kml>')
    with pytest.raises(FileProblem, match="XML entities"):
        read(bomb)
    path = points(tmp_path / "l.gpkg", layer="labels")
    with sqlite3.connect(path) as database:
        database.execute("ALTER TABLE labels RENAME TO hidden")
        database.execute(
            "CREATE VIEW labels AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n) SELECT * FROM n, hidden"
        )
    with pytest.raises(FileProblem, match="is a view of others"):
        read(path)
    with zipfile.ZipFile(tmp_path / "z.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../up.csv", "row,col,class\n1,2,A\n")
    assert labels(tmp_path / "z.zip") == [(1, 2, "A")]  # unpacked by its name alone
    assert not (tmp_path.parent / "up.csv").exists()
    with zipfile.ZipFile(tmp_path / "y.zip", "w") as archive:
        archive.write(tmp_path / "z.zip", "z.zip")
    with pytest.raises(FileProblem, match="another archive"):
        read(tmp_path / "y.zip")


def test_an_archive_that_grows_a_thousandfold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hsi_studio.io.label_files.bundle.LARGEST", 1 << 20)
    with zipfile.ZipFile(tmp_path / "z.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("l.csv", b"0" * (2 << 20))
    with pytest.raises(FileProblem, match=r"unpacked it has more than 1\.0 MiB"):
        read(tmp_path / "z.zip")


def test_binary_rois_and_other_files_say_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "a.roi").write_bytes(b"ENVI ROI\x00\x01")
    with pytest.raises(UnknownFormat, match="Export the ROIs in ENVI as XML"):
        read(tmp_path / "a.roi")
    (tmp_path / "a.xml").write_text("<metadata/>")
    with pytest.raises(UnknownFormat, match="no ENVI regions of interest"):
        read(tmp_path / "a.xml")


def test_a_driver_that_is_missing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = points(tmp_path / "l.gpkg")
    monkeypatch.setattr(pyogrio, "list_drivers", lambda: {"GeoJSON": "rw"})
    with pytest.raises(FileProblem, match=r"cannot read GeoPackage files\. Save the labels as GeoJSON"):
        read(path)
