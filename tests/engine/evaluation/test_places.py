"""Labels of a class that all lie in one place: said, because no figure of theirs can show what the map is elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from hsi_studio.engine.evaluation.places import not_counted, place_note
from hsi_studio.methods.common.places import PLACE_PX, in_one_place
from hsi_studio.types import ClassInfo, ClassSchema, LabelSet

NAMES = ("Corn", "Woods", "Hay")
SHAPE = (100, 80, 5)


def labels(*places: list[tuple[int, int]]) -> LabelSet:
    """A class for each list of (row, column)."""
    schema = ClassSchema(tuple(ClassInfo(name.lower(), name, "#000000") for name in NAMES[: len(places)]))
    at = np.array([pixel for place in places for pixel in place], dtype=np.int64).reshape(-1, 2)
    label = np.repeat(np.arange(len(places)), [len(place) for place in places])
    return LabelSet(schema, at[:, 0], at[:, 1], label)


NEAR = [(10, 10), (12, 10 + PLACE_PX)]
FAR = [(10, 10), (12, 11 + PLACE_PX)]


def test_a_class_is_in_one_place_when_all_its_labels_are_near_each_other() -> None:
    assert in_one_place(labels(NEAR, FAR, NEAR[:1]), SHAPE).tolist() == [True, False, False]
    assert in_one_place(labels([], []), SHAPE).tolist() == [False, False]


def test_half_of_the_classes_in_one_place_are_told_and_what_helps() -> None:
    assert place_note(labels(NEAR, FAR), SHAPE) == (
        "All labels of Corn lie within 10 pixels: elsewhere the map may be far worse. Label it in other places too."
    )
    both = place_note(labels(NEAR, NEAR, FAR), SHAPE)
    assert "Corn and Woods lie within 10 pixels, class by class" in both
    assert both.endswith("Label them in other places too.")
    assert place_note(labels(NEAR, FAR, FAR), SHAPE) == ""  # a pond is in one place
    assert place_note(labels([], []), SHAPE) == ""


@pytest.mark.parametrize("shape", [(39, 200, 5), (200, 39, 5)])
def test_in_a_small_scene_everything_is_near(shape: tuple[int, int, int]) -> None:
    assert not in_one_place(labels(NEAR, NEAR), shape).any()
    assert place_note(labels(NEAR, NEAR), shape) == ""


def test_what_is_not_counted_is_said_in_numbers() -> None:
    assert not_counted(0, 0) == ""
    assert not_counted(1, 0) == "1 class with one label is not counted"
    assert not_counted(2, 1) == "2 classes with one label and 1 class with all labels in one place are not counted"
