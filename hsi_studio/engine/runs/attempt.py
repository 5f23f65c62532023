"""The process of one run: `python -m hsi_studio.engine.runs.attempt RUN_FOLDER --cache FOLDER`.

    open the scene by its spec ─▶ prepare ─▶ fit ─▶ write the model ─▶ map ─▶ accuracy ─▶ record

- Everything it needs is in the run folder; everything it does is written there (`record.py`, `events.py`).
- Control comes on standard input (`control.py`). When that ends, the program that started the run is gone: the
  worker leaves a checkpoint and ends as interrupted.
- It holds `worker.lock` while it lives, so that anyone can tell a living run from a dead one; a number of a process
  alone could be another process's by now.
- A second start of the same run goes on: checkpoints give the training's state, a whole model file its result.
- Out of memory: half the batch, twice at most, then the CPU; each is said in the log and kept in the record.

Exit code 0 whenever the record says how it ended.
"""

from __future__ import annotations

import argparse
import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from hsi_studio.engine.runs.control import Reins, Reporter, RunCheckpoints, training_key
from hsi_studio.engine.runs.environment import first_to_go, open_scene, out_of_memory, smaller_batch, threads, versions
from hsi_studio.engine.runs.events import EventLog, read_events
from hsi_studio.engine.runs.forecast import PHASES, Forecaster, Request
from hsi_studio.engine.runs.preview import Previews
from hsi_studio.engine.runs.record import RunFolder, RunState
from hsi_studio.errors import Cancelled, StudioError
from hsi_studio.methods import get_method
from hsi_studio.methods.contract import Context, Fitted, Method, State, make_params
from hsi_studio.types import LabelSet, Prediction, Scene

log = logging.getLogger(__name__)

MOST_HALVINGS = 2


class Job:
    """One attempt at a run. `run` never raises for what the run itself did wrong: the record says it."""

    def __init__(self, folder: RunFolder, cache: Path, reins: Reins, checkpoint_s: float = 10.0) -> None:
        self.folder, self.cache, self.reins, self.checkpoint_s = folder, cache, reins, checkpoint_s
        self.record = folder.read()
        self.events = EventLog(folder.events_file)
        self.timing: dict[str, Any] = dict(self.record.timing)
        self.timing["attempts"] = int(self.timing.get("attempts", 0)) + 1
        self.reporter = Reporter(self.events, self._later)
        self.previews: Previews | None = None
        self.checkpoints: RunCheckpoints | None = None
        self._phase = ""
        self._phase_began = 0.0

    def run(self, started: float | None = None) -> RunState:
        """`started`: when the process began (perf_counter), for the time it took to get here."""
        started = time.perf_counter() if started is None else started
        self._move("running")
        try:
            self._work(started)
            self._end("done", "")
        except Cancelled:
            wanted = self.reins.wanted
            if wanted == "pause":
                self._end("paused", f"Paused{self._kept()}. Resume it to go on with the same result.")
            elif wanted == "orphan":
                self._end("interrupted", f"The program that started it ended{self._kept()}. Resume it to go on.")
            else:
                self._end("cancelled", "Cancelled: nothing was kept.")
                self._checkpoints().clear()
        except StudioError as error:
            self._end("failed", str(error))
        except Exception as error:
            log.exception("run %s", self.record.id)
            if out_of_memory(error):
                self._end("failed", self._too_little_memory())
            else:
                self._end(
                    "failed",
                    f"The training failed ({type(error).__name__}: {error}). "
                    f"{self.folder / 'worker.log'} has the details.",
                )
        return self.record.state

    # ── the work ────────────────────────────────────────────────────────────────────────────────

    def _work(self, started: float) -> None:
        if self.record.kind == "compare":
            from hsi_studio.engine.compare.run_kind import compare

            compare(self, started)
            return
        record = self.record
        self._log("info", f"{record.method} on {record.scene['name']}, {record.device.get('reason') or 'CPU'}")
        method = get_method(record.method)
        scene, labels = open_scene(record), self.folder.read_labels(record)
        known, blind = labels.only_labelled(), scene.without_reference()
        _ = blind.valid
        self._device()
        self._count("start", self._since_start(started))
        self._versions()
        meter = self._meter()
        fitted = self._fitted(method, blind, known)
        context = self._context()
        with self._timed("predict"):
            prediction = self._mapped(method, fitted, blind, labels, known, context)
        with self._timed("report"):
            from hsi_studio.engine.evaluation.map_accuracy import accuracy_report
            from hsi_studio.engine.evaluation.report_json import report_to_json

            self.reporter.progress(_progress("Measuring the map"))
            left_out = fitted.leave_one_out() if scene.reference is None else None
            report = accuracy_report(prediction, labels, scene, loo=left_out)
            metrics = report_to_json(report)
        self.folder.write_map(prediction)
        self._write_model(fitted, scene, known, report)
        cost = meter.stop()
        self.timing["peak_mb"] = round(cost.peak_mb, 1)
        self.timing["before_mb"] = round(cost.before_mb, 1)
        if cost.cuda_peak_mb is not None:
            self.timing["cuda_peak_mb"] = round(cost.cuda_peak_mb, 1)
        self.timing["labels"] = len(known)
        self.timing["preview_seconds"] = round(self.previews.seconds, 3) if self.previews is not None else 0.0
        self.timing["checkpoint_seconds"] = round(self.checkpoints.seconds, 3) if self.checkpoints is not None else 0.0
        self.timing["total_seconds"] = round(
            sum(float(self.timing.get(f"{name}_seconds", 0.0)) for name in (*PHASES, "save")), 3
        )
        outputs = ["map.npz", "model.safetensors"]
        self.record = self.record.model_copy(update={"metrics": metrics, "outputs": outputs, "timing": self.timing})
        self.events.append("result", metrics=metrics, timing=self.timing, outputs=outputs)
        self._checkpoints().clear()
        (self.folder / "preview.npz").unlink(missing_ok=True)
        if self.timing["attempts"] == 1 and not self.record.adapted:
            self._remember(known)

    def _fitted(self, method: Method, blind: Scene, known: LabelSet) -> Fitted:
        """From the model file of an earlier attempt, else trained; with less memory when it has to be."""
        found = self._stored(method, blind)
        if found is not None:
            self._log("info", "The training was complete already: only the map is made.")
            return found
        halvings = 0
        while True:
            context = self._context(blind, known)
            params = make_params(method.Params, self.record.params)
            try:
                with self._timed("prepare"):
                    method.prepare(blind, params, context)
                with self._timed("fit"):
                    fitted = method.fit(blind, known, self.record.prompt_set, params, context)
                self.reporter.flush()
                self.reins.last_due = float("-inf")
                with self._timed("save"):
                    self._write_model(fitted, blind, known, None)
                return fitted
            except Exception as error:
                if not out_of_memory(error):
                    raise
                smaller = smaller_batch(params) if halvings < MOST_HALVINGS else None
                if smaller is None and not self._on_gpu():
                    raise
                error.__traceback__ = None  # its frames hold what filled the memory
            halvings += 1
            self._retreat(smaller)

    def _mapped(
        self, method: Method, fitted: Fitted, blind: Scene, labels: LabelSet, known: LabelSet, context: Context
    ) -> Prediction:
        from hsi_studio.engine.mapping.predict import predict_scene
        from hsi_studio.engine.mapping.schema_match import in_schema

        try:
            found = predict_scene(fitted, blind, method.name, self.record.params, labels.revision, context)
        except Exception as error:
            if not out_of_memory(error) or not self._on_gpu():
                raise
            error.__traceback__ = None
            state = fitted.state()
            self._retreat(None)
            moved = method.from_state(state, blind, self._context())
            found = predict_scene(moved, blind, method.name, self.record.params, labels.revision, self._context())
        return in_schema(found, labels.schema)

    def _retreat(self, smaller: dict[str, Any] | None) -> None:
        """Less memory from now on: other parameters, or the CPU. Said in the log and in the record."""
        if smaller is not None:
            (name, value), old = next(iter(smaller.items())), self.record.params
            words = f"Memory ran out: {name} is halved from {old[name]} to {value}, and the training begins again."
            changes: dict[str, Any] = {
                "params": {**old, **smaller}, "changed": {**self.record.changed, **smaller}
            }  # fmt: skip
        else:
            words = f"Memory of the {self.record.device.get('name', 'GPU')} ran out: the run goes on on the CPU."
            changes = {"device": {"slot": "cpu", "name": "CPU", "reason": "CPU: the memory of the GPU was not enough"}}
        self.record = self.record.model_copy(update={**changes, "adapted": [*self.record.adapted, words]})
        self.folder.write(self.record)
        self._log("warning", words)
        gc.collect()
        torch = sys.modules.get("torch")
        if torch is not None and torch.cuda.is_available():
            torch.cuda.empty_cache()

    # ── what the method is given ────────────────────────────────────────────────────────────────

    def _context(self, blind: Scene | None = None, known: LabelSet | None = None) -> Context:
        """For training when a scene and labels are given, else for mapping."""
        device = "cuda" if self._on_gpu() else "cpu"
        context = Context(
            seed=self.record.seed, device=device, progress=self.reporter.progress, cancelled=self.reins.cancelled,
            cache_dir=self.cache,
        )  # fmt: skip
        if blind is None or known is None:
            return context
        step = [0, 0]

        def metrics(stage: str, at: int, steps: int, values: dict[str, float]) -> None:
            step[:] = at, steps
            self.reporter.metrics(stage, at, steps, values)

        def publish(prediction: Prediction) -> None:
            self.folder.write_map(prediction, "preview.npz")
            self.events.append("preview", file="preview.npz", step=step[0], steps=step[1])

        full = self.record.class_schema
        self.previews = Previews(blind, full, context, publish, self._log)
        self.checkpoints = self._checkpoints()
        return replace(
            context, metrics=metrics, checkpoints=self.checkpoints, preview=self.previews, warm_start=self._warm_start()
        )

    def _warm_start(self) -> State | None:
        """The model this run starts from. Raises FileProblem."""
        from hsi_studio.engine.models.checkpoint import read_checkpoint

        file = self.folder.warm_start_file
        return read_checkpoint(file)[0] if file.is_file() else None

    def _checkpoints(self) -> RunCheckpoints:
        r = self.record
        key = training_key(
            method=r.method, params=r.params, prompts=r.prompts.get("sentences"), seed=r.seed, scene=r.scene["id"],
            labels=(self.folder / "labels.json").read_bytes().hex(), device="cuda" if self._on_gpu() else "cpu",
            warm=r.parent,
        )  # fmt: skip
        return RunCheckpoints(self.folder.path, key, self.reins, self.checkpoint_s, self._log)

    def _device(self) -> None:
        """The CPU where the GPU it was queued for does not answer."""
        if not self._on_gpu():
            return
        import torch

        if not torch.cuda.is_available():
            reason = f"CPU: PyTorch {torch.__version__} cannot use {self.record.device.get('name', 'the GPU')}"
            self.record = self.record.model_copy(update={"device": {"slot": "cpu", "name": "CPU", "reason": reason}})
            self.folder.write(self.record)
            self._log("warning", f"{reason}: is its driver as new as this PyTorch needs?")

    def _on_gpu(self) -> bool:
        return self.record.device.get("slot", "cpu").startswith("cuda")

    def _meter(self) -> Any:
        from hsi_studio.engine.runs.resources import Meter

        return Meter("cuda" if self._on_gpu() else "cpu")

    # ── files ───────────────────────────────────────────────────────────────────────────────────

    def _stored(self, method: Method, blind: Scene) -> Fitted | None:
        """The model an earlier attempt of this run ended its training with."""
        from hsi_studio.engine.models.checkpoint import read_checkpoint

        path = self.folder.model_file
        if not path.is_file():
            return None
        try:
            state, header = read_checkpoint(path)
            if header.facts.run_id != self.record.id:
                return None
            return method.from_state(state, blind, self._context())
        except StudioError as error:
            self._log("warning", f"The model of the earlier attempt cannot be used: {error}")
            return None

    def _write_model(self, fitted: Fitted, scene: Scene, known: LabelSet, report: Any) -> None:
        from hsi_studio.engine.models.checkpoint import write_checkpoint
        from hsi_studio.engine.models.metadata import describe

        r = self.record
        facts = describe(
            scene, known, r.method, params=r.params, seed=r.seed, prompts=r.prompt_set,
            style=str(r.prompts.get("style") or ""), report=report, run_id=r.id, parent=r.parent, title=r.title,
        )  # fmt: skip
        write_checkpoint(self.folder.model_file, fitted.state(), facts)

    def _versions(self) -> None:
        self.record = self.record.model_copy(update={"versions": versions(), "threads": threads()})
        self.folder.write(self.record)

    # ── telling ─────────────────────────────────────────────────────────────────────────────────

    def _move(self, state: RunState, reason: str = "") -> None:
        self.record = self.folder.move(self.record, state, reason, self.events)

    def _end(self, state: RunState, reason: str) -> None:
        self.reporter.flush()
        self.record = self.record.model_copy(update={"timing": self.timing})
        if state == "failed":
            self._log("error", reason)
        self._move(state, reason)

    def _kept(self) -> str:
        stages = self._checkpoints().stages()
        return f"; its state is kept ({', '.join(sorted(stages))})" if stages else ""

    def _too_little_memory(self) -> str:
        return (
            "Memory ran out, and smaller batches did not help. Close other programs, take a smaller network or fewer "
            "unlabelled patches, then resume or start it again."
        )

    def _log(self, level: str, text: str) -> None:
        self.events.append("log", level=level, text=text)

    @contextmanager
    def _timed(self, phase: str) -> Iterator[None]:
        self._phase, self._phase_began = phase, time.perf_counter()
        try:
            yield
        finally:
            self._count(phase, time.perf_counter() - self._phase_began)

    def _since_start(self, started: float) -> float:
        """Seconds since the queue started this process; without a queue, since the program's first line."""
        asked = [e["t"] for e in read_events(self.folder.events_file) if e.get("state") == "starting"]
        return max(time.time() - asked[-1], 0.0) if asked else time.perf_counter() - started

    def _count(self, phase: str, seconds: float) -> None:
        key = f"{phase}_seconds"
        self.timing[key] = round(float(self.timing.get(key, 0.0)) + seconds, 3)

    def _remember(self, known: LabelSet) -> None:
        """What it took, for forecasts of runs to come."""
        r = self.record
        height, width, bands = r.scene["shape"]
        request = Request(
            r.method, r.params, r.scene["id"], (height, width, bands), len(known), len(known.schema),
            r.device["slot"], r.device["name"],
        )  # fmt: skip
        phases = {name: float(self.timing.get(f"{name}_seconds", 0.0)) for name in PHASES}
        Forecaster(self.cache).add(request, phases, float(self.timing["peak_mb"]))

    def _later(self) -> float | None:
        """Forecast of the phases after this one."""
        phases = self.record.forecast.get("phases") or {}
        if self._phase not in PHASES:
            return None
        return float(sum(phases.get(name, 0.0) for name in PHASES[PHASES.index(self._phase) + 1 :]))


def _progress(message: str) -> Any:
    from hsi_studio.types import Progress

    return Progress(message)


def main(argv: list[str] | None = None, began: Callable[[], float] = time.perf_counter) -> int:
    """Run one run folder to its end."""
    from filelock import FileLock, Timeout

    started = began()
    parser = argparse.ArgumentParser(prog="python -m hsi_studio.engine.runs.attempt")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--checkpoint-seconds", type=float, default=10.0)
    parser.add_argument("--nice", type=int, default=10, help="how far clicks go first")
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    folder = RunFolder(args.folder)
    lock = FileLock(folder.lock_file, timeout=5)  # an earlier attempt may still be on its way out
    try:
        lock.acquire()
    except Timeout:
        log.error("%s is being worked on by another process", folder.path)
        return 3
    reins = Reins(sys.stdin.buffer)
    signal.signal(signal.SIGTERM, lambda *_: reins.ask("orphan"))
    first_to_go()
    if hasattr(os, "nice"):
        os.nice(args.nice)
    Job(folder, args.cache, reins, args.checkpoint_seconds).run(started)
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # at once: what torch and its threads would tidy up is gone with the process anyway


if __name__ == "__main__":
    sys.exit(main())
