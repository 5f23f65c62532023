"""A worker that does not hear: it and everything it has started are ended."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hsi_studio.engine.runs.queue import Running, end_of
from hsi_studio.engine.runs.record import RunFolder
from tests.engine.halves import until

DEAF = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; print('here', flush=True); time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""
HEARS = "import sys; sys.exit(7 if sys.stdin.readline() == {word!r} else 1)"


def started(code: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", code]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)


def gone(pid: int) -> bool:
    """No such process, or only its name is left."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.fixture
def deaf() -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    process = started(DEAF)
    assert process.stdout is not None
    lines = {process.stdout.readline().strip() for _ in range(2)}  # whichever of the two speaks first
    child = int((lines - {b"here"}).pop())
    yield process, child
    for pid in (process.pid, child):
        if not gone(pid):
            os.kill(pid, 9)
    process.wait(10)
    process.stdout.close()
    assert process.stdin is not None
    process.stdin.close()


@pytest.mark.parametrize("requested", ["cancel", "pause"])
def test_a_deaf_worker_is_ended_with_everything_it_has_started(
    deaf: tuple[subprocess.Popen[bytes], int], requested: str, tmp_path: Path
) -> None:
    process, child = deaf
    running = Running(RunFolder(tmp_path))
    running.begin(process)
    assert not gone(child)
    running.request(requested, 0.1)
    assert process.wait(20) == -9
    until(lambda: gone(child), 20)


def test_a_worker_that_hears_in_time_is_not_ended(tmp_path: Path) -> None:
    process = started(HEARS.format(word="pause\n"))
    running = Running(RunFolder(tmp_path))
    running.begin(process)
    running.request("pause", 60)
    assert process.wait(20) == 7
    assert running.timer is not None
    running.timer.cancel()
    running.end()  # nothing to end, and no error
    for stream in (process.stdin, process.stdout):
        assert stream is not None
        stream.close()


class Listening:
    """Stands for a process: keeps what it is told."""

    def __init__(self) -> None:
        self.stdin = io.BytesIO()
        self.pid = 0

    def poll(self) -> int:
        return 0


def test_the_first_word_a_worker_hears_is_the_request_it_missed(tmp_path: Path) -> None:
    running, early, late = Running(RunFolder(tmp_path)), Listening(), Listening()
    running.begin(early)  # type: ignore[arg-type]
    assert early.stdin.getvalue() == b""
    running.request("pause", 60)
    assert early.stdin.getvalue() == b"pause\n"
    running.begin(late)  # type: ignore[arg-type]
    assert late.stdin.getvalue() == b"pause\n"
    assert running.timer is not None
    running.timer.cancel()


def test_a_request_is_passed_on_when_the_worker_starts_later(tmp_path: Path) -> None:
    running = Running(RunFolder(tmp_path))
    running.request("cancel", 60)
    process = started(HEARS.format(word="cancel\n"))
    running.begin(process)
    assert process.wait(20) == 7
    assert running.timer is not None
    running.timer.cancel()
    for stream in (process.stdin, process.stdout):
        assert stream is not None
        stream.close()


def test_a_cancel_is_not_taken_back_by_a_pause(tmp_path: Path) -> None:
    running = Running(RunFolder(tmp_path))
    running.request("pause", 60)
    running.request("cancel", 60)
    running.request("pause", 60)
    assert running.requested == "cancel"
    assert running.timer is not None
    running.timer.cancel()


def test_a_paused_worker_that_had_to_be_ended_is_told_from_one_that_paused_itself(tmp_path: Path) -> None:
    state, reason = end_of("pause", -9, RunFolder(tmp_path))
    assert state == "paused"
    assert reason.startswith("Paused; it did not answer in time and was ended.")
    assert reason.endswith("Resume it: it begins again.")
    (tmp_path / "checkpoint-walk.safetensors").touch()
    assert end_of("pause", -9, RunFolder(tmp_path))[1].endswith("Resume it: it goes on from its last checkpoint.")


def test_seconds_of_patience_are_counted_from_the_last_request(tmp_path: Path) -> None:
    """A pause may take long; a cancel after it does not wait for the pause's time."""
    process = started("import time; time.sleep(600)")
    running = Running(RunFolder(tmp_path))
    running.begin(process)
    running.request("pause", 300)
    running.request("cancel", 0.1)
    assert process.wait(60) == -9
    for stream in (process.stdin, process.stdout):
        assert stream is not None
        stream.close()
