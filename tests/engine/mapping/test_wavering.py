"""Where a map wavers: the smallest mean difference of the two most likely classes, not at labels, not twice."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest

from hsi_studio.engine.mapping import wavering as module
from hsi_studio.engine.mapping.wavering import Place, margins, wavering
from hsi_studio.methods.contract import Block, Fitted
from hsi_studio.types import FloatArray, Scene
from tests.features.scenes import scene_from, schema

SHAPE = (60, 80)


class Told:
    """A fit whose probabilities are given, (K, H, W)."""

    def __init__(self, probabilities: FloatArray) -> None:
        self.schema, self.all = schema(probabilities.shape[0]), probabilities

    def predict(self, block: Block) -> FloatArray:
        return self.all[:, block.rows, block.cols].copy()


def sure_but(*doubts: tuple[slice, slice, float]) -> tuple[Scene, Any]:
    """A scene that is class 0 at 0.9, and in windows class 1 and 2 with a difference."""
    p = np.full((3, *SHAPE), 0.05, dtype=np.float32)
    p[0] = 0.9
    for rows, cols, apart in doubts:
        p[0, rows, cols], p[1, rows, cols], p[2, rows, cols] = 0.1, 0.45 + apart / 2, 0.45 - apart / 2
    return scene_from(np.zeros((*SHAPE, 2), dtype=np.float32)), Told(p)


def found(scene: Scene, fitted: Any, labels: Any = (), shown: Any = ()) -> Place | None:
    told = cast(Fitted, fitted)
    return wavering(told, scene, margins(told, scene), labels, shown)


FIELD, OTHER = (slice(10, 19), slice(20, 29), 0.1), (slice(40, 49), slice(60, 69), 0.2)


def test_it_is_the_middle_of_a_field_of_doubt_and_both_classes_are_told() -> None:
    place = found(*sure_but(FIELD, OTHER))
    assert place is not None
    assert 12 <= place.row <= 16
    assert 22 <= place.col <= 26
    assert (place.first, place.second) == ("class 1", "class 2")
    assert place.probabilities == pytest.approx((0.5, 0.4))


def test_a_seam_one_pixel_wide_is_not_asked_for() -> None:
    place = found(*sure_but((slice(0, 60), slice(5, 6), 0.0), OTHER))
    assert place is not None
    assert (place.row // 10, place.col // 10) == (4, 6)


def test_labels_and_what_was_shown_are_passed_over_until_nothing_is_left() -> None:
    scene, fitted = sure_but(FIELD, OTHER)
    first = found(scene, fitted)
    assert first is not None
    beside = found(scene, fitted, labels=[(first.row, first.col)])
    assert beside is not None
    assert max(abs(beside.row - first.row), abs(beside.col - first.col)) > module.LABEL_PX
    second = found(scene, fitted, shown=[(first.row, first.col)])
    assert second is not None
    assert (second.row // 10, second.col // 10) == (4, 6)
    everywhere = [(row, col) for row in range(0, 60, 10) for col in range(0, 80, 10)]
    assert found(scene, fitted, shown=everywhere) is None
    assert found(scene, fitted, shown=[(-500, 3), (9000, 9000)]) == first  # nowhere in the scene


def test_pixels_without_data_are_never_it() -> None:
    scene, fitted = sure_but(FIELD, OTHER)
    fitted.all[:, 8:30, 15:40] = np.nan
    place = found(scene, fitted)
    assert place is not None
    assert (place.row // 10, place.col // 10) == (4, 6)


def test_of_a_large_scene_every_so_many_pixels_are_looked_at_in_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    scene, fitted = sure_but(FIELD, OTHER)
    monkeypatch.setattr(module, "MOST_PIXELS", SHAPE[0] * SHAPE[1] // 9 + 1)
    monkeypatch.setattr(module, "STRIP_VALUES", 3 * SHAPE[1] * 7)
    some = margins(cast(Fitted, fitted), scene)
    assert some.step == 3
    assert np.array_equal(some.value, np.ptp(np.sort(fitted.all, axis=0)[1:], axis=0)[::3, ::3])
    place = wavering(cast(Fitted, fitted), scene, some, [], [])
    assert place is not None
    assert 10 <= place.row <= 18
    assert 20 <= place.col <= 28
