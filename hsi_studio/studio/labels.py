"""`studio.labels`: a project's labels: clicked, read from files, or drawn from the scene's reference.

>>> studio.labels.label(project.id, row=40, col=20, class_id=corn.id)
>>> studio.labels.draw(project.id, shots=5, seed=0)

Drawn shots are for experiments as in the papers. The draw is that of `evaluate` and the benchmarks
(`engine/evaluation/splits.py`): of each class the first N pixels of a random order that the seed fixes, at most half of
the class. So on a project without labels, N shots and a seed give the same support set everywhere, and asking for more
later adds to it what the larger draw has more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hsi_studio.edges import reading
from hsi_studio.engine.evaluation.map_accuracy import reference_values
from hsi_studio.engine.evaluation.splits import shot_order
from hsi_studio.errors import BadRequest, LabelProblem
from hsi_studio.humanize import counted
from hsi_studio.io.label_import import LabelImport, LabelOptions, labels_from_file, read_labels
from hsi_studio.project.store import Project
from hsi_studio.studio import Subject
from hsi_studio.studio.workspace import Workspace
from hsi_studio.types import Scene

MOST_SHOTS = 1000  # a class; every label has a marker in the picture
MOST_SEED = 2**32 - 1
Files = str | Path | Sequence[str | Path]
NO_PIXEL = np.zeros(0, dtype=np.int64)


def first_of(files: Files) -> str | Path:
    """The file that an error of several names."""
    return files if isinstance(files, str | Path) else files[0] if files else "no file"


class Labels(Subject):
    """One subject of `Studio`. `changed(project_id)` is called after every edit: a new map is wanted."""

    def __init__(self, workspace: Workspace, changed: Callable[[str], None]) -> None:
        self._workspace = workspace
        self._changed = changed

    def label(self, project_id: str, row: int, col: int, class_id: str, actor: str = "") -> int:
        """Label a pixel, or take its label away when it has this class already. The journal has it on return.

        Returns the journal's sequence number. Raises LabelProblem.
        """
        return self.edit(project_id, lambda project: project.toggle_point(row, col, class_id, actor=actor))

    def remove_label(self, project_id: str, row: int, col: int, actor: str = "") -> int:
        """Take a pixel's label away. Raises LabelProblem when it has none."""
        return self.edit(project_id, lambda project: project.remove_point(row, col, actor=actor))

    def edit(self, project_id: str, action: Callable[[Project], object]) -> int:
        """Do anything else to a project (classes, undo, import) and ask for a new map."""
        action(project := self._workspace.project(project_id))
        self._changed(project_id)
        return project.revision

    def look(self, project_id: str, files: Files, **options: Any) -> LabelImport:
        """What `import_labels` would add, and what becomes of each file's features; nothing is changed."""
        project = self._workspace.project(project_id)
        scene = self._workspace.scene_of(project_id)
        with reading(first_of(files)):
            found = read_labels(files, scene, project.schema, label_options(options))
        ours = {pixel: project.schema.get(class_id) for pixel, class_id in project.points.items()}
        others = sum(
            1 for row, col, name, _ in found.labels if (info := ours.get((row, col))) is not None and info.name != name
        )
        if others:
            verb = "gets" if others == 1 else "get"
            found.notes.append(f"{counted(others, 'label')} of the project {verb} another class.")
        return found

    def import_labels(self, project_id: str, files: Files, actor: str = "", **options: Any) -> list[str]:
        """Add labels from files of other programs (`io/label_import.py` lists them), all in one action, which undo
        takes back; classes that are new are added. `options` as in `LabelOptions`. Returns notes for the user.

        Raises FileProblem, ChooseLabels when the class, the layer or the coordinates have to be chosen, LabelProblem
        when no label lies on the scene.
        """
        project, found = self._workspace.project(project_id), self.look(project_id, files, **options)
        names = ", ".join(dict.fromkeys(report.file for report in found.reports))
        if not found.labels:
            raise LabelProblem(f"{names}: no label in it lies on this scene. " + " ".join(found.sentences()))
        done = project.import_labels(found.labels, actor=actor, source=names)
        self._changed(project_id)
        return [done, *found.sentences()]

    # ── drawn from the reference ────────────────────────────────────────────────────────────────

    def can_draw(self, project_id: str) -> bool:
        """Whether there is a reference that knows a class of the project."""
        return bool(
            reference_values(self._workspace.project(project_id).schema.classes, self._workspace.scene_of(project_id))
        )

    def check(
        self, scene: Scene, file: Files | None = None, shots: int | None = None, seed: int = 0, **options: Any
    ) -> None:  # fmt: skip
        """Whether a project on the scene could have labels of `file`, and `shots` drawn with `seed`: before it is made.

        Raises BadRequest, FileProblem.
        """
        if shots is not None:
            check_draw(scene, shots, seed)
        if file:
            with reading(first_of(file)):
                labels_from_file(file, scene, label_options(options))

    def draw(self, project_id: str, shots: int, seed: int = 0, instead: bool = False, actor: str = "") -> str:
        """Label pixels of the reference until each of its classes has `shots`; one action, which undo takes back.

        Labels that are there count and stay, or go with `instead`. Returns what was done, in sentences. Raises
        BadRequest: no reference, numbers out of range, nothing to add.
        """
        scene, project = self._workspace.scene_of(project_id), self._workspace.project(project_id)
        check_draw(scene, shots, seed)
        assert scene.reference is not None
        with project.writing():  # no label comes in between
            usable = scene.valid if project.held is None else scene.valid & ~project.held
            order = shot_order(np.where(usable, scene.reference, 0), seed)
            labels = project.labels()
            values = reference_values(labels.schema.classes, scene)
            if not values:
                raise BadRequest(
                    f"No class of this project is in the reference of {scene.name}: paste its class names."
                )
            width = scene.shape[1]
            taken = labels.row.astype(np.int64) * width + labels.col
            have = dict(zip((info.id for info in labels.schema.classes), labels.counts.tolist(), strict=True))
            points: list[tuple[int, int, str, str | None]] = []
            small = []
            for info in labels.schema.classes:
                pixels = order.get(values.get(info.id, 0), NO_PIXEL)
                most = min(shots, pixels.size // 2)
                first = pixels[: most + taken.size]  # enough, whichever of them are taken
                free = first if instead else first[~np.isin(first, taken)]
                chosen = free[: max(0, most - (0 if instead else have[info.id]))]
                points += [(int(at) // width, int(at) % width, info.name, None) for at in chosen]
                if most < shots and info.id in values:
                    small.append(f"{info.name} has {pixels.size}")
            if not points:
                raise BadRequest(f"Every class has {shots} labels or half of its reference pixels: nothing to add.")
            source = f"reference, {shots} a class, seed {seed}"
            project.import_labels(points, actor=actor, source=source, instead=instead)
        self._changed(project_id)
        said = f"{counted(len(points), 'label')} drawn from the reference with seed {seed}."
        if small:
            said += f" Fewer where half of a class's reference pixels are needed to test on: {', '.join(small)}."
        return said


def label_options(values: Mapping[str, Any]) -> LabelOptions:
    """Raises BadRequest for an option that does not exist or is out of range."""
    unknown = set(values) - {"attribute", "layer", "crs", "per_area", "first"}
    if unknown:
        raise BadRequest(f"No such option of an import: {', '.join(sorted(unknown))}.")
    return LabelOptions(**values)


def check_draw(scene: Scene, shots: int, seed: int) -> None:
    """Raises BadRequest: no reference, numbers out of range."""
    if not 1 <= shots <= MOST_SHOTS:
        raise BadRequest(f"{shots} labels a class: give a number from 1 to {MOST_SHOTS}.")
    if not 0 <= seed <= MOST_SEED:
        raise BadRequest(f"Seed {seed}: give a whole number from 0 to {MOST_SEED}.")
    if scene.reference is None:
        raise BadRequest(
            f"{scene.name} has no reference to draw labels from: click pixels, or open the scene with a reference "
            "file in the Scene tab."
        )
