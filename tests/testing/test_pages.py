"""The pages "add a method" and "add a format": a reader who copies their blocks gets what they promise."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from hsi_studio.registry import FOLDERS, GROUPS
from tests.testing.pages import blocks, code, write_files

ROOT = Path(__file__).resolve().parents[2]


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key != FOLDERS} | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(folder)]),
        "HSI_STUDIO_HOME": str(folder / "home"),
        "OMP_NUM_THREADS": "1",
    }
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=250, check=False
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("page", "test", "listed"),
    [
        ("extend/method.md", "test_nearest_mean.py", "nearest_mean     Nearest mean  ["),
        ("extend/format.md", "test_grid.py", "grid             GRID  ["),
    ],
)
def test_the_pages_blocks_run_in_their_order(page: str, test: str, listed: str, tmp_path: Path) -> None:
    write_files(page, tmp_path)
    for language, _, text in blocks(page):
        if language == "bash":
            done = run(["bash", "-euc", text], tmp_path)
            assert done.returncode == 0, done.stderr
            assert listed in done.stdout
            assert "problem" not in done.stderr
    tested = run([sys.executable, "-m", "pytest", "-q", test], tmp_path)
    assert tested.returncode == 0, tested.stdout
    assert "1 passed" in tested.stdout


@pytest.mark.parametrize("page", ["extend/method.md", "extend/format.md"])
def test_the_package_of_the_page_names_a_group_that_is_looked_for(page: str) -> None:
    written = tomllib.loads(code(page, "pyproject.toml"))
    ((group, points),) = written["project"]["entry-points"].items()
    assert group in GROUPS.values()
    ((module, attribute),) = [value.split(":") for value in points.values()]
    text = code(page, f"plugins/{module}.py")
    assert f"\n{attribute} = " in text
    assert GROUPS[attribute] == group
