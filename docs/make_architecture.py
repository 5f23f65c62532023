"""Draws `docs/figures/architecture.svg`: the layers of pyproject.toml, the processes, the folders on disk.

    python docs/make_architecture.py

The layers and their order come from import-linter's contract, so the picture is what the checks enforce; a layer that
this file has no words for is an error.
"""

from __future__ import annotations

import tomllib
from html import escape
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "figures" / "architecture.svg"

WORDS = {  # module → what it is
    "ui": "the page: viewer, tabs, routes, guard; the only importer of Gradio",
    "cli": "the same from a shell",
    "testing": "checks for plug-ins",
    "studio": "one façade and its subjects: labels, prompts, runs, models, compare, queries, the displayed map",
    "engine": "live map, runs and their queue, comparisons, accuracy, models, queries",
    "project": "journal, labels, prompt sets",
    "io": "maps and labels to files, labels from files",
    "methods": "one folder a method: live, diffclip, curated, s3fn, baselines",
    "features": "measured once per scene, without labels",
    "text": "sentences, encoders, language models",
    "scene": "scenes of any format, read in windows; the simulated scene",
    "users": "names, passwords",
    "types": "nouns",
    "registry": "plug-ins",
    "paths": "folders",
    "edges": "errors of libraries",
    "files": "safe writing",
    "stored": "safe reading",
    "humanize": "units in words",
    "outgoing": "addresses allowed",
    "settings": "environment",
    "errors": "messages",
    "memory_end": "who goes first",
    "watching": "progress, stopped",
    "sanitize": "names from outside",
}
SMALL = {
    "users", "types", "registry", "paths", "edges", "files", "humanize", "outgoing", "stored", "settings", "errors",
    "sanitize", "memory_end", "watching",
}  # fmt: skip
WIDTH, GAP, LEFT, TOP = 640, 12, 150, 20
MOST = 5  # small ones in a row
SIDE = 170  # width of the boxes beside the layers
MIDDLE, RIGHT = LEFT + WIDTH / 2, LEFT + WIDTH + 40
Box = tuple[float, float, float, float]  # x, y, width, height
INK, LINE, FILL, OUTSIDE = "#1c2733", "#5b6b7a", "#e3f2f0", "#f4f1e8"


def layers() -> list[list[str]]:
    """Names of the layers, highest first; those beside each other do not import each other."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    (found,) = (one["layers"] for one in contracts if one["type"] == "layers" and "hsi_studio.ui" in one["layers"][0])
    return [[name.strip().removeprefix("hsi_studio.") for name in row.split("|")] for row in found]


def rows() -> list[list[str]]:
    """The layers as they are drawn: the page beside the browser, the small ones at the bottom together."""
    tall = [sorted(row, key=lambda name: name != "ui") for row in layers() if not set(row) <= SMALL]
    small = [name for row in layers() if set(row) <= SMALL for name in row]
    return [*tall, *(small[n : n + MOST] for n in range(0, len(small), MOST))]


def box(x: float, y: float, w: float, h: float, title: str, words: list[str], fill: str) -> str:
    """A rectangle with a bold title and lines below it."""
    lines = [f'<text x="{x + w / 2}" y="{y + 20}" font-weight="bold">{escape(title)}</text>']
    lines += [
        f'<text x="{x + w / 2}" y="{y + 37 + 14 * n}" font-size="11.5">{escape(text)}</text>'
        for n, text in enumerate(words)
    ]
    return f'<rect x="{x}" y="{y}" width="{w}" height="{h}" rx="6" fill="{fill}" stroke="{LINE}"/>' + "".join(lines)


def arrow(x1: float, y1: float, x2: float, y2: float) -> str:
    """A line with its head at the second point."""
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{LINE}" stroke-width="1.5" marker-end="url(#head)"/>'


def wrapped(text: str, width: float) -> list[str]:
    """Lines that fit, at about 6 px a letter."""
    lines, most = [""], int(width / 5.9)
    for word in text.split():
        if lines[-1] and len(lines[-1]) + len(word) + 1 > most:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def boxes() -> tuple[list[str], dict[str, Box], float]:
    """The layers' boxes, where each is, and where the last row ends."""
    parts: list[str] = []
    at: dict[str, Box] = {}
    y = float(TOP)
    for row in rows():
        small = set(row) <= SMALL
        share = {name: (2.0 if name in ("ui", "engine") else 1.0) for name in row}
        unit = (WIDTH - GAP * (len(row) - 1)) / sum(share.values())
        words = {name: wrapped(WORDS[name], unit * share[name] - 10) for name in row}
        height = 30 + 14 * max(len(lines) for lines in words.values())
        x = float(LEFT)
        for name in row:
            width = unit * share[name]
            parts.append(box(x, y, width, height, name, words[name], "#ffffff" if small else FILL))
            at[name] = (x, y, width, height)
            x += width + GAP
        y += height + GAP + (0 if small else 14)
    return parts, at, y


def downwards(at: dict[str, Box]) -> list[str]:
    """An arrow from each layer to the one below it."""
    firsts = [row[0] for row in rows()]
    parts = []
    for name, below in pairwise(firsts):
        if name not in SMALL:
            _, top, _, height = at[name]
            parts.append(arrow(MIDDLE, top + height + 2, MIDDLE, at[below][1] - 2))
    return parts


def beside(at: dict[str, Box]) -> list[str]:
    """What is outside the program, each beside the layer that meets it."""
    parts = []
    for name, title, words in (
        ("ui", "Browser", ["clicks, panels,", "the viewer"]),
        ("studio", "Notebooks", ["from hsi_studio", "import Studio"]),
        ("engine", "Workers", ["a process a training", "or comparison"]),
    ):
        top = at[name][1]
        parts.append(box(10, top, 122, 64, title, words, OUTSIDE))
        ends = (LEFT - 2, 132) if name == "engine" else (132, LEFT - 2)
        parts.append(arrow(ends[0], top + 24, ends[1], top + 24))
    for name, title, words in (
        ("project", "Home folder", ["projects: journal.jsonl,", "runs, exports; cache"]),
        ("scene", "Scene files", ["read only, never", "changed"]),
    ):
        top = at[name][1]
        parts.append(box(RIGHT, top, SIDE - 10, 36 + 14 * len(words), title, words, OUTSIDE))
        parts.append(arrow(LEFT + WIDTH + 2, top + 24, RIGHT - 2, top + 24))
    return parts


def drawing() -> str:
    """The whole picture."""
    parts, at, bottom = boxes()
    note = (
        f'<text x="{MIDDLE}" y="{bottom + 12}" font-size="11.5" fill="{LINE}">'
        "An arrow downwards: imports. A layer knows every layer below it and none above.</text>"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {RIGHT + SIDE} {bottom + 24}" '
        f'font-family="system-ui, sans-serif" font-size="14" fill="{INK}" text-anchor="middle">\n'
        "<title>Layers of HSI Studio</title>\n"
        f'<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0 0L10 5L0 10z" fill="{LINE}"/></marker></defs>\n'
        f'<rect width="100%" height="100%" fill="#ffffff"/>\n'
        + "\n".join([*parts, *downwards(at), *beside(at), note])
        + "\n</svg>\n"
    )


if __name__ == "__main__":
    PICTURE.write_text(drawing(), encoding="utf-8")
