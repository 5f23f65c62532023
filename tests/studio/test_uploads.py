"""Uploads: the uploader pays, the disk keeps a reserve, and what no project uses goes."""

from __future__ import annotations

import os
import shutil
import time
from collections import namedtuple
from pathlib import Path

import pytest

from hsi_studio.errors import BadRequest
from hsi_studio.studio import uploads
from hsi_studio.studio.quotas import Quotas
from hsi_studio.studio.shared_server import SharedServer
from hsi_studio.studio.uploads import RESERVE, WAITS_S, Uploads, clean_uploads, trim_folder
from hsi_studio.studio.workspace import Workspace
from tests.studio.models import scene_file

MIB = 2**20
Usage = namedtuple("Usage", "total used free")


def aged(folder: Path, days: float) -> None:
    """As if nobody had read or written in it since."""
    at = time.time() - days * 86_400
    for path in [*folder.rglob("*"), folder]:
        os.utime(path, (at, at))


def test_an_upload_counts_from_before_it_is_taken(tmp_path: Path) -> None:
    server = SharedServer(tmp_path / "home", Quotas(disk_gb=10 / 1024))
    ana, ben = tmp_path / "ana", tmp_path / "ben"
    server.admit_upload(ana, 6 * MIB)
    with pytest.raises(BadRequest, match="allowed here"):
        server.admit_upload(ana, 6 * MIB)  # it has not arrived, and still counts
    server.admit_upload(ben, 6 * MIB)  # another's is another's
    server.uploads.settle(ana, 6 * MIB)
    server.admit_upload(ana, 6 * MIB)


def test_what_was_never_opened_stops_counting_when_the_waiting_room_is_cleaned(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kept = Uploads()
    kept.expect(tmp_path, 100)
    assert kept.waiting(tmp_path) == 100
    kept.settle(tmp_path, 30)
    assert kept.waiting(tmp_path) == 70
    later = time.monotonic() + WAITS_S + 1
    monkeypatch.setattr("hsi_studio.studio.uploads.time.monotonic", lambda: later)
    assert kept.waiting(tmp_path) == 0
    assert not kept._expected


def test_no_upload_takes_the_last_of_the_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, RESERVE + 5 * MIB))
    Uploads().check_room(5 * MIB, tmp_path / "not" / "yet")
    with pytest.raises(BadRequest, match=r"5\.0 MiB left for uploads"):
        Uploads().check_room(6 * MIB, tmp_path)


def test_a_guest_uploads_nothing_into_the_owners_folder(tmp_path: Path) -> None:
    owner = Workspace(tmp_path / "home", tmp_path / "data")
    file = scene_file(tmp_path / "data")
    guest = owner.guest(owner.new_project(file).id)
    with pytest.raises(BadRequest, match="leave it first"):
        guest.keep_upload([file])
    assert not (owner.home / "uploads").exists()
    assert owner.keep_upload([file])[0].is_file()


def test_what_a_project_names_stays_and_the_rest_goes_after_a_while(tmp_path: Path) -> None:
    space = Workspace(tmp_path / "home", tmp_path / "data")
    (used,) = space.keep_upload([scene_file(tmp_path / "in", "used", seed=1)])
    (unused,) = space.keep_upload([scene_file(tmp_path / "in", "unused", seed=2)])
    (fresh,) = space.keep_upload([scene_file(tmp_path / "in", "fresh", seed=3)])
    space.new_project(used)
    for kept in (used, unused):
        aged(kept.parent, 31)
    assert clean_uploads(space.home) == [unused.parent]
    assert used.is_file()
    assert fresh.is_file()
    assert not unused.exists()


def test_a_layer_of_a_project_and_a_record_of_a_run_keep_an_upload_too(tmp_path: Path) -> None:
    space = Workspace(tmp_path / "home", tmp_path / "data")
    (kept,) = space.keep_upload([scene_file(tmp_path / "in")])
    aged(kept.parent, 400)
    record = space.home / "projects" / "p" / "runs" / "r" / "run.json"
    record.parent.mkdir(parents=True)
    record.write_text(f'{{"scene": {{"spec": "{kept}"}}}}')
    assert clean_uploads(space.home) == []


def test_records_that_cannot_be_read_keep_everything(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    space = Workspace(tmp_path / "home", tmp_path / "data")
    (kept,) = space.keep_upload([scene_file(tmp_path / "in")])
    aged(kept.parent, 400)
    (space.home / "projects").mkdir()
    (space.home / "projects" / "large.json").write_text("{}")
    monkeypatch.setattr(uploads, "MOST_RECORD", 1)
    assert clean_uploads(space.home) == []


def test_a_link_in_the_uploads_is_not_followed(tmp_path: Path) -> None:
    space = Workspace(tmp_path / "home", tmp_path / "data")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a").write_text("a")
    (space.home / "uploads").mkdir(parents=True)
    (space.home / "uploads" / "link").symlink_to(outside)
    aged(outside, 400)
    assert clean_uploads(space.home) == []
    assert (outside / "a").is_file()


def test_a_cache_over_its_budget_loses_what_was_used_longest_ago(tmp_path: Path) -> None:
    for number in range(5):
        file = tmp_path / "features" / f"{number}.npz"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"x" * 1000)
        os.utime(file, (number, number))
    assert trim_folder(tmp_path, 2500) == 3000
    assert sorted(path.name for path in (tmp_path / "features").iterdir()) == ["3.npz", "4.npz"]
    assert trim_folder(tmp_path / "missing", 0) == 0
