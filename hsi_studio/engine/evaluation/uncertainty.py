"""How sure a model is of each pixel, and whether that can be believed.

    margin     p₁ − p₂, the first two probabilities
    entropy    −Σ p log p / log K: 0 = sure, 1 = all classes alike
    temperature T: p_k ∝ p_k^(1/T), one T for all pixels (C. Guo et al. 2017, arXiv:1706.04599, section 4.2)
    sets       classes that a split-conformal classifier cannot rule out at a confidence: in 90 of 100 exchangeable
               pixels the true class is among them, whatever the model (V. Vovk et al., Algorithmic Learning in a Random
               World, 2005; `crepes`, H. Boström 2022), with 1 − p_true as nonconformity

Temperature and sets need held-out pixels with a known class that the model has not seen. Half of their spatial blocks
fit and the other half measure: neighbours are in the same half. Pixels of one scene are alike more than exchangeable
ones would be, so the coverage that was measured is given beside the one that was asked for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hsi_studio.engine.evaluation.calibration import Calibration, calibration
from hsi_studio.engine.evaluation.metrics import spatial_blocks
from hsi_studio.errors import TooFewLabels
from hsi_studio.methods.contract import Block, Context, Fitted
from hsi_studio.types import FloatArray, Progress, Scene

SURFACES = ("confidence", "margin", "entropy", "sets")
LEAST_FOR_TEMPERATURE = 20
TILE_VALUES = 32_000_000  # probabilities in memory at once: 128 MB


@dataclass(frozen=True)
class Held:
    """Pixels with a known class that the model has not seen."""

    probability: FloatArray  # (n, K)
    label: npt.NDArray[np.int64]  # (n,) class index
    half: npt.NDArray[np.int64]  # (n,) 0 fits, 1 measures
    words: str  # which pixels


@dataclass(frozen=True)
class Reliability:
    """Before and after the temperature, both measured on the half that did not fit it."""

    temperature: float
    before: Calibration
    after: Calibration
    n_fit: int
    n_test: int
    words: str


@dataclass(frozen=True)
class Sets:
    """A fitted conformal classifier: nonconformity scores of n held-out pixels, and what it was measured to hold."""

    alphas: FloatArray
    confidence: float
    coverage: float  # measured on the other half
    mean_size: float
    words: str


def least_for_sets(confidence: float) -> int:
    """Held-out pixels below which a set can only be "every class": 9 for 90 %, 19 for 95 %."""
    return math.ceil(round(1 / (1 - confidence), 9)) - 1


def halves(row: npt.NDArray[Any], col: npt.NDArray[Any], seed: int = 0) -> npt.NDArray[np.int64]:
    """0 or 1 for each pixel, the same within a spatial block. Where blocks are too few for halves (one would hold less
    than a quarter), the two sides of the middle of the longer axis."""
    block, count = spatial_blocks(row, col)
    side = np.random.default_rng(seed).permutation(count) % 2
    found: npt.NDArray[np.int64] = side[block].astype(np.int64)
    if np.bincount(found, minlength=2).min() < row.size / 4:
        along = row if np.ptp(row) >= np.ptp(col) else col
        found = (along > np.median(along)).astype(np.int64)
    return found


def fit_temperature(probability: FloatArray, label: npt.NDArray[np.int64]) -> float:
    """The T in 0.05 … 20 with the smallest negative log likelihood of (n, K) probabilities."""
    from scipy.optimize import minimize_scalar

    log_p = np.log(np.clip(probability.astype(np.float64), 1e-12, 1.0))

    def loss(log_t: float) -> float:
        logits = log_p / math.exp(log_t)
        top = logits.max(axis=1, keepdims=True)
        norm = top[:, 0] + np.log(np.exp(logits - top).sum(axis=1))
        return float((norm - logits[np.arange(label.size), label]).mean())

    found = minimize_scalar(loss, bounds=(math.log(0.05), math.log(20)), method="bounded")
    return float(math.exp(found.x))


def warmed(probability: FloatArray, temperature: float, axis: int = -1) -> FloatArray:
    """p_k ∝ p_k^(1/T) along an axis; NaN stays."""
    log_p = np.log(np.clip(probability.astype(np.float64), 1e-12, 1.0)) / temperature
    log_p -= log_p.max(axis=axis, keepdims=True)
    power = np.exp(log_p)
    made: FloatArray = (power / power.sum(axis=axis, keepdims=True)).astype(np.float32)
    return made


def reliability(held: Held) -> Reliability:
    """Raises TooFewLabels."""
    fit, test = held.half == 0, held.half == 1
    if min(fit.sum(), test.sum()) < LEAST_FOR_TEMPERATURE:
        raise TooFewLabels(
            f"Calibration needs {LEAST_FOR_TEMPERATURE} pixels with a known class that the model has not seen in each "
            f"of two parts of the scene; there are {int(fit.sum())} and {int(test.sum())}. Label more pixels, or "
            "open a reference map."
        )
    temperature = fit_temperature(held.probability[fit], held.label[fit])
    p, label = held.probability[test], held.label[test]
    after = warmed(p, temperature)
    right = p.argmax(axis=1) == label
    return Reliability(
        temperature, calibration(p.max(axis=1), right), calibration(after.max(axis=1), right), int(fit.sum()),
        int(test.sum()), held.words,
    )  # fmt: skip


def fit_sets(held: Held, confidence: float = 0.9) -> Sets:
    """Raises TooFewLabels."""
    fit, test = held.half == 0, held.half == 1
    least = least_for_sets(confidence)
    if fit.sum() < least or test.sum() < least:
        raise TooFewLabels(
            f"Class sets at {100 * confidence:g} % need {least} pixels with a known class that the model has not seen, "
            f"and as many elsewhere to check them on; there are {int(fit.sum())} and {int(test.sum())}. With fewer "
            "every set would hold every class: label more pixels, or ask for a lower confidence."
        )
    alphas = (1 - held.probability[fit][np.arange(int(fit.sum())), held.label[fit]]).astype(np.float32)
    member = in_set(held.probability[test], alphas, confidence)
    hit = member[np.arange(int(test.sum())), held.label[test]]
    return Sets(alphas, confidence, float(hit.mean()), float(member.sum(axis=1).mean()), held.words)


def in_set(probability: FloatArray, alphas: FloatArray, confidence: float) -> npt.NDArray[np.bool_]:
    """(n, K) which classes the sets of (n, K) probabilities hold."""
    from crepes import ConformalClassifier

    judge = ConformalClassifier()
    judge.fit(alphas.astype(np.float64))
    found = judge.predict_set(1 - probability.astype(np.float64), confidence=confidence, smoothing=False)
    return np.asarray(found, dtype=np.bool_)


def surface_of(fitted: Fitted, scene: Scene, kind: str, ctx: Context, sets: Sets | None = None) -> FloatArray:
    """(H, W) of one of `SURFACES` for a fitted model; NaN where the scene has no data. `sets`: for the kind "sets".

    Raises Cancelled, ValueError for another kind.
    """
    height, width, _ = scene.shape
    rows = fitted.tile_px or max(1, TILE_VALUES // max(len(fitted.schema) * width, 1))
    cols = fitted.tile_px or width
    made = np.full((height, width), np.nan, dtype=np.float32)
    fitted.warm(ctx)
    for top in range(0, height, rows):
        ctx.check()
        ctx.progress(Progress("Asking the model about every pixel", top, height))
        for left in range(0, width, cols):
            r, c = slice(top, min(top + rows, height)), slice(left, min(left + cols, width))
            made[r, c] = values_of(fitted.predict(Block(scene, r, c)), kind, sets)
    return made


def values_of(probability: FloatArray, kind: str, sets: Sets | None = None) -> FloatArray:
    """(h, w) of (K, h, w) probabilities. Raises ValueError."""
    made: FloatArray
    if kind == "confidence":
        made = probability.max(axis=0).astype(np.float32)
        return made
    if kind == "margin":
        second, first = np.partition(probability, -2, axis=0)[-2:] if len(probability) > 1 else (0.0, probability[0])
        made = (first - second).astype(np.float32)
        return made
    if kind == "entropy":
        p = np.clip(probability, 1e-12, 1)
        made = (-(p * np.log(p)).sum(axis=0) / math.log(max(len(probability), 2))).astype(np.float32)
        return made
    if kind == "sets" and sets is not None:
        known = np.isfinite(probability).all(axis=0)
        made = np.full(known.shape, np.nan, dtype=np.float32)
        if known.any():
            made[known] = in_set(probability[:, known].T, sets.alphas, sets.confidence).sum(axis=1)
        return made
    raise ValueError(f"{kind!r} is none of {', '.join(SURFACES)}, or comes without its sets")


def probabilities_at(fitted: Fitted, scene: Scene, pixels: npt.NDArray[np.int64], ctx: Context) -> FloatArray:
    """(n, K) of flat pixels, as the map has them: from whole blocks, since `Fitted.at` may leave out smoothing."""
    row, col = np.divmod(pixels, scene.shape[1])
    height, width, _ = scene.shape
    rows = fitted.tile_px or max(1, TILE_VALUES // max(len(fitted.schema) * width, 1))
    cols = fitted.tile_px or width
    found = np.full((pixels.size, len(fitted.schema)), np.nan, dtype=np.float32)
    fitted.warm(ctx)
    for top in range(0, height, rows):
        for left in range(0, width, cols):
            inside = (row >= top) & (row < top + rows) & (col >= left) & (col < left + cols)
            if not inside.any():
                continue
            ctx.check()
            r, c = slice(top, min(top + rows, height)), slice(left, min(left + cols, width))
            probability = fitted.predict(Block(scene, r, c))
            found[inside] = probability[:, row[inside] - top, col[inside] - left].T
    return found
