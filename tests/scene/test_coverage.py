"""A scene too large to be read before it is shown: bands from a sample, valid pixels where they are asked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hsi_studio.engine.scene_info import scene_facts
from hsi_studio.errors import BadValues, Cancelled
from hsi_studio.features.composite import Compositor
from hsi_studio.scene.cube import ArrayCube
from hsi_studio.scene.survey import survey
from hsi_studio.testing.scenes import scene_from
from hsi_studio.types import Scene
from hsi_studio.watching import watched


class Counted(ArrayCube):
    """A cube that counts the values read of it."""

    values = 0

    def read(self, rows, cols, bands=None):
        out = super().read(rows, cols, bands)
        self.values += out.size
        return out


@pytest.fixture
def large(monkeypatch) -> Scene:
    """60 × 50 × 6, large by decree: a border of zeros, a pixel with a gap, a constant band, one the file rules out."""
    monkeypatch.setattr("hsi_studio.scene.survey.LARGE", 10_000)
    monkeypatch.setattr("hsi_studio.scene.survey.SAMPLE", 3_000)
    monkeypatch.setattr("hsi_studio.scene.survey.FEWEST", 100)
    monkeypatch.setattr("hsi_studio.scene.coverage.PIECE_VALUES", 2_000)
    monkeypatch.setattr("hsi_studio.scene.coverage.AFTER_S", 0)
    rng = np.random.default_rng(3)
    values = (rng.random((60, 50, 6)) + 1).astype(np.float32)
    values[..., 4] = 7
    values[:, :5] = 0
    values[10, 20, 2] = np.nan
    values[59, 49, 5] = np.inf  # in the band that is ruled out
    scene = scene_from(values)
    usable = np.array([True] * 5 + [False])
    return replace(scene, cube=Counted(values), bands=replace(scene.bands, usable=usable), survey_fn=survey)


def test_windows_the_whole_and_a_pass_over_everything_agree(large, monkeypatch):
    pieces = [large.valid_in(slice(row, row + 7), slice(3, 31)) for row in range(0, 60, 7)]
    strided = large.valid_in(slice(2, 60), slice(1, 50), 3)
    whole = large.valid
    monkeypatch.setattr("hsi_studio.scene.survey.LARGE", 10**9)
    full = replace(large, survey_fn=lambda scene: survey(scene))
    assert np.array_equal(whole, full.valid)
    assert np.array_equal(large.good_bands, full.good_bands)
    assert np.array_equal(np.concatenate(pieces), whole[:, 3:31])
    assert np.array_equal(strided, whole[2:, 1:][::3, ::3])
    assert whole.sum() == 60 * 45 - 1


def test_what_is_read_of_it_before_it_is_shown_is_a_sample(large):
    found = large.survey
    assert large.cube.values <= 4_000 < 18_000
    assert found.known == 0
    assert "come from 480 of its 3,000 pixels, in 32 rows" in found.notes[0]
    assert "0 % of the rows yet" in found.all_notes()[-1]
    facts = scene_facts(large, wait=False)
    assert facts["valid_pixels"] is None
    assert any("looked at behind" in note for note in facts["notes"])
    facts = scene_facts(large)
    assert facts["valid_pixels"] == 60 * 45 - 1
    assert any(note.startswith("301 of 3000 pixels (10.0 %) are left out") for note in facts["notes"])


def test_the_picture_of_the_whole_does_not_wait_and_does_not_change_when_all_is_known(large):
    before = Compositor().render(large, "custom:1,2,3", slice(0, 60), slice(0, 50), step=2)
    assert large.survey.known == 0
    assert large.valid.any()
    after = Compositor().render(large, "custom:1,2,3", slice(0, 60), slice(0, 50), step=2)
    assert np.array_equal(before, after)
    assert not before[:, :2, 3].any()  # the border of zeros shows nothing


def test_statistics_do_not_depend_on_what_has_been_read_before(large):
    again = replace(large, survey_fn=lambda scene: survey(scene))
    _ = large.valid
    assert np.array_equal(large.survey.band_mean, again.survey.band_mean, equal_nan=True)


def test_a_pass_that_was_stopped_goes_on_where_it_was(large):
    def stop(what: str, done: float, total: float) -> None:
        if done > 20:
            raise Cancelled("It was stopped.")

    _ = large.survey
    with pytest.raises(Cancelled), watched(stop):
        _ = large.valid
    assert 0.3 < large.survey.known < 1
    read = large.cube.values
    assert large.valid.sum() == 60 * 45 - 1
    assert large.cube.values - read < 18_000 * 0.7


def test_the_rest_is_looked_at_behind(large):
    large.survey.go_on_behind()
    thread = large.survey.coverage._behind
    if thread is not None:
        thread.join(20)
    assert large.survey.known == 1
    large.survey.go_on_behind()  # and not again
    assert large.survey.coverage._behind is None


def test_a_sample_that_holds_nothing_is_no_verdict(large):
    values = np.zeros((60, 50, 6), np.float32)
    values[0, :, :] = np.arange(300).reshape(50, 6) + 1
    found = replace(large, cube=Counted(values))
    assert found.survey.known == 1  # all of it was looked at
    assert found.valid.sum() == 50
    with pytest.raises(BadValues, match="zero in every band"):
        _ = replace(large, cube=Counted(np.zeros_like(values))).survey
