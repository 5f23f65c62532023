"""The documentation's site is whole: it builds strictly, loads nothing from elsewhere, and its pictures are true."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
OUTSIDE = re.compile(r"""(?:<(?:script|img|iframe|source)[^>]*\ssrc|<link[^>]*\shref)=["']?(?:https?:)?//""", re.I)


def script(name: str) -> ModuleType:
    """A script of docs/ as a module."""
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("mkdocs", reason="the site needs the packages of the extra docs")
    pytest.importorskip("mkdocstrings", reason="the site needs the packages of the extra docs")
    pytest.importorskip("material", reason="the site needs the packages of the extra docs")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-f", "docs/mkdocs.yml", "-d", str(folder)]
    quiet = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=quiet, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.slow
def test_the_site_builds_without_a_warning_and_without_the_network(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 20
    assert [page.name for page in pages if OUTSIDE.search(page.read_text(encoding="utf-8"))] == []


@pytest.mark.slow
def test_every_page_that_the_reader_meets_is_there(site: Path) -> None:
    for name in (
        "index", "tour", "architecture", "evaluation", "results", "security", "settings", "changelog", "contributing",
        "tutorials/scene", "tutorials/compare", "notebooks/nine_clicks", "reference/studio", "reference/types",
    ):  # fmt: skip
        assert (site / f"{name}.html").is_file(), name
    studio = (site / "reference/studio.html").read_text(encoding="utf-8")
    assert "hsi_studio.studio.facade.Studio.label" in studio  # from its docstring
    types = (site / "reference/types.html").read_text(encoding="utf-8")
    assert "first 16 hex digits of a hash of content" in types  # from the comment at the end of a field's line
    results = (site / "results.html").read_text(encoding="utf-8")
    assert "figures/few_shot_indian_pines.svg" in results
    folded = re.findall(r"<details>.*?</details>", results, re.DOTALL)
    assert folded
    assert [part[:80] for part in folded if "<table>" not in part] == []  # as Markdown, not as its source
    assert (site / "figures/few_shot_indian_pines.svg").is_file()


def test_pictures_are_those_of_the_pages_and_small() -> None:
    pictures = {file.name: file.stat().st_size for file in (DOCS / "pictures").iterdir()}
    named = {
        Path(found).name
        for page in (DOCS / "pages").rglob("*.md")
        for found in re.findall(r"\(([./]*pictures/[\w.]+)\)", page.read_text(encoding="utf-8"))
    }
    assert set(pictures) == named
    assert sum(pictures.values()) < 3_000_000


def test_the_picture_of_the_layers_is_that_of_the_checks() -> None:
    drawing = script("make_architecture").drawing()
    assert (DOCS / "figures/architecture.svg").read_text(encoding="utf-8") == drawing


def test_the_script_makes_every_picture() -> None:
    made = {f"{name}.png" for name in script("make_pictures").STEPS}
    assert made == {file.name for file in (DOCS / "pictures").iterdir()}
