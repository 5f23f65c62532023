"""Files that go, change or cannot be written while the app works on them: nothing that was acknowledged is lost, and a
sentence says what happened and what to do."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hsi_studio import Studio
from hsi_studio.engine.runs.control import Reporter, RunCheckpoints, RunControl
from hsi_studio.engine.runs.events import EventLog
from hsi_studio.engine.runs.process import DISK, end_of
from hsi_studio.engine.runs.queue import Running, RunQueue
from hsi_studio.engine.runs.record import RunFolder
from hsi_studio.errors import FileProblem, StudioError
from hsi_studio.io.map_rasters import export_confidence_geotiff
from hsi_studio.methods.contract import State
from hsi_studio.project.store import Project
from hsi_studio.types import ClassInfo, ClassSchema, Prediction, Progress
from tests.engine.halves import walk_run
from tests.project.small import small_scene


def click(studio: Studio, project: Project) -> int:
    return studio.label(project.id, 5, 5, project.schema.classes[0].id)


def journal(project: Project) -> Path:
    return project.folder / "journal.jsonl"


# ── a project's files, under the app ────────────────────────────────────────────────────────────


def test_a_folder_that_was_deleted_is_kept_aside_and_told_to_whoever_asks(studio: Studio, project: Project) -> None:
    points = project.points
    shutil.rmtree(project.folder)
    for _ in range(2):
        with pytest.raises(StudioError, match=r"folder .* is gone\. All 8 actions .* are kept in \.rescued/"):
            click(studio, project)
    assert not project.folder.exists()  # asking for it does not make it again
    (kept,) = (studio.projects_folder / ".rescued").iterdir()
    assert studio.projects() == []
    shutil.move(kept, project.folder)
    assert studio.project(project.id).points == points
    click(studio, project)


def test_a_journal_that_was_deleted_is_put_back_by_mending(studio: Studio, project: Project) -> None:
    points = project.points
    journal(project).unlink()
    with pytest.raises(StudioError, match=r"missing.*actions: put them back with .*mend"):
        click(studio, project)
    assert not journal(project).exists()
    assert "8 actions" in studio.mend(project.id)[0]
    assert studio.project(project.id).points == points
    assert click(studio, project) == 9


def test_a_journal_that_was_cut_is_put_back_by_mending(studio: Studio, project: Project) -> None:
    points, whole = project.points, journal(project).read_bytes()
    os.truncate(journal(project), whole.index(b"\n") + 1)
    assert len(studio.project(project.id).points) == 0  # opened again, as it is on the disk
    (note,) = studio.project(project.id).notes
    assert "lines that were read before are gone" in note
    assert "are kept in journal.rescued-" in note
    assert studio.mend(project.id)[0].startswith("The journal had 1 of 8 actions")
    assert journal(project).read_bytes() == whole
    assert studio.project(project.id).points == points


def test_the_same_journal_in_another_file_is_the_same(studio: Studio, project: Project) -> None:
    """An editor or a copy tool that saves beside and renames."""
    shutil.copy(journal(project), project.folder / "copy")
    os.replace(project.folder / "copy", journal(project))
    assert click(studio, project) == 9
    assert studio.project(project.id) is project
    assert len(Project.open(project.folder).points) == 7


def test_another_journal_in_its_place_is_shown_and_the_earlier_one_kept(studio: Studio, project: Project) -> None:
    """Somebody copies an older state back."""
    whole = journal(project).read_bytes()
    lines = whole.splitlines(keepends=True)
    (project.folder / "older").write_bytes(b"".join(lines[:5]))
    os.replace(project.folder / "older", journal(project))
    other = journal(project).read_bytes().replace(b'"col":3', b'"col":4') + b"".join(lines[5:])
    journal(project).write_bytes(other)
    now = studio.project(project.id)
    assert now is not project
    assert (2, 4) in now.points
    (kept,) = project.folder.glob("journal.rescued-*")
    assert kept.read_bytes() == whole
    assert "another file was put in its place" in now.notes[0]
    assert click(studio, now) == 9


def test_nothing_is_written_to_a_journal_that_changed_in_the_last_moment(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between looking and writing; no lock holds an editor back."""
    real = project._state.plan

    def late(event: object) -> object:
        found = real(event)  # type: ignore[arg-type]
        with journal(project).open("ab") as stream:
            stream.write(b"x")
        return found

    monkeypatch.setattr(project._state, "plan", late)
    with pytest.raises(StudioError, match="changed while an action was being made"):
        project.add_class("Third")
    assert project.revision == 8


@pytest.mark.parametrize(("number", "words"), [(errno.EROFS, "Read-only"), (errno.ENOSPC, "No space")])
def test_a_home_that_takes_nothing_says_so(
    studio: Studio, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    points = project.points
    monkeypatch.setattr("filelock.FileLock.acquire", refuse)
    with pytest.raises(FileProblem, match=f"cannot be written .{words}.*permissions"):
        click(studio, project)
    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(FileProblem, match=r"the disk (is full|can only be read)"):
        studio.new_project(tmp_path / "data" / "two_halves.npy")
    monkeypatch.undo()
    assert project.points == points
    assert len(studio.projects()) == 1


def test_a_new_project_is_on_the_disk_with_its_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a power failure too: files and the folders that name them are synced."""
    synced, real = set(), os.fsync

    def fsync(handle: int) -> None:
        synced.add(os.fstat(handle).st_ino)
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    folder = Project.create(tmp_path / "projects", small_scene(), {"spec": "small"}).folder
    for path in (folder, folder.parent, tmp_path, folder / "project.json", folder / "project.copy.json"):
        assert path.stat().st_ino in synced, path


# ── trainings ───────────────────────────────────────────────────────────────────────────────────


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_stops_no_training_by_its_curves_or_checkpoints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr("hsi_studio.engine.runs.control.write_bytes", full)
    checkpoints = RunCheckpoints(tmp_path, "key", RunControl(), 0.0, lambda level, text: told.append(text))
    checkpoints.save("walk", State({"a": np.zeros(2)}, {}))
    assert told == [
        "The state cannot be saved: The file: the disk is full. Delete what you no longer need, or ask who runs this "
        "server for room. The training goes on without."
    ]
    reporter = Reporter(EventLog(tmp_path / "events.jsonl"))
    monkeypatch.setattr(os, "write", full)
    reporter.progress(Progress("Walking", 1, 2))
    reporter.metrics("walk", 1, 2, {"loss": 1.0})
    reporter.flush()


def test_a_worker_that_can_write_nothing_ends_with_a_reason(tmp_path: Path) -> None:
    folder = walk_run(tmp_path)
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (40, 40))\n"
        "from hsi_studio.engine.worker import main\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    ended = _with_open_input([sys.executable, "-B", "-c", code, str(folder.path), "--cache", str(tmp_path)])
    assert ended[0] == DISK
    (folder / "worker.log").write_text(ended[1])
    state, reason = end_of("", DISK, folder)
    assert state == "interrupted"
    assert "Nothing could be written" in reason
    assert "resume" in reason


def _with_open_input(command: list[str]) -> tuple[int, str]:
    """(exit code, last words) of a process whose standard input stays open, as that of a worker."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert process.stdin is not None
    said = process.stderr.read()
    code = process.wait(100)
    process.stdin.close()
    return code, said


def test_a_worker_whose_program_is_gone_before_it_begins_leaves_the_run_as_it_is(tmp_path: Path) -> None:
    """Another program may have taken the run up by then."""
    folder = walk_run(tmp_path)
    before = folder.record_file.read_bytes()
    command = [sys.executable, "-m", "hsi_studio.engine.worker", str(folder.path), "--cache", str(tmp_path)]
    assert subprocess.run(command, stdin=subprocess.DEVNULL, check=False, timeout=100).returncode == 0
    assert folder.record_file.read_bytes() == before
    assert not folder.events_file.exists()


def test_an_end_that_the_disk_does_not_take_is_told_and_written_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue, made = RunQueue(tmp_path / "home", tmp_path / "cache"), walk_run(tmp_path / "run")
    folder = RunFolder(made.path)
    folder.write(folder.read().model_copy(update={"state": "running", "queue": queue.id}))
    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "write", full)
        queue._settle(Running(folder), -9)
        found = queue.checked(folder)
        assert (found.state, folder.read().state) == ("interrupted", "running")
        assert "memory ran out" in found.reason
    assert queue.checked(folder).state == "interrupted"
    assert folder.read().state == "interrupted"
    assert not queue.unsaid(folder)


# ── exports ─────────────────────────────────────────────────────────────────────────────────────


def test_a_raster_that_the_disk_cuts_short_is_an_error_and_no_file(tmp_path: Path) -> None:
    """Noise does not compress, so with its overviews the file is larger than the plain one it is made from, and the
    disk is full only in the copy: GDAL notices some cuts there and closes the file in silence after others."""
    resource = pytest.importorskip("resource")
    side = 512
    scene = small_scene(side, side)
    noise = np.random.default_rng(0).random((side, side)).astype(np.float32)
    schema = ClassSchema((ClassInfo("a", "A", "#112233"),))
    prediction = Prediction(schema, np.ones((side, side), np.uint16), noise, "live", {}, 1)
    target = tmp_path / "confidence.tif"
    whole = export_confidence_geotiff(prediction, scene, target).stat().st_size
    plain = noise.nbytes + 4096
    assert whole > plain
    target.unlink()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for cut in (whole // 2, plain, (whole + plain) // 2, whole - 1000, whole - 50):
        resource.setrlimit(resource.RLIMIT_FSIZE, (cut, hard))
        try:
            with pytest.raises(FileProblem, match=r"confidence\.tif: it could not be written whole.*Free some space"):
                export_confidence_geotiff(prediction, scene, target)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert list(tmp_path.iterdir()) == []
