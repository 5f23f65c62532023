"""What was measured of the labels: made once for them, and said in sentences that stand alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from hsi_studio import Studio
from hsi_studio.project.store import Project
from hsi_studio.studio.class_measurements import Measured, Measurements, _alone, label_key
from tests.studio.models import scene_file


def test_the_key_follows_the_labels_and_not_the_words(project: Project) -> None:
    keys = [label_key(project.labels())]
    upper, lower = project.schema.classes
    project.set_prompt(upper.id, ["a bright field"])
    assert label_key(project.labels()) == keys[0]
    project.toggle_point(9, 9, upper.id)
    keys.append(label_key(project.labels()))
    project.toggle_point(9, 9, lower.id)  # the same pixels, another class
    keys.append(label_key(project.labels()))
    project.rename_class(lower.id, "Meadow")  # sentences name the class
    keys.append(label_key(project.labels()))
    assert len(set(keys)) == 4
    project.undo()
    project.undo()
    project.undo()
    assert label_key(project.labels()) == keys[0]


def test_measuring_is_done_again_only_for_other_labels(studio: Studio, project: Project) -> None:
    measurements = Measurements(studio.workspace)
    before = measurements.of(project.id)
    project.set_prompt(project.schema.classes[0].id, ["a bright field"])
    assert measurements.of(project.id) is before
    for col in range(5):
        project.toggle_point(5, col, project.schema.classes[0].id)
    after = measurements.of(project.id)
    upper, lower = (info.id for info in project.schema.classes)
    assert after.values[upper] != before.values[upper]
    assert after.values[lower] == before.values[lower]


def test_a_class_without_labels_is_left_out(studio: Studio, project: Project) -> None:
    project.add_class("nowhere")
    made = Measurements(studio.workspace).of(project.id)
    assert set(made.values) == set(made.sentences) == {info.id for info in project.schema.classes[:2]}
    for info in project.schema.classes[:2]:
        assert made.sentences[info.id]
        assert all(info.name in sentence for sentence in made.sentences[info.id])


def test_without_labels_nothing_is_measured(studio: Studio, tmp_path: Path) -> None:
    empty = studio.new_project(scene_file(tmp_path / "data"))
    assert Measurements(studio.workspace).of(empty.id) == Measured()


@pytest.mark.parametrize(
    ("sentence", "alone"),
    [
        ("It is bright in the near infrared.", "Tile roof: bright in the near infrared."),
        ("It has a rough surface.", "Tile roof: with a rough surface."),
        ("Tile roof stands 6 m high.", "Tile roof stands 6 m high."),
        ("Higher than grass: It is a roof.", "Higher than grass: It is a roof."),
    ],
)
def test_a_sentence_names_what_it_is_of(sentence: str, alone: str) -> None:
    assert _alone("Tile_ roof", sentence) == alone
