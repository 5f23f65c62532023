"""Which pixels of a large scene can be used: found where it is asked for, and for the whole scene in one pass that goes
on behind what the user does.

A pixel is valid when it is finite in every good band and not zero in all of them: that is told from the pixel alone, so
that a window and the whole agree, whenever either is asked for. The pass is made of pieces of rows; whoever needs the
whole (a map does) works at the next piece, beside the thread behind, and may be stopped between two.
"""

from __future__ import annotations

import logging
import threading
import time

import numpy as np

from hsi_studio.errors import StudioError
from hsi_studio.types import BoolArray, FloatArray, Scene
from hsi_studio.watching import tell

log = logging.getLogger(__name__)

PIECE_VALUES = 4_000_000  # float32 values read at once: 16 MB
AFTER_S = 5.0  # the first picture comes first


class Covered:
    """`types.Coverage` of a scene whose good bands (B,) are known. Safe to use from many threads."""

    def __init__(self, scene: Scene, good: BoolArray) -> None:
        self._scene, self._good = scene, good
        self._valid: BoolArray = np.zeros(scene.shape[:2], dtype=bool)
        self._next = self._missing = self._zero = 0  # row to look at; pixels found out of use
        self._lock = threading.Lock()
        self._behind: threading.Thread | None = None

    @property
    def known(self) -> float:
        """Share of the rows looked at, 0–1."""
        return self._next / max(1, self._scene.shape[0])

    def whole(self) -> BoolArray:
        """(H, W); reads what has not been looked at yet. Raises what the cube's reader raises."""
        height = self._scene.shape[0]
        while self._next < height:
            tell("Looking at every pixel", self._next, height)
            with self._lock:
                self._piece()
        return self._valid

    def window(self, rows: slice, cols: slice, step: int = 1) -> BoolArray:
        """(ceil(h/step), ceil(w/step)) of these pixels alone. `rows`, `cols`: any slices without a step."""
        height, width, count = self._scene.shape
        top, bottom, _ = rows.indices(height)
        left, right, _ = cols.indices(width)
        if bottom <= self._next:
            return self._valid[top:bottom, left:right][::step, ::step]
        parts = [np.zeros((0, len(range(left, right, step))), dtype=bool)]
        many = 1 if step > 1 else max(1, PIECE_VALUES // max(1, (right - left) * count))
        for row in range(top, bottom, step if step > 1 else many):
            stop = min(row + many, bottom)
            for_these = [
                self._seen(self._scene.read(slice(row, stop), slice(col, min(col + self._wide, right))))[0]
                for col in range(left, right, self._wide)
            ]
            parts.append(np.concatenate(for_these, axis=1)[:, ::step] if for_these else parts[0])
        return np.concatenate(parts)

    def go_on_behind(self) -> None:
        """Look at the rest in a thread; returns at once."""
        with self._lock:
            if self._behind is None and self._next < self._scene.shape[0]:
                self._behind = threading.Thread(target=self._finish, name="survey", daemon=True)
                self._behind.start()

    def notes(self) -> tuple[str, ...]:
        """What has been found out about pixels; while it is not all, that."""
        height, width, _ = self._scene.shape
        if self._next < height:
            return (
                f"Which pixels can be used is known of {100 * self.known:.0f} % of the rows yet: the rest is looked at "
                "behind, and before a map is made.",
            )
        return pixel_notes(height * width, int((~self._valid).sum()), self._missing, self._zero)

    @property
    def _wide(self) -> int:
        """Columns read at once."""
        return max(1, 4 * PIECE_VALUES // self._scene.shape[2])

    def _piece(self) -> None:
        """The next rows. The lock is held."""
        height, width, count = self._scene.shape
        top = self._next
        if top >= height:
            return
        rows = slice(top, min(top + max(1, PIECE_VALUES // max(1, width * count)), height))
        found, missing, zero = [], 0, 0
        for col in range(0, width, self._wide):
            valid, gaps, nothing = self._seen(self._scene.read(rows, slice(col, min(col + self._wide, width))))
            found.append(valid)
            missing, zero = missing + gaps, zero + nothing
        self._valid[rows] = np.concatenate(found, axis=1)
        self._missing, self._zero, self._next = self._missing + missing, self._zero + zero, rows.stop

    def _seen(self, values: FloatArray) -> tuple[BoolArray, int, int]:
        """Valid (h, w) of values (h, w, B), how many pixels have a gap, and how many are zero."""
        used = values if self._good.all() else values[..., self._good]
        if np.isfinite(used.sum(dtype=np.float64)):  # one NaN or infinity makes the sum non-finite
            some = (used != 0).any(axis=-1)
            return some, 0, int((~some).sum())
        whole = np.isfinite(used).all(axis=-1)
        some = (used != 0).any(axis=-1)
        return whole & some, int((~whole).sum()), int((~some).sum())

    def _finish(self) -> None:
        """The rest, after the first picture, with pauses as long as the work: others look at the scene meanwhile."""
        time.sleep(AFTER_S)
        try:
            while self._next < self._scene.shape[0]:
                began = time.monotonic()
                with self._lock:
                    self._piece()
                time.sleep(min(time.monotonic() - began, AFTER_S / 10))
        except StudioError as error:  # who needs the whole is told the same
            log.warning("the survey of %s ended: %s", self._scene.name, error)
        finally:
            with self._lock:
                self._behind = None


def pixel_notes(n_pixels: int, n_out: int, n_missing: int, n_zero: int) -> tuple[str, ...]:
    """How many pixels are left out, and why; `n_missing` of them with a gap in any band."""
    if n_out:
        reasons = [f"{n_missing} with missing values (NaN, infinite or “no data”)"] if n_missing else []
        reasons += [f"{n_zero} zero in every band"] if n_zero else []
        return (
            f"{n_out} of {n_pixels} pixels ({100 * n_out / n_pixels:.1f} %) are left out"
            + (f"; there are {' and '.join(reasons)}." if reasons else "."),
        )
    if n_missing:
        return (f"{n_missing} of {n_pixels} pixels have gaps, all in bands that are left out.",)
    return ()
