"""An accuracy report as plain values and back, so that a run's figures are shown later as they were computed."""

from __future__ import annotations

from typing import Any

import numpy as np

from hsi_studio.engine.evaluation.map_accuracy import AccuracyReport, ClassScore, ScoreBlock
from hsi_studio.engine.evaluation.metrics import Estimate
from hsi_studio.files import json_values
from hsi_studio.types import ClassInfo

RANGES = ("recall_range", "precision_range", "f1_range")


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
        "macro_f1": _estimate(block.macro_f1),
        "weighted_f1": _estimate(block.weighted_f1),
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
        classes=tuple(_read_class(score) for score in value["classes"]),
        confusion=None if confusion is None else np.array(confusion, dtype=np.int64),
        problem=value["problem"],
        macro_f1=_read_estimate(value.get("macro_f1")),  # reports of earlier versions have none of the two
        weighted_f1=_read_estimate(value.get("weighted_f1")),
    )


def _read_class(value: dict[str, Any]) -> ClassScore:
    """Reports of earlier versions have no ranges."""
    ranges = {key: tuple(value[key]) for key in RANGES if value.get(key) is not None}
    return ClassScore(**{**value, "info": ClassInfo.from_json(value["info"]), **ranges})


def _read_estimate(value: dict[str, Any] | None) -> Estimate | None:
    return None if value is None else Estimate(**value)
