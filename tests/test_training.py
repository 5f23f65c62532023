"""Training through the façade: the map comes, labels stay usable meanwhile, stop stops, mistakes are said."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hsi_studio.engine.training import Training

from hsi_studio import Studio
from hsi_studio.errors import BadRequest, TooFewLabels
from hsi_studio.methods import Context, get_method
from hsi_studio.types import PromptSet


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


def test_a_trained_map_comes_and_can_be_shown_instead_of_the_live_one(labelled: tuple[Studio, str]) -> None:
    studio, project_id = labelled
    status = studio.train(project_id, "svm").wait(60)
    assert (status.state, status.error) == ("done", "")
    assert status.shots == (3, 3)
    assert status.prediction is not None
    assert status.report is not None
    codes = status.prediction.label
    assert (codes[:15, :-1] == 1).mean() > 0.95
    assert (codes[15:, :-1] == 2).mean() > 0.95
    assert (codes[:, -1] == 0).all()
    live = studio.live(project_id).wait(studio.project(project_id).revision, 30).prediction
    assert studio.prediction(project_id) is live
    studio.show_trained(project_id, True)
    assert studio.prediction(project_id) is status.prediction
    studio.show_trained(project_id, False)
    assert studio.prediction(project_id) is live


def test_mistakes_are_said_before_anything_starts(labelled: tuple[Studio, str], tmp_path: Path) -> None:
    studio, project_id = labelled
    with pytest.raises(BadRequest, match="magic"):
        studio.train(project_id, "magic")
    with pytest.raises(BadRequest, match="no_such"):
        studio.train(project_id, "svm", {"no_such": 1})
    empty = studio.new_project(tmp_path / "halves.npy")
    with pytest.raises(TooFewLabels, match="two classes"):
        studio.train(empty.id, "svm")
    assert studio.training(project_id) is None


class Slow:
    """A method that works until it is stopped."""

    def __init__(self) -> None:
        self.started = threading.Event()
        self.name, self.Params = "slow", get_method("svm").Params

    def prepare(self, scene: Any, params: Any, ctx: Context) -> None:
        self.started.set()
        while True:
            ctx.check()


def test_stop_keeps_nothing_and_frees_the_way(labelled: tuple[Studio, str]) -> None:
    studio, project_id = labelled
    scene, labels = studio.scene_of(project_id), studio.project(project_id).labels()
    slow: Any = Slow()
    training = Training(scene, labels, slow, slow.Params(), PromptSet(), Context())
    assert slow.started.wait(10)
    training.cancel()
    status = training.wait(10)
    assert status.state == "stopped"
    assert status.prediction is None
    assert studio.train(project_id, "knn").wait(60).state == "done"


class Broken(Slow):
    def prepare(self, scene: Any, params: Any, ctx: Context) -> None:
        raise ZeroDivisionError("by design")


def test_a_bug_in_a_method_is_a_status_not_a_dead_thread(labelled: tuple[Studio, str]) -> None:
    studio, project_id = labelled
    broken: Any = Broken()
    labels = studio.project(project_id).labels()
    training = Training(studio.scene_of(project_id), labels, broken, broken.Params(), PromptSet(), Context())
    status = training.wait(10)
    assert status.state == "failed"
    assert "by design" in status.error


def test_whether_an_encoder_is_pretrained_is_said(labelled: tuple[Studio, str]) -> None:
    studio, project_id = labelled
    assert studio.pretrained(project_id, "diffclip") == "pre-trained: no"
    assert studio.pretrained(project_id, "svm") == ""
