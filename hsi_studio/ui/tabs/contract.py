"""What a tab is. One module ends with `TAB = Tab(name, title, order, create)`; the page, its routes and its styles
come from the tabs that are found (`tabs()` in `hsi_studio/ui/tabs/__init__.py`). No list names them.

A tab lies in a folder (or, from a plug-in, in a file) with everything of its own: the Python that makes its components,
its routes, and the style sheets and scripts named here, which lie beside that module.

`create(studio, bus)` is called once, while the page is built and inside the tab's `gr.Tab`: it makes components and
wires them. What they do are methods of a class, so that a test can call them without a page. `studio` may stand for the
studio of whoever asks (`hsi_studio/ui/server/owners.py`): keep nothing that it returns while the page is built.

`routes(studio)` returns routes below `/hsi/`: the guard checks them, and others would hide Gradio's own.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import APIRouter

from hsi_studio.ui.bus import Bus

STEPS = (
    ("scene", "Scene"),
    ("label", "Label"),
    ("words", "Words"),
    ("train", "Train"),
    ("compare", "Compare"),
    ("map", "Map"),
)
FIRST_STEP = "label"  # what is open when the page comes


@dataclass(frozen=True)
class Tab:
    """One tab of the side panel. It stands in the step of the rail that it names, beside others of that step, by
    `order`; without a step (a plug-in's, as a rule) it stands after the steps, by `order`."""

    name: str  # a word; `#hsi-tab-<name>` in the page
    title: str
    order: int
    create: Callable[[Any, Bus], None]
    routes: Callable[[Any], APIRouter] | None = None
    scripts: tuple[str, ...] = ()  # file names, beside the module that defines `create`
    styles: tuple[str, ...] = ()  # likewise
    step: str = ""  # of `STEPS`

    @property
    def folder(self) -> Path:
        """Where the tab's files lie."""
        return Path(sys.modules[self.create.__module__].__file__ or "").parent

    def files(self, names: tuple[str, ...]) -> list[Path]:
        """Paths of its scripts or styles."""
        return [self.folder / name for name in names]
