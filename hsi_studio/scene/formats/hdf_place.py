"""Where a raster of HDF5 or netCDF-4 lies: CF's grid mapping and coordinate vectors, ENVI's map info as an attribute.

Source: CF conventions 1.11, section 5.6 and appendix F; GDAL's and rioxarray's `spatial_ref` and `GeoTransform`.
Unusual: vectors x and y that only count pixels (0, 1, 2 … without a unit of length) are no place; a scalar variable
called spatial_ref or crs counts where the array names no grid mapping, as xarray writes it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from hsi_studio.scene.formats.hdf_values import first, text
from hsi_studio.scene.plan import RULES
from hsi_studio.scene.raster import Raster
from hsi_studio.scene.rules import cf_grid, georeference


def on_cf_grid(raster: Raster, handle: Any, cube: Any, rules: int = RULES) -> Raster:
    """The transform and map system of CF's grid mapping and coordinate vectors, where the file has them; `rules` of an
    older project."""
    height, width, _ = raster.cube.shape
    x, y = (_vector(handle, cube, names, n, rules) for names, n in ((X_NAMES, width), (Y_NAMES, height)))
    around = rules > 7 and x is not None and _degrees(x)
    xs, ys = (None if v is None else _metres(v) for v in (x, y))
    transform = cf_grid.from_vectors(xs, ys, around)
    mapping = _mapping(handle, cube, rules)
    attributes = dict(mapping.attrs) if mapping is not None else {}
    crs = cf_grid.cf_crs(attributes, 1000.0 if x is not None and _in_kilometres(x) else 1.0, rules)
    if transform is None and "GeoTransform" in attributes:
        transform = cf_grid.gdal_numbers(text(attributes["GeoTransform"]))
    if transform is None and mapping is not None:
        transform = cf_grid.gdal_numbers(attributes.get("geotransform", handle.attrs.get("geotransform")))
    if transform is not None and crs is None and x is not None and _degrees(x) and y is not None and _degrees(y):
        crs = georeference.wkt("", 4326)
    if transform is not None and crs is None and rules > 6:
        crs = _of_attributes(handle, cube)
    notes = raster.notes
    name = text(attributes.get("grid_mapping_name"))
    if crs is None and name and (transform is not None or rules > 7):
        shown = "coordinates are shown without it" if transform is not None else "the scene has no map coordinates"
        notes += (
            f"The file's map projection ({name}) is not understood; {shown}."
            + " Say which it is with --crs." * (transform is not None),
        )
    if transform is None and rules > 6:
        info = text(next((cube.attrs[key] for key in MAP_INFO if key in cube.attrs), None))
        items = [part.strip() for part in (info or "").strip("{}").split(",")]
        if len(items) > 6:
            transform, crs = georeference.transform_of(items)[0], georeference.wkt("", georeference.epsg_of(items))
    if transform is None and crs is not None:
        notes += ("The file names a map system but no even grid; the scene has no map coordinates.",)
    uneven = transform is None and rules > 7 and x is not None and y is not None and min(x.size, y.size) > 1
    if uneven and crs is None:
        notes += ("Its coordinates are not evenly spaced, so they are no map grid: the scene has no map coordinates.",)
    swath = _swath(handle, (height, width))
    if transform is None and swath:
        notes += (
            f"Every pixel has its own longitude and latitude ({swath}); the scene stays in the sensor's geometry.",
        )
    side = georeference.side_m(transform, crs)
    return replace(raster, transform=transform, crs=crs if transform else None, gsd_m=side, notes=notes)


MAP_INFO = ("map_info", "map info", "Map_Info")
CRS_NAMES = ("crs", "spatial_ref", "crs_wkt", "epsg", "EPSG", "epsg_code", "proj:epsg", "srid", "projection")
X_NAMES = ("easting", "x", "lon", "longitude", "projection_x_coordinate")
Y_NAMES = ("northing", "y", "lat", "latitude", "projection_y_coordinate")


def _beside(handle: Any, cube: Any, name: str) -> Any:
    """The dataset of that name in the cube's group or one above it."""
    group = cube.parent
    while name:
        if name in group and hasattr(group[name], "shape"):
            return group[name]
        if group.name == "/":
            return None
        group = group.parent
    return None


def _of_attributes(handle: Any, cube: Any) -> str | None:
    """The map system that the array, its group or the file names in an attribute: an EPSG code or WKT."""
    for holder in (cube, cube.parent, handle):
        for key in CRS_NAMES:
            said = (text(holder.attrs.get(key)) or "").removesuffix(".0")
            found = georeference.named(said) if said else None
            if found:
                return found
    return None


def _mapping(handle: Any, cube: Any, rules: int) -> Any:
    """The variable of the grid mapping: the one the array names, else a scalar called as GDAL and rioxarray call it."""
    said = (text(cube.attrs.get("grid_mapping")) or "").split(":")[0].strip()
    if said or rules < 7:
        return _beside(handle, cube, said)
    usual = (_beside(handle, cube, name) for name in ("spatial_ref", "crs"))
    return next((item for item in usual if item is not None and tuple(item.shape) in ((), (1,))), None)


def _vector(handle: Any, cube: Any, names: tuple[str, ...], size: int, rules: int) -> Any:
    """The coordinate vector of that length: by name, from the cube's group upwards. One that counts pixels is none."""
    for name in names:
        item = _beside(handle, cube, name)
        fits = item is not None and tuple(item.shape) == (size,) and item.dtype.kind in "iuf"
        if fits and (rules < 7 or not _counts(item)):
            return item
    return None


def _counts(vector: Any) -> bool:
    """0, 1, 2 … or 1, 2, 3 …, up or down, in no unit of length or angle: numbers of rows or columns."""
    unit = (text(vector.attrs.get("units")) or "").strip().lower()
    values = np.sort(np.asarray(vector[()], dtype=np.float64))
    counted = values.size > 1 and values[0] in (0, 0.5, 1) and bool(np.all(np.diff(values) == 1))
    return counted and unit in ("", "1", "pixel", "pixels", "count", "none", "unitless")


def _metres(vector: Any) -> Any:
    """(n,) coordinates; of those in kilometres the metres that map systems count in."""
    scale, offset = (first(vector, (name,)) for name in ("scale_factor", "add_offset"))
    values = np.asarray(vector[()], dtype=np.float64) * (scale or 1.0) + (offset or 0.0)
    return values * (1000.0 if _in_kilometres(vector) else 1.0)


def _in_kilometres(vector: Any) -> bool:
    return (text(vector.attrs.get("units")) or "").strip().lower() in KILOMETRES


KILOMETRES = ("km", "kilometer", "kilometers", "kilometre", "kilometres")


def _degrees(vector: Any) -> bool:
    unit = (text(vector.attrs.get("units")) or "").lower()
    return unit.startswith("degree") or (
        not unit and vector.name.rsplit("/", 1)[-1] in ("lon", "lat", "longitude", "latitude")
    )


def _swath(handle: Any, shape: tuple[int, int]) -> str:
    """Name of a longitude for every pixel; "" when there is none."""
    names: list[str] = []

    def look(name: str, item: Any) -> None:
        if name.rsplit("/", 1)[-1].lower() in ("lon", "longitude") and tuple(getattr(item, "shape", ())) == shape:
            names.append(name)

    handle.visititems(look)
    return names[0] if names else ""
