"""A scene of two halves with three labels each, a project on it, and a method that trains in steps."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from hsi_studio import Studio
from hsi_studio.engine.runs.record import RunClass, RunFolder, RunRecord, now
from hsi_studio.methods import get_method
from hsi_studio.methods.contract import Context, Params, State
from hsi_studio.types import LabelSet, Progress, PromptSet, Scene
from tests.engine.fake import FakeFitted, FakeMethod

QUICK: dict[str, Any] = {**get_method("diffclip").test_params}
LONG = {**QUICK, "epochs": 2000, "min_steps": 10_000}  # minutes: to be stopped


def halves(folder: Path) -> Path:
    """30 × 30 pixels, 10 bands; the last column holds no data."""
    rng = np.random.default_rng(0)
    cube = rng.normal(0.2, 0.02, (30, 30, 10)).astype(np.float32)
    cube[15:, :, 5:] += 0.3
    cube[:, -1] = np.nan
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "halves.npy", cube)
    return folder / "halves.npy"


def labelled_project(studio: Studio, scene: Path) -> str:
    project = studio.new_project(scene)
    for name, row in (("upper", 4), ("lower", 22)):
        info = project.add_class(name)
        for col in (3, 12, 22):
            project.add_point(row, col, info.id)
    return project.id


def until(true: Callable[[], Any], seconds: float = 60.0) -> Any:
    """Wait for something to become true; fails with its last value."""
    end = time.monotonic() + seconds
    while not (value := true()):
        assert time.monotonic() < end, f"still {value!r} after {seconds:.0f} s"
        time.sleep(0.02)
    return value


class WalkParams(Params):
    steps: int = Field(40, ge=1)
    batch: int = Field(16, ge=1)


class WalkMethod(FakeMethod):
    """Trains in steps: class means that walk at random, with checkpoints, curves and previews."""

    name: ClassVar[str] = "fake"
    Params: ClassVar[type[Params]] = WalkParams

    def __init__(self) -> None:
        super().__init__()
        self.each: Callable[[int, Any, Context], None] = lambda step, params, ctx: None  # called every step
        self.began_at: list[int] = []

    def fit(self, scene: Scene, labels: LabelSet, prompts: PromptSet, params: Any, ctx: Context) -> FakeFitted:
        fitted = super().fit(scene, labels, prompts, params, ctx)
        rng, first = ctx.rng(), 0
        state = ctx.checkpoints.load("walk")
        if state is not None:
            fitted.means, first = state.arrays["means"].copy(), int(state.header["step"])
            rng.bit_generator.state = state.header["rng"]
        self.began_at.append(first)
        for step in range(first, params.steps):
            self.each(step, params, ctx)
            ctx.check()
            ctx.progress(Progress("Walking", step, params.steps))
            fitted.means = fitted.means + rng.normal(0, 0.001, fitted.means.shape)
            ctx.metrics("walk", step, params.steps, {"loss": 1.0 / (step + 1)})
            ctx.preview(lambda: FakeFitted(fitted.schema, fitted.means))
            if ctx.checkpoints.due():
                header = {"step": step + 1, "rng": rng.bit_generator.state}
                ctx.checkpoints.save("walk", State({"means": fitted.means}, header))
        return StatedFitted(fitted.schema, fitted.means)


class StatedFitted(FakeFitted):
    told: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        return self.told

    def leave_one_out(self) -> Any:
        return np.zeros(6, dtype=np.int64)

    def state(self) -> State:
        return State({"means": self.means}, {"method": "fake"})


def walk_run(tmp_path: Path, **params: Any) -> RunFolder:
    """A run folder of the method above on the halves, as the queue would write it."""
    studio = Studio(home=tmp_path / "home")
    project = studio.project(labelled_project(studio, halves(tmp_path)))
    scene, labels = studio.scene_of(project.id), project.labels()
    folder = RunFolder(project.folder / "runs" / "20260101-000000-abcdef")
    folder.path.mkdir(parents=True)
    folder.write_labels(labels)
    ids = [info.id for info in labels.schema.classes]
    folder.write(
        RunRecord(
            id=folder.path.name, project_id=project.id, method="fake",
            params=WalkParams(**params).model_dump(), classes=[RunClass(**vars(c)) for c in labels.schema.classes],
            scene={"id": scene.id, "name": scene.name, "spec": project.scene_spec, "shape": list(scene.shape)},
            labels={
                "revision": labels.revision, "file": "labels.json",
                "counts": {ids[k]: int(n) for k, n in enumerate(labels.counts)},
            },
            device={"slot": "cpu", "name": "CPU", "reason": "CPU"}, created=now(), state="starting",
        )
    )  # fmt: skip
    studio.close()
    return folder
