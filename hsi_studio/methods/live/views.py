"""Which features decide at a click: metrics × scales, what is preferred before labels tell, and their mixture.

    metrics      spectrum   principal components as they are        prefers many dimensions: no
                 half       … each divided by the fourth root of its variance
                 white      noise-whitened components, all of one size
                 signal     … in units of their noise: the weak ones vanish               `features/noise.py`
                 shape      components of logarithms less most of the brightness          `features/shape.py`
                 half shape … each divided by the fourth root of its variance: the last two where values have a zero
    scales       0, 2, 5, 20, 60, 200 steps of diffusion, seen as three groups: pixel, fine, coarse

A view is a metric with a group: eighteen of them, or twelve, a kernel each, the mean of its scales' kernels. Preferred
are, without a label having been looked at,
    scales       pixel (1−ρ)², fine 2ρ(1−ρ), coarse ρ²     where ρ is the share of the neighbours' differences that is
                                                            noise: a noisy sensor over fields asks for smoothing, a city
                                                            seen clearly does not
    families     1−ρ for metrics of spectra and shapes, ρ for the whitened two: the noise they are whitened by is
                 noise only then. Shapes preferred three times as much were better still on the development scenes,
                 whose light is simulated on two of them, and worse on cities and tree crowns (LOOKS.md)
    dimensions   min(D, K−1) / max(D, K−1) for a metric of D effective dimensions: K classes need K−1 dimensions, and
                                                            more of them are places where noise can hide
From two labels a class on, leave-one-out decides (`mix_views`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hsi_studio.features.guide import Spots
from hsi_studio.features.noise import signal_weights
from hsi_studio.methods.live.features import FAMILIES, LiveFeatures
from hsi_studio.types import FloatArray

Float64Array = npt.NDArray[np.float64]

METRICS = ("spectrum", "half", "white", "signal", "shape", "half shape")  # the last two where values have a zero
FAMILY_OF = {
    "spectrum": "principal", "half": "principal", "white": "white", "signal": "white",
    "shape": "shape", "half shape": "shape",
}  # fmt: skip
SHAPES = 1.0  # how much they are preferred
GROUPS = ("pixel", "fine", "coarse")


@dataclass(frozen=True)
class Kernel:
    """One kernel's features: columns of a family at a scale, each times a factor. None = as they are."""

    family: str  # of `features.FAMILIES`
    scale: int  # 0 = not smoothed
    factor: FloatArray | None  # (C,)

    def of(self, features: LiveFeatures, rows: slice | npt.NDArray[np.integer] | Spots = slice(None)) -> FloatArray:
        """(m, C) of some nodes or pixels."""
        every = features.at((self.family, self.scale))
        chosen = rows.of(every) if isinstance(rows, Spots) else every[rows]
        return chosen if self.factor is None else np.asarray(chosen * self.factor, dtype=np.float32)


def kernels(features: LiveFeatures) -> list[Kernel]:
    """Every metric at every scale, metric by metric. Spectral columns of each have total variance 1 over the nodes."""
    wanted = {
        "spectrum": features.basis.pixel_scale.astype(np.float64),
        "signal": signal_weights(features.basis.components.ratios.astype(np.float64)),
        "shape": features.basis.shape_scale.astype(np.float64),
    }
    out = []
    for metric in METRICS[: features.dimensions.size]:
        family = FAMILY_OF[metric]
        variance = features.variance[FAMILIES.index(family)]
        for scale in range(len(features.white)):
            factor = None
            if metric in wanted:
                total = float((variance[scale] * wanted[metric] ** 2).sum())
                scaled = wanted[metric] / np.sqrt(total) if total > 0 else np.ones_like(wanted[metric])
                factor = np.concatenate([scaled, np.ones(features.heights)]).astype(np.float32)
            out.append(Kernel(family, scale, factor))
    return out


def views(scales: int, groups: tuple[str, ...] = GROUPS, metrics: int = len(METRICS)) -> Float64Array:
    """(V, metrics · scales) weights of the kernels in each metric × group; `scales` counts the unsmoothed one."""
    rank = np.arange(scales)
    belongs = {
        "pixel": rank == 0,
        "fine": (rank >= 1) & (rank <= scales // 2),
        "coarse": rank > (scales - 1) // 2,
    }
    rows = []
    for metric in range(metrics):
        for group in groups:
            row = np.zeros((metrics, scales))
            row[metric] = belongs[group] / belongs[group].sum()
            rows.append(row.ravel())
    return np.array(rows)


def preference(noise: float, dimensions: FloatArray, classes: int, groups: tuple[str, ...] = GROUPS) -> Float64Array:
    """(V,) prior of the views, summing to 1."""
    scale = {"pixel": (1 - noise) ** 2, "fine": 2 * noise * (1 - noise), "coarse": noise**2}
    family = {"principal": 1 - noise, "white": noise, "shape": SHAPES * (1 - noise)}
    need = max(classes - 1, 1)
    prior = [
        min(d, need) / max(d, need) * family[FAMILY_OF[metric]] * scale[group]
        for metric, d in zip(METRICS, dimensions.tolist(), strict=False)
        for group in groups
    ]
    found: Float64Array = np.asarray(prior) / np.sum(prior)
    return found
