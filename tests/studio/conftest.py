"""What most tests of the studio begin with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hsi_studio import Studio
from hsi_studio.project.store import Project
from tests.studio.models import labelled, scene_file


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    made = Studio(home=tmp_path / "home", data_root=tmp_path / "data")
    yield made
    made.close()


@pytest.fixture
def project(studio: Studio, tmp_path: Path) -> Project:
    """Two classes, three labels each, on a scene without a reference."""
    return labelled(studio, scene_file(tmp_path / "data"))
