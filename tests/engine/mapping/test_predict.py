"""Facts about whole-scene prediction."""

from __future__ import annotations

import numpy as np
import pytest

from hsi_studio.engine.mapping.predict import predict_scene
from hsi_studio.errors import Cancelled
from hsi_studio.methods.contract import Block, Context, Fitted, State, best_class
from hsi_studio.types import ClassSchema, FloatArray, IntArray, Progress
from tests.features.scenes import fields, scene_from, schema

SCENE = scene_from(fields(10, 14, bands=3)[0])


class ByPosition(Fitted):
    """Class (row + column) mod 3 with probability 0.5, 0.25 for the others; row 4 has no data."""

    schema: ClassSchema = schema(3)

    def __init__(self) -> None:
        self.blocks: list[tuple[int, int]] = []

    def predict(self, block: Block) -> FloatArray:
        self.blocks.append(block.shape)
        row, col = np.mgrid[block.rows, block.cols]
        out = np.where(((row + col) % 3)[None] == np.arange(3)[:, None, None], 0.5, 0.25).astype(np.float32)
        out[:, row == 4] = np.nan
        return out

    def leave_one_out(self) -> IntArray:
        return np.zeros(0, dtype=np.int64)

    def state(self) -> State:
        return State()


def test_tiles_are_put_where_they_belong() -> None:
    fitted = ByPosition()
    prediction = predict_scene(fitted, SCENE, "by position", {"a": 1}, 7, Context(), tile=4)
    row, col = np.mgrid[0:10, 0:14]
    assert np.array_equal(prediction.label, np.where(row == 4, 0, (row + col) % 3 + 1))
    assert prediction.label.dtype == np.uint16
    assert np.array_equal(np.isnan(prediction.confidence), row == 4)
    assert (prediction.confidence[row != 4] == 0.5).all()
    assert len(fitted.blocks) == 3 * 4
    assert max(max(shape) for shape in fitted.blocks) == 4
    assert (prediction.method, prediction.params, prediction.revision) == ("by position", {"a": 1}, 7)


def test_an_ordinary_scene_is_one_block() -> None:
    fitted = ByPosition()
    predict_scene(fitted, SCENE, "m", {}, 0, Context())
    assert fitted.blocks == [(10, 14)]


def test_progress_ends_at_one_and_knows_the_time_left() -> None:
    said: list[Progress] = []
    predict_scene(ByPosition(), SCENE, "m", {}, 0, Context(progress=said.append), tile=5)
    assert [p.done for p in said] == list(range(7))
    assert said[-1].fraction == 1.0
    assert said[0].seconds_left is None
    assert all(p.seconds_left is not None and p.seconds_left >= 0 for p in said[1:])


def test_cancel_stops_between_tiles() -> None:
    fitted = ByPosition()
    with pytest.raises(Cancelled):
        predict_scene(fitted, SCENE, "m", {}, 0, Context(cancelled=lambda: len(fitted.blocks) >= 2), tile=5)
    assert len(fitted.blocks) == 2


def test_more_than_255_classes_fit_and_one_missing_value_means_no_class() -> None:
    probabilities = np.zeros((300, 1, 2), dtype=np.float32)
    probabilities[299] = 1
    probabilities[7, 0, 1] = np.nan
    label, confidence = best_class(probabilities)
    assert label.tolist() == [[300, 0]]
    assert confidence[0, 0] == 1
    assert np.isnan(confidence[0, 1])
