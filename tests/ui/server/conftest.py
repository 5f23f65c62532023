"""A server with two owners: Ana, who has a project and a model, and Ben, who has nothing yet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hsi_studio.project.store import Project
from hsi_studio.studio.shared_server import SharedServer
from hsi_studio.ui.server.owners import Owners
from tests.studio.models import labelled, scene_file, train


@pytest.fixture(autouse=True)
def _cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a hash costs is looked at in tests/test_users.py."""
    monkeypatch.setattr("hsi_studio.users.COST", {"n": 16, "r": 8, "p": 1})


@pytest.fixture
def owners(tmp_path: Path) -> Iterator[Owners]:
    made = Owners(tmp_path / "home", tmp_path / "data", SharedServer(tmp_path / "home"))
    yield made
    made.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return scene_file(tmp_path / "data")


@pytest.fixture
def anas(owners: Owners, file: Path) -> tuple[Project, str]:
    """Ana's project and her model."""
    project = labelled(owners.studio("ana"), file)
    return project, train(owners.studio("ana"), project, title="Ana's model")
