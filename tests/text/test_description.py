"""Descriptions: what is said, what it rests on, and what is never said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hsi_studio.errors import BadRequest
from hsi_studio.text.description import Fact, Facts, Regions, describe
from hsi_studio.text.description_rules import COMPARED, RULES, meaning
from hsi_studio.text.lexicon import COVERS, THINGS, TRAITS, above, grade_things, grade_traits, within
from hsi_studio.text.query_parser import parse_query


def fact(value: float, spread: float = 0.01, bands: tuple[float, ...] = (640.0, 780.0)) -> Fact:
    return Fact(value, value - spread, value + spread, spread, bands)


ROOF = Facts(
    40,
    {
        "visible": fact(0.12), "redness": fact(0.55), "greenness": fact(-0.2), "ndvi": fact(0.05), "nir": fact(0.24),
        "height": fact(7.1), "height_low": fact(7.0), "rough": fact(0.2), "texture": fact(0.05),
    },
    regions=Regions(12, 90.0, 90, 8.0, 8, 1.5), borders=(("Meadow", 0.6), ("Asphalt", 0.3), ("Gravel", 0.1)),
    map_note="live map of revision 3",
)  # fmt: skip
MEADOW = Facts(40, {**ROOF.facts, "ndvi": fact(0.85), "redness": fact(0.1), "height": fact(0.1)})


def texts(description: object) -> list[str]:
    return [p.text for p in description.phrases]  # type: ignore[attr-defined]


def test_the_roof_is_described_as_one() -> None:
    said = describe("Tile_roof", ROOF, {"Meadow": MEADOW})
    assert said.sentences[0].startswith("Tile roof: ")
    assert "reddish" in texts(said)
    assert "without green vegetation" in texts(said)
    assert "about 7 m above the ground" in texts(said)
    assert "bordering on meadow and asphalt" in texts(said)
    assert 2 <= len(said.sentences) <= 3


def test_every_phrase_carries_its_numbers() -> None:
    said = describe("Roof", ROOF, {"Meadow": MEADOW})
    for phrase in said.phrases:
        assert phrase.evidence, phrase.text
        assert any(isinstance(v, (int, float)) or v for v in phrase.evidence.values())
    reddish = next(p for p in said.phrases if p.text == "reddish")
    assert reddish.evidence["facts"]["redness"]["value"] == pytest.approx(0.55)
    assert reddish.evidence["facts"]["redness"]["bands_nm"] == [640.0, 780.0]
    assert reddish.evidence["pixels"] == 40


def test_the_same_facts_give_the_same_words() -> None:
    assert describe("Roof", ROOF, {"Meadow": MEADOW}) == describe("Roof", ROOF, {"Meadow": MEADOW})


def test_what_was_not_measured_is_not_said() -> None:
    """Without short-wave infrared, heights and a map: nothing about them."""
    facts = Facts(40, {name: ROOF.facts[name] for name in ("visible", "ndvi", "nir")})
    said = describe("Roof", facts).text
    for word in ("1450", "2200", "cellulose", "clay", "above the ground", "top", "border", "area", "reddish"):
        assert word not in said


def test_heights_that_disagree_give_no_number() -> None:
    unsure = {**ROOF.facts, "height_low": fact(4.4)}
    said = describe("Roof", replace(ROOF, facts=unsure))
    assert "raised at least 4 m above the ground" in texts(said)
    low = {**ROOF.facts, "height": fact(1.9), "height_low": fact(0.1)}
    assert not [p for p in describe("Crop", replace(ROOF, facts=low)).phrases if p.slot == "height"]


@pytest.mark.parametrize("count", [1, 2, 4])
def test_few_pixels_are_hedged_and_say_less(count: int) -> None:
    said = describe("Roof", replace(ROOF, pixels=count), {"Meadow": MEADOW})
    assert f"judged from {count} pixel" in said.text
    assert not {"region", "borders", "difference", "surface", "texture"} & {p.slot for p in said.phrases}
    assert "label 5 or more" in " ".join(said.notes)


def test_no_pixels_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(BadRequest, match="label a pixel"):
        describe("Roof", replace(ROOF, pixels=0))


def test_a_wide_spread_is_said_to_be_mostly_so() -> None:
    wide = {**ROOF.facts, "ndvi": Fact(0.1, 0.02, 0.6, 0.2)}
    assert "mostly without green vegetation" in texts(describe("Roof", replace(ROOF, facts=wide)))


def test_absorptions_within_the_noise_are_not_said() -> None:
    deep = {**ROOF.facts, "depth_2200": fact(0.1, 0.02), "swir": fact(0.3)}
    noisy = {**ROOF.facts, "depth_2200": Fact(0.1, -0.5, 0.7, 0.5), "swir": fact(0.3)}
    assert "clay absorption near 2200 nm" in texts(describe("Soil", replace(ROOF, facts=deep)))
    assert "clay absorption near 2200 nm" not in texts(describe("Soil", replace(ROOF, facts=noisy)))


def test_classes_that_are_alike_are_said_to_be() -> None:
    twin = replace(ROOF, facts={k: replace(f, value=f.value + 1e-4) for k, f in ROOF.facts.items()})
    said = describe("Roof", ROOF, {"Twin": twin})
    assert not [p for p in said.phrases if p.slot == "difference"]
    assert "Hard to tell from Twin" in " ".join(said.notes)


def test_radiance_is_compared_with_the_scene_only() -> None:
    said = describe("Roof", replace(ROOF, absolute=False, note="radiance", facts={**ROOF.facts, "visible": fact(0.3)}))
    assert "among the brightest of the scene" in texts(said)
    assert "No absorption depths" in " ".join(said.notes)


def test_the_vocabulary_is_whole() -> None:
    keys = [t.key for t in THINGS]
    assert len(keys) == len(set(keys))
    assert all(t.cover in (*COVERS, "other") for t in THINGS)
    assert all(meaning(c.measure) for rule in RULES for c in rule.conds)
    assert all(len(entry) == 4 for entry in COMPARED.values())
    assert len({w for t in TRAITS for w in t.words}) == sum(len(t.words) for t in TRAITS)


def test_grades_are_half_on_the_border_and_rise() -> None:
    values = np.array([0.1, 0.45, 0.9])
    grade = above("ndvi", 0.45).grade(values)
    assert grade[1] == pytest.approx(0.5)
    assert grade[0] < 0.01 < 0.99 < grade[2]
    assert within("ndvi", 0.2, 0.5).grade(values)[1] > 0.6
    assert np.isnan(above("ndvi", 0.1).grade(np.array([np.nan]))[0])


def test_words_a_sensor_cannot_tell_do_not_exist() -> None:
    facts = {"ndvi": np.array([0.9, 0.1], dtype=np.float32)}
    assert "tile" not in grade_things(facts)
    assert "tall" not in grade_traits(facts)
    assert grade_things(facts)["plants"][0] > 0.9


@pytest.mark.parametrize(
    ("text", "about", "bare", "traits", "near"),
    [
        ("tall vegetation near water", "tall vegetation", "vegetation", ("tall",), ("water",)),
        ("metal roof", "metal roof", "", (), ()),
        ("something dark", "", "", ("dark",), ()),
        ("Grass, next to the road!", "grass", "", (), ("the road",)),
    ],
)
def test_questions_are_taken_apart(text: str, about: str, bare: str, traits: tuple[str, ...], near: object) -> None:
    asked = parse_query(text)
    assert (asked.about, asked.bare, asked.traits, asked.near) == (about, bare, traits, near)


def test_without_and_away_are_understood() -> None:
    asked = parse_query("roofs without trees far from water")
    assert asked.without == ("trees",)
    assert asked.away == ("water",)
    assert parse_query("grass not dry").lacking == ("dry",)


def test_near_infrared_is_no_place() -> None:
    asked = parse_query("healthy grass, dense green canopy, strong near-infrared plateau")
    assert asked.near == ()
    assert set(asked.traits) == {"dense", "green", "strong near infrared"}
    asked = parse_query("low near infrared, near water")
    assert asked.traits == ("weak near infrared",)  # and not "low"
    assert asked.near == ("water",)
    assert parse_query("near-infrared bright near-surface water").near == ()
