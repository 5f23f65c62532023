"""The CLI: the same verbs, JSON on standard output only, exit code 2 and one line for what a user can fix."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hsi_studio.cli.main import _over_seeds, main
from hsi_studio.errors import StudioError


@pytest.fixture
def small_scene(tmp_path: Path) -> Path:
    """20 × 24 pixels, 12 bands, two halves that differ, with a reference and wavelengths in one file."""
    rng = np.random.default_rng(0)
    reference = np.ones((20, 24), dtype=np.int32)
    reference[:, 12:] = 2
    cube = rng.normal(0.2, 0.01, (20, 24, 12)).astype(np.float32)
    cube[:, 12:, 6:] += 0.3
    file = tmp_path / "halves.npz"
    np.savez(file, cube=cube, reference=reference, wavelength_nm=np.linspace(450, 900, 12))
    return file


def test_info_json_is_one_object(small_scene: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(small_scene), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["rows"], facts["columns"], facts["bands"]) == (20, 24, 12)
    assert facts["wavelength_nm"][0] == 450
    assert [r["pixels"] for r in facts["reference"]] == [240, 240]


def test_evaluate_prints_one_json_object(small_scene: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["evaluate", str(small_scene), "--shots", "3", "--seeds", "2", "--json", "-"]
    assert main(argv) == 0
    captured = capsys.readouterr()
    result = json.loads(captured.out)
    assert set(result) >= {"scene", "method", "params", "protocol", "shots", "classes", "summary", "seeds"}
    assert [s["seed"] for s in result["seeds"]] == [0, 1]
    assert result["seeds"][0]["n_train"] == 6
    assert result["seeds"][0]["n_test"] == 474
    assert result["summary"]["oa"]["mean"] > 99
    mean = np.mean([s["oa"] for s in result["seeds"]])
    assert result["summary"]["oa"]["mean"] == pytest.approx(mean)


def test_evaluate_of_one_seed_claims_no_spread(small_scene: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(small_scene), "--method", "knn", "--shots", "1", "--seeds", "1"]) == 0
    told = capsys.readouterr().out
    assert "knn, 1 shot a class, random, 1 seed\n" in told
    assert "±" not in told
    assert _over_seeds({"mean": 91.256, "std": 2.5}, 2, 2, 6) == " 91.26 ± 2.50"
    assert _over_seeds({"mean": None, "std": None}, 2, 2) == "not defined"  # κ of a map of one class


def test_evaluate_names_its_prompts_only_when_asked(small_scene: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["evaluate", str(small_scene), "--method", "knn", "--shots", "3", "--seeds", "1", "--json", "-"]
    assert main(argv) == 0
    assert "prompts" not in json.loads(capsys.readouterr().out)
    assert main([*argv, "--prompts", "permuted:p1"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert "prompts" not in made  # this method reads none
    said = "Nearest neighbour or spectral angle reads no words: the prompts permuted:p1 are not used."
    assert made["notes"][-1] == said
    assert main([*argv, "--prompts", "p7"]) == 2
    assert "p5" in capsys.readouterr().err


def test_map_writes_a_geotiff_that_opens(small_scene: Path, tmp_path: Path) -> None:
    import rasterio

    labels = tmp_path / "labels.csv"
    labels.write_text("row,col,class\n5,3,left\n10,20,right\n")
    out = tmp_path / "map.tif"
    assert main(["map", str(small_scene), "--labels", str(labels), "--method", "live", "--out", str(out)]) == 0
    with rasterio.open(out) as dataset:
        codes = dataset.read(1)
        assert dataset.nodata == 0
    assert codes.shape == (20, 24)
    assert (codes[:, :12] == codes[5, 3]).mean() > 0.95
    assert (codes[:, 12:] == codes[10, 20]).mean() > 0.95
    assert codes[5, 3] != codes[10, 20]


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["info", "no_such_scene"], "no_such_scene"),
        (["info", "{missing}/nothing.hdr"], "nothing.hdr"),
        (["evaluate", "{scene}", "--method", "magic"], "magic"),
        (["evaluate", "{scene}", "--protocol", "lottery"], "lottery"),
        (["evaluate", "{scene}", "--param", "no_such=1"], "no_such"),
        (["map", "{scene}", "--labels", "{missing}/l.csv", "--out", "m.tif"], "l.csv"),
        (["info", "{scene}", "--var", "nothing"], "nothing"),
    ],
)
def test_what_a_user_can_fix_is_one_line_and_exit_2(
    argv: list[str], words: str, small_scene: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled = [a.format(scene=small_scene, missing=tmp_path) for a in argv]
    assert main(filled) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    last = captured.err.strip().splitlines()[-1]
    assert last.startswith("error: ")
    assert words in last
    assert "Traceback" not in captured.err


@pytest.mark.slow
def test_a_training_from_the_shell_is_listed_exported_and_replayed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.engine.halves import halves

    labels = tmp_path / "labels.csv"
    labels.write_text("row,col,class\n4,3,upper\n4,12,upper\n22,3,lower\n22,12,lower\n")
    scene = halves(tmp_path)
    assert main(["train", str(scene), "--labels", str(labels), "--method", "knn"]) == 0
    run_id = capsys.readouterr().out.split()[0]
    assert main(["runs"]) == 0
    listed = capsys.readouterr().out
    assert run_id in listed
    assert "done" in listed
    assert main(["runs", "--export", run_id, "--csv", "-"]) == 0
    assert capsys.readouterr().out.startswith("seconds,stage,step,name,value")
    assert main(["replay", run_id]) == 0
    assert "Identical" in capsys.readouterr().out
    assert main(["resume", run_id]) == 2
    assert "only a paused" in capsys.readouterr().err
    assert main(["train", "nowhere"]) == 2
    assert "--labels FILE" in capsys.readouterr().err


@pytest.mark.slow
def test_a_training_on_shots_drawn_from_the_reference(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "indian_pines", "--shots", "3", "--draw-seed", "1", "--method", "knn"]) == 0
    captured = capsys.readouterr()
    assert "48 labels drawn from the reference with seed 1." in captured.err
    assert "OA" in captured.out
    project = captured.err.split("of project ")[1].split()[0]
    assert main(["train", project, "--shots", "5", "--method", "knn"]) == 2
    assert "leave --labels and --shots out" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [["--shots", "0"], ["--shots", "3", "--draw-seed", "-1"], ["--labels", "none.csv"]])
def test_a_training_that_cannot_begin_leaves_no_project(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    from hsi_studio import Studio

    assert main(["train", "indian_pines", "--method", "knn", *wrong]) == 2
    assert "error: " in capsys.readouterr().err
    assert not Studio().projects()


def test_what_protects_from_harmful_files_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["protections"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] in {"yes", "NO"} for line in lines] == [True] * 4
    assert "a process of its own" in lines[0]


def test_trust_local_reads_in_this_process(
    small_scene: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def no_room(*given: object) -> None:
        raise StudioError("a reader was started")

    monkeypatch.setenv("HSI_STUDIO_TRUST_LOCAL", "0")
    monkeypatch.setattr("hsi_studio.scene.room.opening._read", no_room)
    assert main(["info", str(small_scene), "--json"]) != 0
    assert "a reader was started" in capsys.readouterr().err
    assert main(["info", str(small_scene), "--json", "--trust-local"]) == 0
    assert json.loads(capsys.readouterr().out)["bands"] == 12
