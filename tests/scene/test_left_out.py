"""A scene without some of its bands: another id, the same cube, and what the bands alone took away comes back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hsi_studio.errors import BadRequest
from hsi_studio.scene.cube import ArrayCube
from hsi_studio.scene.left_out import without_bands
from hsi_studio.scene.resolve import resolve
from hsi_studio.scene.survey import survey
from hsi_studio.types import Bands, Scene


def scene(usable: np.ndarray | None = None) -> Scene:  # type: ignore[type-arg]
    cube = np.random.default_rng(0).random((6, 5, 8)).astype(np.float32)
    cube[2, 3, 4] = np.nan
    return Scene(
        "a" * 16, "s", "S", ArrayCube(cube), Bands(8, np.arange(400, 480, 10, dtype=np.float32), usable=usable), survey
    )


def test_bands_are_left_out_and_gaps_of_theirs_with_them() -> None:
    whole = scene()
    assert not whole.valid[2, 3]
    less = without_bands(whole, [4, 6, 99])
    assert np.flatnonzero(~less.good_bands).tolist() == [4, 6]
    assert less.left_out == (4, 6)
    assert less.valid.all()
    assert (less.base_id, less.shape) == (whole.id, whole.shape)
    assert less.survey.notes[-1] == "2 bands left out in this project: 5 (440 nm), 7 (460 nm)."
    assert not any("file" in note for note in less.survey.notes)
    assert less.without_reference().left_out == (4, 6)


def test_the_id_tells_the_choice_and_nothing_else() -> None:
    whole = scene()
    ids = {without_bands(whole, chosen).id for chosen in ([1], [2], [1, 2], [2, 1], {1, 2})}
    assert len(ids) == 3
    assert without_bands(whole, []) is whole


def test_the_files_list_stays_the_files() -> None:
    usable = np.ones(8, dtype=bool)
    usable[0] = False
    less = without_bands(scene(usable), [5])
    assert np.flatnonzero(~less.good_bands).tolist() == [0, 5]
    assert "1 band ruled out by the file's bad-band list." in less.survey.notes


def test_two_bands_stay() -> None:
    with pytest.raises(BadRequest, match="7 bands of 8 left out: at least two have to stay"):
        without_bands(scene(), range(7))


def test_a_run_opens_it_by_its_spec(tmp_path: Path) -> None:
    np.save(tmp_path / "c.npy", np.random.default_rng(0).random((6, 5, 8)).astype(np.float32))
    whole = resolve(tmp_path / "c.npy")
    less = resolve(tmp_path / "c.npy", left_out=[3, 4])
    assert less.left_out == (3, 4)
    assert less.id == without_bands(whole, [3, 4]).id
