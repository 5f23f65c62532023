"""What is installed with the app is under permissive licences, and docs/licences.md lists it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

FILE = Path(__file__).resolve().parents[1] / ".ci" / "licences.py"


@pytest.fixture(scope="module")
def licences() -> ModuleType:
    spec = importlib.util.spec_from_file_location("licences", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_dependency_is_permissive_and_in_the_table(licences: ModuleType) -> None:
    found = licences.closure(licences.requirements())
    assert len(found) > 40  # gradio alone brings that many: the walk goes through
    assert [text for name, (licence, _) in found.items() if (text := licences.problem(name, licence))] == []
    missing = set(found) - licences.listed()
    assert missing == set(), "python .ci/licences.py writes the table again"


def test_the_walk_follows_extras_and_markers(licences: ModuleType) -> None:
    packages = {
        "a": (["B_b[fast]>=1", "c; python_version < '3'", "nvidia-cublas"], "MIT"),
        "b-b": (["d; extra == 'fast'", "e; extra == 'slow'", "a"], "ISC"),
        "d": ([], "GPL-3.0-only"),
    }
    found = licences.closure(["a"], packages.__getitem__)
    assert found == {
        "a": ("MIT", {"hsi-studio", "b-b"}), "b-b": ("ISC", {"a"}), "d": ("GPL-3.0-only", {"b-b"}),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "licence", "fits"),
    [
        ("x", "MIT", True),
        ("x", "Apache-2.0 WITH LLVM-exception AND (MIT OR BSD-3-Clause)", True),
        ("x", "GPL-3.0-or-later", False),
        ("x", "MIT AND LGPL-2.1-only", False),
        ("x", "MPL-2.0", False),
        ("certifi", "MPL-2.0", True),
        ("certifi", "MPL-2.0 AND GPL-2.0-only", False),
        ("x", "", False),
        ("x", "Other/Proprietary License", False),
    ],
)
def test_what_counts_as_permissive(licences: ModuleType, name: str, licence: str, fits: bool) -> None:
    assert (licences.problem(name, licence) is None) == fits
