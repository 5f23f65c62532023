"""The closed-form classifier behind `live`: class-balanced least-squares on kernels, with exact leave-one-out.

Sources: J. A. K. Suykens, J. Vandewalle, "Least squares support vector machine classifiers", Neural
Processing Letters 9, 1999, doi:10.1023/A:1018628609742 (one-vs-rest, squared loss, kernel);
G. C. Cawley, "Leave-one-out cross-validation based model selection criteria for weighted LS-SVMs", IJCNN 2006,
doi:10.1109/IJCNN.2006.246634 (weights and leave-one-out in closed form);
C. Guo et al., "On calibration of modern neural networks", ICML 2017, arXiv 1706.04599 (temperature).
What differs: no intercept (targets are centred: 1 and −1/(K−1)); the temperature is fitted on leave-one-out
scores, with a prior, because a few labels cannot be split into a training and a calibration part.

Notation: G (N, N) kernel among labels, Λ = λ · diag(n_class / mean n_class), Q = (G + Λ)⁻¹, T (N, K) targets,
α = Q T dual weights; scores f(x) = k(x)ᵀ α.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hsi_studio.types import IntArray

Float64Array = npt.NDArray[np.float64]

TEMPERATURES = np.geomspace(0.5, 64.0, 57)
PRIOR_TEMPERATURE = 6.0
PRIOR_LABELS = 10.0  # the prior weighs as much as this many labels


@dataclass(frozen=True)
class KernelHead:
    """A solved head. `inverse` is Q; it stays because leave-one-out needs it."""

    dual: Float64Array  # (N, K)
    inverse: Float64Array  # (N, N)
    label: IntArray  # (N,)

    def left_out_scores(self, kernel: Float64Array | None = None) -> Float64Array:
        """(N, K) score each label gets from a fit without it; the others keep their weights and balance.

        `kernel` (N, N): row i holds k(x_i), where scores are read off after smoothing; None = G itself.
        Without label i the dual weights are α − Q[:, i] α_i / Q_ii (Cawley 2006, section III), so its row of
        the kernel meets only what the other labels learned.
        """
        diagonal = np.diag(self.inverse)[:, None]
        if kernel is None:
            return targets(self.label, self.dual.shape[1]) - self.dual / diagonal
        own = np.einsum("ij,ji->i", kernel, self.inverse)[:, None]  # k(x_i)ᵀ Q[:, i]
        return np.asarray(kernel @ self.dual - own * self.dual / diagonal)


def targets(label: IntArray, classes: int) -> Float64Array:
    """(N, K): 1 for the own class, −1/(K−1) for the others, so that a score of 0 favours none."""
    out = np.full((label.size, classes), -1.0 / (classes - 1))
    out[np.arange(label.size), label] = 1.0
    return out


def solve(gram: Float64Array, label: IntArray, classes: int, ridge: float) -> KernelHead:
    """Fit on a kernel matrix (N, N) and labels (N,). Every class must have a label."""
    counts = np.bincount(label, minlength=classes)
    balance = counts[label] / counts.mean()  # a class with many labels trusts each of them less
    inverse = np.linalg.inv(gram + ridge * np.diag(balance))
    inverse = (inverse + inverse.T) / 2
    return KernelHead(inverse @ targets(label, classes), inverse, label)


def softmax(scores: npt.NDArray[np.floating], temperature: float) -> npt.NDArray[np.float32]:
    """Probabilities over the last axis; `temperature` multiplies the scores (larger = surer)."""
    z = np.asarray(scores, dtype=np.float32) * np.float32(temperature)
    z -= z.max(axis=-1, keepdims=True)
    np.exp(z, out=z)
    z /= z.sum(axis=-1, keepdims=True)
    return z


def calibrate(head: KernelHead) -> float:
    """The factor on scores that makes leave-one-out probabilities most likely, class-balanced, with a prior.

    Classes with one label say nothing (left out, the class is unknown) and are not used.
    """
    counts = np.bincount(head.label, minlength=head.dual.shape[1])
    used = counts[head.label] > 1
    prior = PRIOR_LABELS * np.log(TEMPERATURES / PRIOR_TEMPERATURE) ** 2 / 2
    loss = prior
    if used.any():
        scores, label = head.left_out_scores()[used], head.label[used]
        z = scores[None] * TEMPERATURES[:, None, None]  # (temperatures, n, K)
        top = z.max(axis=-1, keepdims=True)
        log_sum = np.log(np.exp(z - top).sum(axis=-1)) + top[..., 0]
        own = z[:, np.arange(label.size), label]
        loss = prior + (log_sum - own).sum(axis=1)
    return float(TEMPERATURES[int(np.argmin(loss))])
