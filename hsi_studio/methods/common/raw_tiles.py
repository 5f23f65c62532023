"""A network's answers by tile of a scene, kept: smoothing asks for them again as the margin of the next block."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator

from hsi_studio.methods.contract import Block
from hsi_studio.types import FloatArray, Scene

RAW_BYTES = 512_000_000


class RawTiles:
    """A network's answers by tile of a scene, the ones used longest ago leave. Safe between threads."""

    def __init__(self, budget: int = RAW_BYTES) -> None:
        self.budget, self.bytes = budget, 0
        self._kept: OrderedDict[tuple[str, int, int], FloatArray] = OrderedDict()
        self._lock = threading.RLock()

    def holds(self, scene: Scene, classes: int) -> bool:
        """Whether all answers of a scene have room."""
        return scene.shape[0] * scene.shape[1] * classes * 4 <= self.budget

    def get(self, tile: Block, make: Callable[[Block], FloatArray]) -> FloatArray:
        """(K, h, w) kept, or made now."""
        key = (tile.scene.id, tile.rows.start, tile.cols.start)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            made = self._kept[key] = make(tile)
            self.bytes += made.nbytes
            while self.bytes > self.budget and len(self._kept) > 1:
                self.bytes -= self._kept.popitem(last=False)[1].nbytes
            return made


def tiles_of(rows: slice, cols: slice, side: int, scene: Scene) -> Iterator[Block]:
    """The tiles of a scene's grid of `side` that have a pixel of a window."""
    height, width, _ = scene.shape
    for top in range(rows.start // side * side, rows.stop, side):
        for left in range(cols.start // side * side, cols.stop, side):
            yield Block(scene, slice(top, min(top + side, height)), slice(left, min(left + side, width)))


def paste(out: FloatArray, rows: slice, cols: slice, tile: Block, answers: FloatArray) -> None:
    """A tile's (K, h, w) into its place of a window `out` (h', w', K)."""
    top, bottom = max(rows.start, tile.rows.start), min(rows.stop, tile.rows.stop)
    left, right = max(cols.start, tile.cols.start), min(cols.stop, tile.cols.stop)
    part = answers[
        :, top - tile.rows.start : bottom - tile.rows.start, left - tile.cols.start : right - tile.cols.start
    ]
    out[top - rows.start : bottom - rows.start, left - cols.start : right - cols.start] = part.transpose(1, 2, 0)
