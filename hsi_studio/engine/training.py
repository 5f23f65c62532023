"""One training in the background: fit a method on the labels as they are, map the scene, measure the map.

A thread of this process; the status is one immutable value, so readers never see half of it. Cancel takes
effect at the method's next check (within a second, by contract).
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, replace
from typing import Any, Literal

from hsi_studio.engine.accuracy import AccuracyReport, accuracy_report
from hsi_studio.engine.live_map import in_schema
from hsi_studio.engine.predict import predict_scene
from hsi_studio.errors import Cancelled, StudioError, TooFewLabels
from hsi_studio.methods import Context, Method, Params
from hsi_studio.types import LabelSet, Prediction, Progress, PromptSet, Scene

log = logging.getLogger(__name__)

State = Literal["running", "done", "stopped", "failed"]


@dataclass(frozen=True)
class TrainingStatus:
    """How far a training is, and what came of it."""

    state: State
    method: str
    revision: int  # of the labels it uses
    shots: tuple[int, int]  # fewest and most labels of a class
    progress: Progress | None = None
    fit_seconds: float = 0.0
    predict_seconds: float = 0.0
    prediction: Prediction | None = None
    report: AccuracyReport | None = None
    error: str = ""


class Training:
    """A running or finished training. Starts when it is made."""

    def __init__(
        self, scene: Scene, labels: LabelSet, method: Method, params: Params, prompts: PromptSet, context: Context
    ) -> None:
        self.scene, self.labels, self.method, self.params, self.prompts = scene, labels, method, params, prompts
        self._stop = threading.Event()
        self._lock = threading.Lock()
        counts = labels.counts[labels.counts > 0]
        shots = (int(counts.min()), int(counts.max())) if counts.size else (0, 0)
        self._status = TrainingStatus("running", method.name, labels.revision, shots, Progress("Starting"))
        self._context = replace(
            context, progress=lambda progress: self._set(progress=progress), cancelled=self._stop.is_set
        )
        self._thread = threading.Thread(target=self._run, name=f"train-{method.name}", daemon=True)
        self._thread.start()

    @property
    def status(self) -> TrainingStatus:
        with self._lock:
            return self._status

    def cancel(self) -> None:
        self._stop.set()

    def wait(self, timeout: float | None = None) -> TrainingStatus:
        self._thread.join(timeout)
        return self.status

    def _set(self, **changes: Any) -> None:
        with self._lock:
            self._status = replace(self._status, **changes)

    def _run(self) -> None:
        try:
            self._train()
        except Cancelled:
            self._set(state="stopped", progress=None)
        except StudioError as error:
            self._set(state="failed", progress=None, error=str(error))
        except Exception as error:
            log.exception("training of %s", self.method.name)
            self._set(
                state="failed",
                progress=None,
                error=f"The training failed ({type(error).__name__}: {error}). The log has the details.",
            )

    def _train(self) -> None:
        known, blind = self.labels.only_labelled(), self.scene.without_reference()
        self.method.prepare(blind, self.params, self._context)
        started = time.perf_counter()
        fitted = self.method.fit(blind, known, self.prompts, self.params, self._context)
        fit_seconds, started = time.perf_counter() - started, time.perf_counter()
        prediction = predict_scene(
            fitted, blind, self.method.name, self.params.model_dump(), self.labels.revision, self._context
        )
        predict_seconds = time.perf_counter() - started
        prediction = in_schema(prediction, self.labels.schema)
        left_out = fitted.leave_one_out() if self.scene.reference is None else None
        report = accuracy_report(prediction, self.labels, self.scene, loo=left_out)
        self._set(
            state="done",
            progress=None,
            prediction=prediction,
            report=report,
            fit_seconds=fit_seconds,
            predict_seconds=predict_seconds,
        )


def device() -> tuple[str, str]:
    """(torch device, the reason for people): "CUDA: NVIDIA H200, 139 GiB free" or "CPU: no CUDA device found"."""
    import torch

    if torch.cuda.is_available():
        free, _ = torch.cuda.mem_get_info()
        return "cuda", f"CUDA: {torch.cuda.get_device_name()}, {free / 2**30:.0f} GiB free"
    return "cpu", "CPU: no CUDA device found"


def enough_to_train(labels: LabelSet) -> None:
    """Raises TooFewLabels before a thread is started for nothing."""
    labelled = int((labels.counts > 0).sum())
    if labelled < 2:
        need = "a pixel of each of two classes" if labelled == 0 else "a pixel of a second class"
        raise TooFewLabels(f"Label {need} before training.")
