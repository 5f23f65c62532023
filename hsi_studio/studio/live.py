"""`studio.live_maps`: the maps that follow the clicks, one a project, made on a thread of its own.

>>> studio.live_maps.refresh(project.id)
>>> studio.live_maps.get(project.id).wait(project.revision, timeout=30).prediction

A thread starts when its map is first asked for. `MAX_LIVE` of them are kept; the one unused longest is closed first,
and started again when it is needed. The live map is also a layer of `studio.displayed`, the one that is always there.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from hsi_studio.engine.evaluation.map_accuracy import AccuracyReport
from hsi_studio.engine.live_map import LiveMap, LiveStatus
from hsi_studio.engine.mapping.wavering import Place, margins, wavering
from hsi_studio.errors import BadRequest, LabelProblem, StudioError
from hsi_studio.methods import LIVE_METHOD, get_method
from hsi_studio.methods.contract import Context, Fitted, WordPosteriors
from hsi_studio.studio import Subject
from hsi_studio.studio.displayed_map import DisplayedMap
from hsi_studio.studio.layers import LIVE, Layer, measured
from hsi_studio.studio.workspace import Workspace
from hsi_studio.types import LabelSet, PromptSet, Scene

ClassWords = Callable[[str, Scene, tuple[str, ...]], WordPosteriors | None]
MAX_LIVE = 8  # live-map threads kept
END_SECONDS = 5.0  # that the end waits for threads that are at work


@dataclass
class _Threads:
    """Of everybody who works in one home, the one used last at the end."""

    of: OrderedDict[str, LiveMap] = field(default_factory=OrderedDict)  # by project
    lock: threading.RLock = field(default_factory=threading.RLock)
    wordless: set[str] = field(default_factory=set)  # projects whose maps are to be made without their class names


class LiveMaps(Subject):
    """One subject of `Studio`. Safe to call from many threads. `method`: name of the one that makes the maps."""

    def __init__(self, workspace: Workspace, method: str = LIVE_METHOD) -> None:
        self._workspace, self.method = workspace, method
        self._threads = workspace.shared(_Threads)
        # project, scene, class names → what they mean there; set by the façade
        self.class_words: ClassWords = lambda project_id, scene, names: None
        # waits until what they mean is known, where that is being found out; whether it is known; set by the façade
        self.wait_for_words: Callable[[str, float], bool] = lambda project_id, timeout: False
        workspace.on_close(self.forget)

    def get(self, project_id: str) -> LiveMap:
        """The project's live map; its thread starts on the first call. Raises BadRequest, FileProblem."""
        project, scene = self._workspace.project(project_id), self._workspace.scene_of(project_id)
        with self._threads.lock:
            known = self._threads.of.get(project_id)
            if known is not None and _seen(known.scene) != _seen(scene):  # bands left out or brought back, handed in
                self._threads.of.pop(project_id).close()
                known = None
            if known is not None:
                self._threads.of.move_to_end(project_id)
                return known
            method = get_method(self.method)
            made = LiveMap(scene, method, method.Params(), self._context(project_id, Context()))
            self._threads.of[project_id] = made
            while len(self._threads.of) > MAX_LIVE:
                _, oldest = self._threads.of.popitem(last=False)
                oldest.close()
        made.request(project.labels())
        return made

    def refresh(self, project_id: str, again: bool = False) -> None:
        """Ask for a map of the labels as they are now; with `again` also when they are the same. Returns at once.

        Raises BadRequest, FileProblem.
        """
        self.get(project_id).request(self._workspace.project(project_id).labels(), again)

    def words_known(self, project_id: str) -> None:
        """What its class names mean is known now: the map is made again, where there is one."""
        with self._threads.lock:
            live = self._threads.of.get(project_id)
        if live is not None:
            live.request(self._workspace.project(project_id).labels(), again=True)

    def fit(self, project_id: str, labels: LabelSet, ctx: Context) -> Fitted:
        """The model of the project's live map, of these labels: with what its class names mean, as the map is made.

        Raises TooFewLabels, and as `get`.
        """
        method, scene = get_method(self.method), self._workspace.scene_of(project_id).without_reference()
        made = self._context(project_id, ctx)
        return method.fit(scene, labels.only_labelled(), PromptSet(), method.Params(), made)

    def words_in(self, project_id: str) -> bool:
        """Whether the map of its labels is made from its class names too."""
        return self.uses_words(project_id) and self.wait_for_words(project_id, 0.0)

    def _context(self, project_id: str, ctx: Context) -> Context:
        def words(scene: Scene, names: tuple[str, ...]) -> WordPosteriors | None:
            return self._words(project_id, scene, names)

        return replace(ctx, cache_dir=self._workspace.cache_folder, words=words)

    def uses_words(self, project_id: str) -> bool:
        return project_id not in self._threads.wordless

    def use_words(self, project_id: str, on: bool) -> None:
        """Whether the map starts from the class names; kept until the program ends. Raises BadRequest, FileProblem."""
        with self._threads.lock:
            (self._threads.wordless.discard if on else self._threads.wordless.add)(project_id)
        self.refresh(project_id, again=True)

    def _words(self, project_id: str, scene: Scene, names: tuple[str, ...]) -> WordPosteriors | None:
        return self.class_words(project_id, scene, names) if self.uses_words(project_id) else None

    def status(self, project_id: str) -> LiveStatus:
        """How far it is. Raises BadRequest, FileProblem."""
        return self.get(project_id).status

    def next_place(self, project_id: str, shown: Iterable[tuple[int, int]] = ()) -> Place:
        """Where a label would teach the map most: it wavers there between two classes. `shown`: places (row, column)
        that were passed over. Raises LabelProblem where every place was, TooFewLabels, BadRequest, FileProblem."""
        labels = self._workspace.project(project_id).labels()
        blind = self._workspace.scene_of(project_id).without_reference()
        fitted = self.fit(project_id, labels, Context())
        at = zip(labels.row.tolist(), labels.col.tolist(), strict=True)
        found = wavering(fitted, blind, margins(fitted, blind), at, shown)
        if found is None:
            raise LabelProblem("Every place was shown, or lies at a label: the map wavers nowhere else.")
        return found

    def known(self, project_id: str) -> LiveStatus | None:
        """The same of a map whose thread runs already; None for the others."""
        with self._threads.lock:
            live = self._threads.of.get(project_id)
        return None if live is None else live.status

    def forget(self, project_id: str, scene_id: str) -> None:
        """A project was closed to save memory: its map goes too, and is made again when somebody looks."""
        with self._threads.lock:
            live = self._threads.of.pop(project_id, None)
        if live is not None:
            live.close()

    def close(self) -> None:
        """End the threads; waits a few seconds for them."""
        with self._threads.lock:
            all_of_them = list(self._threads.of.values())
            self._threads.of.clear()
        for live in all_of_them:
            live.close()
        until = time.monotonic() + END_SECONDS
        for live in all_of_them:
            live.ended(until - time.monotonic())

    # ── a layer of `studio.displayed` ───────────────────────────────────────────────────────────

    def listed(self, project_id: str) -> list[Layer]:
        status = self.status(project_id)
        return [measured(Layer(LIVE, self.title(project_id, ""), status.prediction is not None), status.report)]

    def title(self, project_id: str, item: str) -> str:
        return "Map of your labels"

    def displayed(self, project_id: str, item: str) -> DisplayedMap | None:
        return self._shown(project_id, item, self.status(project_id))

    def finished(self, project_id: str, item: str, timeout: float) -> DisplayedMap:
        """Of the newest labels: waits for it, for what its class names mean, and for its accuracy."""
        live, until = self.get(project_id), time.monotonic() + timeout
        labels = self._workspace.project(project_id).labels()
        if live.asked < labels.revision:  # changed by another program, or by Python on the project itself
            live.request(labels)
        status = live.wait(labels.revision, timeout)
        if status.prediction is not None and not status.error:
            if self.uses_words(project_id):
                self.wait_for_words(project_id, until - time.monotonic())
            status = live.settled(until - time.monotonic())
        if status.error:
            raise StudioError(status.error)
        found = self._shown(project_id, item, status)
        if found is None:
            raise LabelProblem(status.message or "There is no map yet: label pixels of two classes first.")
        if status.report_revision == found.prediction.revision:  # of this very map, whatever is clicked meanwhile
            vars(found)["report"] = status.report
        return found

    def report(self, shown: DisplayedMap) -> AccuracyReport | None:
        """Of the newest labels it was computed for: it comes a moment after the map."""
        return self.status(shown.project_id).report

    def seen(self, shown: DisplayedMap) -> LabelSet:
        return self._workspace.project(shown.project_id).labels()

    def _shown(self, project_id: str, item: str, status: LiveStatus) -> DisplayedMap | None:
        if item:
            raise BadRequest(f"There is one live map of a project: “live”, not “live:{item[:80]}”.")
        if status.prediction is None:
            return None
        return DisplayedMap("live", "", status.prediction, project_id, self, version=str(status.remade or ""))


def _seen(scene: Scene) -> tuple[str, bool]:
    """What a map and its accuracy are made from: a lesson's scene has one id, with its reference and without."""
    return scene.id, scene.reference is None
