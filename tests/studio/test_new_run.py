"""A new run's folder holds all that its worker reads, and is seen by nobody before it is complete."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hsi_studio import Studio
from hsi_studio.engine.runs.devices import Device
from hsi_studio.engine.runs.record import RunFolder, RunRecord, run_folders
from hsi_studio.studio.new_run import new_run
from tests.engine.halves import halves, labelled_project


def test_the_folder_holds_record_labels_and_what_the_work_needs(tmp_path: Path) -> None:
    studio = Studio(home=tmp_path / "home")
    project = studio.project(labelled_project(studio, halves(tmp_path)))
    scene, labels = studio.scene_of(project.id), project.labels()
    gpu = Device("cuda:0", "A GPU", "CUDA: A GPU, 8.0 GiB free")

    def prepare(folder: RunFolder, record: RunRecord) -> RunRecord:
        assert run_folders(studio.projects_folder) == []  # not to be seen yet
        (folder / "plan.json").write_text("{}")
        return record.model_copy(update={"title": "prepared"})

    folder, made = new_run(project, scene, labels, gpu, prepare, kind="compare", method="", params={}, owner="ada")
    record = folder.read()
    assert record == made
    assert (record.kind, record.title, record.owner, record.state) == ("compare", "prepared", "ada", "queued")
    assert record.device == {"slot": "cuda:0", "name": "A GPU", "reason": "CUDA: A GPU, 8.0 GiB free"}
    assert record.scene["id"] == scene.id
    assert sorted(record.labels["counts"].values()) == [3, 3]
    kept = folder.read_labels(record)
    assert np.array_equal(kept.row, labels.row)
    assert np.array_equal(kept.label, labels.label)
    studio.close()


def test_a_preparation_that_fails_leaves_no_run(tmp_path: Path) -> None:
    studio = Studio(home=tmp_path / "home")
    project = studio.project(labelled_project(studio, halves(tmp_path)))

    def fail(folder: RunFolder, record: RunRecord) -> RunRecord:
        raise OSError(28, "no space left")

    with pytest.raises(OSError, match="no space"):
        new_run(
            project, studio.scene_of(project.id), project.labels(), Device("cpu", "CPU", "CPU"), fail,
            method="svm", params={},
        )  # fmt: skip
    assert studio.runs.list() == []
    studio.close()
