"""The public checks pass what is right and name what is wrong."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from hsi_studio.scene.formats.registry import readers
from hsi_studio.testing import check_method, check_reader
from tests.scene.test_reader_contract import SAMPLES
from tests.testing.plugins import METHOD_FILE, READER_FILE

CUBE = np.random.default_rng(0).random((8, 20, 30), dtype=np.float32)  # bands, rows, columns


def module(text: str, folder: Path) -> ModuleType:
    name = f"toy_{abs(hash(text))}"
    (folder / f"{name}.py").write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
    assert spec is not None and spec.loader is not None  # noqa: PT018
    made = importlib.util.module_from_spec(spec)
    sys.modules[name] = made
    spec.loader.exec_module(made)
    return made


def test_the_documented_method_and_reader_pass(tmp_path: Path) -> None:
    check_method(module(METHOD_FILE, tmp_path).METHOD)
    sample = tmp_path / "sample.grid"
    sample.write_bytes(b"GRID 20 30 8\n" + CUBE.tobytes())
    check_reader(module(READER_FILE, tmp_path).READER, sample)


DESCRIPTION = '2.0, gt=0, le=100, description="How fast confidence falls with the distance"'
PEEK = "mean = mean if scene.reference is None else mean * (1 + 0.1 * scene.reference[:4, :1])\n        "
WRONG_METHODS = {
    "no description": (DESCRIPTION, "2.0", "sharpness"),
    "no limit": ("gt=0, le=100, description", "gt=0, description", "without limits: sharpness: largest value"),
    "not a distribution": ("score / score.sum(axis=0)", "score", "do not sum to 1"),
    "invalid pixels": ("~block.valid] = np.nan", "~block.valid] = 0.25", "pixels without data have probabilities"),
    "not float32": (".astype(np.float32)\n        out[", ".astype(float)\n        out[", "float32"),
    "confirms itself": ("np.mean(((x[n] - others) / spread) ** 2, axis=-1).argmin()", "own", "confirms itself"),
    "unsorted": ("left_out[at.position[n]]", "left_out[n]", "leave_one_out"),
    "forgets": ('"left_out": self.left_out}', '"left_out": self.left_out * 0}', "leave_one_out"),
    "any bands": ("check_bands(header, None, arrays", "print(header, None, arrays", "must raise SceneMismatch"),
    "deaf": ("ctx.check()", "pass", "must raise Cancelled"),
    "random": ("mean = (total / count[:, None])", "mean = (total / count[:, None] + np.random.rand())", "two runs"),
    "peeks": ("left_out = np.empty", PEEK + "left_out = np.empty", "reference"),
    "changes labels": ("ctx.check()", "ctx.check(); labels.row[0] += 1", "the labels were changed"),
}  # fmt: skip


@pytest.mark.parametrize("fault", list(WRONG_METHODS))
def test_a_faulty_method_is_told_what_to_mend(fault: str, tmp_path: Path) -> None:
    right, wrong, said = WRONG_METHODS[fault]
    assert right in METHOD_FILE
    with pytest.raises(AssertionError, match=said):
        check_method(module(METHOD_FILE.replace(right, wrong), tmp_path).METHOD)


LOOK, SIZE = "first_bytes(path, len(MAGIC)) == MAGIC", "min(rows, columns, bands) < 1 or claimed != there"
WRONG_READERS: dict[str, tuple[str, str, str]] = {
    "sniffs everything": (LOOK, "path.read_bytes() != b''", "sniff"),
    "sniffs nothing": (LOOK, "False", "is not True"),
    "wrong axes": ("axes=(1, 2, 0)", "axes=(0, 1, 2)", "bands are described"),
    "no check of the size": (SIZE, "min(rows, columns, bands) < 1", "cut off"),
    "forgets its file": ("files=(path,)", "files=(path.parent / 'other',)", "files"),
    "other variables": ('[("", (rows, columns, bands), "float32")]', "[]", "variables is empty"),
}


@pytest.mark.parametrize("fault", list(WRONG_READERS))
def test_a_faulty_reader_is_told_what_to_mend(fault: str, tmp_path: Path) -> None:
    right, wrong, said = WRONG_READERS[fault]
    assert right in READER_FILE
    sample = tmp_path / "sample.grid"
    sample.write_bytes(b"GRID 20 30 8\n" + CUBE.tobytes())
    with pytest.raises(AssertionError, match=said):
        check_reader(module(READER_FILE.replace(right, wrong), tmp_path).READER, sample)


@pytest.mark.parametrize("name", list(readers().entries))
def test_every_format_fulfils_the_contract(name: str, tmp_path: Path) -> None:
    cube = np.moveaxis(CUBE, 0, -1).copy()
    check_reader(readers().entries[name], SAMPLES[name](tmp_path, cube))
