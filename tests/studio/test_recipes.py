"""Sentences of a class as chips with spectra, and a correction that is a sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hsi_studio.engine.query.pixel_facts import PixelFacts
from hsi_studio.errors import BadRequest
from hsi_studio.features.cache import FeatureCache
from hsi_studio.studio.recipes import Recipes, sentence_of
from hsi_studio.types import FloatArray
from tests.studio.test_prompts import NM, SmallWorkspace, lab, workspace  # noqa: F401 - a fixture


def no_encoder(sentences: list[str]) -> FloatArray:
    return np.zeros((len(sentences), 2), dtype=np.float32)


def test_chips_have_spectra_and_a_correction_is_a_sentence(workspace: SmallWorkspace, tmp_path: Path) -> None:  # noqa: F811
    prompts, project = lab(workspace), workspace.made
    recipes = Recipes(workspace, prompts, lambda scene: PixelFacts(scene, FeatureCache(), tmp_path), lambda: no_encoder)
    meadow, water, roof = (info.id for info in project.schema.classes)
    words, _ = prompts.create("p", "empty")
    prompts.edit("p", words.id, {roof: ["60 % tile roof", "40 % wet lawn"]})
    row, col = (int(v[0]) for v in np.nonzero(workspace.small.reference == 3))
    project.add_point(row, col, roof)
    found = recipes.of("p", words.id)
    assert [chip.title for chip in found[water].recipe.chips] == ["water"]  # by its name
    one = found[roof]
    assert [round(100 * chip.share) for chip in one.recipe.chips] == [60, 40]
    assert one.spectra.shape == (2, one.nm.size) == (2, NM.size)
    np.testing.assert_allclose(one.mixed, 0.6 * one.spectra[0] + 0.4 * one.spectra[1], rtol=1e-5)
    assert one.mean is not None
    np.testing.assert_allclose(one.mean, (0.06, 0.1, 0.28, 0.33, 0.36), atol=0.003)
    assert found[meadow].mean is None
    recipes.correct("p", words.id, roof, [{"key": "road", "share": 50, "state": "dark"}, {"key": "soil", "share": 50}])
    assert [chip.title for chip in recipes.of("p", words.id)[roof].recipe.chips] == ["road (dark)", "soil"]
    said = prompts.book("p").prompts(words.id).sentences[roof]
    assert said[:2] == ("60 % tile roof", "40 % wet lawn")  # what the user wrote stays
    recipes.correct("p", words.id, roof, [])
    assert prompts.book("p").prompts(words.id).sentences[roof] == said[:2]


def test_what_is_no_material_is_refused(workspace: SmallWorkspace, tmp_path: Path) -> None:  # noqa: F811
    recipes = Recipes(
        workspace, lab(workspace), lambda scene: PixelFacts(scene, FeatureCache(), tmp_path), lambda: no_encoder
    )
    with pytest.raises(BadRequest, match="cheese"):
        recipes.correct("p", "s", "c", [{"key": "cheese", "share": 10}])


def test_sentences_of_a_class_are_one_text() -> None:
    assert sentence_of(["Bare soil.", " ", "near a road"]) == "Bare soil. near a road"
