"""The program's hash in a cell changes with every file that a figure depends on, so that no old figure is served."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import pytest

from hsi_studio import paths
from hsi_studio.engine.sweep import cells as sweep
from hsi_studio.engine.sweep.cells import code_files, code_hash

ROOT = Path(paths.__file__).resolve().parents[1]
NOT_FIGURES = {
    "edges.py",
    "errors.py",
    "files.py",
    "humanize.py",
    "memory_end.py",
    "outgoing.py",
    "paths.py",
    "registry.py",
    "settings.py",
    "stored.py",
    "watching.py",
    "engine/runs/resources.py",
}  # sentences, writing, places, names, variables, progress; memory and seconds
FIGURES = {
    "types.py", "engine/mapping/predict.py", "engine/evaluation/metrics.py", "engine/evaluation/splits.py",
    "engine/evaluation/few_shot.py", "engine/evaluation/map_accuracy.py", "engine/evaluation/report_json.py",
    "engine/evaluation/collection_accuracy.py", "engine/evaluation/calibration.py", "engine/sweep/cells.py",
}  # fmt: skip


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the package that the hash is taken of."""
    ours = shutil.ignore_patterns("__pycache__", "*.js", "*.css", "*.html", "*.png")
    shutil.copytree(ROOT / "hsi_studio", tmp_path / "hsi_studio", ignore=ours)
    shutil.copytree(paths.ASSETS / "prompts", tmp_path / "data" / "prompts")
    monkeypatch.setattr(sweep, "PROGRAM", tmp_path)
    monkeypatch.setattr(paths, "ASSETS", tmp_path / "data")
    return tmp_path


@pytest.mark.slow
def test_the_hash_changes_with_every_file_in_the_list(copied: Path) -> None:
    before, files = code_hash(), code_files()
    assert before == code_hash()
    assert len(files) > 100
    for file in files:
        text = file.read_bytes()
        file.write_bytes(text + b"\n")
        assert code_hash() != before, file
        file.write_bytes(text)
    assert code_hash() == before


def test_a_new_file_of_a_method_changes_it(copied: Path) -> None:
    before = code_hash()
    (copied / "hsi_studio" / "methods" / "brand_new.py").write_text("METHOD = None\n")
    assert code_hash() != before


def test_what_measures_and_maps_is_in_the_list() -> None:
    files = code_files()
    assert {(ROOT / "hsi_studio" / name).resolve() for name in FIGURES} <= {file.resolve() for file in files}
    assert set((paths.ASSETS / "prompts").glob("*.json")) <= set(files)  # the words of p5


def imported(file: Path) -> set[str]:
    """Modules of the package that a file imports anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {name for name in found if name.startswith("hsi_studio.")}


def file_of(module: str) -> Path | None:
    place = ROOT.joinpath(*module.split("."))
    return next((file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()), None)


def test_everything_a_cell_imports_is_in_the_list() -> None:
    """Followed from `run_cell` through every import, those inside functions too."""
    todo, seen = [sweep.__name__], set()
    while todo:
        file = file_of(todo.pop())
        if file is not None and file not in seen:
            seen.add(file)
            todo += imported(file)
    assert len(seen) > 25
    left_out = seen - {file.resolve() for file in code_files()}
    assert {
        file.relative_to(ROOT / "hsi_studio").as_posix() for file in left_out if file.name != "__init__.py"
    } <= NOT_FIGURES
