"""What the benchmark scripts share, and that each of them can be asked for its help."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.common import (
    THREAD_VARIABLES,
    duration,
    exit_code,
    machine,
    named_values,
    printed_progress,
    quantile,
    reference_pixels,
    use_threads,
)
from hsi_studio.errors import BadRequest
from hsi_studio.scene.resolve import resolve
from hsi_studio.types import Progress

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted(
    file.stem for file in (ROOT / "benchmarks").glob("*.py") if '__name__ == "__main__"' in file.read_text()
)


@pytest.mark.slow
@pytest.mark.parametrize("name", SCRIPTS)
def test_help_says_how_a_script_is_called(name: str) -> None:
    asked = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", "--help"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert asked.returncode == 0, asked.stderr
    assert f"python -m benchmarks.{name}" in asked.stdout


def test_every_script_is_in_the_list() -> None:
    listed = re.findall(
        r"^\| `(\w+)` \|", (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert sorted(listed) == SCRIPTS


def test_values_are_json_or_text() -> None:
    given = ["epochs=5", "use_dsm=false", "axes=mnf", "path=a=b", "rate=1e-3"]
    assert named_values(given) == {"epochs": 5, "use_dsm": False, "axes": "mnf", "path": "a=b", "rate": 1e-3}


def test_a_quantile_is_one_of_the_values() -> None:
    values = [5.0, 1.0, 4.0, 2.0, 3.0]
    assert [quantile(values, share) for share in (0.0, 0.5, 0.9, 1.0)] == [1.0, 3.0, 4.0, 5.0]


def test_seconds_in_words() -> None:
    assert [duration(s) for s in (4.4, 65, 3_720)] == ["4 s", "1 min 05 s", "1 h 02 min"]


def test_an_error_is_a_line_and_a_code(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> int:
        raise BadRequest("There is no scene of that name.")

    def stop() -> int:
        raise KeyboardInterrupt

    assert (exit_code(lambda: 1), exit_code(fail), exit_code(stop)) == (1, 2, 130)
    assert capsys.readouterr().err == "error: There is no scene of that name.\nstopped\n"


def test_progress_names_what_is_done_and_left(capsys: pytest.CaptureFixture[str]) -> None:
    printed_progress("sweep")(Progress("live, 5 shots", 2, 8, 65.0))
    assert capsys.readouterr().err == "sweep [2/8] 0 s, 1 min 05 s left: live, 5 shots\n"


def test_the_machine_is_named_with_its_cores() -> None:
    assert machine().startswith(f"{os.cpu_count()} cores, load average ")
    assert f"Python {sys.version_info.major}.{sys.version_info.minor}" in machine()


def test_threads_are_set_for_every_library(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in THREAD_VARIABLES:
        monkeypatch.setenv(name, "7")
    use_threads(3)
    assert {os.environ[name] for name in THREAD_VARIABLES} == {"3"}


def test_clicks_are_of_their_class_in_turn_and_apart() -> None:
    scene = resolve("indian_pines")
    chosen = reference_pixels(scene, 40, classes=8, apart_px=7)
    assert scene.reference is not None
    assert all(scene.reference_names[int(scene.reference[row, col])] == name for row, col, name in chosen)
    assert [name for *_, name in chosen[:8]] == [name for *_, name in chosen[8:16]]
    assert len({name for *_, name in chosen}) == 8
    places = np.array([(row, col) for row, col, _ in chosen])
    far = np.abs(places[:, None] - places[None]).max(axis=2)
    assert far[~np.eye(len(places), dtype=bool)].min() >= 7
    assert chosen == reference_pixels(scene, 40, classes=8, apart_px=7)
    with pytest.raises(SystemExit, match="ask for fewer"):
        reference_pixels(scene, 400, classes=8, apart_px=20)
