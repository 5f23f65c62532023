"""Whole-scene prediction: tile by tile, probabilities in, a map and its confidence out.

A tile is what is in memory as probabilities (K, h, w); the scene itself is read by the method, with its halo.
A model is asked for the best class and its probability (`Fitted.predict_best`), not for all probabilities.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from hsi_studio.methods.contract import Block, Context, Fitted
from hsi_studio.types import Prediction, Progress, Scene

TILE_VALUES = 32_000_000  # probabilities in memory at once when no tile side is given: 128 MB


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

    Progress is reported and cancel looked at before every tile, and inside `fitted.warm(ctx)`. Raises Cancelled, and
    what `predict` raises.
    """
    height, width, _ = scene.shape
    count = len(fitted.schema)
    tile = tile or fitted.tile_px
    rows = tile or max(1, TILE_VALUES // max(count * width, 1))
    cols = tile or width
    label = np.zeros((height, width), dtype=np.uint16)
    confidence = np.full((height, width), np.nan, dtype=np.float32)
    windows = [
        (slice(top, min(top + rows, height)), slice(left, min(left + cols, width)))
        for top in range(0, height, rows)
        for left in range(0, width, cols)
    ]
    fitted.warm(ctx)
    started = time.perf_counter()
    for number, (r, c) in enumerate(windows):
        ctx.check()
        passed = time.perf_counter() - started
        left_s = passed / number * (len(windows) - number) if number else None
        ctx.progress(Progress("Mapping the scene", number, len(windows), left_s))
        label[r, c], confidence[r, c] = fitted.predict_best(Block(scene, r, c))
    ctx.progress(Progress("Mapping the scene", len(windows), len(windows), 0.0))
    return Prediction(fitted.schema, label, confidence, method_name, params, revision)
