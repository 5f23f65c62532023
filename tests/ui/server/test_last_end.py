"""A server that was killed is told of by the next one, with what the system knows of why; one that ended is not."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hsi_studio import memory_end
from hsi_studio.ui.server.last_end import KEPT, Attendance

BEGIN = """
import sys
from pathlib import Path
from hsi_studio.ui.server.last_end import Attendance
here = Attendance(Path(sys.argv[1]))
assert here.begin() == []
print("began", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the kernel says, in a folder that the test may write."""
    proc = tmp_path / "proc"
    (proc / "sys" / "kernel" / "random").mkdir(parents=True)
    monkeypatch.setattr(memory_end, "PROC", proc)
    says(proc, "one", 3)
    return proc


def says(proc: Path, machine: str, ends: int) -> None:
    (proc / "sys" / "kernel" / "random" / "boot_id").write_text(f"{machine}\n")
    (proc / "vmstat").write_text(f"nr_free_pages 7\noom_kill {ends}\npgfault 1\n")


def killed(home: Path) -> None:
    """What a server leaves that got no chance to tidy up: its lock is let go, its file stays."""
    one = Attendance(home)
    assert one.begin() == []
    one._lock.release()


def test_a_killed_process_is_told_of_once_and_a_living_one_is_not(tmp_path: Path) -> None:
    command = [sys.executable, "-c", BEGIN, str(tmp_path)]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert server.stdout is not None
    assert server.stdout.readline() == b"began\n"
    second = Attendance(tmp_path)
    assert second.begin() == [], "it lives"
    second.end()

    server.send_signal(signal.SIGKILL)
    server.communicate()
    third = Attendance(tmp_path)
    (said,) = third.begin()
    assert said.startswith("The server that ran since ")
    assert "did not end in order" in said
    assert said.endswith(KEPT)
    third.end()
    assert Attendance(tmp_path).begin() == []


@pytest.mark.parametrize(
    ("machine", "ends", "why"),
    [
        ("one", 3, "killed from outside or crashed (the system has ended no process for memory since)"),
        ("one", 4, "most likely because memory ran out (the system has ended 1 process for memory since)"),
        ("one", 9, "the system has ended 6 processes for memory since"),
        ("two", 0, "the machine was started again"),
    ],
)
def test_the_sentence_says_what_the_system_knows(
    tmp_path: Path, system: Path, machine: str, ends: int, why: str
) -> None:
    killed(tmp_path)
    says(system, machine, ends)
    (said,) = Attendance(tmp_path).begin()
    assert why in said


def test_a_system_that_counts_nothing_is_not_quoted(tmp_path: Path, system: Path) -> None:
    (system / "vmstat").unlink()
    killed(tmp_path)
    (said,) = Attendance(tmp_path).begin()
    assert ": it was killed, or crashed. " in said


@pytest.mark.parametrize(
    "left", ["", "{", "[]", '{"began": 1e999, "machine": "", "ends_for_memory": 0}', '{"began": 1}']
)
def test_what_a_full_disk_left_is_told_too(tmp_path: Path, left: str) -> None:
    killed(tmp_path)
    (file,) = (tmp_path / "servers").glob("*.json")
    file.write_text(left)
    (said,) = Attendance(tmp_path).begin()
    assert "how is not known" in said


def test_an_orderly_end_leaves_nothing(tmp_path: Path) -> None:
    one = Attendance(tmp_path)
    one.begin()
    assert json.loads(next((tmp_path / "servers").glob("*.json")).read_text())["began"] > 0
    one.end()
    assert list((tmp_path / "servers").iterdir()) == []


def test_a_home_that_cannot_be_written_keeps_no_server_from_starting(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "servers").write_text("a file")
    one = Attendance(tmp_path)
    assert one.begin() == []
    assert "how this server ends will not be known" in caplog.text
    one.end()


def test_workers_and_readers_go_before_the_application(system: Path) -> None:
    (system / "self").mkdir()
    memory_end.first_to_go()
    assert int((system / "self" / "oom_score_adj").read_text()) > 0
