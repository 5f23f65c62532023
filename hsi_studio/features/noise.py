"""How much of what differs between neighbouring pixels is noise, and how many dimensions a scene fills, without labels.

Sources: J. M. Bioucas-Dias, J. M. P. Nascimento, "Hyperspectral subspace identification", IEEE TGRS 46(8), 2008,
doi:10.1109/TGRS.2008.918089 (noise of a band = what the other bands do not tell of it, their section II-A);
Green et al. 1988 (`spectral.py`: noise = half the covariance of differences of neighbours).
Unusual here: the two estimates are compared. Differences of neighbours hold the sensor's noise and what truly differs;
what other bands do not tell holds the sensor's noise alone. Where the two agree, neighbours are alike and smoothing
costs nothing (fields seen by a noisy sensor); where the first is many times the second, neighbours differ (a city), and
"noise-whitened" components have whitened away signal.
The trap: with few bands, or bands without redundancy (principal components), the other bands tell nothing; the estimate
then exceeds the differences, and the share goes back to one half, "not known".

Notation: S (b, b) covariance of z-scored bands, N (b, b) half the covariance of differences between neighbours.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Float64Array = npt.NDArray[np.float64]

LEAST, MOST = 0.05, 0.95  # neither answer is ever certain


def band_noise(covariance: Float64Array, ridge: float = 1e-9) -> Float64Array:
    """(b,) variance of each band that a linear regression on all others leaves: 1 / diag(S⁻¹). Not a number where so
    many bands repeat each other that the inverse is lost in rounding."""
    b = covariance.shape[0]
    floor = ridge * max(float(np.trace(covariance)), np.finfo(float).tiny) / b
    inverse = np.diag(np.linalg.inv(covariance + floor * np.eye(b)))
    return np.where(inverse > 0.0, 1.0 / np.where(inverse > 0.0, inverse, 1.0), np.nan)


def noise_share(covariance: Float64Array, noise: Float64Array, axes: Float64Array, variances: Float64Array) -> float:
    """Share, 0.05 to 0.95, of the neighbours' difference that is the sensor's noise, seen in half-whitened components.

    `axes` (b, C) and `variances` (C,) of the principal components.
    """
    weight = 1.0 / np.sqrt(np.maximum(variances, 1e-6 * max(float(variances.max(initial=0.0)), np.finfo(float).tiny)))
    own = float((np.einsum("bc,b->c", axes**2, band_noise(covariance)) * weight).sum())
    apart = float((np.einsum("bc,bd,dc->c", axes, noise, axes, optimize=True) * weight).sum())
    if apart <= 0.0 or not np.isfinite(own):
        return 0.5
    ratio = own / apart
    return float(np.clip(ratio if ratio <= 1.0 else 0.5 + 0.5 / ratio, LEAST, MOST))


def effective_dimension(covariance: Float64Array) -> float:
    """Participation ratio (Σλ)² / Σλ² of a covariance: 1 for a line, C for a round cloud in C dimensions."""
    square = float((covariance**2).sum())
    return float(np.trace(covariance)) ** 2 / square if square > 0 else 1.0


def component_weights(ratios: Float64Array, kind: str) -> Float64Array:
    """(C,) factors for noise-whitened components of ratio λ (variance to noise), with mean square 1, so that the
    network sees inputs of the same size whatever the scene.

    "equal": all the same, full whitening. "root": λ^¼, halfway between whitened and as large as they are in units of
    the noise. "signal": `signal_weights`. Raises KeyError for another kind.
    """
    positive = np.maximum(ratios, np.finfo(float).tiny)
    made = {"equal": np.ones_like(positive), "root": positive**0.25, "signal": signal_weights(ratios)}[kind]
    return np.asarray(made / np.sqrt(np.mean(made**2)))


def signal_weights(ratios: Float64Array) -> Float64Array:
    """(C,) factors √(λ − 1) that give noise-whitened components (unit variance, ratio λ of variance to noise) their
    signal's size in units of the noise. λ − 1 is never taken for less than 0.1: what is left of pure noise is no signal
    of a few components, and stays spread over all.
    """
    return np.sqrt(np.maximum(ratios - 1.0, 0.1))
