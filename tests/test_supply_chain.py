"""What is installed is locked with hashes, and a release can say what it is made of."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def locked() -> dict[str, str]:
    """Package → its entry in the lock."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    return {canonicalize_name(one.split("==")[0]): one for one in script("lock").entries(text)}


def test_every_requirement_is_locked_at_a_version_that_it_allows(locked: dict[str, str]) -> None:
    lines = [
        line.split("#")[0].strip() for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    ]
    wanted = [Requirement(line) for line in lines if line]
    assert len(wanted) > 25
    for one in wanted:
        if one.name == "torch":  # its builds have indexes of their own
            assert "torch" not in locked
            continue
        version = re.match(r"[^=]+==([^ ;\\]+)", locked[canonicalize_name(one.name)])
        assert version is not None, one.name
        assert one.specifier.contains(version[1]), f"{one}: python .ci/lock.py writes the lock anew"


def test_every_package_of_the_lock_has_hashes(locked: dict[str, str]) -> None:
    assert [name for name, entry in locked.items() if not re.search(r"--hash=sha256:[0-9a-f]{64}", entry)] == []


@pytest.mark.slow
def test_the_list_of_contents_has_every_package_and_the_weights() -> None:
    pytest.importorskip("hsi_studio")
    made = script("sbom").bom()
    assert made == json.loads(json.dumps(made)) == script("sbom").bom()
    assert (made["bomFormat"], made["specVersion"]) == ("CycloneDX", "1.6")
    names = {one["name"] for one in made["components"]}
    assert {"torch", "numpy", "gradio", "h5py", "all-MiniLM-L6-v2"} <= names
    refs = {one["bom-ref"] for one in made["components"]} | {"hsi-studio"}
    assert {ref for one in made["dependencies"] for ref in (one["ref"], *one["dependsOn"])} <= refs
    assert all(one["licenses"] for one in made["components"] if one["type"] == "library")
