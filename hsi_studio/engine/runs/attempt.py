"""One attempt at a run, in a process of its own: the surroundings of the work, whatever kind of run it is.

    Attempt(folder, …).run(work)    the work is a function of the attempt: `run` of a kind of run
      work:  attempt.log(…) · with attempt.timed("fit"): … · attempt.context() · attempt.finish(metrics, outputs)

- Everything it needs is in the run folder; everything it does is written there (`record.py`, `events.py`).
- How it ends is decided here alone: a work returns, or raises. What went wrong becomes the record's reason, and `run`
  raises nothing.
- A second attempt at the same run goes on: the work finds what the first one left (`checkpoints` of `control.py`, a
  whole model file, cells in a store). Seconds of a phase add up over all attempts.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hsi_studio.edges import as_typed, names_only
from hsi_studio.engine.runs.control import Reporter, RunControl
from hsi_studio.engine.runs.environment import out_of_memory, threads, versions
from hsi_studio.engine.runs.events import EventLog, read_events
from hsi_studio.engine.runs.forecast import PHASES
from hsi_studio.engine.runs.record import RunFolder, RunRecord, RunState
from hsi_studio.engine.runs.resources import Meter
from hsi_studio.errors import Cancelled, StudioError
from hsi_studio.methods.contract import Context
from hsi_studio.settings import JOB_HOURS

log = logging.getLogger(__name__)

Work = Callable[["Attempt"], None]
CPU = {"slot": "cpu", "name": "CPU"}


class Attempt:
    """What a work is given. `record`: the run as it stands; `timing`: its seconds, in the record once it ends.

    `began`: when the process began (perf_counter), for the time it took to get here.
    """

    def __init__(
        self,
        folder: RunFolder,
        cache: Path,
        control: RunControl,
        checkpoint_s: float = 10.0,
        began: float | None = None,
    ) -> None:
        self.folder, self.cache, self.control, self.checkpoint_s = folder, cache, control, checkpoint_s
        self.began = time.perf_counter() if began is None else began
        self.record: RunRecord = folder.read()
        self.events = EventLog(folder.events_file)
        self.timing: dict[str, Any] = dict(self.record.timing)
        self.timing["attempts"] = int(self.timing.get("attempts", 0)) + 1
        self.reporter = Reporter(self.events, self._later)
        self._phase = ""

    def run(self, work: Work) -> RunState:
        """Do the work and say in the record how it ended."""
        self._set_state("running")
        try:
            work(self)
            self._end("done", "")
        except Cancelled:
            requested = self.control.requested
            if requested == "pause":
                self._end("paused", f"Paused{self._kept()}. Resume it to go on with the same result.")
            elif requested == "time":
                most = JOB_HOURS.number() or 0.0
                self._end("paused", f"Paused after {most:g} h, the most a run may work here{self._kept()}. Resume it.")
            elif requested == "orphan":
                self._end("interrupted", f"The program that started it ended{self._kept()}. Resume it to go on.")
            else:
                self._end("cancelled", "Cancelled: no map was made.")
                self.folder.clear_checkpoints()
        except StudioError as error:
            self._end("failed", str(error))
        except Exception as error:
            log.exception("run %s", self.record.id)
            if out_of_memory(error):
                self._end("failed", "Memory ran out. Close other programs, then resume or start it again.")
            elif (typed := as_typed(error)) is not None:  # the disk is full, a file went: what to do can be said
                self._end("failed", str(typed))
            else:
                words = names_only(f"{type(error).__name__}: {error}")
                self._end("failed", f"The run failed ({words}). worker.log of the run has the details.")
        return self.record.state

    # ── what a work may ask for ─────────────────────────────────────────────────────────────────

    @property
    def device(self) -> str:
        """ "cuda" or "cpu", as methods take it."""
        return "cuda" if self.record.device.get("slot", "cpu").startswith("cuda") else "cpu"

    def settle_device(self) -> None:
        """The CPU from now on, where the GPU that the run was queued for does not answer; said in log and record."""
        if self.device == "cpu":
            return
        import torch

        if not torch.cuda.is_available():
            reason = f"CPU: PyTorch {torch.__version__} cannot use {self.record.device.get('name', 'the GPU')}"
            self.update(device={**CPU, "reason": reason})
            self.log("warning", f"{reason}: is its driver as new as this PyTorch needs?")

    def meter(self) -> Meter:
        """Measures the memory of what follows."""
        return Meter(self.device)

    def context(self) -> Context:
        """Seed, device, cache, progress and cancelling of this run, for anything that runs a method."""
        return Context(
            seed=self.record.seed, device=self.device, progress=self.reporter.progress,
            cancelled=self.control.cancelled, cache_dir=self.cache,
        )  # fmt: skip

    # ── what a work tells ───────────────────────────────────────────────────────────────────────

    def log(self, level: str, text: str) -> None:
        """A line in the run's events; `level`: info, warning, error."""
        self.events.append("log", level=level, text=text)

    def update(self, **values: Any) -> None:
        """Fields of the record, on disk at once."""
        self.record = self.record.model_copy(update=values)
        self.folder.write(self.record)

    def note_versions(self) -> None:
        """What the numbers of the result depend on."""
        self.update(versions=versions(), threads=threads())

    def count_start(self) -> None:
        """Count what it took to get here: since the queue started this process, else since the process began."""
        queued = [e["t"] for e in read_events(self.folder.events_file) if e.get("state") == "starting"]
        self.count("start", max(time.time() - queued[-1], 0.0) if queued else time.perf_counter() - self.began)

    def count(self, phase: str, seconds: float) -> None:
        """Add to a phase's seconds."""
        key = f"{phase}_seconds"
        self.timing[key] = round(float(self.timing.get(key, 0.0)) + seconds, 3)

    @contextmanager
    def timed(self, phase: str) -> Iterator[None]:
        """Count the seconds of the block, also when it raises. Progress adds the forecast of the phases after it."""
        self._phase, began = phase, time.perf_counter()
        try:
            yield
        finally:
            self.count(phase, time.perf_counter() - began)

    def finish(self, metrics: dict[str, Any], outputs: list[str]) -> None:
        """What came of it: figures, and files in the run folder. The last thing a work does before it tidies up."""
        self.record = self.record.model_copy(update={"metrics": metrics, "outputs": outputs, "timing": self.timing})
        self.events.append("result", metrics=metrics, timing=self.timing, outputs=outputs)

    # ── inside ──────────────────────────────────────────────────────────────────────────────────

    def _set_state(self, state: RunState, reason: str = "") -> None:
        self.record = self.folder.set_state(self.record, state, reason, self.events)

    def _end(self, state: RunState, reason: str) -> None:
        self.reporter.flush()
        self.record = self.record.model_copy(update={"timing": self.timing})
        if state == "failed":
            self.log("error", reason)
        self._set_state(state, reason)

    def _kept(self) -> str:
        stages = sorted(path.stem.removeprefix("checkpoint-") for path in self.folder.checkpoints())
        return f"; its state is kept ({', '.join(stages)})" if stages else ""

    def _later(self) -> float | None:
        """Forecast of the phases after this one."""
        phases = self.record.forecast.get("phases") or {}
        if self._phase not in PHASES:
            return None
        return float(sum(phases.get(name, 0.0) for name in PHASES[PHASES.index(self._phase) + 1 :]))
