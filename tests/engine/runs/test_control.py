"""Checkpoints of a run, and what cancel and pause mean to a method that makes some or none."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from hsi_studio.engine.runs import control as control_module
from hsi_studio.engine.runs.control import RunCheckpoints, RunControl
from hsi_studio.errors import Cancelled
from hsi_studio.methods.contract import State
from tests.engine.halves import until


def test_a_checkpoint_of_other_settings_or_a_damaged_one_is_not_used(tmp_path: Path) -> None:
    mine = RunCheckpoints(tmp_path, "a" * 64, RunControl())
    mine.save("stage one", State({"x": np.float32(3.0), "e": np.zeros((0, 4))}, {"step": 7}))
    found = mine.load("stage one")
    assert found is not None
    assert (found.header, found.arrays["x"].shape, found.arrays["e"].shape) == ({"step": 7}, (), (0, 4))
    said: list[str] = []
    other = RunCheckpoints(tmp_path, "b" * 64, RunControl(), tell=lambda level, text: said.append(text))
    assert other.load("stage one") is None
    assert "other settings" in said[0]
    file = mine.file("stage one")
    file.write_bytes(file.read_bytes()[:-3])
    mine.tell = other.tell
    assert mine.load("stage one") is None
    assert "begins again" in said[1]


def test_saving_when_a_pause_was_asked_ends_the_work_after_the_file_is_there(tmp_path: Path) -> None:
    control = RunControl()
    kept = RunCheckpoints(tmp_path, "a" * 64, control, every_s=1e9)
    assert not kept.due()
    control.request("pause")
    assert kept.due()
    assert not control.cancelled()  # a method that makes checkpoints is waited for
    with pytest.raises(Cancelled):
        kept.save("s", State({}, {"step": 1}))
    assert kept.load("s") is not None


def test_a_pause_stops_a_method_that_makes_no_checkpoints_at_once() -> None:
    control = RunControl()
    control.request("pause")
    assert control.cancelled()
    waiting = RunControl()
    waiting.makes_checkpoints()
    waiting.request("pause")
    assert not waiting.cancelled()
    waiting.no_more_checkpoints()
    assert waiting.cancelled()


def test_a_pause_is_waited_for_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(control_module.time, "monotonic", lambda: now[0])
    control = RunControl()
    control.makes_checkpoints()
    control.request("pause")
    assert not control.cancelled()
    now[0] = control_module.PATIENCE_S + 0.1
    assert control.cancelled()


def test_the_first_request_counts_but_a_cancel_is_always_heard() -> None:
    control = RunControl()
    control.request("pause")
    control.request("orphan")
    assert control.requested == "pause"
    control.request("cancel")
    assert control.requested == "cancel"
    assert control.cancelled()


@pytest.mark.parametrize(
    ("sent", "requested"), [(b"pause\n", "pause"), (b"nonsense\n", "orphan"), (b"", "orphan"), (b"cancel\n", "cancel")]
)
def test_control_comes_in_lines_and_their_end_means_that_nobody_is_left(sent: bytes, requested: str) -> None:
    control = RunControl(BytesIO(sent))
    until(lambda: control.requested)
    assert control.requested == requested
