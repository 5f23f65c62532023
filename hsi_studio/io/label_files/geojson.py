"""GeoJSON (RFC 7946), a feature a line (RFC 8142) too, and what came before: a "crs" member (GeoJSON 2008).

Read as JSON and not through GDAL, because GDAL drops the members by which our own files say that their coordinates are
columns and rows. Geometries are read by GEOS; one that it refuses is left out and told.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hsi_studio.errors import CorruptFile, FileProblem
from hsi_studio.humanize import counted
from hsi_studio.io.label_files.records import EXAMPLES, MOST_FEATURES, Layer
from hsi_studio.types import Scene

MOST_ATTRIBUTES = 500


def read_geojson(path: Path, text: str, scene: Scene) -> Layer:
    """Raises CorruptFile with the line or feature that is no GeoJSON."""
    import shapely

    document = _document(path, text)
    features = _features(path, document)
    if len(features) > MOST_FEATURES:
        raise FileProblem(path, f"it has {len(features)} features; {MOST_FEATURES} are the most", "Cut it to the scene")
    where = [f"feature {n}" for n in range(1, len(features) + 1)]
    columns: dict[str, list[Any]] = {}
    for n, feature in enumerate(features):
        properties = feature.get("properties") or {} if isinstance(feature, dict) else None
        if not isinstance(properties, dict) or not isinstance(feature.get("geometry") or {}, dict):
            raise CorruptFile(path, f"{where[n]} is not a GeoJSON feature", "Export the labels again")
        for key, value in properties.items():
            if key not in columns and len(columns) < MOST_ATTRIBUTES:
                columns[key] = [None] * len(features)
            if key in columns:
                columns[key][n] = value
    told = [feature.get("geometry") for feature in features]
    shapes = (
        shapely.from_geojson([json.dumps(g) if g else None for g in told], on_invalid="ignore").tolist() if told else []
    )
    layer = Layer(path, "GeoJSON", where, shapes, columns, crs="lonlat", standard=True)
    broken = [w for w, g, s in zip(where, told, shapes, strict=True) if g and s is None]
    if broken:
        more = " …" if len(broken) > EXAMPLES else ""
        verb = "has a geometry" if len(broken) == 1 else "have geometries"
        layer.notes.append(
            f"{counted(len(broken), 'feature')} {verb} that cannot be read: {', '.join(broken[:EXAMPLES])}{more}."
        )
    if isinstance(document, dict):
        layer.pixels = str(document.get("coordinates", "")).startswith("pixel")
        _named_crs(path, document, layer)
        _origin(document, scene, layer)
    return layer


MASK = "Export it as a mask of the picture's size (PNG, one colour or number a class) and give that"
OTHERS = (  # what else is called .json, by members that only it has
    (("shapes", "imagePath"), "a LabelMe file, which counts pixels of a picture", MASK),
    (("annotations", "categories", "images"), "a COCO file, which counts pixels of pictures", MASK),
    (("geometryType", "features"), "Esri JSON", "Export the layer as GeoJSON, GeoPackage or shapefile"),
)


def _document(path: Path, text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError as error:
        raise CorruptFile(path, "it is nested too deeply to be GeoJSON", "Export the labels again") from error
    except json.JSONDecodeError as error:
        lines = [line.strip("\x1e \r") for line in text.split("\n")]
        lines = [line for line in lines if line]
        try:
            if len(lines) > 1:
                return [json.loads(line) for line in lines]
        except (json.JSONDecodeError, RecursionError):
            pass
        raise CorruptFile(path, f"line {error.lineno} is not JSON ({error.msg})", "Export the labels again") from error
    except ValueError as error:  # a number of too many digits
        raise CorruptFile(path, f"it is not JSON ({error})"[:200], "Export the labels again") from error


def _features(path: Path, document: Any) -> list[Any]:
    if isinstance(document, dict) and document.get("type") == "Feature":
        return [document]
    if isinstance(document, dict):
        for keys, what, remedy in OTHERS:
            if all(key in document for key in keys):
                raise FileProblem(path, f"it is {what}, not GeoJSON", remedy)
    found = document.get("features") if isinstance(document, dict) else document
    if not isinstance(found, list):
        kind = str(document.get("type"))[:30] if isinstance(document, dict) else type(document).__name__
        said = f"it has no list of features (it is a {kind})"
        raise CorruptFile(path, said, "Export the labels as a GeoJSON FeatureCollection")
    return found


def _named_crs(path: Path, document: dict[str, Any], layer: Layer) -> None:
    """The old "crs" member. One that links to a file elsewhere is not followed."""
    old = document.get("crs")
    properties = old.get("properties") if isinstance(old, dict) else None
    if not isinstance(properties, dict):
        return
    name = properties.get("name") or (f"EPSG:{properties['code']}" if properties.get("code") else None)
    if isinstance(name, str) and name:
        layer.crs, layer.crs_why, layer.standard = name, "as the file names it", False
    elif old is not None:
        layer.notes.append("Its coordinate system (CRS) is given by a link, which is not followed.")


def _origin(document: dict[str, Any], scene: Scene, layer: Layer) -> None:
    """Told when the labels come from a scene of another size or place: rows and columns are then other pixels."""
    origin = document.get("scene")
    if not isinstance(origin, dict):
        return
    if layer.pixels:
        _by_its_transform(origin, scene, layer)
    if origin.get("shape") in (None, list(scene.shape[:2])):
        return
    by_place = scene.transform is not None and not layer.pixels
    layer.notes.append(
        f"The labels come from a scene of another size ({str(origin.get('name', 'unnamed'))[:60]}, "
        f"{str(origin['shape'])[:30]}); "
        + ("they are placed by their coordinates." if by_place else "their rows and columns are used as they are.")
    )
    if by_place:
        for key in ("row", "col"):
            layer.columns.pop(key, None)


def _by_its_transform(origin: dict[str, Any], scene: Scene, layer: Layer) -> None:
    """Columns and rows of a scene with map coordinates but without a known system, which lay elsewhere in the plane
    than this one: they become map coordinates."""
    import shapely

    told = origin.get("transform")
    if scene.transform is None or not isinstance(told, list):
        return
    if origin.get("crs_wkt") != scene.crs:
        layer.notes.append(
            f"The labels come from {str(origin.get('name', 'a scene'))[:60]}, whose place cannot be compared with that "
            f"of {scene.name}: their rows and columns are used as they are."
        )
        return
    if len(told) != 6 or not all(isinstance(v, int | float) and math.isfinite(v) for v in told):
        return
    a, b, c, d, e, f = told
    if np.allclose(told, scene.transform, rtol=1e-9, atol=1e-6 * math.hypot(scene.transform[0], scene.transform[3])):
        return

    def moved(xy: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        x, y = xy[:, 0] + 0.5, xy[:, 1] + 0.5  # centres have whole numbers
        return np.column_stack([a * x + b * y + c, d * x + e * y + f])

    layer.geometry = [None if shape is None else shapely.transform(shape, moved) for shape in layer.geometry]
    layer.pixels, layer.crs, layer.standard, layer.map_columns = False, None, False, True
