"""The Compare tab: what to compare, a forecast, the comparison in the background, its result, two maps side by side.

The form is Gradio's; everything that comes of it is one panel (`compare.js`). A timer looks at the run while it
goes on. Nothing of a comparison is kept in the page but the id of the one that is shown. Here are the components and
what event calls what; `tab.py` has what happens then.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from hsi_studio.studio.facade import LIVE_METHOD, Studio
from hsi_studio.ui.bus import Bus
from hsi_studio.ui.tabs.compare.routes import router
from hsi_studio.ui.tabs.compare.tab import ABLATIONS, METHODS, P5, WORDS, CompareTab, Form
from hsi_studio.ui.tabs.contract import Tab
from hsi_studio.ui.web_component import panel

PACES = [("Quick", "quick"), ("Thorough", "thorough")]
DEFAULT_SHOTS = 5
PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


def create(studio: Studio, bus: Bus) -> None:
    tab = CompareTab(studio)
    form = create_form(tab)
    told = panel("facts", {"empty": ""}, elem_classes="hsi-compare-told")
    with gr.Row():
        start = gr.Button("Compare", variant="primary", size="sm", elem_id="hsi-compare-start")
        stop = gr.Button("Stop", size="sm", interactive=False, elem_id="hsi-compare-stop")
    chosen = gr.Textbox(visible=False)  # id of the comparison that is shown, in the page
    result: Any = panel("compare", {"project": "", "earlier": [], "run": None})
    watch = gr.Timer(0.7, active=False)

    fields = [form.kind, form.method, form.one, form.words, form.methods, form.ablations]
    asked, state = [bus.project, *form], [chosen, result, start, stop, watch]
    # a forecast takes a second at first: changes meanwhile must not be dropped, the last of them counts
    last: dict[str, Any] = {"trigger_mode": "always_last", **PRIVATE}
    form.kind.input(tab.choose_kind, [bus.project, form.kind], fields, **last).then(
        tab.forecast, asked, [told], **PRIVATE
    )
    form.method.input(tab.choose_method, [form.method], [form.ablations], **last).then(
        tab.forecast, asked, [told], **PRIVATE
    )
    for box in (form.shots, form.pace, form.words, form.one, form.methods, form.ablations):
        box.input(tab.forecast, asked, [told], **last)
    result.look(tab.offer_words, [bus.project], [form.one, form.words], **PRIVATE)
    start.click(tab.start, [bus.project, chosen, *form], state, **PRIVATE)
    stop.click(tab.stop, [bus.project, chosen], state, **PRIVATE)
    watch.tick(tab.look, [bus.project, chosen], state, **PRIVATE)
    acted = result.act(
        tab.act, [bus.project, chosen], [*state, bus.viewer, bus.strip], queue=False, trigger_mode="multiple", **PRIVATE
    )
    bus.after(acted)
    # not in the queue: late, they would take back what has been chosen or started meanwhile
    bus.project.change(tab.choose_kind, [bus.project, form.kind], fields, queue=False, **PRIVATE).then(
        tab.look, [bus.project, chosen], state, queue=False, **PRIVATE
    ).then(tab.forecast, asked, [told], **PRIVATE)


def create_form(tab: CompareTab) -> Any:
    """The components of a `Form`; fields of other kinds of comparison are hidden."""
    readers, everyone = tab.methods_for(WORDS), tab.methods_for(METHODS)
    first = readers[0][1]
    kind = gr.Radio([WORDS, METHODS, ABLATIONS], value=WORDS, label="Compare", elem_id="hsi-compare-what")
    with gr.Row():
        method = gr.Dropdown(readers, value=first, label="Method", elem_id="hsi-compare-method", min_width=140)
        one = gr.Dropdown([P5], value="p5", label="Words", visible=False, elem_id="hsi-compare-one", min_width=140)
    words = gr.Dropdown(
        [("p1 plain", "p1"), P5], value=["p1", "p5"], multiselect=True, max_choices=6,
        label="Words, the first is what the others are compared with", elem_id="hsi-compare-words",
    )  # fmt: skip
    methods = gr.Dropdown(
        everyone, value=[first, LIVE_METHOD], multiselect=True, max_choices=6, visible=False,
        label="Methods, the first is what the others are compared with", elem_id="hsi-compare-methods",
    )  # fmt: skip
    ablations = gr.Dropdown(
        tab.ablations_of(first), value=tab.ablations_of(first), multiselect=True, max_choices=5, visible=False,
        label="Ablations: the method without each of these parts", elem_id="hsi-compare-ablations",
    )  # fmt: skip
    with gr.Row():
        pace = gr.Radio(PACES, value="quick", label="Pace", elem_id="hsi-compare-pace")
        shots = gr.Number(
            DEFAULT_SHOTS, precision=0, label="Shots a class", min_width=140,  # limits: the plan says what is wrong
            elem_id="hsi-compare-shots",
        )  # fmt: skip
    return Form(shots, pace, kind, method, words, one, methods, ablations)


TAB = Tab("compare", "Compare", 22, create, step="compare", routes=router, styles=("compare.css",))
