"""JSON from the disk: what Python's reader takes and this one does not, and files that are none."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from hsi_studio.errors import CorruptFile, FileProblem
from hsi_studio.stored import MOST_DEPTH, Count, Stored, Whole, loads, loads_object, read_file, read_model


class Facts(Stored):
    rows: Count
    shift: Whole = 0
    share: float = 0.0


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"a": NaN}', "NaN is not a number"),
        ('{"a": [-Infinity]}', "-Infinity is not a number"),
        ('{"a": 1e999}', "beyond what a float holds"),
        ('{"a": -1e999}', "beyond what a float holds"),
        ('{"a": 18446744073709551617}', "beyond 64 bits"),
        ('{"a": ' + "9" * 5000 + "}", "digits"),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "the name 'c' occurs twice"),
        ("[" * (MOST_DEPTH + 1) + "]" * (MOST_DEPTH + 1), f"more than {MOST_DEPTH} levels"),
        ("[" * 100_000, f"more than {MOST_DEPTH} levels"),
        ("", "Expecting value"),
        ('{"a": 1} {"b": 2}', "Extra data"),
        (b"\xff\xfe{\x00}\x00", "utf-8"),
    ],
)
def test_what_is_no_json_of_ours(text: str | bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        loads(text)


def test_what_is_kept_as_it_is() -> None:
    assert loads("[" * MOST_DEPTH + "]" * MOST_DEPTH)
    assert loads('{"seed": 18446744073709551615, "name": "\\udcff.npy"}') == {"seed": 2**64 - 1, "name": "\udcff.npy"}
    with pytest.raises(ValueError, match="not an object"):
        loads_object("[1]")


@pytest.mark.parametrize(
    "value", ['{"rows": "3"}', '{"rows": 3.0}', '{"rows": true}', '{"rows": -1}', '{"rows": 9007199254740993}', "{}"]
)
def test_a_number_is_never_guessed(tmp_path: Path, value: str) -> None:
    file = tmp_path / "facts.json"
    file.write_text(value)
    with pytest.raises(CorruptFile, match=r"facts\.json: it is not facts \(rows: .*\)\. Make them again\."):
        read_model(file, Facts, 1000, "facts", "Make them again")


def test_names_of_a_newer_version_are_left_out(tmp_path: Path) -> None:
    file = tmp_path / "facts.json"
    file.write_text('{"rows": 3, "shift": -2, "of_a_newer_version": [1]}')
    assert read_model(file, Facts, 1000, "facts", "Make them again") == Facts(rows=3, shift=-2)


def _pipe(path: Path) -> Any:
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda path: path.mkdir(), "it is a folder"),
        (_pipe, "it is no ordinary file"),
        (lambda path: path.symlink_to("/etc/hostname"), "it is a link to another place"),
        (lambda path: path.write_bytes(b"x" * 101), "101 bytes are more than it has .100."),
        (lambda path: None, "cannot be read .No such file"),
    ],
    ids=["folder", "pipe", "link", "large", "missing"],
)
def test_only_files_are_read(tmp_path: Path, make: Any, why: str) -> None:
    make(tmp_path / "file")
    with pytest.raises(FileProblem, match=why):
        read_file(tmp_path / "file", 100, "Restore it")
