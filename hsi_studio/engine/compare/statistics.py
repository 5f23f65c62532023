"""Statistics of paired comparisons over seeds: intervals, how many seeds would be needed, which classes really differ.

Notation: d (n,) paired differences of n seeds (the same draw, another arm), mean d̄, standard deviation s (n − 1).

Interval of d̄: `engine/evaluation/draw_intervals.py`.

Power: the two-sided paired t test at 5 % finds a true difference δ with probability 1 − F(t | n−1, δ√n/s), F the
non-central t distribution; `seeds_needed` is the smallest n with 80 %. Assumes that s is the same for more seeds, that
differences are nearly normal, and, in `seeds_needed(d)`, that the difference is as large as it looks.

Classes: with K classes some differ by chance, so a class is named only when its paired t test stands under the
false-discovery rate of 5 % over all classes (Benjamini & Hochberg 1995, doi:10.1111/j.2517-6161.1995.tb02031.x).

What all this speaks of: other draws of labelled pixels on the same scene. Test pixels of different seeds overlap, so no
number of seeds says anything about other scenes.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hsi_studio.engine.compare.results import Disagreement, Gap, Spread
from hsi_studio.engine.evaluation.draw_intervals import LEAST_INTERVAL, LEVEL, interval
from hsi_studio.engine.evaluation.metrics import mcnemar, spatial_blocks
from hsi_studio.types import IntArray

POWER = 0.8
MOST_SEEDS = 1000  # beyond: "more than 1,000"
THINNINGS = 101
DIGITS = 4  # figures are percent points

Floats = npt.NDArray[np.float64]


def spread(values: Sequence[float | None]) -> Spread | None:
    """Mean and standard deviation of the seeds that have the figure; None when none has."""
    known = [float(value) for value in values if value is not None]
    if not known:
        return None
    deviation = float(np.std(known, ddof=1)) if len(known) > 1 else 0.0
    return Spread(mean=_round(np.mean(known)), std=_round(deviation), values=tuple(_round(v) for v in known))


def gap(first: Sequence[float | None], second: Sequence[float | None]) -> Gap | None:
    """second − first, seed by seed; seeds that lack one of the two are left out. None when no seed has both."""
    pairs = [(a, b) for a, b in zip(first, second, strict=True) if a is not None and b is not None]
    if not pairs:
        return None
    d = np.array([b - a for a, b in pairs], dtype=np.float64)
    n = d.size
    deviation = float(d.std(ddof=1)) if n > 1 else 0.0
    low, high = interval(d)
    return Gap(
        value=_round(d.mean()),
        low=None if low is None else _round(low),
        high=None if high is None else _round(high),
        std=_round(deviation),
        n=n,
        values=tuple(_round(v) for v in d),
        p=paired_p(d),
        needed=seeds_needed(float(d.mean()), deviation) if n > 1 else None,
        visible=visible_difference(n, deviation),
    )


def paired_p(d: Floats) -> float | None:
    """Two-sided paired t test that the mean difference is 0; None with fewer seeds than an interval needs: what cannot
    be told from chance overall is not told of a class either. Differences without any spread, as a class of one test
    pixel has, are no sign of a small error: there it is the sign test's p, 2 / 2ⁿ."""
    from scipy.stats import t

    n = d.size
    if n < LEAST_INTERVAL:
        return None
    error = float(d.std(ddof=1)) / math.sqrt(n)
    if error < 1e-9 * abs(float(d.mean())) or error == 0:
        return 1.0 if d.mean() == 0 else 2.0 ** (1 - n)
    return float(2 * t.sf(abs(float(d.mean())) / error, n - 1))


def power_of(n: int, difference: float, deviation: float) -> float:
    """Probability that the paired t test on n seeds finds a true difference.

    Integrated over the standard deviation's own distribution (a mean over 1,000 quantiles of χ²): scipy's non-central t
    returns NaN for large n.
    """
    from scipy.special import ndtr

    shift, limits = abs(difference) * math.sqrt(n) / deviation, _limits(n)
    return float(np.mean(ndtr(shift - limits) + ndtr(-limits - shift)))


@functools.cache
def _limits(n: int) -> Floats:
    """(1000,) what a mean of unit variance must exceed, for quantiles of the standard deviation found on n seeds."""
    from scipy.stats import chi2, t

    found = np.sqrt(chi2.ppf((np.arange(1000) + 0.5) / 1000, n - 1) / (n - 1))
    limits: Floats = float(t.ppf(1 - LEVEL / 2, n - 1)) * found
    return limits


@functools.cache
def visible_effect(n: int) -> float:
    """The true difference, in standard deviations, that n seeds show in 80 of 100 comparisons."""
    low, high = 0.0, 100.0
    while high - low > 1e-6 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if power_of(n, middle, 1.0) >= POWER else (middle, high)
    return high


def seeds_needed(difference: float, deviation: float) -> int | None:
    """The fewest seeds that show a true difference in 80 of 100 comparisons; None above `MOST_SEEDS`."""
    if deviation <= 0:
        return 2 if difference else None
    effect = abs(difference) / deviation
    if visible_effect(MOST_SEEDS) > effect:
        return None
    low, high = 2, MOST_SEEDS
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if visible_effect(middle) <= effect else (middle + 1, high)
    return low


def visible_difference(n: int, deviation: float) -> float | None:
    """`visible_effect` in the unit of `deviation`; None for one seed."""
    return None if n < 2 else _round(visible_effect(n) * deviation)


def discoveries(p: Sequence[float | None]) -> list[bool]:
    """Benjamini & Hochberg's step-up procedure at 5 %; None never counts, and is not one of the tests."""
    known = sorted(value for value in p if value is not None)
    limit = -1.0
    for rank, value in enumerate(known, start=1):
        if value <= LEVEL * rank / len(known):
            limit = value
    return [value is not None and value <= limit for value in p]


def pooled(said: npt.NDArray[Any], tests: npt.NDArray[np.bool_], n_classes: int) -> IntArray:
    """(N,) the class that most seeds give each pixel, of (n, N) class indices (−1 = none); only seeds in which the
    pixel tests have a vote. A tie goes to the lower index.
    """
    votes = np.zeros((n_classes + 1, said.shape[1]), dtype=np.int32)
    every = np.arange(said.shape[1])
    for answer, testing in zip(said, tests, strict=True):  # seeds, not pixels
        votes[answer, every] += testing  # −1 counts in the last row
    most = votes.argmax(axis=0)
    return np.where(most == n_classes, -1, most)


def disagreement(
    reference: IntArray, first: IntArray, second: IntArray, row: IntArray, col: IntArray
) -> Disagreement | None:
    """McNemar on two pooled maps at N test pixels: all of them, and one a block of 10 × 10. None without pixels.

    Neighbouring pixels fail together: `p` takes them for independent and is far too small. `p_blocks` draws one pixel a
    block, 101 times, and doubles the median p, which is a valid p whatever the dependence between the draws
    (Meinshausen, Meier & Bühlmann 2009, doi:10.1198/jasa.2009.tm08647).
    """
    if not reference.size:
        return None
    right_first, right_second = first == reference, second == reference
    block, n_blocks = spatial_blocks(row, col)
    rng, found = np.random.default_rng(0), []
    for _ in range(THINNINGS):
        order = rng.permutation(block.size)
        chosen = order[np.unique(block[order], return_index=True)[1]]  # the first of every block in a random order
        found.append(mcnemar(right_first[chosen], right_second[chosen]))
    return Disagreement(
        n=int(reference.size),
        only_first=int(np.count_nonzero(right_first & ~right_second)),
        only_second=int(np.count_nonzero(~right_first & right_second)),
        p=mcnemar(right_first, right_second),
        blocks=n_blocks,
        p_blocks=min(1.0, 2 * float(np.median(found))),
    )


def _round(value: Any) -> float:
    return round(float(value), DIGITS) + 0.0  # no −0.0
