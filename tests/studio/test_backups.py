"""Backups: whole while others write, verified, and made into projects again without ever overwriting one."""

from __future__ import annotations

import json
import stat
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from hsi_studio import Studio
from hsi_studio.engine.runs.record import RunFolder
from hsi_studio.errors import BadRequest, CorruptFile, FileProblem
from hsi_studio.project import backup_file
from hsi_studio.project.store import Project
from tests.engine.halves import walk_run
from tests.studio.models import labelled, scene_file, train


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    made = Studio(home=tmp_path / "home", data_root=tmp_path / "data")
    yield made
    made.close()


@pytest.fixture
def project(studio: Studio, tmp_path: Path) -> Project:
    """On an uploaded scene, with words of its own."""
    (kept,) = studio.keep_upload([scene_file(tmp_path / "data")])
    project = labelled(studio, kept)
    project.words.create("Plain", {project.schema.classes[0].id: ["a bright half"]})
    return project


def run_of(project: Project, tmp_path: Path) -> RunFolder:
    """A run's folder in the project, as if it were at work."""
    made = walk_run(tmp_path / "runs")
    folder = RunFolder(project.folder / "runs" / made.path.name)
    folder.path.parent.mkdir(exist_ok=True)
    made.path.rename(folder.path)
    folder.write(folder.read().model_copy(update={"state": "running", "project_id": project.id}))
    return folder


def other(tmp_path: Path) -> Studio:
    return Studio(home=tmp_path / "another home")


def test_a_project_is_the_same_in_another_home(studio: Studio, project: Project, tmp_path: Path) -> None:
    run, model = run_of(project, tmp_path), train(studio, project)
    (project.folder / "exports").mkdir()
    (project.folder / "exports" / "map.tif").write_bytes(b"can be made again")
    made = studio.backup(None, tmp_path / "all.zip")
    assert made.projects == (project.id,)
    assert made.notes == ()
    (tmp_path / "home").rename(tmp_path / "lost")  # the old home is gone, and the uploaded scene with it
    elsewhere = other(tmp_path)
    (restored,) = elsewhere.restore(tmp_path / "all.zip")
    assert (restored.id, restored.was, restored.title) == (project.id, project.id, project.title)
    again = elsewhere.project(project.id)
    assert again.points == project.points
    assert again.revision == restored.actions == project.revision
    assert [info.name for info in again.words.all] == ["Plain"]
    again.undo()
    assert again.words.all == []
    record = RunFolder(again.folder / "runs" / run.path.name).read()
    assert (record.state, record.reason) == (
        "interrupted",
        "It was at work when the backup was made. Resume it to go on.",
    )
    assert elsewhere.models.get(model).problem == ""
    assert not (again.folder / "exports").exists()
    document = json.loads((again.folder / "labels.geojson").read_text(encoding="utf-8"))
    assert len(document["features"]) == 6
    elsewhere.close()


def test_a_mask_goes_with_its_scene(studio: Studio, tmp_path: Path) -> None:
    flags = np.zeros((30, 30), "u1")
    flags[:10] = 1
    (tmp_path / "came").mkdir()
    np.save(tmp_path / "came" / "clouds.npy", flags)
    scene, mask = studio.keep_upload([scene_file(tmp_path / "data"), tmp_path / "came" / "clouds.npy"])
    project = studio.new_project(scene, mask=f"not {mask}")
    file = studio.backup([project.id], tmp_path / "one.zip").file
    (tmp_path / "home").rename(tmp_path / "lost")
    elsewhere = other(tmp_path)
    elsewhere.restore(file)
    assert elsewhere.scene_of(project.id).valid.sum() == 20 * 29
    elsewhere.close()


def test_nothing_that_is_there_is_overwritten(studio: Studio, project: Project, tmp_path: Path) -> None:
    run = run_of(project, tmp_path)
    file = studio.backup([project.id], tmp_path / "one.zip").file
    (same,) = studio.restore(file)
    assert same.id == ""
    assert "left as it is" in same.notes[0]
    project.clear()
    before = (project.folder / "journal.jsonl").read_bytes()
    (beside,) = studio.restore(file)
    assert beside.id not in ("", project.id)
    assert "beside it" in beside.notes[0]
    assert (project.folder / "journal.jsonl").read_bytes() == before
    assert len(studio.project(beside.id).points) == 6
    (copy,) = (studio.projects_folder / beside.id / "runs").iterdir()
    assert copy.name != run.path.name  # a run's id is one run's
    assert RunFolder(copy).read().project_id == beside.id
    with pytest.raises(FileProblem, match="never replaced"):
        studio.backup([project.id], file)
    assert not list(studio.projects_folder.glob(".restoring*"))


def test_models_and_uploaded_scenes_may_be_left_out(studio: Studio, project: Project, tmp_path: Path) -> None:
    train(studio, project)
    file = studio.backup([project.id], tmp_path / "small.zip", models=False, uploads=False).file
    names = zipfile.ZipFile(file).namelist()
    assert not [name for name in names if "safetensors" in name or name.startswith("uploads")]
    assert f"projects/{project.id}/journal.jsonl" in names


def test_a_backup_made_while_others_label_ends_with_a_whole_action(
    studio: Studio, project: Project, tmp_path: Path
) -> None:
    stop, class_id = threading.Event(), project.schema.classes[0].id

    def label() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            project.toggle_point(number // 25 % 25, number % 25, class_id)

    worker = threading.Thread(target=label)
    worker.start()
    try:
        revisions = []
        for number in range(5):
            before = project.revision
            file = studio.backup([project.id], tmp_path / f"{number}.zip", uploads=False).file
            (found,) = Studio(home=tmp_path / f"home-{number}").restore(file)
            assert found.notes == ()
            assert before <= found.actions <= project.revision
            revisions.append(found.actions)
    finally:
        stop.set()
        worker.join()
    assert revisions == sorted(revisions)


def test_a_damaged_project_is_backed_up_as_it_is(studio: Studio, project: Project, tmp_path: Path) -> None:
    (project.folder / "project.json").write_bytes(b"{")
    made = studio.backup(None, tmp_path / "damaged.zip")
    assert "is damaged, and is in the backup as it is" in made.notes[0]
    elsewhere = other(tmp_path)
    (restored,) = elsewhere.restore(made.file)
    assert "damaged when it was backed up" in restored.notes[0]
    assert "its copy is in its place" in elsewhere.mend(restored.id)[0]
    elsewhere.close()


def test_who_asks_for_what_is_not_there_gets_no_file(studio: Studio, project: Project, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="no project 'gone'"):
        studio.backup([project.id, "gone"], tmp_path / "x.zip")
    with pytest.raises(BadRequest, match="no project yet"):
        other(tmp_path).backup(None, tmp_path / "x.zip")
    with pytest.raises(BadRequest, match="only its owner"):
        Studio(workspace=studio.workspace.guest(project.id)).backup(None, tmp_path / "x.zip")
    assert not (tmp_path / "x.zip").exists()


def test_a_backup_that_cannot_be_read_again_is_none(
    studio: Studio, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that keeps other bytes than it was given."""
    real = zipfile.ZipFile.writestr

    def flipped(archive: zipfile.ZipFile, info: object, data: bytes | str, *rest: object) -> None:
        name = getattr(info, "filename", info)
        real(archive, info, data.replace(b"add_point", b"add_paint") if name.endswith("jsonl") else data, *rest)  # type: ignore[arg-type, union-attr]

    monkeypatch.setattr(zipfile.ZipFile, "writestr", flipped)
    with pytest.raises(CorruptFile, match=r"journal\.jsonl is not as it was backed up"):
        studio.backup([project.id], tmp_path / "bad.zip")
    assert not list(tmp_path.glob("*.zip"))


# ── strangers' files ────────────────────────────────────────────────────────────────────────────


def forged(path: Path, members: dict[str, bytes], said: dict[str, bytes] | None = None, **odd: object) -> Path:
    """A ZIP with a manifest that fits `said` (default: the members)."""
    import hashlib

    files = [
        {"path": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in (members if said is None else said).items()
    ]
    manifest = {"format": "hsi-studio backup", "version": 1, "created": "2026-01-01T00:00:00+00:00", "files": files}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = int(str(odd.get("mode", stat.S_IFREG | 0o600))) << 16
            archive.writestr(info, data)
        archive.writestr("manifest.json", json.dumps({**manifest, **dict(odd.get("manifest", {}))}))  # type: ignore[call-overload]
    return path


GOOD = {"projects/a/project.json": b"{}"}
FORGED: dict[str, Callable[[Path], Path]] = {
    "climbs": lambda path: forged(path, {"projects/../../evil": b"x"}),
    "from the root": lambda path: forged(path, {"/etc/evil": b"x"}),
    "a drive": lambda path: forged(path, {"C:/evil/x": b"x"}),
    "backslashes": lambda path: forged(path, {"projects/a\\..\\..\\evil/x": b"x"}),
    "hidden": lambda path: forged(path, {"projects/.ssh/keys": b"x"}),
    "another folder": lambda path: forged(path, {"users/ben/journal.jsonl": b"x"}),
    "a link": lambda path: forged(path, {"projects/a/journal.jsonl": b"/etc/passwd"}, mode=stat.S_IFLNK | 0o777),
    "a pipe": lambda path: forged(path, {"projects/a/journal.jsonl": b""}, mode=stat.S_IFIFO | 0o600),
    "more than it says": lambda path: forged(path, {**GOOD, "projects/a/more": b"x"}, GOOD),
    "less than it says": lambda path: forged(path, GOOD, {**GOOD, "projects/a/more": b"x"}),
    "other content": lambda path: forged(path, GOOD, {"projects/a/project.json": b"[]"}),
    "twice": lambda path: forged(path, {**GOOD, "projects/A/project.json": b"{}"}),
    "of a later version": lambda path: forged(path, GOOD, manifest={"version": 2}),
    "sizes that are none": lambda path: forged(path, GOOD, manifest={"files": [{"path": "x", "size": -1}]}),
    "no manifest": lambda path: (zipfile.ZipFile(path, "w").close(), path)[1],
    "no ZIP": lambda path: (path.write_bytes(b"PK\x03\x04 and then nothing"), path)[1],
    "empty": lambda path: (path.touch(), path)[1],
    "a folder": lambda path: (path.mkdir(), path)[1],
}


@pytest.mark.parametrize("make", FORGED.values(), ids=FORGED.keys())
def test_a_file_that_is_no_backup_is_refused_before_anything_is_written(
    tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    file = make(tmp_path / "forged.zip")
    studio = other(tmp_path)
    with pytest.raises(FileProblem, match=r"^forged\.zip: "):
        studio.restore(file)
    left = [path for path in (tmp_path / "another home").rglob("*") if path.is_file()]
    assert left == []
    assert not (tmp_path / "evil").exists()
    studio.close()


def test_a_bomb_is_refused_by_what_it_says_or_by_what_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, data = tmp_path / "bomb.zip", b"\0" * 5_000_000
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("projects/a/journal.jsonl", data)
        files = [{"path": "projects/a/journal.jsonl", "size": len(data), "sha256": "0" * 64}]
        archive.writestr("manifest.json", json.dumps({"created": "", "files": files}))
    with pytest.raises(CorruptFile, match="not as it was backed up"):
        other(tmp_path).restore(file)
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Room", (), {"free": 1_000_000}))
    with pytest.raises(FileProblem, match="MB are free"):
        other(tmp_path).restore(file)
    monkeypatch.setattr(backup_file, "MAX_MEMBER", 1_000_000)
    with pytest.raises(CorruptFile, match="would have 5,000,000 bytes"):
        other(tmp_path).restore(file)
