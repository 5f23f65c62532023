"""What the Train tab's page is told: by values alone, and over HTTP, from run folders written by hand."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from hsi_studio import Studio
from hsi_studio.engine.runs.events import EventLog
from hsi_studio.engine.runs.record import RunClass, RunFolder, RunRecord, new_run_id
from hsi_studio.types import ClassInfo, ClassSchema, LabelSet, Prediction
from hsi_studio.ui.tabs.train import values as train_values
from hsi_studio.ui.tabs.train.routes import router


@dataclass
class Desk:
    """A studio with one project of two classes, three labels each, and a client of its feed."""

    studio: Studio
    project: Any
    client: TestClient

    def get(self, path: str = "", **query: Any) -> Any:
        answer = self.client.get(f"/hsi/train/{self.project.id}{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def run(self, **more: Any) -> tuple[RunFolder, EventLog]:
        """A run folder as an ended worker leaves it."""
        labels = self.project.labels()
        values: dict[str, Any] = {
            "id": new_run_id(), "project_id": self.project.id, "method": "diffclip", "params": {},
            "title": "DiffCLIP, 3 labels a class",
            "classes": [RunClass(**vars(info)) for info in labels.schema.classes], "prompts": {"style": "p5"},
            "scene": {"id": "x", "name": "halves", "spec": {}, "shape": [12, 12, 4]},
            "labels": {"revision": labels.revision, "counts": {c.id: 3 for c in labels.schema.classes}},
            "state": "done", "created": "2026-01-31T14:25:01.000Z",
        }  # fmt: skip
        record = RunRecord(**{**values, **more})
        folder = RunFolder(self.project.folder / "runs" / record.id)
        folder.path.mkdir(parents=True)
        folder.write(record)
        return folder, EventLog(folder.events_file)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    rng = np.random.default_rng(0)
    np.save(tmp_path / "halves.npy", rng.normal(0.2, 0.02, (12, 12, 4)).astype(np.float32))
    studio = Studio(home=tmp_path / "home")
    project = studio.new_project(tmp_path / "halves.npy")
    for name, row in (("upper", 2), ("lower", 9)):
        info = project.add_class(name)
        for col in (2, 5, 8):
            project.toggle_point(row, col, info.id)
    app = FastAPI()
    app.include_router(router(studio))
    yield Desk(studio, project, TestClient(app))
    studio.close()


def pixel(png: bytes) -> tuple[int, ...]:
    """The colour of the first one."""
    with Image.open(io.BytesIO(png)) as image:
        found = image.convert("RGB").getpixel((0, 0))
    assert isinstance(found, tuple)
    return found


def labels_of(counts: list[int]) -> LabelSet:
    schema = ClassSchema(tuple(ClassInfo.new(f"class {k}", "#112233") for k in range(len(counts))))
    label = np.repeat(np.arange(len(counts)), counts)
    return LabelSet(schema, label * 0, np.arange(label.size), label)


def test_what_is_missing_from_the_labels_is_said() -> None:
    assert train_values.label_set(labels_of([0, 0]))["words"] == [
        "Label a pixel of each of two classes before training."
    ]
    assert train_values.label_set(labels_of([4, 0]))["words"] == ["Label a pixel of a second class before training."]
    value = train_values.label_set(labels_of([4, 5, 0, 1]))
    assert value["title"] == "10 labels in 3 classes"
    assert [entry["count"] for entry in value["classes"]] == [4, 5, 1]
    assert value["words"] == [
        "1 class has no label and will not be in the map: class 2.",
        "Fewer than 3 labels: class 3. A few more help most there.",
    ]


def test_a_page_gets_only_what_it_has_not_seen(desk: Desk) -> None:
    first = desk.get()
    assert first["setup"]["labels"]["title"] == "6 labels in 2 classes"
    assert not first["setup"]["heights"]
    assert first["runs"] == []
    assert set(desk.get(**first["seen"])) == {"seen", "events"}
    folder, log = desk.run(seed=7)
    log.append("log", level="info", text="begins")
    second = desk.get(**first["seen"])
    assert "setup" not in second
    assert [run["seed"] for run in second["runs"]] == [7]
    third = desk.get(**second["seen"], follow=f"{folder.path.name}:0")
    assert "runs" not in third
    assert third["events"][folder.path.name]["log"][0][1:] == ["info", "begins"]
    assert desk.get(**second["seen"], follow=f"{folder.path.name}:1")["events"] == {}
    desk.project.add_class("third")
    assert "setup" in desk.get(**second["seen"])


def metric(n: int, stage: str, steps: int, values: dict[str, float | None]) -> dict[str, Any]:
    return {"seq": n, "t": 1.0, "kind": "metric", "stage": stage, "step": n, "steps": steps, "values": values}


def test_events_are_sorted_into_curves_log_and_preview() -> None:
    events = [
        metric(1, "pretrain", 9, {"loss": 2.0, "lr": None}),
        {"seq": 2, "t": 2.0, "kind": "state", "state": "interrupted", "reason": "The worker ended."},
        {"seq": 3, "t": 3.0, "kind": "preview", "file": "preview.npz", "step": 4, "steps": 9},
        {"seq": 4, "t": 4.0, "kind": "something new"},
    ]  # fmt: skip
    value = train_values.events_value(events, first=True)
    assert value["metrics"] == [["pretrain", 1, 9, {"loss": 2.0}]]
    assert value["log"] == [[2.0, "info", "Interrupted: The worker ended."]]
    assert value["preview"] == {"step": 3, "words": "step 4 of 9"}
    assert value["last"] == 4


def test_a_page_that_begins_late_gets_long_curves_thinned_with_their_end() -> None:
    events = [metric(n, "a" if n < 9000 else "b", 10_000, {"loss": 1.0}) for n in range(1, 9011)]
    steps = [step for _, step, _, _ in train_values.events_value(events, first=True)["metrics"]]
    assert len(steps) < 2 * train_values.FIRST_POINTS
    assert {1, 8999, 9000, 9010} <= set(steps)
    assert steps == sorted(steps)
    assert len(train_values.events_value(events, first=False)["metrics"]) == 9010


def test_a_finished_run_says_how_good_its_map_is(desk: Desk) -> None:
    metrics = {"main": {"oa": {"value": 0.842, "low": 0.81, "high": 0.871}, "words": "on 96 pixels"}}
    desk.run(metrics=metrics, timing={"fit_seconds": 18.2, "predict_seconds": 130.0}, parent="20260101-120000-abcdef")
    (run,) = desk.get()["runs"]
    assert run["accuracy"] == "84.2 %"
    assert run["outcome"] == (
        "Trained in 18 s, scene mapped in 2 min. Overall accuracy 84.2 % (95 % interval 81.0 to 87.1) on 96 pixels."
    )
    buffered = {"oa": {"value": 0.731, "low": None, "high": None}, "words": "on 60 pixels"}
    assert train_values._accuracy(replace(desk.studio.runs.list()[0], metrics={**metrics, "buffered": buffered})) == (
        "73.1 %", "Overall accuracy away from the labels 73.1 % on 60 pixels",
    )  # fmt: skip
    assert run["has_map"]
    assert run["about"].startswith("3 labels a class, prompts p5, seed 0.")
    assert "Started from the encoder of model 20260101-120000-abcdef." in run["about"]


def test_pictures_are_a_runs_map_else_its_preview(desk: Desk) -> None:
    folder, _ = desk.run(state="failed", reason="By design.")
    address = f"/hsi/train/{desk.project.id}/{folder.path.name}/map.png"
    assert desk.client.get(address).status_code == 404
    schema, shape = folder.read().class_schema, (12, 12)
    label, confidence = np.ones(shape, np.uint16), np.ones(shape, np.float32)
    folder.write_map(Prediction(schema, label, confidence, "diffclip", {}, 1), "preview.npz")
    answer = desk.client.get(address)
    assert answer.headers["content-type"] == "image/png"
    assert answer.content.startswith(b"\x89PNG")
    before = desk.get()["runs"][0]["colors"]
    desk.project.recolour_class(schema.classes[0].id, "#ff00ff")
    assert pixel(desk.client.get(address).content) == (255, 0, 255)  # as the viewer draws the class now
    assert desk.get()["runs"][0]["colors"] != before  # so the page asks for the picture again


def test_a_run_is_not_told_to_another_project(desk: Desk) -> None:
    folder, log = desk.run()
    log.append("log", level="info", text="secret")
    other = desk.studio.new_project(desk.project.scene_spec["spec"])
    for path in ("/code", "/map.png"):
        assert desk.client.get(f"/hsi/train/{other.id}/{folder.path.name}{path}").status_code == 404
    answer = desk.client.get(f"/hsi/train/{other.id}", params={"follow": f"{folder.path.name}:0"}).json()
    assert answer["events"] == {}
    assert answer["runs"] == []
    assert desk.client.get("/hsi/train/no-such-project").status_code == 404


def test_a_plan_forecasts_and_gives_the_same_as_text(desk: Desk) -> None:
    value = desk.get("/plan", method="svm", params=json.dumps({"cost": 10.0}), seed=3)
    assert not value["bad"]
    assert value["words"].startswith("About ")
    assert "--method svm" in value["cli"]
    assert "cost=10.0" in value["cli"]
    assert "'cost': 10.0" in value["python"]
    for params, word in (("{", "JSON"), ('{"cost": -1}', "cost"), ('{"none": 1}', "none")):
        bad = desk.get("/plan", method="svm", params=params)
        assert bad["bad"]
        assert word in bad["words"]


def test_a_plan_without_labels_says_what_it_waits_for(desk: Desk) -> None:
    desk.project.clear()
    for method in desk.studio.trainable():
        value = desk.get("/plan", method=method.name)
        assert not value["bad"]
        assert value["words"].startswith("How long it will take is said here once two classes have labels.")


def test_every_method_that_can_be_trained_has_a_form(desk: Desk) -> None:
    told = desk.client.get("/hsi/train-methods").json()
    assert [form["name"] for form in told] == [method.name for method in desk.studio.trainable()]
