"""What a coordinate system is called, and the sides of a pixel in metres."""

from __future__ import annotations

import math

from hsi_studio.types import Scene


def crs_name(wkt: str | None) -> str | None:
    """ "EPSG:32616 · WGS 84 / UTM zone 16N", or what the WKT calls itself; None without a CRS."""
    if not wkt:
        return None
    from rasterio.crs import CRS

    crs = CRS.from_wkt(wkt)
    title = wkt.split('"')[1] if '"' in wkt else wkt
    code = crs.to_epsg()
    return f"EPSG:{code} · {title}" if code else title


def sides_m(scene: Scene) -> tuple[float, float] | None:
    """Metres of a pixel along a row and down a column; without shear their product is `gsd_m` squared. A pixel of
    degrees is narrower than it is high by the cosine of the latitude. None without a pixel size."""
    if not scene.gsd_m:
        return None
    if scene.transform is None:
        return scene.gsd_m, scene.gsd_m
    from rasterio.crs import CRS

    a, b, _, d, e, f = scene.transform
    along, down, area = math.hypot(a, d), math.hypot(b, e), abs(a * e - b * d)
    if scene.crs and CRS.from_wkt(scene.crs).is_geographic:
        narrower = math.cos(math.radians(f + e * scene.shape[0] / 2 + d * scene.shape[1] / 2))
        along, area = along * narrower, area * narrower
    unit = scene.gsd_m / math.sqrt(area)
    return along * unit, down * unit


def pixel_size(scene: Scene) -> str:
    """ "2 m", "36.9 × 60.3 m"; "" where it is not known."""
    sides = sides_m(scene)
    if sides is None or not scene.gsd_m:
        return ""
    square = abs(sides[0] / sides[1] - 1.0) < 0.01
    return f"{scene.gsd_m:.4g} m" if square else f"{sides[0]:.3g} × {sides[1]:.3g} m"
