"""Labels as text that any spreadsheet reads, and none runs."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hsi_studio.io.evidence_csv import write_table
from hsi_studio.io.export import export_labels_csv
from hsi_studio.io.label_csv import ESCAPED, escape_cell, labels_to_csv, unescape_cell
from hsi_studio.io.label_import import read_labels
from hsi_studio.types import ClassInfo, ClassSchema, LabelSet
from tests.project.small import small_scene


def labels(*names: str) -> LabelSet:
    schema = ClassSchema(tuple(ClassInfo(str(k), name, "#112233") for k, name in enumerate(names)))
    n = np.arange(len(names))
    return LabelSet(schema, n + 2, n + 5, n)


@given(st.text("=+-@\t\r'ab", max_size=5))
def test_a_name_comes_back_whatever_it_begins_with(text: str) -> None:
    assert unescape_cell(escape_cell(text)) == text
    assert not escape_cell(text).startswith(ESCAPED[:-1])  # OWASP's list of what starts a formula


def test_a_single_apostrophe_of_another_program_stays() -> None:
    assert unescape_cell("'s-Hertogenbosch") == "'s-Hertogenbosch"
    assert unescape_cell("'") == "'"


def test_the_text_is_rfc_4180() -> None:
    """Lines end with CR LF; a comma, a quote or a line break puts the field in quotes, quotes are doubled."""
    found = labels_to_csv(labels("Corn", 'a "b", c', "two\nlines", "=1+1"), None)
    assert found == (
        "row,col,class,x,y,color\r\n"
        "2,5,Corn,,,#112233\r\n"
        '3,6,"a ""b"", c",,,#112233\r\n'
        '4,7,"two\nlines",,,#112233\r\n'
        "5,8,'=1+1,,,#112233\r\n"
    )


def test_map_coordinates_are_those_of_the_pixels_centre_to_the_last_digit() -> None:
    scene = small_scene(transform=(0.1, 0.0, 1 / 3, 0.0, -0.1, 4480000.7))
    (row,) = csv.DictReader(io.StringIO(labels_to_csv(labels("Corn"), scene)))
    assert (float(row["x"]), float(row["y"])) == scene.map_xy(2, 5)
    assert abs(float(row["x"]) - (1 / 3 + 5.5 * 0.1)) < 1e-12


def test_a_file_of_more_than_ascii_has_the_mark_that_spreadsheets_need(tmp_path: Path) -> None:
    """And comes back as it was; one of ASCII alone has none, for programs that do not expect it."""
    scene = small_scene()
    for names, marked in ((["Grünland", "水"], True), (["Corn"], False)):
        file = export_labels_csv(labels(*names), scene, tmp_path / "l.csv")
        assert file.read_bytes().startswith(b"\xef\xbb\xbf") is marked
        found = read_labels(file, scene, ClassSchema())
        assert sorted(name for _, _, name, _ in found.labels) == sorted(names)
        table = write_table(tmp_path / "t.csv", ["class"], [[names[0]]], {})
        assert table.read_bytes().startswith(b"\xef\xbb\xbf") is marked
