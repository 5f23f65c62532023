"""The façade: what the UI relies on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hsi_studio import Studio
from hsi_studio.errors import BadRequest, LabelProblem


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


def test_another_studio_finds_everything_again(studio: Studio, scene_file: Path) -> None:
    project = studio.new_project(scene_file)
    studio.edit(project.id, lambda p: p.add_class("upper"))
    studio.label(project.id, 3, 4, project.schema.classes[0].id)
    again = Studio(home=studio.home, data_root=studio.data_root)
    found = again.latest_project()
    assert found is not None
    assert found.id == project.id
    assert list(found.points) == [(3, 4)]
    again.close()


def test_pixels_without_data_or_outside_are_refused_with_the_reason(studio: Studio, scene_file: Path) -> None:
    project = studio.new_project(scene_file)
    studio.edit(project.id, lambda p: p.add_class("upper"))
    (upper,) = project.schema.classes
    with pytest.raises(LabelProblem, match="30"):
        studio.label(project.id, 30, 0, upper.id)
    with pytest.raises(LabelProblem):
        studio.label(project.id, 0, 29, upper.id)
    assert len(project.labels()) == 0


def test_the_ui_reads_only_under_the_data_folder(studio: Studio, scene_file: Path, tmp_path: Path) -> None:
    assert studio.confined(str(scene_file)) == scene_file
    assert studio.confined(scene_file.name) == scene_file
    outside = tmp_path / "outside.npy"
    outside.write_bytes(b"x")
    link = scene_file.parent / "link.npy"
    link.symlink_to(outside)
    for path in (str(outside), "../outside.npy", str(link)):
        with pytest.raises(BadRequest, match="--data"):
            studio.confined(path)


@pytest.mark.parametrize("name", ["../x", "/etc", "", "no-such-project"])
def test_project_ids_are_names_not_paths(studio: Studio, name: str) -> None:
    with pytest.raises(BadRequest):
        studio.project(name)


def test_class_spectra_are_the_mean_and_spread_of_the_labels(studio: Studio, scene_file: Path) -> None:
    project = studio.new_project(scene_file)
    studio.edit(project.id, lambda p: p.add_class("upper"))
    (upper,) = project.schema.classes
    cube = np.load(scene_file)
    for row, col in ((1, 1), (2, 7), (9, 4)):
        studio.label(project.id, row, col, upper.id)
    (found,) = studio.spectra.of_classes(project.id)
    values = np.stack([cube[1, 1], cube[2, 7], cube[9, 4]])
    assert found.count == 3
    np.testing.assert_allclose(found.mean, values.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(found.std, values.std(axis=0), rtol=1e-3)
    np.testing.assert_allclose(studio.spectra.pixel(project.id, 2, 7).values, cube[2, 7])
