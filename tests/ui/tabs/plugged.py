"""Tabs from outside the package: modules in a folder that the scan looks into, as it does into a plug-in's."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gradio as gr

import hsi_studio.ui.tabs as package


@contextmanager
def plugged(folder: Path, **modules: str) -> Iterator[None]:
    """Each of `modules` (name=source) as a file in `folder`, found beside the project's own tabs."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, source in modules.items():
        (folder / f"{name}.py").write_text(source, encoding="utf-8")
    package.__path__.append(str(folder))
    try:
        yield
    finally:
        package.__path__.remove(str(folder))
        for name in modules:
            sys.modules.pop(f"{package.__name__}.{name}", None)
            vars(package).pop(name, None)


def tabs_of(blocks: gr.Blocks) -> dict[str, gr.Tab]:
    """Title → tab, in the page's order."""
    return {str(block.label): block for block in blocks.blocks.values() if isinstance(block, gr.Tab)}


def inside(tab: gr.Tab) -> list[Any]:
    """What a tab's `create` made."""
    (column,) = tab.children
    return list(column.children)


def told(tab: gr.Tab) -> str:
    """The values of what a tab shows at once, as text."""
    return " ".join(str(child.value) for child in inside(tab) if isinstance(child, gr.HTML) and child.visible)


def visible(tab: gr.Tab) -> list[Any]:
    return [child for child in inside(tab) if child.visible]
