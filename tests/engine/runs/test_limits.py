"""What a run may take is checked before it starts and held while it works."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hsi_studio.engine.runs import limits
from hsi_studio.engine.runs.control import RunControl
from hsi_studio.engine.runs.limits import check_forecast, memory_limit
from hsi_studio.errors import BadRequest
from hsi_studio.methods import methods
from hsi_studio.methods.contract import make_params


def test_a_forecast_above_the_setting_is_refused_with_both_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HSI_STUDIO_JOB_MEMORY_GB", "2")
    check_forecast(2000)
    with pytest.raises(BadRequest, match=r"about 3\.0 GiB of memory, HSI_STUDIO_JOB_MEMORY_GB allows 2\.0 GiB"):
        check_forecast(3072)


def test_without_a_setting_it_is_the_machines_or_the_containers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(limits, "CGROUP", tmp_path / "memory.max")
    machine = memory_limit()
    (tmp_path / "memory.max").write_text("1000000000\n")
    assert memory_limit() == 1_000_000_000
    (tmp_path / "memory.max").write_text("max\n")
    assert memory_limit() == machine
    if machine is not None:
        with pytest.raises(BadRequest, match="this machine has"):
            check_forecast(machine / 2**20 + 1)


@pytest.mark.parametrize("name", ["s3fn", "curated", "diffclip"])
def test_memory_of_a_network_grows_with_its_batch_up_to_the_labels(name: str) -> None:
    method = methods().entries[name]
    shape, small, large = (100, 100, 50), {"batch": 8}, {"batch": 64}
    if name == "diffclip":
        small, large = {**small, "use_pretraining": False}, {**large, "use_pretraining": False}
    values = [make_params(method.Params, one).model_dump(mode="json") for one in (small, large)]
    found = [method.memory_mb(one, shape, 1000, 5) for one in values]
    assert found[1] == pytest.approx(8 * found[0])
    assert method.memory_mb(values[1], shape, 8, 5) == pytest.approx(found[0])


def test_a_batch_that_no_machine_holds_is_refused_before_it_starts() -> None:
    method = methods().entries["s3fn"]
    values = make_params(method.Params, {"batch": 4096, "patch": 45, "components": 200}).model_dump(mode="json")
    assert method.memory_mb(values, (1000, 1000, 200), 100_000, 9) > 500_000  # MiB


def test_the_system_holds_a_process_to_its_memory_and_file_size(tmp_path: Path) -> None:
    """In a process of its own, as limits cannot be taken back."""
    run = tmp_path / "home" / "projects" / "p" / "runs" / "r"
    run.mkdir(parents=True)
    code = (
        "import sys; from pathlib import Path; import numpy as np\n"
        "from hsi_studio.engine.runs.control import RunControl; from hsi_studio.engine.runs.limits import hold\n"
        "hold(Path(sys.argv[1]), RunControl(), False)\n"
        "try:\n    np.ones(2**28)\nexcept MemoryError:\n    print('memory')\n"
        "try:\n    Path(sys.argv[1], 'x').write_bytes(bytes(3 << 20))\n"
        "except OSError as error:\n    print(error.errno)\n"
    )
    given = {**os.environ, "HSI_STUDIO_JOB_MEMORY_GB": "1", "HSI_STUDIO_MAX_DISK_GB": "0.002"}
    done = subprocess.run([sys.executable, "-c", code, str(run)], env=given, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["memory", "27"], done.stderr  # EFBIG


def test_after_its_hours_a_run_is_asked_to_pause(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HSI_STUDIO_JOB_HOURS", "0.00001")
    control = RunControl(None)
    limits.hold(tmp_path / "projects" / "p" / "runs" / "r", control, True)
    until = time.monotonic() + 10
    while not control.requested and time.monotonic() < until:
        time.sleep(0.01)
    assert control.requested == "time"
    assert control.stops_at_checkpoint
