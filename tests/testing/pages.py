"""The code blocks of a documentation page, written where their titles say."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"
BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)


def blocks(page: str) -> list[tuple[str, str, str]]:
    """(language, title or "", text) in the page's order."""
    return BLOCK.findall((DOCS / page).read_text(encoding="utf-8"))


def write_files(page: str, folder: Path) -> None:
    """Every block with a title, as that file below the folder."""
    for _, title, text in blocks(page):
        if title:
            (folder / title).parent.mkdir(parents=True, exist_ok=True)
            (folder / title).write_text(text, encoding="utf-8")


def code(page: str, title: str) -> str:
    """The text of one block."""
    (text,) = [text for _, name, text in blocks(page) if name == title]
    return text
