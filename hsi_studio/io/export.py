"""Everything that leaves a project, in one call each. File names come from the scene's name, made safe."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from hsi_studio.errors import BadRequest
from hsi_studio.files import replacing, write_text
from hsi_studio.io.label_csv import labels_to_csv, marked
from hsi_studio.io.label_geojson import labels_to_geojson
from hsi_studio.io.label_geopackage import export_labels_geopackage
from hsi_studio.io.map_figure import export_png
from hsi_studio.io.map_rasters import export_confidence_geotiff, export_map_envi, export_map_geotiff
from hsi_studio.io.qgis_style import export_qgis_style
from hsi_studio.sanitize import slug
from hsi_studio.types import LabelSet, Prediction, Scene

__all__ = [
    "export_all",
    "export_confidence_geotiff",
    "export_labels",
    "export_labels_csv",
    "export_labels_geojson",
    "export_labels_geopackage",
    "export_map_envi",
    "export_map_geotiff",
    "export_png",
    "export_qgis_style",
    "write_map",
    "zip_files",
]


def export_all(
    prediction: Prediction,
    labels: LabelSet,
    scene: Scene,
    folder: Path | str,
    name: str = "",
    tags: Mapping[str, str] | None = None,
) -> list[Path]:
    """Map (GeoTIFF with its side file and QGIS style, ENVI), confidence, picture and labels. Returns every file.

    `name` tells the files of one map of the scene from another's; `tags` go into the GeoTIFFs beside the method.
    """
    folder = Path(folder)
    stem = f"{slug(scene.name)}_{slug(name)}" if name else slug(scene.name)
    tiff = export_map_geotiff(prediction, scene, folder / f"{stem}_map.tif", tags)
    header = export_map_envi(prediction, scene, folder / f"{stem}_map_envi.hdr")
    return [
        tiff,
        tiff.with_name(tiff.name + ".aux.xml"),
        export_qgis_style(prediction, folder / f"{stem}_map.qml"),
        header,
        header.with_suffix(".img"),
        export_confidence_geotiff(prediction, scene, folder / f"{stem}_confidence.tif", tags),
        export_png(prediction, scene, folder / f"{stem}_map.png"),
        *export_labels(labels, scene, folder),
    ]


def export_labels(labels: LabelSet, scene: Scene, folder: Path | str) -> list[Path]:
    """GeoJSON, CSV and GeoPackage; works before there is a map."""
    stem = slug(scene.name)
    return [
        export_labels_geojson(labels, scene, Path(folder) / f"{stem}_labels.geojson"),
        export_labels_csv(labels, scene, Path(folder) / f"{stem}_labels.csv"),
        export_labels_geopackage(labels, scene, Path(folder) / f"{stem}_labels.gpkg"),
    ]


def export_labels_geojson(labels: LabelSet, scene: Scene, path: Path) -> Path:
    return write_text(Path(path), json.dumps(labels_to_geojson(labels, scene), ensure_ascii=False, indent=1) + "\n")


def export_labels_csv(labels: LabelSet, scene: Scene, path: Path) -> Path:
    return write_text(Path(path), marked(labels_to_csv(labels, scene)))


def write_map(prediction: Prediction, scene: Scene, path: Path | str, tags: Mapping[str, str] | None = None) -> Path:
    """A map in the format its name asks for: .tif (with `tags`), .hdr or .img (ENVI), .png.

    Raises BadRequest for others.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix in (".tif", ".tiff"):
        return export_map_geotiff(prediction, scene, path, tags)
    if suffix in (".hdr", ".img"):
        return export_map_envi(prediction, scene, path)
    if suffix == ".png":
        return export_png(prediction, scene, path)
    raise BadRequest(f"{path.name}: a map is written as .tif, .hdr (ENVI) or .png. Give the file one of these endings.")


def zip_files(files: Iterable[Path], path: Path | str) -> Path:
    """One archive of the files, without folders, for a download."""
    path = Path(path)
    with replacing(path) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file, file.name)
    return path
