"""Accuracy figures from a confusion matrix, with intervals and comparisons that respect neighbourhood.

Notation: C (K, K+1) confusion matrix, C[i, j] pixels of reference class i mapped as j; the last column
counts pixels mapped as no class. n = ΣC. All figures are fractions 0–1 (κ may be negative).

    OA = Σᵢ Cᵢᵢ / n            AA = mean over classes with pixels of Cᵢᵢ / Σⱼ Cᵢⱼ
    κ  = (OA − pₑ) / (1 − pₑ),  pₑ = Σᵢ (row i · column i) / n²      (Cohen 1960, doi:10.1177/001316446002000104)

κ is 0/0 when reference and map are one and the same class everywhere: it is None (NaN in arrays) then.

Intervals: neighbouring pixels fail together, so pixels are not independent draws and a binomial interval is
far too narrow. Whole spatial blocks are drawn with replacement instead (block bootstrap; Künsch 1989,
doi:10.1214/aos/1176347265), percentile interval. Each block's confusion matrix is counted once; a draw is one
multinomial weight vector over blocks, so 500 draws are one matrix product, whatever the number of pixels.
How far errors reach together is not known beforehand: of a field taken for another crop every pixel is wrong, and
blocks of 10 pixels then hold far too little of it. So the errors choose the side themselves (`error_blocks`): of 10,
20, 40, … pixels, as long as `FEWEST_BLOCKS` are left, the one whose blocks vary most. Few blocks need wider tails:
quantiles are those of Hesterberg 2015 (doi:10.1080/00031305.2015.1089789), Φ(−√(n/(n−1)) t₍n−1₎). By simulation
(`tests/engine/evaluation/test_coverage.py`; 200 maps of 100 × 100 each) the interval holds the truth in 98, 94, 92 and
82 of 100 maps whose errors are single pixels or patches of 10, 20 and 33 pixels (blocks of always 10 pixels: 96, 84, 64
and 39): of a scene with a dozen such patches nobody can say more.
What differs: when a map has no error (or no success) the percentile interval has no width; then it is
widened to Wilson's interval (1927, doi:10.1080/01621459.1927.10502953) for as many draws as there are blocks.

McNemar (1947, doi:10.1007/BF02295996) is always exact (binomial). It treats pixels as independent and is
meant for few, separate samples; for whole maps use `paired_difference`, which draws blocks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

MAX_BLOCKS = 1024
FEWEST_BLOCKS = 6  # that a larger side must leave
MIN_BLOCKS = 4  # fewer separate areas say nothing about spread


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval. `low` and `high` are None when there are too few separate areas for one."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Scores:
    """Figures of one confusion matrix, as fractions. Per-class entries are None where a class has no pixels."""

    n: int
    oa: float
    aa: float
    kappa: float | None
    recall: tuple[float | None, ...]  # (K,) producer's accuracy
    precision: tuple[float | None, ...]  # (K,) user's accuracy; None for a class that is never mapped
    f1: tuple[float | None, ...]  # (K,)


def confusion(reference: npt.NDArray[Any], mapped: npt.NDArray[Any], n_classes: int) -> Counts:
    """(K, K+1) counts. Both (N,) class indices 0 … K−1; `mapped` may be −1 = no class (the last column)."""
    column = np.where(mapped < 0, n_classes, mapped).astype(np.int64)
    flat = np.bincount(reference.astype(np.int64) * (n_classes + 1) + column, minlength=n_classes * (n_classes + 1))
    return flat.reshape(n_classes, n_classes + 1).astype(np.int64)


def figures(matrices: npt.NDArray[Any]) -> tuple[Floats, Floats, Floats]:
    """(OA, AA, κ), each (S,), of S confusion matrices (S, K, K+1). NaN where a figure is 0/0."""
    counts = matrices.astype(np.float64)
    rows, columns = counts.sum(axis=2), counts.sum(axis=1)[:, :-1]  # (S, K)
    hits = np.diagonal(counts, axis1=1, axis2=2)  # (S, K)
    n = rows.sum(axis=1)  # (S,)
    with np.errstate(invalid="ignore", divide="ignore"):
        oa = hits.sum(axis=1) / n
        recall = hits / rows  # NaN for classes without pixels
        present = rows > 0
        aa = np.where(present, recall, 0.0).sum(axis=1) / present.sum(axis=1)
        chance = (rows * columns).sum(axis=1) / n**2
        kappa = np.where(chance < 1 - 1e-12, (oa - chance) / (1 - chance), np.nan)
    return oa, aa, kappa


def scores(matrix: Counts) -> Scores:
    """All figures of one (K, K+1) confusion matrix with at least one pixel. Raises ValueError for an empty one."""
    n = int(matrix.sum())
    if n == 0:
        raise ValueError("a confusion matrix without pixels has no accuracy")
    oa, aa, kappa = (float(values[0]) for values in figures(matrix[None]))
    hits = np.diagonal(matrix)
    rows, columns = matrix.sum(axis=1), matrix.sum(axis=0)[:-1]
    return Scores(
        n=n,
        oa=oa,
        aa=aa,
        kappa=None if math.isnan(kappa) else kappa,
        recall=_ratios(hits, rows),
        precision=_ratios(hits, columns),
        f1=tuple(
            2 * int(h) / int(r + c) if r else None for h, r, c in zip(hits, rows, columns, strict=True)
        ),
    )  # fmt: skip


def _ratios(top: Counts, bottom: Counts) -> tuple[float | None, ...]:
    return tuple(int(t) / int(b) if b else None for t, b in zip(top, bottom, strict=True))


def wilson(hits: float, n: float, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's 95 % interval of a proportion of independent trials (n > 0)."""
    p = hits / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def spatial_blocks(row: npt.NDArray[Any], col: npt.NDArray[Any], side_px: int = 10) -> tuple[Counts, int]:
    """((N,) block number of each pixel, number of blocks that have any). The side is doubled until ≤ 1,024 blocks."""
    if row.size == 0:
        return np.zeros(0, dtype=np.int64), 0
    while True:
        across = int(col.max()) // side_px + 1
        key = (row // side_px).astype(np.int64) * across + col // side_px
        seen = np.bincount(key) > 0
        if np.count_nonzero(seen) <= MAX_BLOCKS:
            return (np.cumsum(seen) - 1)[key], int(np.count_nonzero(seen))
        side_px *= 2


def error_blocks(row: npt.NDArray[Any], col: npt.NDArray[Any], error: npt.NDArray[Any]) -> tuple[Counts, int]:
    """`spatial_blocks` of the side at which blocks of `error` (N,) vary most.

    `error`: wrong or right of each pixel, or the difference of two maps in that.
    """
    best: tuple[Counts, int] | None = None
    widest, side_px, mean = -1.0, 10, float(np.mean(error)) if error.size else 0.0
    while True:
        block, count = spatial_blocks(row, col, side_px)
        if best is not None and count < FEWEST_BLOCKS:
            return best
        if count < 2:
            return block, count
        left = np.bincount(block, weights=error - mean, minlength=count)
        width = float((left**2).sum()) * count / (count - 1)
        if width > widest:
            widest, best = width, (block, count)
        assert best is not None
        if count < FEWEST_BLOCKS:
            return best
        side_px *= 2


def tail(blocks: int) -> float:
    """The quantile that stands in place of 2.5 % with so many blocks."""
    from scipy.stats import norm, t

    if blocks < 2:
        return 0.0
    return float(norm.cdf(-math.sqrt(blocks / (blocks - 1)) * t.ppf(0.975, blocks - 1)))


def block_confusions(
    reference: npt.NDArray[Any], mapped: npt.NDArray[Any], block: Counts, n_blocks: int, n_classes: int
) -> Counts:
    """(n_blocks, K, K+1): a confusion matrix a block."""
    cells = n_classes * (n_classes + 1)
    column = np.where(mapped < 0, n_classes, mapped).astype(np.int64)
    key = block * cells + reference.astype(np.int64) * (n_classes + 1) + column
    return np.bincount(key, minlength=n_blocks * cells).reshape(n_blocks, n_classes, n_classes + 1).astype(np.int64)


def _draws(per_block: Counts, rng: np.random.Generator, draws: int) -> Floats:
    """(draws, n_blocks) how often each block is drawn."""
    n_blocks = per_block.shape[0]
    return rng.multinomial(n_blocks, np.full(n_blocks, 1 / n_blocks), size=draws).astype(np.float64)


def _resampled(per_block: Counts, weights: Floats) -> Floats:
    """(draws, K, K+1) confusion matrices of the drawn blocks."""
    n_blocks, n_classes, columns = per_block.shape
    return (weights @ per_block.reshape(n_blocks, -1).astype(np.float64)).reshape(-1, n_classes, columns)


def resample(per_block: Counts, rng: np.random.Generator, draws: int = 500) -> Floats | None:
    """(draws, K, K+1) confusion matrices of blocks drawn with replacement; None with fewer than `MIN_BLOCKS` blocks."""
    if per_block.shape[0] < MIN_BLOCKS:
        return None
    return _resampled(per_block, _draws(per_block, rng, draws))


def interval(
    per_block: Counts, rng: np.random.Generator, draws: int = 500, drawn: Floats | None = None
) -> tuple[Estimate, Estimate, Estimate | None]:
    """(OA, AA, κ) with 95 % intervals from (n_blocks, K, K+1) confusion matrices with at least one pixel.

    `drawn`: what `resample` gave, where it is there already. κ is None where it is not defined. Without `MIN_BLOCKS`
    blocks there are values but no intervals.
    """
    total = per_block.sum(axis=0)
    found = scores(total)
    n_blocks = per_block.shape[0]
    values = (found.oa, found.aa, found.kappa)
    if drawn is None:
        drawn = resample(per_block, rng, draws)
    if drawn is None:
        oa, aa, kappa = (None if value is None else Estimate(value) for value in values)
    else:
        oa, aa, kappa = (
            None if value is None else with_interval(value, sample, n_blocks)
            for value, sample in zip(values, figures(drawn), strict=True)
        )
    assert oa is not None
    assert aa is not None
    return oa, aa, kappa


def with_interval(value: float, sample: Floats, n_blocks: int) -> Estimate:
    """The percentile interval of resampled values (NaN = not defined there); Wilson's where it has no width."""
    sample = sample[np.isfinite(sample)]
    if sample.size == 0:
        return Estimate(value)
    lowest = tail(n_blocks)
    low, high = (float(q) for q in np.quantile(sample, (lowest, 1 - lowest)))
    if high - low < 1e-9:
        bottom, top = wilson(max(value, 0.0) * n_blocks, n_blocks)
        low, high = min(bottom, value), max(top, value)
    return Estimate(value, min(low, value), max(high, value))


def mcnemar(first_right: npt.NDArray[np.bool_], second_right: npt.NDArray[np.bool_]) -> float:
    """Exact two-sided p that two maps err equally often, on the same N independent samples."""
    b = int(np.count_nonzero(first_right & ~second_right))
    c = int(np.count_nonzero(~first_right & second_right))
    if b + c == 0:
        return 1.0
    from scipy.stats import binom

    return min(1.0, 2.0 * float(binom.cdf(min(b, c), b + c, 0.5)))


def paired_difference(
    first: Counts, second: Counts, rng: np.random.Generator, draws: int = 500
) -> tuple[Estimate, Estimate, Estimate | None]:
    """second − first in (OA, AA, κ) with 95 % intervals: the same blocks are drawn for both maps.

    Both (n_blocks, K, K+1) over the same blocks and pixels. κ is None where one of the two is not defined.
    """
    weights = _draws(first, rng, draws)
    values = [
        b[0] - a[0]
        for a, b in zip(figures(first.sum(axis=0)[None]), figures(second.sum(axis=0)[None]), strict=True)
    ]  # fmt: skip
    samples = [
        b - a
        for a, b in zip(figures(_resampled(first, weights)), figures(_resampled(second, weights)), strict=True)
    ]  # fmt: skip
    found: list[Estimate | None] = []
    for value, sample in zip(values, samples, strict=True):
        finite = sample[np.isfinite(sample)]
        if not math.isfinite(value):
            found.append(None)
        elif first.shape[0] < MIN_BLOCKS or not finite.size:
            found.append(Estimate(float(value)))
        else:
            lowest = tail(first.shape[0])
            low, high = np.quantile(finite, (lowest, 1 - lowest))
            found.append(Estimate(float(value), float(low), float(high)))
    oa, aa, kappa = found
    assert oa is not None
    assert aa is not None
    return oa, aa, kappa
