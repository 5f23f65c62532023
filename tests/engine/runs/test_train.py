"""A training in this process: checkpoints, pause, out of memory, previews, curves, with a method of a few lines."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hsi_studio.engine.runs import preview, train
from hsi_studio.engine.runs.attempt import Attempt
from hsi_studio.engine.runs.control import RunControl
from hsi_studio.engine.runs.environment import open_scene
from hsi_studio.engine.runs.events import read_events
from hsi_studio.engine.runs.record import RunFolder, RunRecord
from hsi_studio.engine.runs.resources import Meter
from hsi_studio.methods.contract import Block, Context, Params
from hsi_studio.types import FloatArray, LabelSet, PromptSet, Scene
from tests.engine.halves import StatedFitted, WalkMethod, walk_run


@pytest.fixture
def method(monkeypatch: pytest.MonkeyPatch) -> WalkMethod:
    made = WalkMethod()
    monkeypatch.setattr(train, "get_method", lambda name: made)
    monkeypatch.setattr(train, "remember", lambda *_: None)  # no method of the registry
    return made


def work(folder: RunFolder, tmp_path: Path, control: RunControl | None = None, checkpoint_s: float = 1e9) -> str:
    return Attempt(folder, tmp_path / "cache", control or RunControl(), checkpoint_s).run(train.run)


def final_map(folder: RunFolder) -> np.ndarray:
    found = folder.read_map(folder.read())
    assert found is not None
    return np.stack([found.label.astype(np.float32), found.confidence])


def kinds(folder: RunFolder, kind: str) -> list[dict[str, Any]]:
    return [event for event in read_events(folder.events_file) if event["kind"] == kind]


def test_a_run_ends_with_a_map_a_model_figures_and_versions(method: WalkMethod, tmp_path: Path) -> None:
    folder = walk_run(tmp_path)
    assert work(folder, tmp_path) == "done"
    record = folder.read()
    assert record.outputs == ["map.npz", "model.safetensors"]
    assert all((folder / name).is_file() for name in record.outputs)
    assert record.metrics["kind"] == "leave_one_out"
    assert record.versions["numpy"] == np.__version__
    assert record.timing["attempts"] == 1
    assert record.started <= record.ended
    assert [event["state"] for event in kinds(folder, "state")] == ["running", "done"]


def test_what_the_training_met_stands_in_the_record_and_in_the_log(
    method: WalkMethod, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = walk_run(tmp_path)
    monkeypatch.setattr(StatedFitted, "told", ("Roof keeps its sentence.",))
    assert work(folder, tmp_path) == "done"
    assert folder.read().notes == ["Roof keeps its sentence."]
    assert "Roof keeps its sentence." in [event["text"] for event in kinds(folder, "log")]


def test_a_training_sees_no_reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scene with a reference: preparation, training, previews and mapping get it without."""
    seen: list[tuple[str, Any]] = []

    class Looking(StatedFitted):
        def predict(self, block: Block) -> FloatArray:
            seen.append(("predict", block.scene.reference))
            return super().predict(block)

    class LookingMethod(WalkMethod):
        def prepare(self, scene: Scene, params: Any, ctx: Context) -> None:
            seen.append(("prepare", scene.reference))

        def fit(self, scene: Scene, labels: LabelSet, prompts: PromptSet, params: Params, ctx: Context) -> Looking:
            seen.append(("fit", scene.reference))
            plain = super().fit(scene.without_reference(), labels, prompts, params, ctx)
            return Looking(plain.schema, plain.means)

    def opened(record: RunRecord) -> Scene:
        reference = np.repeat([1, 2], 15)[:, None].repeat(30, axis=1).astype(np.int32)
        return replace(open_scene(record), reference=reference, reference_names={1: "upper", 2: "lower"})

    monkeypatch.setattr(train, "get_method", lambda name: LookingMethod())
    monkeypatch.setattr(train, "open_scene", opened)
    monkeypatch.setattr(train, "remember", lambda *_: None)
    folder = walk_run(tmp_path)
    assert work(folder, tmp_path) == "done", folder.read().reason
    assert {step for step, _ in seen} == {"prepare", "fit", "predict"}
    assert [reference for _, reference in seen if reference is not None] == []
    assert folder.read().metrics["kind"] == "reference"  # the application itself still measures with it


def test_the_last_point_of_a_curve_is_always_written(method: WalkMethod, tmp_path: Path) -> None:
    folder = walk_run(tmp_path, steps=500)
    work(folder, tmp_path)
    points = kinds(folder, "metric")
    assert 2 <= len(points) < 500
    assert points[-1]["step"] == 499
    assert [point["step"] for point in points] == sorted({point["step"] for point in points})


@pytest.mark.parametrize("stop_at", [1, 17, 39])
def test_a_paused_run_goes_on_to_the_same_map(method: WalkMethod, tmp_path: Path, stop_at: int) -> None:
    whole = walk_run(tmp_path / "whole")
    work(whole, tmp_path)
    folder, control = walk_run(tmp_path / "paused"), RunControl()
    method.each = lambda step, params, ctx: control.request("pause") if step == stop_at else None
    assert work(folder, tmp_path, control) == "paused"
    said = folder.read().reason
    assert said == "Paused; its state is kept (walk). Resume it to go on with the same result."
    assert (folder / "checkpoint-walk.safetensors").is_file()
    assert not folder.map_file.exists()
    method.each = lambda step, params, ctx: None
    assert work(folder, tmp_path) == "done"
    assert method.began_at[-1] == stop_at + 1
    assert final_map(folder).tobytes() == final_map(whole).tobytes()
    assert not list(folder.path.glob("checkpoint-*"))
    assert folder.read().timing["attempts"] == 2


def test_without_an_application_it_leaves_a_checkpoint_and_ends(method: WalkMethod, tmp_path: Path) -> None:
    folder, control = walk_run(tmp_path), RunControl()
    method.each = lambda step, params, ctx: control.request("orphan") if step == 5 else None
    assert work(folder, tmp_path, control) == "interrupted"
    assert "state is kept" in folder.read().reason


def test_cancel_keeps_nothing(method: WalkMethod, tmp_path: Path) -> None:
    folder, control = walk_run(tmp_path), RunControl()
    method.each = lambda step, params, ctx: control.request("cancel") if step == 5 else None
    assert work(folder, tmp_path, control, checkpoint_s=0) == "cancelled"
    assert not list(folder.path.glob("checkpoint-*"))
    assert folder.read().outputs == []


def test_the_key_of_a_checkpoint_is_of_everything_that_shapes_the_training(tmp_path: Path) -> None:
    """Another method, parameter, word, seed, scene, device, parent or label: another key. A title is none of these."""
    folder = walk_run(tmp_path)

    def key(**changes: Any) -> str:
        attempt = Attempt(folder, tmp_path / "cache", RunControl())
        attempt.record = attempt.record.model_copy(update=changes)
        return train.checkpoints_of(attempt).key

    first = key()
    assert key(title="another", owner="ben", timing={"attempts": 3}) == first
    others = [
        key(method="svm"), key(params={"steps": 41, "batch": 16}), key(prompts={"sentences": {"x": ["bright"]}}),
        key(seed=1), key(scene={**folder.read().scene, "id": "f" * 16}), key(parent="model-1"),
        key(device={"slot": "cuda:0", "name": "A GPU", "reason": ""}),
    ]  # fmt: skip
    labels = folder / "labels.json"
    labels.write_bytes(labels.read_bytes().replace(b"[4,3,", b"[5,3,"))
    assert len({first, *others, key()}) == 9


def test_memory_running_out_halves_the_batch_and_says_so(method: WalkMethod, tmp_path: Path) -> None:
    def greedy(step: int, params: Any, ctx: Any) -> None:
        if params.batch > 4:
            raise MemoryError(f"no room for {params.batch}")

    folder = walk_run(tmp_path)
    method.each = greedy
    assert work(folder, tmp_path) == "done"
    record = folder.read()
    assert record.params["batch"] == 4
    assert record.changed["batch"] == 4
    assert len(record.adapted) == 2
    said = [event["text"] for event in kinds(folder, "log") if event["level"] == "warning"]
    assert said == record.adapted
    assert "halved from 16 to 8" in said[0]


def test_memory_that_never_suffices_is_a_failure_with_advice(method: WalkMethod, tmp_path: Path) -> None:
    def full(step: int, params: Any, ctx: Any) -> None:
        raise MemoryError

    folder = walk_run(tmp_path)
    method.each = full
    assert work(folder, tmp_path) == "failed"
    assert "Memory ran out" in folder.read().reason


@pytest.mark.slow
def test_memory_of_the_gpu_running_out_ends_on_the_cpu(
    method: WalkMethod, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class OutOfMemoryError(RuntimeError):
        """As torch names its own."""

    def full(step: int, params: Any, ctx: Any) -> None:
        if ctx.device == "cuda":
            raise OutOfMemoryError("CUDA out of memory")

    folder = walk_run(tmp_path)
    folder.write(folder.read().model_copy(update={"device": {"slot": "cuda:0", "name": "A GPU", "reason": ""}}))
    monkeypatch.setattr(Attempt, "settle_device", lambda self: None)
    monkeypatch.setattr(Attempt, "meter", lambda self: Meter())
    method.each = full
    assert work(folder, tmp_path) == "done"
    record = folder.read()
    assert record.device["slot"] == "cpu"
    assert "on the CPU" in record.adapted[-1]
    assert len(record.adapted) == 3


def test_a_bug_in_a_method_is_a_reason_not_a_silent_end(method: WalkMethod, tmp_path: Path) -> None:
    def broken(step: int, params: Any, ctx: Any) -> None:
        raise ZeroDivisionError("by design")

    folder = walk_run(tmp_path)
    method.each = broken
    assert work(folder, tmp_path) == "failed"
    assert "by design" in folder.read().reason


def test_a_scene_that_has_changed_is_refused_with_both_ids(method: WalkMethod, tmp_path: Path) -> None:
    folder = walk_run(tmp_path)
    cube = np.load(tmp_path / "halves.npy")
    np.save(tmp_path / "halves.npy", cube + 1)
    assert work(folder, tmp_path) == "failed"
    assert "has changed since" in folder.read().reason


def test_previews_are_maps_and_change_nothing(
    method: WalkMethod, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = walk_run(tmp_path / "plain")
    work(plain, tmp_path)
    assert kinds(plain, "preview") == []
    seen = []
    monkeypatch.setattr(preview, "FIRST_S", 0.0)
    monkeypatch.setattr(preview, "SHARE", 1e6)
    folder = walk_run(tmp_path / "drawn")

    def look(step: int, params: Any, ctx: Any) -> None:
        found = folder.read_map(folder.read(), "preview.npz")
        if found is not None:
            seen.append((found.label[:15, :-1] == 1).mean())

    method.each = look
    work(folder, tmp_path)
    assert len(kinds(folder, "preview")) > 1
    assert min(seen) > 0.9
    assert final_map(folder).tobytes() == final_map(plain).tobytes()
    assert not (folder / "preview.npz").exists()


@pytest.mark.parametrize("count", [1, 2, 7, 30])
def test_rows_of_a_preview_come_each_once_and_spread_out(count: int) -> None:
    rows = list(preview.spread(count))
    assert sorted(rows) == list(range(count))
    if count == 30:
        first = sorted(rows[:8])
        assert max(b - a for a, b in itertools.pairwise(first)) <= 5


def test_models_that_tell_single_pixels_are_asked_for_few(tmp_path: Path) -> None:
    asked = []

    class Pixels(StatedFitted):
        def at(self, row: np.ndarray, col: np.ndarray) -> np.ndarray:
            asked.append(row.size)
            upper = (row < 15).astype(np.float32)
            return np.stack([upper, 1 - upper], axis=1)

    folder = walk_run(tmp_path)
    record = folder.read()
    scene = open_scene(record)
    maps: list[Any] = []
    drawn = preview.Previews(scene, record.class_schema, Context(), maps.append)
    assert drawn._draw(lambda: Pixels(record.class_schema, np.zeros((2, 10))), 1e9) == 30
    assert (maps[0].label[:15, :-1] == 1).all()
    assert (maps[0].label[15:, :-1] == 2).all()
    assert (maps[0].label[:, -1] == 0).all()
    assert sum(asked) == 900


def test_a_preview_that_fails_is_told_and_stops_no_training(
    method: WalkMethod, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "FIRST_S", 0.0)
    monkeypatch.setattr(preview, "SHARE", 1e6)
    monkeypatch.setattr(preview, "in_schema", lambda *map_and_schema: 1 / 0)
    folder = walk_run(tmp_path)
    assert work(folder, tmp_path) == "done"
    (said,) = [event["text"] for event in kinds(folder, "log") if event["level"] == "warning"]
    assert "ZeroDivisionError" in said
