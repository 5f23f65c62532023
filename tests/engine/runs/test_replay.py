"""A run made again from its record: identical, or what differs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hsi_studio import Studio
from hsi_studio.cli.main import main
from hsi_studio.engine.runs.record import RunFolder
from hsi_studio.engine.runs.replay import compare, differences, replay
from hsi_studio.errors import BadRequest, SceneMismatch
from tests.engine.halves import QUICK, halves, labelled_project, walk_run


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Studio, dict[str, str]]]:
    """A run of svm and one of diffclip, done."""
    folder = tmp_path_factory.mktemp("ended")
    studio = Studio(home=folder / "home")
    project_id = labelled_project(studio, halves(folder))
    runs = {name: studio.runs.start(project_id, name, params).id for name, params in (("svm", {}), ("diffclip", QUICK))}
    for run_id in runs.values():
        info = studio.runs.wait(run_id, 120)
        assert info.state == "done", info.reason
    yield studio, runs
    studio.close()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "fresh"), [("svm", False), ("diffclip", True)])
def test_the_map_is_made_again_bit_by_bit(ended: tuple[Studio, dict[str, str]], name: str, fresh: bool) -> None:
    studio, runs = ended
    found = replay(RunFolder(studio.runs.folder(runs[name])), studio.cache_folder, fresh=fresh)
    assert found.identical, found.words
    assert found.agreement == 1.0
    assert found.differences == ()
    assert found.pixels == 870


@pytest.mark.slow
def test_a_map_that_was_changed_is_not_identical_and_the_shell_says_how_much(
    ended: tuple[Studio, dict[str, str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    studio, runs = ended
    folder = RunFolder(studio.runs.folder(runs["svm"]))
    record = folder.read()
    before = folder.read_map(record)
    assert before is not None
    label = before.label.copy()
    label[0, :10] = 2
    folder.write_map(replace(before, label=label))
    folder.write(record.model_copy(update={"versions": {**record.versions, "torch": "0.1"}}))
    monkeypatch.setenv("HSI_STUDIO_HOME", str(studio.home))
    try:
        assert main(["replay", str(folder.path)]) == 1
    finally:
        folder.write_map(before)
        folder.write(record)
    said = capsys.readouterr().out
    assert f"{100 * 860 / 870:.2f} %" in said
    assert "PyTorch 0.1 then" in said


@pytest.mark.slow
def test_a_difference_of_one_bit_of_confidence_is_seen(ended: tuple[Studio, dict[str, str]]) -> None:
    studio, runs = ended
    folder = RunFolder(studio.runs.folder(runs["svm"]))
    record = folder.read()
    before = folder.read_map(record)
    assert before is not None
    confidence = before.confidence.copy()
    confidence[3, 3] = np.nextafter(confidence[3, 3], np.float32(0))
    found = compare(record, record, before, replace(before, confidence=confidence))
    assert not found.identical
    assert found.agreement == 1.0
    assert found.differences == ()


@pytest.mark.slow
def test_versions_threads_and_devices_that_differ_are_named(ended: tuple[Studio, dict[str, str]]) -> None:
    studio, runs = ended
    record = studio.runs.record(runs["svm"])
    other = record.model_copy(update={"threads": 99, "device": {**record.device, "name": "Another"}})
    found = " ".join(differences(record, other))
    assert "99 now" in found
    assert "Another now" in found


def test_nothing_to_compare_with_and_another_scene_are_refused(tmp_path: Path) -> None:
    folder = walk_run(tmp_path)
    with pytest.raises(BadRequest, match="wait for its end"):
        replay(folder, tmp_path / "cache")
    record = folder.read().model_copy(update={"state": "cancelled"})
    folder.write(record)
    with pytest.raises(BadRequest, match="no map"):
        replay(folder, tmp_path / "cache")
    from hsi_studio.types import Prediction

    blank = Prediction(record.class_schema, np.ones((30, 30), np.uint16), np.ones((30, 30), np.float32), "", {}, 0)
    folder.write_map(blank)
    np.save(tmp_path / "halves.npy", np.load(tmp_path / "halves.npy") + 1)
    with pytest.raises(SceneMismatch, match="has changed since"):
        replay(folder, tmp_path / "cache")
