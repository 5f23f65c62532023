"""A class map as polygons of a GeoPackage: one feature for each region of one class (4 neighbours), with its area.

Layer `map`: class, color, pixels, area_m2 (empty without a pixel size), in the classes' colours where QGIS opens it.
Boundaries are pixel edges, so that areas are exact and the polygons fill the map without gaps. Without a coordinate
system y is −row.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from hsi_studio.errors import BadRequest
from hsi_studio.files import replacing
from hsi_studio.io.lonlat import placed_crs, written_transform
from hsi_studio.io.qgis_style import style_polygons
from hsi_studio.io.whole import whole_geopackage
from hsi_studio.types import Prediction, Scene

MOST_REGIONS = 500_000
LAYER = "map"


def export_map_polygons(prediction: Prediction, scene: Scene, path: Path) -> Path:
    """Raises BadRequest for a map of more than `MOST_REGIONS` regions, with what to do."""
    import shapely
    from pyogrio.raw import write
    from rasterio import Affine
    from rasterio.features import shapes

    path = Path(path)
    transform = Affine(*(written_transform(scene) or (1, 0, 0, 0, -1, 0)))
    label = prediction.label.astype(np.int32)
    found, value = [], []
    for shape, code in shapes(label, mask=label > 0, connectivity=4, transform=transform):
        found.append(shapely.Polygon(shape["coordinates"][0], shape["coordinates"][1:]))
        value.append(int(code) - 1)
        if len(found) > MOST_REGIONS:
            raise BadRequest(
                f"The map has more than {MOST_REGIONS:,} regions, too many polygons to be of use: sieve it first "
                "(Map tab), or export it as GeoTIFF."
            )
    polygons = np.array(found, dtype=object)
    pixel = abs(transform.determinant)
    pixels = np.rint(shapely.area(polygons) / pixel).astype(np.int64) if found else np.zeros(0, np.int64)
    area = pixels * scene.gsd_m**2 if scene.gsd_m else np.full(pixels.size, np.nan)
    names, colors = (np.array(values, dtype=object) for values in (prediction.schema.names, prediction.schema.colors))
    of = np.array(value, dtype=np.int64)
    with replacing(path) as partial, whole_geopackage(partial, path.name, LAYER, len(found)), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="'crs' was not provided")  # the scene has none, as the module says
        write(
            str(partial), shapely.to_wkb(polygons), [names[of], colors[of], pixels, area],
            ["class", "color", "pixels", "area_m2"], layer=LAYER, driver="GPKG", geometry_type="Polygon",
            crs=placed_crs(scene),
            dataset_options={"VERSION": "1.3"},  # newer ones are new to programs of a few years ago
        )  # fmt: skip
        style_polygons(prediction, partial, LAYER, "class")
    return path
