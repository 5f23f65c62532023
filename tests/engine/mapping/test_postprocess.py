"""Steps after a map: what they change, what they never change."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hsi_studio.engine.mapping.postprocess import apply_steps, guide, parse_steps, sieve, vote
from hsi_studio.errors import BadRequest
from hsi_studio.scene.cube import ArrayCube
from hsi_studio.types import ClassInfo, ClassSchema, Prediction
from tests.project.small import small_scene

SCHEMA = ClassSchema((ClassInfo("a", "A", "#112233"), ClassInfo("b", "B", "#445566")))


def mapped(label: np.ndarray) -> Prediction:
    sure = np.where(label > 0, 0.8, np.nan).astype(np.float32)
    return Prediction(SCHEMA, label.astype(np.uint16), sure, "m", {}, 3)


def speckled() -> np.ndarray:
    label = np.ones((20, 30), int)
    label[:, 15:] = 2
    label[5, 5] = label[5, 6] = 2  # two pixels of the other class
    label[0, 0] = 0  # no data
    return label


def test_the_sieve_takes_regions_below_the_area_and_no_others() -> None:
    scene = small_scene(20, 30, 3, gsd_m=2.0)
    before = mapped(speckled())
    kept = apply_steps(before, scene, parse_steps("sieve=8"))  # 8 m² = two pixels of 4 m²
    assert np.array_equal(kept.label, before.label)
    gone = apply_steps(before, scene, parse_steps("sieve=9"))
    assert gone.label[5, 5] == gone.label[5, 6] == 1
    assert gone.label[0, 0] == 0
    assert (gone.label[:, 15:] == 2).all()
    assert before.label[5, 5] == 2  # the old map is as it was
    assert gone.params["after"] == ["sieve=9"]
    assert gone.confidence[5, 5] == pytest.approx(0.8)


def test_an_area_that_no_region_has_leaves_the_map() -> None:
    before = mapped(speckled())
    asked = parse_steps("sieve=100000")  # more than the whole scene
    assert np.array_equal(apply_steps(before, small_scene(20, 30, 3, gsd_m=2.0), asked).label, before.label)


def test_a_majority_of_nine_takes_single_pixels_and_leaves_straight_edges() -> None:
    label = speckled()
    label[5, 6] = 1
    after = vote(mapped(label), 1, None)
    assert after.label[5, 5] == 1
    assert after.label[0, 0] == 0
    assert np.array_equal(after.label[:, 14:], label[:, 14:])


def test_edges_follow_the_picture_where_a_majority_would_cross_it() -> None:
    """A thin line of another spectrum, mapped as it is, stays; without the picture a majority takes it."""
    rng = np.random.default_rng(0)
    cube = rng.normal(0, 0.01, (20, 30, 4)).astype(np.float32)
    cube[:, 15] += 1
    scene = replace(small_scene(20, 30, 4), cube=ArrayCube(cube))
    label = np.ones((20, 30), int)
    label[:, 15] = 2
    assert (vote(mapped(label), 1, None).label == 1).sum() > (label == 1).sum()
    assert np.array_equal(vote(mapped(label), 1, guide(scene)).label, label)


def test_thresholds_leave_pixels_without_a_class() -> None:
    before = mapped(speckled())
    before.confidence[3, 3] = 0.4
    after = apply_steps(before, small_scene(20, 30, 3), parse_steps("confidence=0.5"))
    assert after.label[3, 3] == 0
    assert np.isnan(after.confidence[3, 3])
    assert (after.label > 0).sum() == (before.label > 0).sum() - 1


def test_one_pixel_regions_stay_as_they_are() -> None:
    before = mapped(speckled())
    assert sieve(before, 1) is before


@pytest.mark.parametrize("text", ["", "sieve", "blur=3", "majority=0", "majority=1.5", "confidence=1.2", "sieve=-4"])
def test_a_step_that_cannot_be_says_what_can(text: str) -> None:
    with pytest.raises(BadRequest):
        parse_steps(text)
