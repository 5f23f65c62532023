"""Fixtures every test may use. Nothing here needs a network, a GPU or data beyond the repository."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HSI_STUDIO_TRUST_LOCAL"] = "1"  # tests of the room take it away: a process for each file takes time
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the processes of one test run share the cores
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # small networks on busy cores: spinning threads take 100× longer

ROOT = Path(__file__).resolve().parents[1]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file's tests share what is set up for them, so they stay in one process; browsers wait on the clock, so there
    is one of them at a time. (`--dist loadgroup` would be the way, but xdist 3.8 does not find groups with pytest 9.2.)
    """
    from xdist.scheduler import LoadFileScheduling

    class Together(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = str(super()._split_scope(nodeid))
            return "browser" if "e2e/" in file else file

    return Together(config, log)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Public sample scenes kept beside the repository ($HSI_STUDIO_TEST_DATA, else ../shared/data)."""
    folder = Path(os.environ.get("HSI_STUDIO_TEST_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip("no sample data folder (set HSI_STUDIO_TEST_DATA to run this test)")
    return folder


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests never touch the user's projects or caches."""
    monkeypatch.setenv("HSI_STUDIO_HOME", str(tmp_path / "home"))
