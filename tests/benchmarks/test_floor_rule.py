"""The floor rule's table, and the battery behind it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import floor_rule
from benchmarks.floor_rule import Prepared, main, read_lines, summary, t_interval
from benchmarks.public_scenes import SIMULATED, public_names, public_scene
from benchmarks.scenes import BATTERY
from hsi_studio.errors import FileProblem
from hsi_studio.methods.live.params import LiveParams
from hsi_studio.scene.physics.materials import MATERIALS
from tests.features.scenes import fields, scene_from


def test_the_interval_is_students() -> None:
    """Three differences 1, 2, 3: mean 2, sd 1, t(0.975, 2) = 4.303, so 2 ± 2.484."""
    assert t_interval(np.array([1.0, 2.0, 3.0])) == pytest.approx((2 - 2.4841, 2 + 2.4841), abs=1e-3)


def test_the_difference_is_paired_and_the_best_floor_by_its_mean() -> None:
    figures = {"live": (60.0, 70.0), "svm": (61.0, 62.0), "lda": (50.0, 75.0)}
    lines = [
        {"scene": "samson", "shots": 5, "seed": seed, "method": m, "oa": oa[seed], "buffered": None, "ece": 3.0}
        for m, oa in figures.items()
        for seed in (0, 1)
    ]
    (row,) = summary(lines)
    assert (row["best floor"], row["floor OA"], row["n"]) == ("lda", 62.5, 2)
    assert row["live − floor"] == pytest.approx((10.0 - 5.0) / 2)


def test_shots_of_one_place_lie_together_and_are_no_test_pixels() -> None:
    cube, truth = fields(40, 48)
    scene = replace(scene_from(cube), reference=(truth + 1).astype(np.int32))
    held = Prepared(scene, LiveParams(), one_place=True)
    train, test, _ = held.draw(3, 0)
    assert not np.intersect1d(train, test).size
    assert np.bincount(held.reference.ravel()[train])[1:].tolist() == [3] * held.values.size
    for value in held.values:
        row, col = np.divmod(train[held.reference.ravel()[train] == value], 48)
        assert max(np.ptp(row), np.ptp(col)) <= 2 * np.sqrt(2 * 25)
    assert (held.draw(3, 1)[0] != train).any()


def test_a_run_goes_on_where_it_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cube, truth = fields(20, 24)
    scene = replace(scene_from(cube), reference=(truth + 1).astype(np.int32))
    held = Prepared(scene, LiveParams())
    train, test, far = held.draw(2, 0)
    assert not np.intersect1d(train, test).size
    assert far.size == test.size > far.sum()
    line = held.line("svm", 2, 0)
    assert 0 <= line["oa"] <= 100
    file = tmp_path / "out.jsonl"
    file.write_text(json.dumps({"scene": "demo", **line}) + "\n")
    asked = []
    monkeypatch.setattr(floor_rule, "open_for_sweep", lambda name, data: asked.append(name))
    assert main(["run", str(file), "--scenes", "demo", "--methods", "svm", "--shots", "2", "--draws", "1"]) == 0
    assert asked == []
    assert len(read_lines(file)) == 1


def test_every_scene_of_the_battery_has_a_role_and_can_be_made() -> None:
    assert {role for role, _ in BATTERY.values()} == {"development", "check"}
    assert set(public_names()) < set(BATTERY)
    for _, materials, _, _ in SIMULATED.values():
        assert set(materials) <= set(MATERIALS)
        assert len(set(materials)) == len(materials)


def test_missing_data_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match=r"samson\.npz"):
        public_scene("samson", tmp_path)


@pytest.mark.parametrize(("name", "counts"), [("samson", (2230, 2474, 1878)), ("salinas_a", (391, 1343, 616))])
def test_real_scenes_have_their_published_labels(shared_data: Path, name: str, counts: tuple[int, ...]) -> None:
    scene = public_scene(name, shared_data).scene
    reference = np.asarray(scene.reference)
    values = np.unique(reference[reference > 0])
    assert tuple(int((reference == v).sum()) for v in values[: len(counts)]) == counts
