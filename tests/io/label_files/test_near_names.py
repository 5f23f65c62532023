"""Two spellings of one class are told; two classes are not."""

from __future__ import annotations

import pytest

from hsi_studio.io.label_files.near_names import near_names, near_note


@pytest.mark.parametrize(
    ("given", "known"),
    [
        ("Crop land", "Cropland"),
        ("Grass-land", "grassland"),
        ("Trees", "tree"),
        ("forrest", "Forest"),
        ("Asfalt", "Asphalt"),
    ],
)
def test_a_spelling_of_a_class_is_near_it(given: str, known: str) -> None:
    near = given != "Asfalt"  # two letters are too many
    assert bool(near_names([given], ["Water", known])) == near


@pytest.mark.parametrize(
    ("given", "known"),
    [("Corn 1", "Corn 2"), ("Class A", "Class B"), ("Corn-notill", "Corn-mintill"), ("road", "roof"), ("水", "水体"),
     ("Water", "water"), ("–", "…")],
)  # fmt: skip
def test_another_class_is_not_nor_the_class_itself(given: str, known: str) -> None:
    assert near_names([given], [known]) == []


def test_a_sentence_names_them() -> None:
    assert near_note(["Water"], ["Water"]) == ""
    assert "“Crop land” beside “Cropland”" in near_note(["Crop land", "Water"], ["Cropland", "Water"])
