"""Starting, stopping and showing runs, without a page: what the façade got and what the panel is told."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, cast

import pytest

from hsi_studio import Studio
from hsi_studio.errors import BadRequest
from hsi_studio.ui.tabs.train import TrainTab
from tests.ui.tabs.events import event, untouched, value


class Runs:
    """In place of `studio.runs`: one run, of one project."""

    def __init__(self, project_id: str) -> None:
        self.project_id = project_id
        self.asked: list[Any] = []

    def start(self, *args: Any) -> Any:
        self.asked.append(("start", *args))
        return self

    id = "the run"

    def get(self, run_id: str) -> Any:
        if run_id != "the run":
            raise BadRequest(f"There is no run {run_id}.")
        return self

    def pause(self, run_id: str) -> None:
        self.asked.append(("pause", run_id))

    def resume(self, run_id: str) -> None:
        self.asked.append(("resume", run_id))

    def cancel(self, run_id: str) -> None:
        self.asked.append(("cancel", run_id))

    def delete(self, run_id: str) -> None:
        self.asked.append(("delete", run_id))


@pytest.fixture
def runs() -> Runs:
    return Runs("mine")


@pytest.fixture
def tab(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> TrainTab:
    made = TrainTab(cast(Studio, SimpleNamespace(runs=runs)))
    monkeypatch.setattr(made, "show", lambda project, run: runs.asked.append(("show", project, run)))
    return made


def test_a_run_starts_with_the_forms_settings_and_is_looked_at(tab: TrainTab, runs: Runs) -> None:
    form = event(method="svm", params='{"cost": 10}', prompts="", seed="3")
    answer = value(tab.start("mine", form))
    assert runs.asked == [("start", "mine", "svm", {"cost": 10}, "p5", 3)]
    assert answer == {"project": "mine", "said": {"text": "", "bad": False}, "focus": "the run"}


@pytest.mark.parametrize(("params", "words"), [("{", "JSON"), ("[1]", "one JSON object")])
def test_settings_that_cannot_be_read_are_said(tab: TrainTab, runs: Runs, params: str, words: str) -> None:
    said = value(tab.start("mine", event(method="svm", params=params, prompts="p1", seed=0)))["said"]
    assert said["bad"]
    assert words in said["text"]
    assert runs.asked == []


@pytest.mark.parametrize("what", ["pause", "resume", "cancel"])
def test_a_run_is_acted_on_and_the_viewer_left_alone(tab: TrainTab, runs: Runs, what: str) -> None:
    panel, *viewer_and_strip = tab.act("mine", event(what, run="the run"))
    assert runs.asked == [(what, "the run")]
    assert not value(panel)["said"]["bad"]
    assert all(untouched(answer) for answer in viewer_and_strip)


def test_a_map_is_shown_and_the_viewer_told(tab: TrainTab, runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tab, "present", Told())
    for run in ("the run", ""):  # "": the live map again
        assert tab.act("mine", event("show", run=run))[1:] == ("viewer", "strip")
    assert tab.act("mine", event("delete", run="the run"))[1:] == ("viewer", "strip")
    assert runs.asked == [("show", "mine", "the run"), ("show", "mine", ""), ("delete", "the run")]


class Told:
    """In place of `Present`."""

    def viewer_changes(self, project_id: str) -> str:
        return "viewer"

    def strip(self, project_id: str) -> str:
        return "strip"


@pytest.mark.parametrize(("run", "words"), [("the run", "another project"), ("none", "no run none")])
def test_a_run_of_another_project_is_not_touched(tab: TrainTab, runs: Runs, run: str, words: str) -> None:
    panel, *rest = tab.act("another project", event("delete", run=run))
    assert value(panel)["said"]["bad"]
    assert words in json.dumps(value(panel)["said"])
    assert all(untouched(answer) for answer in rest)
    assert runs.asked == []
