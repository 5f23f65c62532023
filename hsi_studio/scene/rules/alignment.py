"""Heights, references and masks laid on the scene's pixels by where they lie.

The rule: when scene and layer both have a place, the place decides:
1. the same grid: taken as it is; shifted by at most half a pixel with the same size: taken pixel by pixel, noted;
2. the same grid but turned upside down or mirrored, larger, smaller or shifted by whole pixels: pixels are moved, none
   is computed, noted;
3. another pixel size, another map system, a rotation: resampled, classes by the nearest pixel (by majority from finer
   ones), heights linearly (by their mean from finer ones), noted;
4. no common area: refused, with both areas.
When one of them has no place, the sizes must agree and it is noted; when neither has one, they must agree. When one of
them names no map system, its coordinates are the other's where the areas meet (noted); else the sizes must agree.
Pixels the layer does not cover have no height and no class.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hsi_studio.errors import SizeMismatch
from hsi_studio.humanize import shape_text
from hsi_studio.scene.crs_name import crs_name
from hsi_studio.scene.plan import RULES
from hsi_studio.scene.rules.georeference import is_degrees
from hsi_studio.types import FloatArray

Transform = tuple[float, float, float, float, float, float]
WGS_84 = {"proj": "longlat", "datum": "WGS84", "no_defs": True}
SAME, HALF = 0.02, 0.5 + 1e-6  # of a pixel


@dataclass(frozen=True)
class Grid:
    """Rows and columns, and where they lie. `rules`: of a scene of an older project, as in `plan.RULES`."""

    shape: tuple[int, int]
    transform: Transform | None = None
    crs: str | None = None
    rules: int = RULES


def lay(
    path: Path, layers: FloatArray, grid: Grid, onto: Grid, what: str, classes: bool
) -> tuple[FloatArray, tuple[str, ...]]:
    """(layers (H, W, L) on the grid `onto`, notes); NaN where there is nothing. Raises SizeMismatch."""
    if grid.transform is None or onto.transform is None:
        if grid.shape != onto.shape:
            raise _size_problem(path, grid, onto, what)
        one_has = (grid.transform is None) != (onto.transform is None)
        who = "the scene" if onto.transform is None else path.name
        return layers, (f"{path.name} is laid on pixel by pixel: {who} has no map coordinates.",) if one_has else ()
    grid = _beside(grid, onto) if onto.rules > 7 else grid
    if _same_system(grid.crs, onto.crs, onto.rules):
        placed = _by_moving(path, layers, grid, onto, what)
        if placed is not None:
            return placed
    elif grid.crs is None or onto.crs is None:
        former = onto.rules < 5 and grid.shape == onto.shape and not _near(_relative(grid, onto), np.eye(3))
        if former or not _meet(grid, onto):
            if grid.shape == onto.shape:
                note = f"{path.name} is laid on pixel by pixel: one of the two files does not name its map system."
                return layers, (note,)
            raise _elsewhere(path, grid, onto, what)
        placed = _by_moving(path, layers, grid, onto, what)
        found = placed or _by_resampling(path, layers, grid, onto, what, classes)
        if grid.shape == onto.shape and placed is not None and not placed[1]:
            return found
        who = path.name if grid.crs is None else "the scene"
        return found[0], (*found[1], f"{who} names no map system: its coordinates are taken for those of the other.")
    return _by_resampling(path, layers, grid, onto, what, classes)


def _beside(grid: Grid, onto: Grid) -> Grid:
    """A layer of longitudes as the scene counts them: 190° is −170°. Else as it is."""
    if grid.transform is None or not is_degrees(grid.crs):
        return grid
    left, bottom, right, top = _box(onto)
    middle = (left + right) / 2, (bottom + top) / 2
    if not is_degrees(onto.crs):
        from rasterio.crs import CRS
        from rasterio.warp import transform

        if onto.crs is None:
            return grid
        lon, _ = transform(CRS.from_wkt(onto.crs), CRS.from_wkt(grid.crs), [middle[0]], [middle[1]])
        middle = lon[0], 0.0
    west, _, east, _ = _box(grid)
    if not np.isfinite(middle[0]):
        return grid
    turns = round((middle[0] - (west + east) / 2) / 360)
    a, b, c, d, e, f = grid.transform
    return replace(grid, transform=(a, b, c + 360 * turns, d, e, f)) if turns else grid


def _meet(grid: Grid, onto: Grid) -> bool:
    """Do the boxes around both have a common area, in the same coordinates?"""
    (left, bottom, right, top), (l2, b2, r2, t2) = _box(grid), _box(onto)
    return min(right, r2) > max(left, l2) and min(top, t2) > max(bottom, b2)


def _relative(grid: Grid, onto: Grid) -> npt.NDArray[np.float64]:
    """(3, 3) from the pixel corners (column, row) of `onto` to those of `grid`."""
    return np.asarray(np.linalg.inv(_matrix(grid.transform)) @ _matrix(onto.transform))


def _matrix(transform: Transform | None) -> npt.NDArray[np.float64]:
    assert transform is not None
    return np.array([*transform, 0, 0, 1], dtype=np.float64).reshape(3, 3)


def _near(found: npt.NDArray[np.float64], wanted: npt.NDArray[np.float64], within: float = 1e-3) -> bool:
    return bool(np.allclose(found[:2, :2], wanted[:2, :2], atol=within))


def _by_moving(
    path: Path, layers: FloatArray, grid: Grid, onto: Grid, what: str
) -> tuple[FloatArray, tuple[str, ...]] | None:
    """Rules 1 and 2; None when pixels would have to be computed."""
    relative = _relative(grid, onto)
    height, width = onto.shape
    drift = np.abs(relative[:2, :2] - np.round(relative[:2, :2])) @ [width, height]
    flips = np.round(relative[:2, :2]).astype(int)
    if drift.max() > 0.25 or not np.array_equal(np.abs(flips), np.eye(2, dtype=int)):
        return None
    step_x, step_y = int(flips[0, 0]), int(flips[1, 1])
    # `onto` column c covers grid columns from relative·c; with a flip its far corner is the near one
    first = relative[:2, 2] + np.array([min(step_x, 0), min(step_y, 0)])
    shift = np.abs(first - np.round(first))
    if max(shift) > HALF:
        return None
    if max(shift) > SAME:
        turned = step_x != 1 or step_y != 1
        if turned or grid.shape != onto.shape or np.abs(first).max() > HALF:
            return None
        return layers, (f"{path.name} lies {max(shift):.2f} pixels beside the scene; it is laid on pixel by pixel.",)
    x0, y0 = (int(v) for v in np.round(first))
    cols, rows = x0 + step_x * np.arange(width), y0 + step_y * np.arange(height)
    inside_r, inside_c = (rows >= 0) & (rows < grid.shape[0]), (cols >= 0) & (cols < grid.shape[1])
    if not inside_r.any() or not inside_c.any():
        raise _elsewhere(path, grid, onto, what)
    if (x0, y0, step_x, step_y) == (0, 0, 1, 1) and grid.shape == onto.shape:
        return layers, ()
    out = np.full((height, width, layers.shape[2]), np.nan, dtype=np.float32)
    out[np.ix_(inside_r, inside_c)] = layers[np.ix_(rows[inside_r], cols[inside_c])]
    done = []
    if step_y < 0:
        done.append("turned upside down (it is stored the other way round)")
    if step_x < 0:
        done.append("mirrored left to right")
    if not (inside_r.all() and inside_c.all()):
        covered = int(inside_r.sum()) * int(inside_c.sum())
        done.append(f"it covers {100 * covered / (height * width):.0f} % of the scene")
    if grid.shape != onto.shape or (abs(x0) > 0 and step_x > 0) or (abs(y0) > 0 and step_y > 0):
        done.append(f"cut to the scene by its coordinates ({shape_text(grid.shape)} → {shape_text(onto.shape)} pixels)")
    return out, (f"{path.name} is laid on the scene: {'; '.join(done)}.",)


def _by_resampling(
    path: Path, layers: FloatArray, grid: Grid, onto: Grid, what: str, classes: bool
) -> tuple[FloatArray, tuple[str, ...]]:
    from rasterio.crs import CRS
    from rasterio.enums import Resampling
    from rasterio.errors import CRSError, RasterioError
    from rasterio.transform import Affine
    from rasterio.warp import reproject

    assert grid.transform is not None
    assert onto.transform is not None
    system = (
        CRS.from_wkt(onto.crs or grid.crs) if onto.crs or grid.crs else CRS.from_epsg(3857)
    )  # both in the same plane
    own = CRS.from_wkt(grid.crs) if grid.crs else system
    finer = _finer(grid, onto, own, system)
    method = (Resampling.mode if finer else Resampling.nearest) if classes else (
        Resampling.average if finer else Resampling.bilinear
    )  # fmt: skip
    # else GDAL takes a layer that is turned for a finer one, and blurs it
    sharp = method is Resampling.bilinear and onto.rules > 5
    scale = {"XSCALE": "1", "YSCALE": "1"} if sharp else {}
    out = np.full((layers.shape[2], *onto.shape), np.nan, dtype=np.float32)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reproject(
                np.ascontiguousarray(np.moveaxis(layers, 2, 0)).astype(np.float32),
                out,
                src_transform=Affine(*grid.transform),
                src_crs=own,
                src_nodata=np.nan,
                dst_transform=Affine(*onto.transform),
                dst_crs=system,
                dst_nodata=np.nan,
                resampling=method,
                init_dest_nodata=True,
                **scale,
            )
    except (RasterioError, CRSError, ValueError) as error:
        raise SizeMismatch(
            path, f"{what} cannot be brought to the scene's grid ({error})", "Resample it to the scene's grid in a GIS"
        ) from error
    covered = float(np.isfinite(out[0]).mean())
    if covered == 0:
        raise _elsewhere(path, grid, onto, what)
    how = {"nearest": "the nearest pixel", "mode": "the most frequent class", "average": "the mean of its finer pixels",
           "bilinear": f"linear interpolation{' between its pixels' * sharp}"}[method.name]  # fmt: skip
    note = f"{path.name} has another grid than the scene and is resampled by {how}"
    share = "" if covered > 0.995 else f"; it covers {100 * covered:.0f} % of the scene"
    return np.moveaxis(out, 0, 2), (f"{note}{share}.",)


def _finer(grid: Grid, onto: Grid, own: Any, system: Any) -> bool:
    """Are the layer's pixels less than three quarters as long as the scene's?"""
    from rasterio.warp import transform as to_system

    assert grid.transform is not None
    assert onto.transform is not None
    height, width = onto.shape
    middle = _matrix(onto.transform) @ np.array([[width / 2, width / 2 + 1], [height / 2, height / 2], [1, 1]])
    xs, ys = to_system(system, own, middle[0].tolist(), middle[1].tolist())
    if not np.all(np.isfinite([*xs, *ys])):
        return False
    pixel = np.hypot(xs[1] - xs[0], ys[1] - ys[0])
    return bool(np.hypot(grid.transform[0], grid.transform[3]) < 0.75 * pixel)


def _same_system(first: str | None, second: str | None, rules: int = RULES) -> bool:
    """Both None, the same text, or the same system under two spellings; a vertical part beside it does not count."""
    from rasterio.crs import CRS
    from rasterio.errors import CRSError

    if first == second:
        return True
    if first is None or second is None:
        return False
    if rules > 6:
        first, second = _horizontal(first), _horizontal(second)
    try:
        one, two = CRS.from_wkt(first), CRS.from_wkt(second)
        if one == two or (one.to_epsg() is not None and one.to_epsg() == two.to_epsg()):
            return True
        degrees = one.to_dict(), two.to_dict()  # ENVI's and ESRI's GCS_WGS_1984 has no code
        return rules > 6 and degrees[0] == degrees[1] == WGS_84
    except CRSError:
        return False


def _horizontal(crs: str) -> str:
    """Of a compound system's well-known text the part of the plane: COMPD_CS["name",PROJCS[…],VERT_CS[…]]."""
    found = re.match(r'\s*(?:COMPD_CS|COMPOUNDCRS)\["[^"]*",', crs)
    if found is None:
        return crs
    depth = 0
    for at in range(found.end(), len(crs)):
        depth += {"[": 1, "]": -1}.get(crs[at], 0)
        if depth == 0 and crs[at] == "]":
            return crs[found.end() : at + 1]
    return crs


def _box(grid: Grid) -> tuple[float, float, float, float]:
    """(lowest x, lowest y, highest x, highest y) of its corners."""
    height, width = grid.shape
    corners = _matrix(grid.transform) @ np.array([[0, width, 0, width], [0, 0, height, height], [1, 1, 1, 1]])
    x, y = corners[0], corners[1]
    return float(x.min()), float(y.min()), float(x.max()), float(y.max())


def _bounds(grid: Grid) -> str:
    left, bottom, right, top = _box(grid)
    return f"x {left:.6g} to {right:.6g}, y {bottom:.6g} to {top:.6g}"


def _elsewhere(path: Path, grid: Grid, onto: Grid, what: str) -> SizeMismatch:
    own, its = (f" in {crs_name(g.crs)}" if g.crs and grid.crs != onto.crs else "" for g in (grid, onto))
    return SizeMismatch(
        path,
        f"{what} lies elsewhere: it covers {_bounds(grid)}{own}, the scene {_bounds(onto)}{its}",
        "Name the file of this place, or correct its coordinates",
    )


def _size_problem(path: Path, grid: Grid, onto: Grid, what: str) -> SizeMismatch:
    found, wanted = grid.shape, onto.shape
    turned = " (rows and columns seem exchanged)" if found == wanted[::-1] and found[0] != found[1] else ""
    return SizeMismatch(
        path,
        f"{what} has {shape_text(found)} pixels (rows × columns) and the scene {shape_text(wanted)}{turned}",
        f"Give {what} of exactly the scene's pixels, with coordinates in both files, or resample it to its grid",
    )
