"""Words that fit other pixels are found, with what they are taken for, what was measured, and a sentence to add."""

from __future__ import annotations

import numpy as np
import pytest

from hsi_studio.text.disagreement import disagreements, grades, weights
from hsi_studio.text.encoders import SentenceEncoder, get_encoder
from hsi_studio.types import ClassInfo, ClassSchema, PromptSet

SCHEMA = ClassSchema(tuple(ClassInfo(name[0].lower(), name, "#111111") for name in ("Lake", "Meadow", "Roofs")))
FACTS = {  # typical values of water, green grass and a red tile roof
    "l": {"visible": 0.04, "nir": 0.01, "swir": 0.005, "ndvi": -0.3, "ndwi": 0.6, "shape": 0.5, "redness": -0.2,
          "greenness": 0.0, "height": 0.0, "swir_slope": -0.4},
    "m": {"visible": 0.05, "nir": 0.4, "swir": 0.2, "ndvi": 0.82, "ndwi": -0.7, "shape": 0.9, "redness": 0.1,
          "greenness": 0.3, "height": 0.1, "swir_slope": -0.3},
    "r": {"visible": 0.18, "nir": 0.3, "swir": 0.35, "ndvi": 0.1, "ndwi": -0.4, "shape": 0.4, "redness": 0.6,
          "greenness": -0.15, "height": 7.0, "swir_slope": 0.1},
}  # fmt: skip
SAID = {"l": ("Lake: dark.", "It is flat."), "m": ("Meadow: green.",), "r": ("Roofs: reddish.",)}
GOOD = PromptSet({"l": ("a lake of open water",), "m": ("a green meadow of grass",), "r": ("a red tile roof",)})


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    return get_encoder("minilm")


def test_words_that_fit_are_left_alone(encoder: SentenceEncoder) -> None:
    assert disagreements(encoder, GOOD, SCHEMA, FACTS, SAID) == []
    assert disagreements(encoder, PromptSet(), SCHEMA, FACTS, SAID) == []  # the names alone


def test_swapped_words_are_found_with_evidence_and_a_suggestion(encoder: SentenceEncoder) -> None:
    swapped = PromptSet({"l": GOOD.sentences["m"], "m": GOOD.sentences["l"], "r": GOOD.sentences["r"]})
    found = disagreements(encoder, swapped, SCHEMA, FACTS, SAID)
    assert {(d.class_id, d.other_id) for d in found} == {("l", "m"), ("m", "l")}
    lake = next(d for d in found if d.class_id == "l")
    assert lake.other - lake.own > 0.3
    assert "“Lake” are taken for" in lake.text
    assert "Its labels look like open water" in lake.text
    assert "those of “Meadow” fit these words better" in lake.text
    assert lake.suggestion == "Lake: dark."
    told = PromptSet({**swapped.sentences, "l": (*GOOD.sentences["m"], "Lake: dark.")})
    again = [d for d in disagreements(encoder, told, SCHEMA, FACTS, SAID) if d.class_id == "l"]
    assert [d.suggestion for d in again] in ([], ["It is flat."])


def test_what_the_sensor_cannot_tell_takes_no_part(encoder: SentenceEncoder) -> None:
    few = {key: {"ndvi": facts["ndvi"]} for key, facts in FACTS.items()}
    kinds, looks = grades(list(few.values()))
    assert "open water" not in [kind.short for kind in kinds]
    assert looks.shape == (3, len(kinds))
    assert disagreements(encoder, GOOD, SCHEMA, {key: {} for key in FACTS}, SAID) == []
    assert disagreements(encoder, GOOD, SCHEMA, {"l": FACTS["l"]}, SAID) == []
    kinds, looks = grades(list(FACTS.values()))
    said = weights(encoder, GOOD, SCHEMA, kinds)
    assert np.allclose(said.sum(axis=1), 1, atol=1e-5)
    assert [kinds[p].short for p in said.argmax(axis=1)] == ["open water", "grass", "a tile roof"]
    assert ((looks >= 0) & (looks <= 1)).all()
