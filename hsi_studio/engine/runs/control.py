"""The worker's side of `methods.Context`: control, checkpoints, curves and previews of one run.

Control comes as lines on standard input, "cancel" or "pause"; its end means that the program that started the run is
gone. Cancel stops the method at its next check. The two others first wait for a checkpoint, where the method makes
any: `due` then answers yes, and `save` ends the work once the file is written.

A checkpoint is written beside the last one and renamed. It carries a key of everything that shapes the training
(method, parameters, labels, prompts, scene, seed, kind of device): one of another training is not used.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from hsi_studio.edges import as_typed
from hsi_studio.engine.runs.events import EventLog
from hsi_studio.errors import Cancelled
from hsi_studio.files import write_bytes
from hsi_studio.methods.contract import State
from hsi_studio.types import Progress

log = logging.getLogger(__name__)

PATIENCE_S = 10.0  # how long a pause waits for a method that makes checkpoints
PROGRESS_EVERY_S = 0.25
METRIC_EVERY_S = 0.2
HEADER = "hsi_studio_training"  # in the file's metadata


class RunControl:
    """What is requested of the run: nothing, "cancel", "pause"; "orphan": nobody is left to request anything; or
    "time": it has worked for as long as it may."""

    def __init__(self, stream: BinaryIO | None = None) -> None:
        self.requested = ""
        self.requested_at = 0.0
        self._saved_at = float("-inf")  # when the method last asked whether to save
        if stream is not None:
            threading.Thread(target=self._listen, args=(stream,), name="control", daemon=True).start()

    @property
    def stops_at_checkpoint(self) -> bool:
        """Whether the work is to end once its state is saved."""
        return self.requested in ("pause", "orphan", "time")

    def request(self, what: str) -> None:
        """The first request counts, but a cancel is always heard."""
        if not self.requested or what == "cancel":
            self.requested, self.requested_at = what, time.monotonic()

    def cancelled(self) -> bool:
        """Whether to stop now."""
        if self.requested in ("", "cancel"):
            return bool(self.requested)
        now = time.monotonic()
        saves = self.requested_at - self._saved_at < PATIENCE_S  # a method that makes checkpoints, and is at it
        return not saves or now - self.requested_at > PATIENCE_S

    def makes_checkpoints(self) -> None:
        """The method asks whether to save: a pause can wait for it."""
        self._saved_at = time.monotonic()

    def no_more_checkpoints(self) -> None:
        """What comes now makes none: a pause stops it at once."""
        self._saved_at = float("-inf")

    def _listen(self, stream: BinaryIO) -> None:
        for line in stream:
            word = line.decode("ascii", "replace").strip()
            if word in ("cancel", "pause"):
                self.request(word)
        self.request("orphan")


class RunCheckpoints:
    """`methods.Checkpoints` in a run folder."""

    def __init__(
        self,
        folder: Path,
        key: str,
        control: RunControl,
        every_s: float = 10.0,
        tell: Callable[[str, str], None] = lambda level, text: None,
    ) -> None:
        self.folder, self.key, self.control, self.every_s, self.tell = folder, key, control, every_s, tell
        self.seconds = 0.0  # spent on saving
        self._last = time.monotonic()

    def load(self, stage: str) -> State | None:
        """The last state of this training under this name; damaged ones are told and left."""
        from safetensors import SafetensorError, safe_open

        path = self.file(stage)
        if not path.is_file():
            return None
        try:
            with safe_open(path, framework="numpy") as stream:
                meta = stream.metadata() or {}
                if meta.get("key") != self.key:
                    self.tell("warning", f"{path.name} is of a training with other settings: it is not used.")
                    return None
                header = json.loads(meta[HEADER])  # not `stored.loads`: a training's state may hold NaN
                if not isinstance(header, dict):
                    raise ValueError("its header is no object")
                state = State({name: stream.get_tensor(name) for name in stream.keys()}, header)  # noqa: SIM118
        except (OSError, SafetensorError, ValueError, KeyError, RecursionError) as error:
            self.tell("warning", f"{path.name} cannot be read ({error}): this stage begins again.")
            return None
        self.tell("info", f"{stage} goes on from its checkpoint{_step(header)}.")
        return state

    def due(self) -> bool:
        """Whether to save now: it is time for it, or a pause waits for it."""
        self.control.makes_checkpoints()
        passed = time.monotonic() - self._last
        return self.control.stops_at_checkpoint or passed >= max(self.every_s, 50 * self._cost)

    _cost = 0.0  # seconds the last one took: saving shall stay below 2 % of the time

    def save(self, stage: str, state: State) -> None:
        """Raises Cancelled after a save that a pause asked for. A disk that takes no more stops no training: it is
        told, and the last checkpoint stays."""
        from safetensors.numpy import save

        started = time.monotonic()
        text = json.dumps(state.header, allow_nan=True)
        arrays = {name: _plain(value) for name, value in state.arrays.items()}
        try:
            write_bytes(self.file(stage), save(arrays, metadata={"key": self.key, HEADER: text}))
        except OSError as error:
            log.warning("%s cannot be written: %s", self.file(stage), error)
            with contextlib.suppress(OSError):  # the log is on the same disk
                self.tell("warning", f"The state cannot be saved: {as_typed(error)} The training goes on without.")
        self._last = time.monotonic()
        self._cost = self._last - started
        self.seconds += self._cost
        if self.control.stops_at_checkpoint:
            raise Cancelled("Paused.")

    def file(self, stage: str) -> Path:
        name = re.sub(r"[^A-Za-z0-9_-]", "_", stage)[:80] or "state"
        return self.folder / f"checkpoint-{name}.safetensors"


def _plain(array: Any) -> Any:
    """Contiguous, its shape kept (`ascontiguousarray` makes a vector of a number)."""
    import numpy as np

    return np.ascontiguousarray(array).reshape(np.shape(array))


def _step(header: dict[str, Any]) -> str:
    step, steps = header.get("step"), header.get("steps")
    return f", step {step:,} of {steps:,}" if isinstance(step, int) and isinstance(steps, int) else ""


def training_key(**facts: Any) -> str:
    """64 hex digits of what shapes a training."""
    text = json.dumps(facts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass
class Reporter:
    """Progress and curves as events, thinned out: four and five a second, the last of each always."""

    log: EventLog
    later_s: Callable[[], float | None] = lambda: None  # forecast of the phases that follow the present one
    _said_at: float = float("-inf")
    _said: str = ""
    _metric_at: dict[str, float] = field(default_factory=dict)
    _held: dict[str, dict[str, Any]] = field(default_factory=dict)  # by stage: the last one, if it was dropped

    def progress(self, progress: Progress) -> None:
        now = time.monotonic()
        head = progress.message.split(",")[0]
        if now - self._said_at < PROGRESS_EVERY_S and head == self._said:
            return
        self._said_at, self._said = now, head
        left, later = progress.seconds_left, self.later_s()
        both = None if left is None else round(left + (later or 0.0), 2)
        self._write("progress", message=progress.message, done=progress.done, total=progress.total, seconds_left=both)

    def metrics(self, stage: str, step: int, steps: int, values: dict[str, float]) -> None:
        event = {"stage": stage, "step": step, "steps": steps, "values": values}
        now = time.monotonic()
        if now - self._metric_at.get(stage, float("-inf")) < METRIC_EVERY_S and step < steps - 1:
            self._held[stage] = event
            return
        self._metric_at[stage] = now
        self._held.pop(stage, None)
        self._write("metric", **event)

    def flush(self) -> None:
        """Write what was held back."""
        for event in self._held.values():
            self._write("metric", **event)
        self._held.clear()

    def _write(self, kind: str, **values: Any) -> None:
        """A point of a curve that a full disk does not take is missing, and costs nothing else."""
        try:
            self.log.append(kind, **values)
        except OSError as error:
            log.warning("an event of kind %s cannot be written: %s", kind, error)
