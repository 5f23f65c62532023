"""What the pages tell the reader to type works: shell lines are parsed, the cheap ones run, Python blocks run in order.

A page's blocks share one namespace and one folder, as they would for somebody who follows it. Blocks marked `text` are
not run: they install, or need files and people that only the reader has.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs" / "pages").rglob("*.md"))
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
CHEAP = ("scenes", "info", "map", "evaluate", "runs")  # seconds on Indian Pines


def blocks(page: Path) -> list[tuple[str, str]]:
    """(language, code) in their order."""
    return BLOCK.findall(page.read_text(encoding="utf-8"))


def commands(code: str) -> list[list[str]]:
    """The words after `hsi-studio` of each line, without remarks."""
    lines = [shlex.split(line, comments=True) for line in code.strip().splitlines()]
    for words in lines:
        assert words[:1] == ["hsi-studio"], f"{words}: a block `sh` holds lines of hsi-studio, any other is `text`"
    return [words[1:] for words in lines]


def parse(words: list[str]) -> None:
    """Fails as the program would on what it does not know."""
    from hsi_studio.cli.main import _parser
    from hsi_studio.ui.launch import parser

    if words and not words[0].startswith("-"):
        _parser().parse_args(words)
    else:
        parser("hsi-studio").parse_args(words)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_shell_lines_are_known_to_the_program(page: Path) -> None:
    for language, code in blocks(page):
        assert language in ("sh", "python", "text", "toml"), f"{page.name}: a block of {language}"
        for words in commands(code) if language == "sh" else []:
            parse(words)


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [page for page in PAGES if any(kind == "python" for kind, _ in blocks(page))], ids=lambda page: page.stem
)
def test_what_a_page_says_to_type_works(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hsi_studio.__main__ import main

    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "__main__"}
    try:
        for language, code in blocks(page):
            if language == "python":
                exec(compile(code, page.name, "exec"), names)
            elif language == "sh":
                for words in commands(code):
                    if words and words[0] in CHEAP:
                        assert main(words) == 0, words
    finally:
        if "studio" in names:
            names["studio"].close()  # type: ignore[attr-defined]


@pytest.mark.slow
def test_the_tour_leaves_what_it_promises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tour = ROOT / "docs" / "pages" / "tour.md"
    test_what_a_page_says_to_type_works(tour, tmp_path, monkeypatch)
    assert (tmp_path / "map.tif").stat().st_size > 0
    assert (tmp_path / "exports" / "indian_pines_labels.csv").read_text(encoding="utf-8").count("\n") == 10
