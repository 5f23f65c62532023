"""Does a confidence of 0.8 mean right 8 times in 10? Expected calibration error.

Source: Guo, Pleiss, Sun & Weinberger 2017, arXiv:1706.04599, equations 2–3; equal-width bins, 15 by default.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Calibration:
    """`ece` is a fraction 0–1. The bins are those that have pixels."""

    ece: float
    confidence: npt.NDArray[np.float64]  # (bins,) mean confidence
    accuracy: npt.NDArray[np.float64]  # (bins,) share that is right
    count: npt.NDArray[np.int64]  # (bins,)


def calibration(confidence: npt.NDArray[Any], right: npt.NDArray[Any], bins: int = 15) -> Calibration:
    """From (N,) confidences 0–1 and (N,) bool, over pixels with a finite confidence. Raises ValueError for none."""
    known = np.isfinite(confidence)
    values, hit = confidence[known].astype(np.float64), right[known].astype(np.float64)
    if values.size == 0:
        raise ValueError("calibration needs at least one pixel with a confidence")
    place = np.clip(np.ceil(values * bins).astype(np.int64) - 1, 0, bins - 1)  # bin m is (m/M, (m+1)/M], as in eq. 2
    count = np.bincount(place, minlength=bins)
    some = count > 0
    mean_confidence = np.bincount(place, values, bins)[some] / count[some]
    accuracy = np.bincount(place, hit, bins)[some] / count[some]
    ece = float(np.sum(count[some] / values.size * np.abs(accuracy - mean_confidence)))
    return Calibration(ece, mean_confidence, accuracy, count[some].astype(np.int64))
