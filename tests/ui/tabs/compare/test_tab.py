"""What the Compare tab's form means, and starting, stopping and showing comparisons; without a page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hsi_studio import Studio
from hsi_studio.engine.compare.results import Spread
from hsi_studio.errors import BadRequest
from hsi_studio.project.store import Project
from hsi_studio.studio.facade import Side
from hsi_studio.ui.tabs.compare.tab import ABLATIONS, DSM, METHODS, WORDS, CompareTab, Form
from hsi_studio.ui.tabs.compare.values import _spread, facts
from tests.studio.models import scene_file
from tests.ui.tabs.events import event, untouched, value

FORM = Form(2, "quick", METHODS, "curated", ["p1", "p5"], "p5", ["lda", "knn"], [])


@pytest.fixture
def tab(studio: Studio) -> CompareTab:
    return CompareTab(studio)


@pytest.fixture
def scene(studio: Studio, tmp_path: Path) -> Project:
    """A scene with a reference map and a surface model."""
    file = scene_file(tmp_path / "data")
    np.save(tmp_path / "data" / "truth.npy", np.repeat([1, 2], 15)[:, None].repeat(30, 1).astype(np.int32))
    np.save(tmp_path / "data" / "dsm.npy", np.ones((30, 30), np.float32))
    return studio.new_project(
        file, reference=str(tmp_path / "data" / "truth.npy"), dsm=str(tmp_path / "data" / "dsm.npy")
    )


def test_each_kind_of_comparison_has_its_arms(tab: CompareTab) -> None:
    assert tab.sides(FORM._replace(kind=WORDS)) == [Side("curated", "p1"), Side("curated", "p5")]
    assert tab.sides(FORM) == [Side("lda", "p5"), Side("knn", "p5")]
    both = tab.sides(FORM._replace(kind=DSM, method="diffclip"))
    assert [(side.name, side.params) for side in both] == [("DSM", {}), ("no DSM", {"use_dsm": False})]
    spatial = {"features": "spectral-spatial"}  # without it this one reads no heights
    both = tab.sides(FORM._replace(kind=DSM, method="svm"))
    assert [side.params for side in both] == [spatial, {**spatial, "use_dsm": False}]
    part = tab.ablations_of("curated")[0]
    assert [side.name for side in tab.sides(FORM._replace(kind=ABLATIONS, ablations=[part]))] == [
        "everything", f"no {part}",
    ]  # fmt: skip
    with pytest.raises(BadRequest, match="no such part"):
        tab.sides(FORM._replace(kind=ABLATIONS, ablations=["no such part"]))


def test_settings_that_are_not_the_methods_own_stand_beside_its_name(tab: CompareTab, scene: Project) -> None:
    said = [facts(tab.plan(scene.id, FORM._replace(kind=DSM, method=method))) for method in ("svm", "live", "diffclip")]
    assert said == [
        "Support vector machine with features spectral-spatial, 2 shots a class, quick pace",
        "Live map, 2 shots a class, quick pace",
        "DiffCLIP, 2 shots a class, quick pace",
    ]


def test_only_what_makes_sense_can_be_chosen(tab: CompareTab, project: Project, scene: Project) -> None:
    with_ablations = {name for _, name in tab.methods_for(ABLATIONS)}
    assert with_ablations
    assert all(tab.ablations_of(name) for name in with_ablations)
    assert "lda" not in {name for _, name in tab.methods_for(WORDS)}  # it reads none
    assert "lda" in {name for _, name in tab.methods_for(METHODS)}
    kinds = [tab.choose_kind(one.id, WORDS)[0]["choices"] for one in (project, scene)]
    assert kinds == [[WORDS, METHODS, ABLATIONS], [WORDS, METHODS, ABLATIONS, DSM]]
    assert tab.choose_kind(project.id, DSM)[0]["value"] == WORDS  # this scene has no surface model
    visible = {kind: [field.get("visible") for field in tab.choose_kind(scene.id, kind)[1:]] for kind in kinds[1]}
    assert visible == {  # method, words of all, words, methods, ablations
        WORDS: [True, False, True, False, False],
        METHODS: [False, True, False, True, False],
        ABLATIONS: [True, True, False, False, True],
        DSM: [True, True, False, False, False],
    }


def test_prompt_sets_made_since_can_be_chosen(tab: CompareTab, studio: Studio, project: Project) -> None:
    made, _ = studio.prompts.create(project.id, "p1")
    one, words = tab.offer_words(project.id)
    assert f"set:{made.id}" in {key for _, key in words["choices"]}
    assert one == words
    assert tab.choose_method("curated")["value"] == tab.ablations_of("curated")


def test_a_forecast_says_what_it_takes_or_what_is_missing(tab: CompareTab, project: Project, scene: Project) -> None:
    told = value(tab.forecast(scene.id, *FORM))["empty"]
    assert told.startswith("Quick: shorter trainings.")
    assert told.endswith("Shots are drawn from the reference map.")
    assert "shuffled" not in told  # no arm reads words
    assert "shuffled words too" in value(tab.forecast(scene.id, *FORM._replace(kind=WORDS)))["empty"]
    assert "at least 2" in value(tab.forecast(scene.id, *FORM._replace(methods=["lda"])))["notes"][0]
    assert value(tab.forecast("", *FORM)) == {"empty": ""}


def test_shuffled_words_are_run_where_words_are_at_stake(tab: CompareTab, scene: Project) -> None:
    parts = tab.ablations_of("curated")
    plans = {chosen: tab.plan(scene.id, FORM._replace(kind=ABLATIONS, ablations=[chosen])).control for chosen in parts}
    assert plans == {chosen: chosen == "text" for chosen in parts}


def test_a_comparison_is_started_looked_at_and_stopped(
    tab: CompareTab, studio: Studio, scene: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(studio.compare, "start", lambda *a: asked.append(a) or "run")
    monkeypatch.setattr(studio.compare, "cancel", lambda run: asked.append(run))
    chosen, panel, start, stop, watch = tab.start(scene.id, "", *FORM)
    ((project_id, plan),) = asked
    assert project_id == scene.id
    assert [arm.method for arm in plan.arms] == ["lda", "knn"]
    assert value(panel)["said"] == {"text": "", "bad": False}
    assert (chosen, start["interactive"], stop["interactive"], watch["active"]) == ("", True, False, False)
    tab.stop(scene.id, "run")
    assert asked[1:] == ["run"]
    panel = tab.start(scene.id, "", *FORM._replace(methods=[]))[1]
    assert value(panel)["said"]["bad"]
    assert "at least 2" in value(panel)["said"]["text"]
    assert all(untouched(answer) for answer in tab.look("", ""))


def test_maps_are_shown_hidden_and_deleted_with_their_run(
    tab: CompareTab, studio: Studio, scene: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(tab, "show", lambda *a: asked.append(("show", *a)))
    monkeypatch.setattr(tab, "hide", lambda *a: asked.append(("hide", *a)))
    monkeypatch.setattr(studio.runs, "delete", lambda *a: asked.append(("delete", *a)))
    *_, viewer, strip = tab.act(scene.id, "run", event("show", left="lda", right="knn", difference=True))
    assert asked == [("show", scene.id, "run", "lda", "knn", True)]
    assert value(viewer)["project"] == scene.id
    assert value(strip)["state"]
    *_, viewer, strip = tab.act(scene.id, "run", event("open", id="other"))
    assert untouched(viewer)
    assert untouched(strip)
    assert tab.do(scene.id, "run", {"do": "open", "id": "other"}) == "other"
    tab.act(scene.id, "run", event("hide"))
    assert tab.do(scene.id, "run", {"do": "delete"}) == ""
    assert ("delete", "run") in asked


def test_what_cannot_be_done_is_said(tab: CompareTab, scene: Project) -> None:
    for answer in (tab.stop(scene.id, "none"), tab.act(scene.id, "none", event("delete"))):
        said = value(answer[1])["said"]
        assert said["bad"]
        assert said["text"]


def test_one_seed_has_no_spread() -> None:
    assert _spread(Spread(mean=91.25, std=0.0, values=(91.25,))) == "91.2"
    assert _spread(Spread(mean=90.0, std=1.5, values=(88.5, 90.0, 91.5))) == "90.0 ± 1.5"
    assert _spread(None) == "–"
