"""`studio.provenance`: this map ← this model ← these labels ← this scene, with the hashes that prove it.

>>> origin = studio.provenance.of(studio.displayed.find(project.id))
>>> origin.command, origin.map_hash

`tags` go into every exported file. The map's hash is over class names and pixels (`certify.map_hash`), so that it is
the same for the same map whatever its classes' order and colours; `map` and `export` print it.
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Callable
from dataclasses import dataclass

from hsi_studio.engine.runs.environment import versions
from hsi_studio.errors import BadRequest, StudioError
from hsi_studio.humanize import counted, setting_text
from hsi_studio.scene.left_out import without_bands
from hsi_studio.scene.plan import RULES
from hsi_studio.studio import Subject
from hsi_studio.studio.certify import map_hash
from hsi_studio.studio.displayed_map import DisplayedMap
from hsi_studio.studio.models import Models
from hsi_studio.studio.runs import Runs
from hsi_studio.studio.workspace import Workspace
from hsi_studio.types import LabelSet

LABELS_FILE = "labels.geojson"
SAME = ("dsm", "reference", "axes", "nodata", "wavelengths", "unit", "scale", "mask", "quality", "crs")
OPTIONS = {"variable": "var", **{name: name for name in SAME}}  # what is said of a file → the option of `map`


@dataclass(frozen=True)
class Origin:
    """Where a map comes from. `chain` is read from the map back to the scene."""

    map_hash: str
    chain: tuple[tuple[str, str], ...]  # (what, which)
    command: str  # that makes it again
    tags: dict[str, str]
    versions: dict[str, str]


class Provenance(Subject):
    """One subject of `Studio`."""

    def __init__(
        self, workspace: Workspace, runs: Runs, models: Models,
        words_in: Callable[[str], bool] = lambda project_id: False,
    ) -> None:  # fmt: skip
        self._workspace, self._runs, self._models, self._words_in = workspace, runs, models, words_in

    def of(self, shown: DisplayedMap) -> Origin:
        """Raises BadRequest, FileProblem when what the map was made from has gone."""
        scene, labels, prediction = self._workspace.scene_of(shown.project_id), shown.seen, shown.prediction
        digest, model, made_with = map_hash(prediction), self._model(shown), self._versions(shown)
        files = ", ".join(f"{s.role} sha256 {s.sha256}" for s in scene.sources if s.sha256)
        chain = [("Map", f"{shown.title}, sha256 {digest}")]
        if model:
            chain.append(("Model", f"{prediction.method}, sha256 {model}"))
        else:
            params = [f"{name.replace('_', ' ')} {setting_text(value)}" for name, value in prediction.params.items()]
            chain.append(("Method", "; ".join([prediction.method, *params])))
        if labels is None:
            chain.append(("Labels", "not known"))
        elif len(labels):
            revision = f"revision {labels.revision}, " if labels.revision else ""
            chain.append(("Labels", f"{counted(len(labels), 'label')}, {revision}sha256 {labels_hash(labels)}"))
        else:
            chain.append(("Labels", "none: made from texts alone"))
        if then := self._another_scene(shown):
            said = (
                f"as it was then (id {then}), which is not what the file holds now: the place in the files is today's"
            )
            chain.append(("Scene", f"{scene.title or scene.name} {said}"))
        else:
            chain.append(("Scene", f"{scene.title or scene.name}, id {scene.id}{f', {files}' if files else ''}"))
        command = self.command(shown)
        tags = {
            **shown.tags, "scene_hash": then or scene.id, "scene_hash_now": scene.id if then else "",
            "map_sha256": digest, "model_sha256": model,
            "labels_sha256": labels_hash(labels) if labels is not None and len(labels) else "",
            "command": command, **{f"version_{name}": value for name, value in made_with.items()},
        }  # fmt: skip
        return Origin(digest, tuple(chain), command, {k: v for k, v in tags.items() if v}, made_with)

    def command(self, shown: DisplayedMap) -> str:
        """The line that makes the map again, where the project or the exported labels are."""
        program = "python -m hsi_studio"
        if shown.source == "live":
            project = self._workspace.project(shown.project_id)
            spec = project.scene_spec
            said = {key: value for key, value in spec.items() if key not in ("spec", "rules")}
            plain = said.keys() <= OPTIONS.keys() and all(isinstance(value, str) for value in said.values())
            guest = self._workspace.only is not None  # where the owner's files lie is no affair of a guest
            if guest or spec.get("rules") != RULES or not plain or project.left_out or self._words_in(project.id):
                return f"{program} export {shlex.join([project.id])} --out map.tif"  # a file and labels are not all
            options = [f"--{OPTIONS[key]}={value}" for key, value in said.items()]
            scene = shlex.join([str(spec["spec"]), *options])
            return f"{program} map {scene} --labels {LABELS_FILE} --out map.tif"
        if shown.source == "run":
            return f"{program} replay {shown.id}"
        if shown.source == "model":
            return f"{program} export {shlex.join([shown.id, '--project', shown.project_id])} --out map.tif"
        return f"{program} export {shlex.join([shown.project_id, '--layer', shown.layer])} --out map.tif"

    def _another_scene(self, shown: DisplayedMap) -> str:
        """The id of the scene that a kept map was made from, where its file holds something else by now; else ""."""
        if shown.source not in ("run", "preview", "comparison"):
            return ""
        then = self._runs.record(shown.id.partition("/")[0]).scene
        try:
            now = without_bands(self._workspace.whole_scene_of(shown.project_id), then["spec"].get("left_out", ())).id
        except BadRequest:  # fewer bands than were left out
            now = ""
        return "" if now == then["id"] else str(then["id"])

    def _model(self, shown: DisplayedMap) -> str:
        """sha256 of the model's weights; "" where there is none of its own."""
        if shown.source not in ("run", "model"):
            return ""
        try:
            return str(self._models.library.usable(shown.id)[1].digest)
        except StudioError:  # a run that kept its map alone
            return ""

    def _versions(self, shown: DisplayedMap) -> dict[str, str]:
        """Those that made it; of a map that was made here and now, those of this program."""
        if shown.source == "run" and (then := self._runs.record(shown.id).versions):
            return dict(then)
        return versions()


def labels_hash(labels: LabelSet) -> str:
    """sha256 of row, column and class name of every label, in the order of the pixels."""
    names = labels.schema.names
    lines = sorted(
        f"{int(r)},{int(c)},{names[int(k)]}" for r, c, k in zip(labels.row, labels.col, labels.label, strict=True)
    )  # fmt: skip
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
