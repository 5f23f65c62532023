"""A method and a format from outside the package: those of the documentation, on the path or in a folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hsi_studio.methods import methods
from hsi_studio.registry import FOLDERS
from hsi_studio.scene.formats.registry import readers
from tests.testing.pages import code

METHOD_FILE = code("extend/method.md", "plugins/nearest_mean.py")
READER_FILE = code("extend/format.md", "plugins/grid.py")


def forget() -> None:
    """Registries are made anew when next asked for."""
    methods.cache_clear()
    readers.cache_clear()


def in_a_folder(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Both files in a folder that the environment names."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "nearest_mean.py").write_text(METHOD_FILE, encoding="utf-8")
    (folder / "grid.py").write_text(READER_FILE, encoding="utf-8")
    patch.setenv(FOLDERS, str(folder))
    forget()


def as_packages(folder: Path, patch: pytest.MonkeyPatch, more: str = "") -> None:
    """Both files as an installed distribution with entry points; `more`: further lines of `entry_points.txt`."""
    (folder / "hsi_toys-1.0.dist-info").mkdir(parents=True)
    (folder / "nearest_mean.py").write_text(METHOD_FILE, encoding="utf-8")
    (folder / "grid.py").write_text(READER_FILE, encoding="utf-8")
    (folder / "hsi_toys-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: hsi-toys\nVersion: 1.0\n", encoding="utf-8"
    )
    (folder / "hsi_toys-1.0.dist-info" / "entry_points.txt").write_text(
        f"[hsi_studio.methods]\nnearest_mean = nearest_mean:METHOD\n{more}\n[hsi_studio.readers]\ngrid = grid\n",
        encoding="utf-8",
    )
    patch.syspath_prepend(str(folder))
    patch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)  # as site-packages would be in other processes
    forget()
