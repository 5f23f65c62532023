"""How many random pixels of a map must be looked at, and which.

Sources: W. G. Cochran, Sampling Techniques, 1977, eq. 5.25, as Olofsson et al. 2014 (doi:10.1016/j.rse.2014.02.015)
give it in their equation 13; allocation after their section 5.1.2: the same least number in every stratum, the rest in
proportion to area, which serves both the accuracy of rare classes and the areas of common ones.

    n = (Σ W_i S_i)² / (S(Ô)² + Σ W_i S_i² / N)        S_i = √(U_i (1 − U_i))

W_i share of the map in stratum i, U_i its user's accuracy as it is guessed, S(Ô) the standard error wanted for OA.
The strata are the map's classes, so the sample is of one map; another map of the same scene is judged with the same
sample through `areas.py` (strata that differ from the map's classes).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hsi_studio.errors import BadRequest

GUESS = 0.8  # user's accuracy where nothing is known
LEAST, MOST = 0.55, 0.98  # guesses outside would ask for too many or far too few
LEAST_A_CLASS = 10


@dataclass(frozen=True)
class Design:
    """`count` (H,) sample pixels a stratum, at most its size; `expected_se` of OA with them, if the guesses hold."""

    count: npt.NDArray[np.int64]
    expected_se: float

    @property
    def total(self) -> int:
        return int(self.count.sum())


def sample_size(sizes: Sequence[int], users: Sequence[float], target_se: float) -> int:
    """Cochran's n for strata of `sizes` pixels with user's accuracies `users`. Raises BadRequest."""
    if not 0 < target_se < 0.5:
        raise BadRequest(f"A standard error of {target_se:g} cannot be aimed at: give one such as 0.02 (2 points).")
    size = np.asarray(sizes, dtype=np.float64)
    weight, spread = size / size.sum(), np.sqrt(np.asarray(users) * (1 - np.asarray(users)))
    n = (weight * spread).sum() ** 2 / (target_se**2 + (weight * spread**2).sum() / size.sum())
    return int(np.ceil(n))


def plan_sample(
    sizes: Sequence[int], users: Sequence[float | None], target_se: float, least: int = LEAST_A_CLASS
) -> Design:
    """`users`: user's accuracies as far as they are known. Strata of 0 pixels get none. Raises BadRequest."""
    size = np.asarray(sizes, dtype=np.int64)
    if size.sum() == 0:
        raise BadRequest("The map has no mapped pixel to draw a sample from.")
    guess = np.array([GUESS if value is None else min(max(value, LEAST), MOST) for value in users])
    n = sample_size(size.tolist(), guess.tolist(), target_se)
    count = np.minimum(size, least)
    rest = max(n - int(count.sum()), 0)
    while rest > 0 and (room := size - count).sum() > 0:  # strata that are full hand their part on
        open_size = np.where(room > 0, size, 0)
        share = np.minimum(room, np.maximum(np.floor(rest * open_size / open_size.sum()), 0).astype(np.int64))
        if share.sum() == 0:
            largest = np.argsort(-open_size)[: min(rest, int((room > 0).sum()))]
            share[largest] = np.minimum(room[largest], 1)
        count, rest = count + share, rest - int(share.sum())
    return Design(count, expected_se(size, guess, count))


def expected_se(size: npt.NDArray[Any], guess: npt.NDArray[Any], count: npt.NDArray[np.int64]) -> float:
    """Of OA, by equation 5 of Olofsson et al. with the finite population factor."""
    some = count > 0
    weight = size[some] / size.sum()
    finite = 1 - count[some] / size[some]
    return float(np.sqrt((weight**2 * finite * guess[some] * (1 - guess[some]) / np.maximum(count[some] - 1, 1)).sum()))


def draw_sample(
    strata: npt.NDArray[Any], count: npt.NDArray[np.int64], seed: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """(flat pixels, stratum 0 … H−1), each (n,), in random order, from an (H, W) map with stratum + 1, 0 = outside.

    Simple random sampling without replacement within each stratum.
    """
    rng, flat = np.random.default_rng(seed), strata.ravel()
    parts = [
        rng.choice(np.flatnonzero(flat == h + 1), int(n), replace=False) for h, n in enumerate(count.tolist()) if n
    ]  # fmt: skip
    pixels = np.concatenate(parts).astype(np.int64)
    rng.shuffle(pixels)
    return pixels, flat[pixels].astype(np.int64) - 1
