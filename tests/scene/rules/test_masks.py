"""Arrays that look like masks: named in the plan, applied only when somebody says how, either way round."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hsi_studio.errors import BadValues
from hsi_studio.scene.open import open_scene
from hsi_studio.scene.rules.masks import beside, both_ways, turned, words
from tests.scene import fake

FLAGS = np.ones((9, 7), dtype=np.uint8)
FLAGS[6:, :3] = 0  # 9 of 63


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "flight.npz"
    np.savez(path, cube=fake.cube(9, 7, 30), valid_mask=FLAGS, all_good_mask=np.ones((9, 7), "u1"), other=FLAGS)
    return path


def test_a_mask_beside_the_cube_is_told_and_not_applied(file: Path) -> None:
    scene = open_scene(file)
    assert scene.valid.all()
    (note,) = [note for note in scene.notes if "mask" in note]
    assert note.startswith("“valid_mask” in the file looks like a mask: 0 in 9 of 63 pixels. It is not applied")
    assert scene.plan["mask"]["value"] is None
    assert scene.plan["mask"]["choices"] == ["flight.npz:valid_mask", "not flight.npz:valid_mask"]


def test_it_leaves_out_its_zeros_or_what_it_marks(file: Path) -> None:
    zeros = open_scene(file, mask=f"{file}:valid_mask")
    np.testing.assert_array_equal(zeros.valid, FLAGS == 1)
    assert any("9 of 63 pixels are left out" in note and "its zeros are" in note for note in zeros.notes)
    marked = open_scene(file, mask="not flight.npz:valid_mask")  # beside the scene
    np.testing.assert_array_equal(marked.valid, FLAGS == 0)
    assert any("54 of 63 pixels are left out" in note and "what it marks is" in note for note in marked.notes)
    assert len({zeros.id, marked.id, open_scene(file).id}) == 3


def test_a_mask_that_leaves_out_everything_says_how_to_turn_it(file: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "empty.npy", np.zeros((9, 7), "u1"))
    with pytest.raises(BadValues, match=r"--mask “not empty\.npy”"):
        open_scene(file, mask="empty.npy")
    assert open_scene(file, mask="not empty.npy").valid.all()
    with pytest.raises(BadValues, match=r"turn it round, --mask flight\.npz:all_good_mask"):
        open_scene(file, mask="not flight.npz:all_good_mask")


def test_only_what_is_called_a_mask_counts() -> None:
    arrays = [(name, lambda: FLAGS) for name in ("water", "qa/bad_pixels", "good", "invalid", "gt_mask")]
    facts = beside(Path("x.h5"), arrays, {"gt_mask"})
    assert [way for way in facts["mask"].choices if not way.startswith("not ")] == [
        "x.h5:qa/bad_pixels", "x.h5:good", "x.h5:invalid",
    ]  # fmt: skip
    assert beside(Path("x.h5"), arrays[:1], set()) == {}


def test_a_spec_in_words() -> None:
    assert words("not /data/x.mat:mask_sub") == "left out where mask_sub is not 0"
    assert words("/data/cloud.tif") == "left out where cloud.tif is 0"
    assert turned("not x.tif") == ("x.tif", True)
    assert turned("nothing.tif") == ("nothing.tif", False)
    assert both_ways("not x.tif") == ("x.tif", "not x.tif")
