"""A packed sweep gives back what was packed, and the tables made of it are those of the cells."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import few_shot
from benchmarks.packed import load, names, pack, place_of, unpack
from hsi_studio.engine.evaluation.metrics import figures
from hsi_studio.engine.sweep.cells import FORMAT, code_hash, write_cell
from hsi_studio.engine.sweep.tables import load_cells, markdown, tables
from hsi_studio.errors import BadRequest, CorruptFile, FileProblem


def cell(label: str, seed: int, right: int, prompts: str = "none", **changes: Any) -> dict[str, Any]:
    """100 test pixels of two classes, `right` of the first 50 correct and all of the others; keys as `run_cell` has."""
    figures = {"n_test": 100, "oa": right + 50.0, "aa": right + 50.0, "kappa": 2.0 * right}
    return {
        "format": FORMAT, "scene": "made", "scene_id": "x", "title": "Made, “scene”", "classes": ["a", "b"],
        "label": label, "method": label, "params": {"width": 1.0, "name": label}, "prompts": prompts, "shots": 5,
        "seed": seed, "draw": "draw", "n_train": 10, "prepare_seconds": 1.0 if seed == 0 else 0.0, "fit_seconds": 2.0,
        "predict_seconds": 0.5, "pixels": 100, "pixels_per_second": 200.0,
        "memory": {"before_mb": 100.0, "peak_mb": 150.0, "since_start": 0, "cuda_peak_mb": None, "load": 1.5},
        "device": "cpu", "threads": "1", "code": "c0de", "finished": 1795279370.7, **changes,
        "results": {
            "random": {**figures, "confusion": [[right, 50 - right, 0], [0, 50, 0]]},
            "buffered": {"problem": "leaves no pixel, not even one"},
        },
    }  # fmt: skip


def sweep() -> list[dict[str, Any]]:
    """Two methods on three draws, one with words; one protocol without figures, an empty κ, other code for one cell."""
    made = [
        cell(label, seed, 30 + 3 * seed, prompts)
        for label, prompts in (("plain", "none"), ("words", "p5"), ("words", "p1"))
        for seed in range(3)
    ]
    made[0]["results"]["random"]["kappa"] = None
    made[1]["code"] = "0ther"
    made[2]["threads"] = None
    return made


def stored(folder: Path, cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for one in cells:
        write_cell(place_of(one, folder), one)
    return load_cells(folder)


def test_the_tables_of_the_csv_are_those_of_the_cells(tmp_path: Path) -> None:
    cells = stored(tmp_path, sweep())
    pack(cells, tmp_path / "made.csv")
    again = load(tmp_path / "made.csv")
    assert [json.dumps(one) for one in again] == [json.dumps(one) for one in cells]  # 0 stays 0 and 0.0 stays 0.0
    assert markdown(tables(again, (), ["plain"])) == markdown(tables(cells, (), ["plain"]))


def test_the_same_cells_give_the_same_bytes(tmp_path: Path) -> None:
    for place in ("a", "b"):
        pack(sweep(), tmp_path / place / "made.csv")
    for a, b in zip(names(tmp_path / "a" / "made.csv"), names(tmp_path / "b" / "made.csv"), strict=True):
        assert a.read_bytes() == b.read_bytes()


def test_unpacked_cells_are_the_files_of_the_sweep(tmp_path: Path) -> None:
    cells = stored(tmp_path / "one", sweep())
    pack(cells, tmp_path / "made.csv")
    assert unpack(load(tmp_path / "made.csv"), tmp_path / "two").written == len(cells)
    first = {file.relative_to(tmp_path / "one"): file.read_bytes() for file in (tmp_path / "one").rglob("*.json")}
    second = {file.relative_to(tmp_path / "two"): file.read_bytes() for file in (tmp_path / "two").rglob("*.json")}
    assert first == second
    done = unpack(load(tmp_path / "made.csv"), tmp_path / "two")
    assert (done.written, done.kept) == (0, len(cells))


def test_cells_of_other_code_are_given_back_on_request_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cells = sweep()
    for one in cells[2:]:
        one["code"] = code_hash()
    pack(cells, tmp_path / "made.csv")
    argv = ["unpack", str(tmp_path / "out"), "--packed", str(tmp_path / "made.csv")]
    assert few_shot.main(argv) == 0
    said = capsys.readouterr().err
    assert "7 cells written" in said
    assert "2 cells were made by other versions of the program (1 of 0ther, 1 of c0de): left out" in said
    assert few_shot.main([*argv, "--any-code"]) == 0
    assert "2 cells written" in capsys.readouterr().err
    assert len(load_cells(tmp_path / "out")) == len(cells)


def test_the_command_packs_and_makes_tables_of_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stored(tmp_path, sweep())
    assert few_shot.main(["pack", str(tmp_path), "--to", str(tmp_path / "made.csv")]) == 0
    assert "9 cells" in capsys.readouterr().out
    shown = []
    for source in (tmp_path, tmp_path / "made.csv"):
        assert few_shot.main(["tables", str(source), "--baseline", "plain"]) == 0
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1]
    assert "Difference from plain" in shown[0]


def test_packing_loses_no_stored_result_unless_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cells = stored(tmp_path / "all", sweep())
    pack(cells, tmp_path / "made.csv")
    stored(tmp_path / "few", cells[:4])
    argv = ["pack", str(tmp_path / "few"), "--to", str(tmp_path / "made.csv")]
    assert few_shot.main(argv) == 2
    assert "holds 5 cells that are not in" in capsys.readouterr().err
    assert load(tmp_path / "made.csv") == cells
    assert few_shot.main([*argv, "--replace"]) == 0
    assert len(load(tmp_path / "made.csv")) == 4


def test_what_the_files_cannot_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="the fields mood"):
        pack([cell("m", 0, 30, mood="good")], tmp_path / "made.csv")
    other = cell("m", 1, 30, title="Another scene of that name")
    with pytest.raises(BadRequest, match="Two different scenes"):
        pack([cell("m", 0, 30), other], tmp_path / "made.csv")


def test_broken_files_say_what_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "made.csv"
    with pytest.raises(FileProblem, match="missing"):
        load(file)
    pack(sweep(), file)
    text = file.read_text()
    file.write_text(text.replace(",c0de,", ",other,", 1))  # one of a cell's two lines
    with pytest.raises(CorruptFile, match="two lines of one cell disagree"):
        load(file)
    file.write_text(text)
    names(file)[1].write_bytes(names(file)[1].read_bytes()[:40])
    with pytest.raises(CorruptFile, match="no packed sweep"):
        load(file)


def test_the_stored_figures_are_those_of_the_stored_matrices() -> None:
    cells = load(few_shot.PACKED)
    assert len({place_of(one, Path("x")) for one in cells}) == len(cells)
    for one in cells:
        for result in one["results"].values():
            matrix = np.array(result["confusion"])
            oa, aa, kappa = (round(100 * float(value[0]), 4) for value in figures(matrix[None]))
            assert (matrix.sum(), oa, aa, kappa) == tuple(result[name] for name in ("n_test", "oa", "aa", "kappa"))
