"""Two planes a sample, one binary label: the same network, scored with ACC, AUC, SE, SP."""

from __future__ import annotations

import json

import numpy as np
import pytest

from hsi_studio.engine.evaluation.collection_accuracy import detection
from hsi_studio.errors import BadRequest, TooFewLabels
from hsi_studio.methods.contract import Context, State
from hsi_studio.methods.diffclip.method import DiffClip
from hsi_studio.methods.diffclip.multi_image import fit_pairs, pairs_from_state
from hsi_studio.methods.diffclip.params import DiffClipParams
from hsi_studio.types import PromptSet
from tests.features.scenes import schema

PARAMS = DiffClipParams.model_validate(
    {**DiffClip.test_params, "patch": 5, "min_steps": 150, "pretrain_epochs": 5, "mixing": 0.0}
)


def knees(n: int = 120, seed: int = 0) -> tuple[list[np.ndarray], np.ndarray]:  # type: ignore[type-arg]
    """Two noisy planes; a positive sample has a bright spot in the lower left of one and the centre of the other."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, n)
    planes = [rng.normal(0, 0.3, (n, 30, 34)).astype(np.float32) for _ in range(2)]
    planes[0][label == 1, 20:26, 4:10] += 1.0
    planes[1][label == 1, 12:18, 14:20] += 1.0
    return planes, label


@pytest.mark.slow
def test_a_finding_is_learned_from_few_labelled_samples() -> None:
    planes, truth = knees()
    label = np.where(np.arange(truth.size) < 60, truth, -1)
    prompts = PromptSet({"id0": ("a knee without a tear.",), "id1": ("a knee with a torn ligament.",)})
    fitted = fit_pairs(planes, label, schema(2), prompts, PARAMS, Context())
    test = [plane[60:] for plane in planes]
    p = fitted.predict(test)
    assert np.allclose(p.sum(axis=1), 1, atol=1e-5)
    assert np.array_equal(p, fitted.predict(test))
    found = detection(p[:, 1], p[:, 1] > 0.5, truth[60:] == 1)
    assert found.auc > 0.9
    assert found.sensitivity > 0.7
    assert found.specificity > 0.7
    again = pairs_from_state(State(fitted.state().arrays, json.loads(json.dumps(fitted.state().header))), Context())
    assert np.array_equal(again.predict(test), p)


def test_samples_without_a_plane_or_without_a_class_are_refused() -> None:
    planes, truth = knees(12)
    with pytest.raises(BadRequest, match="every plane"):
        fit_pairs([planes[0], planes[1][:5]], truth, schema(2), PromptSet(), PARAMS, Context())
    with pytest.raises(TooFewLabels, match="class 1"):
        fit_pairs(planes, np.zeros(12, dtype=np.int64), schema(2), PromptSet(), PARAMS, Context())
