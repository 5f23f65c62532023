"""The viewer: one `gr.HTML` with a constant template, our script on Leaflet (`L.CRS.Simple`), a JSON value.

The interface below does not depend on Leaflet; `assets/viewer*.js` could be rewritten on another base.

Value (Python → page). A dict, sent as one JSON string (`panels.py`); keys that are absent mean "unchanged", so
a full state and a small answer are both valid.

    project   any id; another one resets everything
    scene     {id, h, w, b, transform, crs_name, gsd_m, valid_all,
               composites: [{id, title, available, why}]}         null = no scene open
    view      {composite, lo, hi}                                 only to change it from Python
    classes   [{id, name, color "#rrggbb", key 1–9 or null}]      in display order
    active    class id
    labels    {seq, points: [[row, col, k], …]}                   k indexes `classes`; an older seq is ignored
    map       {rev, url, kind} | null      url without ending; the page fetches `url.bin?since=…` (see tiles.py);
                                     another kind (live, trained) may go back to an older rev
    beside    {url, kind, title, mine, extra} | null    a second map, right of a line that the user moves; `mine` names
                                     the left one; `extra` (here and in map): classes [{id, name, color}] that a map
                                     has and the project has not
    heat      {url, title, threshold, marks: [[row, col], …]} | null    a question's answer (`heat_feed.py`)
    progress  {text, fraction | null, seconds_left | null} | null
    message   "" or a sentence; with it the oldest pending click (or `ack`: its n) vanishes: it was refused

Events (page → Python, `event: gr.EventData`, fields in `event._data`)

    pick      {row, col, class_id, n}   give the pixel this class, or take it away when it has it already
    probe     {row, col}                show its spectrum; after every pick, or alone (shift-click, labelling off)
    undo, redo                          Ctrl+Z, Ctrl+Shift+Z / Ctrl+Y
    active    {class_id}                keys 1–9
    view      {composite, lo, hi}       for information: the page has changed the picture by itself
    heat_off                            take the heat map away
    sync                                send the full value (first load, or clicks waited too long)
    elsewhere                           the project looks different on the server: seen_feed.py

Wiring, so that no click is lost and none waits for the map:

    now = dict(queue=False, trigger_mode="multiple", show_progress="hidden", api_visibility="private")
    viewer.pick(write_to_journal, [project], [viewer], **now)         # answers with labels (and message)
    viewer.sync(full_value, [project], [viewer], **now)
    ….then(wait_for_map, …, trigger_mode="always_last")               # answers with map {rev, url}

For tests, on the `.hsi-viewer` element and on the block around it: `__toClient(col, row)` → {x, y} of the
pixel's centre; `data-ready` = "1" when every visible tile is painted; `data-journal` = seq shown;
`data-pending` = clicks not confirmed; `data-map-rev` = revision painted.

Traps: a listener with `trigger_mode="always_last"` must be the only one of its event: when it catches up,
Gradio 6.31 dispatches the *event* again, to every listener (a second listener on `pick` labelled pixels
twice), and with the data of the event that has just ended, not of the last one. `.then` is safe: there only the
one function is run again, with the inputs of that moment. Listeners of one event run one after
another. The templates must stay constant (Gradio runs template text as JavaScript and rebuilds the element
when it changes). A word in quotes in the script becomes an event of the component, so no prop may have the
name of one.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from hsi_studio.paths import ASSETS
from hsi_studio.ui.panels import json_html

SCRIPTS = (
    "viewer_raster.js", "viewer_beside.js", "viewer_heat.js", "viewer_labels.js", "viewer_controls.js", "viewer.js",
)  # fmt: skip
EVENTS = ("pick", "probe", "undo", "redo", "active", "view", "sync", "heat_off", "elsewhere")
UNSAFE_IN_TEMPLATES = ("`", "\\", "${", "{{", "@children")


def template(name: str) -> str:
    """A constant template from `assets/`. Raises ValueError when it holds what Gradio would evaluate."""
    text = (ASSETS / name).read_text(encoding="utf-8")
    found = [mark for mark in UNSAFE_IN_TEMPLATES if mark in text]
    if found:
        raise ValueError(f"assets/{name} holds {' and '.join(found)}, which Gradio would evaluate: write it otherwise.")
    return text


def create_viewer(
    value: dict[str, Any] | None = None, *, base: str = "/hsi", legend: bool = True, elem_id: str = "hsi-viewer"
) -> gr.HTML:
    """The viewer component. `base` is where `tiles.router` is mounted; `legend` adds a collapsible class list."""
    script = "\n".join((ASSETS / name).read_text(encoding="utf-8") for name in SCRIPTS)
    return json_html(
        value or {},
        script,
        html_template=template("viewer.html"),
        css_template=template("viewer.css"),
        elem_id=elem_id,
        base=base,
        legend=legend,
    )
