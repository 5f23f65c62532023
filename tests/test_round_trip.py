"""What is exported opens again, in our own readers, with the same classes; labels come back as they were."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hsi_studio import Studio
from hsi_studio.scene import read_class_map

NAMES = ["Corn, no-till", '{braces} (and) "quotes"', "Wald – Fichte </script>", "=1+1"]


@pytest.fixture
def mapped(tmp_path: Path) -> Iterator[tuple[Studio, str]]:
    """A project with four quarters, one label each, and its map."""
    rng = np.random.default_rng(0)
    cube = rng.normal(0.2, 0.01, (24, 24, 8)).astype(np.float32)
    cube[:12, :12, :2] += 0.4
    cube[:12, 12:, 2:4] += 0.4
    cube[12:, :12, 4:6] += 0.4
    np.save(tmp_path / "quarters.npy", cube)
    studio = Studio(home=tmp_path / "home")
    project = studio.new_project(tmp_path / "quarters.npy")
    for name, (row, col) in zip(NAMES, [(4, 4), (4, 20), (20, 4), (20, 20)], strict=True):
        info = project.add_class(name)
        studio.label(project.id, row, col, info.id)
    yield studio, project.id
    studio.close()


@pytest.mark.parametrize("ending", ["_map.tif", ".hdr"])
def test_an_exported_map_is_a_reference_again(mapped: tuple[Studio, str], tmp_path: Path, ending: str) -> None:
    studio, project_id = mapped
    written = studio.export(project_id, tmp_path / "out")
    prediction = studio.displayed.find(project_id).prediction
    (file,) = [p for p in written if p.name.endswith(ending) and "confidence" not in p.name]
    codes, names = read_class_map(str(file), (24, 24))
    np.testing.assert_array_equal(codes, prediction.label)
    assert list(names.values()) == NAMES


@pytest.mark.parametrize("ending", [".geojson", ".csv"])
def test_exported_labels_come_back(mapped: tuple[Studio, str], tmp_path: Path, ending: str) -> None:
    studio, project_id = mapped
    written = studio.export_labels(project_id, tmp_path / "out")
    (file,) = [p for p in written if p.name.endswith(ending)]
    before = studio.project(project_id)
    again = studio.new_project(tmp_path / "quarters.npy")
    studio.import_labels(again.id, file)
    after = studio.project(again.id)
    assert after.schema.names == before.schema.names
    assert after.schema.colors == before.schema.colors
    assert list(after.points) == list(before.points)
