"""Labels as GeoPackage (OGC 12-128r19): points in the scene's own coordinate system, so that nothing is rounded.

Attributes as in the GeoJSON: row and col (0-based), class, color, class_id. A scene without a place gets points of no
coordinate system at (column + 0.5, −(row + 0.5)), where GIS programs draw its picture and the map's polygons lie; one
with a transform alone gets its coordinates so.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hsi_studio.files import replacing
from hsi_studio.io.points_gpkg import point_places
from hsi_studio.io.whole import whole_geopackage
from hsi_studio.types import LabelSet, Scene

LAYER = "labels"
NO_PLACE = (  # the standard's srs_id −1
    'ENGCRS["Undefined Cartesian SRS with unknown unit",EDATUM["Unknown engineering datum"],CS[Cartesian,2],'
    'AXIS["(E)",east,ORDER[1],LENGTHUNIT["unknown",0]],AXIS["(N)",north,ORDER[2],LENGTHUNIT["unknown",0]]]'
)
FIELDS = ("row", "col", "class", "color", "class_id")


def export_labels_geopackage(labels: LabelSet, scene: Scene, path: Path) -> Path:
    """Written whole or not at all. A file that is there is replaced."""
    import pyogrio
    import shapely

    infos = [labels.schema.classes[int(k)] for k in labels.label]
    places = point_places(scene, labels.row, labels.col)
    values = [
        labels.row.astype(np.int32), labels.col.astype(np.int32),
        *(np.array([getattr(info, key) for info in infos], dtype=object) for key in ("name", "color", "id")),
    ]  # fmt: skip
    path = Path(path)
    with replacing(path) as partial, whole_geopackage(partial, path.name, LAYER, len(labels)):
        pyogrio.raw.write(
            partial, shapely.to_wkb(shapely.points(np.array(places).reshape(-1, 2))), values, list(FIELDS), layer=LAYER,
            driver="GPKG", geometry_type="Point", crs=scene.crs if scene.crs and scene.transform else NO_PLACE,
            dataset_options={"VERSION": "1.3"},  # newer ones are new to programs of a few years ago
            layer_metadata={"SCENE_ID": scene.id, "SCENE_NAME": scene.name},
        )  # fmt: skip
    return path
