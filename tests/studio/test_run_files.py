"""Run folders are read again when, and only when, they have changed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hsi_studio import Studio
from hsi_studio.engine.runs.record import RunFolder
from hsi_studio.errors import BadRequest
from hsi_studio.project.store import Project
from hsi_studio.studio.run_files import MAP, PREVIEW, RunFiles
from tests.studio.shown import RUN, add_run, project_with_reference, some_map

OTHER = "20260101-120008-abcdef"


@pytest.fixture
def made(tmp_path: Path) -> Iterator[tuple[Studio, Project]]:
    studio = Studio(home=tmp_path / "home", data_root=tmp_path / "data")
    project = project_with_reference(studio, tmp_path / "data")
    add_run(studio, project)
    yield studio, project
    studio.close()


@pytest.fixture
def files(made: tuple[Studio, Project]) -> RunFiles:
    studio, _ = made
    return RunFiles(studio.projects_folder, studio.runs.queue)


def change(path: Path) -> None:
    """Its time says that it is another, whatever the disk's clock resolves."""
    stamp = path.stat().st_mtime_ns + 1_000_000
    os.utime(path, ns=(stamp, stamp))


def test_a_record_is_read_again_when_it_has_changed(files: RunFiles) -> None:
    folder = files.folder(RUN)
    record = files.record(folder)
    assert files.record(folder) is record
    folder.write(record.model_copy(update={"title": "Another"}))
    change(folder.record_file)
    assert files.record(folder).title == "Another"


def test_a_map_is_the_same_object_until_it_changes(made: tuple[Studio, Project], files: RunFiles) -> None:
    folder = files.folder(RUN)
    first = files.map(folder, MAP)
    assert first is not None
    assert files.map(folder, MAP) is first
    assert files.map(folder, PREVIEW) is None
    folder.write_map(some_map(*made, 77, "svm"), MAP)
    change(folder / MAP)
    second = files.map(folder, MAP)
    assert second is not None
    assert second is not first
    assert (second.label != first.label).any()


def test_a_damaged_record_is_left_out_of_the_list_alone(made: tuple[Studio, Project], files: RunFiles) -> None:
    studio, project = made
    add_run(studio, project, OTHER)
    assert [info.id for info in files.infos(lambda folder: True)] == [OTHER, RUN]  # the newest first
    assert [info.id for info in files.infos(lambda folder: folder.path.name == RUN)] == [RUN]
    RunFolder(project.folder / "runs" / OTHER).record_file.write_text("{")
    assert [info.id for info in files.infos(lambda folder: True)] == [RUN]


def test_what_has_gone_is_not_found(made: tuple[Studio, Project], files: RunFiles) -> None:
    folder = files.folder(RUN)
    files.record(folder)
    folder.record_file.unlink()
    files.forget(folder)
    with pytest.raises(BadRequest, match="not there any more"):
        files.record(folder)
    with pytest.raises(BadRequest, match="no run"):
        files.folder(RUN)
