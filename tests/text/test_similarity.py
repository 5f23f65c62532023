"""Likeness of class texts, on vectors that are known."""

from __future__ import annotations

import numpy as np
import pytest

from hsi_studio.text.similarity import centred, close_pairs, joint_plane, plane, similarity
from hsi_studio.types import ClassInfo, ClassSchema, FloatArray, PromptSet

SCHEMA = ClassSchema(tuple(ClassInfo(name[0].lower(), name, "#111111") for name in ("Asphalt", "Bitumen", "Conifers")))


class Bag:
    """An encoder with one dimension a word."""

    name = "bag of words"

    def __init__(self) -> None:
        self.words: dict[str, int] = {}

    def encode(self, sentences: list[str]) -> FloatArray:
        out = np.zeros((len(sentences), 64), dtype=np.float32)
        for n, text in enumerate(sentences):
            for word in text.lower().rstrip(".").split():
                out[n, self.words.setdefault(word, len(self.words))] += 1
        return out / np.linalg.norm(out, axis=1, keepdims=True)


def test_cosines_by_hand() -> None:
    prompts = PromptSet({"a": ("grey strip",), "b": ("grey strip", "wide"), "c": ("dark crowns",)})
    found = similarity(Bag(), prompts, SCHEMA)
    assert np.allclose(np.diag(found.raw), 1)
    assert found.raw[0, 1] == pytest.approx(1 / np.sqrt(2), abs=1e-6)  # the mean of (1,1,0)/√2 and (0,0,1)
    assert found.raw[0, 2] == 0
    assert np.allclose(found.raw, found.raw.T)
    assert np.abs(centred(found.vectors).sum(axis=0) @ np.ones(64)) < 3  # unit rows, no shared direction left
    assert found.centred[0, 2] < 0 < found.centred[0, 1] + 1
    assert found.owner.tolist() == [0, 1, 1, 2]
    assert 0 < found.shown <= 1


def test_alike_pairs_come_with_what_tells_them_apart() -> None:
    prompts = PromptSet({"a": ("a grey strip",), "b": ("a grey strip",), "c": ("dark crowns",)})
    found = similarity(Bag(), prompts, SCHEMA)
    (pair,) = close_pairs(found, prompts)
    assert (pair.first, pair.second, round(pair.raw, 3)) == (0, 1, 1)
    assert "only their names differ" in pair.text
    (pair,) = close_pairs(found, prompts, {(0, 1): "the red at 650 nm (0.1 against 0.3)"})
    assert pair.text.endswith("tell them apart by the red at 650 nm (0.1 against 0.3).")
    assert close_pairs(similarity(Bag(), PromptSet(), SCHEMA), PromptSet()) == []


def test_no_class_one_class_and_equal_classes() -> None:
    assert similarity(Bag(), PromptSet(), ClassSchema()).raw.shape == (0, 0)
    one = similarity(Bag(), PromptSet(), ClassSchema(SCHEMA.classes[:1]))
    assert one.raw.tolist() == [[1.0]]
    same = PromptSet(dict.fromkeys("abc", ("x",)))
    found = similarity(Bag(), same, SCHEMA)
    assert np.isfinite(found.centred).all()
    assert not found.places.any()


def test_the_plane_keeps_distances_it_can_show() -> None:
    flat = np.zeros((5, 9), dtype=np.float32)
    flat[:, 3], flat[:, 7] = [0, 1, 2, 3, 4], [0, 2, 0, 2, 0]
    places, shown = plane(flat)
    assert shown == pytest.approx(1)
    assert np.linalg.norm(places[0] - places[3]) == pytest.approx(np.hypot(3, 2), rel=1e-5)
    assert np.array_equal(places, plane(flat)[0])
    gap = np.float32(5.0)  # images lie elsewhere as a whole
    texts, pixels, _ = joint_plane(flat[:3], np.array([flat[0] + gap, np.full(9, np.nan), flat[2] + gap]))
    assert np.allclose(texts[[0, 2]], pixels[[0, 2]], atol=1e-5)
    assert np.isnan(pixels[1]).all()
    assert np.isnan(joint_plane(flat[:2], np.full((2, 9), np.nan, dtype=np.float32))[1]).all()
