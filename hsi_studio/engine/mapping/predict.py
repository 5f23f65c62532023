"""Whole-scene prediction: tile by tile, probabilities in, a map and its confidence out.

A tile is what is in memory as probabilities (K, h, w); the scene itself is read by the method, with its halo.
A fitted method that knows the best class without making all probabilities (`Painter`) is asked for just that.
"""

from __future__ import annotations

import time
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from hsi_studio.methods.contract import Block, Context, Fitted
from hsi_studio.types import FloatArray, Prediction, Progress, Scene

TILE_VALUES = 32_000_000  # probabilities in memory at once when no tile side is given: 128 MB

LabelArray = npt.NDArray[np.uint16]


@runtime_checkable
class Painter(Protocol):
    """A fitted method with a short cut to the map."""

    def predict_best(self, block: Block) -> tuple[LabelArray, FloatArray]:
        """What `best_class(self.predict(block))` gives, made without all probabilities."""
        ...


def predict_scene(
    fitted: Fitted,
    scene: Scene,
    method_name: str,
    params: dict[str, Any],
    revision: int,
    ctx: Context,
    tile: int | None = None,
) -> Prediction:
    """Map a whole scene. `tile` = side of the square tiles in pixels; None = the model's own `tile_px` (one that
    takes long for a pixel names a side it maps in well under a second), else full rows, as many as fit.

    Progress is reported and cancel looked at before every tile, and inside `fitted.warm(ctx)` where a method has it
    (optional: all it can compute for the scene, before the tiles). Raises Cancelled, and what `predict` raises.
    """
    height, width, _ = scene.shape
    count = len(fitted.schema)
    tile = tile or getattr(fitted, "tile_px", None)
    rows = tile or max(1, TILE_VALUES // max(count * width, 1))
    cols = tile or width
    label = np.zeros((height, width), dtype=np.uint16)
    confidence = np.full((height, width), np.nan, dtype=np.float32)
    windows = [
        (slice(top, min(top + rows, height)), slice(left, min(left + cols, width)))
        for top in range(0, height, rows)
        for left in range(0, width, cols)
    ]
    warm = getattr(fitted, "warm", None)  # methods with seconds of work before the first tile offer it
    if warm is not None:
        warm(ctx)
    started = time.perf_counter()
    for number, (r, c) in enumerate(windows):
        ctx.check()
        passed = time.perf_counter() - started
        left_s = passed / number * (len(windows) - number) if number else None
        ctx.progress(Progress("Mapping the scene", number, len(windows), left_s))
        block = Block(scene, r, c)
        best = fitted.predict_best(block) if isinstance(fitted, Painter) else best_class(fitted.predict(block))
        label[r, c], confidence[r, c] = best
    ctx.progress(Progress("Mapping the scene", len(windows), len(windows), 0.0))
    return Prediction(fitted.schema, label, confidence, method_name, params, revision)


def best_class(probabilities: FloatArray) -> tuple[LabelArray, FloatArray]:
    """(K, h, w) → label (h, w) uint16 (class + 1, 0 where NaN) and the probability of it (h, w), NaN there."""
    unknown = ~np.isfinite(probabilities).all(axis=0)
    best = probabilities.argmax(axis=0)
    confidence = np.take_along_axis(probabilities, best[None], axis=0)[0].astype(np.float32)
    label = (best + 1).astype(np.uint16)
    label[unknown], confidence[unknown] = 0, np.nan
    return label, confidence
