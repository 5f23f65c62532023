"""How an attempt at a run ends and what it tells, with works of a few lines in place of a training."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from hsi_studio.engine.runs import environment
from hsi_studio.engine.runs.attempt import Attempt
from hsi_studio.engine.runs.control import RunControl
from hsi_studio.engine.runs.events import read_events
from hsi_studio.engine.runs.record import RunFolder
from hsi_studio.errors import Cancelled, TooFewLabels
from tests.engine.halves import walk_run


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return walk_run(tmp_path)


def attempt_at(folder: RunFolder, requested: str = "") -> Attempt:
    control = RunControl()
    if requested:
        control.request(requested)
    return Attempt(folder, folder.path / "cache", control)


def said(folder: RunFolder, kind: str) -> list[dict[str, Any]]:
    return [event for event in read_events(folder.events_file) if event["kind"] == kind]


def test_a_work_that_returns_is_done_with_its_figures_and_files(folder: RunFolder) -> None:
    def work(attempt: Attempt) -> None:
        assert attempt.folder.read().state == "running"
        attempt.log("info", "at work")
        with attempt.timed("fit"):
            pass
        attempt.finish({"oa": 0.5}, ["map.npz"])

    assert attempt_at(folder).run(work) == "done"
    record = folder.read()
    assert (record.state, record.metrics, record.outputs) == ("done", {"oa": 0.5}, ["map.npz"])
    assert record.timing["attempts"] == 1
    assert record.timing["fit_seconds"] >= 0
    assert said(folder, "log")[0]["text"] == "at work"
    assert said(folder, "result")[0]["outputs"] == ["map.npz"]


@pytest.mark.parametrize(
    ("requested", "state", "keeps"),
    [("pause", "paused", True), ("orphan", "interrupted", True), ("cancel", "cancelled", False)],
)
def test_a_stopped_work_ends_as_was_requested(folder: RunFolder, requested: str, state: str, keeps: bool) -> None:
    (folder / "checkpoint-stage.safetensors").write_bytes(b"")

    def work(attempt: Attempt) -> None:
        attempt.context().check()

    assert attempt_at(folder, requested).run(work) == state
    assert bool(folder.checkpoints()) is keeps
    assert ("stage" in folder.read().reason) is keeps


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TooFewLabels("Label one more class."), "Label one more class."),
        (MemoryError(), "Memory ran out"),
        (ZeroDivisionError("by design"), "ZeroDivisionError: by design"),
    ],
)
def test_what_a_work_raises_is_the_reason(folder: RunFolder, error: Exception, reason: str) -> None:
    def work(attempt: Attempt) -> None:
        raise error

    assert attempt_at(folder).run(work) == "failed"
    assert reason in folder.read().reason
    assert [event["text"] for event in said(folder, "log") if event["level"] == "error"] == [folder.read().reason]


def test_seconds_of_a_phase_add_up_over_attempts_also_of_one_that_was_stopped(folder: RunFolder) -> None:
    def stopped(attempt: Attempt) -> None:
        attempt.count("fit", 2.0)
        with attempt.timed("predict"):
            raise Cancelled

    attempt_at(folder, "pause").run(stopped)
    assert "predict_seconds" in folder.read().timing
    attempt_at(folder).run(lambda attempt: attempt.count("fit", 3.0))
    timing = folder.read().timing
    assert (timing["fit_seconds"], timing["attempts"]) == (5.0, 2)


def test_time_left_counts_the_forecast_of_the_phases_after_this_one(folder: RunFolder) -> None:
    from hsi_studio.types import Progress

    phases = {"prepare": 1.0, "fit": 10.0, "predict": 4.0, "report": 0.5}
    folder.write(folder.read().model_copy(update={"forecast": {"phases": phases}}))

    def work(attempt: Attempt) -> None:
        with attempt.timed("fit"):
            attempt.reporter.progress(Progress("Walking", 1, 2, 5.0))

    attempt_at(folder).run(work)
    assert said(folder, "progress")[0]["seconds_left"] == 9.5


def test_a_gpu_that_does_not_answer_is_the_cpu_and_says_so(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    folder.write(folder.read().model_copy(update={"device": {"slot": "cuda:0", "name": "A GPU", "reason": ""}}))

    def work(attempt: Attempt) -> None:
        assert attempt.device == "cuda"
        attempt.settle_device()
        assert attempt.context().device == "cpu"

    assert attempt_at(folder).run(work) == "done"
    assert folder.read().device["slot"] == "cpu"
    assert "cannot use A GPU" in said(folder, "log")[0]["text"]


def test_a_worker_steps_back_as_a_session_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nice values of two sessions are not compared where the system schedules by session."""
    said = list[int]()
    monkeypatch.setattr(os, "nice", said.append, raising=False)
    monkeypatch.setattr(environment, "AUTOGROUP", tmp_path / "autogroup")
    environment.step_back(10)
    assert said == [10]
    assert (tmp_path / "autogroup").read_text() == "10"
    monkeypatch.setattr(environment, "AUTOGROUP", tmp_path / "none" / "autogroup")
    environment.step_back(10)  # another system
