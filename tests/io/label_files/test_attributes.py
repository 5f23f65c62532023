"""Which attribute is the class: by its name, by being the only one that may be, or as the user says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hsi_studio.errors import ChooseLabels, CorruptFile, FileProblem
from hsi_studio.io.label_files.attributes import plain, text_of
from tests.io.label_files.places import POINTS, geojson, labels, point, read


def file_with(path: Path, properties: Any) -> Path:
    return geojson(path / "l.geojson", [(point(r, c, "EPSG:4326"), properties(r, c, n)) for r, c, n in POINTS])


@pytest.mark.parametrize(
    "name",
    ["class", "Class", "CLASS_NAME", "Klasse", "classe", "clase", "label", "Land cover", "Kategorie", "Catégorie",
     "Name", "třída"],
)  # fmt: skip
def test_names_that_mean_a_class(tmp_path: Path, name: str) -> None:
    path = file_with(tmp_path, lambda r, c, n: {"fid": r, name: n, "remark": "seen"})
    assert labels(path) == sorted(POINTS)
    assert read(path).reports[0].attribute == name


def test_the_only_one_is_taken_and_told(tmp_path: Path) -> None:
    path = file_with(tmp_path, lambda r, c, n: {"fid": r, "species": n, "Shape_Area": 2.5 * r})
    assert labels(path) == sorted(POINTS)
    assert read(path).sentences() == ["The class is taken from “species”, the only attribute that may be one."]


def test_of_several_the_user_chooses(tmp_path: Path) -> None:
    """Layouts of SCP (MC_name, C_name), IDTReeS (taxonID) and CORINE (code_18)."""
    path = file_with(tmp_path, lambda r, c, n: {"fid": r, "MC_name": "Land", "C_name": n, "code_18": 100 + r % 2})
    with pytest.raises(ChooseLabels, match=r"--attribute NAME.*C_name \(3 values: Wald, Wasser, Acker\)") as caught:
        read(path)
    assert caught.value.field == "attribute"
    assert {name for name, _ in caught.value.options} >= {"MC_name", "C_name", "code_18"}
    assert labels(path, attribute="C_name") == labels(path, attribute="c_name") == sorted(POINTS)
    assert {name for *_, name in labels(path, attribute="code_18")} == {"100", "101"}
    with pytest.raises(ChooseLabels, match="it has no attribute 'colour'"):
        read(path, attribute="colour")


def test_measures_and_places_are_no_classes(tmp_path: Path) -> None:
    path = file_with(tmp_path, lambda r, c, n: {"fid": r, "Area_sqm": 12.5 * r})
    with pytest.raises(ChooseLabels, match="not clear which attribute"):
        read(path)
    with pytest.raises(FileProblem, match="its features have no attribute"):
        read(file_with(tmp_path, lambda r, c, n: {}))


def test_a_name_that_every_feature_has_alone_is_asked_about(tmp_path: Path) -> None:
    """A GPS receiver's "name" is the waypoint's."""
    shapes = [(point(k, k, "EPSG:4326"), {"name": f"WP{k:03}", "habitat": "ABAB"[k % 4]}) for k in range(10)]
    path = geojson(tmp_path / "w.geojson", shapes)
    with pytest.raises(ChooseLabels, match="every feature has another “name”"):
        read(path)
    assert {name for *_, name in labels(path, attribute="habitat")} == {"A", "B"}


def test_features_without_a_class_are_left_out_and_counted(tmp_path: Path) -> None:
    path = file_with(tmp_path, lambda r, c, n: {"class": None if n == "Wasser" else n})
    found = read(path)
    assert sorted(label[2] for label in found.labels) == ["Acker", "Wald", "Wald"]
    assert found.sentences() == ["1 of 4 labels is left out, without a class in “class”: feature 2."]
    with pytest.raises(CorruptFile, match="feature 1 has no class"):
        read(file_with(tmp_path, lambda r, c, n: {"class": " "}))


def test_an_identifier_is_refused_as_a_class(tmp_path: Path) -> None:
    shape = point(1, 1, "EPSG:4326")
    shapes = [(shape, {"class": f"tree {k}"}) for k in range(1001)]
    with pytest.raises(FileProblem, match="1001 different values"):
        read(geojson(tmp_path / "i.geojson", shapes))


def test_values_become_names() -> None:
    values = (3.0, 3, 2.5, None, float("nan"), " Wald ", True, ["a"], {"a": 1})
    assert [text_of(v) for v in values] == ["3", "3", "2.5", "", "", " Wald ", "True", "", ""]
    assert [plain(n) for n in ("X [m]", "Geogr. Länge", '"Klasse"', "class-name", "")] == [
        "x", "geogr_lange", "klasse", "class_name", "",
    ]  # fmt: skip
    assert plain("[" * 1_000_000) == plain("x" * 250)[200:] == "", "read in one pass, and not beyond what may matter"
