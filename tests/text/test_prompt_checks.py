"""Sentences are counted as the encoders count them, and flagged for what a training would not tell."""

from __future__ import annotations

import pytest

from hsi_studio.text.prompt_checks import check, language_note, names_class, token_counts
from hsi_studio.text.prompts import descriptions
from hsi_studio.text.wavelengths import named_wavelengths, outside
from hsi_studio.types import ClassInfo, ClassSchema

SCHEMA = ClassSchema((ClassInfo("c", "Corn-notill", "#111111"), ClassInfo("w", "Woods", "#222222")))
RANGE = (400.0, 900.0)


def kinds(sentences: dict[str, list[str]], language: str = "en") -> list[tuple[str, int | None, str]]:
    return [(f.class_id, f.sentence, f.kind) for f in check(sentences, SCHEMA, RANGE, language).flags]


def test_tokens_are_the_encoders() -> None:
    from hsi_studio.text.encoders import get_encoder

    sentences = ["corn", "a patch of a corn-notill.", "grüne Wiese", "x " * 300]
    assert token_counts(sentences) == get_encoder("minilm").token_counts(sentences).tolist()
    assert token_counts(["corn"]) == [3]  # begin, corn, end


def test_good_sentences_have_no_flag() -> None:
    assert kinds({"c": ["Corn notill stands in rows."], "w": ["A wood is dark.", "Woods are tall."]}) == []


def test_each_flag_has_its_reason() -> None:
    assert kinds({"c": ["Corn notill is low."]}) == [("w", None, "empty")]
    assert kinds({"c": ["Corn-notill corn notill"], "w": ["Woods", "woods."]}) == [
        ("w", 0, "duplicate"), ("w", 1, "duplicate"),
    ]  # fmt: skip
    long = "woods " * 80
    assert kinds({"c": ["corn notill"], "w": [long, long + "tall " * 200]}) == [("w", 0, "long"), ("w", 1, "cut")]
    assert kinds({"c": ["corn notill"], "w": ["Woods absorb near 2100 nm."]}) == [("w", 0, "outside")]
    assert kinds({"c": ["rows of maize"], "w": ["woods"]}) == [("c", None, "name")]
    assert kinds({"c": ["Maisreihen"], "w": ["Wald"]}, "de") == []  # the name need not be said in another language
    (first, second) = check({"c": ["same corn notill woods"], "w": ["same corn notill woods"]}, SCHEMA, RANGE).flags
    assert "Woods" in first.text
    assert "Corn-notill" in second.text


@pytest.mark.parametrize(
    ("sentence", "found"),
    [
        ("dips at 1450 and 1940 nm", [1450, 1940]),
        ("1.4 µm, 2,2 micrometres", [1400, 2200]),
        ("700–800 nanometres", [700, 800]),
        ("2,100 nm", [2100]),
        ("12 m high, 3 roofs, 40 % cover", []),
        ("band at 550nm", [550]),
    ],
)
def test_wavelengths_are_found_with_their_unit(sentence: str, found: list[float]) -> None:
    assert named_wavelengths(sentence) == pytest.approx(found)


def test_what_the_sensor_does_not_measure() -> None:
    assert outside("bright at 800 nm in the near infrared", RANGE) == []
    assert outside("dark in SWIR, at 2.1 µm", RANGE) == ["2100 nm", "short-wave infrared"]
    assert outside("dark at 550 nm", None) == ["550 nm"]
    assert outside("thermal infrared", (400.0, 2500.0)) == ["thermal infrared"]


@pytest.mark.parametrize("scene", sorted(descriptions()))
def test_our_own_descriptions_stay_inside_their_sensors_range(scene: str) -> None:
    known = descriptions()[scene]
    schema = ClassSchema(tuple(ClassInfo(name, name, "#111111") for name in known.sentences))
    found = check(known.sentences, schema, known.wavelength_nm)
    assert [f.text for f in found.flags if f.kind not in {"name"}] == []


def test_names_are_found_in_any_form() -> None:
    assert names_class("Rows of corn, no-till or corn-notill", "Corn_notill")
    assert not names_class("cornflower", "Corn")
    assert not names_class("anything", "…")


def test_other_languages_get_a_note() -> None:
    assert language_note("en") == language_note("") == ""
    assert "German" in language_note("de")
    assert "multilingual" in language_note("de")
