"""What is asked of the live map's model, and what is exported with the map, are of the very map that is shown."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio

from hsi_studio import Studio
from hsi_studio.methods.contract import WordPosteriors
from hsi_studio.project.store import Project
from hsi_studio.testing.scenes import fields

pytestmark = pytest.mark.filterwarnings("ignore:Dataset has no geotransform")


@pytest.fixture
def made(tmp_path: Path) -> Iterator[tuple[Studio, Project, WordPosteriors]]:
    """Noisy fields of four classes, a label each, and words that know every field."""
    cube, truth = fields(classes=4)
    cube += np.random.default_rng(1).normal(0, 0.4, cube.shape).astype(np.float32)
    np.savez(tmp_path / "fields.npz", cube=cube, reference=truth.astype(np.int32) + 1)
    studio = Studio(home=tmp_path / "home", data_root=tmp_path)
    project = studio.new_project(tmp_path / "fields.npz")
    index = np.arange(truth.size, dtype=np.int32).reshape(truth.shape)
    said = np.where(np.arange(4) == truth.ravel()[:, None], 0.91, 0.03).astype(np.float32)
    for k, info in enumerate(project.schema.classes):
        for at in np.flatnonzero(truth == k)[[37, 90, 150]].tolist():
            project.add_point(at // truth.shape[1], at % truth.shape[1], info.id)
    yield studio, project, WordPosteriors(index, said, (0, 1, 2, 3), "all")
    studio.close()


def probabilities(studio: Studio, project: Project, path: Path) -> np.ndarray:
    """(H, W) class + 1 of the exported probabilities."""
    with rasterio.open(studio.exports.file(project.id, path, which="live")[1]) as source:
        return np.asarray(source.read().argmax(axis=0) + 1)


def test_probabilities_are_those_of_the_map_that_class_names_helped_to_make(
    made: tuple[Studio, Project, WordPosteriors], tmp_path: Path
) -> None:
    studio, project, words = made
    plain = studio.displayed.find(project.id, "live").prediction
    assert np.array_equal(probabilities(studio, project, tmp_path / "a_probabilities.tif"), plain.label)
    studio.live_maps.class_words = lambda project_id, scene, names: words
    studio.live_maps.words_known(project.id)
    found = studio.displayed.find(project.id, "live")
    assert studio.status(project.id).words.startswith("Class names are used: OA ")
    assert (found.prediction.label != plain.label).mean() > 0.02  # else this test says nothing
    assert np.array_equal(probabilities(studio, project, tmp_path / "b_probabilities.tif"), found.prediction.label)


def test_the_map_that_is_exported_waits_for_the_meaning_of_its_class_names(
    made: tuple[Studio, Project, WordPosteriors],
) -> None:
    studio, project, words = made
    asked: list[float] = []
    studio.live_maps.class_words = lambda project_id, scene, names: words if asked else None

    def wait(project_id: str, timeout: float) -> bool:
        if not asked:
            time.sleep(0.2)
            asked.append(timeout)
            studio.live_maps.words_known(project_id)
        return True

    studio.live_maps.wait_for_words = wait
    found = studio.displayed.find(project.id, "live", 60)
    assert studio.status(project.id).remade == 1
    assert found.prediction is studio.status(project.id).prediction
    assert studio.provenance.of(found).command.startswith("python -m hsi_studio export ")  # `map` knows no words


def test_accuracy_is_of_the_map_that_it_is_exported_with(made: tuple[Studio, Project, WordPosteriors]) -> None:
    studio, project, _ = made
    info = project.schema.classes[0]
    for column in (20, 21, 22):
        studio.label(project.id, 39, column, info.id)
        found = studio.displayed.find(project.id, "live", 60)
        assert found.report is not None
        assert found.report.revision == found.prediction.revision == project.revision
