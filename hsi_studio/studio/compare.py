"""`studio.compare`: two to six prompt sets, methods or switches on the same scene, shots and seeds.

>>> sides = [Side("curated", "p1"), Side("curated", "p5")]
>>> plan = studio.compare.plan(project.id, sides, shots=5, pace="quick")
>>> studio.compare.forecast(project.id, plan).words
>>> run = studio.compare.start(project.id, plan)
>>> studio.compare.get(run).comparison.headline

A comparison is a run of kind "compare" (`engine/compare/run_kind.py`): it waits in the same queue as trainings, goes
on when the page is closed, and is stopped, resumed and deleted like one (`studio.runs`). It draws its shots from the
scene's reference map, not from the labels of the project; a scene without one is compared on its labels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hsi_studio.engine.compare.cells import CellStore, specs_of
from hsi_studio.engine.compare.findings import findings
from hsi_studio.engine.compare.label_reference import enough_labels, labels_as_reference
from hsi_studio.engine.compare.paces import plan_for
from hsi_studio.engine.compare.plan import Arm, ComparisonPlan, sentences_of
from hsi_studio.engine.compare.report import method_title, write_report
from hsi_studio.engine.compare.results import Comparison, read_comparison, read_plan, write_plan
from hsi_studio.engine.compare.run_kind import store_of
from hsi_studio.engine.compare.runner import LEAST_SEEDS, run_comparison
from hsi_studio.engine.evaluation.map_accuracy import reference_values
from hsi_studio.engine.evaluation.splits import draw_shots
from hsi_studio.engine.runs.events import EventLog
from hsi_studio.engine.runs.forecast import Request
from hsi_studio.engine.runs.record import RESUMABLE, RunFolder, RunRecord
from hsi_studio.errors import BadRequest
from hsi_studio.humanize import counted, duration
from hsi_studio.methods import get_method, methods
from hsi_studio.methods.contract import Context, Method
from hsi_studio.studio import Subject
from hsi_studio.studio.compare_arms import Side, _arm, named, parse_side
from hsi_studio.studio.compare_maps import CompareMaps
from hsi_studio.studio.prompts import Prompts
from hsi_studio.studio.run_info import RunInfo
from hsi_studio.studio.runs import Runs
from hsi_studio.studio.workspace import Workspace
from hsi_studio.types import Progress, Scene

RunInfos = list[RunInfo]  # the class below has a method `list`
Files = list[Path]
REASONS = {
    "cancelled": "Stopped. Finished fits are kept: the same comparison goes on from them when it is started again.",
    "interrupted": "The program ended before it did. Finished fits are kept, and it goes on from them.",
}


@dataclass(frozen=True)
class CompareInfo:
    """A comparison as it is now. `comparison` is None before its first seed is complete."""

    run: RunInfo
    plan: ComparisonPlan
    comparison: Comparison | None

    @property
    def reason(self) -> str:
        return REASONS.get(self.run.state, self.run.reason)

    @property
    def can_go_on(self) -> bool:
        return self.run.state in ("cancelled", *RESUMABLE)


@dataclass(frozen=True)
class CompareForecast:
    """Seconds of what is not in the store yet; `words` for people."""

    seconds: float
    words: str


class Comparisons(Subject):
    """One subject of `Studio`. Safe to call from many threads."""

    def __init__(self, workspace: Workspace, runs: Runs, prompts: Prompts) -> None:
        self._workspace, self._runs, self._prompts = workspace, runs, prompts
        self.maps = CompareMaps(workspace, runs, lambda run_id: self.get(run_id).comparison)

    # ── what can be compared ────────────────────────────────────────────────────────────────────

    def methods(self) -> list[Method]:
        """Every method, those that read words first."""
        found = list(methods().entries.values())
        return sorted(found, key=lambda m: ("text" not in m.needs, m.title))

    def words(self, project_id: str) -> list[tuple[str, str]]:
        """(what it is called, value for `Side.words`): styles and the project's own prompt sets."""
        return self._prompts.choices(project_id)

    def has_heights(self, method: str) -> bool:
        """Whether the method has a switch for the surface model."""
        return "use_dsm" in get_method(method).Params.model_fields

    def heights(self, method: str, words: str) -> list[Side]:
        """The method with the surface model and without it, each with what it needs to read heights at all."""
        need = dict(get_method(method).heights_with)
        return [Side(method, words, need, "DSM"), Side(method, words, {**need, "use_dsm": False}, "no DSM")]

    def ablations(self, method: str) -> list[str]:
        """What of a method can be switched off, by name; [] where nothing can."""
        return list(get_method(method).ablations)

    def without_parts(self, method: str, words: str, parts: Sequence[str]) -> list[Side]:
        """The whole method, then it without each of these parts. Raises BadRequest.

        What a part needs to matter is said of every side, so that no pace switches it off.
        """
        known = get_method(method).ablations
        if strange := [name for name in parts if name not in known]:
            raise BadRequest(f"{method} has no part {strange[0]!r}. Choose of: {', '.join(known) or 'none'}.")
        usual = get_method(method).Params().model_dump(mode="json")
        whole = {key: usual[key] for name in parts for key in known[name]}
        sides = [Side(method, words, whole, "everything")] if parts else []
        return sides + [Side(method, words, {**whole, **known[name]}, f"no {name}") for name in parts]

    # ── starting ────────────────────────────────────────────────────────────────────────────────

    def plan(
        self,
        project_id: str,
        sides: Sequence[Side],
        shots: int,
        pace: str = "quick",
        seeds: int | None = None,
        title: str = "",
        control: bool = True,
    ) -> ComparisonPlan:
        """The plan of a comparison; the first side is what the others are compared with.

        `control`: arms that read words are run with shuffled words too.
        Raises BadRequest, TooFewLabels (no reference, and not enough labels to test on).
        """
        if len(sides) < 2:
            raise BadRequest("Choose at least 2: the first is what the others are compared with.")
        scene, project = self._workspace.scene_of(project_id), self._workspace.project(project_id)
        if scene.reference is None:
            enough_labels(project.labels(), shots, project.lesson_on)
        found = [self._arm(project_id, side) for side in sides]
        made = plan_for(named(sides, found), shots, pace, seeds, title, control)
        return made.model_copy(update={"notes": self._measured_words(project_id, sides, made)})

    def forecast(self, project_id: str, plan: ComparisonPlan) -> CompareForecast:
        """What it would take now. Raises BadRequest."""
        scene = self._compared(project_id)
        slot = self._runs.device()[0]
        store = store_of(self._workspace.project(project_id).folder / "runs" / "x")
        cells = CellStore(store, scene, slot.partition(":")[0], plan.seeds[0])
        seconds, prepared, todo, specs = 0.0, set[str](), 0, specs_of(plan, scene)
        rounds: list[float] = []  # seconds of each seed
        for seed in plan.seeds:
            this = 0.0
            for spec in specs:
                if cells.has(spec.cell(scene, plan, seed)):
                    continue
                told = self._runs.forecast_of(
                    self._request(scene, spec.variant.method, spec.variant.params, plan.shots, slot)
                )
                todo += 1
                this += told.phases["fit"] + told.phases["predict"]
                if spec.variant.key not in prepared:
                    prepared.add(spec.variant.key)
                    this += told.phases["prepare"]
            rounds.append(this)
            seconds += this
            if plan.budget_s is not None and len(rounds) >= LEAST_SEEDS and seconds > plan.budget_s:
                break
        some = f"{'' if len(rounds) == len(plan.seeds) else 'the first '}{counted(len(rounds), 'seed')}"
        maps = counted(todo, "map")
        return CompareForecast(seconds + 5, f"About {duration(seconds + 5)} for {some}, {maps} to make.")

    def start(self, project_id: str, plan: ComparisonPlan, owner: str = "") -> str:
        """Queue it and return its run's id at once. Raises BadRequest, TooFewLabels."""
        project, scene = self._workspace.project(project_id), self._workspace.scene_of(project_id)
        specs_of(plan, self._compared(project_id))  # arms that make no sense are refused here, not in the queue
        self._runs.admit()

        def prepare(folder: RunFolder, record: RunRecord) -> RunRecord:
            write_plan(folder.path, plan)
            told = f"{counted(len(plan.arms), 'arm')}, {counted(len(plan.seeds), 'seed')}"
            EventLog(folder.events_file).append("log", level="info", text=told)
            return record

        return self._runs.queue_run(
            project, scene, project.labels(), self._runs.place(), prepare, kind="compare", owner=owner,
            title=plan.title or _title(plan), method="", params={},
        )  # fmt: skip

    def run(
        self,
        scene: Scene,
        plan: ComparisonPlan,
        folder: Path,
        progress: Callable[[Progress], None] = lambda _: None,
        device: str = "cpu",
    ) -> Comparison:
        """In this process and without a project; a second call goes on. Raises BadRequest, Cancelled."""
        context = Context(progress=progress, device=device, cache_dir=self._workspace.cache_folder)
        return run_comparison(plan, folder, context, scene)

    def report_on(self, made: Comparison, folder: Path) -> Files:
        """The report's files of a comparison that `run` made."""
        return write_report(made, folder)

    def side(self, text: str) -> Side:
        """From METHOD[:WORDS][,NAME=VALUE…][@NAME]. Raises BadRequest with the choices."""
        return parse_side(text)

    def plan_on(
        self, scene: Scene, sides: Sequence[Side], shots: int, pace: str = "quick", seeds: int | None = None
    ) -> ComparisonPlan:
        """A plan without a project: words are styles. Raises BadRequest."""
        if scene.reference is None:
            raise BadRequest(f"{scene.name} has no reference to compare on: give one with --reference FILE.")
        names, found = [name for _, name in scene.reference_classes], []
        for side in sides:
            style = side.words or ("p5" if self._reads(side) else "")
            said = sentences_of(names, style, scene.name)[0] if style else {}
            found.append(_arm(side, style, said))
        return plan_for(named(sides, found), shots, pace, seeds)

    # ── looking ─────────────────────────────────────────────────────────────────────────────────

    def list(self, project_id: str) -> RunInfos:
        """The project's comparisons, newest first."""
        return self._runs.list(project_id, kind="compare")

    def get(self, run_id: str) -> CompareInfo:
        """Raises BadRequest, FileProblem."""
        folder, run = self._runs.folder(run_id), self._runs.get(run_id)
        if run.kind != "compare":
            raise BadRequest(f"Run {run_id} is a training, not a comparison.")
        found = read_comparison(folder)
        if found is not None and found.state == "running" and not run.alive:  # ended before it could say so
            found = found.model_copy(update={"state": "stopped"})
            found = found.model_copy(update=findings(found))
        return CompareInfo(run, read_plan(folder), found)

    def cancel(self, run_id: str) -> None:
        """Finished fits are kept. Raises BadRequest when it has ended."""
        self._runs.cancel(run_id)

    def go_on(self, run_id: str, owner: str = "") -> str:
        """From where it ended: the id of the run that does, another one when it was stopped. Raises BadRequest when it
        is at work or done, TooFewLabels."""
        info = self.get(run_id)
        if not info.can_go_on:
            raise BadRequest(f"This comparison is {info.run.state}: there is nothing to go on with.")
        if info.run.state == "cancelled":
            return self.start(info.run.project_id, info.plan, owner)
        return self._runs.resume(run_id).id

    def report(self, run_id: str) -> Files:
        """The report's files, of the result as it is now. Raises BadRequest."""
        info = self.get(run_id)
        if info.comparison is None:
            raise BadRequest("There is nothing to report yet: the first seed is still running.")
        return write_report(info.comparison, self._runs.folder(run_id))

    # ── inside ──────────────────────────────────────────────────────────────────────────────────

    def _compared(self, project_id: str) -> Scene:
        """The scene, or with its labels in place of a reference it lacks."""
        scene = self._workspace.scene_of(project_id)
        if scene.reference is not None:
            return scene
        return labels_as_reference(scene, self._workspace.project(project_id).labels())

    def _reads(self, side: Side) -> bool:
        method = get_method(side.method)
        return "text" in method.needs and side.params.get("use_text", True) is not False

    def _arm(self, project_id: str, side: Side) -> Arm:
        """With the sentences as they are now, by the name of the class they are compared on."""
        if not self._reads(side):
            return _arm(side, "", {})
        chosen = self._prompts.resolve(project_id, side.words or "p5")
        project, scene = self._workspace.project(project_id), self._workspace.scene_of(project_id)
        if scene.reference is None:
            names = {info.id: info.name for info in project.schema.classes}
        else:
            names = {
                key: scene.reference_names[value]
                for key, value in reference_values(project.schema.classes, scene).items()
            }
        said = {names[key]: tuple(text) for key, text in chosen.sentences.items() if key in names}
        lacking = [name for _, name in scene.reference_classes if name not in said]
        if lacking and chosen.style:
            said |= sentences_of(lacking, chosen.style, scene.name)[0]
        return _arm(side, chosen.style or chosen.title, said)

    def _measured_words(self, project_id: str, sides: Sequence[Side], plan: ComparisonPlan) -> tuple[str, ...]:
        """A note on every prompt set that says what was measured on the user's labels: most of these test here."""
        project, found = self._workspace.project(project_id), []
        for side in sides:
            chosen = self._prompts.resolve(project_id, side.words or "p5") if self._reads(side) else None
            if chosen is not None and chosen.set_id and project.words.measured(chosen.set_id, chosen.version):
                found.append(chosen.title)
        if not found:
            return ()
        scene, labels = self._compared(project_id), project.labels()
        reference = np.where(scene.valid, scene.reference, 0)  # type: ignore[arg-type]  # `_compared` gives one
        flat = np.ravel_multi_index((labels.row, labels.col), scene.shape[:2])
        able = flat[reference.ravel()[flat] > 0]
        tests = [able.size - np.isin(able, draw_shots(reference, plan.shots, seed)).sum() for seed in plan.seeds]
        return tuple(
            f"{title}: its words were measured on your labelled pixels, and {np.mean(tests):,.0f} of these "
            f"{flat.size:,} test here (mean over the seeds). Part of its figures is what the words were told."
            for title in dict.fromkeys(found)
        )

    def _request(self, scene: Scene, method: str, params: dict[str, Any], shots: int, slot: str) -> Request:
        classes = len(scene.reference_classes)
        return Request(method, params, scene.id, scene.shape, shots * classes, classes, slot, self._runs.device_name())


def _title(plan: ComparisonPlan) -> str:
    return " / ".join(arm.name for arm in plan.arms)


__all__ = [
    "CompareForecast",
    "CompareInfo",
    "Comparison",
    "ComparisonPlan",
    "Comparisons",
    "Side",
    "method_title",
    "parse_side",
]
