"""Files are written whole or not at all, and are there after a power cut: what the disk is asked for, in order."""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hsi_studio.files import (
    best_effort,
    copy_file,
    json_values,
    keep_files,
    make_folder,
    replacing,
    write_arrays,
    write_bytes,
    write_json,
    write_text,
)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What reaches the disk, in order: "file" and "folder" are fsyncs."""
    told: list[str] = []
    fsync, replace = os.fsync, os.replace

    def noted_fsync(handle: int) -> None:
        told.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        fsync(handle)

    def noted_replace(source: Any, target: Any) -> None:
        told.append("rename")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted_replace)
    return told


def test_the_file_reaches_the_disk_before_its_name_and_the_name_before_the_return(
    tmp_path: Path, calls: list[str]
) -> None:
    for write in (
        lambda: write_bytes(tmp_path / "a", b"a"),
        lambda: write_text(tmp_path / "b", "b"),
        lambda: write_json(tmp_path / "c", {"c": 1}),
        lambda: write_arrays(tmp_path / "d.npz", {"d": np.zeros(3)}),
        lambda: copy_file(tmp_path / "a", tmp_path / "e"),
    ):
        calls.clear()
        write()
        assert calls == ["file", "rename", "folder"]


def test_what_can_be_made_again_does_not_wait_for_the_disk(tmp_path: Path, calls: list[str]) -> None:
    write_bytes(tmp_path / "new" / "cache", b"x", sync=False)
    assert calls == ["rename"]


def test_entries_of_new_folders_reach_the_disk_too(tmp_path: Path, calls: list[str]) -> None:
    make_folder(tmp_path / "a" / "b")
    assert calls == ["folder", "folder"]
    make_folder(tmp_path / "a" / "b")
    assert calls == ["folder", "folder"]


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    file = write_text(tmp_path / "plan.json", "old")

    def half() -> None:
        with replacing(file) as partial:
            partial.write_text("ne")
            assert file.read_text() == "old"
            raise OSError(28, "no space left")

    with pytest.raises(OSError, match="no space"):
        half()
    with pytest.raises(ValueError, match="JSON"):
        write_json(file, {"loss": float("nan")})
    with pytest.raises(ValueError, match="Python objects"):
        write_arrays(tmp_path / "objects.npz", {"o": np.array([object()])})
    assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]
    assert file.read_text() == "old"


def test_an_error_of_the_disk_names_the_file_that_was_asked_for(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(IsADirectoryError) as caught:
        write_text(tmp_path / "folder", "x")
    assert caught.value.filename == str(tmp_path / "folder")
    with pytest.raises(OSError, match="No space left") as caught, replacing(tmp_path / "new"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert caught.value.filename == str(tmp_path / "new")
    with pytest.raises(NotADirectoryError) as caught:
        write_text(tmp_path / "file" / "new", "x")
    assert caught.value.filename == str(tmp_path / "file")


def test_a_cache_that_cannot_be_written_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "folder").write_text("in the way")
    file = tmp_path / "folder" / "cache.npz"
    with best_effort(file):
        write_arrays(file, {"a": np.zeros(1)}, sync=False)
    assert "cache.npz cannot be written" in caplog.text
    with pytest.raises(ValueError, match="Python objects"), best_effort(file):  # only the disk is forgiven
        write_arrays(file, {"a": np.array([object()])})


def test_arrays_come_back_as_they_were(tmp_path: Path) -> None:
    arrays = {
        "label": np.arange(6, dtype=np.uint16).reshape(2, 3),
        "path": np.float32([[np.nan]]),
        "said": np.array("ä"),
    }
    for compressed in (True, False):
        with np.load(write_arrays(tmp_path / "map.npz", arrays, compressed), allow_pickle=False) as found:
            assert sorted(found.files) == sorted(arrays)
            for name, array in arrays.items():
                assert found[name].dtype == array.dtype
                np.testing.assert_array_equal(found[name], array)


def test_json_is_utf8_one_line_break_and_plain_values(tmp_path: Path) -> None:
    file = write_json(tmp_path / "a.json", {"name": "Grünland"})
    assert file.read_bytes() == '{"name": "Grünland"}\n'.encode()
    plain = json_values({1: np.float32(0.5), "n": np.int64(3), "bad": [float("nan"), np.inf, True, None, "x"]})
    assert plain == {"1": 0.5, "n": 3, "bad": [None, None, True, None, "x"]}
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain


def test_the_same_files_are_kept_once(tmp_path: Path) -> None:
    header, data = tmp_path / "cube.hdr", tmp_path / "cube.img"
    header.write_text("ENVI")
    data.write_bytes(b"\0" * 10)
    first = keep_files([header, data], tmp_path / "uploads")
    assert keep_files([header, data], tmp_path / "uploads") == first
    assert [path.read_bytes() for path in first] == [b"ENVI", b"\0" * 10]
    header.write_text("ENVI 2")
    assert keep_files([header, data], tmp_path / "uploads")[0].parent != first[0].parent
