"""Square windows of a scene's spectral components, gathered on the device by index arithmetic.

    bands ─ z-score ─ PCA or noise-whitened components ─ scaled ─┐
    surface model ─ heights, slope, roughness ─ robustly scaled ─┴▶ grid of rows (C,), mirrored at the scene's edge
    (centre, offsets, flips, jitter) ─ integer arithmetic ─▶ row numbers ─ one gather ─▶ windows (N, P, P, C)

The axes are fitted on all valid pixels of the scene, labelled or not (customary; declared in METHODS' evaluation
notes). Pixels without data are 0 = the mean of the scene in every component. Edges are mirrored.
Heights, where they are used, are C's last channels (`features/height.height_layers`), clipped; unknown ones are 0.

A `Grid` is resident when the scene fits (`RESIDENT_VALUES`); of a larger scene it is an *atlas*: the windows around
the labels, side by side, read from the file once. Training never knows which of the two it has.

Notation: H W pixels, B bands, C components, P window side, N windows. An odd P has its pixel in the middle.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch

from hsi_studio.errors import SceneMismatch
from hsi_studio.features.cache import Arrays
from hsi_studio.features.height import height_layers, robust_scale
from hsi_studio.features.spectral import (
    Projection,
    is_noisy,
    principal_axes,
    sampled_strips,
    scaled_axes,
    scene_moments,
    weighted_mnf_axes,
)
from hsi_studio.methods.common.nn.memory import to_device
from hsi_studio.methods.common.smoothing import EDGE_COMPONENTS, MOST_COMPONENTS, typical_step, with_height
from hsi_studio.types import FloatArray, IntArray, Scene

BASIS_VERSION = 4  # raise when `fit_basis` gives other numbers
RESIDENT_VALUES = 256_000_000  # H·W·C that may stay on the device: 1 GB of float32
RELIEF = 3  # channels `height_layers` makes beside the surface model's own layers
HEIGHT_CLIP = 6.0  # robust standard deviations: a mast must not dominate a window

Axes = Literal["auto", "pca", "mnf"]


@dataclass(frozen=True)
class WindowBasis:
    """What a scene's bands, and its surface model where that is used, are turned into before a network sees them."""

    projection: Projection
    height_centre: FloatArray | None = None  # (L',) of `height_layers`; None = no heights
    height_scale: FloatArray | None = None  # (L',)
    edges: FloatArray | None = None  # (b, 3) from z-scored bands to what decides where edges are; None in old models
    edge_unit: float = 1.0  # median squared step of neighbours in it
    noisy: bool = False  # `features/spectral.is_noisy`

    @property
    def components(self) -> int:
        """C: spectral components and heights."""
        heights = 0 if self.height_centre is None else self.height_centre.size
        return int(self.projection.matrix.shape[1]) + heights

    def heights(self, scene: Scene) -> FloatArray | None:
        """(H, W, L') scaled heights of a whole scene; None when the basis has none. Some passes over the scene.

        Raises SceneMismatch for a scene without the surface model the basis needs.
        """
        if self.height_centre is None or self.height_scale is None:
            return None
        self.check_heights(scene)
        assert scene.dsm is not None
        values = (height_layers(scene.dsm, scene.gsd_m or 1.0, relief=True) - self.height_centre) / self.height_scale
        found: FloatArray = np.clip(np.nan_to_num(values, nan=0.0), -HEIGHT_CLIP, HEIGHT_CLIP).astype(np.float32)
        return found

    def check_heights(self, scene: Scene) -> None:
        """Raises SceneMismatch for a scene without the surface model the basis needs."""
        if self.height_centre is None:
            return
        needed = self.height_centre.size - RELIEF
        here = 0 if scene.dsm is None else scene.dsm.shape[2]
        if here != needed:
            raise SceneMismatch(
                f"The model looks at a surface model of {needed} layer(s), {scene.name} has {here or 'none'}: open the "
                "scene with its heights, or retrain without them (use_dsm off)."
            )

    def spectral_edges(self, scene: Scene, rows: slice, cols: slice) -> FloatArray:
        """(h, w, 3) values whose steps are edges. Raises SceneMismatch for a model that knows none."""
        if self.edges is None:
            raise SceneMismatch("The model was made before maps were smoothed within edges: set smoothing to 0.")
        p = self.projection
        z = (scene.read(rows, cols, p.bands.tolist()) - p.mean) / p.scale
        return np.asarray(np.nan_to_num(z @ self.edges), dtype=np.float32)

    def arrays(self) -> Arrays:
        p = self.projection
        made: Arrays = {"bands": p.bands, "mean": p.mean, "scale": p.scale, "axes": p.matrix}
        if self.height_centre is not None and self.height_scale is not None:
            made |= {"height_centre": self.height_centre, "height_scale": self.height_scale}
        if self.edges is not None:
            made |= {"edges": self.edges, "edge_unit": np.array([self.edge_unit], dtype=np.float64)}
        return made | {"noisy": np.array([self.noisy])}

    @staticmethod
    def from_arrays(a: Arrays) -> WindowBasis:
        return WindowBasis(
            Projection(a["bands"], a["mean"], a["scale"], a["axes"]), a.get("height_centre"), a.get("height_scale"),
            a.get("edges"), float(a["edge_unit"][0]) if "edge_unit" in a else 1.0, bool(a.get("noisy", [False])[0]),
        )  # fmt: skip


def fit_basis(
    scene: Scene,
    axes: Axes,
    most: int,
    variance: float,
    whitening: float,
    check: Callable[[float], None] = lambda _: None,
    use_dsm: bool = False,
    weighting: str = "root",
) -> WindowBasis:
    """Components of z-scored bands: at most `most`, and no more than explain the share `variance` (PCA only).

    `axes` "auto": noise-whitened where the scene is noisy (`features/spectral.is_noisy`), else principal.

    `whitening` w: component c is divided by std_c**w, so 0 keeps the variances of PCA and 1 makes all equal; then
    all by one number, so that their mean variance is 1. Noise-whitened components (MNF) are sized by `weighting`
    instead (`features/noise.component_weights`).
    `use_dsm`: heights as further channels, where the scene has a surface model.
    Raises BadValues, and what `check(fraction done)` raises.
    """
    bands, mean, scale, covariance, noise = scene_moments(scene, lambda done: check(0.8 * done))
    noisy = is_noisy(covariance, noise)
    if axes == "mnf" or (axes == "auto" and noisy):
        matrix = weighted_mnf_axes(covariance, noise, min(most, bands.size), weighting).astype(np.float32)
    else:
        values, vectors = principal_axes(covariance, bands.size)
        matrix = scaled_axes(values, vectors, most, variance, whitening)
    projection = Projection(bands, mean, scale, matrix)
    _, edge_axes = principal_axes(covariance, min(EDGE_COMPONENTS, bands.size))
    edges = edge_axes.astype(np.float32)
    draft = WindowBasis(projection, edges=edges)
    unit = typical_step(
        scene, lambda rows, cols: draft.spectral_edges(scene, rows, cols), sampled_strips(scene.shape),
        lambda done: check(0.8 + 0.2 * done),
    )  # fmt: skip
    scaled: tuple[FloatArray | None, FloatArray | None] = (None, None)
    if use_dsm and scene.dsm is not None:
        scaled = robust_scale(height_layers(scene.dsm, scene.gsd_m or 1.0, relief=True)[scene.valid])
    return WindowBasis(projection, *scaled, edges, unit, noisy)


@dataclass(frozen=True)
class WindowEdges:
    """Where the edges of a scene are (`smoothing.Edged`), as a basis sees them. `heights`: `WindowBasis.heights`."""

    scene: Scene
    basis: WindowBasis
    heights: FloatArray | None

    def edges(self, rows: slice, cols: slice) -> FloatArray:
        """(h, w, 3 or 4)."""
        b, above = self.basis, None
        if self.heights is not None and b.height_centre is not None and b.height_scale is not None:
            above = self.heights[rows, cols, 0] * b.height_scale[0] + b.height_centre[0]
        return with_height(b.spectral_edges(self.scene, rows, cols), b.edge_unit, above)

    def components(self, rows: slice, cols: slice) -> FloatArray:
        """(h, w, C) the strongest components and the layers of single pixels."""
        found = read_components(self.scene, self.basis, rows, cols, 0, self.heights)
        spectral = self.basis.projection.matrix.shape[1]
        kept = [*range(min(spectral, MOST_COMPONENTS)), *range(spectral, found.shape[2])]
        return found if len(kept) == found.shape[2] else found[..., kept]


def mirror(start: int, stop: int, length: int) -> npt.NDArray[np.int64]:
    """Indices start … stop−1 folded into 0 … length−1 by reflection at the outermost pixels (which are not doubled)."""
    index = np.arange(start, stop, dtype=np.int64)
    if length == 1:
        return np.zeros_like(index)
    index %= 2 * (length - 1)
    return np.minimum(index, 2 * (length - 1) - index)


def read_components(
    scene: Scene, basis: WindowBasis, rows: slice, cols: slice, halo: int, heights: FloatArray | None = None
) -> FloatArray:
    """(h + 2·halo, w + 2·halo, C) components of a window and of what lies around it, mirrored at the scene's edges.

    `heights`: what `basis.heights(scene)` gives, for callers that read many windows; made here where it is needed.
    """
    if heights is None:
        heights = basis.heights(scene)
    height, width, _ = scene.shape
    r = mirror(rows.start - halo, rows.stop + halo, height)
    c = mirror(cols.start - halo, cols.stop + halo, width)
    top, left = int(r.min()), int(c.min())
    inner_rows, inner_cols = slice(top, int(r.max()) + 1), slice(left, int(c.max()) + 1)
    spectra = scene.read(inner_rows, inner_cols, basis.projection.bands.tolist())  # (h', w', b)
    valid = scene.valid[inner_rows, inner_cols]
    out = np.zeros((*valid.shape, basis.components), dtype=np.float32)
    values = basis.projection(spectra[valid])
    spectral = values.shape[1]
    out[valid, :spectral] = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    if heights is not None:
        out[valid, spectral:] = heights[inner_rows, inner_cols][valid]
    return np.ascontiguousarray(out[np.ix_(r - top, c - left)])


@dataclass(frozen=True)
class Grid:
    """Components of pixels, one row each, and where N centres lie among them."""

    rows: torch.Tensor  # (n, C) on the device
    stride: int  # how many rows one step down is
    centre: torch.Tensor  # (N,) row number of every window's centre

    def windows(
        self,
        which: torch.Tensor,
        side: int,
        generator: torch.Generator | None = None,
        jitter: int = 0,
        views: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """(m, P, P, C) windows around the centres `which` (m,).

        With a generator each is turned and flipped at random (the 8 symmetries of the square) and moved by up to
        `jitter` pixels each way. `views` (m,) in 0 … 7 fixes the symmetry instead.
        """
        m, device = which.shape[0], self.rows.device
        step = torch.arange(side, device=device) - side // 2
        down = step.view(1, side, 1).expand(m, side, side)
        right = step.view(1, 1, side).expand(m, side, side)
        centre = self.centre[which].view(m, 1, 1)
        if generator is not None and views is None:
            views = torch.randint(0, 8, (m,), generator=generator, device="cpu").to(device)
        if generator is not None and jitter:
            move = torch.randint(-jitter, jitter + 1, (2, m, 1, 1), generator=generator, device="cpu").to(device)
            centre = centre + move[0] * self.stride + move[1]
        if views is not None:
            turn, up, flip = ((views >> bit & 1).bool().view(m, 1, 1) for bit in range(3))
            # An even window reaches one pixel farther up than down; mirrored it must stay inside the halo.
            down, right = torch.where(up, -down, down), torch.where(flip, -right, right)
            down, right = torch.where(turn, right, down), torch.where(turn, down, right)
        index = centre + down * self.stride + right  # (m, P, P)
        return self.rows.index_select(0, index.reshape(-1)).view(m, side, side, -1)


def looks(grid: Grid, side: int) -> tuple[FloatArray, FloatArray]:
    """(N, C) the centres, and (N, C) the means of the windows of `side` pixels around them."""
    every = torch.arange(grid.centre.shape[0], device=grid.centre.device)
    own = grid.rows.index_select(0, grid.centre)
    around = torch.cat([grid.windows(part, side).mean(dim=(1, 2)) for part in torch.split(every, 256)])
    return own.cpu().numpy(), around.cpu().numpy()


def label_grid(
    scene: Scene,
    basis: WindowBasis,
    row: IntArray,
    col: IntArray,
    reach: int,
    device: str,
    heights: FloatArray | None = None,
) -> Grid:
    """A grid that holds everything within `reach` pixels of the N labelled pixels. `heights`: `read_components`."""
    heights = basis.heights(scene) if heights is None else heights
    height, width, _ = scene.shape
    if (height + 2 * reach) * (width + 2 * reach) * basis.components <= RESIDENT_VALUES:
        values = read_components(scene, basis, slice(0, height), slice(0, width), reach, heights)
        stride = values.shape[1]
        centre = (row.astype(np.int64) + reach) * stride + col.astype(np.int64) + reach
    else:
        side = 2 * reach + 1
        tiles = [
            read_components(scene, basis, slice(r, r + 1), slice(c, c + 1), reach, heights)  # one read a label
            for r, c in zip(row.tolist(), col.tolist(), strict=True)
        ]
        values, stride = np.concatenate(tiles), side  # tiles below each other
        centre = np.arange(len(tiles), dtype=np.int64) * side * side + reach * side + reach
    return Grid(to_device(values.reshape(-1, basis.components), device), stride, to_device(centre, device))


def block_values(
    scene: Scene,
    basis: WindowBasis,
    rows: slice,
    cols: slice,
    reach: int,
    device: str,
    heights: FloatArray | None = None,
) -> torch.Tensor:
    """(h + 2·reach, w + 2·reach, C) on the device: what windows of all pixels of a block need."""
    return to_device(read_components(scene, basis, rows, cols, reach, heights), device)


def balanced(label: torch.Tensor, count: int, generator: torch.Generator) -> torch.Tensor:
    """(count,) indices into `label` (N,), every class as likely as another. `label` on the CPU, so that no step waits
    for a GPU."""
    weight = 1.0 / torch.bincount(label).clamp(min=1).float()[label]
    return torch.multinomial(weight, count, replacement=True, generator=generator)
