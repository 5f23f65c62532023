"""A first map while a training runs: every n-th row of the scene, the rows between as the nearest one.

Of a model that tells single pixels (`Fitted.at`) only every m-th pixel of a row is asked for; others map whole rows.

Rows come in an order that halves the gaps (0, H/2, H/4, 3H/4, …), so that the work may end after any of them. What
previews cost stays below `SHARE` of the time gone by: one that took longer than planned is paid back by waiting. The
training's random numbers are put back afterwards, so that a run with previews gives the same map as one without.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from hsi_studio.engine.mapping.schema_match import in_schema
from hsi_studio.errors import Cancelled
from hsi_studio.methods.contract import Block, Context, Fitted, best_class
from hsi_studio.types import ClassSchema, Prediction, Scene

log = logging.getLogger(__name__)

SHARE = 0.03  # of the time since the run began
FIRST_S = 3.0  # no preview before
LONGEST_S = 1.0  # rather two coarse ones than a fine one
FEWEST = 8  # rows that make a preview
MOST = 96
MOST_OVER = 3.0  # times the budget that a preview may take before it is given up
ACROSS = 64  # pixels of a row, of models that tell single pixels


class Previews:
    """`Context.preview` of one run. `publish` gets a whole map."""

    def __init__(
        self,
        scene: Scene,
        schema: ClassSchema,
        ctx: Context,
        publish: Callable[[Prediction], None],
        tell: Callable[[str, str], None] = lambda level, text: None,
    ) -> None:
        self.scene, self.schema, self.ctx, self.publish = scene, schema, ctx, publish
        self.seconds = 0.0  # spent so far
        self.tell = tell
        self._off = False
        self._began = time.perf_counter()
        self._least = 0.1  # seconds the next one needs, as far as known

    def __call__(self, make: Callable[[], Fitted]) -> None:
        """Draw one if there is time for it. Raises Cancelled; a preview that fails is told, and is the last."""
        started = time.perf_counter()
        passed = started - self._began
        budget = SHARE * passed - self.seconds
        if self._off or passed < FIRST_S or budget < self._least:
            return
        done = 0
        try:
            with untouched_randomness():
                done = self._draw(make, min(budget, LONGEST_S))
        except Cancelled:
            raise
        except Exception as error:  # the training is worth more than a look at it
            log.exception("preview")
            self._off = True
            self.tell("warning", f"No more previews: one failed ({type(error).__name__}: {error}). The run goes on.")
        took = time.perf_counter() - started
        self.seconds += took
        self._least = max(0.1, took * min(1.0, FEWEST / max(done, 1)))

    def _draw(self, make: Callable[[], Fitted], budget: float) -> int:
        """How many rows it took."""
        began = time.perf_counter()
        fitted = make()
        height, width, _ = self.scene.shape
        rows: list[int] = []
        label = np.zeros((height, width), dtype=np.uint16)
        confidence = np.full((height, width), np.nan, dtype=np.float32)
        order = list(spread(height))[:MOST]
        start = 0
        while start < len(order):
            passed = time.perf_counter() - began
            if len(rows) >= FEWEST and passed > budget:
                break
            if len(rows) < FEWEST and passed > MOST_OVER * budget:
                return len(rows)  # far too slow: nothing is shown, and the next one waits until there is time
            self.ctx.check()
            chosen = order[start : start + FEWEST]
            made = self._pixels(fitted, chosen)
            if made is None:
                chosen = chosen[:1]
                made = fitted.predict_best(Block(self.scene, slice(chosen[0], chosen[0] + 1), slice(0, width)))
            label[chosen], confidence[chosen] = made
            rows += chosen
            start += len(chosen)
        nearest = _nearest(np.sort(np.array(rows)), height)
        valid = self.scene.valid
        label, confidence = label[nearest], confidence[nearest]
        label[~valid], confidence[~valid] = 0, np.nan
        self.publish(in_schema(Prediction(fitted.schema, label, confidence, "", {}, 0), self.schema))
        return len(rows)

    def _pixels(self, fitted: Fitted, rows: list[int]) -> tuple[Any, Any] | None:
        """(n, W) label and confidence, from every m-th pixel; None when the model tells only whole blocks."""
        width = self.scene.shape[1]
        asked = np.arange(0, width, max(1, width // ACROSS))
        row, col = (grid.ravel() for grid in np.meshgrid(np.array(rows), asked, indexing="ij"))
        told = fitted.at(row, col)  # (n · m, K)
        if told is None:
            return None
        label, confidence = best_class(told.T.reshape(len(fitted.schema), len(rows), asked.size))  # (K, n, m)
        nearest = np.searchsorted(asked, _nearest(asked, width))
        return label[:, nearest], confidence[:, nearest]


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
