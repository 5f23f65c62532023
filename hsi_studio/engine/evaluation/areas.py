"""Areas of classes and accuracy of a map, with standard errors, from a stratified random sample.

Counting a map's pixels says how much of a class was mapped, not how much there is: commission and omission do not
cancel. A random sample with known classes gives both, and how sure they are.

Sources: S. V. Stehman, "Estimating area and map accuracy for stratified random sampling when the strata are different
from the map classes", IJRS 35, 2014, doi:10.1080/01431161.2014.930207 (equations in brackets); with strata = map
classes it is P. Olofsson et al., "Good practices for estimating area and assessing accuracy of land change",
RSE 148, 2014, doi:10.1016/j.rse.2014.02.015 (its equations 1–11).

Notation: strata h of N_h pixels, N = ΣN_h; sample units u, n_h in stratum h. y_u, x_u are indicators of a unit.

    mean     Ȳ = Σ N_h ȳ_h / N (3)              V(Ȳ) = Σ N_h² (1 − n_h/N_h) s²_yh / n_h / N² (25)
    ratio    R = Σ N_h ȳ_h / Σ N_h x̄_h (27)     V(R) = Σ N_h² (1 − n_h/N_h) s²_h / n_h / X̂² (28)
                                                with s²_h = s²_yh + R² s²_xh − 2 R s_xyh

    area of k   y = 1 where the reference is k          OA      y = 1 where map = reference
    user's k    y = map and reference k, x = map k      producer's k   x = reference k

What differs from Olofsson et al.: their 95 % interval, value ± 1.96 SE, goes below 0 for rare classes. Used is Wilson's
(1927, doi:10.1080/01621459.1927.10502953) for n = p (1 − p) / SE² independent units, the number that would have this SE
(the "modified Wilson" interval of survey statistics): it stays between 0 and the whole, and is theirs where n is large.
It does not hold the truth more often: of a class on 1.3 % of a map, a third of it in other strata, both hold it in 82
of 100 samples of 400, because most samples meet none of it there. (28) is used for the SE of a producer's accuracy, and
agrees with its equation 7 to four digits in its example. Its equations leave out the finite population factor
(1 − n_h/N_h); small maps need it. A stratum with one unit has no variance: that is said (`thin`), and its variance is
taken as 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hsi_studio.engine.evaluation.metrics import Floats, wilson


@dataclass(frozen=True)
class Measured:
    """An estimate and its standard error, in the unit of what was asked; `whole` is the most it can be."""

    value: float
    se: float
    whole: float = 1.0

    def times(self, factor: float) -> Measured:
        """The same in another unit."""
        return Measured(self.value * factor, self.se * factor, self.whole * factor)

    @property
    def low(self) -> float:
        return self._interval()[0]

    @property
    def high(self) -> float:
        return self._interval()[1]

    def to_json(self) -> dict[str, float]:
        """With the ends of its 95 % interval."""
        return {"value": self.value, "se": self.se, "low": self.low, "high": self.high}

    def _interval(self) -> tuple[float, float]:
        share, error = self.value / self.whole, self.se / self.whole
        if not 0 < share < 1 or error <= 0:
            return self.value, self.value
        n = share * (1 - share) / error**2
        low, high = wilson(share * n, n)
        return low * self.whole, high * self.whole


@dataclass(frozen=True)
class AreaEstimates:
    """Fractions. Per class (K,), in the order that was given; None where the sample has no unit of it."""

    area: tuple[Measured, ...]  # share of the map's area that is the class
    mapped: tuple[float, ...]  # share that is mapped as it (estimated, where strata are not the map's classes)
    users: tuple[Measured | None, ...]
    producers: tuple[Measured | None, ...]
    overall: Measured
    matrix: Floats  # (K map, K reference) estimated shares of area
    n: int
    thin: tuple[int, ...]  # strata with one unit, by number


def estimate_areas(
    stratum: npt.NDArray[Any],
    mapped: npt.NDArray[Any],
    reference: npt.NDArray[Any],
    sizes: npt.NDArray[Any],
    n_classes: int,
) -> AreaEstimates:
    """From a sample of n units: stratum 0 … H−1, class on the map and true class 0 … K−1 (`mapped` −1 = no class).

    `sizes` (H,): pixels of each stratum. Raises ValueError for an empty sample, or a stratum that has pixels and no
    unit: nothing is known of it then.
    """
    size = np.asarray(sizes, dtype=np.float64)
    count = np.bincount(stratum, minlength=size.size)
    if stratum.size == 0:
        raise ValueError("a sample without units says nothing")
    empty = np.flatnonzero((count == 0) & (size > 0))
    if empty.size:
        raise ValueError(f"stratum {int(empty[0])} has {int(size[empty[0]]):,} pixels and no sample unit")
    used = count > 0
    design = _Design(stratum, np.where(used, size, 0.0), np.maximum(count, 1), float(size[used].sum()))
    is_map = np.stack([mapped == k for k in range(n_classes)]).astype(np.float64)  # (K, n)
    is_true = np.stack([reference == k for k in range(n_classes)]).astype(np.float64)
    both = is_map * is_true
    matrix = np.array([[design.mean(is_map[i] * is_true[j]).value for j in range(n_classes)] for i in range(n_classes)])
    return AreaEstimates(
        area=tuple(design.mean(row) for row in is_true),
        mapped=tuple(design.mean(row).value for row in is_map),
        users=tuple(design.ratio(both[k], is_map[k]) for k in range(n_classes)),
        producers=tuple(design.ratio(both[k], is_true[k]) for k in range(n_classes)),
        overall=design.mean(both.sum(axis=0)),
        matrix=matrix,
        n=int(stratum.size),
        thin=tuple(int(h) for h in np.flatnonzero(used & (count == 1) & (size > 1))),
    )


@dataclass(frozen=True)
class _Design:
    stratum: npt.NDArray[Any]  # (n,)
    size: Floats  # (H,) N_h
    count: npt.NDArray[np.int64]  # (H,) n_h, at least 1
    total: float  # N

    def _means(self, values: Floats) -> Floats:
        return np.bincount(self.stratum, values, self.size.size) / self.count

    def _covariances(self, a: Floats, b: Floats) -> Floats:
        """(H,) sample covariances within strata; 0 where a stratum has one unit."""
        centred = (a - self._means(a)[self.stratum]) * (b - self._means(b)[self.stratum])
        return np.bincount(self.stratum, centred, self.size.size) / np.maximum(self.count - 1, 1)

    def _weights(self) -> Floats:
        """(H,) N_h² (1 − n_h/N_h) / n_h"""
        finite = np.clip(1 - self.count / np.maximum(self.size, 1), 0, None)
        weights: Floats = self.size**2 * finite / self.count
        return weights

    def mean(self, y: Floats) -> Measured:
        value = float((self.size * self._means(y)).sum() / self.total)
        variance = float((self._weights() * self._covariances(y, y)).sum()) / self.total**2
        return Measured(value, float(np.sqrt(variance)))

    def ratio(self, y: Floats, x: Floats) -> Measured | None:
        below = float((self.size * self._means(x)).sum())
        if below <= 0:
            return None
        ratio = float((self.size * self._means(y)).sum()) / below
        spread = self._covariances(y, y) + ratio**2 * self._covariances(x, x) - 2 * ratio * self._covariances(x, y)
        variance = float((self._weights() * np.clip(spread, 0, None)).sum()) / below**2
        return Measured(ratio, float(np.sqrt(variance)))
