"""A trained network's accuracy without a reference is not known: neither guessed now nor read from old files."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hsi_studio.engine.evaluation.map_accuracy import AccuracyReport, ScoreBlock, accuracy_report
from hsi_studio.engine.evaluation.metrics import Estimate
from hsi_studio.engine.evaluation.not_known import NOT_KNOWN, own_figures
from hsi_studio.engine.evaluation.report_json import report_from_json, report_to_json
from hsi_studio.engine.mapping.predict import predict_scene
from hsi_studio.engine.models.metadata import CheckpointFacts
from hsi_studio.methods import get_method
from hsi_studio.methods.contract import Context
from hsi_studio.types import PromptSet, Scene
from tests.features.scenes import draw_labels, fields, scene_from

NETWORKS = ("curated", "diffclip", "s3fn")
OLD = report_to_json(
    AccuracyReport("leave_one_out", ScoreBlock("Leave-one-out", "on 60", 60, Estimate(0.79, 0.7, 0.9)), None, 3)
)


def the_scene() -> tuple[Scene, Any]:
    cube, truth = fields(height=14, width=15, bands=8, classes=3)
    return scene_from(cube, name="untrained"), truth


def test_an_untrained_network_has_no_accuracy() -> None:
    """Fields that any kernel tells apart, a network that has learned nothing: earlier it read as well as a good one."""
    scene, truth = the_scene()
    labels = draw_labels(truth, scene.valid, shots=5)
    method = get_method("curated")
    values = {**method.test_params, "epochs": 1, "learning_rate": 1e-12, "average": 0.0, "closed_form": "off"}
    params = method.Params.model_validate(values)
    fitted = method.fit(scene, labels, PromptSet(), params, Context(seed=1))
    assert fitted.leave_one_out() is None
    prediction = predict_scene(fitted, scene, "curated", {}, labels.revision, Context())
    report = accuracy_report(prediction, labels, scene, loo=fitted.leave_one_out())
    assert report.main.oa is None
    assert report.main.problem == NOT_KNOWN
    known = replace(scene, reference=(truth + 1).astype(np.int32), reference_names={1: "A", 2: "B", 3: "C"})
    named = replace(labels, schema=type(labels.schema)(tuple(
        replace(info, reference_value=k + 1) for k, info in enumerate(labels.schema.classes)
    )))  # fmt: skip
    true = accuracy_report(replace(prediction, schema=named.schema), named, known).main.oa
    assert true is not None
    assert true.value < 0.75  # with a reference it shows what it is


@pytest.mark.parametrize("method", NETWORKS)
def test_old_reports_of_networks_lose_figures_that_were_another_models(method: str) -> None:
    read = report_from_json(own_figures(method, OLD))
    assert read.main.oa is None
    assert read.main.problem == NOT_KNOWN
    facts = {"method": method, "classes": [], "scene": {"id": "s", "bands": 3}}
    told = {"oa": 0.79, "kind": "leave_one_out", "on": "leave-one-out on 60"}
    assert CheckpointFacts.model_validate({**facts, "accuracy": told}).accuracy is None
    kept = CheckpointFacts.model_validate({**facts, "accuracy": {**told, "kind": "reference"}})
    assert kept.accuracy is not None


def test_old_reports_of_methods_that_can_tell_stay() -> None:
    assert own_figures("svm", OLD) == OLD
    measured = {**OLD, "kind": "reference"}
    assert own_figures("curated", measured) == measured
