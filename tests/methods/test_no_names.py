"""No other part of the program knows a method by its name: what it needs to know stands in the method's contract.

Looked at are the texts of the code, not docstrings and comments: an example may name a method. `live` is also the name
of the map that follows the clicks; it is looked for where a method is named.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import hsi_studio
from hsi_studio.methods import BASELINE_METHOD, IMAGE_METHOD, LIVE_METHOD, methods

ROOT = Path(hsi_studio.__file__).parent
FOLDERS = ("engine", "studio", "cli", "ui")
NAMES = set(methods().entries) - {LIVE_METHOD}
TITLES = re.compile(r"\b(diffclip|s3fn|curated prompts)\b", re.IGNORECASE)
A_CITATION = {"ui/tabs/prompts/values.py"}  # "DiffCLIP reads 77 tokens", in words for people
FILES = sorted(file for folder in FOLDERS for file in (ROOT / folder).rglob("*.py"))


def texts(file: Path) -> Iterator[tuple[int, str]]:
    """(line, text) of every constant text that is no docstring."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.lineno, node.value


def named(file: Path) -> list[str]:
    place = file.relative_to(ROOT).as_posix()
    found = []
    for line, text in texts(file):
        if text in NAMES or (place not in A_CITATION and TITLES.search(text)):
            found.append(f"{place}:{line}: {text!r}")
    return found


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_text_names_a_method(folder: str) -> None:
    assert [line for file in FILES if folder in file.relative_to(ROOT).parts[:1] for line in named(file)] == []


def test_the_live_method_has_one_name() -> None:
    pattern = re.compile(rf'\b(?:method\b[^=\n]*=|get_method\(|--method", default=) ?"{LIVE_METHOD}"')
    assert pattern.search('method: str = "live"')
    assert [file.name for file in FILES if pattern.search(file.read_text(encoding="utf-8"))] == []


def test_nothing_outside_imports_a_methods_own_folder() -> None:
    own = "|".join(name for name in ("classic", "curated", "diffclip", "live", "s3fn"))
    pattern = re.compile(rf"hsi_studio\.methods\.({own})\b")
    assert [file.name for file in FILES if pattern.search(file.read_text(encoding="utf-8"))] == []


def test_what_a_method_can_do_is_asked_of_its_contract() -> None:
    """No `getattr(method, …)` and no `hasattr`: what is optional has a default in the base class."""
    pattern = re.compile(r"\b(?:getattr|hasattr)\((?:method|chosen|fitted|get_method\()")
    assert [file.name for file in FILES if pattern.search(file.read_text(encoding="utf-8"))] == []


def test_those_that_are_taken_where_none_is_named_exist() -> None:
    from hsi_studio.methods.collections import IMAGE_METHODS

    assert {LIVE_METHOD, BASELINE_METHOD} <= set(methods().entries)
    assert IMAGE_METHOD in IMAGE_METHODS


def test_the_search_finds_what_it_looks_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.methods.test_no_names.ROOT", tmp_path)
    (tmp_path / "one.py").write_text(
        '"""A diffclip example."""\nX = {"svm": 1}\nY = f"Train DiffCLIP, {X}"\n', encoding="utf-8"
    )
    assert named(tmp_path / "one.py") == ["one.py:2: 'svm'", "one.py:3: 'Train DiffCLIP, '"]
