"""What other programs may do here: six verbs, for `gradio_client` and for MCP, and nothing else.

    open ─▶ label ─▶ map | train ─▶ evaluate ─▶ export

Each does what the page does, by the same `Studio`, for whoever asks: the visitor's own projects on a server with
several owners (`server/owners.py`). Every verb answers with JSON text, since MCP passes on text; an error is a
sentence. The page's own events are private: no client lists or calls them, see `server/guard.py`.

Unusual: no `from __future__ import annotations`, as Gradio reads the annotations as they are; docstrings are what a
client shows, in the manner Gradio reads them ("Args:", a line each). The verbs pass by Gradio's queue, whose way over
HTTP back to this server would lose the password with MCP.
"""

import functools
import hashlib
import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import gradio as gr

from hsi_studio.errors import BadRequest, LabelProblem
from hsi_studio.files import json_text
from hsi_studio.sanitize import slug
from hsi_studio.studio.facade import Studio, crs_name, report_to_json
from hsi_studio.types import ClassInfo

MOST_POINTS = 10_000  # labels in one call
WAIT_S = 120.0  # for a map
ACTOR = "other program"
KINDS: dict[Any, Any] = {
    str: str, int: int, list[dict[str, Any]]: list, dict[str, Any] | None: (dict, type(None)),
}  # fmt: skip
SAID: dict[Any, str] = {
    str: "give text", int: "give a whole number", list[dict[str, Any]]: "give a list of objects",
    dict[str, Any] | None: "give an object",
}  # fmt: skip
ONE_FILE = ("tif", "hdr", "gpkg", "csv", "png", "svg", "pdf", "html", "json", "qml", "zip")


def checked(verb: Callable[..., str]) -> Callable[..., str]:
    """Refuses what is not of the kind a parameter says, with its name: anything may come. Raises BadRequest."""
    parameters = inspect.signature(verb).parameters.values()

    @functools.wraps(verb)
    def asked(*given: Any, **named: Any) -> str:
        bound = inspect.signature(verb).bind(*given, **named)
        for one in parameters:
            if one.name == "self" or one.name not in bound.arguments:
                continue
            kind, value = KINDS[one.annotation], bound.arguments[one.name]
            if not isinstance(value, kind) or isinstance(value, bool):
                raise BadRequest(f"{one.name} is {json.dumps(value, default=str)[:60]}: {SAID[one.annotation]}.")
            if isinstance(value, str):
                bound.arguments[one.name] = value.encode("utf-8", "replace").decode()  # half characters
        return verb(*bound.args, **bound.kwargs)

    return asked


class Verbs:
    """The six verbs on a studio, or on what stands for the visitor's one."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    @checked
    def open(self, scene: str = "", project: str = "", variable: str = "", dsm: str = "", reference: str = "") -> str:
        """Start a project on a scene, or go on with one. Without any argument: the projects and scenes there are.
        Answers with the project's id, its size in pixels and bands, its classes and labels.

        Args:
            scene: id of a scene of the catalogue, or path of a file this server may read; begins a new project
            project: id of a project that is there
            variable: which array of the file, where it holds several
            dsm: file of a surface model, FILE or FILE:variable
            reference: file of a reference map, FILE or FILE:variable
        """
        if project:
            return text(self._project(self.studio.usable(project).id))
        if not scene:
            known = [
                {"project": one.id, "title": one.title, "problem": one.problem or None}
                for one in self.studio.projects()
            ]
            return text(
                {"projects": known, "scenes": [{"scene": s.id, "title": s.title} for s in self.studio.catalog()]}
            )
        listed = scene in {entry.id for entry in self.studio.catalog()}
        options = {"variable": variable or None, "dsm": self._file(dsm), "reference": self._file(reference)}
        made = self.studio.new_project(scene if listed else self.studio.confined(scene), **options)
        return text(self._project(made.id))

    @checked
    def label(self, project: str, points: list[dict[str, Any]]) -> str:
        """Label pixels, all in one action that the page's undo takes back. A pixel that has a label gets the new one;
        a class that is not there is added. Answers with the classes and how many labels each has.

        Args:
            project: id of the project
            points: for each pixel {"row": 40, "col": 20, "class": "water"}, counted from 0 at the upper left
        """
        if not isinstance(points, list) or not 0 < len(points) <= MOST_POINTS:
            raise BadRequest(f"Give 1 to {MOST_POINTS:,} points: a list of objects with row, col and class.")
        found = [_point(point, number) for number, point in enumerate(points, start=1)]
        rows, cols = self.studio.project(project).shape
        for row, col, _, _ in found:
            if not (0 <= row < rows and 0 <= col < cols):
                raise LabelProblem(f"Row {row}, column {col} lies outside the scene of {rows} × {cols} pixels.")
        self.studio.edit(project, lambda one: one.import_labels(found, actor=ACTOR, source=ACTOR))
        return text(self._project(project))

    @checked
    def map(self, project: str, layer: str = "live") -> str:
        """Make a map, wait until it is there, and show it on the page. Answers with its layer, what each class covers
        and the hash of its pixels.

        Args:
            project: id of the project
            layer: "live" (of the labels as they are now), "shown", or an id of a layer, a run or a model
        """
        found = self.studio.displayed.find(project, layer, WAIT_S)
        if layer != "shown":
            self.studio.displayed.show(project, found.source, found.id)
        m2 = (self.studio.scene_of(project).gsd_m or 0.0) ** 2
        classes = [
            {"class": info.name, "color": info.color, "pixels": n, "hectares": n * m2 / 1e4 if m2 else None}
            for info, n in found.pixels
        ]  # fmt: skip
        origin = self.studio.provenance.of(found)
        layers = [
            {"layer": one.id, "kind": one.kind, "title": one.title} for one in self.studio.displayed.layers(project)
        ]
        told = {
            "project": project, "layer": found.layer, "title": found.title, "labels_revision": found.revision,
            "classes": classes, "map_sha256": origin.map_hash, "command": origin.command, "layers": layers,
        }  # fmt: skip
        return text(told)

    @checked
    def train(
        self, project: str, method: str = "", run: str = "", params: dict[str, Any] | None = None, seed: int = 0
    ) -> str:
        """Train a model on the labels as they are. Answers at once, with the run's id: ask with `run` how far it is,
        and for its map with `map`, layer = the run's id. Without method and run: the methods there are.

        Args:
            project: id of the project
            method: name of the method
            run: id of a training of this project: how far it is
            params: parameters that are to differ from the method's defaults
            seed: of everything random
        """
        self.studio.usable(project)
        if run:
            if self.studio.runs.project_of(run) != project:
                raise BadRequest(f"The project {project!r} has no run {run!r}.")
            return text(_run(self.studio.runs.get(run)))
        if not method:
            return text({"methods": [{"method": m.name, "title": m.title} for m in self.studio.trainable()]})
        return text(_run(self.studio.runs.start(project, method, params or {}, seed=seed)))

    @checked
    def evaluate(self, project: str, layer: str = "shown") -> str:
        """How good a map is: overall, per class and as a confusion matrix, with 95 % intervals, and the sentence that
        says which pixels it was measured on. Fractions from 0 to 1.

        Args:
            project: id of the project
            layer: "shown", "live", or an id of a layer, a run or a model
        """
        found = self.studio.displayed.find(project, layer, WAIT_S)
        report = found.report
        told = None if report is None else report_to_json(report)
        why = None if report is not None else "No pixels to test this map on are known: open a reference."
        return text({"layer": found.layer, "title": found.title, "accuracy": told, "problem": why})

    @checked
    def export(self, project: str, layer: str = "shown", kind: str = "zip") -> str:
        """Write a map to a file in the project's folder. Answers with its path on the server, the address to fetch it
        from, and its sha256.

        Args:
            project: id of the project
            layer: "shown", "live", or an id of a layer, a run or a model; "picture" and "query" as tif or png
            kind: zip (everything), tif, hdr, gpkg, csv (areas), png, svg, pdf, html (report), json (STAC) or qml (QGIS)
        """
        if kind not in ONE_FILE:
            raise BadRequest(f"A map is written as {', '.join(ONE_FILE)}, not as {str(kind)[:20]!r}.")
        folder = self.studio.project(project).folder / "exports"
        if self.studio.displayed.plain(layer) is not None:
            name = f"{slug(self.studio.scene_of(project).name)}_{slug(layer)}.{kind}"
            path = self.studio.exports.plain(project, layer, folder / name)
            return text({"layer": layer, **_file(path)})
        found = self.studio.displayed.find(project, layer, WAIT_S)
        if kind == "zip":
            path = self.studio.exports.bundle(project, which=found.layer, timeout=WAIT_S)
        else:
            name = f"{slug(self.studio.scene_of(project).name)}_{slug(found.layer)}.{kind}"
            _, path = self.studio.exports.file(project, folder / name, which=found.layer, timeout=WAIT_S)
        told = {"layer": found.layer, "title": found.title, **_file(path)}
        return text({**told, "map_sha256": self.studio.provenance.of(found).map_hash})

    # ── inside ──────────────────────────────────────────────────────────────────────────────────

    def _project(self, project_id: str) -> dict[str, Any]:
        project, scene = self.studio.project(project_id), self.studio.scene_of(project_id)
        rows, cols, bands = scene.shape
        labels = project.labels()
        classes = [_class(c, n) for c, n in zip(labels.schema.classes, labels.counts.tolist(), strict=True)]
        return {
            "project": project.id, "title": project.title, "revision": project.revision, "rows": rows, "cols": cols,
            "bands": bands, "crs": crs_name(scene.crs) or None, "reference": scene.reference is not None,
            "classes": classes, "notes": [*scene.notes, *project.notes],
        }  # fmt: skip

    def _file(self, said: str) -> str | None:
        """ "FILE[:variable]", confined to what this server may read."""
        if not said:
            return None
        name, colon, variable = said.rpartition(":")
        if not colon or len(name) == 1:  # no variable, or a drive letter
            name, variable = said, ""
        full = self.studio.confined(name)
        return f"{full}:{variable}" if variable else str(full)


def _class(info: ClassInfo, labels: int) -> dict[str, Any]:
    return {"class": info.name, "color": info.color, "labels": labels}


def _run(info: Any) -> dict[str, Any]:
    done = None if info.progress is None else {"fraction": info.progress.fraction, "text": info.progress.message}
    return {"run": info.id, "title": info.title, "method": info.method, "state": info.state, "reason": info.reason,
            "place_in_queue": info.position, "progress": done}  # fmt: skip


def _point(point: Any, number: int) -> tuple[int, int, str, None]:
    """Raises BadRequest for what is no labelled pixel."""
    given = point if isinstance(point, dict) else {}
    row, col, name = given.get("row"), given.get("col"), given.get("class")
    whole = all(isinstance(value, int) and not isinstance(value, bool) for value in (row, col))
    if not whole or not isinstance(name, str) or not name.strip():
        raise BadRequest(
            f'Point {number} is {json.dumps(point)[:80]}: write it as {{"row": 40, "col": 20, "class": "water"}}.'
        )
    return int(given["row"]), int(given["col"]), name.encode("utf-8", "replace").decode(), None


def _file(path: Path) -> dict[str, Any]:
    """Where a file lies and what it is."""
    return {
        "file": path.name, "path": str(path), "url": f"/gradio_api/file={quote(str(path))}",
        "bytes": path.stat().st_size, "sha256": _sha256(path),
    }  # fmt: skip


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def text(value: dict[str, Any]) -> str:
    """What a verb answers."""
    return json_text(value).decode()


NAMES = ("open", "label", "map", "train", "evaluate", "export")


def add_verbs(studio: Studio) -> None:
    """Put the verbs into the blocks at hand. To be called inside `gr.Blocks`."""
    verbs = Verbs(studio)
    for name in NAMES:
        gr.api(getattr(verbs, name), api_name=name, queue=False)
