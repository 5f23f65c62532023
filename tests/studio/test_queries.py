"""`studio.queries` on the demo scene: questions, candidate labels, descriptions, maps from texts; the real encoder."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hsi_studio import Studio
from hsi_studio.errors import BadRequest
from hsi_studio.features.cache import FeatureCache
from hsi_studio.project.store import Project
from hsi_studio.studio import descriptions


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(descriptions, "MEASURED", FeatureCache())  # what other tests measured is not on this home's disk
        made = Studio(home=tmp_path_factory.mktemp("home"))
        yield made
        made.close()


@pytest.fixture(scope="module")
def project(studio: Studio) -> Project:
    return studio.new_project("demo")


def class_id(project: Project, name: str) -> str:
    return next(c.id for c in project.schema.classes if c.name == name)


def answered(studio: Studio, project: Project, text: str) -> object:
    studio.queries.ask(project.id, text)
    status = studio.queries.wait(project.id, 120)
    assert status.state == "done", status.error
    return status


def test_before_a_question_there_is_nothing(studio: Studio, project: Project) -> None:
    assert studio.queries.status(project.id).state == "idle"
    assert studio.queries.heat(project.id) is None
    with pytest.raises(BadRequest, match="ask something first"):
        studio.queries.set_threshold(project.id, 0.5)
    with pytest.raises(BadRequest, match="ask something first"):
        studio.queries.propose(project.id, [0])


@pytest.mark.slow
def test_a_question_is_answered_with_places_and_reasons(studio: Studio, project: Project) -> None:
    status = answered(studio, project, "metal roof")
    assert status.regions[0].reasons[0].text.startswith("bright metal roof")  # type: ignore[attr-defined]
    name, heat = studio.queries.heat(project.id) or ("", np.zeros(0))
    assert name
    assert heat.shape == (200, 200)
    assert heat.dtype == np.uint8
    assert ((heat == 255) == ~studio.scene_of(project.id).valid).all()


@pytest.mark.slow
def test_asking_again_returns_at_once(studio: Studio, project: Project) -> None:
    assert studio.queries.ask(project.id, "water").state == "working"
    assert studio.queries.wait(project.id, 60).text == "water"


def test_the_newest_question_wins(studio: Studio, project: Project) -> None:
    for text in ("gravel", "asphalt", "bare soil"):
        studio.queries.ask(project.id, text)
    status = studio.queries.wait(project.id, 60)
    assert status.text == "bare soil"
    assert status.answer is not None
    assert status.answer.text == "bare soil"


def test_a_higher_threshold_leaves_fewer_pixels(studio: Studio, project: Project) -> None:
    status = answered(studio, project, "bare soil")
    before = sum(r.pixels for r in status.regions)  # type: ignore[attr-defined]
    studio.queries.set_threshold(project.id, 0.95)
    until = time.monotonic() + 20
    while time.monotonic() < until:
        now = studio.queries.status(project.id)
        if sum(r.pixels for r in now.regions) != before:
            break
        time.sleep(0.02)
    assert sum(r.pixels for r in now.regions) < before


def test_candidates_become_labels_that_undo_takes_back(studio: Studio, project: Project) -> None:
    answered(studio, project, "metal roof")
    metal = class_id(project, "Metal roof")
    pixels = studio.queries.propose(project.id, [0, 1], 3)
    assert len(pixels) == 6
    assert not project.points
    before = project.revision
    studio.queries.add(project.id, metal, pixels)
    assert project.revision == before + 1  # one action
    assert set(project.points) == set(pixels)
    assert set(project.points.values()) == {metal}
    assert "6 labels" in project.undo_label
    assert studio.queries.propose(project.id, [0, 1], 3) == []  # they are labelled now
    studio.edit(project.id, lambda p: p.undo())
    assert not project.points
    with pytest.raises(BadRequest, match="no pixel to add"):
        studio.queries.add(project.id, metal, [])
    with pytest.raises(BadRequest, match="Choose the class"):
        studio.queries.add(project.id, "nobody", pixels)


def test_a_class_is_described_from_its_labels(studio: Studio, project: Project) -> None:
    metal = class_id(project, "Metal roof")
    with pytest.raises(BadRequest, match="has no labelled pixels"):
        studio.queries.describe_class(project.id, metal)
    answered(studio, project, "metal roof")
    studio.queries.add(project.id, metal, studio.queries.propose(project.id, [0, 1], 5))
    said = studio.queries.describe_class(project.id, metal)
    assert said.sentences[0].startswith("Metal roof: ")
    assert "bright in visible light" in said.text
    assert studio.queries.describe_class(project.id, metal) == said
    studio.edit(project.id, lambda p: p.undo())


def test_a_region_is_described(studio: Studio, project: Project) -> None:
    mask = np.zeros((200, 200), dtype=bool)
    mask[28:36, 155:172] = True
    assert studio.queries.describe_region(project.id, mask).text.startswith("This area: ")


def test_engines_are_named_and_others_refused(studio: Studio, project: Project) -> None:
    assert [e.id for e in studio.queries.engines(project.id)] == ["described"]
    with pytest.raises(BadRequest, match="no engine"):
        studio.queries.ask(project.id, "water", "oracle")
    studio.queries.ask(project.id, "water", "model:nobody")
    status = studio.queries.wait(project.id, 30)
    assert status.state == "failed"
    assert status.error


def test_empty_questions_are_refused_before_any_work(studio: Studio, project: Project) -> None:
    with pytest.raises(BadRequest, match="Type what to look for"):
        studio.queries.ask(project.id, "  ")


def test_a_map_from_names_is_made_and_shown(studio: Studio, project: Project) -> None:
    maps = studio.queries.text_maps
    maps.request(project.id, "names", curve=False)
    until = time.monotonic() + 60
    while maps.get(project.id).state == "working" and time.monotonic() < until:
        time.sleep(0.02)
    made = maps.get(project.id)
    assert made.state == "done", made.error
    left = studio.displayed.left(project.id)
    assert left is not None
    assert left.source == "texts"
    assert left.prediction is made.prediction
    assert made.report is not None
    assert made.report.main.oa is not None
    assert made.report.main.oa.value > 0.5
    assert "no label was used" in made.report.main.words
    first = project.schema.classes[0]
    project.rename_class(first.id, "Slate")  # no pixel was compared with this name
    told = f"Map from texts alone (class names; Slate read as {first.name})"
    assert studio.displayed.title(project.id, "texts") == told
    assert f"Slate read as {first.name}. Make it again" in maps.get(project.id).notes[0]
    project.undo()
    assert studio.displayed.title(project.id, "texts") == "Map from texts alone (class names)"
    assert maps.get(project.id) == made
    studio.displayed.show(project.id, "live")
    left = studio.displayed.left(project.id)
    assert left is None or left.prediction is not made.prediction
    with pytest.raises(BadRequest):
        maps.request(project.id, "set:nobody@x")


def test_what_was_measured_is_cached_for_the_next_start(studio: Studio, project: Project, tmp_path: Path) -> None:
    assert len(list((studio.cache_folder / "described").glob("*.npz"))) >= 2
