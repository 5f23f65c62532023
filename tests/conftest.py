"""Fixtures every test may use. Nothing here needs a network, a GPU or data beyond the repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HSI_STUDIO_TRUST_LOCAL"] = "1"  # tests of the room take it away: a process for each file takes time
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the processes of one test run share the cores
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # small networks on busy cores: spinning threads take 100× longer

ROOT = Path(__file__).resolve().parents[1]


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file's tests share what is set up for them, so they stay in one process; browsers wait on the clock, so there
    is one of them at a time."""
    for item in items:
        file = item.location[0]
        browser = item.get_closest_marker("e2e") is not None
        item.add_marker(pytest.mark.xdist_group("browser" if browser else file))


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
