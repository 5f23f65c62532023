"""`studio.imported`: class maps that were made elsewhere, as layers: to look at, to swipe, to certify, to export.

>>> layer = studio.imported.add(project.id, "town_2024.tif")
>>> studio.displayed.show(project.id, *layer.partition(":")[::2])

A map is laid on the scene by its place, as a reference is (`scene/rules/alignment.py`). Its classes are the project's
where the names agree; the others are classes of the map alone, in its own colours where the file has some. It has no
probabilities, so its confidence is 1 everywhere.

Which pixels it was made from is not known. So what it agrees with the reference in is said to be just that, and a
comparison with a map of ours says that some of the pixels may have trained it (`fair_sides.py`). Random pixels
(`studio.certify`) judge it fairly.

Files: `maps/ID.npz` in the project's folder, and `maps/imported.json`, which names them.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from hsi_studio.edges import reading
from hsi_studio.engine.evaluation.map_accuracy import AccuracyReport, report_without_labels
from hsi_studio.engine.mapping.map_cache import keep_map, kept_map
from hsi_studio.errors import BadRequest, CorruptFile
from hsi_studio.files import write_json
from hsi_studio.io.meaning_colors import color_for
from hsi_studio.project.side_list import read_side_list
from hsi_studio.sanitize import clean_text, same_name
from hsi_studio.scene.labelmap import read_classes, split_spec
from hsi_studio.scene.rules.alignment import Grid
from hsi_studio.scene.rules.roles import main_file
from hsi_studio.stored import Stored, validated
from hsi_studio.studio import Subject
from hsi_studio.studio.certify import map_hash
from hsi_studio.studio.displayed_map import DisplayedMap, DisplayedMaps
from hsi_studio.studio.kept_maps import KeptMaps
from hsi_studio.studio.layers import Layer, layer_id
from hsi_studio.studio.workspace import Workspace
from hsi_studio.types import ClassInfo, ClassSchema, LabelSet, Prediction

log = logging.getLogger(__name__)

SOURCE = "imported"
MOST = 20  # of a project
KEPT = 4  # in memory
NOT_ITS_TEST = "Whether some of these pixels went into the map is not known: certify it for a figure that counts."


@dataclass
class _Kept:
    """Of everybody who works in one home; by project and item."""

    reports: dict[tuple[str, str], tuple[ClassSchema, AccuracyReport | None]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.maps: KeptMaps[tuple[str, str], Prediction] = KeptMaps(KEPT)


class Entry(Stored):
    """A map from elsewhere, as `imported.json` names it. The id is a part of a file's name."""

    id: str = Field(pattern=r"^[0-9a-f]{12}$")
    title: str = Field(max_length=80)
    file: str = Field(max_length=255)
    notes: tuple[str, ...] = Field(max_length=50)
    classes: tuple[str, ...] = Field(
        (), max_length=65_535
    )  # ids of those that the file knows, whether or not it shows them


class ImportedMaps(Subject):
    """Safe to call from many threads."""

    def __init__(self, workspace: Workspace, displayed: DisplayedMaps) -> None:
        self._workspace, self._displayed = workspace, displayed
        kept = workspace.shared(_Kept)
        self._lock, self._maps, self._reports = kept.lock, kept.maps, kept.reports

    def add(self, project_id: str, spec: str | Path, title: str = "") -> str:
        """Take a map from "FILE" or "FILE:variable". Its layer's id; the same map twice is one layer.

        Raises BadRequest (too many), FileProblem and its kinds: no class map, no common area with the scene.
        """
        scene, schema = self._workspace.scene_of(project_id), self._workspace.project(project_id).schema
        path, _ = split_spec(spec)
        with reading(path):
            found = read_classes(spec, Grid(scene.shape[:2], scene.transform, scene.crs))
        classes, lut = _classes(schema, found.names, found.colors, int(found.labels.max()))
        label = np.where(scene.valid, lut[np.maximum(found.labels, 0)], 0).astype(np.uint16)
        confidence = np.where(label > 0, np.float32(1), np.float32(np.nan))
        made = Prediction(classes, label, confidence, SOURCE, {"file": path.name}, 0)
        item = map_hash(made)[:12]
        name = clean_text(title or path.stem)[:80] or "Map"
        with self._lock:
            known = self._read(project_id)
            if item not in {one.id for one in known}:
                if len(known) >= MOST:
                    raise BadRequest(f"This project has {MOST} maps from elsewhere: remove one first.")
                folder = self._folder(project_id)
                folder.mkdir(exist_ok=True)
                keep_map(folder / f"{item}.npz", made, item)
                notes = tuple(str(note) for note in found.notes[:50])
                told = found.names.values()
                ids = tuple(one.id for one in classes.classes if any(same_name(one.name, name) for name in told))
                known.append(Entry(id=item, title=name, file=path.name[-255:], notes=notes, classes=ids))
                write_json(folder / "imported.json", {"maps": [one.model_dump() for one in known]}, indent=1)
        return layer_id(SOURCE, item)

    def add_files(self, project_id: str, files: Sequence[Path]) -> str:
        """Take a map from a file with those that go with it (header, names), wherever each lies. Raises as `add`."""
        if not files:
            raise BadRequest("Choose the file of a class map, with those that go with it.")
        with tempfile.TemporaryDirectory() as folder:
            together = [Path(shutil.copyfile(file, Path(folder) / Path(file).name)) for file in files]
            return self.add(project_id, main_file(together))

    def notes(self, project_id: str, layer: str) -> list[str]:
        """How a map was laid on the scene, where that needs a word. Raises BadRequest."""
        return list(self._entry(project_id, layer.removeprefix(f"{SOURCE}:")).notes)

    def remove(self, project_id: str, layer: str) -> None:
        """The live map takes its place where it is shown. Raises BadRequest, CorruptFile."""
        item = layer.removeprefix(f"{SOURCE}:")
        self._entry(project_id, item)
        with self._lock:
            kept = [one.model_dump() for one in self._read(project_id) if one.id != item]
            write_json(self._folder(project_id) / "imported.json", {"maps": kept}, indent=1)
            (self._folder(project_id) / f"{item}.npz").unlink(missing_ok=True)
        self._maps.drop(lambda key: key == (project_id, item))

    # ── layers of `studio.displayed` ────────────────────────────────────────────────────────────

    def listed(self, project_id: str) -> list[Layer]:
        return [Layer(layer_id(SOURCE, one.id), one.title, facts=(one.file, one.id)) for one in self._read(project_id)]

    def title(self, project_id: str, item: str) -> str:
        return self._entry(project_id, item).title

    def displayed(self, project_id: str, item: str) -> DisplayedMap:
        self._entry(project_id, item)
        key = (project_id, item)
        known = self._maps.get(key)
        if known is None:
            path, size = self._folder(project_id) / f"{item}.npz", self._workspace.scene_of(project_id).shape[:2]
            known = kept_map(path, size, item)
            if known is None:
                raise CorruptFile(path, "the imported map cannot be read", "Remove the layer and import its file again")
            self._maps.put(key, known, known.nbytes)
        return DisplayedMap("imported", item, known, project_id, self)

    def finished(self, project_id: str, item: str, timeout: float) -> DisplayedMap:
        return self.displayed(project_id, item)

    def report(self, shown: DisplayedMap) -> AccuracyReport | None:
        """What it agrees with the reference in; None without one."""
        key = (shown.project_id, shown.id)
        with self._lock:
            known = self._reports.get(key)
        if known is not None and known[0] == shown.prediction.schema:  # a class renamed since counts by its new name
            return known[1]
        made = report_without_labels(shown.prediction, self._workspace.scene_of(shown.project_id))
        if made is not None:
            words = made.main.words.replace("; no label was used", "")
            made = replace(made, main=replace(made.main, words=words), notes=(*made.notes, NOT_ITS_TEST))
        with self._lock:
            self._reports[key] = shown.prediction.schema, made
        return made

    def seen(self, shown: DisplayedMap) -> LabelSet | None:
        """Nobody here knows."""
        return None

    def legend(self, shown: DisplayedMap) -> ClassSchema:
        """The classes that a map of this source may show: those its file knows. Raises BadRequest."""
        known = set(self._entry(shown.project_id, shown.id).classes)
        if not known:  # kept before files' legends were
            known = {info.id for info, pixels in shown.pixels if pixels}
        return ClassSchema(tuple(info for info in shown.prediction.schema.classes if info.id in known))

    # ── inside ──────────────────────────────────────────────────────────────────────────────────

    def _folder(self, project_id: str) -> Path:
        return self._workspace.project(project_id).folder / "maps"

    def _entry(self, project_id: str, item: str) -> Entry:
        for one in self._read(project_id):
            if one.id == item:
                return one
        raise BadRequest(f"There is no imported map {item[:80]!r} in this project.")

    def _read(self, project_id: str) -> list[Entry]:
        """Raises FileProblem."""
        path = self._folder(project_id) / "imported.json"
        tell = self._workspace.project(project_id).note
        return read_side_list(path, "maps", partial(validated, Entry), Entry.model_dump, tell)


def _classes(
    schema: ClassSchema, names: dict[int, str], colors: dict[int, str], most: int
) -> tuple[ClassSchema, np.ndarray[Any, np.dtype[np.uint16]]]:
    """(the map's classes, the project's first; a table from a value of the file to index + 1)."""
    classes, lut = list(schema.classes), np.zeros(most + 1, dtype=np.uint16)
    for value, name in sorted(names.items()):
        if not 0 < value <= most:
            continue
        known = next((k for k, info in enumerate(classes) if same_name(info.name, name)), None)
        if known is None:
            used = [info.color for info in classes]
            color = colors.get(value)
            color = color if color and color not in used else color_for(name, used)
            own = hashlib.sha256(name.casefold().encode()).hexdigest()[:12]  # the same class in another such map
            classes.append(ClassInfo(f"imported-{own}", name, color))
            known = len(classes) - 1
        lut[value] = known + 1
    return ClassSchema(tuple(classes)), lut
