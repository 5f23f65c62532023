"""`studio.recipes`: a class's sentences read as materials, each with its spectrum on the scene's bands.

>>> studio.recipes.of(project.id, words.id)[soil.id].recipe.chips
>>> studio.recipes.correct(project.id, words.id, soil.id, chips)

A correction is one more sentence of the class, "Materials: 60 % soil, 40 % straw" (`text/materials/reading.py`): it is
in the journal, can be undone and travels with the set. Sentences measured on the pixels or written by a language model
are sentences like any other. Reading a clause that holds no known name opens the sentence encoder (seconds).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hsi_studio.engine.query.material_classes import in_state
from hsi_studio.engine.query.pixel_facts import PixelFacts
from hsi_studio.engine.query.spectral_view import bank_of, windows_of
from hsi_studio.errors import BadRequest
from hsi_studio.studio import Subject
from hsi_studio.studio.prompts import Prompts
from hsi_studio.studio.workspace import Workspace
from hsi_studio.text.materials.names import Encode, materials
from hsi_studio.text.materials.reading import WRITTEN, Chip, Recipe, read_recipe, state_of, written
from hsi_studio.types import FloatArray, Scene

MOST_LABELS, MOST_CHIPS = 500, 8


@dataclass(frozen=True)
class ClassRecipe:
    """`spectra` (C, W) of each chip, `mixed` (W,) of all by their shares, `mean` (W,) of the class's labelled pixels
    (None without labels); reflectance, or what stands for it, in windows of the sensor's bands at `nm` (W,), which is
    empty where the bands cannot tell materials."""

    recipe: Recipe
    nm: FloatArray
    spectra: FloatArray
    mixed: FloatArray
    mean: FloatArray | None


class Recipes(Subject):
    """One subject of `Studio`. `facts_on(scene)` measures, `encode()` gives the sentence encoder."""

    def __init__(
        self,
        workspace: Workspace,
        prompts: Prompts,
        facts_on: Callable[[Scene], PixelFacts],
        encode: Callable[[], Encode],
    ) -> None:
        self._workspace, self._prompts, self._facts_on, self._encode = workspace, prompts, facts_on, encode

    def of(self, project_id: str, set_id: str) -> dict[str, ClassRecipe]:
        """Class id → its recipe, of all classes; one without sentences is read by its name. Raises LabelProblem."""
        project = self._workspace.project(project_id)
        said = project.words.prompts(set_id).sentences
        facts, labels = self._facts_on(self._workspace.scene_of(project_id)), project.labels()
        windows = windows_of(facts.axis, facts.scene.bands.fwhm_nm)
        bank = bank_of(facts, windows) if windows.tells else {}
        encode = self._encode()
        out = {}
        for k, info in enumerate(project.schema.classes):
            recipe = read_recipe(sentence_of(said.get(info.id, ())) or info.name, encode)
            nm = windows.centre_nm if windows.tells else np.zeros(0, np.float32)
            rng = np.random.default_rng(0)
            rows = [in_state(bank[c.key], c.state, bank, nm, rng).mean(axis=0) for c in recipe.chips if nm.size]
            spectra = np.array(rows, dtype=np.float32).reshape(len(rows), nm.size)
            shares = np.array([c.share for c in recipe.chips][: len(rows)], dtype=np.float32)
            own = np.flatnonzero(labels.label == k)[:MOST_LABELS]
            mean = None
            if own.size and nm.size:
                values = facts.spectra_at(labels.row[own], labels.col[own]).mean(axis=0)
                read = (values - facts.calibration.haze) * facts.calibration.factor
                mean = np.array([read[bands].mean() for bands in windows.bands], dtype=np.float32)
            out[info.id] = ClassRecipe(recipe, nm, spectra, shares @ spectra, mean)
        return out

    def correct(self, project_id: str, set_id: str, class_id: str, chips: Sequence[Mapping[str, Any]]) -> int:
        """Keep these chips, {"key", "share" in percent, "state": "wet, 40 % cover"}, as the class's recipe; none: the
        sentences are read again. Raises BadRequest, LabelProblem."""
        made = []
        for chip in chips[:MOST_CHIPS]:
            key, share = str(chip.get("key", "")), float(chip.get("share", 0.0))
            if key not in materials() or not 0.0 < share <= 100.0:
                raise BadRequest(f"{key!r} at {share:g} % is no part of a recipe: choose a material, 1 to 100 %.")
            made.append(Chip(key, share / 100.0, "", True, state_of(str(chip.get("state", "")))))
        total = sum(chip.share for chip in made)
        before = self._prompts.book(project_id).prompts(set_id).sentences.get(class_id, ())
        kept = [text for text in before if WRITTEN not in text]
        if made:
            kept.append(written([replace(chip, share=chip.share / total) for chip in made]))
        return self._prompts.edit(project_id, set_id, {class_id: kept}, "recipe corrected")


def sentence_of(sentences: Sequence[str]) -> str:
    """All that is said of a class as one text."""
    return ". ".join(text.strip().rstrip(".") for text in sentences if text.strip())
