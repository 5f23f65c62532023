"""The Query tab: ask the scene in words, see where it holds and why, label from it; a map from class texts alone.

Handlers only read and ask: the work is in `studio.queries`. A timer follows it, and only while something works. The
heat map goes to the viewer by its own route (`ui/viewer/heat_routes.py`); the threshold's slider moves it in the page.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from hsi_studio.errors import StudioError
from hsi_studio.scene.region import MOST_POINTS
from hsi_studio.studio.facade import Studio
from hsi_studio.ui.bus import Bus, Tab
from hsi_studio.ui.tabs.query.values import description_value, heat_value, query_value
from hsi_studio.ui.viewer.page_state import Present
from hsi_studio.ui.web_component import packed, panel

PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
NOW: dict[str, Any] = {"queue": False, "trigger_mode": "multiple", **PRIVATE}


def create(studio: Studio, bus: Bus) -> None:
    present, queries = Present(studio), studio.queries
    box: Any = panel("query", {"state": "idle", "engines": []})  # gr.HTML accepts any event name
    seen = gr.Textbox(visible=False)  # what the page shows of the work
    watch = gr.Timer(0.25, active=False)
    viewer: Any = bus.viewer

    def stamp(project_id: str) -> str:
        status, made = queries.status(project_id), queries.text_maps.get(project_id)
        done = made.progress.done if made.progress is not None else ""
        return f"{project_id}/{status.serial}/{made.state}{made.prompts}{done}{made.prediction is not None}"

    def working(project_id: str) -> bool:
        return "working" in (queries.status(project_id).state, queries.text_maps.get(project_id).state)

    def paint(project_id: str, **more: Any) -> tuple[Any, ...]:
        """(panel, seen, watch)."""
        value = query_value(studio, project_id, **more)
        return packed(value), stamp(project_id), gr.update(active=working(project_id))

    def heat(project_id: str, marks: list[tuple[int, int]] | None = None) -> str:
        return packed({"heat": heat_value(studio, project_id, marks)})

    def act(project_id: str, event: gr.EventData) -> tuple[Any, ...]:
        """(panel, seen, watch, viewer, classes, strip) after anything the panel can do."""
        done = event._data
        more: dict[str, Any] = {}
        shown: tuple[Any, ...] = (gr.skip(), gr.skip(), gr.skip())
        try:
            what = done.get("do")
            if what == "ask":
                queries.ask(project_id, str(done.get("text", "")), str(done.get("engine", "described")))
            elif what == "threshold":
                queries.set_threshold(project_id, float(done["value"]))
                shown = (heat(project_id), gr.skip(), gr.skip())
            elif what == "propose":
                queries.show_heat(project_id, True)
                places = [int(k) for k in done.get("places", [])]
                pixels = queries.propose(project_id, places, min(max(int(done.get("each", 3)), 1), 20))
                more["proposal"] = {"pixels": pixels, "id": str(done.get("id", ""))}
                shown = (heat(project_id, pixels), gr.skip(), gr.skip())
            elif what == "cancel":
                shown = (heat(project_id), gr.skip(), gr.skip())
            elif what == "add":
                pixels = [(int(r), int(c)) for r, c in done.get("pixels", [])]
                more["said"] = queries.add(project_id, str(done.get("id", "")), pixels)
                more["labelled"] = True
                value = {"heat": heat_value(studio, project_id)}
                shown = (present.viewer_changes(project_id, **value), present.classes(project_id), gr.skip())
            elif what == "describe":
                more["described"] = description_value(queries.describe_class(project_id, str(done.get("id", ""))))
            elif what == "describe region":
                corners = [(float(row), float(col)) for row, col in done.get("polygon", [])[: MOST_POINTS + 1]]
                more["described"] = description_value(queries.describe_polygon(project_id, corners))
            elif what == "map":
                queries.text_maps.request(project_id, str(done.get("prompts", "p5")))
                queries.show_heat(project_id, False)  # the map is what one wants to see now
                shown = (heat(project_id), gr.skip(), gr.skip())
            elif what == "heat":
                queries.show_heat(project_id, True)
                shown = (heat(project_id), gr.skip(), gr.skip())
            elif what == "show map":
                studio.displayed.show(project_id, "texts" if done.get("on") else "live")
                shown = (present.viewer_changes(project_id), gr.skip(), present.strip(project_id))
        except StudioError as error:
            more["refused"] = str(error)
        return (*paint(project_id, **more), *shown)

    def follow(project_id: str, before: str) -> tuple[Any, ...]:
        """(panel, seen, watch, viewer, strip): nothing unless something changed."""
        if not project_id:
            return (gr.skip(), gr.skip(), gr.update(active=False), gr.skip(), gr.skip())
        if stamp(project_id) == before:
            return (gr.skip(), gr.skip(), gr.update(active=working(project_id)), gr.skip(), gr.skip())
        value = {"heat": heat_value(studio, project_id)}
        return (*paint(project_id), present.viewer_changes(project_id, **value), present.strip(project_id))

    def arrive(project_id: str) -> tuple[Any, ...]:
        """Another project, or the page was loaded again: what it was asked last stands there."""
        if not project_id:
            return (gr.skip(),) * 4
        return (*paint(project_id), heat(project_id))

    def off(project_id: str) -> tuple[Any, ...]:
        queries.show_heat(project_id, False)
        return (*paint(project_id), packed({"heat": None}))

    mine = [box, seen, watch]
    asked = box.act(act, [bus.project], [*mine, bus.viewer, bus.classes, bus.strip], **NOW)
    bus.after(asked)
    watch.tick(follow, [bus.project, seen], [*mine, bus.viewer, bus.strip], queue=False, **PRIVATE)
    bus.project.change(arrive, [bus.project], [*mine, bus.viewer], **PRIVATE)
    viewer.heat_off(off, [bus.project], [*mine, bus.viewer], **NOW)


TAB = Tab("query", "Query", 16, create)
