"""Runs as layers: which are listed, what tells them apart, previews until there is a map, no run of elsewhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hsi_studio import Studio
from hsi_studio.errors import BadRequest, LabelProblem
from hsi_studio.project.store import Project
from hsi_studio.studio.run_maps import RunMapSource
from tests.studio.models import labelled, scene_file
from tests.studio.shown import COMPARISON, PREVIEW, RUN, add_run, project_with_reference


@pytest.fixture
def source(studio: Studio) -> RunMapSource:
    return RunMapSource(studio.workspace, studio.runs)


def test_a_run_that_ended_without_a_map_is_no_layer(studio: Studio, project: Project, source: RunMapSource) -> None:
    add_run(studio, project)
    add_run(studio, project, PREVIEW, "nothing.npz", title="Stopped early")
    (layer,) = source.listed(project.id)
    assert (layer.id, layer.ready) == (f"run:{RUN}", True)
    assert {"svm", "seed 1", RUN, "2026-01-01 12:00:00"} <= set(layer.facts)


def test_the_map_comes_before_the_preview(studio: Studio, project: Project, source: RunMapSource) -> None:
    preview = add_run(studio, project, PREVIEW, "preview.npz")
    found = source.displayed(project.id, PREVIEW)
    assert found is not None
    assert found.source == "preview"
    np.testing.assert_array_equal(found.prediction.label, preview.label)
    whole = add_run(studio, project)
    (studio.runs.folder(RUN) / "preview.npz").write_bytes((studio.runs.folder(PREVIEW) / "preview.npz").read_bytes())
    found = source.displayed(project.id, RUN)
    assert found is not None
    assert found.source == "run"
    np.testing.assert_array_equal(found.prediction.label, whole.label)


def test_without_either_it_is_said_how_the_run_ended(studio: Studio, project: Project, source: RunMapSource) -> None:
    add_run(studio, project, PREVIEW, "nothing.npz", title="Mine", reason="The computer was off.")
    assert source.displayed(project.id, PREVIEW) is None
    with pytest.raises(LabelProblem, match=r"“Mine” has no map: the run is interrupted\. The computer was off\."):
        source.finished(project.id, PREVIEW, 0)


def test_only_trainings_of_the_project_are_its_layers(
    studio: Studio, project: Project, source: RunMapSource, tmp_path: Path
) -> None:
    other = labelled(studio, scene_file(tmp_path / "data", "other", seed=1))
    add_run(studio, other)
    add_run(studio, project, COMPARISON, kind="compare")
    with pytest.raises(BadRequest, match=f"no run '{RUN}' in this project"):
        source.displayed(project.id, RUN)
    with pytest.raises(BadRequest, match=r"no run '\.\./x' in this project"):
        source.title(project.id, "../x")
    with pytest.raises(BadRequest, match=f"comparison:{COMPARISON}/0"):
        source.title(project.id, COMPARISON)
    assert source.title(other.id, RUN) == "SVM, 3 labels a class"


def test_a_run_that_kept_no_figures_is_judged_on_the_labels_it_was_trained_on(
    studio: Studio, project: Project, source: RunMapSource
) -> None:
    add_run(studio, project)
    shown = source.displayed(project.id, RUN)
    assert shown is not None
    report = source.report(shown)
    project.toggle_point(9, 9, project.schema.classes[0].id)
    assert report is not None
    assert source.report(shown) == report  # labels of today do not count


def test_a_class_renamed_since_has_one_name_everywhere(studio: Studio, source: RunMapSource, tmp_path: Path) -> None:
    """The legend and the labels have the name of today; matrix, areas and exports had that of the training."""
    project = project_with_reference(studio, tmp_path / "data")
    add_run(studio, project)
    before = source.displayed(project.id, RUN)
    assert before is not None
    upper, lower = project.schema.classes
    studio.edit(project.id, lambda p: p.rename_class(upper.id, "Meadow"))
    found = source.displayed(project.id, RUN)
    assert found is not None
    assert found.prediction.schema.names == ["Meadow", lower.name]
    assert found.report is not None
    assert [row.info.name for row in found.report.main.classes] == ["Meadow", lower.name]
    np.testing.assert_array_equal(found.prediction.label, before.prediction.label)
    again = source.displayed(project.id, RUN)
    assert again is not None
    assert again.prediction is found.prediction
    studio.edit(project.id, lambda p: p.delete_class(upper.id))
    studio.edit(project.id, lambda p: p.rename_class(lower.id, upper.name))
    gone = source.displayed(project.id, RUN)
    assert gone is not None
    assert gone.prediction.schema.names == [f"{upper.name} (deleted)", upper.name]
