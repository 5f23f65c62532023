"""Linear discriminants beside a kernel head, and how much each is believed: closed forms, with exact leave-one-out.

Sources: R. A. Fisher 1936; the shrinkage of O. Ledoit, M. Wolf, "A well-conditioned estimator for large-dimensional
covariance matrices", J. Multivariate Analysis 88, 2004, doi:10.1016/S0047-259X(03)00096-4; leaving a sample out changes
its class's mean and the common scatter by one outer product (Sherman & Morrison 1950). Shares of a mixture: expectation
maximisation on the probabilities that labels get when they are left out (stacking: D. H. Wolpert 1992).
What differs: equal prior probabilities of the classes; the shrinkage is kept when a sample is left out; shares and
temperature have priors, because labels are few.

Notation: N labels, C features, K classes, E experts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hsi_studio.methods.common.kernel_head import softmax, surprise
from hsi_studio.types import FloatArray, IntArray

Float64Array = npt.NDArray[np.float64]

TEMPERATURES = np.geomspace(0.02, 2.0, 25)
PRIOR_TEMPERATURE = 0.5
PRIOR_LABELS = 3.0  # the prior weighs as much as this many labels
FLOOR = 1e-6  # of the mean variance, added to every axis
UNKNOWN = -1e4  # score of a class that has no label when this one is left out
ROUNDS = 40  # of expectation maximisation: shares move by less than 1e-3 after that


@dataclass(frozen=True)
class Discriminant:
    """softmax(x @ weight + offset) are class probabilities: the temperature is in both."""

    weight: FloatArray  # (C, K)
    offset: FloatArray  # (K,)

    def probabilities(self, x: FloatArray) -> FloatArray:
        """(m, K) float32 for features (m, C)."""
        return softmax(x @ self.weight + self.offset, 1.0)


def fit_discriminant(x: FloatArray, label: IntArray, classes: int) -> tuple[Discriminant, FloatArray]:
    """The discriminant of features (N, C) and the (N, K) probabilities each label gets from a fit without it.

    Every class needs a label, one class two. A class whose only label is left out has probability 0 there.
    """
    from sklearn import config_context
    from sklearn.covariance import ledoit_wolf_shrinkage

    values = x.astype(np.float64)
    count = np.bincount(label, minlength=classes)
    mean = np.stack([values[label == k].mean(axis=0) for k in range(classes)])  # (K, C)
    rest = values - mean[label]  # (N, C)
    freedom = label.size - classes
    scatter = rest.T @ rest / freedom
    size = float(np.trace(scatter)) / scatter.shape[0]
    with config_context(assume_finite=True, skip_parameter_validation=True):  # the checks take as long as the rest
        shrink = float(ledoit_wolf_shrinkage(rest, assume_centered=True)) if size > 0 else 1.0
    shrunk = (1 - shrink) * scatter + ((shrink + FLOOR) * size if size > 0 else 1.0) * np.eye(scatter.shape[0])
    precision = np.linalg.inv(shrunk)
    weight = precision @ mean.T  # (C, K)
    offset = -0.5 * np.einsum("kc,ck->k", mean, weight)
    out = _left_out_scores(label, mean, rest, precision, (1 - shrink) / freedom)
    used = count[label] > 1
    temperature = _temperature(out[used], label[used])
    made = Discriminant((weight * temperature).astype(np.float32), (offset * temperature).astype(np.float32))
    return made, softmax(out, temperature)


def _left_out_scores(
    label: IntArray, mean: Float64Array, rest: Float64Array, precision: Float64Array, outer: float
) -> Float64Array:
    """(N, K) log-likelihoods, but for a constant, of each label under the fit without it. `outer`: what an outer
    product of the scatter weighs in the covariance.

    With r = x − m_own and P the precision, x − m_k = r + (m_own − m_k), so that products with P of labels and of means
    are all that is needed. Without the label its own class has x − m = more · r.
    """
    each, count = np.arange(label.size), np.bincount(label, minlength=mean.shape[0])
    more = count[label] / np.maximum(count[label] - 1, 1)
    along = rest @ precision  # (N, C)
    own = np.einsum("nc,nc->n", along, rest)  # rᵀPr
    lost = outer * more  # the covariance loses lost · rrᵀ
    gain = lost / np.maximum(1 - lost * own, 1e-3)
    between = mean @ precision @ mean.T  # (K, K)
    size = np.diag(between)
    apart = size[:, None] + size - 2 * between  # (m_j − m_k)ᵀP(m_j − m_k)
    to_mean = along @ mean.T
    cross = own[:, None] + to_mean[each, label][:, None] - to_mean  # (N, K) (x − m_k)ᵀPr
    square = 2 * cross - own[:, None] + apart[label]  # (x − m_k)ᵀP(x − m_k)
    cross[each, label], square[each, label] = more * own, more**2 * own
    out = -0.5 * (square + gain[:, None] * cross**2)
    out[each, label] = np.where(count[label] == 1, UNKNOWN, out[each, label])
    return np.asarray(out - out.max(axis=1, keepdims=True))


def _temperature(scores: Float64Array, label: IntArray) -> float:
    """The factor on scores (N, K), their largest 0, that makes the labels most likely, with a prior."""
    own = scores[np.arange(label.size), label].sum()
    prior = PRIOR_LABELS * np.log(TEMPERATURES / PRIOR_TEMPERATURE) ** 2 / 2
    loss = surprise(scores, TEMPERATURES) - TEMPERATURES * own + prior
    return float(TEMPERATURES[int(np.argmin(loss))])


def mixture_shares(likelihood: FloatArray, prior: Float64Array) -> Float64Array:
    """(E,) shares, summing to 1, of experts that gave the labels these probabilities (N, E). `prior` (E,): as many
    labels as it counts have already spoken for each."""
    shares = np.asarray(prior / prior.sum())
    for _ in range(ROUNDS):
        blame = likelihood * shares
        blame /= blame.sum(axis=1, keepdims=True) + 1e-12
        shares = (blame.sum(axis=0) + prior) / (likelihood.shape[0] + prior.sum())
    return np.asarray(shares / shares.sum())
