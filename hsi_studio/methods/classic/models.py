"""Four classifiers that give class scores: support vectors, forest, linear discriminant, nearest neighbours.

Sources: C. Cortes, V. Vapnik, "Support-vector networks", Machine Learning 20, 1995 (one against one, as LIBSVM);
L. Breiman, "Random forests", Machine Learning 45, 2001, doi:10.1023/A:1010933404324 (with out-of-bag votes);
R. A. Fisher 1936 with the covariance of O. Ledoit, M. Wolf, J. Multivariate Analysis 88, 2004,
doi:10.1016/S0047-259X(03)00096-4; F. A. Kruse et al. 1993, doi:10.1016/0034-4257(93)90013-N (spectral angle).
What differs: the discriminant has equal priors and one covariance of all residuals, so that one label a class is
enough; neighbours are counted class by class (the mean distance to a class's k nearest labels), which for k = 1 is
the ordinary nearest neighbour. Scores become probabilities by a softmax with one temperature a fit, chosen on
left-out scores (C. Guo et al. 2017, arXiv 1706.04599), because few labels cannot be split off for calibration.

Notation: N labels, C features, K classes, m pixels. Scores: larger = more likely, NOT_SEEN = a class without label.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from hsi_studio.types import FloatArray, IntArray

Float64Array = npt.NDArray[np.float64]
Scores = Callable[[FloatArray], FloatArray]  # (m, C) → (m, K) float32

NOT_SEEN = np.float32(-1e4)
CHUNK = 4096  # pixels whose distances to the labels are in memory at once
TREES_AT_ONCE = 25  # grown between two looks at cancel
TEMPERATURES = np.geomspace(0.25, 64.0, 57)
PRIOR_TEMPERATURE = 4.0
PRIOR_LABELS = 10.0  # the prior weighs as much as this many labels
QUICK_FOLDS = 5  # for the temperature, at every fit
MOST_FOLDS = 64  # for leave_one_out, when it is asked for


@dataclass(frozen=True)
class Learned:
    """A fitted classifier."""

    scores: Scores
    left_out: FloatArray | None = None  # (N, K) scores of each label without it, where the fit gives them for nothing


class Model(Protocol):
    """A kind of classifier with its settings."""

    def fit(self, x: FloatArray, label: IntArray, classes: int, seed: int, check: Callable[[], None]) -> Learned:
        """Learn from (N, C) and labels (N,); classes without a label score NOT_SEEN. `check` may raise Cancelled."""
        ...


@dataclass(frozen=True)
class SupportVectors:
    """scikit-learn's SVC on a precomputed RBF kernel: BLAS makes the kernel many times faster than LIBSVM."""

    cost: float
    width: float  # γ in units of 1 / (C · variance of the labels' features), scikit-learn's "scale"

    def fit(self, x: FloatArray, label: IntArray, classes: int, seed: int, check: Callable[[], None]) -> Learned:
        from sklearn.svm import SVC

        present = np.unique(label)
        if present.size == 1:
            return Learned(lambda pixels: _constant(pixels.shape[0], classes, int(present[0])))
        support = x.astype(np.float64)
        gamma = self.width / max(support.shape[1] * float(support.var()), np.finfo(np.float64).tiny)
        machine = SVC(C=self.cost, kernel="precomputed", decision_function_shape="ovr")
        check()
        machine.fit(np.exp(-gamma * _squared(support, support)), label)

        def score(pixels: FloatArray) -> FloatArray:
            out = np.full((pixels.shape[0], classes), NOT_SEEN, dtype=np.float32)
            for start in range(0, pixels.shape[0], CHUNK):
                rows = slice(start, start + CHUNK)
                found = machine.decision_function(np.exp(-gamma * _squared(pixels[rows].astype(np.float64), support)))
                out[rows, present] = np.stack([-found, found], axis=1) if found.ndim == 1 else found
            return out

        return Learned(score)


@dataclass(frozen=True)
class Forest:
    """scikit-learn's random forest; scores are logarithms of its votes. One thread, so that sums have one order."""

    trees: int

    def fit(self, x: FloatArray, label: IntArray, classes: int, seed: int, check: Callable[[], None]) -> Learned:
        """Left-out scores are out-of-bag: each label is voted on by the third of the trees that did not see it."""
        import warnings

        from sklearn.ensemble import RandomForestClassifier

        present = np.unique(label)
        forest = RandomForestClassifier(warm_start=True, random_state=seed)
        grown = [*range(TREES_AT_ONCE, self.trees, TREES_AT_ONCE), self.trees]
        with warnings.catch_warnings():  # few trees may leave a label in every bag; it gets equal votes below
            warnings.filterwarnings("ignore", message="Some inputs do not have OOB scores")
            warnings.filterwarnings("ignore", message="invalid value encountered in divide")
            for number in grown:
                check()
                forest.set_params(n_estimators=number, oob_score=number == self.trees).fit(x, label)
        votes = np.asarray(forest.oob_decision_function_, dtype=np.float64)
        votes[~np.isfinite(votes).all(axis=1)] = 1.0 / present.size
        return Learned(
            lambda pixels: _log_votes(forest.predict_proba(pixels), present, classes, self.trees),
            _log_votes(votes, present, classes, self.trees),
        )


@dataclass(frozen=True)
class Discriminant:
    """Linear discriminant analysis with a shrunken common covariance."""

    def fit(self, x: FloatArray, label: IntArray, classes: int, seed: int, check: Callable[[], None]) -> Learned:
        from sklearn.covariance import ledoit_wolf

        present = np.unique(label)
        mean = np.stack([x[label == k].mean(axis=0, dtype=np.float64) for k in present])  # (P, C)
        residual = x - mean[np.searchsorted(present, label)]
        check()
        covariance = np.eye(x.shape[1])
        if (residual != 0).any():
            shrunk, _ = ledoit_wolf(residual, assume_centered=True)
            covariance = shrunk * label.size / max(label.size - present.size, 1)  # residuals have N − P freedoms
        floor = 1e-6 * max(np.trace(covariance) / x.shape[1], np.finfo(np.float64).tiny)
        weight = np.linalg.solve(covariance + floor * np.eye(x.shape[1]), mean.T)  # (C, P)
        offset = -0.5 * np.einsum("pc,cp->p", mean, weight)

        def score(pixels: FloatArray) -> FloatArray:
            out = np.full((pixels.shape[0], classes), NOT_SEEN, dtype=np.float32)
            found = pixels @ weight + offset  # (m, P) log-likelihoods but for a term all classes share
            out[:, present] = found - found.max(axis=1, keepdims=True)
            return out

        return Learned(score)


@dataclass(frozen=True)
class Neighbours:
    """Minus the mean distance to a class's k nearest labels, in units of the mean distance between labels."""

    k: int
    metric: Literal["euclidean", "angle"]

    def _distance(self, a: FloatArray, b: FloatArray) -> Float64Array:
        """(n, m) Euclidean distance, or angle in radians (a zero vector is at π/2 to everything)."""
        first, second = a.astype(np.float64), b.astype(np.float64)
        if self.metric == "euclidean":
            return np.sqrt(_squared(first, second))
        first, second = (v / np.maximum(np.linalg.norm(v, axis=1, keepdims=True), 1e-30) for v in (first, second))
        return np.asarray(np.arccos(np.clip(first @ second.T, -1.0, 1.0)))

    def _scores(self, distance: Float64Array, label: IntArray, classes: int, unit: float) -> FloatArray:
        out = np.full((distance.shape[0], classes), NOT_SEEN, dtype=np.float32)
        for k in np.unique(label):
            own = np.sort(distance[:, label == k], axis=1)[:, : self.k]  # an infinite distance = left out
            known = np.isfinite(own)
            mean = np.where(known, own, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
            out[:, k] = np.where(known.any(axis=1), -mean / unit, NOT_SEEN)
        return out

    def fit(self, x: FloatArray, label: IntArray, classes: int, seed: int, check: Callable[[], None]) -> Learned:
        """Left-out scores are exact: a label's distance to itself is taken out."""
        check()
        among = self._distance(x, x)
        unit = float(among.mean()) or 1.0
        np.fill_diagonal(among, np.inf)

        def score(pixels: FloatArray) -> FloatArray:
            out = np.empty((pixels.shape[0], classes), dtype=np.float32)
            for start in range(0, pixels.shape[0], CHUNK):
                rows = slice(start, start + CHUNK)
                out[rows] = self._scores(self._distance(pixels[rows], x), label, classes, unit)
            return out

        return Learned(score, self._scores(among, label, classes, unit))


def in_folds(
    model: Model, x: FloatArray, label: IntArray, classes: int, seed: int, folds: int, check: Callable[[], None]
) -> FloatArray:
    """(N, K) scores of labels from fits without their fold, which is spread over classes; N ≤ folds = leave-one-out."""
    order = np.argsort(label, kind="stable")
    fold = np.empty(label.size, dtype=np.int64)
    fold[order] = np.arange(label.size) % min(folds, label.size)
    out = np.empty((label.size, classes), dtype=np.float32)
    for f in range(int(fold.max()) + 1):
        check()
        out[fold == f] = model.fit(x[fold != f], label[fold != f], classes, seed, check).scores(x[fold == f])
    return out


def temperature(left_out: FloatArray, label: IntArray) -> float:
    """The factor on scores that makes the left-out ones' softmax most likely, with a prior (log-normal around
    PRIOR_TEMPERATURE / their spread). Labels whose class was not seen without them say nothing."""
    known = left_out > NOT_SEEN / 2
    used = known[np.arange(label.size), label]
    if not used.any():
        return PRIOR_TEMPERATURE
    scores, own = np.where(known, left_out, NOT_SEEN)[used].astype(np.float64), label[used]
    spread = float(scores[known[used]].std()) or 1.0
    scores -= scores.max(axis=1, keepdims=True)
    loss = PRIOR_LABELS * np.log(TEMPERATURES / PRIOR_TEMPERATURE) ** 2 / 2
    for i, factor in enumerate(TEMPERATURES / spread):
        likelihood = factor * scores[np.arange(own.size), own] - np.log(np.exp(factor * scores).sum(axis=1))
        loss[i] -= likelihood.sum()
    return float(TEMPERATURES[int(np.argmin(loss))] / spread)


def _squared(a: Float64Array, b: Float64Array) -> Float64Array:
    """(n, m) ‖a − b‖²."""
    out = np.einsum("nc,nc->n", a, a)[:, None] + np.einsum("mc,mc->m", b, b)[None] - 2.0 * (a @ b.T)
    return np.asarray(np.maximum(out, 0.0))


def _constant(count: int, classes: int, winner: int) -> FloatArray:
    out = np.full((count, classes), NOT_SEEN, dtype=np.float32)
    out[:, winner] = 0.0
    return out


def _log_votes(votes: npt.NDArray[Any], present: IntArray, classes: int, trees: int) -> FloatArray:
    """(m, P) shares of votes → (m, K) logarithms; half a tree's vote is the least."""
    out = np.full((votes.shape[0], classes), NOT_SEEN, dtype=np.float32)
    out[:, present] = np.log(np.maximum(votes, 0.5 / trees))
    return out
