"""Spreadsheets of Europe: delimiters, decimal signs, encodings, words for the columns."""

from __future__ import annotations

from pathlib import Path

import pytest

from hsi_studio.errors import ChooseLabels, CorruptFile, FileProblem
from hsi_studio.io.coordinates import number
from tests.io.label_files.places import POINTS, labels, point, read, scene
from tests.project.small import small_scene


def xy(row: int, col: int, crs: str = "EPSG:32616") -> tuple[float, float]:
    found = point(row, col, crs)
    return found.x, found.y


def table(
    path: Path, header: str, line: str, encoding: str = "utf-8", comma: bool = False, crs: str = "EPSG:32616"
) -> Path:
    """One line a point of POINTS; {x} {y} {row} {col} {name} in `line`."""
    lines = [header]
    for row, col, name in POINTS:
        x, y = (f"{v:.7f}".replace(".", ",") if comma else f"{v:.7f}" for v in xy(row, col, crs))
        lines.append(line.format(x=x, y=y, row=row, col=col, name=name))
    path.write_bytes(("\r\n".join(lines) + "\r\n").encode(encoding))
    return path


@pytest.mark.parametrize(
    ("header", "line", "comma"),
    [
        ("x;y;class", "{x};{y};{name}", True),
        ("Rechtswert;Hochwert;Klasse", "{x};{y};{name}", True),
        ("Klasse;Easting;Northing", "{name};{x};{y}", True),
        ("X\tY\tClase", "{x}\t{y}\t{name}", True),
        ('"x","y","classe"', '"{x}","{y}","{name}"', True),
        ("X [m];Y [m];Klasse", "{x};{y};{name}", False),
        ("Est|Nord|Categoria", "{x}|{y}|{name}", True),
        ("sep=;\r\nx;y;class", "{x};{y};{name}", True),
        ("# made by hand\r\nx;y;class", "{x};{y};{name}", False),
        ("id;POINT_X;POINT_Y;remark;Klasse", "{row};{x};{y};;{name}", True),
        ("WKT,class", "POINT ({x} {y}),{name}", False),
        ("class;WKT", "{name};SRID=32616;POINT ({x} {y})", False),
    ],
)
def test_map_coordinates(tmp_path: Path, header: str, line: str, comma: bool) -> None:
    if "SRID" in line:
        line = '{name};"SRID=32616;POINT ({x} {y})"'
    assert labels(table(tmp_path / "l.csv", header, line, comma=comma)) == sorted(POINTS)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "l.csv"
    path.write_bytes("row;col;Klasse\r\n1;2;Gewässer\r\n3;4;Straße\r\n".encode(encoding))
    assert labels(path) == [(1, 2, "Gewässer"), (3, 4, "Straße")]
    said = read(path).sentences()
    assert said == (
        ["Line 2 is not UTF-8: the file is read as Windows-1252 (“Gewässer”)."] if encoding == "cp1252" else []
    )


@pytest.mark.parametrize("header", ["lon;lat;Klasse", "Longitude;Latitude;class", "Längengrad;Breitengrad;Klasse"])
def test_longitude_and_latitude(tmp_path: Path, header: str) -> None:
    assert labels(table(tmp_path / "l.csv", header, "{x};{y};{name}", comma=True, crs="EPSG:4326")) == sorted(POINTS)


def test_longitude_and_latitude_under_the_wrong_heads_or_called_x_and_y(tmp_path: Path) -> None:
    wrong = table(tmp_path / "a.csv", "lat,lon,class", "{x},{y},{name}", crs="EPSG:4326")
    assert labels(wrong) == sorted(POINTS)
    assert "latitude and longitude" in " ".join(read(wrong).sentences())
    plain = table(tmp_path / "b.csv", "x,y,class", "{x},{y},{name}", crs="EPSG:4326")
    assert labels(plain) == sorted(POINTS)
    assert "read as longitude and latitude" in " ".join(read(plain).sentences())


def test_grouped_thousands(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x;y;class\n600.009,5;4.479.993,0;A\n600 009,5;4 479 993;A\n", encoding="utf-8")
    assert labels(tmp_path / "a.csv") == [(3, 4, "A")]
    (tmp_path / "b.csv").write_text('x,y,class\n"600,009.5","4,479,993.0",A\n')
    assert labels(tmp_path / "b.csv") == [(3, 4, "A")]
    (tmp_path / "c.csv").write_text('x,y,class\n"600,009","4,479,993",A\n')
    with pytest.raises(CorruptFile, match=r"line 2: x “600,009” may be 600\.009 or 600009"):
        read(tmp_path / "c.csv")


def test_a_system_of_its_own_has_to_be_said(tmp_path: Path) -> None:
    path = table(tmp_path / "l.csv", "x,y,class", "{x},{y},{name}", crs="EPSG:32619")
    assert labels(path) == []
    assert labels(path, crs="EPSG:32619") == sorted(POINTS)


def test_the_next_utm_zone_is_found_and_told(tmp_path: Path) -> None:
    path = table(tmp_path / "l.csv", "x,y,class", "{x},{y},{name}", crs="EPSG:32617")
    assert labels(path) == sorted(POINTS)
    assert "are read as EPSG:32617" in " ".join(read(path).sentences())


def test_columns_and_rows_under_the_names_of_map_coordinates(tmp_path: Path) -> None:
    """x and y within the picture, which is nowhere near the map's numbers: pixels where they are whole, else told."""
    path = tmp_path / "l.csv"
    path.write_text("x,y,class\n" + "".join(f"{col},{row},{name}\n" for row, col, name in POINTS))
    assert labels(path) == sorted(POINTS)
    assert "are read as columns and rows, counted from 0" in " ".join(read(path).sentences())
    path.write_text("x,y,class\n" + "".join(f"{col}.5,{row}.5,{name}\n" for row, col, name in POINTS))
    assert labels(path) == []
    assert "name them col and row" in " ".join(read(path).sentences())


def test_names_beside_numbers_of_classes(tmp_path: Path) -> None:
    path = tmp_path / "l.csv"
    path.write_text("row,col,class,class_name\n1,2,7,Forest\n3,4,9,Water\n5,6,7,Forest\n")
    assert labels(path) == [(1, 2, "Forest"), (3, 4, "Water"), (5, 6, "Forest")]
    path.write_text("row,col,class,label\n1,2,7,a\n3,4,9,a\n5,6,7,b\n")  # no names of these numbers
    assert labels(path) == [(1, 2, "7"), (3, 4, "9"), (5, 6, "7")]


def test_rows_and_columns_from_one(tmp_path: Path) -> None:
    """A row 12 of 12, and no 0: asked. With zeros, or without the last row, they count from 0 as the head says."""
    path = tmp_path / "l.csv"
    path.write_text("row,col,class\n12,2,A\n1,16,B\n")
    with pytest.raises(
        ChooseLabels, match="rows go up to 12, and small has 12 of them, so they seem to count from 1"
    ) as caught:
        read(path)
    assert caught.value.field == "first"
    assert labels(path, first=1) == [(0, 15, "B"), (11, 1, "A")]
    assert labels(path, first=0) == []
    path.write_text("line;sample;class\n3;4;A\n")
    assert labels(path) == [(3, 4, "A")]
    assert "counted from 0" in " ".join(read(path).sentences())
    assert read(path).reports[0].place == "rows and columns, counted from 0"


def test_columns_that_nobody_can_tell_are_asked_about(tmp_path: Path) -> None:
    path = tmp_path / "l.csv"
    path.write_text("row,col,level_1,level_2\n1,2,Veg,Tree\n3,4,Veg,Grass\n")
    with pytest.raises(ChooseLabels, match="which column is the class") as caught:
        read(path)
    assert [name for name, _ in caught.value.options][:1] == ["level_2"]
    assert labels(path, attribute="level_2") == [(1, 2, "Tree"), (3, 4, "Grass")]
    path.write_text("row,col,species\n1,2,Oak\n3,4,Oak\n5,5,Fir\n9,9,Fir\n")
    assert len(labels(path)) == 4
    assert "“species”, the only column" in " ".join(read(path).sentences())


def test_our_own_table_after_a_gis_and_after_a_spreadsheet(tmp_path: Path) -> None:
    """QGIS puts its X and Y before our columns: they are where the point is now. In a spreadsheet row and col are
    edited, and x and y are what they were."""
    far = xy(8, 9)
    old = xy(2, 3)
    gis = tmp_path / "gis.csv"
    gis.write_text(f"X,Y,row,col,class,x,y,color\n{far[0]},{far[1]},2,3,A,{old[0]},{old[1]},#112233\n")
    assert labels(gis) == [(8, 9, "A")]
    assert read(gis).reports[0].moved == 1
    hand = tmp_path / "hand.csv"
    lines = [f"{r},{c},{n},{xy(r, c)[0]},{xy(r, c)[1]}," for r, c, n in POINTS]
    lines.append(f"8,9,A,{old[0]},{old[1]},")
    hand.write_text("row,col,class,x,y,color\n" + "\n".join(lines) + "\n")
    assert labels(hand) == sorted([*POINTS, (8, 9, "A")])
    assert "In 1 line x and y says another pixel than row and col: row and col count." in read(hand).sentences()


def test_our_own_table_of_another_scene_goes_by_place(tmp_path: Path) -> None:
    hand = tmp_path / "l.csv"
    hand.write_text(
        "row,col,class,x,y,color\n" + "".join(f"{r},{c},{n},{xy(r, c)[0]},{xy(r, c)[1]},\n" for r, c, n in POINTS)
    )
    shifted = scene(transform=(2.0, 0.0, 600000.0, 0.0, -2.0, 4480000.0 - 2))  # one row to the south
    assert labels(hand, shifted) == sorted((r - 1, c, n) for r, c, n in POINTS)
    assert "in another pixel than row and col" in " ".join(read(hand, shifted).sentences())


def test_a_table_without_places_or_with_half_a_line(tmp_path: Path) -> None:
    path = tmp_path / "l.csv"
    path.write_text("class,remark\nA,x\n")
    with pytest.raises(FileProblem, match="names no columns for the place"):
        read(path)
    path.write_text("x,y,class\n1,2\n")
    with pytest.raises(CorruptFile, match="line 2 has 2 values, the header 3"):
        read(path)
    path.write_text("x,y,class\n1,2,A\n")
    with pytest.raises(FileProblem, match="small has no coordinate system"):
        read(path, small_scene())


def test_what_spreadsheets_leave_in_a_table(tmp_path: Path) -> None:
    """Lines of a title above the names, blanks beside a class, numbers of classes as 1.0, a side before the degrees."""
    path = tmp_path / "l.csv"
    path.write_text("Survey of May\nDate;2026-05-01\n\nrow;col;class\n1;2;Forest\n3;4; forest\n5;6;FOREST \n")
    assert labels(path) == [(1, 2, "Forest"), (3, 4, "Forest"), (5, 6, "Forest")]
    path.write_text("row,col,class\n1,2,1.0\n3,4,12.0\n")
    assert labels(path) == [(1, 2, "1"), (3, 4, "12")]
    path.write_text("row,col,class\n1,2,1.0\n3,4,1.5\n")
    assert labels(path) == [(1, 2, "1.0"), (3, 4, "1.5")]
    assert number(path, "line 2", "lat", "N 52.25") == 52.25
    assert number(path, "line 2", "lon", "W 13°30'") == -13.5


def test_the_system_of_an_ewkt(tmp_path: Path) -> None:
    path = table(tmp_path / "l.csv", "geom;class", '"SRID=32619;POINT ({x} {y})";{name}', crs="EPSG:32619")
    assert labels(path) == sorted(POINTS)
    assert "EPSG:32619" in read(path).reports[0].place
