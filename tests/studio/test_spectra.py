"""Spectra of pixels and classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hsi_studio import Studio
from tests.studio.models import scene_file as two_halves


@pytest.fixture
def scene_file(tmp_path: Path) -> Path:
    return two_halves(tmp_path / "data")


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
