"""Labels in and out from a shell."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hsi_studio import Studio
from hsi_studio.cli.main import main


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An id; 20 × 24 pixels, 6 bands, no labels."""
    monkeypatch.setenv("HSI_STUDIO_HOME", str(tmp_path / "home"))
    np.save(tmp_path / "c.npy", np.random.default_rng(0).random((20, 24, 6)).astype(np.float32))
    studio = Studio(home=tmp_path / "home", data_root=tmp_path)
    made = studio.new_project(str(tmp_path / "c.npy"))
    studio.close()
    return made.id


@pytest.fixture
def table(tmp_path: Path) -> str:
    path = tmp_path / "l.csv"
    path.write_text("row;col;level_1;level_2\n1;2;Veg;Tree\n3;4;Veg;Grass\n99;0;Veg;Grass\n")
    return str(path)


def test_the_class_is_asked_for_with_a_list(project: str, table: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import-labels", project, table]) == 2
    captured = capsys.readouterr()
    assert "--attribute level_2" in captured.err
    assert "not clear which column is the class" in captured.err
    assert captured.out == ""


def test_in_and_out(project: str, table: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["import-labels", project, table, "--attribute", "level_2"]
    assert main([*argv, "--dry-run"]) == 0
    captured = capsys.readouterr()
    assert "2 labels would be added" in captured.err
    assert "1 of 3 labels is left out, outside the scene" in captured.out
    assert main([*argv, "--json", "-"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["labels"], told["classes"]) == (2, {"Tree": 1, "Grass": 1})
    assert told["files"][0]["skipped"][0]["count"] == 1
    assert main(["export-labels", project, "--out", str(tmp_path / "out")]) == 0
    written = [Path(line) for line in capsys.readouterr().out.split()]
    assert sorted(path.suffix for path in written) == [".csv", ".geojson", ".gpkg"]
    for path in written:
        assert main(["import-labels", project, str(path), "--dry-run"]) == 0
        assert "2 labels would be added" in capsys.readouterr().err


def test_a_map_from_a_file_that_needs_a_word(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "c.npy", np.random.default_rng(0).random((20, 24, 6)).astype(np.float32))
    (tmp_path / "l.csv").write_text("row,col,a,b\n1,2,x,p\n3,4,x,q\n5,5,x,p\n7,7,x,q\n")
    argv = ["map", str(tmp_path / "c.npy"), "--labels", str(tmp_path / "l.csv"), "--out", str(tmp_path / "m.tif")]
    assert main(argv) == 2
    assert "which column is the class" in capsys.readouterr().err
    assert main([*argv, "--attribute", "b", "--method", "knn"]) == 0
    assert (tmp_path / "m.tif").is_file()
