"""What visitors leave behind can be counted: the benchmark's own scenes open, are exported and closed."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest


@pytest.mark.slow
def test_what_is_left_behind_is_counted() -> None:
    command = [sys.executable, "-m", "benchmarks.hostile", "--gone"]
    counts = ["--scenes", "1", "--exports", "1", "--visitors", "1"]
    done = subprocess.run([*command, *counts], capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout)
    assert [len(told[what]) for what in ("scenes", "exports", "visitors")] == [1, 1, 1]
    assert told["after"]["mb"] > 0
