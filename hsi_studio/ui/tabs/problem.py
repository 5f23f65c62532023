"""A tab that cannot be made is shown as what went wrong: never left out, and never the end of the whole page.

The page says what failed and where; the log has the whole traceback. Paths are cut to their last two parts, because
on a shared server everybody reads them.
"""

from __future__ import annotations

import importlib.util
import logging
import re
import traceback
from pathlib import Path
from typing import Any

import gradio as gr
from fastapi import APIRouter

from hsi_studio.errors import BadRequest
from hsi_studio.ui.bus import Bus
from hsi_studio.ui.tabs.contract import Tab
from hsi_studio.ui.web_component import panel

log = logging.getLogger(__name__)
PREFIX = "/hsi/"
PLACE = re.compile(r" cannot be imported| is left out| declares | names ")  # what the registry says of a place
FOLDERS = re.compile(r"(?<![\w/:.])(?:[A-Za-z]:\\|/)(?:[^\s/\\]+[/\\])+[^\s/\\:,]+")  # a file with its folders
TO_DO = (
    "Mend the file, or take it away (a plug-in: out of its folder, or pip uninstall), then start HSI Studio again. The "
    "log of this start has the whole traceback; everything else works."
)


def problem_tab(number: int, text: str) -> Tab:
    """A tab that says why another could not be loaded. `text`: a problem as the registry words it, its place first."""
    name, file = _named(PLACE.split(text, maxsplit=1)[0])
    what = FOLDERS.sub(lambda found: _short(Path(found[0])), text)
    return Tab(f"problem-{number}", f"{name}: not loaded", 1000 + number, lambda *_: _show(what, file))


def put_on_page(tab: Tab, studio: Any, bus: Bus) -> APIRouter | None:
    """Make what is in a tab and its routes. When either fails, what there is of it is hidden and its error shown; no
    routes then. To be called inside the tab."""
    with gr.Column(elem_id=f"hsi-tab-{tab.name}") as here:
        try:
            _check_files(tab)
            routes = None if tab.routes is None else _below_prefix(tab.routes(studio))
            tab.create(studio, bus)
        except Exception as error:  # whatever a plug-in does wrong, the page must be there
            log.exception("the tab %s cannot be made", tab.name)
            for made in here.children:
                made.visible = False
            _show(f"{tab.title} cannot be shown: {_words(error)}", _place(error, tab))
            return None
    return routes


def _check_files(tab: Tab) -> None:
    missing = [file.name for file in tab.files((*tab.styles, *tab.scripts)) if not file.is_file()]
    if missing:
        raise BadRequest(f"{', '.join(missing)} should lie in {_short(tab.folder)}: put it there, or name it no more.")


def _below_prefix(routes: APIRouter) -> APIRouter:
    strange = [path for route in routes.routes if not (path := getattr(route, "path", "")).startswith(PREFIX)]
    if strange:
        raise BadRequest(
            f"its route {strange[0]!r} is not below {PREFIX}, so it would hide the page's own: give the router "
            f'prefix="{PREFIX.rstrip("/")}".'
        )
    return routes


def _show(what: str, where: str) -> None:
    rows = [["What failed", what], ["File", where], ["What to do", TO_DO]]
    panel("facts", {"sections": [{"title": "This tab could not be loaded", "rows": rows}]})


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _place(error: Exception, tab: Tab) -> str:
    """File and line of the tab's own code that raised; of whatever raised, when none of it was the tab's."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(tab.folder)] or frames
    return f"{_short(Path(own[-1].filename))}, line {own[-1].lineno}"


def _named(place: str) -> tuple[str, str]:
    """(name, file) of "package.module", "plug-in /folder/file.py" or "plug-in name = module:OBJECT of package …"."""
    place = place.removeprefix("plug-in ")
    if place.endswith(".py"):
        return Path(place).stem, _short(Path(place))
    name, _, target = place.partition(" = ")
    module = (target or name).split()[0].split(":")[0]
    return name.rpartition(".")[2], _file_of(module)


def _file_of(module: str) -> str:
    """A module's file; its name, where it cannot be found."""
    try:
        found = importlib.util.find_spec(module)
    except Exception:  # looking for a.b runs a, which may fail in any way; that it does is known already
        found = None
    return module if found is None or not found.origin else _short(Path(found.origin))


def _short(file: Path) -> str:
    return "/".join(file.parts[-2:])
