"""Whether a run is alive: in every state there is, so that a new one must be given a side."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from hsi_studio.engine.runs.record import RunState
from hsi_studio.studio.run_info import RunInfo

NOT_OVER = {"queued", "starting", "running", "pausing"}


def info(state: RunState) -> RunInfo:
    none: dict[str, Any] = {"progress": None, "forecast": None, "position": None}
    words = dict.fromkeys(("owner", "title", "prompts", "reason", "created", "started", "ended"), "")
    return RunInfo(
        id="r", project_id="p", method="svm", params={}, changed={}, seed=0, state=state, device={}, shots=(1, 1),
        revision=0, metrics={}, **words, **none,
    )  # fmt: skip


@pytest.mark.parametrize("state", get_args(RunState))
def test_a_run_is_alive_until_somebody_must_do_something(state: RunState) -> None:
    assert info(state).alive == (state in NOT_OVER)


def test_runs_do_not_share_their_timing() -> None:
    one, other = info("done"), info("done")
    one.timing["total_seconds"] = 3.0
    assert other.timing == {}
    assert (one.kind, one.adapted, one.notes, one.parent) == ("train", (), (), "")
