"""CF's grids: coordinate vectors, GDAL's numbers and the parameters of a grid mapping → transform and map system.

Source: CF conventions 1.11, section 5.6 and appendix F; the numbers' order is GDAL's.
Unusual: longitudes that run on over the 180th meridian (179.9, −180.0 …) are even vectors; a figure of the earth comes
from two of its axes, from one and the flattening, or from one radius (`earth_radius`: a sphere), never in silence from
WGS 84 where the file gives another; false eastings are in the unit of the coordinates.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from hsi_studio.scene.plan import RULES
from hsi_studio.scene.rules.georeference import Transform, wkt

log = logging.getLogger(__name__)
WGS_84 = (6378137.0, 298.257223563)  # metres of the longer half axis, inverse flattening
FARTHEST_M = 1e8  # of a false easting


def from_vectors(x: npt.NDArray[Any] | None, y: npt.NDArray[Any] | None, around: bool = False) -> Transform | None:
    """The transform of evenly spaced pixel centres; None when they are not even. `around`: x are longitudes, which go
    on from 180 at −180 or from 360 at 0."""
    if x is None or y is None or x.size < 2 or y.size < 2:
        return None
    x = np.unwrap(np.asarray(x, dtype=np.float64), period=360) if around else x
    steps = []
    for values in (np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)):
        step = (values[-1] - values[0]) / (values.size - 1)
        even = values[0] + step * np.arange(values.size)
        tolerance = max(1e-3 * abs(step), 4 * float(np.spacing(np.float32(np.abs(values).max()))))
        if step == 0 or not np.allclose(values, even, rtol=0, atol=min(tolerance, 0.05 * abs(step))):
            return None
        steps.append(float(step))
    dx, dy = steps
    return dx, 0.0, float(x[0]) - dx / 2, 0.0, dy, float(y[0]) - dy / 2


def gdal_numbers(value: Any) -> Transform | None:
    """GDAL's order (x₀, dx, rx, y₀, ry, dy), as text or numbers, in rasterio's order."""
    text = value.decode("ascii", "replace") if isinstance(value, bytes) else value
    try:
        parts = text.replace(",", " ").split() if isinstance(text, str) else np.asarray(text).ravel().tolist()
        x, a, b, y, d, e = (float(part) for part in parts)
    except (ValueError, TypeError):
        return None
    return (a, b, x, d, e, y) if a * e != b * d else None


def cf_crs(attributes: Mapping[str, Any], each: float = 1.0, rules: int = RULES) -> str | None:
    """WKT of a CF grid mapping variable: spatial_ref, crs_wkt, an EPSG code, or the parameters of nine projections.
    `each`: metres of the coordinates' unit; `rules` of an older project."""
    text = {key: _plain(value) for key, value in attributes.items()}
    for key in ("spatial_ref", "crs_wkt", "projection_wkt", "wkt"):
        found = wkt(str(text[key])) if text.get(key) else None
        if found:
            return found
    code = re.search(r"(\d{4,6})", str(text.get("epsg_code", text.get("epsg", ""))))
    if code:
        return wkt("", int(code.group(1)))
    return _from_parameters(text, each, rules)


def _from_parameters(text: Mapping[str, Any], each: float, rules: int) -> str | None:
    from rasterio.crs import CRS
    from rasterio.errors import CRSError

    def value(key: str, default: float = 0.0) -> float:
        found = _number(text, key)
        return default if found is None else found

    def false(key: str) -> float:
        found = value(key)  # files of kilometres that give metres here are known by the size
        return found * each if rules > 7 and abs(found * each) < FARTHEST_M else found

    name = str(text.get("grid_mapping_name", ""))
    figure = _figure(text) if rules > 7 else _former_figure(text)
    shift = f"+x_0={false('false_easting'):.12g} +y_0={false('false_northing'):.12g} +units=m {figure}"
    origin = f"+lat_0={value('latitude_of_projection_origin'):.12g}"
    centre = value("longitude_of_central_meridian", value("longitude_of_projection_origin"))
    parallels = np.asarray(text.get("standard_parallel", [0.0])).ravel()
    pole = value("straight_vertical_longitude_from_pole", centre)
    true_at = f"+lat_ts={parallels[0]:.12g}" if "standard_parallel" in text else (
        f"+k_0={value('scale_factor_at_projection_origin', 1.0):.12g}"
    )  # fmt: skip
    one = rules > 7 and parallels.size == 1 and "scale_factor_at_projection_origin" in text
    conic = f"+k_0={value('scale_factor_at_projection_origin', 1.0):.12g} " if one else ""
    forms = {
        "latitude_longitude": f"+proj=longlat {figure}",
        "transverse_mercator": f"+proj=tmerc {origin} +lon_0={centre:.12g} "
        f"+k={value('scale_factor_at_central_meridian', 1.0):.12g} {shift}",
        "lambert_azimuthal_equal_area": f"+proj=laea {origin} +lon_0={centre:.12g} {shift}",
        "albers_conical_equal_area": f"+proj=aea +lat_1={parallels[0]:.12g} +lat_2={parallels[-1]:.12g} {origin} "
        f"+lon_0={centre:.12g} {shift}",
        "polar_stereographic": f"+proj=stere {origin} +lon_0={pole:.12g} {true_at} {shift}",
        "mercator": f"+proj=merc +lon_0={centre:.12g} {true_at} {shift}",
        "lambert_conformal_conic": f"+proj=lcc +lat_1={parallels[0]:.12g} +lat_2={parallels[-1]:.12g} {origin} "
        f"+lon_0={centre:.12g} {conic}{shift}",
        "sinusoidal": f"+proj=sinu +lon_0={centre:.12g} {shift}",
        "azimuthal_equidistant": f"+proj=aeqd {origin} +lon_0={centre:.12g} {shift}",
    }
    if name not in forms:
        return None
    if forms[name] == "+proj=longlat +datum=WGS84":
        return wkt("", 4326)
    try:
        found = CRS.from_string(forms[name])
        code = found.to_epsg(confidence_threshold=90)
        return str((CRS.from_epsg(code) if code else found).to_wkt())
    except CRSError as error:
        log.info("grid mapping not understood: %s", error)
        return None


def _number(text: Mapping[str, Any], key: str) -> float | None:
    try:
        found = float(np.asarray(text[key]).ravel()[0])
    except (KeyError, TypeError, ValueError, IndexError):
        return None
    return found if np.isfinite(found) else None


def _figure(text: Mapping[str, Any]) -> str:
    """PROJ's words for the figure of the earth and the prime meridian; WGS 84 where nothing is said."""
    long, short, radius = (_number(text, key) for key in ("semi_major_axis", "semi_minor_axis", "earth_radius"))
    flattening = _number(text, "inverse_flattening")
    meridian = _number(text, "longitude_of_prime_meridian") or 0.0
    east = f" +pm={meridian:.12g}" if meridian else ""
    if long is None and short is None and radius:
        return f"+R={radius:.12g}{east}"
    if long is None and short and flattening and flattening > 1:
        long = short / (1 - 1 / flattening)
    long = WGS_84[0] if long is None else long
    if flattening == 0:
        return f"+R={long:.12g}{east}"
    if flattening is None and short:
        flattening = long / (long - short) if long > short else 0.0
        if flattening == 0:
            return f"+R={long:.12g}{east}"
    flattening = WGS_84[1] if flattening is None else flattening
    if abs(long - WGS_84[0]) < 0.5 and abs(flattening - WGS_84[1]) < 1e-4:
        return f"+datum=WGS84{east}" if not east else f"+ellps=WGS84{east}"
    return f"+a={long:.9g} +rf={flattening:.12g}{east}"


def _former_figure(text: Mapping[str, Any]) -> str:
    """As projects before rules 8 have it: without spheres, the short axis and the prime meridian."""
    long, flattening = _number(text, "semi_major_axis"), _number(text, "inverse_flattening")
    long, flattening = WGS_84[0] if long is None else long, WGS_84[1] if flattening is None else flattening
    if abs(long - WGS_84[0]) < 0.5 and abs(flattening - WGS_84[1]) < 1e-4:
        return "+datum=WGS84"
    return f"+a={long:.9g} +rf={flattening:.12g}" if flattening else ""


def _plain(value: Any) -> Any:
    item = np.asarray(value).ravel()
    if item.size == 1 and item.dtype.kind in "SUO":
        return item[0].decode("utf-8", "replace") if isinstance(item[0], bytes) else str(item[0])
    return value
