"""The demo's landscape: a valley of 300 m × 300 m with a river, a village, a wood and fields, as rasters.

Shapes are drawn as distances and rotated rectangles on a grid of metres (x east, y south), later ones over earlier
ones. Trees are domes (broadleaf) and cones (conifers) on scattered stems; a cell belongs to the stem whose crown is
highest there. Houses are rectangles along streets with gabled or flat roofs. All positions come from the generator.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hsi_studio.scene.physics.fields import smooth_field
from hsi_studio.scene.physics.spectra import Array, hermite

NAMES = {
    1: "Broadleaf trees",
    2: "Conifers",
    3: "Meadow",
    4: "Dry grass",
    5: "Maize",
    6: "Bare soil",
    7: "Water",
    8: "Asphalt",
    9: "Gravel",
    10: "Tile roof",
    11: "Bitumen roof",
    12: "Metal roof",
}
MATERIAL_OF = {value: name.lower() for value, name in NAMES.items()}
_BROADLEAF, _CONIFER, _MEADOW, _DRY, _MAIZE, _SOIL, _WATER, _ASPHALT, _GRAVEL, _TILE, _BITUMEN, _METAL = NAMES
SIZE_M = 300.0


@dataclass
class Layout:
    """Rasters (n, n) that the shapes are drawn on."""

    x: Array
    y: Array
    classes: npt.NDArray[np.int64]
    ground_m: Array
    height_m: Array
    objects: npt.NDArray[np.int64]
    count: int = 1

    def paint(self, mask: npt.NDArray[np.bool_], value: int, height: Array | float = 0.0) -> None:
        """One object of one class; height above ground in metres."""
        self.classes[mask] = value
        self.height_m[mask] = height[mask] if isinstance(height, np.ndarray) else height
        self.objects[mask] = self.count
        self.count += 1

    def local(self, cx: float, cy: float, angle: float) -> tuple[Array, Array]:
        """Coordinates along and across a rectangle turned by `angle` (radians) about its centre."""
        dx, dy = self.x - cx, self.y - cy
        return dx * np.cos(angle) + dy * np.sin(angle), dy * np.cos(angle) - dx * np.sin(angle)

    def box(self, cx: float, cy: float, length: float, width: float, angle: float) -> npt.NDArray[np.bool_]:
        u, v = self.local(cx, cy, angle)
        return np.asarray((np.abs(u) <= length / 2) & (np.abs(v) <= width / 2))

    def away(self, points: list[tuple[float, float]]) -> Array:
        """Distance in metres to a line through the points; infinite beyond 5 m, which is what roads need."""
        return self.along(points, 5.0)[0]

    def along(self, points: list[tuple[float, float]], reach_m: float = np.inf) -> tuple[Array, Array]:
        """Distance to a line, and the length of the line up to the nearest point of it; metres.

        Beyond `reach_m` the distance is infinite and the length NaN.
        """
        from scipy.spatial import cKDTree

        corner = np.array(points)
        length = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(corner, axis=0).T))])
        at = np.arange(0.0, length[-1], 0.5)
        dense = np.stack([np.interp(at, length, corner[:, k]) for k in (0, 1)], axis=1)
        cells = np.stack([self.x.ravel(), self.y.ravel()], axis=1)
        distance, nearest = cKDTree(dense).query(cells, distance_upper_bound=reach_m)
        return distance.reshape(self.x.shape), np.append(at, np.nan)[nearest].reshape(self.x.shape)


def _smooth_line(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """A Catmull–Rom curve through the points, cut into 40 pieces."""
    corner, knots = np.array(points, dtype=np.float64), np.arange(len(points), dtype=np.float64)
    line = hermite(knots, corner, np.gradient(corner, axis=0), np.linspace(0.0, knots[-1], 41))
    return [(float(px), float(py)) for px, py in line]


def _trees(
    land: Layout,
    area: npt.NDArray[np.bool_],
    spacing_m: float,
    conifers: Array,
    rng: np.random.Generator,
    closed: bool = False,
) -> None:
    """A stand on `area`: one stem in every cell of a jittered grid. `conifers` (n, n) is their local share."""
    from scipy.spatial import cKDTree

    steps = np.arange(-spacing_m, SIZE_M + spacing_m, spacing_m)
    stem = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    stem = stem + rng.uniform(-0.42, 0.42, stem.shape) * spacing_m
    pixel_m = float(land.x[0, 1] - land.x[0, 0])
    n = land.x.shape[0]
    at = np.clip((stem / pixel_m).astype(int), 0, n - 1)
    inside = area[at[:, 1], at[:, 0]]
    stem, at = stem[inside], at[inside]
    if stem.size == 0:
        return
    cone = rng.uniform(size=len(stem)) < conifers[at[:, 1], at[:, 0]]
    radius = np.where(cone, rng.uniform(2.6, 3.7, len(stem)), rng.uniform(3.0, 5.4, len(stem))) * spacing_m / 6.0
    top = np.where(cone, rng.uniform(15, 23, len(stem)), rng.uniform(10, 18, len(stem)))

    cells = np.stack([land.x.ravel(), land.y.ravel()], axis=1)
    distance, nearest = cKDTree(stem).query(cells, k=min(4, len(stem)), distance_upper_bound=6.5 * spacing_m / 6.0)
    distance, nearest = np.atleast_2d(distance.T).T, np.atleast_2d(nearest.T).T
    near = np.minimum(nearest, len(stem) - 1)
    reach = distance / radius[near]
    shape = np.where(cone[near], 1.0 - 0.75 * reach, 0.45 + 0.55 * np.sqrt(np.maximum(1.0 - reach**2, 0.0)))
    crown = np.where(reach <= 1.0, top[near] * shape, 0.0)  # (n², 4)
    best = crown.argmax(axis=1)
    pick = np.take_along_axis(near, best[:, None], axis=1)[:, 0]
    height = crown.max(axis=1).reshape(n, n)
    if closed:  # what shows between the crowns of a stand belongs to the nearest stem
        pick = np.where(crown.max(axis=1) > 2.0, pick, near[:, 0])
        height = np.where(area & (height <= 2.0), 2.01, height)
    under = (height > land.height_m) & (height > 2.0)
    land.classes[under] = np.where(cone[pick], _CONIFER, _BROADLEAF).reshape(n, n)[under]
    land.objects[under] = (land.count + pick).reshape(n, n)[under]
    land.height_m[under] = height[under]
    land.count += len(stem)


def _house(land: Layout, cx: float, cy: float, angle: float, kind: int, rng: np.random.Generator) -> None:
    """One building; roofs of tiles are gabled, others flat."""
    if kind == _TILE:
        length, width = rng.uniform(12, 17), rng.uniform(8.5, 11)
        _, across = land.local(cx, cy, angle)
        roof = rng.uniform(4.2, 6.0) + (width / 2 - np.abs(across)) * np.tan(np.radians(rng.uniform(32, 42)))
    elif kind == _BITUMEN:
        length, width = rng.uniform(14, 20), rng.uniform(11, 14)
        roof = np.full(land.x.shape, rng.uniform(5.5, 9.0))
    else:
        length, width = rng.uniform(40, 46), rng.uniform(20, 24)
        _, across = land.local(cx, cy, angle)
        roof = 8.0 + (width / 2 - np.abs(across)) * 0.10
    land.paint(land.box(cx, cy, length, width, angle), kind, roof)


def _fields(land: Layout, rng: np.random.Generator) -> None:
    """Strips of crops on both sides of the river; the order of crops is drawn, each occurs at least twice."""
    turn = np.radians(-14.0)
    u, v = land.local(0.0, 0.0, turn)
    edges_u = np.array([-90, -8, 46, 96, 150, 205, 262, 420]) + rng.uniform(-5, 5, 8)
    crops = [_MAIZE, _SOIL, _DRY, _MEADOW, _MAIZE, _SOIL, _DRY]
    for row, (top, bottom) in enumerate([(-120.0, 62.0), (62.0, 150.0), (150.0, 262.0), (262.0, 460.0)]):
        order = rng.permutation(crops)
        for k in range(7):
            shift = 23.0 * (row % 2)
            strip = (u > edges_u[k] + shift + 0.9) & (u < edges_u[k + 1] + shift - 0.9)
            strip &= (v > top + 0.9) & (v < bottom - 0.9)
            crop = int(order[k])
            rough = 0.15 * rng.standard_normal(land.x.shape)
            height = {_SOIL: 0.0, _DRY: 0.25, _MEADOW: 0.35}
            land.paint(strip, crop, 2.1 + rough if crop == _MAIZE else height[crop])


def _village(
    land: Layout,
    street: list[tuple[float, float]],
    to_street: Array,
    position: Array,
    tracks: npt.NDArray[np.bool_],
    rng: np.random.Generator,
) -> None:
    """Gardens in lots, side streets, houses on both sides, a works with metal halls and a paved yard.

    `to_street` (n, n) distance to the street, `position` (n, n) metres along it, `tracks` where no house may stand.
    """
    points = np.array(street)
    length = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    lots = np.arange(length[13], length[36], 20.5)
    bend = np.interp(position, length, points[:, 1])
    for side in (-1.0, 1.0):
        for at in lots:
            depth = rng.uniform(33.0, 46.0)
            lot = (np.abs(position - at) < 10.25) & (to_street < depth) & ((land.y - bend) * side > 0)
            if rng.uniform() < 0.92:
                land.paint(lot, _MEADOW, 0.15)
    lanes = [
        [(street[18][0], street[18][1]), (street[18][0] + 24, street[18][1] - 42)],
        [(street[28][0], street[28][1]), (street[28][0] - 16, street[28][1] + 46)],
    ]
    for lane in lanes:
        land.paint(land.away(lane) < 2.3, _GRAVEL)
    yard = land.box(252, 62, 86, 62, 0.12)
    land.paint(yard, _ASPHALT)
    for cy, kind in ((46, _METAL), (80, _METAL)):
        _house(land, 246 + (cy - 62) * -0.12, cy, 0.12, kind, rng)
    land.paint(land.box(282, 66, 13, 26, 0.12), _GRAVEL)
    blocked = yard | tracks
    for side in (-1.0, 1.0):
        for step, at in enumerate(lots):
            x, y = np.interp(at, length, points[:, 0]), np.interp(at, length, points[:, 1])
            x1, y1 = np.interp(at + 3, length, points[:, 0]), np.interp(at + 3, length, points[:, 1])
            angle = float(np.arctan2(y1 - y, x1 - x))
            off = side * rng.uniform(15.5, 19.0)
            cx, cy = x - np.sin(angle) * off, y + np.cos(angle) * off
            if (blocked & land.box(cx, cy, 20.0, 14.0, angle)).any() or not (4 < cx < 296):
                continue
            kind = _BITUMEN if (step + (side > 0)) % 3 == 2 else _TILE
            drive = land.box(x - np.sin(angle) * off / 2, y + np.cos(angle) * off / 2, 3.4, abs(off), angle)
            land.paint(drive, _GRAVEL)
            _house(land, cx, cy, angle + rng.choice([0.0, np.pi / 2], p=[0.7, 0.3]), kind, rng)


def landscape(n: int, rng: np.random.Generator) -> Layout:
    """The whole layout on an n × n raster of SIZE_M metres a side."""
    pixel_m = SIZE_M / n
    centre = (np.arange(n) + 0.5) * pixel_m
    x, y = np.meshgrid(centre, centre)
    river = _smooth_line([(-30, 238), (40, 222), (95, 246), (150, 226), (205, 250), (262, 276), (330, 268)])
    street = _smooth_line([(-20, 150), (45, 158), (110, 146), (175, 128), (240, 140), (320, 172)])
    land = Layout(
        x, y, np.full((n, n), _MEADOW), np.zeros((n, n)), np.full((n, n), 0.3), np.zeros((n, n), dtype=np.int64)
    )
    to_river = land.along(river)[0] + 1.6 * smooth_field((n, n), pixel_m, 26.0, rng)
    land.ground_m = 206.0 + 0.035 * np.minimum(to_river, 190.0) + 0.9 * smooth_field((n, n), pixel_m, 130.0, rng)
    land.ground_m += 9.0 * np.exp(-(((x - 50) / 95) ** 2 + ((y - 40) / 80) ** 2))  # the wood stands on a hill

    _fields(land, rng)
    ragged = 7.0 * smooth_field((n, n), pixel_m, 30.0, rng)
    to_street, position = land.along(street, 50.0)
    track = _smooth_line([(118, 152), (112, 190), (128, 230), (118, 320)])
    to_track = land.away(track)
    upper_track = land.away(_smooth_line([(100, -10), (128, 40), (170, 84), (176, 128)]))
    wood = (0.85 * x + y + 1.6 * ragged < 128) & (to_street > 16)
    land.paint(wood, _BROADLEAF, 1.0)  # what shows between crowns is undergrowth of the same stand
    bank = to_river < 26
    land.paint(bank, _MEADOW, 0.3)
    _village(land, street, to_street, position, np.minimum(to_track, upper_track) < 2.5, rng)
    land.paint((to_track < 1.9) | (upper_track < 1.9), _GRAVEL)

    gravel_bar = (to_river < 12.5) & (smooth_field((n, n), pixel_m, 34.0, rng) > 0.35)
    water = to_river < 7.8
    pond = np.hypot((x - 52) / 1.45, y - 274) + 1.4 * ragged / 7.0 < 15.5
    land.paint(gravel_bar & ~water, _GRAVEL)
    land.paint(water | pond, _WATER)
    bed = np.clip((9.0 - np.minimum(to_river, np.where(pond, 0.0, 99.0))) / 6.0, 0.0, 1.0)
    land.ground_m = land.ground_m - 1.4 * bed
    land.ground_m[water | pond] = np.minimum(land.ground_m[water | pond], np.median(land.ground_m[water]))
    bridge = (to_track < 2.6) & water
    land.paint(bridge, _ASPHALT, 1.6)
    land.paint(to_street < 3.3, _ASPHALT)

    free = np.isin(land.classes, (_MEADOW, _BROADLEAF))
    patches = smooth_field((n, n), pixel_m, 42.0, rng)
    _trees(
        land, wood & (upper_track > 3.0), 6.0, np.where(0.6 * patches + (46.0 - y) / 24.0 > 0.0, 0.95, 0.05), rng, True
    )
    scattered = rng.uniform(size=(n, n))
    riparian = bank & free & (to_river > 10.5) & (smooth_field((n, n), pixel_m, 22.0, rng) > 0.1)
    _trees(land, riparian, 6.4, np.zeros((n, n)), rng)
    gardens = free & (to_street < 44) & (to_street > 8) & (x > 90) & (scattered < 0.20)
    _trees(land, gardens & (land.classes == _MEADOW), 7.0, np.full((n, n), 0.25), rng)
    hedge = free & (np.abs(land.local(190.0, 190.0, np.radians(76.0))[1]) < 2.5) & (y > 160)
    _trees(land, hedge, 5.0, np.zeros((n, n)), rng)
    return land
