"""A report on disk is the report that was computed."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from hsi_studio.engine.evaluation.map_accuracy import AccuracyReport, ClassScore, ScoreBlock
from hsi_studio.engine.evaluation.metrics import Estimate
from hsi_studio.engine.evaluation.report_json import report_from_json, report_to_json
from hsi_studio.types import ClassInfo


def a_report() -> AccuracyReport:
    """With everything that may be missing: intervals, κ, a class's precision, the second block's figures."""
    corn, wood = ClassInfo("a", "Corn", "#112233", 3), ClassInfo("b", "Süßgras 草地", "#445566")
    main = ScoreBlock(
        "Against the reference",
        "on 7 reference pixels",
        7,
        Estimate(5 / 7, 0.4, 0.9),
        Estimate(0.75),
        None,
        (ClassScore(corn, 4, 0.5, 1.0, 2 / 3), ClassScore(wood, 3, 1.0, None, None)),
        np.array([[2, 1, 1], [0, 3, 0]]),
    )
    return AccuracyReport("reference", main, ScoreBlock("Far", "", problem="Too few."), 9, ("Not counted: Water.",))


def test_it_comes_back_as_it_was_through_a_file() -> None:
    report = a_report()
    again = report_from_json(json.loads(json.dumps(report_to_json(report), allow_nan=False)))
    assert (again.kind, again.revision, again.notes, again.buffered) == (
        report.kind,
        report.revision,
        report.notes,
        report.buffered,
    )
    old, new = vars(report.main), vars(again.main)
    assert np.array_equal(new["confusion"], old["confusion"])
    assert {**new, "confusion": 0} == {**old, "confusion": 0}
    assert again.main.confusion is not None
    assert np.trace(again.main.confusion[:, :2]) / again.main.confusion.sum() == pytest.approx(5 / 7)


def test_what_could_not_be_computed_is_null_and_not_a_number() -> None:
    stored = report_to_json(a_report())
    assert stored["main"]["kappa"] is None
    assert stored["main"]["aa"] == {"value": 0.75, "low": None, "high": None}
    assert stored["main"]["classes"][1]["precision"] is None
    assert report_to_json(AccuracyReport("leave_one_out", ScoreBlock("", ""), None, 0))["buffered"] is None


def test_numbers_of_numpy_are_written_as_plain_ones() -> None:
    score = ClassScore(ClassInfo("a", "Corn", "#112233"), np.int64(4), np.float32(0.5), None, np.float64(0.25))  # type: ignore[arg-type]
    block = ScoreBlock("", "", oa=Estimate(np.float32(0.5)), classes=(score,))  # type: ignore[arg-type]
    stored = json.loads(json.dumps(report_to_json(AccuracyReport("reference", block, None, 1))))
    assert stored["main"]["classes"][0]["n"] == 4
    assert stored["main"]["oa"]["value"] == 0.5


@pytest.mark.parametrize("change", [{"main": {}}, {"main": None}, {"revision": "last"}, {"notes": 5}])
def test_something_else_than_a_report_is_an_error_of_the_promised_kinds(change: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        report_from_json({**report_to_json(a_report()), **change})
