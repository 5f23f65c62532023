"""Lists beside a project: what makes sense is kept, the rest is put aside, and nothing keeps the project closed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from hsi_studio.project.side_list import read_side_list


def number(value: Any) -> int:
    if not isinstance(value, int):
        raise ValueError(f"{value!r} is no number")
    return value


def read(path: Path, told: list[str] | None = None) -> list[int]:
    return read_side_list(path, "numbers", number, int, ([] if told is None else told).append)


def test_a_whole_list_is_read_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    assert read(path) == []
    path.write_text('{"numbers": [3, 4]}')
    assert read(path) == [3, 4]
    assert [file.name for file in tmp_path.iterdir()] == ["list.json"]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('{"numbers": [3, "x", 1e999, 4]}', []),  # 1e999 is no JSON of ours: nothing in such a file is believed
        ('{"numbers": [3, "x", null, 4]}', [3, 4]),
        ('{"numbers": 7}', [7]),
        ('{"other": [3]}', []),
        ("[]", []),
        ("", []),
        ("[" * 100_000, []),
        ('{"numbers": [' + "3," * 600_000 + "3]}", []),
    ],
)
def test_what_makes_no_sense_goes_aside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str, kept: list[int]
) -> None:
    path = tmp_path / "list.json"
    path.write_text(text)
    told = list[str]()
    assert read(path, told) == kept
    wrong = text != '{"numbers": 7}'
    (*aside,) = tmp_path.glob("list.damaged-*.json")
    assert [file.read_text() for file in aside] == ([text] if wrong else [])
    assert ("it is kept as list.damaged-" in caplog.text) == wrong
    assert json.loads(path.read_text())["numbers"] == (kept if wrong else 7)
    assert read(path, told) == kept
    assert len(told) == wrong, "once"
    assert all("list.json" in one and aside[0].name in one for one in told)


def test_a_pipe_a_folder_and_a_link_are_no_lists(tmp_path: Path) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text('{"numbers": [1]}')
    for make in (os.mkfifo, Path.mkdir, lambda path: path.symlink_to(secret)):
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.json"
        make(path)
        assert read(path) == []
        assert path.is_file()
        assert not path.is_symlink()
    assert secret.read_text() == '{"numbers": [1]}'
