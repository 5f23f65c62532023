"""Files that docstrings, comments and documents name in backticks are there.

A mention is a name in backticks, with or without folders. It holds when the path of a file ends with it.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ("hsi_studio", "benchmarks", "tests", "docs", "assets")
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "SECURITY.md")
MENTION = re.compile(r"`([\w./-]+\.(?:py|js|mjs|ts))`")
READERS_OWN = "plugins/"  # the folder of files that the pages of docs/extend have the reader write


def files() -> set[str]:
    """Every file of the repository that a sentence may name, as a POSIX path from the root."""
    found = [path for folder in SOURCES for path in (ROOT / folder).rglob("*.*")] + list(ROOT.glob("*.*"))
    hidden = [path for folder in (".ci", ".github") for path in (ROOT / folder).rglob("*.*")]
    return {
        path.relative_to(ROOT).as_posix()
        for path in found + hidden
        if not {"node_modules", "__pycache__", "site"} & set(path.parts)
    }


def is_there(mention: str, paths: set[str]) -> bool:
    """Whether the path of a file ends with the mention, in whole parts."""
    wanted = PurePosixPath(mention).parts
    return any(PurePosixPath(path).parts[-len(wanted) :] == wanted for path in paths)


def prose_of_python(text: str) -> Iterator[str]:
    """Docstrings and comments."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.string


def prose_of_script(text: str) -> Iterator[str]:
    """Comments of JavaScript."""
    yield from re.findall(r"/\*.*?\*/|//[^\n]*", text, re.DOTALL)


def prose_of_document(text: str) -> Iterator[str]:
    """Markdown without its code blocks."""
    yield re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


PROSE = {".py": prose_of_python, ".js": prose_of_script, ".mjs": prose_of_script, ".md": prose_of_document}


def mentions(path: Path) -> set[str]:
    text = path.read_text(encoding="utf-8")
    if MENTION.search(text) is None:  # most files: reading them as Python takes longer
        return set()
    return {found for prose in PROSE[path.suffix](text) for found in MENTION.findall(prose)}


def test_every_file_that_is_named_is_there() -> None:
    paths = files()
    told = {path for path in paths if path.startswith(SOURCES) and PurePosixPath(path).suffix in PROSE}
    wrong = [
        f"{path} names {mention}"
        for path in sorted(told | set(DOCUMENTS))
        for mention in sorted(mentions(ROOT / path))
        if not mention.startswith(READERS_OWN) and not is_there(mention, paths)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("mention", "there"),
    [
        ("b.py", True),
        ("a/b.py", True),
        ("old/b.py", False),  # the folder is a wrong one
        ("x/__init__.py", True),
        ("z/__init__.py", False),
        ("c.py", False),
    ],
)
def test_how_a_mention_is_found(mention: str, there: bool) -> None:
    assert is_there(mention, {"a/b.py", "x/__init__.py"}) is there


def test_only_prose_counts() -> None:
    code = '"""See `a.py`."""\nx = "`b.py`"  # as in `c.py`\n'
    assert [found for prose in prose_of_python(code) for found in MENTION.findall(prose)] == ["a.py", "c.py"]
    assert list(prose_of_document("`a.py`\n```sh\n`b.py`\n```\n")) == ["`a.py`\n\n"]
