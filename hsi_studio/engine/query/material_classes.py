"""Classes that exist as words only, told on a scene's nodes by synthetic pixels of what the words mean.

    words ─▶ materials (`text/materials/names.py`) ─▶ spectra ─▶ mixed, lit, miscalibrated ─▶ two classifiers ─▶ (n, K)

Both classifiers see log(max(r, −0.005) + 0.02). (a) Broad: three windows together, their mean minus 0.7 of the pixel's
mean (brightness counts, but not fully), linear discriminants (R. A. Fisher, 1936), one Gaussian a class whose
covariance is half the pooled one (J. H. Friedman, 1989, doi:10.1080/01621459.1989.10478752). (b) Fine: windows and
their first differences, whitened within classes, kernel ridge. Posteriors are multiplied and their root
taken; then class biases move the mean posterior 0.3 of the way to even. No pixel's label takes part.

Synthetic pixels are mixed with at most a half of another class of the same list, lit by sun and sky in varying shares
(shade is blue), and miscalibrated: a gain a spectrum that is smooth in wavelength, haze, noise; more of it where the
values are no reflectance. What remains between them and a real sensor is why temperatures are far below 1.

Notation: n nodes, K classes, W windows, N synthetic pixels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from hsi_studio.methods.common.kernel_head import kernel, targets
from hsi_studio.scene.physics.ground import wet
from hsi_studio.scene.physics.light import diffuse_fraction
from hsi_studio.text.materials.names import AS_IS, Meant, State
from hsi_studio.types import FloatArray

VERSION = 1  # raise when the numbers this file makes change
A_CLASS, KERNEL_ROWS = 300, 1600
MIX_MEAN, MIX_MOST = 0.25, 0.5
RECIPE_SURE = 12.0  # how near to the shares that a recipe says: of the Dirichlet distribution, their sum
BRIGHTNESS_LEFT, POOLED, SLOPES = 0.7, 0.5, 1.0
BROAD_TEMPERATURE, FINE_TEMPERATURE, WIDTH, RIDGE = 0.2, 8.0, 0.5, 0.3
HAZE = (0.01, 0.012)  # mean and deviation at 500 nm of what the air leaves in reflectance
EVEN = 0.3
TOLD = 0.5  # share of synthetic pixels that must come out as their class for a map of names
ALIKE = 0.66  # of two classes that are told apart; below it the page says so

Values = npt.NDArray[np.float64]
Bank = Mapping[str, FloatArray]


def logs(reflectance: npt.NDArray[np.floating]) -> Values:
    """(n, W) the feature."""
    return np.asarray(np.log(np.maximum(reflectance, -0.005).astype(np.float64) + 0.02))


def synthetic(
    bank: Bank,
    classes: Sequence[Meant],
    centre_nm: FloatArray,
    absolute: bool,
    rng: np.random.Generator,
    count: int = A_CLASS,
) -> tuple[Values, npt.NDArray[np.int64]]:
    """(N, W) synthetic reflectance and (N,) its class, `count` a class."""
    pure = [_pure(bank, one, centre_nm, rng, count) for one in classes]
    k = len(classes)
    out = []
    for own, spectra in enumerate(pure):
        share = np.minimum(rng.exponential(MIX_MEAN, count), MIX_MOST)[:, None]
        other = rng.integers(0, max(k - 1, 1), count)
        other = np.where(other >= own, other + 1, other) % k
        added = np.stack([pure[o][rng.integers(0, count)] for o in other])
        out.append((1.0 - share) * spectra + share * added)
    values = np.concatenate(out)
    n, nm = values.shape[0], centre_nm.astype(np.float64)[None]
    sky = diffuse_fraction(nm)
    sun = np.clip(rng.normal(0.92, 0.16, (n, 1)), 0.25, 1.15)
    values = values * (sun * (1.0 - sky) + sky) * np.exp(rng.normal(0.0, 0.12, (n, 1)))
    wide = 1.0 if absolute else 2.0
    x = (nm - 1200.0) / 1000.0
    wave = sum(
        rng.normal(0.0, 0.03 * wide, (n, 1))
        * np.cos(np.pi * j * (nm - 400.0) / 2060.0 + rng.uniform(0, 2 * np.pi, (n, 1)))
        for j in range(1, 5)
    )
    gain = np.exp(rng.normal(0.0, 0.08 * wide, (n, 1)) + rng.normal(0.0, 0.05 * wide, (n, 1)) * x + wave)
    haze = rng.normal(HAZE[0], HAZE[1] * wide, (n, 1)) * (500.0 / nm) ** 1.5
    return values * gain + haze + rng.normal(0.0, 0.003 * wide, values.shape), np.repeat(np.arange(k), count)


def _pure(bank: Bank, one: Meant, centre_nm: FloatArray, rng: np.random.Generator, count: int) -> Values:
    """(count, W) without anything mixed in but the parts of a split name or of a recipe."""
    parts = []
    for k, part in enumerate(one.parts):
        keys, weight = list(part), np.array(list(part.values()))
        which = rng.choice(len(keys), count, p=weight / weight.sum())
        spectra = np.stack([bank[keys[w]][rng.integers(0, len(bank[keys[w]]))] for w in which])
        parts.append(in_state(spectra, one.states[k], bank, centre_nm, rng) if one.states else spectra)
    if len(parts) == 1:
        return np.asarray(parts[0], dtype=np.float64)
    usual = np.full(len(parts), 1.5)
    share = rng.dirichlet(np.maximum(RECIPE_SURE * np.array(one.shares), 0.3) if one.shares else usual, count)
    return np.asarray(sum(share[:, [p]] * one_part for p, one_part in enumerate(parts)), dtype=np.float64)


def in_state(
    spectra: npt.NDArray[np.floating], state: State, bank: Bank, centre_nm: FloatArray, rng: np.random.Generator
) -> Values:
    """(n, W) spectra of a material that is wet, darker or brighter, or thin over bare soil."""
    out, n = np.asarray(spectra, dtype=np.float64), len(spectra)
    if state == AS_IS:
        return out
    if state.cover < 1.0:
        cover = np.clip(rng.normal(state.cover, 0.1, (n, 1)), 0.0, 1.0)
        out = cover * out + (1.0 - cover) * bank["soil"][rng.integers(0, len(bank["soil"]), n)]
    if state.wet > 0.0:
        out = wet(np.clip(out, 0.0, 0.95), rng.uniform(0.6, 1.0, n) * state.wet, centre_nm.astype(np.float64))
    return out * state.gain


def posteriors(
    bank: Bank, classes: Sequence[Meant], reflectance: FloatArray, centre_nm: FloatArray, absolute: bool, seed: int = 0
) -> FloatArray:
    """(n, K) posteriors of words on nodes (n, W); rows sum to 1. K ≥ 2; every class has a part."""
    rng = np.random.default_rng(seed)
    values, label = synthetic(bank, classes, centre_nm, absolute, rng)
    train, nodes = logs(values), logs(reflectance)
    broad = _broad(train, label, nodes, len(classes))
    fine = _fine(train, label, nodes, len(classes))
    both = np.sqrt(np.maximum(broad * fine, 1e-12))
    both /= both.sum(axis=1, keepdims=True)
    return even_out(both).astype(np.float32)


def even_out(posterior: Values, even: float = EVEN) -> Values:
    """(n, K) with class biases that move its mean `even` of the way to even."""
    aim = (1.0 - even) * posterior.mean(axis=0) + even / posterior.shape[1]
    bias = np.ones(posterior.shape[1])
    out = posterior
    for _ in range(12):
        bias *= aim / np.maximum(out.mean(axis=0), 1e-9)
        out = posterior * bias
        out = out / out.sum(axis=1, keepdims=True)
    return out


def _broad(train: Values, label: npt.NDArray[np.int64], nodes: Values, classes: int) -> Values:
    def shape(x: Values) -> Values:
        groups = np.array_split(np.arange(x.shape[1]), max(4, round(x.shape[1] / 3)))
        mean = np.stack([x[:, g].mean(axis=1) for g in groups if g.size], axis=1)
        return np.asarray(mean - BRIGHTNESS_LEFT * mean.mean(axis=1, keepdims=True))

    x, z = shape(train), shape(nodes)
    centres = np.stack([x[label == k].mean(axis=0) for k in range(classes)])
    within = np.cov((x - centres[label]).T) + 1e-5 * np.eye(x.shape[1])
    root = np.linalg.inv(np.linalg.cholesky(within))
    _, _, axes = np.linalg.svd((centres - centres.mean(axis=0)) @ root.T, full_matrices=False)
    matrix = root.T @ axes[: max(1, min(classes - 1, x.shape[1]))].T
    x, z = x @ matrix, z @ matrix
    pooled = np.cov((x - np.stack([x[label == k].mean(axis=0) for k in range(classes)])[label]).T).reshape(
        x.shape[1], -1
    )
    score = np.empty((len(z), classes))
    for k in range(classes):
        own = x[label == k]
        spread = POOLED * pooled + (1.0 - POOLED) * np.cov(own.T).reshape(pooled.shape) + 1e-6 * np.eye(len(pooled))
        away = z - own.mean(axis=0)
        score[:, k] = (
            -0.5 * np.einsum("nd,nd->n", away @ np.linalg.inv(spread), away) - 0.5 * np.linalg.slogdet(spread)[1]
        )
    return _softmax(score * BROAD_TEMPERATURE)


def _fine(train: Values, label: npt.NDArray[np.int64], nodes: Values, classes: int) -> Values:
    def slopes(x: Values) -> Values:
        return np.concatenate([x, SLOPES * np.diff(x, axis=1)], axis=1)

    keep = np.concatenate([np.flatnonzero(label == k)[: max(20, KERNEL_ROWS // classes)] for k in range(classes)])
    x, z, own = slopes(train[keep]), slopes(nodes), label[keep]
    centres = np.stack([x[own == k].mean(axis=0) for k in range(classes)])
    values, axes = np.linalg.eigh(np.cov((x - centres[own]).T))
    matrix = axes / np.sqrt(np.maximum(values, 0.02 * values.mean() + 1e-6))
    matrix /= np.sqrt(matrix.shape[1])
    middle = x.mean(axis=0)
    x, z = ((part - middle) @ matrix for part in (x, z))
    support, rest = x.astype(np.float32), z.astype(np.float32)
    gram = kernel(support, support, WIDTH).astype(np.float64)
    dual = np.linalg.solve(gram + RIDGE * np.eye(len(x)), targets(own, classes)).astype(np.float32)
    parts = np.array_split(rest, max(1, len(rest) // 2048))
    score = np.concatenate([kernel(part, support, WIDTH) @ dual for part in parts]).astype(np.float64)
    return _softmax(FINE_TEMPERATURE * score)


def _softmax(score: Values) -> Values:
    raised = np.exp(score - score.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def told_apart(bank: Bank, classes: Sequence[Meant], centre_nm: FloatArray, absolute: bool) -> Values:
    """(K, K) share of other synthetic pixels of two classes that the broad classifier tells apart, all classes in play.

    Symmetric, 0.5 = not at all. The diagonal is the share of a class's pixels that come out as it.
    """
    rng = np.random.default_rng(1)
    train, label = synthetic(bank, classes, centre_nm, absolute, rng, 120)
    test, truth = synthetic(bank, classes, centre_nm, absolute, rng, 120)
    k = len(classes)
    found = _broad(logs(train), label, logs(test), k)
    out = np.eye(k)
    for i in range(k):
        out[i, i] = float((found[truth == i].argmax(axis=1) == i).mean())
        for j in range(i):
            right = (found[truth == i, i] > found[truth == i, j]).mean() + (
                found[truth == j, j] > found[truth == j, i]
            ).mean()
            out[i, j] = out[j, i] = float(right) / 2
    return out
