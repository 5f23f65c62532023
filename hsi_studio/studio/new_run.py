"""The folder and the record of a new run, of whatever kind: the one place where a `RunRecord` is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hsi_studio.engine.runs.devices import Device
from hsi_studio.engine.runs.record import RunClass, RunFolder, RunRecord, new_run_id, now
from hsi_studio.project.store import Project
from hsi_studio.types import LabelSet, Scene

Prepare = Callable[[RunFolder, RunRecord], RunRecord]


def new_run(
    project: Project, scene: Scene, labels: LabelSet, place: Device, prepare: Prepare, **facts: Any
) -> tuple[RunFolder, RunRecord]:
    """A run of the project on the labels as they are, for the device `place`.

    `facts`: fields of the record beside those that are the same for every kind. `prepare` puts what else the work needs
    into the folder, before anything can see the run, and returns the record as it shall be.
    """
    ids = [info.id for info in labels.schema.classes]
    record = RunRecord(
        id=new_run_id(), project_id=project.id, classes=[RunClass(**c) for c in labels.schema.to_json()],
        scene={
            "id": scene.id, "name": scene.name, "title": scene.title, "shape": list(scene.shape),
            "spec": project.scene_spec
            | ({"left_out": list(scene.left_out)} if scene.left_out else {})
            | ({"hide_reference": True} if project.lesson_on else {}),
        },
        labels={
            "revision": labels.revision, "file": "labels.json",
            "counts": {ids[k]: int(n) for k, n in enumerate(labels.counts) if n},
        },
        device={"slot": place.slot, "name": place.name, "reason": place.reason}, created=now(), **facts,
    )  # fmt: skip
    folder = RunFolder(project.folder / "runs" / record.id)
    folder.path.mkdir(parents=True)
    folder.write_labels(labels)
    record = prepare(folder, record)
    folder.write(record)
    return folder, record
