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
from hsi_studio.ui.bus import Bus
from hsi_studio.ui.tabs.contract import Tab
from hsi_studio.ui.tabs.query.values import description_value, query_value
from hsi_studio.ui.viewer.heat_routes import heat_value
from hsi_studio.ui.viewer.page_state import Present
from hsi_studio.ui.web_component import packed, panel

PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
NOW: dict[str, Any] = {"queue": False, "trigger_mode": "multiple", **PRIVATE}
NEW_CLASS = "new"  # in place of a class's id, of labels for what no class is about
MOST_EACH = 20  # pixels proposed from one place
Pixels = list[tuple[int, int]]
Seen = tuple[Any, Any, Any]  # values for (viewer, classes, strip)
More = dict[str, Any]  # what only this answer says to the panel, see `query_value`


def unseen() -> Seen:
    return gr.skip(), gr.skip(), gr.skip()


class QueryTab:
    """Asks, looks after the answer, and makes labels of it when the user says yes."""

    def __init__(self, studio: Studio) -> None:
        self.studio, self.present = studio, Present(studio)

    # ── what the page shows ─────────────────────────────────────────────────────────────────────

    def stamp(self, project_id: str) -> str:
        """Changes when the panel should be drawn again."""
        status, made = self.studio.queries.status(project_id), self.studio.queries.text_maps.get(project_id)
        done = made.progress.done if made.progress is not None else ""
        return f"{project_id}/{status.serial}/{made.state}{made.prompts}{done}{made.prediction is not None}"

    def working(self, project_id: str) -> bool:
        queries = self.studio.queries
        return "working" in (queries.status(project_id).state, queries.text_maps.get(project_id).state)

    def paint(self, project_id: str, **more: Any) -> tuple[Any, ...]:
        """(panel, seen, watch)."""
        value = query_value(self.studio, project_id, **more)
        return packed(value), self.stamp(project_id), gr.update(active=self.working(project_id))

    def heat(self, project_id: str, marks: Pixels | None = None) -> str:
        return packed({"heat": heat_value(self.studio, project_id, marks)})

    def follow(self, project_id: str, before: str) -> tuple[Any, ...]:
        """(panel, seen, watch, viewer, strip): nothing unless something changed."""
        if not project_id:
            return (gr.skip(), gr.skip(), gr.update(active=False), gr.skip(), gr.skip())
        if self.stamp(project_id) == before:
            return (gr.skip(), gr.skip(), gr.update(active=self.working(project_id)), gr.skip(), gr.skip())
        value = {"heat": heat_value(self.studio, project_id)}
        viewer = self.present.viewer_changes(project_id, **value)
        return (*self.paint(project_id), viewer, self.present.strip(project_id))

    def arrive(self, project_id: str) -> tuple[Any, ...]:
        """(panel, seen, watch, viewer) for another project, or a page that was loaded again: what it was asked last
        stands in the tab, and its heat map is not on the picture until it is wanted. What is being answered was asked
        just now, on a slow machine before this was called: that is wanted."""
        if not project_id:
            return (gr.skip(),) * 4
        if self.studio.queries.status(project_id).state != "working":
            self.studio.queries.show_heat(project_id, False)
        return (*self.paint(project_id), packed({"heat": None}))

    def heat_off(self, project_id: str, event: gr.EventData) -> tuple[Any, ...]:
        """(panel, seen, watch, viewer) without the colouring; an answer stays a layer when it was another one."""
        if event._data.get("query"):
            self.studio.queries.show_heat(project_id, False)
        return (*self.paint(project_id), packed({"heat": None}))

    # ── what the user does ──────────────────────────────────────────────────────────────────────

    def act(self, project_id: str, event: gr.EventData) -> tuple[Any, ...]:
        """(panel, seen, watch, viewer, classes, strip) after anything the panel can do."""
        try:
            more, seen = self.do(project_id, event._data)
        except StudioError as error:
            more, seen = {"refused": str(error)}, unseen()
        return (*self.paint(project_id, **more), *seen)

    def do(self, project_id: str, done: dict[str, Any]) -> tuple[More, Seen]:
        """Raises StudioError."""
        queries, more = self.studio.queries, {}
        match done.get("do"):
            case "ask":
                queries.ask(project_id, str(done.get("text", "")), str(done.get("engine", "described")))
                return {}, unseen()
            case "threshold":
                queries.set_threshold(project_id, float(done["value"]))
            case "propose":
                return self.propose(project_id, done)
            case "add":
                return self.add(project_id, done)
            case "describe":
                more["described"] = description_value(queries.describe_class(project_id, str(done.get("id", ""))))
                return more, unseen()
            case "describe region":
                corners = [(float(row), float(col)) for row, col in done.get("polygon", [])[: MOST_POINTS + 1]]
                more["described"] = description_value(queries.describe_polygon(project_id, corners))
                return more, unseen()
            case "map":
                queries.text_maps.request(project_id, str(done.get("prompts", "p5")))
                queries.show_heat(project_id, False)  # the map is what one wants to see now
            case "words":
                self.studio.live_maps.use_words(project_id, bool(done.get("on")))
                return {}, unseen()
            case "heat":
                queries.show_heat(project_id, True)
            case "show map":
                return {}, self.show_map(project_id, bool(done.get("on")))
            case "cancel":  # the proposed pixels are taken out of the picture
                pass
            case _:
                return {}, unseen()
        return {}, (self.heat(project_id), gr.skip(), gr.skip())

    def propose(self, project_id: str, done: dict[str, Any]) -> tuple[More, Seen]:
        """Pixels of the chosen places, marked in the picture; nothing is labelled yet."""
        self.studio.queries.show_heat(project_id, True)
        places = [int(k) for k in done.get("places", [])]
        each = min(max(int(done.get("each", 3)), 1), MOST_EACH)
        pixels = self.studio.queries.propose(project_id, places, each)
        more = {"proposal": {"pixels": pixels, "id": str(done.get("id", ""))}}
        return more, (self.heat(project_id, pixels), gr.skip(), gr.skip())

    def add(self, project_id: str, done: dict[str, Any]) -> tuple[More, Seen]:
        """The proposed pixels as labels: one action."""
        pixels = [(int(r), int(c)) for r, c in done.get("pixels", [])]
        chosen = str(done.get("id", ""))
        if chosen == NEW_CLASS:
            chosen = self.studio.queries.new_class(project_id)
        said = self.studio.queries.add(project_id, chosen, pixels)
        value = {"heat": heat_value(self.studio, project_id)}
        viewer = self.present.viewer_changes(project_id, **value)
        return {"said": said, "labelled": True}, (viewer, self.present.classes(project_id), gr.skip())

    def show_map(self, project_id: str, on: bool) -> Seen:
        """The map from texts in the viewer, or the live map again."""
        self.studio.displayed.show(project_id, "texts" if on else "live")
        return self.present.viewer_changes(project_id), gr.skip(), self.present.strip(project_id)


def create(studio: Studio, bus: Bus) -> None:
    tab = QueryTab(studio)
    box: Any = panel("query", {"state": "idle", "engines": []})  # gr.HTML accepts any event name
    seen = gr.Textbox(visible=False)  # what the page shows of the work
    watch = gr.Timer(0.25, active=False)
    viewer: Any = bus.viewer

    mine = [box, seen, watch]
    bus.after(box.act(tab.act, [bus.project], [*mine, bus.viewer, bus.classes, bus.strip], **NOW))
    watch.tick(tab.follow, [bus.project, seen], [*mine, bus.viewer, bus.strip], queue=False, **PRIVATE)
    bus.project.change(tab.arrive, [bus.project], [*mine, bus.viewer], **NOW)
    viewer.heat_off(tab.heat_off, [bus.project], [*mine, bus.viewer], **NOW)


TAB = Tab("query", "Query", 14, create, step="words", styles=("query.css",))
