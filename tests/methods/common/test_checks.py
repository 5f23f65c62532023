"""What methods and the list of models refuse, in the same words."""

from __future__ import annotations

import numpy as np
import pytest

from hsi_studio.errors import LabelProblem, SceneMismatch
from hsi_studio.methods.common.checks import band_difference, check_bands, check_units, labels_on_data
from tests.features.scenes import draw_labels, fields, scene_from, with_gaps

NM = np.linspace(450, 2400, 12).astype(np.float32)
CUBE, TRUTH = fields()
SCENE = scene_from(CUBE, wavelength_nm=NM, name="here")
HEADER = {"bands": 12, "scene": "another"}


def test_the_number_of_bands_and_their_places_are_told_apart() -> None:
    assert band_difference(12, NM, SCENE) == ""
    assert band_difference(12, NM + 4.9, SCENE) == ""
    assert band_difference(12, None, SCENE) == ""  # a model of a file without wavelengths
    said = band_difference(9, NM[:9], SCENE)
    assert said == "The model has 9 bands (450–1868 nm), here has 12 bands (450–2400 nm)."
    moved = NM.copy()
    moved[4] += 20
    assert band_difference(12, moved, SCENE) == "Band 5 is at 1179.1 nm in the model and at 1159.1 nm in here."


def test_the_methods_refuse_in_the_words_of_the_models_list() -> None:
    with pytest.raises(SceneMismatch) as refused:
        check_bands({"bands": 9, "scene": "another"}, NM[:9], np.arange(9), SCENE)
    assert str(refused.value).startswith(band_difference(9, NM[:9], SCENE))
    assert "retrain" in str(refused.value)


def test_a_band_without_information_is_refused_on_another_scene_only() -> None:
    holed = scene_from(with_gaps(CUBE), wavelength_nm=NM, name="holed")  # band 4 is constant
    with pytest.raises(SceneMismatch, match=r"uses 12 bands, 1 of them .*the first is band 4"):
        check_bands(HEADER, NM, np.arange(12), holed)
    check_bands({**HEADER, "scene": holed.id}, NM, np.arange(12), holed)
    check_bands(HEADER, NM, np.delete(np.arange(12), 3), holed)


def test_other_units_are_seen_by_their_size() -> None:
    mean = SCENE.survey.band_mean
    check_units(mean * 5, np.arange(12), SCENE)
    with pytest.raises(SceneMismatch, match="units or the scale factor"):
        check_units(mean * 10_000, np.arange(12), SCENE)


def test_a_label_on_a_pixel_without_data_is_told_with_its_place() -> None:
    holed = scene_from(with_gaps(CUBE), name="hole")
    labels_on_data(holed.valid, draw_labels(TRUTH, holed.valid, shots=3))
    everywhere = draw_labels(TRUTH, np.ones_like(holed.valid), shots=400)
    inside = ~holed.valid[everywhere.row, everywhere.col]
    with pytest.raises(LabelProblem, match=f"^{inside.sum()} labels lie on pixels without data, the first at row"):
        labels_on_data(holed.valid, everywhere)
