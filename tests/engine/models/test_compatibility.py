"""What the list of models says about a scene before anything is loaded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hsi_studio.engine.models.checkpoint import Header
from hsi_studio.engine.models.compatibility import scene_fit
from hsi_studio.engine.models.metadata import CheckpointFacts, SceneFacts, level_of
from hsi_studio.types import Scene
from tests.features.scenes import fields, scene_from

NM = np.linspace(400, 900, 12).astype(np.float32)


def scene(bands: int = 12, shift_nm: float = 0.0, **more: Any) -> Scene:
    return scene_from(fields(20, 20, bands)[0], wavelength_nm=NM[:bands] + np.float32(shift_nm), **more)


def header(method: str = "live", scene_id: str = "elsewhere", **state: Any) -> Header:
    there = SceneFacts(id=scene_id, name="there", title="A field, 2012", bands=12, wavelength_nm=tuple(NM.tolist()))
    return Header(CheckpointFacts(method=method, classes=(), scene=there), state, {}, 0, "")


def test_its_own_scene_needs_no_word_and_another_one_is_named() -> None:
    here = scene()
    assert scene_fit(header(scene_id=here.id), here).words == ""
    assert scene_fit(header(scene_id=here.id), here).verdict == "own scene"
    other = scene_fit(header(), here)
    assert (other.verdict, other.ok) == ("same bands", True)
    assert "A field, 2012" in other.words


def test_values_far_from_those_it_was_trained_on_are_told() -> None:
    here = scene()
    level = level_of(here)
    assert level == pytest.approx(float(np.median(here.survey.band_mean)))
    for factor, told in ((1.0, False), (2.0, False), (4.0, True), (0.2, True)):
        there = header()
        there = replace(there, facts=there.facts.model_copy(
            update={"scene": there.facts.scene.model_copy(update={"level": level * factor})}
        ))  # fmt: skip
        fit = scene_fit(there, here)
        assert fit.ok
        assert ("unit or scale factor" in fit.words) == told
    assert "scale factor" not in scene_fit(header(), here).words  # a file from before


@pytest.mark.parametrize(("shift_nm", "ok"), [(4.0, True), (6.0, False)])
def test_bands_up_to_five_nanometres_apart_are_the_same(shift_nm: float, ok: bool) -> None:
    assert scene_fit(header(), scene(shift_nm=shift_nm)).ok == ok


def test_bands_without_wavelengths_are_not_said_to_be_the_same() -> None:
    bare = scene_from(fields(20, 20, 12)[0])
    told = scene_fit(header(), bare)
    assert told.ok
    assert "as many bands" in told.words
    assert "is not known" in told.words


def test_other_bands_are_refused_with_what_the_method_makes_possible() -> None:
    here = scene(bands=7)
    plain, warm = scene_fit(header("live"), here), scene_fit(header("diffclip"), here)
    assert not plain.ok
    assert "12 bands" in plain.reason
    assert "7 bands" in plain.reason
    assert "Train from it" in warm.possible
    assert "Train from it" not in plain.possible


def test_a_model_with_heights_wants_a_surface_model() -> None:
    dsm = np.zeros((20, 20, 1), dtype=np.float32)
    assert scene_fit(header(layers=0), scene()).ok
    assert scene_fit(header(layers=1), scene(dsm=dsm)).ok
    refused = scene_fit(header(layers=1), scene())
    assert not refused.ok
    assert "no surface model" in refused.words


def test_a_method_this_program_has_not_is_named() -> None:
    refused = scene_fit(header("from_the_future"), scene())
    assert not refused.ok
    assert "from_the_future" in refused.words
    assert "Update" in refused.words
