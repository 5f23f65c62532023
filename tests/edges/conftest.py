"""One small scene with a labelled project, for everything that is asked hostile things."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hsi_studio import Studio
from tests.studio.models import labelled, scene_file


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile")


@pytest.fixture(scope="module")
def studio(home: Path) -> Iterator[Any]:
    made = Studio(home / "home", home)
    yield made
    made.close()


@pytest.fixture(scope="module")
def file(home: Path) -> Path:
    return scene_file(home / "data")


@pytest.fixture(scope="module")
def project(studio: Any, file: Path) -> str:
    return str(labelled(studio, file).id)
