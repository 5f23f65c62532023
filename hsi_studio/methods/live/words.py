"""Class names as a prior of the live head: what the words say of the nodes, learned again from the shots.

The words' posteriors P (n, J) come from outside (`Context.words`; J classes whose names mean something). From shots:
    C_cj = (δ_cj + Σ_{shots i of c} P_j(x_i)) / (δ_c + n_c)          how class c looks in the words' eyes
    P'_c(x) ∝ Σ_j P_j(x) C_cj / Σ_c' C_c'j                           the words learned again
    M = K/(K−1) (P' − 1/K)                                            on the scale of the targets
    score(x) = ¾ M(x) + k(x)ᵀ Q (T − ¾ M_shots)                       Q as in `common/kernel_head.py`
Source: ours; it is kernel ridge on the residual of a prior mean (a Gaussian process with a mean function:
C. E. Rasmussen, C. K. I. Williams, 2006, ch. 2.7). Leave-one-out is exact up to `EXACT` shots: C is made without the
shot, in every target; from more on in the shot's own alone. The gate is not asked again without the shot.

Gate: G_cj = mean over the shots of c of log(P_j + 10⁻³); its trace is held against the traces of all permutations of
the columns (J ≤ 5), else of 300 random ones. The words are used where at most 10 % of them reach it; of three names,
where none of the other five does. Two names cannot be tested, and are not used.

Cost: (n, J) × (J, K) a click.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from hsi_studio.methods.common.kernel_head import Float64Array, KernelHead, targets
from hsi_studio.types import FloatArray, IntArray

WEIGHT = 0.75  # of the words beside the kernel: chosen on the development scenes, of ½, ¾, 1 and 1½
P_MOST, PERMUTATIONS, ALL_UP_TO = 0.1, 300, 5
SMALL = 1e-3
EXACT = 200
ALARM_NATS, ALARM_SHOTS = 1.0, 2  # a class's labels are this much more like another name


@dataclass(frozen=True)
class Gate:
    """Whether the labels agree with the names. `p`: share of the permutations (the names' own order among them) that
    agree as well; `tested` = 0 where there are too few names; `alarms`: (class, class whose name its labels look like).
    """

    open: bool
    p: float
    tested: int
    alarms: tuple[tuple[int, int], ...] = ()


def gate(shots: FloatArray, label: IntArray, kept: tuple[int, ...]) -> Gate:
    """`shots` (N, J) posteriors at the labels, `label` (N,) classes, `kept` (J,) the class of each column."""
    j = len(kept)
    if j < 3:
        return Gate(False, 1.0, 0)
    logs = np.log(shots.astype(np.float64) + SMALL)
    counts = np.array([(label == c).sum() for c in kept])
    g = np.stack([logs[label == c].mean(axis=0) if n else np.zeros(j) for c, n in zip(kept, counts, strict=True)])
    orders = _orders(j)
    traces = g[np.arange(j), orders].sum(axis=1)
    p = float((traces >= traces[0] - 1e-9).mean())
    opened = p <= max(P_MOST, 1.0 / 6.0 + 1e-9 if j == 3 else 0.0)
    best = g.argmax(axis=1)
    alarms = tuple(
        (kept[c], kept[int(best[c])])
        for c in range(j)
        if counts[c] >= ALARM_SHOTS and g[c, best[c]] - g[c, c] > ALARM_NATS
    )
    return Gate(opened, p, len(orders), alarms)


@lru_cache(maxsize=16)
def _orders(j: int) -> npt.NDArray[np.int64]:
    """(permutations, J), the names' own order first: all up to `ALL_UP_TO` names, else `PERMUTATIONS` random ones."""
    if j <= ALL_UP_TO:
        return np.array(list(itertools.permutations(range(j))), dtype=np.int64)
    rng = np.random.default_rng(0)
    return np.stack([np.arange(j), *(rng.permutation(j) for _ in range(PERMUTATIONS))]).astype(np.int64)


def confusion(shots: FloatArray, label: IntArray, classes: int, kept: tuple[int, ...]) -> Float64Array:
    """C (K, J)."""
    own = np.zeros((classes, len(kept)))
    own[list(kept), np.arange(len(kept))] = 1.0
    counts = np.bincount(label, minlength=classes)
    total = own.copy()
    np.add.at(total, label, shots.astype(np.float64))
    return np.asarray(total / np.maximum(own.sum(axis=1) + counts, 1.0)[:, None])


def prior_mean(words: FloatArray, c: Float64Array) -> Float64Array:
    """M (n, K) of posteriors (n, J), or (N, n, K) for as many C (N, K, J)."""
    share = c / np.maximum(c.sum(axis=-2, keepdims=True), 1e-9)  # (…, K, J)
    learned = words.astype(np.float64) @ np.swapaxes(share, -1, -2)
    learned /= np.maximum(learned.sum(axis=-1, keepdims=True), 1e-12)
    k = c.shape[-2]
    return np.asarray(k / (k - 1.0) * (learned - 1.0 / k))


def with_prior(head: KernelHead, shots: FloatArray, kept: tuple[int, ...]) -> tuple[KernelHead, Float64Array]:
    """The head on what the prior leaves over, with its leave-one-out scores, and C (K, J)."""
    label, classes = head.label, head.dual.shape[1]
    goal, c = targets(label, classes), confusion(shots, label, classes, kept)
    rest = goal - WEIGHT * prior_mean(shots, c)
    dual = head.inverse @ rest
    diagonal = np.diag(head.inverse)[:, None]  # (N, 1)
    weight = np.bincount(label, minlength=classes) + np.isin(np.arange(classes), kept)
    weight = weight[label][:, None].astype(np.float64)  # (N, 1) what C's row of each shot is a mean of
    each, own = np.arange(label.size), shots.astype(np.float64)
    less = np.repeat(c[None], label.size, axis=0)  # (N, K, J) C without each shot
    less[each, label] = np.where(weight > 1, (c[label] * weight - own) / np.maximum(weight - 1.0, 1.0), 0.0)
    if label.size <= EXACT:
        mean = prior_mean(shots, less)  # (N, N, K): of every shot, without each
        left = goal - WEIGHT * mean
        out = left[each, each] - np.einsum("im,imk->ik", head.inverse, left) / diagonal + WEIGHT * mean[each, each]
    else:
        out = rest - dual / diagonal + WEIGHT * prior_mean(shots[:, None], less)[:, 0]
    return KernelHead(dual, head.inverse, label, out), c


def prior_scores(words: FloatArray, c: Float64Array) -> npt.NDArray[np.float32]:
    """¾ M (n, K), what is added to the kernel's scores: one product, as rows of P and columns of shares sum to 1."""
    k = c.shape[0]
    share = c / np.maximum(c.sum(axis=0), 1e-9)
    return np.asarray(words @ (WEIGHT * k / (k - 1.0) * (share.T - 1.0 / k)).astype(np.float32))
