"""Prompt styles, our own class descriptions, and the permuted-text control."""

from __future__ import annotations

import itertools
import json
import re

import numpy as np
import pytest

from hsi_studio.errors import BadRequest
from hsi_studio.paths import ASSETS
from hsi_studio.scene.indian_pines import CLASS_NAMES
from hsi_studio.scene.physics.layout import NAMES
from hsi_studio.text.encoders import get_encoder
from hsi_studio.text.prompts import (
    STYLES,
    derangement,
    descriptions,
    normalise,
    permuted,
    permuted_names,
    prompt_notes,
    prompt_set,
    readable,
    sentences_for,
)
from hsi_studio.types import ClassInfo, ClassSchema, PromptSet

EVERY = [(d, name, text) for d in descriptions().values() for name, texts in d.sentences.items() for text in texts]
DESCRIBED = {"indian_pines", "pavia_university", "salinas", "houston2013", "muufl", "trento", "demo"}


def schema_of(*names: str) -> ClassSchema:
    return ClassSchema(tuple(ClassInfo.new(name, "#000000") for name in names))


def test_templates_are_the_papers() -> None:
    schema = schema_of("Water")
    said = [prompt_set(schema, style).of(schema.classes[0])[0] for style in ("p1", "p2", "p3", "p4")]
    assert said == [
        "a patch of a water.",
        "a nice patch of a water.",
        "a fusion patch of a water.",
        "a multimodal fusion patch of a water with strong semantic information.",
    ]
    with pytest.raises(BadRequest, match="p1, p2, p3, p4, p5"):
        prompt_set(schema, "p6")


def test_every_class_of_the_described_scenes_has_sentences_of_its_own() -> None:
    assert set(descriptions()) == DESCRIBED
    scenes = json.loads((ASSETS / "datasets.json").read_text(encoding="utf-8"))["scenes"]
    names = {"indian_pines": list(CLASS_NAMES), "demo": list(NAMES.values())}
    names |= {k: s["classes"] for k, s in scenes.items() if k in DESCRIBED}
    assert set(names) == DESCRIBED
    for scene, classes in names.items():
        found, notes = sentences_for(classes, "p5", scene)
        assert notes == ()
        assert all(len(found[name]) >= 2 for name in classes)
        assert {normalise(n) for n in descriptions()[scene].sentences} == {normalise(n) for n in classes}


def test_sentences_have_15_to_30_words_and_name_their_class() -> None:
    for _, name, text in EVERY:
        assert 15 <= len(text.split()) <= 30, text
        assert readable(name) in text.lower(), text
        assert text[0].isupper()
        assert text.endswith(".")


def test_no_sentence_is_used_twice() -> None:
    texts = [text for *_, text in EVERY]
    assert len(set(texts)) == len(texts) == 2 * sum(len(d.sentences) for d in descriptions().values())


def test_no_sentence_names_light_its_sensor_does_not_measure() -> None:
    beyond = re.compile(r"short-?wave|swir|cellulose|clay dip|water (dip|absorption)|thermal", re.IGNORECASE)
    for d, _, text in EVERY:
        low, high = d.wavelength_nm
        assert all(low <= float(nm) <= high for nm in re.findall(r"(\d+) nm", text)), text
        if high < 1100:
            assert not beyond.search(text), text


def test_every_class_is_set_against_another_class_of_its_scene() -> None:
    """S3FN asks how a class differs from those beside it."""
    for d in descriptions().values():
        for name, texts in d.sentences.items():
            said = f" {normalise(' '.join(texts))} "
            others = [normalise(other) for other in d.sentences if other != name]
            assert any(f" {other} " in said for other in others), name


@pytest.mark.slow
def test_sentences_fit_the_encoders_and_those_of_a_class_belong_together() -> None:
    encoder = get_encoder("minilm")
    assert encoder.token_counts([text for *_, text in EVERY]).max() <= 77  # CLIP's context too
    for d in descriptions().values():
        first, second = (encoder.encode([texts[i] for texts in d.sentences.values()]) for i in (0, 1))
        near = first @ second.T  # (K, K)
        assert (np.diag(near) > near.mean(axis=1) + 0.05).all()


@pytest.mark.parametrize("name", ["broccoli green weeds 1", "BROCOLI-GREEN-WEEDS-1", "Brocoli_green_weed_1"])
def test_spelling_of_names_does_not_matter(name: str) -> None:
    found, notes = sentences_for([name], "p5", "salinas")
    assert found[name] == descriptions()["salinas"].sentences["Brocoli_green_weeds_1"]
    assert notes == ()


def test_names_that_differ_stay_apart() -> None:
    for d in descriptions().values():
        assert len({normalise(name) for name in d.sentences}) == len(d.sentences)
    assert normalise("Grass") == "grass"
    assert normalise("Parking Lot 1") != normalise("Parking Lot 2")


def test_a_scenes_own_words_come_first() -> None:
    own = sentences_for(["Trees"], "p5", "muufl")[0]["Trees"]
    assert own == descriptions()["muufl"].sentences["Trees"]
    assert sentences_for(["Water"], "p5", "demo-7")[0]["Water"] == descriptions()["demo"].sentences["Water"]
    assert sentences_for(["Road"], "p5", "Houston 2013")[0]["Road"] == descriptions()["houston2013"].sentences["Road"]


def test_words_are_borrowed_only_from_sensors_that_measure_no_more() -> None:
    found, notes = sentences_for(["Stubble", "Trees"], "p5", "pavia_university")
    assert found["Stubble"] == ("a multimodal fusion patch of a stubble with strong semantic information.",)
    assert "1 of 2 classes, style p4" in notes[0]
    assert "Stubble" in notes[0]
    found, notes = sentences_for(["Apple Trees", "Corn"], "p5", "demo")
    assert found["Apple Trees"] == descriptions()["trento"].sentences["Apple Trees"]
    assert notes[0] == "Described as in trento: Apple Trees."


def test_an_unknown_scene_gets_the_words_with_the_shortest_range() -> None:
    found, notes = sentences_for(["Bare soil"], "p5")
    assert found["Bare soil"] == descriptions()["pavia_university"].sentences["Bare Soil"]
    assert notes == ("Described as in pavia_university: Bare soil.",)


def test_unknown_classes_fall_back_to_p4_with_a_note() -> None:
    schema = schema_of("Spaceship", "Water")
    for scene in ("demo", None):
        prompts = prompt_set(schema, "p5", scene)
        assert prompts.of(schema.classes[0]) == prompt_set(schema, "p4").of(schema.classes[0])
        assert "Spaceship" in prompt_notes(schema, "p5", scene)[-1]
    assert prompt_notes(schema, "p4") == ()


@pytest.mark.parametrize("style", STYLES)
def test_permuted_prompts_leave_no_class_its_own(style: str) -> None:
    schema = schema_of(*NAMES.values())
    prompts = prompt_set(schema, style, "demo")
    for seed in range(20):
        other = permuted(prompts, schema, np.random.default_rng(seed))
        assert all(other.of(c) != prompts.of(c) for c in schema.classes)
        assert sorted(other.sentences.values()) == sorted(prompts.sentences.values())
    named = {c.name: prompts.of(c) for c in schema.classes}
    moved = permuted_names(named, np.random.default_rng(0))
    assert all(moved[name] != named[name] for name in named)


def test_permuting_needs_two_classes_and_uses_names_where_there_are_no_sentences() -> None:
    schema = schema_of("a", "b")
    swapped = permuted(PromptSet(), schema, np.random.default_rng(0))
    assert [swapped.of(c) for c in schema.classes] == [("b",), ("a",)]
    with pytest.raises(BadRequest, match="at least 2"):
        permuted(PromptSet(), schema_of("alone"), np.random.default_rng(0))


def test_all_derangements_are_equally_likely() -> None:
    rng = np.random.default_rng(0)
    drawn = [tuple(derangement(4, rng)) for _ in range(4500)]
    possible = [p for p in itertools.permutations(range(4)) if all(p[k] != k for k in range(4))]
    counts = np.array([drawn.count(p) for p in possible])
    assert counts.sum() == 4500
    assert (np.abs(counts - 500) < 5 * np.sqrt(500)).all()
