"""Many steps of diffusion for the price of few: P^t F for several t by Chebyshev polynomials of P.

x^t = Σ_k c_k T_k(x) with c_k = 2 · Binomial(t, ½)((t + k) / 2) for k of t's parity (c_0 once), T_k Chebyshev's
polynomials; a random walk's coefficients beyond √(2 t ln(2/δ)) sum to less than δ (Hoeffding), and |T_k(P)| ≤ 1 for a
reversible walk, so they may be left out: 200 steps are 70 products, and the same products serve every smaller t.
Source: S. Sachdeva, N. K. Vishnoi, "Faster algorithms via approximation theory", FnT Theoretical Computer Science 9(2),
2014, doi:10.1561/0400000065, theorem 3.3. What is kept is brought to sum 1, so that a constant stays itself.

For features that are compared with each other. Where it matters that no mass passes an edge or a distance, as for the
gaps of a lattice (`methods/common/smoothing.py`), the steps are made (`spatial.diffuse`).

Notation: P (n, n) the walk of `spatial.diffusion_matrix`, F (n, C) features, t steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hsi_studio.features.spatial import diffuse
from hsi_studio.types import FloatArray

LOST = 1e-5  # δ: of a feature's size at most, in the norm of the walk's degrees
EXACT_UP_TO = 12  # steps that are cheaper made one by one


def coefficients(steps: int) -> npt.NDArray[np.float64]:
    """(degree + 1,) c_k of x^steps, summing to 1; what is left out sums to at most `LOST`."""
    from scipy.stats import binom

    degree = min(steps, int(np.ceil(np.sqrt(2.0 * steps * np.log(2.0 / LOST)))))
    k = np.arange(degree + 1)
    found = np.where((k - steps) % 2 == 0, 2.0 * binom.pmf((steps + k) // 2, steps, 0.5), 0.0)
    found[0] /= 2.0
    return np.asarray(found / found.sum())


def diffuse_far(
    matrix: Any, features: FloatArray, steps: Sequence[int], check: Callable[[float], None] = lambda _: None
) -> list[FloatArray]:
    """[P^t F for t in steps], to a share of `LOST`, for features (n, C); `steps` must increase.

    `check(fraction done)` may raise. Raises ValueError for steps that do not increase.
    """
    if list(steps) != sorted(steps):
        raise ValueError(f"steps must increase: {list(steps)}")
    near, far = [t for t in steps if t <= EXACT_UP_TO], [t for t in steps if t > EXACT_UP_TO]
    made = diffuse(matrix, features, near)
    if not far:
        return made
    series = [coefficients(t) for t in far]
    before = np.ascontiguousarray(features, dtype=np.float32)  # T_0
    now = matrix @ before  # T_1
    sums = [np.float32(c[0]) * before + np.float32(c[1]) * now for c in series]
    twice = matrix * np.float32(2.0)
    part = np.empty_like(now)
    last = max(c.size for c in series)
    for k in range(2, last):
        if k % 4 == 0:
            check(k / last)
        following = twice @ now
        following -= before
        before, now = now, following
        for total, c in zip(sums, series, strict=True):
            if k < c.size and c[k] != 0.0:
                total += np.multiply(now, np.float32(c[k]), out=part)
    return made + sums
