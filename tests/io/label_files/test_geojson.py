"""GeoJSON as others write it: areas, lines, mixed and missing geometries, old members, points that were moved."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from hsi_studio.errors import ChooseLabels, CorruptFile
from hsi_studio.io.export import export_labels_geojson
from hsi_studio.io.label_files.records import MOST_LABELS
from hsi_studio.types import ClassInfo, ClassSchema, LabelSet
from tests.io.label_files.places import POINTS, box, cells, geojson, labels, moved, point, read, scene
from tests.project.small import UTM, small_scene, utm_wkt

WGS = "EPSG:4326"


def test_areas_give_the_pixels_in_them(tmp_path: Path) -> None:
    hole = shapely.difference(box((2, 6), (2, 6), WGS), box((4, 4), (4, 4), WGS))
    two = shapely.union(box((8, 8), (0, 1), WGS), box((10, 10), (14, 15), WGS))
    path = geojson(tmp_path / "a.geojson", [(hole, {"class": "Wald"}), (two, {"class": "Wasser"})])
    ring = [cell for cell in cells(range(2, 7), range(2, 7), "Wald") if cell[:2] != (4, 4)]
    assert labels(path) == sorted([*ring, (8, 0, "Wasser"), (8, 1, "Wasser"), (10, 14, "Wasser"), (10, 15, "Wasser")])
    report = read(path).reports[0]
    assert (report.features, report.labels, report.classes) == (2, 28, {"Wald": 24, "Wasser": 4})


def test_lines_points_and_heights_in_one_file(tmp_path: Path) -> None:
    line = moved(shapely.LineString([(0.5, 0.5), (3.5, 0.5)]), WGS)
    high = shapely.force_3d(box((2, 3), (2, 3), WGS), 120.0)
    many = moved(shapely.MultiPoint([(5.5, 5.5), (7.5, 5.5)]), WGS)
    path = geojson(tmp_path / "m.geojson", [(g, {"class": "A"}) for g in (line, high, many)])
    assert labels(path) == sorted(
        [*cells(range(1), range(4), "A"), *cells(range(2, 4), range(2, 4), "A"), (5, 5, "A"), (5, 7, "A")]
    )


def test_what_is_left_out_is_counted_with_its_reason(tmp_path: Path) -> None:
    features: list[tuple[Any, dict[str, Any]]] = [
        (point(1, 1, WGS), {"class": "A"}),
        (None, {"class": "A"}),
        (moved(shapely.box(3.1, 3.1, 3.4, 3.4), WGS), {"class": "A"}),
        (point(50, 1, WGS), {"class": "A"}),
        ({"type": "Point", "coordinates": [0, 95]}, {"class": "A"}),
        ({"type": "Point", "coordinates": ["x", 1]}, {"class": "A"}),
        ({"type": "Circle", "coordinates": [1, 1]}, {"class": "A"}),
        (box((10, 30), (10, 11), WGS), {"class": "A"}),
    ]
    found = read(geojson(tmp_path / "o.geojson", features))
    assert len(found.labels) == 1 + 4
    said = " ".join(found.sentences())
    assert "2 features have geometries that cannot be read: feature 6, feature 7." in said
    assert "3 of 8 features are left out, without a geometry: feature 2, feature 6, feature 7" in said
    assert "1 of 8 features is left out, too small: no pixel's centre lies inside: feature 3" in said
    assert "outside the scene (rows 0–11, columns 0–15): feature 4" in said
    assert "coordinates that have no place in the scene's system: feature 5" in said
    assert "1 feature reaches beyond the scene" in said


def test_a_point_that_was_moved_is_where_its_geometry_is(tmp_path: Path) -> None:
    """QGIS keeps row and col as attributes, drops our other members and does not change the attributes."""
    features = []
    for n, (row, col, name) in enumerate(POINTS):
        old = row - 4 if n == 2 else row
        features.append((point(row, col, WGS), {"row": old, "col": col, "class": name}))
    found = read(geojson(tmp_path / "q.geojson", features))
    assert sorted(label[:3] for label in found.labels) == sorted(POINTS)
    assert found.reports[0].moved == 1
    assert "1 label of 4 lies in another pixel than row and col" in " ".join(found.sentences())


def test_our_points_of_a_scene_without_a_place_after_a_gis(tmp_path: Path) -> None:
    """The GIS has put a system on them which they never had: columns and rows still agree with row and col."""
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}
    features = [(shapely.Point(c, r), {"row": r, "col": c, "class": n}) for r, c, n in POINTS[:3]]
    features.append((shapely.Point(8, 8), {"row": 10, "col": 3, "class": "Wald"}))
    path = geojson(tmp_path / "p.geojson", features, crs=crs)
    assert labels(path, small_scene()) == sorted([*POINTS[:3], (8, 8, "Wald")])
    assert read(path, small_scene()).reports[0].moved == 1


def test_two_classes_on_a_pixel_are_told(tmp_path: Path) -> None:
    areas = [(box((0, 3), (0, 3), WGS), {"class": "A"}), (box((3, 5), (3, 5), WGS), {"class": "B"})]
    found = read(geojson(tmp_path / "c.geojson", areas))
    assert found.conflicts == 1
    assert "1 pixel gets two classes; the last one counts: row 3, column 3 (A in feature 1, B in feature 2)." in (
        found.sentences()
    )
    assert (3, 3, "B", None) in found.labels
    again = read(geojson(tmp_path / "d.geojson", [areas[0], areas[0]]))
    assert again.conflicts == 0
    assert again.sentences() == ["16 pixels come more than once, with the same class."]


def test_a_limit_for_each_area(tmp_path: Path) -> None:
    path = geojson(
        tmp_path / "l.geojson", [(box((0, 9), (0, 9), WGS), {"class": "A"}), (point(11, 15, WGS), {"class": "B"})]
    )
    found = read(path, per_area=5)
    assert found.reports[0].classes == {"A": 5, "B": 1}
    assert "Of 1 area 5 pixels each are used, evenly drawn in row order." in found.sentences()


def test_more_pixels_than_labels_make_sense_are_asked_about(tmp_path: Path) -> None:
    on = small_scene(300, 300, 2, transform=UTM, crs=utm_wkt())
    path = geojson(tmp_path / "l.geojson", [(box((0, 299), (0, 299), WGS), {"class": "A"})])
    with pytest.raises(ChooseLabels, match=f"more than {MOST_LABELS} pixels") as caught:
        read(path, on)
    assert caught.value.field == "per_area"
    assert len(labels(path, on, per_area=100)) == 100


@pytest.mark.parametrize("shape", ["lines", "records", "feature"])
def test_other_shapes_of_the_same_thing(tmp_path: Path, shape: str) -> None:
    """A feature a line (RFC 8142, with and without its record separator), and a single feature."""
    document = json.loads(
        geojson(tmp_path / "a.geojson", [(point(r, c, WGS), {"class": n}) for r, c, n in POINTS]).read_text()
    )
    features = document["features"]
    path = tmp_path / "b.geojson"
    if shape == "feature":
        path.write_text(json.dumps(features[0]))
        assert labels(path) == [POINTS[0]]
    else:
        path.write_text("".join(("\x1e" if shape == "records" else "") + json.dumps(f) + "\n" for f in features))
        assert labels(path) == sorted(POINTS)


def test_a_linked_coordinate_system_is_not_followed(tmp_path: Path) -> None:
    crs = {"type": "link", "properties": {"href": "http://example.com/crs", "type": "ogcwkt"}}
    path = geojson(tmp_path / "l.geojson", [(point(1, 2, WGS), {"class": "A"})], crs=crs)
    assert labels(path) == [(1, 2, "A")]
    assert "given by a link, which is not followed" in " ".join(read(path).sentences())


@pytest.mark.parametrize(
    "text",
    ['{"type": "Topology", "objects": {}}', "3", '"x"', "null", '{"features": [1]}', '{"features": [{"geometry": 3}]}'],
)
def test_what_is_no_geojson(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.geojson").write_text(text)
    with pytest.raises(CorruptFile):
        read(tmp_path / "x.geojson")


def test_no_feature_is_no_label_and_is_told(tmp_path: Path) -> None:
    found = read(geojson(tmp_path / "e.geojson", []))
    assert found.labels == []
    assert found.sentences() == ["There is no feature in it."]


def test_ours_goes_to_another_scene_by_place(tmp_path: Path) -> None:
    """Same size, half an image to the south: rows and columns of the file are other pixels there."""
    schema = ClassSchema((ClassInfo.new("A", "#112233"),))
    made = LabelSet(schema, np.array([7]), np.array([9]), np.array([0]))
    path = export_labels_geojson(made, scene(), tmp_path / "l.geojson")
    a, b, c, d, e, f = UTM
    assert labels(path, scene(transform=(a, b, c, d, e, f + 6 * e))) == [(1, 9, "A")]


def test_without_a_system_labels_of_a_shifted_copy_keep_their_place(tmp_path: Path) -> None:
    """Both have map coordinates of no known system; the copy is of the same size, so that only they tell."""
    a, b, c, d, e, f = UTM
    made = scene(crs=None)
    row, col = np.array([3, 7]), np.array([4, 9])
    given = LabelSet(ClassSchema((ClassInfo("a", "Wald", "#112233"),)), row, col, np.zeros(2, dtype=np.int64))
    path = export_labels_geojson(given, made, tmp_path / "l.geojson")
    shifted = scene(crs=None, transform=(a, b, c + 2 * a, d, e, f + 3 * e))
    assert labels(path, on=made) == [(3, 4, "Wald"), (7, 9, "Wald")]
    assert labels(path, on=shifted) == [(0, 2, "Wald"), (4, 7, "Wald")]
    assert labels(path, on=small_scene()) == [(3, 4, "Wald"), (7, 9, "Wald")]


def test_rows_and_columns_of_a_place_that_cannot_be_compared_are_said_to_be_such(tmp_path: Path) -> None:
    """A building site's grid, and a scene in UTM of the same size: nothing tells that they are one picture."""
    given = LabelSet(ClassSchema((ClassInfo("a", "Wald", "#112233"),)), *np.array([[3], [4], [0]]))
    site = small_scene(transform=UTM, crs='LOCAL_CS["site grid",UNIT["metre",1]]')
    path = export_labels_geojson(given, site, tmp_path / "l.geojson")
    assert labels(path, on=site) == labels(path, on=small_scene(transform=UTM, crs=utm_wkt())) == [(3, 4, "Wald")]
    assert not [s for s in read(path, site).sentences() if "cannot be compared" in s]
    said = read(path, small_scene(transform=UTM, crs=utm_wkt())).sentences()
    assert any("whose place cannot be compared" in sentence for sentence in said)
