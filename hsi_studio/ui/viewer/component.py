"""The viewer: one `gr.HTML` with a constant template, our script on Leaflet (`L.CRS.Simple`), a JSON value.

The interface below does not depend on Leaflet; `viewer.js` and its parts could be rewritten on another base.

Value (Python → page). A dict, sent as one JSON string (`ui/web_component.py`); keys that are absent mean "unchanged",
so a full state and a small answer are both valid.

    project   any id; another one resets everything
    scene     {id, h, w, b, transform, crs_name, gsd_m, along_m, valid_all,
               composites: [{id, title, available, why}]}         null = no scene open
    view      {composite, stretch}                                only to change it from Python; `features/stretch.py`
    classes   [{id, name, color "#rrggbb", key 1–9 or null}]      in display order
    active    class id, when the server chose it
    labels    {seq, points: [[row, col, k], …]}                   k indexes `classes`; an older seq is ignored
    map       {rev, url, kind} | null      url without ending; the page fetches `url.bin?since=…` (see tile_routes.py);
                                     another kind (live, trained) may go back to an older rev
    beside    {url, kind, title, mine, extra} | null    a second map, right of a line that the user moves; `mine` names
                                     the left one; `extra` (here and in map): classes [{id, name, color}] that a map
                                     has and the project has not
    heat      {url, title, threshold, marks: [[row, col], …], kind, ends, query, blind} | null    one colouring in place
              of the map:
               a question's answer (`query`, `heat_routes.py`), a cell of the matrix, a margin (`tabs/map/routes.py`);
               see `heat.js`
    progress  {text, fraction | null, seconds_left | null} | null
    notice    a sentence, where something was done that was not asked for: another map is shown
    message   "" or a sentence; with it the pending clicks `refused` (their n; absent: the oldest one) vanish

The active class is the page's: it changes with `active`, which the server sends only when an action chose a class, and
to the first class when the active one is gone.

What the page asks by plain routes (`label_routes.py`, `change_routes.py`; `server.js`): every click,
undo and redo, in order and never dropped; then the map that follows; the spectrum of a pixel; every two seconds,
whether the project looks different on the server. `hsi:follow` on the document has it bring the map up to date.
`hsi:draw` has the user draw a region (`region.js`).

Events (page → Python, `event: gr.EventData`, fields in `event._data`)

    view      {composite, stretch}      for information: the page has changed the picture by itself
    heat_off  {query}                   take the colouring away; `query`: it was a question's answer
    sync                                send the full value (clicks waited too long, server gone or back)

For tests, on the `.hsi-viewer` element and on the block around it: `__toClient(col, row)` → {x, y} of the
pixel's centre; `data-ready` = "1" when every visible tile is painted; `data-journal` = seq shown;
`data-pending` = clicks not confirmed; `data-map-rev` = revision painted.

Traps: the templates must stay constant (Gradio runs template text as JavaScript and rebuilds the element when it
changes). Each output of an event costs the server a new component, a skipped one too: keep gr.HTML outputs off what
happens often.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from hsi_studio.ui.web_component import PANELS, json_html

HERE = Path(__file__).parent
UNSAFE_IN_TEMPLATES = ("`", "\\", "${", "{{", "@children")


def template(name: str) -> str:
    """A constant template from this folder. Raises ValueError when it holds what Gradio would evaluate."""
    text = (HERE / name).read_text(encoding="utf-8")
    found = [mark for mark in UNSAFE_IN_TEMPLATES if mark in text]
    if found:
        raise ValueError(f"{name} holds {' and '.join(found)}, which Gradio would evaluate: write it otherwise.")
    return text


def create_viewer(value: dict[str, Any] | None = None, *, base: str = "/hsi", legend: bool = True) -> gr.HTML:
    """The viewer component. `base` is where `tile_routes.router` is mounted; `legend` adds a collapsible class list."""
    return json_html(
        value or {},
        PANELS["viewer"],
        html_template=template("viewer.html"),
        elem_id="hsi-viewer",  # viewer.css is scoped to it
        base=base,
        legend=legend,
    )
