"""Labels drawn from a reference: the benchmarks' draw, one action, never more than half of a class."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hsi_studio.engine.evaluation.splits import draw_shots
from hsi_studio.errors import BadRequest
from hsi_studio.project.store import Project
from hsi_studio.studio.labels import Labels
from hsi_studio.types import Scene
from tests.project.small import small_scene, striped_reference

NAMES = {1: "Meadow", 2: "Water", 3: "Tile roof"}


class Bench:
    """One project on one scene, and the subject."""

    def __init__(self, home: Path, scene: Scene) -> None:
        self.scene, self.project = scene, Project.create(home, scene, {"spec": "small"})
        self.changed: list[str] = []
        desk: Any = SimpleNamespace(scene_of=lambda _: self.scene, project=lambda _: self.project)
        self.labels = Labels(desk, self.changed.append)

    @property
    def flat(self) -> set[int]:
        return {row * self.scene.shape[1] + col for row, col in self.project.points}

    def benchmark(self, shots: int, seed: int) -> set[int]:
        assert self.scene.reference is not None
        return set(draw_shots(np.where(self.scene.valid, self.scene.reference, 0), shots, seed).tolist())


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    scene = small_scene(reference=striped_reference(), reference_names=NAMES, invalid=[(3, 1), (5, 12)])
    return Bench(tmp_path, scene)


def test_the_draw_is_the_benchmarks_and_one_action(bench: Bench) -> None:
    said = bench.labels.draw("x", 5, seed=3)
    assert bench.flat == bench.benchmark(5, 3)
    assert said == "15 labels drawn from the reference with seed 3."
    assert bench.changed == ["x"]
    reference = bench.scene.reference
    assert reference is not None
    values = {info.id: info.reference_value for info in bench.project.schema.classes}
    assert all(values[class_id] == reference[at] for at, class_id in bench.project.points.items())
    bench.project.undo()
    assert not bench.project.points


def test_more_shots_later_are_the_larger_draw(bench: Bench) -> None:
    bench.labels.draw("x", 5, seed=3)
    bench.labels.draw("x", 9, seed=3)
    assert bench.flat == bench.benchmark(9, 3)
    with pytest.raises(BadRequest, match="nothing to add"):
        bench.labels.draw("x", 9, seed=4)


def test_own_labels_count_or_go(bench: Bench) -> None:
    meadow = bench.project.schema.classes[0]
    at = [(row, 2) for row in (2, 3, 4)]
    for pixel in at:
        bench.project.add_point(*pixel, meadow.id)
    bench.labels.draw("x", 5)
    labels = bench.project.labels()
    assert labels.counts.tolist() == [5, 5, 5]
    assert set(at) <= set(bench.project.points)
    bench.labels.draw("x", 4, instead=True)
    assert bench.flat == bench.benchmark(4, 0)
    bench.project.undo()
    assert set(at) <= set(bench.project.points)
    assert len(bench.project.points) == 15


def test_half_of_a_class_stays_to_test_on(bench: Bench) -> None:
    said = bench.labels.draw("x", 40)
    assert bench.flat == bench.benchmark(40, 0)
    assert "Fewer where half of a class's reference pixels are needed to test on: Meadow has 59, Water has" in said


def test_draws_of_other_seeds_do_not_add_up(bench: Bench) -> None:
    bench.labels.draw("x", 1000)
    with pytest.raises(BadRequest, match="nothing to add"):
        bench.labels.draw("x", 1000, seed=1)
    assert bench.project.labels().counts.tolist() == [29, 25, 24]


def test_classes_are_found_by_name_too(bench: Bench) -> None:
    bench.project.set_classes("Water, #0000ff\ntile ROOF\nMine")
    bench.project.set_classes("Meadow\nWater\ntile ROOF")
    bench.labels.draw("x", 5, seed=3)
    assert bench.project.labels().counts.tolist() == [5, 5, 5]
    assert bench.flat == bench.benchmark(5, 3)


def test_what_another_process_did_is_seen(bench: Bench) -> None:
    other = Project.open(bench.project.folder)
    meadow, water, _ = other.schema.classes
    other.rename_class(meadow.id, "Grass")
    other.delete_class(water.id)
    other.add_point(4, 2, meadow.id)
    bench.labels.draw("x", 5)
    assert bench.project.schema.names == ["Grass", "Tile roof"]
    assert bench.project.labels().counts.tolist() == [5, 5]
    assert (4, 2) in bench.project.points


def test_classes_without_reference_get_none(bench: Bench) -> None:
    water = bench.project.schema.classes[1]
    bench.project.delete_class(water.id)
    bench.project.add_class("Mine")
    bench.labels.draw("x", 5, seed=3)
    assert bench.project.labels().counts.tolist() == [5, 5, 0]
    assert bench.flat < bench.benchmark(5, 3)


def test_what_cannot_be_drawn_is_refused(bench: Bench, tmp_path: Path) -> None:
    assert bench.labels.can_draw("x")
    for shots, seed in ((0, 0), (1001, 0), (5, -1), (5, 2**32)):
        with pytest.raises(BadRequest, match="give a"):
            bench.labels.draw("x", shots, seed)
    bare = Bench(tmp_path / "bare", small_scene())
    assert not bare.labels.can_draw("x")
    with pytest.raises(BadRequest, match="click pixels, or open the scene with a reference"):
        bare.labels.draw("x", 5)
    assert not bench.project.points
    assert not bench.changed
