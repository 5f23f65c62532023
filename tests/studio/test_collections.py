"""Collections from a folder: accuracy of both methods, models on disk, answers, the shell."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import spectral

from hsi_studio.cli.main import main
from hsi_studio.engine.models.checkpoint import read_checkpoint, write_checkpoint
from hsi_studio.errors import BadRequest, CorruptFile, SceneMismatch, TooFewLabels
from hsi_studio.methods.collections import get_image_method
from hsi_studio.studio.collections import Collections
from hsi_studio.studio.facade import Studio

QUICK = {
    "s3fn": {"epochs": 30, "text_epochs": 30, "least_steps": 0, "channels": [6, 8, 12], "cubes": 4},
    "diffclip": {
        "width": 32, "depth": 1, "heads": 4, "text_depth": 1, "patch": 5, "pretrain_epochs": 3, "epochs": 1,
        "min_steps": 60, "batch": 32, "lr": 2e-3, "average": 0.8, "mixing": 0.0,
    },
}  # fmt: skip


def folder(root: Path, bands: int, each: int = 8, seed: int = 0) -> Path:
    """Two classes; images of a torn knee have a bright spot in every plane. Sizes differ."""
    rng = np.random.default_rng(seed)
    for k, name in enumerate(("healthy", "torn")):
        (root / name).mkdir(parents=True)
        for n in range(each):
            cube = rng.normal(0.3, 0.05, (20 + n % 3, 22, bands)).astype(np.float32)
            if k:
                cube[6:14, 8:16] += np.linspace(0.2, 0.6, bands, dtype=np.float32)
            np.save(root / name / f"{n}.npy", cube)
    return root


@pytest.fixture(scope="module")
def knees(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder(tmp_path_factory.mktemp("knees") / "knees", bands=2)


@pytest.fixture
def verbs(tmp_path: Path) -> Collections:
    return Studio(home=tmp_path / "home").collections


@pytest.mark.slow
@pytest.mark.parametrize("method", list(QUICK))
@pytest.mark.parametrize("how", ["shots", "folds"])
def test_figures_over_draws(verbs: Collections, knees: Path, method: str, how: str) -> None:
    split = {"shots": 4} if how == "shots" else {"folds": 2}
    found = verbs.evaluate(knees, method, **split, seeds=[0], params=QUICK[method])  # type: ignore[arg-type]
    report = json.loads(json.dumps(found.to_json()))
    assert (report["method"], report[how]) == (method, split[how])
    assert report["positive"] == "torn"
    assert report["seeds"][0]["n_test"] == (8 if how == "shots" else 16)
    assert report["transductive"] == (method == "diffclip")
    for figure in ("acc", "auc", "se", "sp", "oa"):
        assert report["summary"][figure]["mean"] >= 60


@pytest.mark.slow
@pytest.mark.parametrize("method", list(QUICK))
def test_a_saved_model_answers_as_the_one_that_was_trained(
    verbs: Collections, knees: Path, tmp_path: Path, method: str
) -> None:
    file = tmp_path / "model.safetensors"
    model = verbs.train(knees, file, method, params=QUICK[method])
    answers = verbs.classify(file, knees)
    assert answers == verbs.classify(model, knees)
    assert np.mean([a.label == a.known for a in answers]) > 0.8
    assert all(0 < a.votes <= a.of and 0 <= a.probability <= 1 for a in answers)
    with pytest.raises(SceneMismatch, match=r"2 .*3 in the images"):
        verbs.classify(file, folder(tmp_path / "three", bands=3, each=1))


@pytest.mark.slow
@pytest.mark.parametrize("method", list(QUICK))
def test_materials_that_planes_without_wavelengths_cannot_show_are_said(
    verbs: Collections, knees: Path, tmp_path: Path, method: str, capsys: pytest.CaptureFixture[str]
) -> None:
    params = {**QUICK[method], "anchors": "materials"}
    told = verbs.evaluate(knees, method, shots=2, seeds=[0, 1], params=params).to_json()["notes"]
    assert len(told) == 1
    assert "wavelengths do not tell materials" in told[0]
    values = [f"--param={name}={json.dumps(value)}" for name, value in params.items()]
    assert main(["collection", str(knees), "--method", method, "--save", str(tmp_path / "m.safetensors"), *values]) == 0
    assert told[0] in capsys.readouterr().out
    assert verbs.evaluate(knees, method, shots=2, seeds=[0], params=QUICK[method]).notes == ()


def test_a_model_of_other_wavelengths_answers_nothing_and_a_folder_without_classes_does(
    verbs: Collections, knees: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, other = tmp_path / "model.safetensors", tmp_path / "other.safetensors"
    verbs.train(knees, file, params={**QUICK["s3fn"], "epochs": 1, "text_epochs": 1})
    state, header = read_checkpoint(file)
    assert header.facts.scene.wavelength_nm is None
    new = tmp_path / "new"
    new.mkdir()
    np.save(new / "one.npy", np.load(knees / "torn" / "0.npy"))
    assert main(["collection", str(new), "--model", str(file)]) == 0
    printed = capsys.readouterr().out
    assert "one.npy" in printed
    assert "of the class" not in printed
    assert [answer.known for answer in verbs.classify(file, new)] == [""]
    scene = header.facts.scene.model_copy(update={"wavelength_nm": (450.0, 550.0)})
    write_checkpoint(other, state, header.facts.model_copy(update={"scene": scene}))
    rng = np.random.default_rng(0)
    for nm, names in ((450.0, "near"), (900.0, "far")):
        values = rng.normal(0.3, 0.05, (20, 22, 2)).astype(np.float32)
        (tmp_path / names).mkdir()
        spectral.envi.save_image(
            str(tmp_path / names / "a.hdr"), values, ext="",
            metadata={"wavelength": [nm, nm + 100], "wavelength units": "Nanometers"},
        )  # fmt: skip
    assert len(verbs.classify(other, tmp_path / "near")) == 1
    with pytest.raises(SceneMismatch, match=r"Band 1 is at 450\.0 nm in the model and at 900\.0 nm"):
        verbs.classify(other, tmp_path / "far")


def test_what_cannot_be_done_is_said(verbs: Collections, knees: Path, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="either how many shots"):
        verbs.evaluate(knees)
    with pytest.raises(BadRequest, match="no method 'live' for images"):
        verbs.evaluate(knees, "live", shots=1)
    with pytest.raises(BadRequest, match=r"no class 'broken'.*healthy, torn"):
        verbs.evaluate(knees, shots=1, positive="broken")
    with pytest.raises(BadRequest, match=r"ends with \.safetensors"):
        verbs.train(knees, tmp_path / "model.bin")
    with pytest.raises(BadRequest, match=r"9 bands are too many.*use s3fn"):
        verbs.train(folder(tmp_path / "nine", bands=9, each=1), tmp_path / "m.safetensors", "diffclip")
    collection = verbs.open(knees)
    with pytest.raises(TooFewLabels, match="torn"):
        verbs.train(collection.only(np.flatnonzero(collection.label == 0)), tmp_path / "m.safetensors")
    assert not (tmp_path / "m.safetensors").exists()


def test_a_model_whose_header_asks_for_more_than_its_arrays_is_refused(
    verbs: Collections, knees: Path, tmp_path: Path
) -> None:
    from dataclasses import replace

    file = tmp_path / "model.safetensors"
    verbs.train(knees, file, params=QUICK["s3fn"])
    state, header = read_checkpoint(file)
    params = {**state.header["params"], "channels": [10**6, 10**6, 10**6]}
    write_checkpoint(file, replace(state, header={**state.header, "params": params}), header.facts)
    with pytest.raises(CorruptFile, match="make no model"):
        verbs.load(file)
    other = header.facts.model_copy(update={"method": "live"})
    write_checkpoint(file, replace(state, header={**state.header, "method": "live"}), other)
    with pytest.raises(BadRequest, match="'live', which maps scenes"):
        verbs.load(file)


def test_a_table_names_its_columns(verbs: Collections, knees: Path) -> None:
    lines = ["file,what", *(f"{p.relative_to(knees)},{p.parent.name}" for p in sorted(knees.rglob("*.npy")))]
    table = knees / "table.csv"
    table.write_text("\n".join(lines), encoding="utf-8")
    assert len(verbs.open(table, ["file", "what"])) == 16
    with pytest.raises(BadRequest, match="name its columns"):
        verbs.open(table)
    table.unlink()


@pytest.mark.slow
def test_the_shell_prints_a_table_or_one_json_object(
    knees: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HSI_STUDIO_HOME", str(tmp_path))
    prompts = tmp_path / "prompts.json"
    prompts.write_text(json.dumps({"torn": ["a knee with a torn ligament."]}), encoding="utf-8")
    quick = [item for key, value in QUICK["diffclip"].items() for item in ("--param", f"{key}={value}")]
    argv = ["collection", str(knees), "--method", "diffclip", "--prompts", str(prompts), "--seeds", "1", *quick]
    assert main([*argv, "--shots", "4"]) == 0
    said = capsys.readouterr().out
    assert all(word in said for word in ("ACC %", "AUC %", "SE %", "SP %", "OA %", "of “torn”", "without their labels"))
    assert main([*argv, "--save", str(tmp_path / "m.safetensors")]) == 0
    capsys.readouterr()
    assert main(["collection", str(knees), "--model", str(tmp_path / "m.safetensors"), "--json", "-"]) == 0
    assert len(json.loads(capsys.readouterr().out)["images"]) == 16
    assert main(["collection", str(tmp_path / "nowhere")]) == 2
    assert get_image_method("diffclip").saved_as == "diffclip_images"
