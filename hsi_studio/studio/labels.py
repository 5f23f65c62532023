"""`studio.labels`: shots drawn from the scene's reference, for experiments as in the papers.

The draw is that of `evaluate` and the benchmarks (`engine/evaluation/splits.py`): of each class the first N pixels of
a random order that the seed fixes, at most half of the class. So on a project without labels, N shots and a seed give
the same support set everywhere, and asking for more later adds to it what the larger draw has more.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hsi_studio.engine.evaluation.map_accuracy import reference_values
from hsi_studio.engine.evaluation.splits import shot_order
from hsi_studio.errors import BadRequest
from hsi_studio.humanize import counted
from hsi_studio.io.label_import import labels_from_file
from hsi_studio.studio import Desk, Subject
from hsi_studio.types import Scene

MOST_SHOTS = 1000  # a class; every label has a marker in the picture
MOST_SEED = 2**32 - 1
NO_PIXEL = np.zeros(0, dtype=np.int64)


class Labels(Subject):
    """One subject of `Studio`."""

    def __init__(self, desk: Desk, changed: Callable[[str], None]) -> None:
        self._desk = desk
        self._changed = changed

    def can_draw(self, project_id: str) -> bool:
        """Whether there is a reference that knows a class of the project."""
        return bool(reference_values(self._desk.project(project_id).schema.classes, self._desk.scene_of(project_id)))

    def check(self, scene: Scene, file: str | None = None, shots: int | None = None, seed: int = 0) -> None:
        """Whether a project on the scene could have labels of `file`, and `shots` drawn with `seed`: before it is made.

        Raises BadRequest, FileProblem.
        """
        if shots is not None:
            check_draw(scene, shots, seed)
        if file:
            labels_from_file(file, scene)

    def draw(self, project_id: str, shots: int, seed: int = 0, instead: bool = False, actor: str = "") -> str:
        """Label pixels of the reference until each of its classes has `shots`; one action, which undo takes back.

        Labels that are there count and stay, or go with `instead`. Returns what was done, in sentences. Raises
        BadRequest: no reference, numbers out of range, nothing to add.
        """
        scene, project = self._desk.scene_of(project_id), self._desk.project(project_id)
        check_draw(scene, shots, seed)
        assert scene.reference is not None
        order = shot_order(np.where(scene.valid, scene.reference, 0), seed)
        with project.writing():  # no label comes in between
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
