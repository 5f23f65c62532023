"""A first map while a training runs: every n-th row of the scene, the rows between as the nearest one.

A fitted model that can tell single pixels cheaply says so with `at(row, col)` → (N, K) probabilities; of its rows only
every m-th pixel is asked for. The others map whole rows.

Rows come in an order that halves the gaps (0, H/2, H/4, 3H/4, …), so that the work may end after any of them. What
previews cost stays below `SHARE` of the time gone by: one that took longer than planned is paid back by waiting. The
training's random numbers are put back afterwards, so that a run with previews gives the same map as one without.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from hsi_studio.engine.live_map import in_schema
from hsi_studio.engine.predict import best_class
from hsi_studio.methods import Block, Context, Fitted
from hsi_studio.types import ClassSchema, Prediction, Scene

SHARE = 0.03  # of the time since the run began
FIRST_S = 3.0  # no preview before
FEWEST = 8  # rows that make a preview
MOST = 96
MOST_OVER = 3.0  # times the budget that a preview may take before it is given up
ACROSS = 64  # pixels of a row, of models that tell single pixels


class Previews:
    """`Context.preview` of one run. `publish` gets a whole map."""

    def __init__(self, scene: Scene, schema: ClassSchema, ctx: Context, publish: Callable[[Prediction], None]) -> None:
        self.scene, self.schema, self.ctx, self.publish = scene, schema, ctx, publish
        self.seconds = 0.0  # spent so far
        self._began = time.perf_counter()
        self._least = 0.1  # seconds the next one needs, as far as known

    def __call__(self, make: Callable[[], Fitted]) -> None:
        """Draw one if there is time for it. Raises Cancelled."""
        started = time.perf_counter()
        passed = started - self._began
        budget = SHARE * passed - self.seconds
        if passed < FIRST_S or budget < self._least:
            return
        with untouched_randomness():
            done = self._draw(make, started + budget)
        took = time.perf_counter() - started
        self.seconds += took
        self._least = max(0.1, took * min(1.0, FEWEST / max(done, 1)))

    def _draw(self, make: Callable[[], Fitted], until: float) -> int:
        """How many rows it took."""
        fitted = make()
        height, width, _ = self.scene.shape
        rows: list[int] = []
        label = np.zeros((height, width), dtype=np.uint16)
        confidence = np.full((height, width), np.nan, dtype=np.float32)
        began = time.perf_counter()
        for row in spread(height):
            now = time.perf_counter()
            if len(rows) >= MOST or (len(rows) >= FEWEST and now > until):
                break
            if len(rows) < FEWEST and now - began > MOST_OVER * (until - began):
                return len(rows)  # far too slow: nothing is shown, and the next one waits until there is time
            self.ctx.check()
            label[row], confidence[row] = self._row(fitted, row)
            rows.append(row)
        nearest = _nearest(np.sort(np.array(rows)), height)
        valid = self.scene.valid
        label, confidence = label[nearest], confidence[nearest]
        label[~valid], confidence[~valid] = 0, np.nan
        found = Prediction(fitted.schema, label, confidence, "", {}, 0)
        self.publish(replace(in_schema(found, self.schema)))
        return len(rows)

    def _row(self, fitted: Fitted, row: int) -> tuple[Any, Any]:
        """(W,) label and confidence."""
        width = self.scene.shape[1]
        at = getattr(fitted, "at", None)
        if at is None:
            block = Block(self.scene, slice(row, row + 1), slice(0, width))
            label, confidence = best_class(fitted.predict(block))
            return label[0], confidence[0]
        asked = np.arange(0, width, max(1, width // ACROSS))
        label, confidence = best_class(at(np.full(asked.size, row), asked).T[:, None])
        nearest = _nearest(asked, width)
        return label[0][nearest], confidence[0][nearest]


def spread(count: int) -> Iterator[int]:
    """0 … count − 1, each once, every prefix about evenly spread."""
    bits = max(1, (count - 1).bit_length())
    for k in range(1 << bits):
        place = int(f"{k:0{bits}b}"[::-1], 2)
        if place < count:
            yield place


def _nearest(
    rows: np.ndarray[tuple[int], np.dtype[np.int64]], height: int
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """For each of `height` rows the nearest of `rows` (sorted)."""
    middle = (rows[1:] + rows[:-1] + 1) // 2
    found: np.ndarray[tuple[int], np.dtype[np.int64]] = rows[np.searchsorted(middle, np.arange(height), side="right")]
    return found


@contextlib.contextmanager
def untouched_randomness() -> Iterator[None]:
    """Put the global generators of torch and NumPy back afterwards."""
    before = np.random.get_state()  # noqa: NPY002 - a library below may draw from it
    torch = sys.modules.get("torch")
    with contextlib.ExitStack() as stack:
        if torch is not None:
            stack.enter_context(torch.random.fork_rng())
        try:
            yield
        finally:
            np.random.set_state(before)  # noqa: NPY002
