"""Maps and accuracy without a project."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hsi_studio.engine.evaluation.few_shot import evaluate
from hsi_studio.errors import BadRequest, TooFewLabels
from hsi_studio.methods import get_method
from hsi_studio.methods.contract import Context
from hsi_studio.studio.evaluation import Evaluation
from hsi_studio.studio.workspace import Workspace
from hsi_studio.types import Scene


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    rng = np.random.default_rng(0)
    cube = rng.normal(0.2, 0.05, (20, 20, 8)).astype(np.float32)
    cube[10:, :, 4:] += 0.3
    reference = np.repeat([1, 2], 200).reshape(20, 20)
    np.savez(tmp_path / "halves.npz", cube=cube, reference=reference)
    return Workspace(tmp_path / "home").open(tmp_path / "halves.npz")


@pytest.fixture
def evaluation(tmp_path: Path) -> Evaluation:
    return Evaluation(Workspace(tmp_path / "home"))


def points(folder: Path, *rows: str) -> Path:
    file = folder / "points.csv"
    file.write_text("\n".join(["row,col,class", *rows]) + "\n")
    return file


def test_a_file_of_labels_makes_a_map_and_the_reference_plays_no_part(
    evaluation: Evaluation, scene: Scene, tmp_path: Path
) -> None:
    file = points(tmp_path, "2,2,upper", "4,9,upper", "15,2,lower", "17,9,lower")
    made = evaluation.map(scene, file, "lda")
    assert (made.label[:10] == made.label[2, 2]).mean() > 0.95
    assert (made.label[10:] == made.label[15, 2]).mean() > 0.95
    names = [made.schema.classes[made.label[row, 2] - 1].name for row in (2, 15)]
    assert names == ["upper", "lower"]
    blind = evaluation.map(scene.without_reference(), file, "lda")
    np.testing.assert_array_equal(
        blind.label == blind.label[2, 2], made.label == made.label[2, 2]
    )  # the classes' order is the reference's where there is one


def test_mistakes_are_named(evaluation: Evaluation, scene: Scene, tmp_path: Path) -> None:
    file = points(tmp_path, "2,2,upper")
    with pytest.raises(TooFewLabels):
        evaluation.map(scene, file, "lda")
    with pytest.raises(BadRequest, match="magic"):
        evaluation.map(scene, file, "magic")
    with pytest.raises(BadRequest, match="no_such"):
        evaluation.map(scene, file, "lda", {"no_such": 1})
    with pytest.raises(BadRequest, match="reference"):
        evaluation.evaluate(scene.without_reference(), "lda", shots=2, seeds=1)


def test_the_figures_are_the_engines(evaluation: Evaluation, scene: Scene) -> None:
    found = evaluation.evaluate(scene, "lda", shots=3, seeds=[1, 2])
    method = get_method("lda")
    own = evaluate(scene, method, shots=3, seeds=[1, 2], params=method.Params(), ctx=Context())
    assert [(one.seed, one.scores.oa) for one in found.seeds] == [(one.seed, one.scores.oa) for one in own.seeds]
