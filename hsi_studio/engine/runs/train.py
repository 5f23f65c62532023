"""A training as a kind of run: kind "train".

    open the scene by its spec ─▶ prepare ─▶ fit ─▶ write the model ─▶ map ─▶ accuracy ─▶ record

- A second attempt goes on: checkpoints give the training's state, a whole model file its result.
- Out of memory: half the batch, twice at most, then the CPU; each is said in the log and kept in the record.
- The method is given the scene without its reference.
"""

from __future__ import annotations

import gc
import logging
import sys
from dataclasses import replace
from typing import Any

from hsi_studio.engine.runs.attempt import CPU, Attempt
from hsi_studio.engine.runs.control import RunCheckpoints, training_key
from hsi_studio.engine.runs.environment import open_scene, out_of_memory, smaller_batch
from hsi_studio.engine.runs.forecast import PHASES, Forecaster, Request
from hsi_studio.engine.runs.preview import Previews
from hsi_studio.engine.runs.record import RunFolder
from hsi_studio.engine.runs.resources import Footprint
from hsi_studio.errors import StudioError
from hsi_studio.methods import get_method
from hsi_studio.methods.contract import Context, Fitted, State, make_params
from hsi_studio.types import LabelSet, Prediction, Progress, Scene

log = logging.getLogger(__name__)

MOST_HALVINGS = 2
TOO_LITTLE_MEMORY = (
    "Memory ran out, and smaller batches did not help. Close other programs, take a smaller network or fewer "
    "unlabelled patches, then resume or start it again."
)


def run(attempt: Attempt) -> None:
    """Train and map; model, map and figures lie in the run folder. Raises StudioError."""
    try:
        Training(attempt).run()
    except Exception as error:
        if not out_of_memory(error):
            raise
        log.exception("run %s", attempt.record.id)
        raise StudioError(TOO_LITTLE_MEMORY) from error


class Training:
    """One attempt at a training."""

    def __init__(self, attempt: Attempt) -> None:
        self.attempt = attempt
        self.method = get_method(attempt.record.method)
        self.previews: Previews | None = None
        self.checkpoints: RunCheckpoints | None = None

    def run(self) -> None:
        """Everything, from the scene to the record's figures."""
        attempt, record = self.attempt, self.attempt.record
        attempt.log("info", f"{record.method} on {record.scene['name']}, {record.device.get('reason') or 'CPU'}")
        scene, labels = open_scene(record), attempt.folder.read_labels(record)
        known, blind = labels.only_labelled(), scene.without_reference()
        _ = blind.valid  # surveyed before the clock of the phases runs
        attempt.settle_device()
        attempt.count_start()
        attempt.note_versions()
        meter = attempt.meter()
        fitted = self.fitted(blind, known)
        self.tell(fitted.notes)
        with attempt.timed("predict"):
            prediction = self.mapped(fitted, blind, labels)
        with attempt.timed("report"):
            from hsi_studio.engine.evaluation.map_accuracy import accuracy_report
            from hsi_studio.engine.evaluation.report_json import report_to_json

            attempt.reporter.progress(Progress("Measuring the map"))
            left_out = fitted.leave_one_out() if scene.reference is None else None
            report = accuracy_report(prediction, labels, scene, loo=left_out)
            metrics = report_to_json(report)
        attempt.folder.write_map(prediction)
        self.write_model(fitted, scene, known, report)
        self._count(meter.stop(), len(known))
        attempt.finish(metrics, ["map.npz", "model.safetensors"])
        attempt.folder.clear_checkpoints()
        (attempt.folder / "preview.npz").unlink(missing_ok=True)
        if attempt.timing["attempts"] == 1 and not attempt.record.adapted:
            remember(attempt, len(known), len(known.schema))

    def tell(self, notes: tuple[str, ...]) -> None:
        """Sentences of the training, in the log and in the record."""
        for note in notes:
            self.attempt.log("info", note)
        if notes:
            self.attempt.update(notes=list(notes))

    def fitted(self, blind: Scene, known: LabelSet) -> Fitted:
        """From the model file of an earlier attempt, else trained; with less memory when it has to be."""
        attempt, method = self.attempt, self.method
        found = self.stored(blind)
        if found is not None:
            attempt.log("info", "The training was complete already: only the map is made.")
            return found
        halvings = 0
        while True:
            context = self.context(blind)
            params = make_params(method.Params, attempt.record.params)
            try:
                with attempt.timed("prepare"):
                    method.prepare(blind, params, context)
                with attempt.timed("fit"):
                    fitted = method.fit(blind, known, attempt.record.prompt_set, params, context)
                attempt.reporter.flush()
                attempt.control.no_more_checkpoints()
                with attempt.timed("save"):
                    self.write_model(fitted, blind, known, None)
                return fitted
            except Exception as error:
                if not out_of_memory(error):
                    raise
                smaller = smaller_batch(params) if halvings < MOST_HALVINGS else None
                if smaller is None and attempt.device == "cpu":
                    raise
                error.__traceback__ = None  # its frames hold what filled the memory
            halvings += 1
            self.retreat(smaller)

    def mapped(self, fitted: Fitted, blind: Scene, labels: LabelSet) -> Prediction:
        """The whole scene, in the classes of the project; on the CPU where the GPU's memory is not enough."""
        from hsi_studio.engine.mapping.predict import predict_scene
        from hsi_studio.engine.mapping.schema_match import in_schema

        attempt, name, params = self.attempt, self.method.name, self.attempt.record.params
        try:
            found = predict_scene(fitted, blind, name, params, labels.revision, attempt.context())
        except Exception as error:
            if not out_of_memory(error) or attempt.device == "cpu":
                raise
            error.__traceback__ = None
            state = fitted.state()
            self.retreat(None)
            moved = self.method.from_state(state, blind, attempt.context())
            found = predict_scene(moved, blind, name, params, labels.revision, attempt.context())
        return in_schema(found, labels.schema)

    def retreat(self, smaller: dict[str, Any] | None) -> None:
        """Less memory from now on: other parameters, or the CPU. Said in the log and in the record."""
        attempt, record = self.attempt, self.attempt.record
        changes: dict[str, Any]
        if smaller is not None:
            (name, value), old = next(iter(smaller.items())), record.params
            said = f"Memory ran out: {name} is halved from {old[name]} to {value}, and the training begins again."
            changes = {"params": {**old, **smaller}, "changed": {**record.changed, **smaller}}
        else:
            said = f"Memory of the {record.device.get('name', 'GPU')} ran out: the run goes on on the CPU."
            changes = {"device": {**CPU, "reason": "CPU: the memory of the GPU was not enough"}}
        attempt.update(**changes, adapted=[*record.adapted, said])
        attempt.log("warning", said)
        gc.collect()
        torch = sys.modules.get("torch")
        if torch is not None and torch.cuda.is_available():
            torch.cuda.empty_cache()

    def context(self, blind: Scene) -> Context:
        """For the training: with curves, checkpoints, previews and what it starts from."""
        attempt, plain, step = self.attempt, self.attempt.context(), [0, 0]

        def metrics(stage: str, at: int, steps: int, values: dict[str, float]) -> None:
            step[:] = at, steps
            attempt.reporter.metrics(stage, at, steps, values)

        def publish(prediction: Prediction) -> None:
            attempt.folder.write_map(prediction, "preview.npz")
            attempt.events.append("preview", file="preview.npz", step=step[0], steps=step[1])

        self.previews = Previews(blind, attempt.record.class_schema, plain, publish, attempt.log)
        self.checkpoints = checkpoints_of(attempt)
        return replace(
            plain, metrics=metrics, checkpoints=self.checkpoints, preview=self.previews,
            warm_start=warm_start(attempt.folder),
        )  # fmt: skip

    def stored(self, blind: Scene) -> Fitted | None:
        """The model an earlier attempt of this run ended its training with."""
        from hsi_studio.engine.models.checkpoint import read_checkpoint

        attempt, path = self.attempt, self.attempt.folder.model_file
        if not path.is_file():
            return None
        try:
            state, header = read_checkpoint(path)
            if header.facts.run_id != attempt.record.id:
                return None
            return self.method.from_state(state, blind, attempt.context())
        except StudioError as error:
            attempt.log("warning", f"The model of the earlier attempt cannot be used: {error}")
            return None

    def write_model(self, fitted: Fitted, scene: Scene, known: LabelSet, report: Any) -> None:
        """The model file, with what it was made of and, once there is one, its report."""
        from hsi_studio.engine.models.checkpoint import write_checkpoint
        from hsi_studio.engine.models.metadata import describe

        r = self.attempt.record
        facts = describe(
            scene, known, r.method, params=r.params, seed=r.seed, prompts=r.prompt_set,
            style=str(r.prompts.get("style") or ""), prompt_set=str(r.prompts.get("set") or ""), report=report,
            run_id=r.id, parent=r.parent, title=r.title,
        )  # fmt: skip
        write_checkpoint(self.attempt.folder.model_file, fitted.state(), facts)

    def _count(self, cost: Footprint, labels: int) -> None:
        timing = self.attempt.timing
        timing["peak_mb"], timing["before_mb"] = round(cost.peak_mb, 1), round(cost.before_mb, 1)
        if cost.cuda_peak_mb is not None:
            timing["cuda_peak_mb"] = round(cost.cuda_peak_mb, 1)
        timing["labels"] = labels
        timing["preview_seconds"] = round(self.previews.seconds, 3) if self.previews is not None else 0.0
        timing["checkpoint_seconds"] = round(self.checkpoints.seconds, 3) if self.checkpoints is not None else 0.0
        phases = (*PHASES, "save")
        timing["total_seconds"] = round(sum(float(timing.get(f"{name}_seconds", 0.0)) for name in phases), 3)


def warm_start(folder: RunFolder) -> State | None:
    """The model this run starts from. Raises FileProblem."""
    from hsi_studio.engine.models.checkpoint import read_checkpoint

    file = folder.warm_start_file
    return read_checkpoint(file)[0] if file.is_file() else None


def checkpoints_of(attempt: Attempt) -> RunCheckpoints:
    """Checkpoints with the key of everything that shapes this training."""
    r = attempt.record
    key = training_key(
        method=r.method, params=r.params, prompts=r.prompts.get("sentences"), seed=r.seed, scene=r.scene["id"],
        labels=(attempt.folder / "labels.json").read_bytes().hex(), device=attempt.device, warm=r.parent,
    )  # fmt: skip
    return RunCheckpoints(attempt.folder.path, key, attempt.control, attempt.checkpoint_s, attempt.log)


def remember(attempt: Attempt, labels: int, classes: int) -> None:
    """What it took, for forecasts of runs to come."""
    r = attempt.record
    height, width, bands = r.scene["shape"]
    request = Request(
        r.method, r.params, r.scene["id"], (height, width, bands), labels, classes, r.device["slot"], r.device["name"]
    )
    phases = {name: float(attempt.timing.get(f"{name}_seconds", 0.0)) for name in PHASES}
    Forecaster(attempt.cache).add(request, phases, float(attempt.timing["peak_mb"]))
