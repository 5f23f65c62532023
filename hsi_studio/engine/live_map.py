"""The map that follows the clicks: one background thread a project, the newest labels win.

    request(labels) ─▶ [waiting: only the newest set] ─▶ fit ─▶ predict ─▶ publish map ─▶ accuracy ─▶ publish report

- A request never blocks; requests that arrive during a fit replace each other, so the thread is never
  more than one fit behind the last click.
- The map is published before its accuracy, because the user waits for the map.
- Label-free features are prepared as soon as the thread starts, before any label exists.
- Every status is an immutable value; readers never see half of one.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from hsi_studio.edges import sentence
from hsi_studio.engine.evaluation.map_accuracy import AccuracyReport, accuracy_report, reference_values
from hsi_studio.engine.evaluation.metrics import Estimate
from hsi_studio.engine.mapping.predict import predict_scene
from hsi_studio.engine.mapping.schema_match import in_schema
from hsi_studio.errors import Cancelled, StudioError, TooFewLabels
from hsi_studio.methods.contract import Context, Fitted, Method, Params
from hsi_studio.types import LabelSet, Prediction, Progress, PromptSet, Scene

log = logging.getLogger(__name__)

MAP_FIRST_SECONDS = 0.05  # between a map and its accuracy
IDLE_SECONDS = 2.0  # without a click, until what the class names mean is found out before a map needs it


@dataclass(frozen=True)
class Reached:
    """What a map of so many labels reached: overall accuracies as fractions, away from the labels too where there is a
    reference."""

    labels: int
    revision: int
    oa: Estimate
    away: Estimate | None = None
    whole: float | None = None  # of all the reference, so that ground of classes without labels counts as wrong


@dataclass(frozen=True)
class LiveStatus:
    """What is known now. `revision` is the labels' revision that was worked on last, map or not."""

    revision: int = -1
    prediction: Prediction | None = None
    report: AccuracyReport | None = None
    report_revision: int = -1
    progress: Progress | None = None  # None = idle
    message: str = ""  # why there is no map: "Label a pixel of a second class."
    error: str = ""  # what went wrong, with the remedy
    seconds: float = 0.0  # of the last fit + predict
    words: str = ""  # what the class names add to the map, or why they are turned off
    remade: int = 0  # maps made anew of labels that had one: something else had changed, as what is known of words
    climb: tuple[Reached, ...] = ()  # accuracy over the number of labels, since this thread began


class LiveMap:
    """Keeps a project's map up to date in a daemon thread. All public methods are thread-safe."""

    def __init__(self, scene: Scene, method: Method, params: Params, context: Context) -> None:
        self.scene, self.method, self.params = scene, method, params
        self._stop = threading.Event()
        self._changed = threading.Condition()
        self._wanted: LabelSet | None = None
        self._asked = -1  # the newest revision that was asked for
        self._again = False  # the next map is made even of the same labels
        self._requests = self._taken = self._served = 0  # how many there were, are worked on, have their map
        self._names: tuple[str, ...] = ()  # of classes whose meaning may be asked for before a map needs it
        self._counts: npt.NDArray[np.intp] | None = None  # pixels of the reference by value
        self._mapped: LabelSet | None = None  # of the last map and its accuracy
        self._status = LiveStatus(progress=Progress("Waiting to start"))
        self._context = replace(context, progress=self._show_progress, cancelled=self._stop.is_set)
        self._thread = threading.Thread(target=self._run, name=f"live-{scene.name}", daemon=True)
        self._thread.start()

    @property
    def status(self) -> LiveStatus:
        with self._changed:
            return self._status

    @property
    def asked(self) -> int:
        """The newest revision that a map was asked for; −1 for none."""
        with self._changed:
            return self._asked

    def request(self, labels: LabelSet, again: bool = False) -> None:
        """Ask for the map of these labels. A label set with an older revision than the waiting one is ignored.

        `again`: also where the labels are those of the last map, since something else it is made of has changed.
        """
        with self._changed:
            self._again = self._again or again
            newest = self._wanted.revision if self._wanted is not None else self._status.revision
            if labels.revision < newest:
                return
            self._wanted, self._asked = labels, max(self._asked, labels.revision)
            self._requests += 1
            if self._thread.is_alive():
                self._status = replace(self._status, error="")  # the last failure was about older labels
            self._changed.notify_all()

    def wait(self, revision: int, timeout: float, report: bool = False) -> LiveStatus:
        """Block until `revision` (or a later one) has its map, with `report` its accuracy too, or `timeout` seconds
        have passed."""

        def done() -> bool:
            reached = self._status.report_revision if report else self._status.revision
            return reached >= revision or bool(self._status.error) or self._stop.is_set()

        with self._changed:
            self._changed.wait_for(done, timeout)
            return self._status

    def settled(self, timeout: float) -> LiveStatus:
        """Block until every request so far has its map and that map its accuracy, or `timeout` seconds have passed."""
        with self._changed:
            asked = self._requests

            def done() -> bool:
                now = self._status
                ready = self._served >= asked and now.report_revision >= now.revision
                return ready or bool(now.error) or self._stop.is_set()

            self._changed.wait_for(done, timeout)
            return self._status

    def close(self) -> None:
        """Stop the thread. The last status stays readable."""
        self._stop.set()
        with self._changed:
            self._changed.notify_all()

    def ended(self, timeout: float) -> None:
        """After `close`: wait for the thread, so long at most. A thread that the end of the program meets inside a
        library's code ends it with an abort."""
        if threading.current_thread() is not self._thread:
            self._thread.join(max(timeout, 0.0))

    def _publish(self, **changes: Any) -> None:
        with self._changed:
            self._status = replace(self._status, **changes)
            if "revision" in changes:
                self._served = self._taken
            self._changed.notify_all()

    def _show_progress(self, progress: Progress) -> None:
        self._publish(progress=progress)

    def _run(self) -> None:
        if not self._guarded(self._prepare):
            return
        while not self._stop.is_set():
            with self._changed:
                idle = IDLE_SECONDS if self._names else None
                self._changed.wait_for(lambda: self._wanted is not None or self._stop.is_set(), idle)
                labels, self._wanted, self._taken = self._wanted, None, self._requests
            if labels is None and self._names and not self._stop.is_set():
                self._guarded(self._ask_words)
            if labels is not None:
                self._guarded(lambda labels=labels: self._refresh(labels))  # type: ignore[misc]

    def _guarded(self, work: Callable[[], None]) -> bool:
        """Run a step; publish what went wrong instead of letting the thread die."""
        try:
            work()
        except Cancelled:
            return False
        except StudioError as error:
            self._publish(error=str(error), progress=None)
            return False
        except Exception as error:
            self._publish(
                error=f"The map could not be made. {sentence(error)}",
                progress=None,
            )
            return False
        return True

    def _prepare(self) -> None:
        self._publish(progress=Progress("Reading the scene"))
        _ = self.scene.valid
        self.method.prepare(self.scene.without_reference(), self.params, self._context)
        self._publish(progress=None)

    def _ask_words(self) -> None:
        """Have the meaning of the class names found out while nothing is clicked: at the third labelled class it would
        share the interpreter with clicks."""
        names, self._names = self._names, ()
        self._context.words(self.scene.without_reference(), names)

    def _refresh(self, labels: LabelSet) -> None:
        started = time.perf_counter()
        with self._changed:
            again, self._again = self._again, False
        if not again and self._mapped is not None and same_labels(labels, self._mapped):  # other words, the same labels
            now = self._status
            shown = replace(now.prediction, revision=labels.revision) if now.prediction is not None else None
            self._mapped = labels
            self._publish(prediction=shown, revision=labels.revision, report_revision=labels.revision, progress=None)
            return
        self._mapped = None
        known = labels.only_labelled()
        # The reference stays behind: a method that cannot see test labels cannot use them.
        blind = self.scene.without_reference()
        try:
            fitted = self.method.fit(blind, known, PromptSet(), self.params, self._context)
        except TooFewLabels as few:
            self._publish(
                revision=labels.revision, prediction=None, message=str(few), report=None,
                report_revision=labels.revision, progress=None, climb=(),
            )  # fmt: skip
            self._mapped, self._names = labels, tuple(labels.schema.names)
            return
        self._names = ()
        prediction = predict_scene(
            fitted, blind, self.method.name, self.params.model_dump(), labels.revision, self._context
        )
        prediction = in_schema(prediction, labels.schema)
        anew = {"remade": self.status.remade + 1, "report_revision": -1} if again else {}  # the old report is not of it
        self._publish(
            revision=labels.revision, prediction=prediction, message="", progress=None,
            seconds=time.perf_counter() - started, **anew,
        )  # fmt: skip
        with self._changed:
            # Whoever waits for the map fetches it now, and would share the interpreter with its accuracy.
            self._changed.wait_for(lambda: self._wanted is not None or self._stop.is_set(), MAP_FIRST_SECONDS)
            if self._wanted is not None:  # a newer click waits: its map comes before this one's accuracy
                return
        left_out = None
        if self.scene.reference is None:
            left_out = fitted.leave_one_out()
        report = accuracy_report(prediction, labels, self.scene, loo=left_out)
        report = replace(report, notes=(*report.notes, *fitted.notes))
        words = self._words(fitted, blind, labels, report)
        self._publish(
            report=report,
            report_revision=labels.revision,
            words=words,
            progress=None,  # the map without words, which they are measured by, told of its own
            climb=climbed(self.status.climb, len(known), report, self._covered(known)),
        )
        self._mapped = labels

    def _covered(self, known: LabelSet) -> float | None:
        """Which share of the reference's pixels is of the labelled classes."""
        if self.scene.reference is None:
            return None
        if self._counts is None:
            self._counts = np.bincount(np.maximum(self.scene.reference[self.scene.valid], 0))
            self._counts[0] = 0  # no class
        values = [v for v in reference_values(known.schema.classes, self.scene).values() if v < self._counts.size]
        total = int(self._counts.sum())
        return float(self._counts[values].sum()) / total if total else None

    def _words(self, fitted: Fitted, blind: Scene, labels: LabelSet, report: AccuracyReport) -> str:
        """What the class names add, measured as the report is; "" for methods that know nothing of words."""
        told = fitted.words_told()
        if told is None:
            return ""
        plain = told.without
        names = labels.only_labelled().schema.names
        alarms = "; ".join(f"the labels of {names[a]} look like what “{names[b]}” means" for a, b in told.alarms)
        alarm = f" Check: {alarms}." if alarms else ""
        if not told.tested:
            return "Class names are not used: two are too few to be tested against the labels."
        agree = f"{100 * (1 - told.p):.0f} % of shuffled names"
        if plain is None:
            return f"Class names are not used: they fit your labels hardly better than chance (than {agree}).{alarm}"
        with self._changed:
            waited_for = self._wanted is not None  # a newer click is not kept waiting by a second map of this one
        gain = "" if waited_for else self._gain(plain, blind, labels, report)
        return f"Class names are used{gain}. They fit your labels better than {agree}.{alarm}"

    def _gain(self, plain: Fitted, blind: Scene, labels: LabelSet, report: AccuracyReport) -> str:
        """The accuracy beside that of the same fit without words; "" where there is none."""
        without = predict_scene(plain, blind, self.method.name, {}, labels.revision, self._context)
        loo = plain.leave_one_out() if self.scene.reference is None else None
        before = accuracy_report(in_schema(without, labels.schema), labels, self.scene, loo=loo).main.oa
        now = report.main.oa
        if before is None or now is None:
            return ""
        return f": OA {100 * now.value:.1f} with them, {100 * before.value:.1f} without"


def climbed(
    before: tuple[Reached, ...], n_labels: int, report: AccuracyReport, covered: float | None
) -> tuple[Reached, ...]:
    """The curve with one point more. `covered`: which share of the reference is of labelled classes. Labels that were
    taken away take their points along: the curve is that of the labels as they were given, and has one point a number
    of labels."""
    kept = tuple(one for one in before if one.labels < n_labels)
    if report.main.oa is None:
        return kept
    away = None if report.buffered is None else report.buffered.oa
    whole = None if covered is None else covered * report.main.oa.value
    return (*kept, Reached(n_labels, report.revision, report.main.oa, away, whole))


def same_labels(a: LabelSet, b: LabelSet) -> bool:
    """The same classes and labelled pixels; the revision may differ (prompts are in the journal too)."""
    pairs = ((a.row, b.row), (a.col, b.col), (a.label, b.label))
    return a.schema == b.schema and all(np.array_equal(x, y) for x, y in pairs)
