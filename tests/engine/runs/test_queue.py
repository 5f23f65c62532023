"""Runs in processes of their own, through `studio.runs`: what the user starts, leaves, stops and comes back to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hsi_studio import Studio
from hsi_studio.engine.runs.devices import Device, devices
from hsi_studio.engine.runs.queue import end_of, free
from hsi_studio.engine.runs.record import RunFolder
from hsi_studio.errors import BadRequest, TooFewLabels
from hsi_studio.methods import get_method
from hsi_studio.studio import runs as runs_module
from hsi_studio.studio.run_commands import RunRequest
from tests.engine.halves import LONG, QUICK, halves, labelled_project, until


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[tuple[Studio, str]]:
    studio = Studio(home=tmp_path / "home")
    yield studio, labelled_project(studio, halves(tmp_path))
    studio.close()


def worker_pid(studio: Studio, run_id: str) -> int:
    for slot in studio.runs.queue._all():
        current = slot.current
        if current is not None and current.folder.path.name == run_id and current.process is not None:
            return current.process.pid
    return 0


def training(studio: Studio, run_id: str) -> bool:
    """It is past its start: the network trains."""
    said = [event["message"].lower() for event in studio.runs.events(run_id) if event["kind"] == "progress"]
    return any("training" in text or "tuning" in text for text in said)


def label_map(studio: Studio, run_id: str) -> bytes:
    found = studio.runs.prediction(run_id)
    assert found is not None
    return found.label.tobytes() + found.confidence.tobytes()


@pytest.mark.slow
def test_a_run_is_queued_at_once_and_ends_with_a_map_that_can_be_shown(desk: tuple[Studio, str]) -> None:
    studio, project_id = desk
    run = studio.runs.start(project_id, "svm", owner="ada")
    assert run.state == "queued" or run.alive
    assert run.forecast is not None
    run = studio.runs.wait(run.id, 60)
    assert (run.state, run.reason, run.position) == ("done", "", None)
    assert (run.shots, run.owner) == ((3, 3), "ada")
    found = studio.runs.prediction(run.id)
    assert found is not None
    assert (found.label[:15, :-1] == 1).mean() > 0.95
    assert (found.label[15:, :-1] == 2).mean() > 0.95
    assert (found.label[:, -1] == 0).all()
    assert [info.id for info in studio.runs.list(project_id)] == [run.id]
    assert studio.runs.list(owner="someone else") == []
    report = studio.runs.report(run.id)
    assert report is not None
    assert report.kind == "leave_one_out"
    live = studio.live(project_id).wait(studio.project(project_id).revision, 30).prediction
    studio.displayed.show(project_id, "run", run.id)
    assert studio.displayed.find(project_id).prediction is found
    studio.displayed.show(project_id)
    assert studio.displayed.find(project_id).prediction is live
    seq = [event["seq"] for event in studio.runs.events(run.id)]
    assert seq == list(range(1, len(seq) + 1))
    studio.runs.delete(run.id)
    assert studio.runs.list(project_id) == []


def test_mistakes_are_said_before_anything_starts(desk: tuple[Studio, str], tmp_path: Path) -> None:
    studio, project_id = desk
    with pytest.raises(BadRequest, match="magic"):
        studio.runs.start(project_id, "magic")
    with pytest.raises(BadRequest, match="no_such"):
        studio.runs.start(project_id, "svm", {"no_such": 1})
    with pytest.raises(BadRequest, match="cuda:7"):
        studio.runs.start(project_id, "svm", device="cuda:7")
    with pytest.raises(BadRequest, match="p9"):
        studio.runs.start(project_id, "diffclip", prompts="p9")
    with pytest.raises(BadRequest, match="no prompts 'p9', and this method reads none"):
        studio.runs.start(project_id, "svm", prompts="p9")
    empty = studio.new_project(tmp_path / "halves.npy")
    with pytest.raises(TooFewLabels, match="two classes"):
        studio.runs.start(empty.id, "svm")
    assert studio.runs.list() == []


@pytest.mark.slow
def test_cancel_stops_a_running_run_and_takes_waiting_ones_out(desk: tuple[Studio, str]) -> None:
    studio, project_id = desk
    first = studio.runs.start(project_id, "diffclip", LONG)
    second, third = (studio.runs.start(project_id, "svm") for _ in range(2))
    until(lambda: studio.runs.get(first.id).position == 0)
    assert [studio.runs.get(run.id).position for run in (second, third)] == [1, 2]
    studio.runs.cancel(second.id)
    assert studio.runs.get(second.id).state == "cancelled"
    assert studio.runs.get(third.id).position == 1
    until(lambda: training(studio, first.id))
    pid = worker_pid(studio, first.id)
    studio.runs.cancel(first.id)
    run = studio.runs.wait(first.id, 20)
    assert run.state == "cancelled"
    assert studio.runs.prediction(first.id) is None
    until(lambda: not Path(f"/proc/{pid}/stat").exists())
    assert studio.runs.wait(third.id, 60).state == "done"
    with pytest.raises(BadRequest, match="nothing to stop"):
        studio.runs.cancel(third.id)


def test_a_run_cancelled_while_its_process_starts_is_gone(desk: tuple[Studio, str]) -> None:
    studio, project_id = desk
    run = studio.runs.start(project_id, "diffclip", LONG)
    until(lambda: worker_pid(studio, run.id))
    studio.runs.cancel(run.id)
    assert studio.runs.wait(run.id, 20).state == "cancelled"


@pytest.mark.slow
def test_pause_and_kill_and_resume_give_the_map_of_a_run_without_a_break(desk: tuple[Studio, str]) -> None:
    studio, project_id = desk
    params = {**QUICK, "min_steps": 300}
    whole = studio.runs.wait(studio.runs.start(project_id, "diffclip", params, seed=3).id, 100)
    assert whole.state == "done", whole.reason
    broken = studio.runs.start(project_id, "diffclip", params, seed=3)
    until(lambda: training(studio, broken.id))
    studio.runs.pause(broken.id)
    assert studio.runs.wait(broken.id, 30).state == "paused"
    until(lambda: free(RunFolder(studio.runs.folder(broken.id)).lock_file))
    studio.runs.resume(broken.id)
    until(lambda: studio.runs.get(broken.id).state == "running")
    os.kill(worker_pid(studio, broken.id), signal.SIGKILL)
    killed = studio.runs.wait(broken.id, 30)
    assert killed.state == "interrupted"
    assert "memory" in killed.reason
    assert "Resume" in killed.reason
    studio.runs.resume(broken.id)
    done = studio.runs.wait(broken.id, 100)
    assert done.state == "done", done.reason
    said = [event["text"] for event in studio.runs.events(broken.id) if event["kind"] == "log"]
    assert any("goes on from its checkpoint, step" in text for text in said), said
    assert label_map(studio, broken.id) == label_map(studio, whole.id)
    with pytest.raises(BadRequest, match="only a paused"):
        studio.runs.resume(broken.id)


APP = """
import sys, time
from hsi_studio import Studio
studio = Studio(home={home!r})
run = studio.runs.start({project!r}, "diffclip", {params!r})
waiting = studio.runs.start({project!r}, "svm")
print(run.id, waiting.id, flush=True)
time.sleep(600)
"""


@pytest.mark.slow
def test_killing_the_application_ends_its_worker_and_a_new_one_resumes(desk: tuple[Studio, str]) -> None:
    studio, project_id = desk
    code = APP.format(home=str(studio.home), project=project_id, params={**QUICK, "min_steps": 3000})
    app = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert app.stdout is not None
    run_id, waiting_id = app.stdout.readline().split()
    until(lambda: training(studio, run_id))
    assert studio.runs.get(run_id).state == "running"  # of another program, and alive
    with pytest.raises(BadRequest, match="another program"):
        studio.runs.cancel(run_id)
    with pytest.raises(BadRequest, match="cancel it before"):
        studio.runs.delete(run_id)
    app.kill()
    app.wait(10)
    app.stdout.close()
    found = studio.runs.wait(run_id, 60)
    assert found.state == "interrupted"
    assert "program" in found.reason
    assert studio.runs.wait(waiting_id, 5).state == "interrupted"
    until(lambda: free(RunFolder(studio.runs.folder(run_id)).lock_file))
    studio.runs.resume(waiting_id)
    assert studio.runs.wait(waiting_id, 60).state == "done"


@pytest.mark.slow
def test_a_run_on_the_cpu_does_not_wait_for_the_gpu(desk: tuple[Studio, str], monkeypatch: pytest.MonkeyPatch) -> None:
    studio, project_id = desk
    cpu = devices()[-1]
    monkeypatch.setattr(runs_module, "devices", lambda: (Device("cuda:0", "A GPU", "CUDA: a GPU"), cpu))
    monkeypatch.setattr(runs_module, "find_device", lambda slot: cpu)
    gpu = studio.runs.start(project_id, "diffclip", LONG)
    also = studio.runs.start(project_id, "svm")
    assert gpu.device["slot"] == also.device["slot"] == "cuda:0"
    here = studio.runs.start(project_id, "svm", device="cpu")
    assert studio.runs.wait(here.id, 60).state == "done"
    assert studio.runs.get(gpu.id).position == 0
    assert studio.runs.get(also.id).position == 1
    until(lambda: training(studio, gpu.id))
    said = [e["text"] for e in studio.runs.events(gpu.id) if e["kind"] == "log" and e["level"] == "warning"]
    assert "cannot use" in said[0] or "not there" in said[0]  # this machine has none: it says so and goes on
    assert studio.runs.get(gpu.id).device["slot"] == "cpu"


@pytest.mark.slow
def test_closing_the_application_leaves_everything_to_be_resumed(tmp_path: Path) -> None:
    studio = Studio(home=tmp_path / "home")
    project_id = labelled_project(studio, halves(tmp_path))
    run, waiting = (studio.runs.start(project_id, "diffclip", LONG) for _ in range(2))
    until(lambda: training(studio, run.id))
    studio.close()
    again = Studio(home=tmp_path / "home")
    assert again.runs.wait(run.id, 30).state == "interrupted"
    assert again.runs.get(waiting.id).state == "interrupted"
    again.runs.cancel(run.id)
    assert again.runs.get(run.id).state == "cancelled"


@pytest.mark.slow
def test_a_damaged_record_hides_no_other_run(desk: tuple[Studio, str]) -> None:
    studio, project_id = desk
    runs = [studio.runs.start(project_id, "knn") for _ in range(2)]
    for run in runs:
        assert studio.runs.wait(run.id, 60).state == "done"
    (studio.runs.folder(runs[0].id) / "run.json").write_bytes(b'{"id":')
    assert [info.id for info in studio.runs.list(project_id)] == [runs[1].id]
    studio.runs.delete(runs[0].id)


@pytest.mark.parametrize(
    ("requested", "code", "state", "word"),
    [
        ("cancel", -9, "cancelled", "no map was made"),
        ("pause", -9, "paused", "Resume"),
        ("close", -9, "interrupted", "closed"),
        ("", -9, "interrupted", "memory"),
        ("", -15, "interrupted", "outside"),
        ("", -11, "failed", "SIGSEGV"),
        ("", 1, "failed", "last words"),
    ],
)
def test_every_end_of_a_worker_has_a_reason(tmp_path: Path, requested: str, code: int, state: str, word: str) -> None:
    (tmp_path / "worker.log").write_text("first\nImportError: last words\n")
    found, reason = end_of(requested, code, RunFolder(tmp_path))
    assert found == state
    assert word in reason


def test_the_same_run_from_the_shell_and_from_a_notebook(desk: tuple[Studio, str]) -> None:
    studio, project_id = desk
    asked = RunRequest(project_id, "diffclip", {"epochs": 40, "template": "a {class} field"}, "p4", 7)
    line = studio.runs.as_cli(asked)
    assert f"train {project_id} --method diffclip" in line
    assert "--param epochs=40" in line
    assert "--param 'template=a {class} field'" in line
    assert line.endswith("--prompts p4 --seed 7")
    compile(studio.runs.as_python(asked), "snippet", "exec")
    silent = replace(asked, method="svm", params={})
    assert studio.runs.as_cli(silent).endswith("--method svm --seed 7")  # it reads no words
    assert "prompts" not in studio.runs.as_python(silent)
    begun = replace(asked, warm_start="20260101-120000-abcdef")
    assert studio.runs.as_cli(begun).endswith("--seed 7 --start-from 20260101-120000-abcdef")
    assert "seed=7, warm_start='20260101-120000-abcdef')" in studio.runs.as_python(begun)
    with pytest.raises(BadRequest, match="no_such"):
        studio.runs.as_cli(RunRequest(project_id, "svm", {"no_such": 1}))


@pytest.mark.parametrize("seed", [1.5, "1", True, -1])
def test_a_seed_is_a_whole_number(desk: tuple[Studio, str], seed: Any) -> None:
    studio, project_id = desk
    with pytest.raises(BadRequest, match="whole number"):
        studio.runs.start(project_id, "svm", {}, seed=seed)


@pytest.mark.slow
def test_a_run_keeps_the_labels_it_was_started_with(desk: tuple[Studio, str]) -> None:
    studio, project_id = desk
    project = studio.project(project_id)
    run = studio.runs.start(project_id, "knn")
    project.clear()
    done = studio.runs.wait(run.id, 60)
    assert (done.state, done.shots) == ("done", (3, 3))
    assert done.revision < project.revision
    record = studio.runs.record(run.id)
    labels = RunFolder(studio.runs.folder(run.id)).read_labels(record)
    assert np.array_equal(labels.counts, [3, 3])


@pytest.mark.slow
def test_progress_and_curves_are_events(desk: tuple[Studio, str]) -> None:
    studio, project_id = desk
    run = studio.runs.start(project_id, "diffclip", LONG)
    until(lambda: training(studio, run.id))
    info = until(lambda: studio.runs.get(run.id) if studio.runs.get(run.id).progress else None)
    assert 0 <= info.progress.fraction <= 1
    first = studio.runs.events(run.id)
    until(lambda: studio.runs.events(run.id, first[-1]["seq"]))
    assert studio.runs.get(run.id).state == "running"
    assert get_method("diffclip").title in info.title
    assert time.time() - first[-1]["t"] < 600
    studio.runs.cancel(run.id)
