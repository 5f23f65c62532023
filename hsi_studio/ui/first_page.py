"""What a page shows when it is loaded: the project of its address, else the one changed last, else a new one. Without
a scene to begin with and without a project in its address, it shows what can be opened.

A project that cannot be shown, whatever is wrong with it, is passed over and named in a sentence that stays under the
title: it never keeps the page, or another project, from opening. The sentence says how to mend it, where that can be.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

from hsi_studio.edges import names_only, sentence
from hsi_studio.errors import BadRequest, StudioError
from hsi_studio.studio.facade import Studio
from hsi_studio.ui.toasts import warn
from hsi_studio.ui.viewer.page_state import Present

log = logging.getLogger(__name__)

ALWAYS = "demo"  # a scene that is part of the program
MOST_TOLD = 3
Values = tuple[Any, ...]  # of `Bus.shown`, the project's id first


def first_page(studio: Studio, wanted: str, spec: str, several: bool = False) -> Values:
    """Values of the first project that can be shown. `spec`: the scene for a new one, where there is none to show; ""
    = the start view, with the projects there are. `several` owners: no sentence names a folder of the server.

    Raises StudioError when not even a new project can be made (the disk is full).
    """
    present = Present(studio)
    passed: list[str] = []
    last: Exception = BadRequest("There is no project to show.")
    if not (wanted or spec or studio.only):
        return present.nothing()
    for name, find in _candidates(studio, wanted, spec):
        try:
            project_id = find()
            values = present.everything(project_id, _told(passed))
        except Exception as error:  # whatever is wrong with one project, the page must be there
            last, said = error, names_only(sentence(error)) if several else sentence(error)
            log.warning("%s is passed over: %s", name, said)
            passed.append(f"{name}: {said}")
            continue
        if wanted and project_id != wanted and passed:
            warn(f"{passed[0]} Showing your latest project instead.")
        return values
    if not spec or studio.only:  # a guest has a way out there
        return present.nothing(_told(passed))
    if isinstance(last, StudioError):
        raise last
    raise StudioError(passed[-1]) from last


def _told(passed: list[str]) -> list[str]:
    more = len(passed) - MOST_TOLD
    return passed if more <= 0 else [
        *passed[:MOST_TOLD], f"{more} more cannot be opened: see “Your projects” in the Scene tab.",
    ]  # fmt: skip


def _candidates(studio: Studio, wanted: str, spec: str) -> Iterator[tuple[str, Callable[[], str]]]:
    """(what it is called, what gives its id)."""
    if wanted:
        yield "The project of this address", lambda: studio.usable(wanted).id
    for summary in studio.projects():
        if summary.id != wanted and not summary.problem:
            yield f"“{summary.title}”", lambda found=summary.id: studio.usable(found).id  # type: ignore[misc]
    if studio.only is None and spec:
        yield "The scene to begin with", lambda: studio.new_project(spec).id
        yield "The demo scene", lambda: studio.new_project(ALWAYS).id
