"""Figures per class with intervals, and their means over classes.

    producer's accuracy (recall)  Cᵢᵢ / Σⱼ Cᵢⱼ        user's accuracy (precision)  Cᵢᵢ / Σⱼ Cⱼᵢ
    F1 = 2 Cᵢᵢ / (row i + column i)
    macro F1 = mean over classes with pixels           weighted F1 = mean weighted by the classes' pixels

Intervals come from the same draws of spatial blocks as those of OA (`metrics.py`): neighbouring pixels fail together.
Single labels (leave-one-out) and pixels of a random sample are independent draws; there `counted_interval` gives
Wilson's interval as scipy computes it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hsi_studio.engine.evaluation.metrics import Counts, Estimate, Floats, scores, with_interval


@dataclass(frozen=True)
class ClassFigures:
    """Of K classes, in their order; None where a figure is not defined: no pixel, or a class that is never mapped."""

    recall: tuple[Estimate | None, ...]
    precision: tuple[Estimate | None, ...]
    f1: tuple[Estimate | None, ...]
    macro_f1: Estimate
    weighted_f1: Estimate


def counted_interval(hits: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of `hits` of `n` independent trials (n > 0)."""
    from scipy.stats import binomtest

    found = binomtest(int(hits), int(n)).proportion_ci(0.95, method="wilson")
    return float(found.low), float(found.high)


def class_figures(per_block: Counts, drawn: Floats | None) -> ClassFigures:
    """From (n_blocks, K, K+1) confusion matrices with at least one pixel and the draws of `metrics.resample`."""
    total = per_block.sum(axis=0)
    found = scores(total)
    weights = total.sum(axis=1).astype(np.float64)
    macro, weighted = _means(np.array([[np.nan if value is None else value for value in found.f1]]), weights[None])
    if drawn is None:
        return ClassFigures(
            _plain(found.recall), _plain(found.precision), _plain(found.f1), Estimate(float(macro[0])),
            Estimate(float(weighted[0])),
        )  # fmt: skip
    rows, columns, hits = _sums(drawn)
    with np.errstate(invalid="ignore", divide="ignore"):
        recall, precision = hits / rows, hits / columns
        f1 = np.where(rows > 0, 2 * hits / (rows + columns), np.nan)
    in_row, in_column = (per_block.sum(axis=2) > 0).sum(axis=0), (per_block.sum(axis=1)[:, :-1] > 0).sum(axis=0)
    macro_drawn, weighted_drawn = _means(f1, rows)
    blocks = per_block.shape[0]
    return ClassFigures(
        _ranged(found.recall, recall, in_row),
        _ranged(found.precision, precision, in_column),
        _ranged(found.f1, f1, np.maximum(in_row, in_column)),
        with_interval(float(macro[0]), macro_drawn, blocks),
        with_interval(float(weighted[0]), weighted_drawn, blocks),
    )


def independent_figures(matrix: Counts) -> ClassFigures:
    """From a (K, K+1) confusion matrix of independent pixels: Wilson's intervals; F1 has none."""
    found, hits = scores(matrix), np.diagonal(matrix)
    rows, columns = matrix.sum(axis=1), matrix.sum(axis=0)[:-1]

    def counted(values: tuple[float | None, ...], of: Counts) -> tuple[Estimate | None, ...]:
        return tuple(
            None if value is None else Estimate(value, *counted_interval(int(h), int(n)))
            for value, h, n in zip(values, hits, of, strict=True)
        )

    f1 = np.array([[np.nan if value is None else value for value in found.f1]])
    macro, weighted = _means(f1, rows[None].astype(np.float64))
    return ClassFigures(
        counted(found.recall, rows), counted(found.precision, columns), _plain(found.f1),
        Estimate(float(macro[0])), Estimate(float(weighted[0])),
    )  # fmt: skip


def _plain(values: tuple[float | None, ...]) -> tuple[Estimate | None, ...]:
    return tuple(None if value is None else Estimate(value) for value in values)


def _sums(matrices: Floats) -> tuple[Floats, Floats, Floats]:
    """(rows, columns, hits), each (S, K), of (S, K, K+1)."""
    return matrices.sum(axis=2), matrices.sum(axis=1)[:, :-1], np.diagonal(matrices, axis1=1, axis2=2)


def _means(f1: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """(macro, weighted) F1 (S,) of (S, K); NaN = a class without pixels."""
    known = np.isfinite(f1)
    value = np.where(known, f1, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return value.sum(axis=1) / known.sum(axis=1), (value * weights).sum(axis=1) / (weights * known).sum(axis=1)


def _ranged(
    values: tuple[float | None, ...], drawn: Floats, blocks: npt.NDArray[np.int64]
) -> tuple[Estimate | None, ...]:
    return tuple(
        None if value is None else with_interval(value, drawn[:, k], max(int(blocks[k]), 1))
        for k, value in enumerate(values)
    )
