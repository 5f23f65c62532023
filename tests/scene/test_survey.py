"""The survey: what counts as a good band and a valid pixel, and what the user reads about it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hsi_studio.errors import BadValues
from hsi_studio.scene import open_catalog, survey
from hsi_studio.scene.open import open_scene
from hsi_studio.types import Scene, Survey
from tests.scene import fake


def scene_of(folder: Path, values: np.ndarray, **extra: np.ndarray) -> Scene:
    np.savez(folder / "s.npz", cube=values, **extra)
    return open_scene(folder / "s.npz", axes="rows,cols,bands")


def test_statistics_are_those_of_numpy(tmp_path, monkeypatch):
    monkeypatch.setattr("hsi_studio.scene.survey.CHUNK_VALUES", 200)  # many chunks
    values = fake.cube(33, 21, 7).astype("f4") + 1000
    found = scene_of(tmp_path, values).survey
    flat = values.reshape(-1, 7).astype(np.float64)
    assert found.band_mean == pytest.approx(flat.mean(0), rel=1e-6)
    assert found.band_std == pytest.approx(flat.std(0), rel=1e-4)
    assert np.array_equal(found.band_min, values.min((0, 1)))
    assert np.array_equal(found.band_max, values.max((0, 1)))
    assert found.valid.all()
    assert found.good_bands.all()
    assert found.notes == ()


def test_constant_and_empty_bands_are_named_by_number_and_wavelength(tmp_path):
    values = fake.cube()
    values[:, :, 0:2] = 7
    values[:, :, 5] = np.nan
    scene = scene_of(tmp_path, values, wavelength_nm=np.arange(400, 1200, 100.0))
    assert np.flatnonzero(~scene.good_bands).tolist() == [0, 1, 5]
    assert scene.valid.all()
    notes = " ".join(scene.survey.notes)
    assert "2 bands are constant and are left out: 1–2 (400–500 nm)." in notes
    assert "1 band is without any data and is left out: 6 (900 nm)." in notes


def test_missing_infinite_and_zero_pixels_are_invalid_and_counted(tmp_path):
    values = fake.cube()
    values[0, 0, 3], values[1, 1, 2], values[2, 2] = np.nan, np.inf, 0
    found = scene_of(tmp_path, values).survey
    assert sorted(np.flatnonzero(~found.valid.ravel()).tolist()) == [0, 6, 12]
    assert "3 of 30 pixels (10.0 %) are left out" in found.notes[0]
    assert "2 with missing values" in found.notes[0]
    assert "1 zero in every band" in found.notes[0]
    keep = found.valid.ravel()
    assert found.band_mean == pytest.approx(values.reshape(-1, 8)[keep].mean(0), rel=1e-5)
    assert np.isfinite(found.band_max).all()


def test_border_of_zeros_with_a_constant_band_is_invalid(tmp_path):
    values = fake.cube()
    values[0] = 0
    values[:, :, 4] = 9  # constant also on the border
    found = scene_of(tmp_path, values).survey
    assert found.valid.sum() == 25
    assert not found.valid[0].any()
    assert not found.good_bands[4]


def test_band_with_gaps_in_most_pixels_is_dropped_rather_than_the_pixels(tmp_path):
    values = fake.cube()
    values[1:, :, 6] = np.nan
    found = scene_of(tmp_path, values).survey
    assert found.valid.all()
    assert np.flatnonzero(~found.good_bands).tolist() == [6]
    assert "more than half" in found.notes[0]


@pytest.mark.parametrize(
    ("fill", "text"), [(np.nan, "no pixel has data"), (0, "zero in every band"), (5, "8 constant")]
)
def test_nothing_usable_is_an_error_with_the_numbers(tmp_path, fill, text):
    scene = scene_of(tmp_path, np.full((6, 5, 8), fill, dtype="f4"))
    with pytest.raises(BadValues, match=text) as caught:
        scene.survey  # noqa: B018
    assert "s.npz" in str(caught.value)


def test_it_never_reads_the_whole_cube_at_once():
    class Watched:
        shape = (4000, 300, 50)
        largest = 0

        def read(self, rows, cols, bands=None):
            size = (rows.stop - rows.start) * (cols.stop - cols.start) * 50
            Watched.largest = max(Watched.largest, size)
            row = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None, None]
            return np.broadcast_to(row, (row.size, cols.stop - cols.start, 50)) + np.float32(1)

    pines = open_catalog("indian_pines")
    scene = replace(pines, cube=Watched(), bands=type(pines.bands)(50), reference=None, survey_fn=survey.survey)
    with fake.little_memory(200 << 20):
        found: Survey = scene.survey
    assert found.valid.all()
    assert Watched.largest <= 4_000_000
