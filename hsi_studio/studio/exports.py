"""`studio.exports`: maps and labels as files for other programs. The formats are those of `io/export.py`.

>>> studio.exports.bundle(project.id)  # everything about the map on the screen, in one archive
>>> studio.exports.file(project.id, Path("map.gpkg"))

Whatever is written is of one map: the one on the screen, or a layer that is named. Tags, file names and the report say
which, and what it was made from (`studio.provenance`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from hsi_studio.errors import BadRequest, StudioError
from hsi_studio.files import write_text
from hsi_studio.humanize import counted
from hsi_studio.methods.contract import Block, Context, Fitted
from hsi_studio.sanitize import slug
from hsi_studio.studio import Subject
from hsi_studio.studio.displayed_map import EXPORT_WAIT_S, DisplayedMap, DisplayedMaps
from hsi_studio.studio.evidence import Evidence
from hsi_studio.studio.provenance import LABELS_FILE, Origin, Provenance, labels_hash
from hsi_studio.studio.report import Reports, accuracy_rows
from hsi_studio.studio.workspace import Workspace
from hsi_studio.types import FloatArray, Scene

log = logging.getLogger(__name__)

ENDINGS = (".tif", ".hdr", ".gpkg", ".csv", ".png", ".svg", ".pdf", ".html", ".json", ".qml", ".zip")


class Exports(Subject):
    """One subject of `Studio`. Without a `folder` the files go to the project's `exports/`."""

    def __init__(
        self,
        workspace: Workspace,
        displayed: DisplayedMaps,
        evidence: Evidence,
        provenance: Provenance,
        reports: Reports,
    ) -> None:
        self._workspace, self._displayed, self._evidence = workspace, displayed, evidence
        self._provenance, self._reports = provenance, reports

    def map(
        self, project_id: str, folder: Path | None = None, *, which: str = "shown", timeout: float = EXPORT_WAIT_S
    ) -> list[Path]:
        """Write a map, its confidence, a picture and the labels; the files' names and tags say which map it is.

        `which`: "shown" = the one on the screen, "live", the id of a run, a model or a layer, as in
        `displayed.find`, which raises StudioError when there is no such map, and says why.
        """
        return self._map_files(self._displayed.find(project_id, which, timeout), folder)

    def _map_files(self, found: DisplayedMap, folder: Path | None) -> list[Path]:
        from hsi_studio.io.export import export_all

        project, scene = self._workspace.project(found.project_id), self._workspace.scene_of(found.project_id)
        name = "" if found.source == "live" else found.layer
        tags = {**found.tags, **self._provenance.of(found).tags}
        return export_all(found.prediction, project.labels(), scene, folder or project.folder / "exports", name, tags)

    def bundle(
        self, project_id: str, folder: Path | None = None, *, which: str = "shown", probabilities: bool = False,
        timeout: float = EXPORT_WAIT_S,
    ) -> Path:  # fmt: skip
        """Everything about a map in one archive: rasters, polygons, tables, figures, STAC item, labels, README, report.

        What cannot be made (polygons of a map in a million pieces) is said in the README. `probabilities`: of all
        classes too, where the model was kept. Raises as `map`.
        """
        from hsi_studio.io.export import zip_files
        from hsi_studio.io.map_rasters import envi_georeference

        project = self._workspace.project(project_id)
        found = self._displayed.find(project_id, which, timeout)
        folder = folder or project.folder / "exports"
        stem, written, missing = self._stem(found), self._map_files(found, folder), list[tuple[str, str]]()
        scene = self._workspace.scene_of(project_id)
        if scene.transform is not None and not envi_georeference(scene):
            missing.append((f"{stem}_map_envi.hdr", "its place: ENVI headers hold no sheared grid, the GeoTIFF has it"))
        wanted = [f"{stem}_map.gpkg", f"{stem}_map.svg", f"{stem}_map.pdf", f"{stem}_accuracy.csv", f"{stem}_areas.csv"]
        wanted += [f"{stem}_probabilities.tif"] * probabilities + [f"{stem}_report.html"]
        for name in wanted:
            try:
                written.append(self._write(found, folder / name))
            except StudioError as error:
                log.warning("%s is left out: %s", name, error)
                missing.append((name, str(error)))
        origin = self._provenance.of(found)
        written.append(self._item(found, folder / f"{stem}.json", written, origin))
        note = self._labels_since(found)
        written.append(write_text(folder / "README.md", readme(found, written, missing, origin, note)))
        return zip_files(written, folder / f"{stem}_export.zip")

    def file(
        self, project_id: str, path: Path, *, which: str = "shown", timeout: float = EXPORT_WAIT_S
    ) -> tuple[DisplayedMap, Path]:
        """One file of a map, by its ending: .tif, .hdr (ENVI), .gpkg (polygons), .csv (areas; NAME_accuracy.csv:
        accuracies), .png, .svg, .pdf, .html (report), .json (STAC), .qml (QGIS), .zip (everything); NAME_confidence.tif
        and NAME_probabilities.tif are floats. The map and what was written. Raises as `map`, and BadRequest for
        others.
        """
        found = self._displayed.find(project_id, which, timeout)
        if path.suffix.lower() == ".zip":
            from hsi_studio.files import copy_file

            made = self.bundle(project_id, which=found.layer, timeout=timeout)
            return found, copy_file(made, path)
        return found, self._write(found, Path(path))

    def plain(self, project_id: str, layer: str, path: Path, stretch: str = "") -> Path:
        """A layer that is no class map as .tif (in its place) or .png: "picture", "picture:COMPOSITE" with a stretch as
        "2-98", or "query" (how alike each pixel is to what was asked last, 0 to 1). Raises BadRequest, FileProblem.
        """
        self._workspace.project(project_id)
        source = self._displayed.plain(layer)
        if source is None:
            raise BadRequest(f"“{layer[:80]}” is a map: write it with studio.exports.file(…, which={layer[:80]!r}).")
        return source.write(project_id, layer.partition(":")[2], Path(path), stretch)

    def confidence(self, found: DisplayedMap, path: Path) -> Path:
        """A map's confidence as float GeoTIFF, whatever the file is called. Raises FileProblem."""
        from hsi_studio.io.export import export_confidence_geotiff

        scene = self._workspace.scene_of(found.project_id)
        return export_confidence_geotiff(
            found.prediction, scene, path, {**found.tags, **self._provenance.of(found).tags}
        )

    def labels(self, project_id: str, folder: Path | None = None) -> list[Path]:
        """Write the labels alone (GeoJSON, GeoPackage, CSV); works before there is a map."""
        from hsi_studio.io.export import export_labels

        project = self._workspace.project(project_id)
        scene = self._workspace.scene_of(project_id)
        return export_labels(project.labels(), scene, folder or project.folder / "exports")

    # ── inside ──────────────────────────────────────────────────────────────────────────────────

    def _stem(self, found: DisplayedMap) -> str:
        scene = self._workspace.scene_of(found.project_id)
        return slug(scene.name) if found.source == "live" else f"{slug(scene.name)}_{slug(found.layer)}"

    def _labels_since(self, found: DisplayedMap) -> str:
        """A sentence when the labels that go out are not those the map was made from: of a kept map, after more
        clicks."""
        now, then = self._workspace.project(found.project_id).labels(), found.seen
        if then is not None and labels_hash(then) == labels_hash(now):
            return ""
        made = (
            "which labels the map was made from is not known" if then is None else f"the map was made from {len(then)}"
        )
        return f"The files of labels hold the project's {counted(len(now), 'label')} of today; {made}."

    def _write(self, found: DisplayedMap, path: Path) -> Path:
        """Raises BadRequest (the ending), StudioError (what cannot be made)."""
        from hsi_studio.io import export, map_figure, map_polygons, qgis_style

        scene, kind = self._workspace.scene_of(found.project_id), path.suffix.lower()
        prediction = found.prediction
        if kind in (".tif", ".tiff"):
            tags = {**found.tags, **self._provenance.of(found).tags}
            if path.stem.endswith("_confidence"):
                return export.export_confidence_geotiff(prediction, scene, path, tags)
            if path.stem.endswith("_probabilities"):
                return self._probabilities(found, scene, path, tags)
            return export.export_map_geotiff(prediction, scene, path, tags)
        if kind in (".hdr", ".img"):
            return export.export_map_envi(prediction, scene, path)
        if kind == ".gpkg":
            return map_polygons.export_map_polygons(prediction, scene, path)
        if kind == ".csv":
            return self._accuracies(found, path) if path.stem.endswith("_accuracy") else self._areas(found, path)
        if kind in (".png", ".svg", ".pdf"):
            return map_figure.export_figure(prediction, scene, path, title=found.title)
        if kind == ".html":
            return write_text(path, self._reports.page(found))
        if kind == ".qml":
            return qgis_style.export_qgis_style(prediction, path)
        if kind == ".json":
            return self._item(found, path, [], self._provenance.of(found))
        raise BadRequest(f"{path.name}: a map is written as {', '.join(ENDINGS)}. Give the file one of these endings.")

    def _probabilities(self, found: DisplayedMap, scene: Scene, path: Path, tags: dict[str, str]) -> Path:
        from hsi_studio.io.map_rasters import export_probabilities_geotiff

        blind = scene.without_reference()
        with self._evidence.model(found) as fitted:
            return export_probabilities_geotiff(
                found.prediction, scene, path, _blocks(fitted, blind), fitted.schema, tags
            )  # fmt: skip

    def _item(self, found: DisplayedMap, path: Path, files: list[Path], origin: Origin) -> Path:
        from hsi_studio.io.stac_item import write_item

        scene = self._workspace.scene_of(found.project_id)
        return write_item(path, found.prediction, scene, files, {**found.tags, **origin.tags}, found.title)

    def _areas(self, found: DisplayedMap, path: Path) -> Path:
        from hsi_studio.io.evidence_csv import write_table

        areas = self._evidence.areas(found.project_id, found.layer)
        head = (
            "class", "pixels", "mapped_m2", "estimated_pixels", "se_pixels", "estimated_m2", "se_m2", "low_m2",
            "high_m2", "users_accuracy", "users_se", "producers_accuracy", "producers_se",
        )  # fmt: skip
        rows: list[list[str | int | float | None]] = []
        for one in areas.classes:
            pixels, m2, users, producers = one.estimate, one.estimate_m2, one.users, one.producers
            rows.append([
                one.info.name, one.pixels, one.mapped_m2,
                *((None, None) if pixels is None else (pixels.value, pixels.se)),
                *((None,) * 4 if m2 is None else (m2.value, m2.se, m2.low, m2.high)),
                *((None, None) if users is None else (users.value, users.se)),
                *((None, None) if producers is None else (producers.value, producers.se)),
            ])  # fmt: skip
        notes = {"map": found.title, "areas": areas.words}
        if any(one.estimate is not None for one in areas.classes):
            notes["interval"] = "low_m2 and high_m2 are the ends of a 95 % interval (Wilson's), never below 0"
        return write_table(path, head, rows, notes)

    def _accuracies(self, found: DisplayedMap, path: Path) -> Path:
        from hsi_studio.io.evidence_csv import write_table

        report = found.report
        head = (
            "test", "class", "pixels", "producers_accuracy", "producers_low", "producers_high", "users_accuracy",
            "users_low", "users_high", "f1", "f1_low", "f1_high",
        )  # fmt: skip
        notes = {"map": found.title}
        for block in () if report is None else (report.main, report.buffered):
            if block is not None:
                notes[block.title] = block.problem or block.words
                for name in ("oa", "aa", "kappa", "macro_f1", "weighted_f1"):
                    one = getattr(block, name)
                    if one is not None:
                        notes[f"{block.title}, {name}"] = f"{one.value} ({one.low} to {one.high})"
        if report is None:
            notes["accuracy"] = "not measured"
        elif report.notes:
            notes["note"] = " ".join(report.notes)
        return write_table(path, head, accuracy_rows(report), notes)


def _blocks(fitted: Fitted, scene: Scene) -> Iterator[tuple[slice, slice, FloatArray]]:
    """Probabilities in rows of at most 128 MB."""
    height, width, _ = scene.shape
    fitted.warm(Context())
    rows = fitted.tile_px or max(1, 32_000_000 // max(len(fitted.schema) * width, 1))
    cols = fitted.tile_px or width
    for top in range(0, height, rows):
        for left in range(0, width, cols):
            r, c = slice(top, min(top + rows, height)), slice(left, min(left + cols, width))
            yield r, c, np.asarray(fitted.predict(Block(scene, r, c)), dtype=np.float32)


WHAT = {
    "_map.tif": "the class map, a cloud-optimised GeoTIFF: 0 = no class, names and colours inside",
    "_map.tif.aux.xml": "names and colours once more, for ArcGIS and GDAL",
    "_map.qml": "the style that QGIS applies by itself",
    "_map_envi.hdr": "the same map for ENVI (header)",
    "_map_envi.img": "the same map for ENVI (pixels)",
    "_confidence.tif": "probability of the mapped class, 0 to 1",
    "_probabilities.tif": "probability of every class, a band each",
    "_map.gpkg": "the map as polygons: class, colour, pixels, area",
    "_map.png": "figure",
    "_map.svg": "figure for print",
    "_map.pdf": "figure for print",
    "_labels.geojson": "the labels",
    "_labels.csv": "the labels as a table",
    "_labels.gpkg": "the labels as points, for a GIS",
    "_accuracy.csv": "producer's and user's accuracy, F1, with 95 % intervals",
    "_areas.csv": "areas, with standard errors",
    "_report.html": "the report: open it in a browser, or print it",
}


def readme(
    found: DisplayedMap, files: list[Path], missing: list[tuple[str, str]], origin: Origin, note: str = ""
) -> str:  # fmt: skip
    """What is in the archive, and where the map comes from."""
    lines = [
        f"# {found.title}",
        "",
        "Written by HSI Studio. Begin with the report.",
        "",
        "| file | what |",
        "|---|---|",
    ]
    for file in files:
        what = next((text for end, text in WHAT.items() if file.name.endswith(end)), "")
        lines.append(f"| {file.name} | {what or ('STAC item' if file.suffix == '.json' else '')} |")
    if missing:
        lines += ["", "Left out:", "", *(f"- {name}: {why}" for name, why in missing)]
    lines += ["", note] * bool(note)
    lines += ["", "## Where the map comes from", "", *(f"- {what}: {which}" for what, which in origin.chain)]
    lines += ["", "This makes the map again and prints its hash:", "", f"    {origin.command}", ""]
    if LABELS_FILE in origin.command:
        lines[-1:] = [
            f"(labels.geojson is {next((f.name for f in files if f.name.endswith('_labels.geojson')), '')}.)",
            "",
        ]
    return "\n".join(lines)
