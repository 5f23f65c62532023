"""The Compare tab: what to compare, a forecast, the comparison in the background, its result, two maps side by side.

The form is Gradio's; everything that comes of it is one panel (`assets/compare.js`). A timer looks at the run while it
goes on. Nothing of a comparison is kept in the page but the id of the one that is shown.
"""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.context import Context

from hsi_studio.errors import StudioError
from hsi_studio.studio.facade import ComparisonPlan, Side, Studio
from hsi_studio.ui.bus import Bus, Tab
from hsi_studio.ui.tabs.compare.values import panel_value
from hsi_studio.ui.viewer.page_state import Present
from hsi_studio.ui.web_component import packed, panel

WORDS, METHODS, PARTS, HEIGHTS = "Words", "Methods", "Parts", "Heights"
TEXT = "text"  # the part whose worth the shuffled words are the control of
PACES = [("Quick", "quick"), ("Thorough", "thorough")]
DEFAULT_SHOTS = 5
PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


def create(studio: Studio, bus: Bus) -> None:
    present, compare = Present(studio), studio.compare
    tab: Any = Context.block  # the gr.Tab this stands in
    found = compare.methods()
    readers = [(m.title, m.name) for m in found if "text" in m.needs]
    everyone = [(m.title, m.name) for m in found]
    with_parts = [(m.title, m.name) for m in found if compare.parts(m.name)]
    with_heights = [(m.title, m.name) for m in found if compare.has_heights(m.name)]
    first = readers[0][1]

    what = gr.Radio([WORDS, METHODS, PARTS, HEIGHTS], value=WORDS, label="Compare", elem_id="hsi-compare-what")
    with gr.Row():
        method = gr.Dropdown(readers, value=first, label="Method", elem_id="hsi-compare-method", min_width=140)
        one = gr.Dropdown(
            [("p5 described", "p5")], value="p5", label="Words", visible=False, elem_id="hsi-compare-one", min_width=140
        )
    words = gr.Dropdown(
        [("p1 plain", "p1"), ("p5 described", "p5")], value=["p1", "p5"], multiselect=True, max_choices=6,
        label="Words, the first is what the others are compared with", elem_id="hsi-compare-words",
    )  # fmt: skip
    methods = gr.Dropdown(
        everyone, value=[first, "live"], multiselect=True, max_choices=6, visible=False,
        label="Methods, the first is what the others are compared with", elem_id="hsi-compare-methods",
    )  # fmt: skip
    parts = gr.Dropdown(
        compare.parts(first), value=compare.parts(first), multiselect=True, max_choices=5, visible=False,
        label="Parts to switch off, one at a time", elem_id="hsi-compare-parts",
    )  # fmt: skip
    with gr.Row():
        pace = gr.Radio(PACES, value="quick", label="Pace", elem_id="hsi-compare-pace")
        shots = gr.Number(
            DEFAULT_SHOTS, precision=0, minimum=1, maximum=1000, label="Shots a class", min_width=140,
            elem_id="hsi-compare-shots",
        )  # fmt: skip
    told = panel("facts", {"empty": ""}, elem_classes="hsi-compare-told")
    with gr.Row():
        start = gr.Button("Compare", variant="primary", size="sm", elem_id="hsi-compare-start")
        stop = gr.Button("Stop", size="sm", interactive=False, elem_id="hsi-compare-stop")
    chosen = gr.Textbox(visible=False)  # id of the comparison that is shown, in the page
    result: Any = panel("compare", {"project": "", "earlier": [], "run": None})
    watch = gr.Timer(0.7, active=False)

    def sides(kind: str, name: str, said: list[str], single: str, names: list[str], switched: list[str]) -> list[Side]:
        if kind == WORDS:
            return [Side(name, key) for key in said or []]
        if kind == METHODS:
            return [Side(key, single) for key in names or []]
        if kind == PARTS:
            return compare.without_parts(name, single, switched or [])
        return [Side(name, single, {}, "heights"), Side(name, single, {"use_dsm": False}, "no heights")]

    def planned(project_id: str, number: float, speed: str, kind: str, *form: Any) -> ComparisonPlan:
        control = kind != PARTS or TEXT in (form[-1] or [])
        return compare.plan(project_id, sides(kind, *form), int(number or 0), speed, control=control)

    def forecast(project_id: str, *form: Any) -> str:
        """What it would take, or what is missing."""
        if not project_id:
            return packed({"empty": ""})
        try:
            plan = planned(project_id, *form)
            told = compare.forecast(project_id, plan)
        except StudioError as error:
            return packed({"notes": [str(error)]})
        scene = studio.scene_of(project_id)
        where = "the reference map" if scene.reference is not None else "your labels: this scene has no reference map"
        read = plan.control and any(arm.words for arm in plan.arms)
        control = " Arms that read words are run with shuffled words too." if read else ""
        kind = "Quick: shorter trainings." if plan.pace == "quick" else "Thorough: full trainings, 10 seeds."
        return packed({"empty": f"{kind} {told.words}{control} Shots are drawn from {where}."})

    def switches(name: str) -> Any:
        """The parts of a method to choose from, all of them chosen."""
        return gr.update(choices=compare.parts(name), value=compare.parts(name))

    def choose(project_id: str, kind: str) -> tuple[Any, ...]:
        """The fields of a kind of comparison."""
        heights = bool(project_id) and studio.scene_of(project_id).dsm is not None
        options = compare.words(project_id) if project_id else [("p5 described", "p5")]
        methods_for = {HEIGHTS: with_heights, PARTS: with_parts}.get(kind, readers)
        kinds = [WORDS, METHODS, PARTS, *([HEIGHTS] if heights else [])]
        named = methods_for[0][1]
        return (
            gr.update(choices=kinds, value=kind if kind in kinds else WORDS),
            gr.update(choices=methods_for, value=named, visible=kind != METHODS),
            gr.update(choices=options, visible=kind != WORDS),
            gr.update(choices=options, visible=kind == WORDS),
            gr.update(visible=kind == METHODS),
            gr.update(choices=compare.parts(named), value=compare.parts(named), visible=kind == PARTS),
        )

    def offer(project_id: str) -> tuple[Any, ...]:
        """Prompt sets may have come since: the words one can choose now."""
        options = compare.words(project_id) if project_id else [("p5 described", "p5")]
        return gr.update(choices=options), gr.update(choices=options)

    def draw(project_id: str, run_id: str, said: str = "", bad: bool = False) -> tuple[Any, ...]:
        """Values for `state`."""
        value = panel_value(studio, project_id, run_id, said, bad)
        run = value["run"]
        alive = run is not None and bool(run["alive"])
        return (
            run["id"] if run else "", packed(value), gr.update(interactive=not alive), gr.update(interactive=alive),
            gr.update(active=alive),
        )  # fmt: skip

    def begin(project_id: str, run_id: str, *form: Any) -> tuple[Any, ...]:
        try:
            return draw(project_id, compare.start(project_id, planned(project_id, *form)))
        except StudioError as error:
            return draw(project_id, run_id, str(error), bad=True)

    def end(project_id: str, run_id: str) -> tuple[Any, ...]:
        try:
            compare.cancel(run_id)
        except StudioError as error:
            return draw(project_id, run_id, str(error), bad=True)
        return draw(project_id, run_id)

    def look(project_id: str, run_id: str) -> tuple[Any, ...]:
        return draw(project_id, run_id) if project_id else (gr.skip(),) * len(state)

    def act(project_id: str, run_id: str, event: gr.EventData) -> tuple[Any, ...]:
        """What the panel can do: open another comparison, show maps, delete."""
        done, shown, said = event._data, True, ""
        try:
            if done.get("do") == "open":
                run_id, shown = str(done["id"]), False
            elif done.get("do") == "show":
                left, right = str(done["left"]), str(done["right"])
                item, beside = compare.maps.layers_of(run_id, left, right, bool(done.get("difference")))
                studio.displayed.show(project_id, "comparison", item, beside=beside)
            elif done.get("do") == "hide":
                studio.displayed.show(project_id)
            elif done.get("do") == "delete":
                studio.runs.delete(run_id)
                run_id = ""
        except StudioError as error:
            said = str(error)
        seen = (present.viewer_changes(project_id), present.strip(project_id)) if shown else (gr.skip(), gr.skip())
        return (*draw(project_id, run_id, said, bad=bool(said)), *seen)

    form = [shots, pace, what, method, words, one, methods, parts]
    fields = [what, method, one, words, methods, parts]
    state = [chosen, result, start, stop, watch]
    # a forecast takes a second at first: changes meanwhile must not be dropped, the last of them counts
    last: dict[str, Any] = {"trigger_mode": "always_last", **PRIVATE}
    what.input(choose, [bus.project, what], fields, **last).then(forecast, [bus.project, *form], [told], **PRIVATE)
    method.input(switches, [method], [parts], **last).then(forecast, [bus.project, *form], [told], **PRIVATE)
    for box in (shots, pace, words, one, methods, parts):
        box.input(forecast, [bus.project, *form], [told], **last)
    tab.select(offer, [bus.project], [one, words], **PRIVATE)
    start.click(begin, [bus.project, chosen, *form], state, **PRIVATE)
    stop.click(end, [bus.project, chosen], state, **PRIVATE)
    watch.tick(look, [bus.project, chosen], state, **PRIVATE)
    acted = result.act(
        act, [bus.project, chosen], [*state, bus.viewer, bus.strip], queue=False, trigger_mode="multiple", **PRIVATE
    )
    bus.after(acted)
    bus.project.change(choose, [bus.project, what], fields, **PRIVATE).then(
        look, [bus.project, chosen], state, **PRIVATE
    ).then(forecast, [bus.project, *form], [told], **PRIVATE)


TAB = Tab("compare", "Compare", 18, create)
