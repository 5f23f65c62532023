"""What the README and the contributing guide say is true of the disk."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_two_commands_are_there() -> None:
    assert "pip install -r requirements.txt && python app.py" in README
    assert "pip install -r requirements-dev.txt && python -m pytest" in README


def test_every_path_in_the_tree_exists() -> None:
    block = re.search(r"```text\n(.*?)```", README, re.DOTALL)
    assert block, "the README has no tree"
    missing = []
    for line in block.group(1).splitlines():
        entry = line.split("  ")[0].strip() if not line.startswith(" ") else ""
        for name in entry.split():
            if not (ROOT / name).exists():
                missing.append(name)
    assert missing == []


def test_every_link_to_a_file_works() -> None:
    for document in ("README.md", "CONTRIBUTING.md", "benchmarks/RESULTS.md"):
        text = (ROOT / document).read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#]+)\)", text):
            if not target.startswith(("http://", "https://", "mailto:")):
                assert ((ROOT / document).parent / target).exists(), f"{document} links to {target}"


def test_every_cli_line_parses(capsys: pytest.CaptureFixture[str]) -> None:
    from hsi_studio.cli.main import _parser

    lines = re.findall(r"^python -m hsi_studio (.+)$", README, re.MULTILINE)
    assert lines
    for line in lines:
        _parser().parse_args(line.split("#")[0].split())


def test_every_promise_of_the_page_names_a_test_that_is_there() -> None:
    page = (ROOT / "docs" / "pages" / "promises.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page)
    assert len(named) > 15
    assert [name for file, name in named if f"def {name}(" not in (ROOT / file).read_text(encoding="utf-8")] == []
