"""Which files an opening may reach."""

from __future__ import annotations

from pathlib import Path

import pytest

from hsi_studio.errors import FileProblem
from hsi_studio.scene.room.files import files_of


def make(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_bytes(b"x")


def test_parts_of_its_name_and_kinds_of_parts_but_nothing_hidden_or_of_others(tmp_path: Path) -> None:
    make(
        tmp_path, "a.tif", "a.tif.aux.xml", "A.TFW", "b.hdr", "METADATA.xml", ".netrc", "notes.txt", "id_rsa", "ab.key"
    )
    (tmp_path / "a.folder").mkdir()
    found = files_of(tmp_path / "a.tif")
    assert [path.name for path in found.own] == ["a.tif", "A.TFW", "a.tif.aux.xml"]
    assert [path.name for path in found.beside] == ["METADATA.xml", "b.hdr"]


def test_parts_that_are_links_out_of_the_folder_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    make(tmp_path, "secret")
    make(tmp_path / "mine", "a.img", "real.hdr")
    (tmp_path / "mine" / "a.hdr").symlink_to(tmp_path / "mine" / "real.hdr")
    (tmp_path / "mine" / "other.xml").symlink_to(tmp_path / "secret")
    assert [path.name for path in files_of(tmp_path / "mine" / "a.img").all] == ["a.img", "a.hdr", "real.hdr"]
    (tmp_path / "mine" / "a.xml").symlink_to(tmp_path / "secret")
    with pytest.raises(FileProblem, match=r"a\.xml: it lies beside a\.img and is a link to another folder"):
        files_of(tmp_path / "mine" / "a.img")


def test_what_changes_is_seen(tmp_path: Path) -> None:
    make(tmp_path, "a.tif", "b.hdr")
    found = files_of(tmp_path / "a.tif")
    before, beside = found.state(), found.beside_state()
    (tmp_path / "b.hdr").write_bytes(b"longer")
    assert (found.state() == before, found.beside_state() == beside) == (True, False)
    (tmp_path / "a.tif").write_bytes(b"longer")
    assert found.state() != before
