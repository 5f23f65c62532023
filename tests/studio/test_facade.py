"""The façade: what the UI relies on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hsi_studio import Studio
from hsi_studio.errors import LabelProblem


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    made = Studio(home=tmp_path / "home", data_root=tmp_path / "data")
    yield made  # type: ignore[misc]
    made.close()


@pytest.fixture
def scene_file(tmp_path: Path) -> Path:
    """30 × 30 pixels in two halves; the last column holds no data."""
    rng = np.random.default_rng(0)
    cube = rng.normal(0.2, 0.01, (30, 30, 10)).astype(np.float32)
    cube[15:, :, 5:] += 0.3
    cube[:, -1] = np.nan
    folder = tmp_path / "data"
    folder.mkdir()
    file = folder / "two halves.npy"
    np.save(file, cube)
    return file


def test_other_words_alone_make_no_new_fit(studio: Studio, scene_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = studio.new_project(scene_file)
    for n, name in enumerate(("upper", "lower")):
        studio.edit(project.id, lambda p, name=name: p.add_class(name))  # type: ignore[misc]
        seq = studio.label(project.id, 3 + 22 * n, 3, project.schema.classes[-1].id)
    before = studio.live(project.id).wait(seq, 30, report=True)
    assert before.prediction is not None
    fits = []
    monkeypatch.setattr(studio.live(project.id).method, "fit", lambda *_: fits.append(1))
    made, _ = studio.prompts.create(project.id, "p1")
    after = studio.live(project.id).wait(project.revision, 30, report=True)
    assert (after.revision, after.report_revision, fits) == (project.revision, project.revision, [])
    assert after.prediction is not None
    assert after.prediction.label is before.prediction.label
    assert studio.prompts.resolve(project.id, f"set:{made.id}").sentences


def test_clicks_make_a_map_that_follows(studio: Studio, scene_file: Path) -> None:
    project = studio.new_project(scene_file)
    studio.edit(project.id, lambda p: p.add_class("upper"))
    studio.edit(project.id, lambda p: p.add_class("lower"))
    upper, lower = project.schema.classes
    studio.label(project.id, 3, 3, upper.id)
    status = studio.live(project.id).wait(project.revision, 30)
    assert status.prediction is None
    assert status.message  # says what is missing
    seq = studio.label(project.id, 25, 3, lower.id)
    status = studio.live(project.id).wait(seq, 30)
    assert status.error == ""
    assert status.prediction is not None
    code = status.prediction.label
    assert status.prediction.revision == seq
    assert (code[:15, :-1] == 1).mean() > 0.95
    assert (code[15:, :-1] == 2).mean() > 0.95
    assert (code[:, -1] == 0).all()  # no data, no class


def test_map_codes_stay_when_a_class_without_labels_comes_first(studio: Studio, scene_file: Path) -> None:
    project = studio.new_project(scene_file)
    for name in ("unused", "upper", "lower"):
        studio.edit(project.id, lambda p, name=name: p.add_class(name))
    _, upper, lower = project.schema.classes
    studio.label(project.id, 3, 3, upper.id)
    seq = studio.label(project.id, 25, 3, lower.id)
    prediction = studio.live(project.id).wait(seq, 30).prediction
    assert prediction is not None
    assert set(np.unique(prediction.label)) == {0, 2, 3}
    assert prediction.schema.names == ["unused", "upper", "lower"]


def test_a_second_click_takes_the_label_away_and_undo_brings_it_back(studio: Studio, scene_file: Path) -> None:
    project = studio.new_project(scene_file)
    studio.edit(project.id, lambda p: p.add_class("upper"))
    (upper,) = project.schema.classes
    studio.label(project.id, 3, 3, upper.id)
    studio.label(project.id, 3, 3, upper.id)
    assert len(project.labels()) == 0
    studio.edit(project.id, lambda p: p.undo())
    assert len(project.labels()) == 1


def test_pixels_without_data_or_outside_are_refused_with_the_reason(studio: Studio, scene_file: Path) -> None:
    project = studio.new_project(scene_file)
    studio.edit(project.id, lambda p: p.add_class("upper"))
    (upper,) = project.schema.classes
    with pytest.raises(LabelProblem, match="30"):
        studio.label(project.id, 30, 0, upper.id)
    with pytest.raises(LabelProblem):
        studio.label(project.id, 0, 29, upper.id)
    assert len(project.labels()) == 0


def test_every_verb_of_a_subject_is_the_subjects(studio: Studio, scene_file: Path, tmp_path: Path) -> None:
    """What a verb of the façade does is what its subject does: same project, same map, same files."""
    project = studio.new_project(scene_file)
    assert studio.project(project.id) is studio.workspace.project(project.id) is project
    assert studio.scene_of(project.id) is studio.open(scene_file) is studio.scene(studio.open(scene_file).id)
    assert studio.live(project.id) is studio.live_maps.get(project.id)
    (seq := studio.edit(project.id, lambda p: p.add_class("upper")))
    (upper,) = project.schema.classes
    assert studio.label(project.id, 3, 3, upper.id) == studio.labels.edit(project.id, lambda p: None) == seq + 1
    assert studio.remove_label(project.id, 3, 3) == project.revision
    assert not project.points
    studio.label(project.id, 4, 4, upper.id)
    files = studio.export_labels(project.id, tmp_path / "out")
    again = studio.new_project(scene_file)
    assert any("1" in note for note in studio.import_labels(again.id, next(f for f in files if f.suffix == ".csv")))
    assert list(again.points) == [(4, 4)]
    assert studio.method not in {method.name for method in studio.trainable()}
    assert studio.pretrained(project.id, "svm") == ""
