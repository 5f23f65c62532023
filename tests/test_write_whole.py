"""Files written in one step: whole on the disk before they get their name, and no half of one when it fails."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from hsi_studio import paths
from hsi_studio.files import replacing
from hsi_studio.paths import write_whole


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What was asked of the disk: ("fsync", inode, size at that time) and ("replace", inode, target)."""
    made: list[tuple[Any, ...]] = []
    fsync, replace = os.fsync, os.replace

    def syncing(handle: int) -> None:
        made.append(("fsync", os.fstat(handle).st_ino, os.fstat(handle).st_size))
        fsync(handle)

    def replacing_(source: Path, target: Path) -> None:
        made.append(("replace", Path(source).stat().st_ino, Path(target)))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", syncing)
    monkeypatch.setattr(os, "replace", replacing_)
    return made


def test_a_whole_file_is_on_the_disk_before_it_takes_the_old_ones_place(
    tmp_path: Path, calls: list[tuple[Any, ...]]
) -> None:
    path = tmp_path / "new folder" / "run.json"
    assert write_whole(path, b"old") == path
    calls.clear()
    write_whole(path, b"longer than before")
    inode = path.stat().st_ino
    assert calls == [("fsync", inode, 18), ("replace", inode, path)]
    assert path.read_bytes() == b"longer than before"
    assert [file.name for file in path.parent.iterdir()] == ["run.json"]


def test_a_file_written_by_another_library_is_too(tmp_path: Path, calls: list[tuple[Any, ...]]) -> None:
    with replacing(tmp_path / "map.tif") as partial:
        partial.write_bytes(b"pixels")
    inode = (tmp_path / "map.tif").stat().st_ino
    assert calls == [("fsync", inode, 6), ("replace", inode, tmp_path / "map.tif")]


def test_a_write_that_fails_leaves_the_old_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_whole(tmp_path / "run.json", b"old")

    def full(handle: int) -> None:
        raise OSError(28, "no space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space left"):
        write_whole(tmp_path / "run.json", b"new")
    with pytest.raises(OSError, match="no space left"), replacing(tmp_path / "run.json") as partial:
        partial.write_bytes(b"new")
    assert (tmp_path / "run.json").read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["run.json"]


def test_the_folder_of_projects_is_the_users_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HSI_STUDIO_HOME", str(tmp_path / "elsewhere"))
    assert paths.home() == tmp_path / "elsewhere"
    assert not paths.home().exists()
    monkeypatch.setenv("HSI_STUDIO_HOME", "")
    assert paths.home() == Path.home() / ".hsi_studio"
