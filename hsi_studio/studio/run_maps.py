"""The maps of runs as layers of `studio.displayed`."""

from __future__ import annotations

from hsi_studio.engine.evaluation.map_accuracy import AccuracyReport, accuracy_report
from hsi_studio.errors import BadRequest, LabelProblem
from hsi_studio.studio.displayed_map import DisplayedMap
from hsi_studio.studio.layers import Layer, layer_id
from hsi_studio.studio.run_info import RunInfo
from hsi_studio.studio.runs import Runs
from hsi_studio.studio.workspace import Workspace
from hsi_studio.types import LabelSet


class RunMapSource:
    """Maps of the project's runs: the one a run ended with, its newest preview until then."""

    def __init__(self, workspace: Workspace, runs: Runs) -> None:
        self._workspace, self._runs = workspace, runs

    def listed(self, project_id: str) -> list[Layer]:
        found = []
        for info in self._runs.list(project_id):
            ready = self._runs.has_map(info.id)
            if ready or info.alive:
                shots = f"{info.shots[1]} label{'s' * (info.shots[1] != 1)} a class"
                words = info.prompt_set or info.prompts
                when = info.created[:19].replace("T", " ")
                facts = (info.method, words, f"seed {info.seed}", *_settings(info), shots, when, info.id)
                block, away = info.figures
                oa, pixels = (block.get("oa") or {}).get("value"), int(block.get("n") or 0)
                run = Layer(layer_id("run", info.id), info.title, ready, oa=oa, pixels=pixels, away=away, facts=facts)
                found.append(run)
        return found

    def title(self, project_id: str, item: str) -> str:
        self._check(project_id, item)
        return self._runs.record(item).title

    def displayed(self, project_id: str, item: str) -> DisplayedMap | None:
        self._check(project_id, item)
        whole = self._runs.prediction(item)
        if whole is not None:
            return DisplayedMap("run", item, whole, project_id, self)
        preview = self._runs.preview(item)
        if preview is None:
            return None
        return DisplayedMap("preview", item, preview, project_id, self, version=self._runs.preview_stamp(item))

    def finished(self, project_id: str, item: str, timeout: float) -> DisplayedMap:
        found = self.displayed(project_id, item)
        if found is None:
            info = self._runs.get(item)
            raise LabelProblem(f"“{info.title}” has no map: the run is {info.state}. {info.reason}".strip())
        return found

    def report(self, shown: DisplayedMap) -> AccuracyReport | None:
        """As it was computed when the run ended; of a run that kept none, on the labels it was trained on."""
        found = self._runs.report(shown.id)
        if found is None and shown.source == "run":
            return accuracy_report(
                shown.prediction, self._runs.labels(shown.id), self._workspace.scene_of(shown.project_id)
            )
        return found

    def seen(self, shown: DisplayedMap) -> LabelSet:
        return self._runs.labels(shown.id)

    def _check(self, project_id: str, item: str) -> None:
        """Raises BadRequest, FileProblem."""
        if not self._runs.exists(item) or self._runs.project_of(item) != project_id:
            raise BadRequest(f"There is no run {item[:80]!r} in this project.")
        if self._runs.record(item).kind != "train":
            raise BadRequest(f"Run {item} is a comparison: its maps are “comparison:{item}/0” and so on.")


def _settings(info: RunInfo) -> tuple[str, ...]:
    return (", ".join(f"{name} {value}" for name, value in info.changed.items()),)
