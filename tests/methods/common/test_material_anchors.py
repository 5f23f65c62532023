"""Facts about class anchors of material spectra: angles, states, what keeps its sentence, the shuffled control."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hsi_studio.methods import get_method, methods
from hsi_studio.methods.common import material_anchors
from hsi_studio.methods.common.material_anchors import AnchorEncoder, ClassVectors, class_vectors, material_space
from hsi_studio.methods.contract import Block, Context, Params, make_params
from hsi_studio.text.encoders import get_encoder
from hsi_studio.text.materials.names import meant
from hsi_studio.text.materials.reading import read_recipe
from hsi_studio.text.prompts import derangement, permuted, prompt_set
from hsi_studio.types import ClassInfo, ClassSchema, FloatArray, PromptSet
from tests.features.scenes import draw_labels, fields, scene_from

NM = np.linspace(420, 2440, 120).astype(np.float32)
DIM = 96
WITH_ANCHORS = sorted(name for name, one in methods().entries.items() if "anchors" in one.Params.model_fields)


@pytest.fixture(autouse=True)
def _names_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without likeness: comparing a word with all names takes the sentence encoder some twenty seconds."""
    monkeypatch.setattr(material_anchors, "_likeness", lambda cache_dir: None)


def schema_of(*names: str) -> ClassSchema:
    return ClassSchema(tuple(ClassInfo(f"c{k}", name, "#336699") for k, name in enumerate(names)))


def sentences(schema: ClassSchema, seed: int = 0) -> FloatArray:
    """(K, D) stands for what a sentence encoder gives."""
    rows = np.random.default_rng(seed).standard_normal((len(schema), DIM))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def anchors(kind: str, schema: ClassSchema, prompts: PromptSet | None = None, nm: Any = NM) -> ClassVectors:
    return class_vectors(kind, schema, prompts or prompt_set(schema, "p1"), sentences(schema), nm)


def test_text_is_the_sentences_vectors_themselves() -> None:
    schema = schema_of("Meadow", "Water")
    own = sentences(schema)
    found = class_vectors("text", schema, PromptSet(), own, NM)
    assert found.vectors is own
    assert found.notes == ()


def test_vectors_have_unit_length_and_cosines_of_both_are_the_mean_of_the_two() -> None:
    schema = schema_of("Meadow", "Water", "Asphalt", "Conifers")
    one, both = anchors("materials", schema).vectors, anchors("both", schema).vectors
    assert one.shape == (4, DIM)
    assert both.shape == (4, 2 * DIM)
    for vectors in (one, both):
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    text = sentences(schema)
    assert np.allclose(both @ both.T, (one @ one.T + text @ text.T) / 2, atol=1e-5)


def test_the_last_turn_keeps_the_angles_between_spectra() -> None:
    space = material_space(NM)
    assert space is not None
    places = np.stack([space.place(meant(name)) for name in ("meadow", "water", "asphalt", "roof")])
    unit = places / np.linalg.norm(places, axis=1, keepdims=True)
    turned = space.turned(places, DIM)
    assert np.allclose(turned @ turned.T, unit @ unit.T, atol=1e-4)


def test_spectra_that_are_alike_have_anchors_that_are_alike() -> None:
    v = anchors("materials", schema_of("Meadow", "Lawn", "Asphalt", "Water")).vectors
    cosine = v @ v.T
    assert cosine[0, 1] > cosine[0, 2]
    assert cosine[0, 1] > cosine[0, 3]


def test_states_move_an_anchor_as_they_move_a_spectrum() -> None:
    """Maize that covers a tenth of the ground lies nearer to soil than maize that covers nine tenths."""
    space = material_space(NM)
    assert space is not None
    said = ("Materials: 100 % maize (10 % cover)", "Materials: 100 % maize (90 % cover)", "Materials: 100 % soil")
    thin, full, soil = space.turned(np.stack([space.place(read_recipe(text).meant()) for text in said]), DIM)
    assert thin @ soil > 0.8 > full @ soil


def test_a_class_of_no_material_keeps_its_sentence_and_it_is_said() -> None:
    schema = schema_of("Meadow", "zzyzx 7", "Water")
    found = anchors("materials", schema)
    text = sentences(schema)
    assert np.array_equal(found.vectors[1], text[1])
    assert not np.allclose(found.vectors[0], text[0])
    assert any("zzyzx 7" in note and "sentence" in note for note in found.notes)
    both = anchors("both", schema).vectors
    assert np.allclose(both[1], np.concatenate([text[1], np.zeros(DIM)]))


def test_two_classes_of_one_spectrum_keep_their_sentences_and_it_is_said() -> None:
    """Equal anchors could never be told apart."""
    schema = schema_of("Maize", "Corn", "Water")
    found = anchors("materials", schema)
    assert np.array_equal(found.vectors[:2], sentences(schema)[:2])
    assert any("Maize, Corn" in note for note in found.notes)
    both = anchors("both", schema).vectors
    assert np.allclose(both[0, DIM:], both[1, DIM:])


def test_minerals_are_what_they_were_and_add_no_axis() -> None:
    """Models trained before minerals were known are asked in the same axes; in these all minerals are one direction."""
    space = material_space(NM)
    assert space is not None
    for mineral, before in (("Kaolinite", "clay minerals"), ("Calcite", "salt"), ("talc", "rock")):
        assert np.array_equal(space.place(meant(mineral)), space.place(meant(before)))
    keys, means = material_anchors.bank_means()
    assert len(keys) == len(means) == 69
    found = anchors("materials", schema_of("Kaolinite", "Alunite", "Water"))
    assert any("Kaolinite, Alunite" in note and "sentences" in note for note in found.notes)


@pytest.mark.parametrize("nm", [None, np.array([450, 550, 650], np.float32)])
def test_without_wavelengths_that_tell_materials_the_sentences_stay(nm: Any) -> None:
    schema = schema_of("Meadow", "Water")
    found = anchors("materials", schema, nm=nm)
    assert np.array_equal(found.vectors, sentences(schema))
    assert len(found.notes) == 1
    assert anchors("both", schema, nm=nm).vectors.shape == (2, 2 * DIM)


def test_gains_of_bands_and_unusable_bands_play_no_part() -> None:
    """The vectors depend on wavelengths alone, and the water-vapour bands are not among them."""
    vapour = np.sort(np.append(NM, [1380.0, 1400.0, 1900.0])).astype(np.float32)
    schema = schema_of("Meadow", "Water", "Asphalt")
    outside = NM[((NM < 1345) | (NM > 1455)) & ((NM < 1800) | (NM > 1962))]
    assert np.allclose(
        anchors("materials", schema, nm=vapour).vectors, anchors("materials", schema, nm=outside).vectors, atol=1e-5
    )


@pytest.mark.parametrize("style", ["p1", "p4"])
def test_shuffled_words_shuffle_the_anchors(style: str) -> None:
    schema = schema_of("Meadow", "Water", "Asphalt", "Conifers")
    words = prompt_set(schema, style)
    right = anchors("materials", schema, words).vectors
    order = derangement(4, np.random.default_rng(3))
    shuffled = anchors("materials", schema, permuted(words, schema, np.random.default_rng(3))).vectors
    assert np.allclose(shuffled, right[order], atol=1e-6)


def test_a_question_lies_where_a_class_of_those_words_lies() -> None:
    class Fixed:
        def encode(self, sentences: list[str]) -> FloatArray:
            return np.ones((len(sentences), DIM), np.float32) / np.float32(np.sqrt(DIM))

    schema = schema_of("Meadow", "Water")
    asked = AnchorEncoder("materials", Fixed(), NM, None).encode(["meadow", "zzyzx 7"])
    assert np.allclose(asked[0], anchors("materials", schema).vectors[0], atol=1e-6)
    assert np.allclose(asked[1], 1 / np.sqrt(DIM))
    assert AnchorEncoder("both", Fixed(), None, None).encode(["meadow"]).shape == (1, 2 * DIM)


def test_the_trained_methods_have_the_choice_and_old_records_are_read_as_text() -> None:
    assert len(WITH_ANCHORS) == 3
    for name in WITH_ANCHORS:
        kind: type[Params] = get_method(name).Params
        stored = kind().model_dump(mode="json")
        assert stored.pop("anchors") == "text"
        assert make_params(kind, stored).model_dump()["anchors"] == "text"


@pytest.mark.slow
@pytest.mark.parametrize("name", WITH_ANCHORS)
@pytest.mark.parametrize("kind", ["materials", "both"])
def test_a_method_trains_maps_saves_and_says_what_its_anchors_are(name: str, kind: str) -> None:
    cube, truth = fields(24, 26, classes=3)
    scene = scene_from(cube, name="anchored", wavelength_nm=NM[::10])
    labels = draw_labels(truth, scene.valid, shots=3)
    ids = [info.id for info in labels.schema.classes]
    words = PromptSet({ids[0]: ("meadow",), ids[1]: ("dark water.",), ids[2]: ("zzyzx 7",)})
    method = get_method(name)
    values = make_params(method.Params, {**method.test_params, "anchors": kind})
    fitted = method.fit(scene, labels, words, values, Context())
    assert any("Class vectors from spectra" in note for note in fitted.notes)
    assert any("No material" in note for note in fitted.notes)
    block = Block(scene, slice(0, 24), slice(0, 26))
    found = fitted.predict(block)
    again = method.from_state(fitted.state(), scene, Context())
    assert again.notes == fitted.notes
    assert np.allclose(again.predict(block), found, atol=1e-5)
    assert float((found.argmax(axis=0) == truth).mean()) > 0.6
    if method.own_text_side:  # a question lies among the anchors: its own class answers to its name
        space = again.text_space(scene, get_encoder, lambda _: None)
        assert space is not None
        cosine = space.query(["meadow"])
        assert cosine[truth == 0].mean() > cosine[truth != 0].mean()
