"""The worker does what the record's kind says, and a record it cannot do anything with gets a reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from hsi_studio.engine import worker
from hsi_studio.engine.compare import run_kind
from hsi_studio.engine.runs import train
from hsi_studio.engine.runs.attempt import Attempt
from hsi_studio.engine.runs.control import RunControl
from hsi_studio.engine.runs.process import end_of, free, start_worker
from hsi_studio.engine.runs.record import RunFolder
from hsi_studio.errors import StudioError
from tests.engine.halves import walk_run


def test_every_kind_of_run_has_its_work() -> None:
    assert worker.work_of("train") is train.run
    assert worker.work_of("compare") is run_kind.run
    with pytest.raises(StudioError, match="'bake'"):
        worker.work_of("bake")


def test_a_kind_of_a_later_version_fails_with_a_reason(tmp_path: Path) -> None:
    folder = walk_run(tmp_path)
    folder.write(folder.read().model_copy(update={"kind": "bake"}))
    assert Attempt(folder, tmp_path / "cache", RunControl()).run(worker.work) == "failed"
    assert "'bake'" in folder.read().reason


def test_the_process_says_in_the_record_how_it_ended_and_lets_go_of_the_run(tmp_path: Path) -> None:
    folder = walk_run(tmp_path)  # of a method that only this test's process has
    process = start_worker(folder, tmp_path / "cache", 1, "")
    assert process.stdin is not None
    assert process.wait(60) == 0
    process.stdin.close()
    record = folder.read()
    assert record.state == "failed"
    assert "fake" in record.reason
    assert free(folder.lock_file)


def test_a_second_worker_leaves_a_run_alone_that_is_being_worked_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import filelock

    folder = walk_run(tmp_path)
    before = folder.record_file.read_bytes()

    class Held:
        def __init__(self, path: Path, timeout: float) -> None:
            self.path = path

        def acquire(self) -> None:
            raise filelock.Timeout(str(self.path))

    monkeypatch.setattr(filelock, "FileLock", Held)
    assert worker.main([str(folder.path), "--cache", str(tmp_path / "cache")]) == 3
    assert folder.record_file.read_bytes() == before


def test_a_worker_that_cannot_even_begin_leaves_its_last_words(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "20260101-000000-abcdef")
    folder.path.mkdir()
    process = start_worker(folder, tmp_path / "cache", 1, "")
    assert process.stdin is not None
    code = process.wait(60)
    process.stdin.close()
    state, reason = end_of("", code, folder)
    assert state == "failed"
    assert "run.json" in reason
