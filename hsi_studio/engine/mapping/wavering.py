"""Where does a map waver between two classes? A label there teaches it more than one anywhere.

Taken is the smallest difference between a pixel's two most likely classes ("breaking ties": T. Luo et al., JMLR 6,
2005; for remote sensing D. Tuia et al., IEEE J-STSP 5, 2011, doi:10.1109/JSTSP.2011.2139193), as a mean over `WINDOW`
pixels, so that no edge between two fields is asked for. Only the map takes part, the reference does not.

On the development scenes ten labels so placed are worth twenty placed at random (RESULTS.md). The largest class alone,
the entropy, and how unlike a place is to the labels so far were worse than the difference, some worse than chance.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from hsi_studio.methods.common.places import PLACE_PX
from hsi_studio.methods.contract import Block, Fitted
from hsi_studio.types import BoolArray, FloatArray, Scene

WINDOW = 5  # pixels that a place is a mean of, in rows and in columns
LABEL_PX = 2  # a label's neighbours so near are not asked for
MOST_PIXELS = 4_000_000  # of larger scenes every so many pixels are looked at
STRIP_VALUES = 8_000_000  # probabilities in memory at once


@dataclass(frozen=True)
class Place:
    """A pixel, and the names and probabilities of the two classes the map wavers between."""

    row: int
    col: int
    first: str
    second: str
    probabilities: tuple[float, float]


@dataclass(frozen=True)
class Margins:
    """(h, w) difference of the two most likely classes of every `step`-th pixel, NaN at invalid ones."""

    value: FloatArray
    step: int


def margins(fitted: Fitted, scene: Scene, check: Callable[[], None] = lambda: None) -> Margins:
    """Of a whole scene. Raises what `check` and `predict` do."""
    height, width, _ = scene.shape
    step = max(1, math.ceil(math.sqrt(height * width / MOST_PIXELS)))
    tall = max(step, STRIP_VALUES // (len(fitted.schema) * width) // step * step)
    rows = []
    for top in range(0, height, tall):
        check()
        p = fitted.predict(Block(scene, slice(top, min(top + tall, height)), slice(0, width)))[:, ::step, ::step]
        two = np.partition(p, -2, axis=0)[-2:]
        rows.append(two[1] - two[0])
    return Margins(np.concatenate(rows), step)


def wavering(
    fitted: Fitted, scene: Scene, found: Margins, labels: Iterable[tuple[int, int]], shown: Iterable[tuple[int, int]]
) -> Place | None:
    """The place where the map wavers most, not at a label and not within `PLACE_PX` of those that were shown already,
    both as (row, column); None where nothing is left."""
    value = smoothed(found)
    free = np.isfinite(value) & ~_near(labels, LABEL_PX, found) & ~_near(shown, PLACE_PX, found)
    if not free.any():
        return None
    at = np.unravel_index(int(np.where(free, value, np.inf).argmin()), value.shape)
    row, col = int(at[0]) * found.step, int(at[1]) * found.step
    p = fitted.predict(Block(scene, slice(row, row + 1), slice(col, col + 1)))[:, 0, 0]
    second, first = np.argsort(p, kind="stable")[-2:].tolist()
    names = fitted.schema.names
    return Place(row, col, names[first], names[second], (float(p[first]), float(p[second])))


def smoothed(found: Margins) -> FloatArray:
    """(h, w) mean margin of every pixel's window, NaN at invalid pixels."""
    from scipy.ndimage import uniform_filter

    known = np.isfinite(found.value)
    share = uniform_filter(known.astype(np.float32), WINDOW)
    mean = uniform_filter(np.where(known, found.value, 0.0), WINDOW) / np.maximum(share, 1e-6)
    return np.where(known, mean, np.nan).astype(np.float32)


def _near(places: Iterable[tuple[int, int]], reach: int, found: Margins) -> BoolArray:
    """(h, w) which pixels are no farther than `reach` from one of the places, in rows and in columns."""
    out = np.zeros(found.value.shape, dtype=np.bool_)
    for row, col in places:
        rows = slice(max(0, -(-(row - reach) // found.step)), max(0, (row + reach) // found.step + 1))
        cols = slice(max(0, -(-(col - reach) // found.step)), max(0, (col + reach) // found.step + 1))
        out[rows, cols] = True
    return out
