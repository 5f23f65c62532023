"""Regions of interest of ENVI, as text and as XML."""

from __future__ import annotations

from pathlib import Path

import pytest
from rasterio.crs import CRS

from hsi_studio.errors import CorruptFile, FileProblem
from tests.io.label_files.places import POINTS, box, cells, labels, point, read, scene
from tests.project.small import small_scene

NAMES = ["Wald", "Wasser", "Acker"]
XML = '<?xml version="1.0" encoding="UTF-8"?>\n<RegionsOfInterest version="1.1">{}</RegionsOfInterest>'


def roi_text(path: Path, columns: str, size: str = "16 x 12") -> Path:
    """A file as ENVI's export to ASCII writes it; `columns` of the header line."""
    lines = [
        "; ENVI Output of ROIs (5.6) [Mon Jan 01 00:00:00 2024]",
        "; Number of ROIs: 3",
        f"; File Dimension: {size}",
        ";",
    ]
    for k, name in enumerate(NAMES):
        count = sum(n == name for *_, n in POINTS)
        lines += [f"; ROI name: {name}", f"; ROI rgb value: {{0, {100 + k}, 0}}", f"; ROI npts: {count}", ";"]
    lines.append(f"; {columns}")
    for name in NAMES:
        for k, (r, c, _) in enumerate([p for p in POINTS if p[2] == name], start=1):
            at, deg = point(r, c), point(r, c, "EPSG:4326")
            cell = {"ID": k, "X": c + 1, "Y": r + 1, "Map X": at.x, "Map Y": at.y, "Lat": deg.y, "Lon": deg.x, "B1": 7}
            words = columns.replace("Map X", "MapX").replace("Map Y", "MapY").split()
            lines.append("  ".join(str(cell[w.replace("MapX", "Map X").replace("MapY", "Map Y")]) for w in words))
        lines.append("")
    path.write_text("\n".join(lines))
    return path


@pytest.mark.parametrize("columns", ["ID   X   Y", "ID  X  Y  Map X  Map Y  Lat  Lon  B1", "X Y B1"])
def test_pixels_count_from_one(tmp_path: Path, columns: str) -> None:
    path = roi_text(tmp_path / "r.txt", columns)
    assert labels(path) == labels(path, small_scene()) == sorted(POINTS)
    assert {label[3] for label in read(path).labels} == {"#006400", "#006500", "#006600"}
    assert "X and Y count from 1" in " ".join(read(path).sentences())


@pytest.mark.parametrize("columns", ["ID X Y Map X Map Y", "ID Map X Map Y", "ID X Y Lat Lon"])
def test_a_picture_of_another_size_goes_by_its_map_coordinates(tmp_path: Path, columns: str) -> None:
    path = roi_text(tmp_path / "r.txt", columns, size="400 x 300")
    assert labels(path) == sorted(POINTS)
    shifted = scene(transform=(2.0, 0.0, 600000.0, 0.0, -2.0, 4480000.0 - 2))
    assert labels(path, shifted) == sorted((r - 1, c, n) for r, c, n in POINTS)


def test_a_shifted_picture_of_the_same_size_goes_by_its_map_coordinates(tmp_path: Path) -> None:
    path = roi_text(tmp_path / "r.txt", "ID X Y Map X Map Y")
    shifted = scene(transform=(2.0, 0.0, 600000.0, 0.0, -2.0, 4480000.0 - 6))
    assert labels(path, shifted) == sorted((r - 3, c, n) for r, c, n in POINTS if r >= 3)
    assert "placed by Map X and Map Y" in " ".join(read(path, shifted).sentences())
    far = scene(transform=(2.0, 0.0, 900000.0, 0.0, -2.0, 4480000.0))  # in another system, for all that is known
    assert labels(path, far) == labels(path) == sorted(POINTS)


def test_what_is_no_label(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match="ENVI ROI file without coordinates"):
        read(roi_text(tmp_path / "r.txt", "B1"))
    path = roi_text(tmp_path / "s.txt", "ID X Y")
    path.write_text("\n".join(path.read_text().splitlines()[:-2]))
    with pytest.raises(CorruptFile, match="announces 4 points in 3 ROIs and it has 3"):
        read(path)


def region(name: str, body: str, wkt: str, color: str = "0,139,0") -> str:
    return (
        f'<Region name="{name}" color="{color}"><GeometryDef>'
        f"<CoordSysStr>{wkt.replace(chr(34), '&quot;')}</CoordSysStr>{body}</GeometryDef></Region>"
    )


def polygon(*pairs: tuple[float, float]) -> str:
    listed = " ".join(f"{x} {y}" for x, y in pairs)
    return f"<Polygon><Exterior><LinearRing><Coordinates>{listed}</Coordinates></LinearRing></Exterior></Polygon>"


def test_xml_with_areas_and_points_in_systems_of_their_own(tmp_path: Path) -> None:
    esri = CRS.from_epsg(32616).to_wkt(version="WKT1_ESRI")
    ring = list(box((2, 3), (2, 4)).exterior.coords)
    at = point(9, 9)
    body = region("Wald", polygon(*ring), esri) + region(
        "Gewässer", f"<Point><Coordinates>{at.x} {at.y}</Coordinates></Point>", esri
    )
    path = tmp_path / "r.xml"
    path.write_text(XML.format(body), encoding="utf-8")
    assert labels(path) == sorted([*cells(range(2, 4), range(2, 5), "Wald"), (9, 9, "Gewässer")])
    assert {label[3] for label in read(path).labels} == {"#008b00"}


def test_xml_in_pixels_begins_at_the_corner(tmp_path: Path) -> None:
    body = region("A", polygon((2, 1), (4, 1), (4, 2), (2, 2), (2, 1)), "none")
    body += region("B", "<Point><Coordinates>7.5 5.5</Coordinates></Point>", "none")
    body += '<Region name="C"><ThresholdDef><Threshold>1</Threshold></ThresholdDef></Region>'
    path = tmp_path / "r.xml"
    path.write_text(XML.format(body))
    for on in (small_scene(), scene()):
        assert labels(path, on) == [(1, 2, "A"), (1, 3, "A"), (5, 7, "B")]
    assert "1 region given by thresholds has no outline and is left out: C." in read(path).sentences()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("<Region", "not XML"),
        (region("A", "<Point><Coordinates>1 2 3</Coordinates></Point>", "none"), "odd number of coordinates"),
        (region("A", "<Point><Coordinates>1 x</Coordinates></Point>", "none"), "coordinate 'x' is not a number"),
        (region("A", polygon((1, 1), (2, 2)), "none"), "region 'A'"),
    ],
)
def test_xml_that_is_broken(tmp_path: Path, body: str, message: str) -> None:
    (tmp_path / "r.xml").write_text(XML.format(body))
    with pytest.raises(CorruptFile, match=message):
        read(tmp_path / "r.xml")
