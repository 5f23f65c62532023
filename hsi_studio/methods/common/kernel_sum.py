"""Scores of many pixels against few labels, Σ_j w_j exp(−γ ‖x − b_j‖²) α: a product and an exponential a kernel.

    −γ ‖x − b‖² + ln w = [2γ x, −γ ‖x‖², 1] · [b, 1, ln w − γ ‖b‖²]

What labels give to the product is made once a fit. The three passes over (pixels, labels) that norms and weights
would take cost more than the product itself, and a block of pixels whose values stay in the processor's cache is a
third faster than a large one.

Notation: m pixels, M labels, J kernels of C_j features, K classes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from hsi_studio.types import FloatArray

MOST_VALUES = 160_000  # of a block's kernel in memory at once
LEAST_BLOCK = 256  # pixels: a product has a price of its own


class KernelSum:
    """Kernels of weights `weights` (J,), each above 0, against `supports`, J arrays (M, C_j), with `dual` (M, K)."""

    def __init__(
        self,
        supports: Sequence[FloatArray],
        weights: npt.NDArray[np.float64],
        dual: npt.NDArray[np.floating],
        gamma: float,
    ) -> None:
        self._gamma = np.float32(gamma)
        self._dual = dual.astype(np.float32)
        self._right = [_right(b, self._gamma, float(w)) for b, w in zip(supports, weights.tolist(), strict=True)]
        # Pixels that are best asked at a time.
        self.block = max(LEAST_BLOCK, MOST_VALUES // max(self._dual.shape[0], 1))

    def of(self, features: Iterable[FloatArray]) -> FloatArray:
        """(m, K) scores of pixels with `features`, J arrays (m, C_j)."""
        total: FloatArray | None = None
        for x, right in zip(features, self._right, strict=True):
            one: FloatArray = _left(x, self._gamma) @ right
            np.exp(one, out=one)
            if total is None:
                total = one
            else:
                total += one
        assert total is not None, "no kernel"
        return np.asarray(total @ self._dual)


def _right(b: FloatArray, gamma: np.float32, weight: float) -> FloatArray:
    """(C + 2, M)"""
    out = np.ones((b.shape[1] + 2, b.shape[0]), dtype=np.float32)
    out[:-2] = b.T
    out[-1] = np.float32(np.log(weight)) - gamma * np.einsum("mc,mc->m", b, b)
    return out


def _left(x: FloatArray, gamma: np.float32) -> FloatArray:
    """(m, C + 2)"""
    out = np.ones((x.shape[0], x.shape[1] + 2), dtype=np.float32)
    np.multiply(x, 2 * gamma, out=out[:, :-2])
    out[:, -2] = -gamma * np.einsum("mc,mc->m", x, x)
    return out
