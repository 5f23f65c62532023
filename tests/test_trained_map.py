"""Training through the façade: the map comes and can be shown, mistakes are said."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hsi_studio import Studio
from hsi_studio.errors import BadRequest, TooFewLabels
from hsi_studio.methods import get_method
from hsi_studio.types import Prediction


@pytest.fixture
def labelled(tmp_path: Path) -> Iterator[tuple[Studio, str]]:
    """Two halves, three labels each; the last column holds no data."""
    rng = np.random.default_rng(0)
    cube = rng.normal(0.2, 0.02, (30, 30, 10)).astype(np.float32)
    cube[15:, :, 5:] += 0.3
    cube[:, -1] = np.nan
    np.save(tmp_path / "halves.npy", cube)
    studio = Studio(home=tmp_path / "home")
    project = studio.new_project(tmp_path / "halves.npy")
    for name, row in (("upper", 4), ("lower", 22)):
        info = project.add_class(name)
        for col in (3, 12, 22):
            studio.label(project.id, row, col, info.id)
    yield studio, project.id
    studio.close()


@pytest.mark.slow
def test_a_trained_map_comes_and_can_be_shown_instead_of_the_live_one(labelled: tuple[Studio, str]) -> None:
    studio, project_id = labelled
    run = studio.runs.start(project_id, "svm")
    done = studio.runs.wait(run.id, 120)
    assert (done.state, done.reason) == ("done", "")
    assert done.shots == (3, 3)
    assert studio.runs.report(run.id) is not None
    trained = studio.runs.prediction(run.id)
    assert trained is not None
    assert (trained.label[:15, :-1] == 1).mean() > 0.95
    assert (trained.label[15:, :-1] == 2).mean() > 0.95
    assert (trained.label[:, -1] == 0).all()
    live = studio.live(project_id).wait(studio.project(project_id).revision, 30).prediction
    displayed = studio.displayed
    assert shown_map(studio, project_id) is live
    displayed.show(project_id, "run", run.id)
    assert displayed.chosen(project_id) == (f"run:{run.id}", "")
    assert shown_map(studio, project_id) is trained
    displayed.show(project_id)
    assert shown_map(studio, project_id) is live
    displayed.show(project_id, "run", run.id)
    studio.runs.delete(run.id)
    assert displayed.chosen(project_id) == ("live", "")
    assert shown_map(studio, project_id) is live


def shown_map(studio: Studio, project_id: str) -> Prediction | None:
    left = studio.displayed.left(project_id)
    return None if left is None else left.prediction


def test_mistakes_are_said_before_anything_starts(labelled: tuple[Studio, str], tmp_path: Path) -> None:
    studio, project_id = labelled
    with pytest.raises(BadRequest, match="magic"):
        studio.runs.start(project_id, "magic")
    with pytest.raises(BadRequest, match="no_such"):
        studio.runs.start(project_id, "svm", {"no_such": 1})
    empty = studio.new_project(tmp_path / "halves.npy")
    with pytest.raises(TooFewLabels, match="two classes"):
        studio.runs.start(empty.id, "svm")
    assert studio.runs.list() == []


def test_whether_an_encoder_is_pretrained_is_said(labelled: tuple[Studio, str]) -> None:
    studio, project_id = labelled
    assert studio.pretrained(project_id, "diffclip") == "pre-trained: no"
    assert studio.pretrained(project_id, "svm") == ""


@pytest.mark.slow
def test_a_run_on_a_prompt_set_says_which_and_gives_the_text_view_its_space(labelled: tuple[Studio, str]) -> None:
    studio, project_id = labelled
    words, _ = studio.prompts.create(project_id, "p1", "Mine")
    upper = studio.project(project_id).schema.classes[0]
    studio.prompts.edit(project_id, words.id, {upper.id: ["the darker half"]})
    quick = get_method("diffclip").test_params
    run = studio.runs.start(project_id, "diffclip", quick, prompts="set:mine")
    studio.prompts.edit(project_id, words.id, {upper.id: ["said later"]})
    done = studio.runs.wait(run.id, 120)
    assert (done.state, done.reason) == ("done", "")
    assert (done.prompts, done.prompt_set) == (f"set:{words.id}@2", "Mine, version 2")
    assert studio.prompts.resolve(project_id, done.prompts).sentences[upper.id] == ("the darker half",)
    until = time.monotonic() + 60
    while (view := studio.prompts.view(project_id, words.id)).state == "working" and time.monotonic() < until:
        time.sleep(0.05)
    assert (view.state, view.joint_note) == ("done", "")
    assert view.joint is not None
    assert view.joint.model == run.id
    assert view.joint.counts == (3, 3)
