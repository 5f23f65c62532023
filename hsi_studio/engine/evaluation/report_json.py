"""An accuracy report as plain values and back, so that a run's figures are shown later as they were computed."""

from __future__ import annotations

from typing import Any

import numpy as np

from hsi_studio.engine.evaluation.map_accuracy import AccuracyReport, ClassScore, ScoreBlock
from hsi_studio.engine.evaluation.metrics import Estimate
from hsi_studio.files import json_values
from hsi_studio.types import ClassInfo


def report_to_json(report: AccuracyReport) -> dict[str, Any]:
    """Fractions 0–1, intervals as value, low, high."""
    return {
        "kind": report.kind,
        "revision": report.revision,
        "notes": list(report.notes),
        "main": _block(report.main),
        "buffered": None if report.buffered is None else _block(report.buffered),
    }


def report_from_json(value: dict[str, Any]) -> AccuracyReport:
    """Raises KeyError, TypeError or ValueError for something else than a report."""
    buffered = value.get("buffered")
    return AccuracyReport(
        str(value["kind"]),
        _read_block(value["main"]),
        None if buffered is None else _read_block(buffered),
        int(value["revision"]),
        tuple(str(note) for note in value["notes"]),
    )


def _block(block: ScoreBlock) -> dict[str, Any]:
    return {
        "title": block.title,
        "words": block.words,
        "n": block.n,
        "oa": _estimate(block.oa),
        "aa": _estimate(block.aa),
        "kappa": _estimate(block.kappa),
        "classes": [
            json_values({**vars(score), "info": vars(score.info)}) for score in block.classes
        ],
        "confusion": None if block.confusion is None else np.asarray(block.confusion).tolist(),
        "problem": block.problem,
    }  # fmt: skip


def _estimate(value: Estimate | None) -> dict[str, Any] | None:
    return None if value is None else dict(json_values(vars(value)))


def _read_block(value: dict[str, Any]) -> ScoreBlock:
    confusion = value["confusion"]
    return ScoreBlock(
        value["title"],
        value["words"],
        int(value["n"]),
        _read_estimate(value["oa"]),
        _read_estimate(value["aa"]),
        _read_estimate(value["kappa"]),
        classes=tuple(
            ClassScore(**{**score, "info": ClassInfo.from_json(score["info"])}) for score in value["classes"]
        ),
        confusion=None if confusion is None else np.array(confusion, dtype=np.int64),
        problem=value["problem"],
    )


def _read_estimate(value: dict[str, Any] | None) -> Estimate | None:
    return None if value is None else Estimate(**value)
