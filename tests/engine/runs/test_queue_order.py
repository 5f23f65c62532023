"""The queue's order and its refusals, with workers that only wait: no process is started here."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from hsi_studio.engine.runs.events import read_events
from hsi_studio.engine.runs.queue import Running, RunQueue, Slot
from hsi_studio.engine.runs.record import RunFolder
from hsi_studio.errors import BadRequest
from tests.engine.halves import until, walk_run


class Waiting(RunQueue):
    """Its workers wait until they are let go."""

    def __init__(self, home: Path) -> None:
        super().__init__(home, home / "cache")
        self.go = threading.Event()
        self.order: list[str] = []

    def _attend(self, slot: Slot, running: Running) -> None:
        self.order.append(running.folder.path.name)
        record = running.folder.set_state(running.folder.read(), "running")
        self.go.wait(60)
        running.folder.set_state(record, "done")


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Waiting]:
    made = Waiting(tmp_path / "home")
    yield made
    made.go.set()
    made.close()


@pytest.fixture
def runs(tmp_path: Path) -> list[RunFolder]:
    """Four runs of one project."""
    first = walk_run(tmp_path)
    found = [first]
    for k in range(3):
        other = RunFolder(first.path.with_name(f"20260101-00000{k + 1}-abcdef"))
        other.path.mkdir()
        other.write(first.read().model_copy(update={"id": other.path.name}))
        found.append(other)
    return found


def names(runs: list[RunFolder]) -> list[str]:
    return [run.path.name for run in runs]


def submitted(queue: Waiting, runs: list[RunFolder], slot: str = "cpu") -> None:
    for run in runs:
        queue.submit(run, run.read(), slot)
    until(lambda: queue.position(runs[0].path.name) == 0, 10)


def test_runs_are_worked_on_one_at_a_time_in_the_order_they_came(queue: Waiting, runs: list[RunFolder]) -> None:
    submitted(queue, runs)
    assert [queue.position(name) for name in names(runs)] == [0, 1, 2, 3]
    assert queue.load() == {"cpu": 4}
    assert queue.position("no such run") is None
    queue.go.set()
    until(lambda: all(run.read().state == "done" for run in runs))
    assert queue.order == names(runs)
    until(lambda: [queue.position(name) for name in names(runs)] == [None] * 4)


def test_another_device_does_not_wait(queue: Waiting, runs: list[RunFolder]) -> None:
    submitted(queue, runs[:2], "cuda:0")
    submitted(queue, runs[2:], "cpu")
    assert [queue.position(name) for name in names(runs)] == [0, 1, 0, 1]


def test_a_waiting_run_that_is_cancelled_makes_room(queue: Waiting, runs: list[RunFolder]) -> None:
    submitted(queue, runs)
    queue.cancel(runs[1])
    assert runs[1].read().state == "cancelled"
    assert runs[1].read().reason == "Cancelled before it began."
    queue.pause(runs[2])
    assert runs[2].read().state == "paused"
    assert [queue.position(name) for name in names(runs)] == [0, None, None, 1]
    queue.resume(runs[2])
    assert queue.position(runs[2].path.name) == 2
    assert [e["state"] for e in read_events(runs[2].events_file) if e["kind"] == "state"] == [
        "queued", "paused", "queued",
    ]  # fmt: skip


def test_a_run_that_waits_or_runs_is_not_deleted(queue: Waiting, runs: list[RunFolder]) -> None:
    submitted(queue, runs[:2])
    for run in runs[:2]:
        with pytest.raises(BadRequest, match="cancel it before you delete"):
            queue.delete(run)
    queue.cancel(runs[1])
    queue.delete(runs[1])
    assert not runs[1].path.exists()
    assert runs[0].path.exists()


def test_only_a_run_that_stopped_half_way_can_resume(queue: Waiting, runs: list[RunFolder]) -> None:
    for state in ("done", "cancelled"):
        runs[0].set_state(runs[0].read(), state)
        with pytest.raises(BadRequest, match=f"is {state}: only a paused, interrupted or failed one"):
            queue.resume(runs[0])


@pytest.mark.parametrize("held", ["queue", "worker", "nothing"])
def test_a_run_of_another_program_is_interrupted_only_when_nobody_looks_after_it(
    queue: Waiting, runs: list[RunFolder], held: str
) -> None:
    """It counts as living while its queue or its worker lives; then it is said to have been interrupted."""
    run = runs[0]
    run.write(run.read().model_copy(update={"state": "running", "queue": "another"}))
    file = {"queue": queue.home / "queues" / "another.lock", "worker": run.lock_file}.get(held)
    lock = None
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(file)
        lock.acquire()
    expected = "interrupted" if held == "nothing" else "running"
    assert queue.checked(run).state == run.read().state == expected
    if lock is not None:
        with pytest.raises(BadRequest, match="another program"):
            queue.cancel(run)
        lock.release()
        assert queue.checked(run).state == "interrupted"


def test_cancelling_a_paused_run_keeps_nothing(queue: Waiting, runs: list[RunFolder]) -> None:
    (runs[0] / "checkpoint-walk.safetensors").touch()
    runs[0].set_state(runs[0].read(), "paused")
    queue.cancel(runs[0])
    assert runs[0].read().state == "cancelled"
    assert not list(runs[0].path.glob("checkpoint-*"))


def test_closing_leaves_waiting_runs_to_be_resumed(tmp_path: Path, runs: list[RunFolder]) -> None:
    queue = Waiting(tmp_path / "home")
    submitted(queue, runs[:2])
    threading.Timer(0.2, queue.go.set).start()
    queue.close()
    assert runs[1].read().state == "interrupted"
    assert "closed before it began" in runs[1].read().reason
    assert queue.order == names(runs[:1])
