"""From class scores at lattice pixels to probabilities everywhere: smoothing within edges fills the gaps.

Scores are known at every `stride`-th pixel. With P the edge-preserving walk of `features/spatial.py` and m the
lattice's indicator, the map is Pᵗ(m·p) / Pᵗm: a weighted mean of the class probabilities p of lattice pixels that
can be reached in t steps without crossing an edge. Source: normalised convolution, H. Knutsson, C.-F. Westin,
CVPR 1993, on the walk of Perona & Malik 1990. Label-free, but unlabelled pixels take part: with `stride` 1 and
`smoothing` 0 the network's own probabilities come out.

t steps reach t pixels, so a window with that margin gives exactly what the whole scene gives. A pixel no lattice
pixel reaches (an island between gaps) is classified by the network itself. With a `LabelHead` (`label_head.py`) the map
is smoothed `FARTHER` times as long as well, and so are the scene's components, and what the head says of both joins
the answer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
import numpy.typing as npt

from hsi_studio.features.spatial import diffuse, diffusion_matrix, pixel_nodes, typical_distance
from hsi_studio.methods.common.label_head import LabelHead
from hsi_studio.types import FloatArray, Scene

EDGE_COMPONENTS = 3  # principal components whose steps are edges
HEIGHT_EDGE = 0.32  # a step of this in ln(1 + metres) is as much of an edge as the median spectral step
FARTHER = 3  # times as many steps: of the map that a head sees
MOST_COMPONENTS = 24  # that a head sees
TILE_PX = 192  # side of the tiles in which labels are looked at
STRIP_PIXELS = 600_000  # pixels whose walk is in memory at once: about 300 MB; smaller strips repeat more margin


class Edged(Protocol):
    """A scene and values whose steps are its edges."""

    @property
    def scene(self) -> Scene: ...

    def edges(self, rows: slice, cols: slice) -> FloatArray:
        """(h, w, c) in units in which 1 is the typical step between neighbours."""
        ...

    def components(self, rows: slice, cols: slice) -> FloatArray:
        """(h, w, C) what a network is told of single pixels, the strongest `MOST_COMPONENTS` and layers; 0 where
        invalid. C = 0 where it is told bands."""
        ...


Classify = Callable[[npt.NDArray[np.int64], npt.NDArray[np.int64]], FloatArray]  # rows, cols (m,) → (m, K)
Known = Callable[[slice, slice], FloatArray]  # rows, cols of a window → (h, w, K), NaN where the network was not asked


def typical_step(
    scene: Scene,
    values: Callable[[slice, slice], FloatArray],
    strips: list[slice],
    check: Callable[[float], None] = lambda _: None,
) -> float:
    """Median squared distance of neighbours' `values(rows, cols)` (h, w, c), over strips of the scene."""
    units = []
    for number, rows in enumerate(strips):
        check(number / len(strips))
        index = pixel_nodes(scene.valid[rows])
        if int(index.max(initial=-1)) > 0:
            units.append(typical_distance(index, values(rows, slice(0, scene.shape[1]))[index >= 0]))
    return float(np.median(units)) if units else 1.0


def with_height(spectral: FloatArray, unit: float, above: FloatArray | None) -> FloatArray:
    """(h, w, c) edges from components (h, w, 3), their `unit` and, where known, ln(1 + height above ground) (h, w)."""
    found = spectral / np.float32(np.sqrt(unit))
    if above is None:
        return found
    return np.concatenate([found, np.nan_to_num(above)[..., None] / np.float32(HEIGHT_EDGE)], axis=2)


def steps_for(stride: int, smoothing: int) -> int:
    """Steps of diffusion: as many as asked, and enough to fill the lattice's gaps."""
    return max(smoothing, 2 * stride if stride > 1 else 0)


def filled(
    inputs: Edged,
    known: Known,
    classify: Classify,
    rows: slice,
    cols: slice,
    steps: int,
    strength: float,
    check: Callable[[], None] = lambda: None,
    head: LabelHead | None = None,
) -> FloatArray:
    """(h, w, K) probabilities of a window, NaN at invalid pixels.

    `known(rows, cols)` → (h, w, K) class probabilities with NaN where the network was not asked.
    """
    counts = (steps,) if head is None else (steps, FARTHER * steps)
    made = head is not None and head.made is not None
    out: FloatArray | None = None
    for part_rows, part_cols in _parts(rows, cols, counts[-1] + 1, STRIP_PIXELS // 2 if made else STRIP_PIXELS):
        check()
        p, *far = _smoothed(inputs, known, part_rows, part_cols, counts, strength, made)
        valid = inputs.scene.valid[part_rows, part_cols]
        lost = np.nonzero(valid & ~np.isfinite(p[..., 0]))
        if lost[0].size:
            p[lost] = classify(lost[0].astype(np.int64) + part_rows.start, lost[1].astype(np.int64) + part_cols.start)
        p[~valid] = np.nan
        if head is not None:
            told = valid & np.isfinite(far[0][..., 0])
            p[told] = head.joined(p[told], *(one[told] for one in far))
        if out is None:
            out = np.empty((rows.stop - rows.start, cols.stop - cols.start, p.shape[-1]), dtype=np.float32)
        top, left = part_rows.start - rows.start, part_cols.start - cols.start
        out[top : top + p.shape[0], left : left + p.shape[1]] = p
    assert out is not None, "an empty window"
    return out


def _parts(rows: slice, cols: slice, reach: int, most: int = STRIP_PIXELS) -> Iterator[tuple[slice, slice]]:
    """Parts of a window with `most` pixels, whose walk has room in memory: strips, squares where margins would be most
    of a strip."""
    width = cols.stop - cols.start
    tall, wide = most // width - 2 * reach, width
    if tall < min(2 * reach, rows.stop - rows.start):
        tall = wide = max(math.isqrt(most) - 2 * reach, reach)
    for top in range(rows.start, rows.stop, tall):
        for left in range(cols.start, cols.stop, wide):
            yield slice(top, min(top + tall, rows.stop)), slice(left, min(left + wide, cols.stop))


def seen_at(
    inputs: Edged,
    known: Known,
    row: npt.NDArray[np.int64],
    col: npt.NDArray[np.int64],
    steps: int,
    strength: float,
    check: Callable[[], None] = lambda: None,
) -> tuple[FloatArray, FloatArray]:
    """(N, K) and (N, C) what a head sees at pixels (N,): the map and the components smoothed `FARTHER` times as long;
    NaN in the map where nothing reaches."""
    tile = row // TILE_PX * (inputs.scene.shape[1] // TILE_PX + 1) + col // TILE_PX
    out: list[FloatArray] = []
    for one in np.unique(tile).tolist():
        check()
        mine = np.flatnonzero(tile == one)
        r, c = row[mine], col[mine]
        rows, cols = slice(int(r.min()), int(r.max()) + 1), slice(int(c.min()), int(c.max()) + 1)
        found = _smoothed(inputs, known, rows, cols, (FARTHER * steps,), strength, True)
        out = out or [np.full((row.size, values.shape[-1]), np.nan, dtype=np.float32) for values in found]
        for whole, values in zip(out, found, strict=True):
            whole[mine] = values[r - rows.start, c - cols.start]
    far, made = out
    return far, made


def _smoothed(
    inputs: Edged,
    known: Known,
    rows: slice,
    cols: slice,
    counts: tuple[int, ...],
    strength: float,
    made: bool = False,
) -> list[FloatArray]:
    """(h, w, K) of a window after each of `counts` steps, which increase; with `made` then its components (h, w, C)
    after the last of them."""
    height, width, _ = inputs.scene.shape
    reach = counts[-1] + 1
    wide = (
        slice(max(rows.start - reach, 0), min(rows.stop + reach, height)),
        slice(max(cols.start - reach, 0), min(cols.stop + reach, width)),
    )
    p = known(*wide)
    beside = inputs.components(*wide) if made else None
    if counts[-1] == 0:
        maps = [p] if beside is None else [p, beside]
    else:
        maps = _walked(inputs, p, wide, counts, strength, beside)
    inner = (
        slice(rows.start - wide[0].start, rows.stop - wide[0].start),
        slice(cols.start - wide[1].start, cols.stop - wide[1].start),
    )
    return [one[inner].copy() for one in maps]


def _walked(
    inputs: Edged,
    p: FloatArray,
    window: tuple[slice, slice],
    counts: tuple[int, ...],
    strength: float,
    beside: FloatArray | None = None,
) -> list[FloatArray]:
    """(h, w, K) → as many after each of `counts` steps, NaN where no known pixel was reached; then (h, w, C) `beside`
    after the last of them."""
    valid = inputs.scene.valid[window]
    if not valid.any():
        return [p] * len(counts) + ([] if beside is None else [beside])
    index = pixel_nodes(valid)
    walk = diffusion_matrix(index, inputs.edges(*window)[valid], strength, typical=1.0)
    values = p[valid]  # (n, K)
    on, classes = np.isfinite(values[:, :1]), p.shape[-1]
    parts = [np.where(on, values, 0.0), on] + ([] if beside is None else [beside[valid]])
    mass = np.concatenate(parts, axis=1).astype(np.float32)
    out = []
    for moved in diffuse(walk, mass, counts):
        arrived = moved[:, classes : classes + 1]  # of the known pixels' mass
        reached = arrived > 1e-20
        with np.errstate(invalid="ignore", divide="ignore"):
            values = np.where(reached, moved[:, :classes] / arrived, np.nan)
            values /= values.sum(axis=1, keepdims=True)
        found = np.full(p.shape, np.nan, dtype=np.float32)
        found[valid] = values
        out.append(found)
    if beside is not None:
        found = np.zeros_like(beside)
        found[valid] = moved[:, classes + 1 :]
        out.append(found)
    return out
