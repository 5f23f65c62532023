"""What the Compare tab's form means and what its panel does; without a component, so without a page."""

from __future__ import annotations

from typing import Any, NamedTuple

import gradio as gr

from hsi_studio.errors import StudioError
from hsi_studio.methods.contract import Method
from hsi_studio.studio.facade import ComparisonPlan, Side, Studio
from hsi_studio.ui.tabs.compare.values import panel_value
from hsi_studio.ui.viewer.page_state import Present
from hsi_studio.ui.web_component import packed

WORDS, METHODS, ABLATIONS, DSM = "Words", "Methods", "Ablations", "Surface model (DSM)"  # what one can compare
TEXT = "text"  # the ablation whose worth the shuffled words are the control of
P5 = ("p5 described", "p5")
Choices = list[tuple[str, str]]


class Form(NamedTuple):
    """The form's fields, in the order in which the page sends them."""

    shots: float | None
    pace: str
    kind: str
    method: str
    words: list[str]  # to compare
    one: str  # the words of every arm, when something else is compared
    methods: list[str]
    ablations: list[str]


class CompareTab:
    """Plans, starts, stops and shows comparisons. Handlers end with the form's fields, see `Form`."""

    def __init__(self, studio: Studio) -> None:
        self.studio, self.present = studio, Present(studio)

    # ── what can be chosen ──────────────────────────────────────────────────────────────────────

    def ablations_of(self, method: str) -> list[str]:
        """The parts of a method that can be switched off."""
        return self.studio.compare.ablations(method)

    def methods_for(self, kind: str) -> Choices:
        """Methods that this kind of comparison makes sense with."""
        return [(m.title, m.name) for m in self.studio.compare.methods() if self._suits(m, kind)]

    def _suits(self, method: Method, kind: str) -> bool:
        if kind == METHODS:
            return True
        if kind == ABLATIONS:
            return bool(self.ablations_of(method.name))
        return self.studio.compare.has_heights(method.name) if kind == DSM else "text" in method.needs

    def words(self, project_id: str) -> Choices:
        return self.studio.compare.words(project_id) if project_id else [P5]

    def choose_kind(self, project_id: str, kind: str) -> tuple[Any, ...]:
        """(kind, method, one, words, methods, ablations): the fields of a kind of comparison."""
        has_dsm = bool(project_id) and self.studio.scene_of(project_id).dsm is not None
        kinds, options = [WORDS, METHODS, ABLATIONS, *([DSM] if has_dsm else [])], self.words(project_id)
        known = kind in kinds
        kind = kind if known else WORDS
        methods = self.methods_for(WORDS if kind == METHODS else kind)
        method = methods[0][1]
        return (
            gr.update(
                choices=kinds, **({} if known else {"value": kind})
            ),  # who chooses faster than this comes, keeps it
            gr.update(choices=methods, value=method, visible=kind != METHODS),
            gr.update(choices=options, visible=kind != WORDS),
            gr.update(choices=options, visible=kind == WORDS),
            gr.update(visible=kind == METHODS),
            {**self.choose_method(method), "visible": kind == ABLATIONS},
        )

    def choose_method(self, method: str) -> Any:
        """The ablations of a method, all of them chosen."""
        return gr.update(choices=self.ablations_of(method), value=self.ablations_of(method))

    def offer_words(self, project_id: str) -> tuple[Any, Any]:
        """(one, words): prompt sets may have come since."""
        options = self.words(project_id)
        return gr.update(choices=options), gr.update(choices=options)

    # ── what the form means ─────────────────────────────────────────────────────────────────────

    def sides(self, form: Form) -> list[Side]:
        """The arms. Raises BadRequest (an ablation that the method has not)."""
        if form.kind == WORDS:
            return [Side(form.method, words) for words in form.words or []]
        if form.kind == METHODS:
            return [Side(method, form.one) for method in form.methods or []]
        if form.kind == ABLATIONS:
            return self.studio.compare.without_parts(form.method, form.one, form.ablations or [])
        return self.studio.compare.heights(form.method, form.one)

    def plan(self, project_id: str, form: Form) -> ComparisonPlan:
        """Raises StudioError: what is missing."""
        control = form.kind != ABLATIONS or TEXT in (form.ablations or [])
        return self.studio.compare.plan(
            project_id, self.sides(form), int(form.shots or 0), form.pace, control=control
        )  # fmt: skip

    def forecast(self, project_id: str, *form: Any) -> str:
        """What it would take, or what is missing, for the facts panel."""
        if not project_id:
            return packed({"empty": ""})
        try:
            plan = self.plan(project_id, Form(*form))
            told = self.studio.compare.forecast(project_id, plan)
        except StudioError as error:
            return packed({"notes": [str(error)]})
        known = self.studio.scene_of(project_id).reference is not None
        why = "the lesson hides the" if self.studio.project(project_id).lesson_on else "this scene has no"
        where = "the reference map" if known else f"your labels: {why} reference map"
        read = plan.control and any(arm.words for arm in plan.arms)
        control = " Arms that read words are run with shuffled words too." if read else ""
        kind = "Quick: shorter trainings." if plan.pace == "quick" else "Thorough: full trainings, 10 seeds."
        return packed({"empty": f"{kind} {told.words}{control} Shots are drawn from {where}."})

    # ── what runs, and its result ───────────────────────────────────────────────────────────────

    def draw(self, project_id: str, run_id: str, said: str = "", bad: bool = False) -> tuple[Any, ...]:
        """(chosen, result, start, stop, watch) for a comparison, the newest one without `run_id`."""
        value = panel_value(self.studio, project_id, run_id, said, bad)
        run = value["run"]
        alive = run is not None and bool(run["alive"])
        return (
            run["id"] if run else "", packed(value), gr.update(interactive=not alive), gr.update(interactive=alive),
            gr.update(active=alive),
        )  # fmt: skip

    def look(self, project_id: str, run_id: str) -> tuple[Any, ...]:
        return self.draw(project_id, run_id) if project_id else (gr.skip(),) * 5

    def start(self, project_id: str, run_id: str, *form: Any) -> tuple[Any, ...]:
        try:
            return self.draw(project_id, self.studio.compare.start(project_id, self.plan(project_id, Form(*form))))
        except StudioError as error:
            return self.draw(project_id, run_id, str(error), bad=True)

    def stop(self, project_id: str, run_id: str) -> tuple[Any, ...]:
        try:
            self.studio.compare.cancel(run_id)
        except StudioError as error:
            return self.draw(project_id, run_id, str(error), bad=True)
        return self.draw(project_id, run_id)

    def act(self, project_id: str, run_id: str, event: gr.EventData) -> tuple[Any, ...]:
        """(chosen, result, start, stop, watch, viewer, strip): another comparison, maps, go on, delete."""
        done, said = event._data, ""
        try:
            run_id = self.do(project_id, run_id, done)
        except StudioError as error:
            said = str(error)
        seen: tuple[Any, Any] = (gr.skip(), gr.skip())
        if done.get("do") != "open":
            seen = (self.present.viewer_changes(project_id), self.present.strip(project_id))
        return (*self.draw(project_id, run_id, said, bad=bool(said)), *seen)

    def do(self, project_id: str, run_id: str, done: dict[str, Any]) -> str:
        """Id of the comparison to show then. Raises StudioError."""
        match done.get("do"):
            case "open":
                return str(done["id"])
            case "show":
                self.show(project_id, run_id, str(done["left"]), str(done["right"]), bool(done.get("difference")))
            case "hide":
                self.hide(project_id)
            case "go on":
                return self.studio.compare.go_on(run_id)
            case "delete":
                self.studio.runs.delete(run_id)
                return ""
        return run_id

    def show(self, project_id: str, run_id: str, left: str, right: str, difference: bool) -> None:
        """Two arms' maps side by side, or where they differ."""
        item, beside = self.studio.compare.maps.layers_of(run_id, left, right, difference)
        self.studio.displayed.show(project_id, "comparison", item, beside=beside)

    def hide(self, project_id: str) -> None:
        """The live map again."""
        self.studio.displayed.show(project_id)
