"""The closed-form classifier behind `live`: class-balanced least-squares on kernels, with exact leave-one-out.

Sources: J. A. K. Suykens, J. Vandewalle, "Least squares support vector machine classifiers", Neural
Processing Letters 9, 1999, doi:10.1023/A:1018628609742 (one-vs-rest, squared loss, kernel);
G. C. Cawley, "Leave-one-out cross-validation based model selection criteria for weighted LS-SVMs", IJCNN 2006,
doi:10.1109/IJCNN.2006.246634 (weights and leave-one-out in closed form);
C. Guo et al., "On calibration of modern neural networks", ICML 2017, arXiv 1706.04599 (temperature).
What differs: no intercept (targets are centred: 1 and −1/(K−1)); the temperature is fitted on leave-one-out
scores, with a prior, because a few labels cannot be split into a training and a calibration part.

Notation: G (N, N) kernel among labels, Λ = λ · diag(n_class / mean n_class), Q = (G + Λ)⁻¹, T (N, K) targets,
α = Q T dual weights; scores f(x) = k(x)ᵀ α;
J kernels on offer (`methods/live/views.py`), V views = weightings of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt
from scipy.linalg import lapack

from hsi_studio.types import FloatArray, IntArray

Float64Array = npt.NDArray[np.float64]

TEMPERATURES = np.geomspace(0.5, 64.0, 57)
FEW_TEMPERATURES = TEMPERATURES[::4]  # enough to compare kernels by their best loss
PRIOR_TEMPERATURE = 8.0
EVIDENCE = 0.5  # τ: how much a nat of leave-one-out loss counts
PRIOR_LABELS = 10.0  # the prior weighs as much as this many labels
RIDGES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
MOST_VALUES = 65_536  # of exponentials in memory at once: they stay in the processor's cache
RIDGE_PRIOR = 0.3  # nats at a ridge e^√2 times the usual one


@dataclass(frozen=True)
class KernelHead:
    """A solved head. `inverse` is Q; it stays because leave-one-out needs it. Of several kernels at once, as `solve`
    makes them, `dual` and `inverse` have one more axis in front."""

    dual: Float64Array  # (N, K)
    inverse: Float64Array  # (N, N)
    label: IntArray  # (N,)
    left_out: Float64Array | None = None  # (N, K) scores without each label, of a head that is more than targets

    def left_out_scores(self) -> Float64Array:
        """(N, K) score each label gets from a fit without it, T − α / diag Q (Cawley 2006, eq. 9).

        The other labels keep their weights.
        """
        if self.left_out is not None:
            return self.left_out
        own = np.diagonal(self.inverse, axis1=-2, axis2=-1)[..., None]
        return targets(self.label, self.dual.shape[-1]) - self.dual / own


def targets(label: IntArray, classes: int) -> Float64Array:
    """(N, K): 1 for the own class, −1/(K−1) for the others, so that a score of 0 favours none."""
    out = np.full((label.size, classes), -1.0 / (classes - 1))
    out[np.arange(label.size), label] = 1.0
    return out


def solve(gram: Float64Array, label: IntArray, classes: int, ridge: float | Float64Array) -> KernelHead:
    """Fit on a kernel matrix (N, N) and labels (N,); every class must have a label. Of V matrices (V, N, N), or of one
    with V ridges (V,), all V heads in one."""
    counts = np.bincount(label, minlength=classes)
    balance = counts[label] / counts.mean()  # a class with many labels trusts each of them less
    inverse = _inverses(gram + np.asarray(ridge)[..., None, None] * np.diag(balance))
    return KernelHead(inverse @ targets(label, classes), inverse, label)


def _inverses(matrices: Float64Array) -> Float64Array:
    """Of positive definite matrices (..., N, N), by Cholesky's factors: half the work of `numpy.linalg.inv`."""
    matrices = (matrices + np.swapaxes(matrices, -1, -2)) / 2  # kernels of single precision are not quite symmetric
    out = np.empty_like(matrices)
    for place in np.ndindex(matrices.shape[:-2]):
        factor, failed = lapack.dpotrf(matrices[place], lower=0)
        if not failed:
            out[place], failed = lapack.dpotri(factor, lower=0)
        if failed:  # rounding, where labels are copies of each other
            out[place] = np.linalg.inv(matrices[place])
    upper = np.triu(out)
    return np.asarray(upper + np.swapaxes(np.triu(out, 1), -1, -2))


def softmax(scores: npt.NDArray[np.floating], temperature: float) -> npt.NDArray[np.float32]:
    """Probabilities over the last axis; `temperature` multiplies the scores (larger = surer)."""
    z = np.asarray(scores, dtype=np.float32) * np.float32(temperature)
    # Columns one by one: numpy's reductions along a short last axis take four times as long.
    z -= reduce(np.maximum, np.moveaxis(z, -1, 0))[..., None]
    np.exp(z, out=z)
    z /= row_sums(z)
    return z


def row_sums(values: FloatArray) -> FloatArray:
    """(..., 1) sums over the last axis (..., K), as a product: six times as fast for few columns."""
    return np.asarray((values @ np.ones(values.shape[-1], dtype=values.dtype))[..., None])


def calibrate(head: KernelHead) -> tuple[float, float]:
    """(temperature, loss): the factor on scores that makes leave-one-out probabilities most likely, with a prior.

    `loss` is the negative log-likelihood there, prior included: smaller = the kernel explains the labels
    better. Classes with one label say nothing (left out, the class is unknown) and are not used.
    """
    losses = _losses(head, TEMPERATURES)
    best = int(np.argmin(losses))
    return float(TEMPERATURES[best]), float(losses[best])


def _losses(head: KernelHead, temperatures: Float64Array) -> Float64Array:
    """(T,) of a head, or (V, T) of several."""
    used = np.bincount(head.label, minlength=head.dual.shape[-1])[head.label] > 1
    scores, label = head.left_out_scores()[..., used, :].astype(np.float32), head.label[used]
    scores -= scores.max(axis=-1, keepdims=True)
    own = scores[..., np.arange(label.size), label].sum(axis=-1)
    prior = PRIOR_LABELS * np.log(temperatures / PRIOR_TEMPERATURE) ** 2 / 2
    return np.asarray(surprise(scores, temperatures) - temperatures * own[..., None] + prior)


def surprise(scores: npt.NDArray[np.floating], factors: Float64Array) -> Float64Array:
    """(…, F) Σ log Σ exp(factor · score) of scores (…, n, K) whose largest is about 0, in their precision."""
    most = max(1, MOST_VALUES // max(scores.size, 1))  # factors at once: a call of numpy costs more than few labels do
    out = np.empty((factors.size, *scores.shape[:-2]))
    for start in range(0, factors.size, most):
        some = factors[start : start + most].astype(scores.dtype)
        powers = np.exp(np.multiply.outer(some, scores))
        out[start : start + most] = np.log(row_sums(powers))[..., 0].sum(axis=-1)
    return np.moveaxis(out, 0, -1)


def mix_views(
    grams: list[Float64Array],
    label: IntArray,
    classes: int,
    ridge: float,
    views: Float64Array,
    prior: Float64Array,
    most: int | None = None,
) -> Float64Array:
    """(J,) weights of the kernels, summing to 1, from views (V, J) of them and their prior (V,).

    Each view is a kernel (a weighted mean of `grams`). Its weight is prior · exp(−τ · leave-one-out loss), the
    pseudo-Bayesian averaging of Y. Yao et al., "Using stacking to average Bayesian predictive distributions",
    Bayesian Analysis 13(3), 2018, eq. 8, tempered by τ because labels near each other are no independent
    witnesses. Kept are the `most` heaviest kernels, of those the ones above 3 % of the heaviest: a kernel costs time on
    every click. Where no class has two labels `grams` are not looked at: the prior decides.
    """
    share = prior
    if labels_say_something(label):
        together = np.stack([sum_kernels(grams, view) for view in views])  # (V, N, N)
        losses = _losses(solve(together, label, classes, ridge), FEW_TEMPERATURES).min(axis=-1)
        share = prior * np.exp(-EVIDENCE * (losses - losses.min()))
    weights = (share / share.sum()) @ views
    if most is not None:
        weights[np.argsort(-weights, kind="stable")[most:]] = 0.0
    weights[weights < 0.03 * weights.max()] = 0.0
    return np.asarray(weights / weights.sum())


def choose_ridge(gram: Float64Array, label: IntArray, classes: int, usual: float) -> float:
    """The ridge of RIDGES with the smallest leave-one-out loss, with a prior around `usual`; that one where no class
    has two labels. Labels on mixed pixels want a large one."""
    if not labels_say_something(label):
        return usual
    ridges = np.array(RIDGES)
    losses = _losses(solve(gram, label, classes, ridges), FEW_TEMPERATURES).min(axis=-1)
    return RIDGES[int(np.argmin(losses + RIDGE_PRIOR * np.log(ridges / usual) ** 2 / 2))]


def labels_say_something(label: IntArray) -> bool:
    """Whether a class has two labels, so that one can be told from the other."""
    return bool(np.bincount(label).max(initial=0) > 1)


def labels_a_class(label: IntArray) -> float:
    """Median number of labels of the classes that have any."""
    counts = np.bincount(label)
    return float(np.median(counts[counts > 0]))


def sum_kernels(grams: list[Float64Array], weights: Float64Array) -> Float64Array:
    """Weighted sum of kernel matrices; those of weight 0 are not touched."""
    return np.asarray(sum(w * g for w, g in zip(weights, grams, strict=True) if w > 0))


def kernel(first: FloatArray, second: FloatArray, width: float) -> FloatArray:
    """(n, m) exp(−width ‖a − b‖²) for features (n, C) and (m, C)."""
    scale = np.float32(width)
    exponent: FloatArray = first @ (2.0 * scale * second.T)
    exponent -= (scale * np.einsum("nc,nc->n", first, first))[:, None]
    exponent -= (scale * np.einsum("mc,mc->m", second, second))[None]
    np.minimum(exponent, 0.0, out=exponent)  # rounding must not make a kernel of more than 1
    return np.exp(exponent, out=exponent)


def thin(label: IntArray, limit: int) -> npt.NDArray[np.int64]:
    """Positions of at most max(limit, K) labels, sorted: small classes whole, large ones evenly spaced."""
    counts = np.bincount(label)
    if label.size <= limit:
        return np.arange(label.size)
    low, high = 1, int(counts.max())
    while low < high:  # the largest quota that keeps within the limit
        middle = (low + high + 1) // 2
        low, high = (middle, high) if np.minimum(counts, middle).sum() <= limit else (low, middle - 1)
    kept = []
    for k in np.flatnonzero(counts):
        members = np.flatnonzero(label == k)
        number = min(low, members.size)
        kept.append(members[np.arange(number) * members.size // number])
    return np.sort(np.concatenate(kept))
