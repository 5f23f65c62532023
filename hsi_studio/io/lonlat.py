"""Longitude and latitude (WGS 84) of a scene's pixels and of its outline, as RFC 7946 has them.

Longitudes run from −180 to 180, also of grids that count to 360. An outline that crosses the 180th meridian is cut
there, and its box has the western edge first, though that number is larger (sections 3.1.9 and 5.2); rings run
counter-clockwise (3.1.6). Around a pole the outline is the cap down to its lowest latitude.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from hsi_studio.io.coordinates import projected
from hsi_studio.scene.rules.georeference import is_degrees
from hsi_studio.types import Scene

WIDE = 90.0  # degrees between corners; from here on the edges are followed
STEPS = 8  # places along an edge then
Floats = npt.NDArray[np.float64]


def placed_crs(scene: Scene) -> str | None:
    """The coordinate system of what is written in the scene's place: without a transform there is none, whatever the
    file calls it."""
    return None if scene.transform is None else scene.crs


def written_transform(scene: Scene) -> tuple[float, float, float, float, float, float] | None:
    """The transform as it goes into files for other programs: longitudes of a grid that counts to 360 and lies beyond
    180 as a whole are written from −180 on, so that rasters and points lie at one place in every program."""
    if scene.transform is None or not is_degrees(scene.crs):
        return scene.transform
    a, b, c, d, e, f = scene.transform
    height, width, _ = scene.shape
    corners = [a * col + b * row + c for row in (0, height) for col in (0, width)]
    turns = -1 if min(corners) >= 180 else 1 if max(corners) <= -180 else 0
    return a, b, c + 360 * turns, d, e, f


def written_xy(scene: Scene, row: float, col: float) -> tuple[float, float] | None:
    """Map coordinates of a pixel's centre by `written_transform`; None without one."""
    transform = written_transform(scene)
    if transform is None:
        return None
    a, b, c, d, e, f = transform
    return a * (col + 0.5) + b * (row + 0.5) + c, d * (col + 0.5) + e * (row + 0.5) + f


def lonlat(scene: Scene | None, col: Floats, row: Floats) -> Floats | None:
    """(N, 2) of places in pixels, whose corners are whole numbers; None without a coordinate system, and when one of
    them has no longitude (a grid of a building site)."""
    if scene is None or scene.crs is None or scene.transform is None:
        return None
    from rasterio.errors import CRSError

    a, b, c, d, e, f = scene.transform
    x, y = a * col + b * row + c, d * col + e * row + f
    try:
        found = np.array(projected(scene.crs, "EPSG:4326", x.tolist(), y.tolist())).T.reshape(-1, 2)
    except CRSError:
        return None
    if not np.isfinite(found).all():
        return None
    far = np.abs(found[:, 0]) > 180
    found[far, 0] = [math.remainder(lon, 360) for lon in found[far, 0]]
    return found


def footprint(scene: Scene) -> tuple[dict[str, Any], list[float]] | None:
    """(Polygon or MultiPolygon, bounding box) of a scene's outline; None where `lonlat` is None."""
    ring = _ring(scene, 1)
    if ring is not None and np.ptp(ring[:, 0]) > WIDE:
        ring = _ring(scene, STEPS)
    if ring is None:
        return None
    steps = [math.remainder(step, 360) for step in np.diff(ring[:, 0], append=ring[0, 0])]
    if abs(sum(steps)) > 180:  # once around
        ring = _cap(ring)
    else:
        ring[:, 0] = ring[0, 0] + np.concatenate([[0.0], np.cumsum(steps[:-1])])
    parts = _cut(ring)
    boxes = [(part[:, 0].min(), part[:, 0].max()) for part in parts]
    west, east = (boxes[0][0], boxes[-1][1]) if len(parts) > 1 else boxes[0]
    rings = [[[float(lon), float(lat)] for lon, lat in (*part, part[0])] for part in parts]
    geometry: dict[str, Any] = {"type": "MultiPolygon", "coordinates": [[one] for one in rings]}
    if len(rings) == 1:
        geometry = {"type": "Polygon", "coordinates": rings}
    return geometry, [float(west), float(ring[:, 1].min()), float(east), float(ring[:, 1].max())]


def _ring(scene: Scene, steps: int) -> Floats | None:
    """(4 · steps, 2) along the outline, not closed."""
    height, width, _ = scene.shape
    part = np.arange(steps) / steps
    zero, one = np.zeros(steps), np.ones(steps)
    return lonlat(
        scene, width * np.concatenate([part, one, 1 - part, zero]), height * np.concatenate([zero, part, one, 1 - part])
    )


def _cap(ring: Floats) -> Floats:
    """Everything from the ring to the pole that it goes around, and a little more: its lowest latitude."""
    side = 1.0 if ring[:, 1].mean() > 0 else -1.0
    edge = side * float((side * ring[:, 1]).min())
    return np.array([[-180.0, edge], [180.0, edge], [180.0, 90 * side], [-180.0, 90 * side]])


def _cut(ring: Floats) -> list[Floats]:
    """The parts of a ring west and east of the 180th meridian, each from −180 to 180, the western one first."""
    import shapely

    if ring[:, 0].min() >= -180 and ring[:, 0].max() <= 180:
        return [_counter_clockwise(ring)]
    whole, found = shapely.Polygon(ring), []
    for turn in (-1, 0, 1):
        part = shapely.intersection(whole, shapely.box(360 * turn - 180, -90, 360 * turn + 180, 90))
        for one in shapely.get_parts(part):
            if one.geom_type == "Polygon" and one.area > 0:
                corners = shapely.get_coordinates(one.exterior)[:-1]
                corners[:, 0] -= 360 * turn
                found.append(_counter_clockwise(corners))
    return found


def _counter_clockwise(ring: Floats) -> Floats:
    x, y = ring[:, 0], ring[:, 1]
    return ring if float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum()) > 0 else ring[::-1]
