"""Bands of a project: found, left out, brought back; every change is an action, and maps follow it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hsi_studio import Studio
from hsi_studio.cli.bands import numbers
from hsi_studio.cli.main import main
from hsi_studio.engine.runs.devices import devices
from hsi_studio.errors import BadRequest
from hsi_studio.project.store import Project
from hsi_studio.studio.new_run import new_run
from hsi_studio.ui.tabs.scene.bands import BandsPart
from tests.features.test_band_quality import clean


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    made = Studio(home=tmp_path / "home", data_root=tmp_path)
    yield made
    made.close()


@pytest.fixture
def project(studio: Studio, tmp_path: Path) -> Project:
    """A scene with a noisy band (4), a dead one (10) and two labels of two classes."""
    cube = clean()
    cube[:, :, 3] = np.random.default_rng(9).normal(0.3, 0.05, cube.shape[:2])
    cube[:, :, 9] = 0.2
    np.save(tmp_path / "made.npy", cube)
    made = studio.new_project(str(tmp_path / "made.npy"))
    made.import_labels([(5, 5, "a", None), (6, 6, "a", None), (40, 40, "b", None), (41, 41, "b", None)])
    return made


def test_nothing_is_left_out_by_itself(studio: Studio, project: Project) -> None:
    whole = studio.scene_of(project.id)
    assert [(f.band, f.kind, f.left_out) for f in studio.bands.found(project.id)] == [
        (3, "noisy", False), (9, "dead", True),
    ]  # fmt: skip
    assert studio.scene_of(project.id) is whole
    assert whole.left_out == ()
    assert project.revision == 1


def test_left_out_brought_back_undone(studio: Studio, project: Project) -> None:
    whole = studio.scene_of(project.id)
    assert studio.bands.leave_out(project.id, [3, 5]) == "leave out 2 bands"
    less = studio.scene_of(project.id)
    assert less.left_out == (3, 5)
    assert np.flatnonzero(~less.good_bands).tolist() == [3, 5, 9]
    assert studio.scene(less.id) is less  # its tiles can be asked for
    assert studio.bands.bring_back(project.id, [5]) == "bring back 1 band"
    assert studio.scene_of(project.id).left_out == (3,)
    project.undo()
    assert studio.scene_of(project.id).left_out == (3, 5)
    assert studio.bands.bring_back(project.id) == "bring back 2 bands"
    assert studio.scene_of(project.id).id == whole.id
    assert studio.bands.bring_back(project.id) == "no change"
    for bands, words in (([99], "no band 100"), (range(23), "keep two or more")):
        with pytest.raises(BadRequest, match=words):
            studio.bands.leave_out(project.id, bands)


def test_it_is_in_the_journal_and_there_after_a_restart(studio: Studio, project: Project, tmp_path: Path) -> None:
    studio.bands.leave_out(project.id, [3])
    line = json.loads((project.folder / "journal.jsonl").read_text().splitlines()[-1])
    assert (line["type"], line["payload"]) == ("set_bands", {"left_out": [3]})
    again = Studio(home=tmp_path / "home", data_root=tmp_path)
    assert again.scene_of(project.id).left_out == (3,)
    assert again.project(project.id).notes == []
    assert again.latest_project(again.workspace.whole_scene_of(project.id).id) is again.project(project.id)
    again.close()


def test_the_live_map_and_new_runs_go_by_the_bands_that_stay(studio: Studio, project: Project) -> None:
    before = studio.live(project.id)
    assert before.wait(project.revision, 60).prediction is not None
    studio.bands.leave_out(project.id, [3])
    after = studio.live(project.id)
    assert after is not before
    assert after.scene.left_out == (3,)
    assert after.wait(project.revision, 60).prediction is not None
    scene = studio.scene_of(project.id)
    facts = {"title": "t", "kind": "train", "method": "svm", "params": {}, "seed": 0}
    _, record = new_run(project, scene, project.labels(), devices()[0], lambda _, made: made, **facts)
    assert record.scene["id"] == scene.id
    assert record.scene["spec"]["left_out"] == [3]


def test_a_guest_sees_the_same_scene(studio: Studio, project: Project) -> None:
    studio.bands.leave_out(project.id, [3])
    scene = studio.scene_of(project.id)
    guest = studio.workspace.guest(project.id)
    assert guest.scene_of(project.id) is scene
    assert guest.scene(scene.id) is scene


def test_boxes_and_buttons(studio: Studio, project: Project) -> None:
    part = BandsPart(studio)
    report, boxes, leave, back = part.look(project.id)
    assert "1 band stands out. Tick those to leave out; none are now." in json.loads(report)["notes"][0]
    assert boxes.choices == [("Band 4 · noisy: " + studio.bands.found(project.id)[0].reason, "3")]
    assert (boxes.value, leave.value, leave.visible, back.visible) == ([], "Leave out the 1 band found", True, False)
    answer = part.leave_out_found(project.id)
    assert answer[1].value == ["3"]
    assert answer[3].value == "Bring back 1 band"
    assert studio.scene_of(project.id).left_out == (3,)
    part.choose(project.id, [])
    assert studio.scene_of(project.id).left_out == ()
    part.choose(project.id, ["3"])
    part.bring_back(project.id)
    assert studio.scene_of(project.id).left_out == ()


def test_the_command(
    studio: Studio, project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HSI_STUDIO_HOME", str(studio.home))
    assert main(["bands", project.id]) == 0
    assert "    4  used        noisy" in capsys.readouterr().out
    assert main(["bands", project.id, "--leave-out", "found"]) == 0
    assert "    4  left out    noisy" in capsys.readouterr().out
    assert main(["bands", project.id, "--leave-out", "12-13", "--bring-back", "4"]) == 0
    out = capsys.readouterr().out
    assert "   12  left out    by hand" in out
    assert "    4  used        noisy" in out
    assert main(["bands", project.id, "--leave-out", "0"]) == 2


def test_numbers() -> None:
    assert numbers("1, 104-106,3") == [0, 103, 104, 105, 2]
    for text in ("x", "0", "1-", "", "1-999999"):
        with pytest.raises(BadRequest):
            numbers(text)
