"""Hold-out regions: actions of the journal, no label inside, accuracy measured there and said."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hsi_studio import Studio
from hsi_studio.cli.main import main
from hsi_studio.errors import BadRequest, LabelProblem
from hsi_studio.project.store import Project
from tests.studio.shown import add_run, project_with_reference

MIDDLE = [(10, 10), (10, 20), (20, 20), (20, 10)]  # rows and columns 10 … 19


@pytest.fixture
def project(studio: Studio, tmp_path: Path) -> Project:
    return project_with_reference(studio, tmp_path / "data")


def test_no_label_is_given_inside(studio: Studio, project: Project) -> None:
    upper, lower = project.schema.classes
    studio.label(project.id, 12, 12, upper.id)
    assert studio.holdout.add(project.id, MIDDLE) == "hold out 1 region, without 1 label inside"
    assert len(project.labels()) == 6
    with pytest.raises(LabelProblem, match="Row 15, column 15 lies in a hold-out region"):
        studio.label(project.id, 15, 15, lower.id)
    said = project.import_labels([(11, 11, upper.name, None), (1, 1, upper.name, None)])
    assert "1 on pixels without data or in hold-out regions left out" in said
    studio.labels.draw(project.id, shots=100)
    labels = project.labels()
    assert len(labels) > 150
    assert not ((labels.row >= 10) & (labels.row < 20) & (labels.col >= 10) & (labels.col < 20)).any()


def test_they_are_in_the_journal_and_undo_brings_back_what_went(studio: Studio, project: Project) -> None:
    studio.label(project.id, 12, 12, project.schema.classes[0].id)
    studio.holdout.add(project.id, MIDDLE)
    again = Project.open(project.folder)
    assert again.regions == (tuple((float(row), float(col)) for row, col in MIDDLE),)
    assert again.held is not None
    assert np.argwhere(again.held).min() == 10
    assert int(again.held.sum()) == 100
    assert (12, 12) not in again.points
    again.undo()
    assert again.regions == ()
    assert (12, 12) in again.points
    with pytest.raises(LabelProblem, match="no pixel inside"):
        again.set_regions([[(90, 90), (90, 95), (95, 95)]])


def test_accuracy_is_that_of_the_pixels_inside(studio: Studio, project: Project) -> None:
    with pytest.raises(BadRequest, match="no hold-out region"):
        studio.holdout.score(project.id)
    studio.holdout.add(project.id, MIDDLE)
    block = studio.holdout.score(project.id, "live")
    shown = studio.displayed.find(project.id, "live")
    scene = studio.scene_of(project.id)
    assert scene.reference is not None
    assert project.held is not None
    right = (shown.prediction.label == scene.reference)[project.held]
    assert block.oa is not None
    assert block.n == right.size == 100
    assert block.oa.value == pytest.approx(right.mean())
    assert block.words == (
        "on 100 reference pixels inside your 1 hold-out region of the 2 classes you labelled, where none of your "
        "labels lies; 0 of the test pixels lie within 5 pixels of a label outside"
    )
    assert studio.holdout.score(project.id, "live") is block  # not measured again
    assert studio.holdout.remove(project.id, 0) == "hold out no region"


def test_a_training_from_labels_inside_is_not_measured_there(studio: Studio, project: Project) -> None:
    upper = project.schema.classes[0]
    studio.label(project.id, 12, 12, upper.id)
    add_run(studio, project)
    studio.holdout.add(project.id, MIDDLE)
    block = studio.holdout.score(project.id, "run:20260101-120000-abcdef")
    assert block.oa is None
    assert "was made from 1 label inside the regions" in block.problem


def test_from_a_shell(
    studio: Studio, project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    studio.holdout.add(project.id, MIDDLE)
    monkeypatch.setenv("HSI_STUDIO_HOME", str(studio.home))
    assert main(["evidence", project.id, "--json", "-"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["holdout"]["n"] == 100
    assert "hold-out region" in told["holdout"]["words"]
