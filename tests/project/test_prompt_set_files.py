"""A prompt set goes to a file and comes back; a wrong file is refused with what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hsi_studio.errors import FileProblem, LabelProblem
from hsi_studio.project.prompt_set_files import KINDS, prompt_set_text, read_prompt_set
from hsi_studio.project.prompt_sets import WordSet
from hsi_studio.types import ClassInfo, ClassSchema

SCHEMA = ClassSchema((ClassInfo("a", "Corn_notill", "#111111"), ClassInfo("b", "=Woods", "#222222")))
SAID = {"a": ("rows, “green”\u00a0and tall", "zwölf Wörter"), "b": ("+1 crown",)}
INFO = WordSet("s", "Plain", "de", "typed", 3, SAID)


@pytest.mark.parametrize("kind", KINDS)
def test_what_goes_out_comes_back(tmp_path: Path, kind: str) -> None:
    file = tmp_path / f"set.{kind}"
    file.write_bytes(prompt_set_text(INFO, SAID, SCHEMA, kind).encode())
    found = read_prompt_set(file, SCHEMA)
    assert found.sentences == {"a": ("rows, “green” and tall", "zwölf Wörter"), "b": ("+1 crown",)}
    assert found.notes == ()
    if kind == "json":
        assert (found.name, found.language) == ("Plain", "de")


def test_other_programs_files_are_read(tmp_path: Path) -> None:
    plain = tmp_path / "plain.json"
    plain.write_text('{"corn notill": "tall", "Barley": ["x"]}')
    found = read_prompt_set(plain, SCHEMA)
    assert found.sentences == {"a": ("tall",)}
    assert found.name == "plain"
    assert "Barley" in found.notes[0]
    assert "=Woods" in found.notes[1]
    table = tmp_path / "wide.csv"
    table.write_text("Class;prompt_1;prompt_2\nCorn-notill;one;two\n\n")
    assert read_prompt_set(table, SCHEMA).sentences == {"a": ("one", "two")}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.json", b"{", "not JSON"),
        ("a.json", b"[" * 100_000, "not JSON"),
        ("a.json", b"[1]", "not a JSON object"),
        ("a.json", b'{"classes": [1]}', "not an object"),
        ("a.json", b'{"Corn_notill": 3}', "not text"),
        ("a.json", b'{"classes": {"Corn_notill": ["x"]}, "language": "all of them"}', "language"),
        ("a.json", b'{"Barley": "x"}', "no sentence for a class"),
        ("a.json", json.dumps({"Corn_notill": "x" * 2001}).encode(), "2001 characters"),
        ("a.json", json.dumps({"Corn_notill": [f"x{n}" for n in range(65)]}).encode(), "over 64"),
        ("a.csv", b"row,col\n1,2\n", "columns class and sentence"),
        ("a.csv", b"sentence,class\nonly\n", "line 2"),
        ("a.csv", b"", "columns class"),
        ("a.csv", b"\xff\xfe", "UTF-8"),
        ("a.png", b"PNG", "json and .csv"),
        ("a.json", b"{" + b" " * (5 << 20), "MB"),
    ],
)
def test_a_wrong_file_is_named_with_its_problem(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FileProblem, match=said) as problem:
        read_prompt_set(tmp_path / name, SCHEMA)
    assert str(problem.value).startswith(name)


def test_a_missing_file_and_an_unknown_kind(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match="cannot be read"):
        read_prompt_set(tmp_path / "none.csv", SCHEMA)
    with pytest.raises(LabelProblem, match="json or csv"):
        prompt_set_text(INFO, SAID, SCHEMA, "xlsx")
