"""Labels as GeoJSON (RFC 7946): points for other programs, rows and columns for an exact way back.

With a coordinate system (CRS) the coordinates are WGS 84 longitude and latitude, as the RFC demands; without one they
are (column, row) pixel coordinates and a foreign member "coordinates" says so. Either way every feature
carries "row" and "col" (0-based) in its properties, and the way back uses those: reprojection rounds.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hsi_studio.io.lonlat import lonlat
from hsi_studio.types import LabelSet, Scene


def labels_to_geojson(labels: LabelSet, scene: Scene | None) -> dict[str, Any]:
    """A FeatureCollection of the labelled pixels' centres. `scene` None = pixel coordinates."""
    places = lonlat(scene, labels.col.astype(np.float64) + 0.5, labels.row.astype(np.float64) + 0.5)
    features = []
    for n in range(len(labels)):
        row, col, info = int(labels.row[n]), int(labels.col[n]), labels.schema.classes[int(labels.label[n])]
        x, y = places[n].tolist() if places is not None else (float(col), float(row))
        features.append(
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [x, y]},
                "properties": {"row": row, "col": col, "class": info.name, "color": info.color, "class_id": info.id},
            }
        )
    document: dict[str, Any] = {
        "type": "FeatureCollection",
        "coordinates": "WGS 84 longitude, latitude" if places is not None else "pixel column, row (0-based); no CRS",
        "features": features,
    }
    if scene is not None:
        document["scene"] = {"id": scene.id, "name": scene.name, "shape": list(scene.shape[:2])}
        if scene.crs is not None:
            document["scene"]["crs_wkt"] = scene.crs
        if scene.transform is not None:  # a copy that is cut or shifted finds its pixels by it, without a CRS too
            document["scene"]["transform"] = list(scene.transform)
    return document
