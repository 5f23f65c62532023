"""From values to brightness: how a picture is stretched, named by a short text that stands in a tile's address.

    "2-98"          linear between two percentiles
    "sigma"         linear over the mean ± 2 standard deviations
    "equalise"      every brightness as often as every other (histogram equalisation)
    "decorrelate"   the channels made uncorrelated and of the same spread (A. R. Gillespie et al., 1986,
                    doi:10.1016/0034-4257(86)90044-1): colours that hardly differ are drawn apart. One channel has
                    nothing to decorrelate: it is shown over ± 2.5 standard deviations.

"g0.7" after it: gamma, output = input^(1/gamma); above 1 brightens the dark parts.

Whatever the stretch, it is measured once on a sample of the whole scene: the tiles of one picture fit together.
Axis letters: h w window pixels, C channels, N sample pixels.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hsi_studio.errors import BadRequest
from hsi_studio.types import FloatArray

KINDS = ("sigma", "equalise", "decorrelate")
SIGMAS, DECORRELATED_SIGMAS = 2.0, 2.5
STEPS = 257  # quantiles that an equalised histogram is described by
GAMMAS = (0.1, 10.0)
PATTERN = re.compile(r"(?:(?P<lo>[0-9.]{1,8})-(?P<hi>[0-9.]{1,8})|(?P<kind>[a-z]{1,12}?))(?:g(?P<gamma>[0-9.]{1,6}))?")


@dataclass(frozen=True)
class Stretch:
    """`kind` "percent" goes by `lo` and `hi`."""

    kind: str = "percent"
    lo: float = 2.0
    hi: float = 98.0
    gamma: float = 1.0

    def __str__(self) -> str:
        base = f"{self.lo:g}-{self.hi:g}" if self.kind == "percent" else self.kind
        return base if self.gamma == 1.0 else f"{base}g{self.gamma:g}"


def parse(text: str) -> Stretch:
    """The stretch that a text names. Raises BadRequest."""
    found = PATTERN.fullmatch(text)
    try:
        if found is None:
            raise ValueError(text)
        gamma = float(found["gamma"] or 1.0)
        if not GAMMAS[0] <= gamma <= GAMMAS[1]:
            raise BadRequest(f"A gamma of {gamma:g} makes no picture: use {GAMMAS[0]:g} to {GAMMAS[1]:g}.")
        if found["kind"]:
            if found["kind"] not in KINDS:
                raise ValueError(text)
            return Stretch(found["kind"], gamma=gamma)
        lo, hi = float(found["lo"]), float(found["hi"])
    except ValueError as error:
        raise BadRequest(
            f"There is no stretch {text!r}: use 2-98, {', '.join(KINDS)}, with g0.7 for a gamma."
        ) from error
    check_percentiles(lo, hi)
    return Stretch("percent", lo, hi, gamma)


def check_percentiles(lo: float, hi: float) -> None:
    """Raises BadRequest for percentiles that are not 0 ≤ low < high ≤ 100."""
    if not 0 <= lo < hi <= 100:
        raise BadRequest(f"The stretch {lo:g}-{hi:g} % makes no picture: use 0 ≤ low < high ≤ 100.")


@dataclass(frozen=True)
class Tone:
    """A stretch as measured on a scene: values (h, w, C) → brightness 0–1."""

    gamma: float
    low: FloatArray  # (C,) black
    high: FloatArray  # (C,) white
    mean: FloatArray | None = None  # (C,) with `mix`: decorrelation
    mix: FloatArray | None = None  # (C, C)
    table: FloatArray | None = None  # (STEPS, C) quantiles: equalisation

    def __call__(self, values: FloatArray) -> FloatArray:
        """NaN stays NaN."""
        if self.mix is not None and self.mean is not None:
            out = 0.5 + ((values - self.mean) @ self.mix) / (2 * DECORRELATED_SIGMAS)
        elif self.table is not None:
            share = np.linspace(0.0, 1.0, STEPS)
            out = np.stack([_rank(values[..., k], self.table[:, k], share) for k in range(values.shape[-1])], axis=-1)
        else:
            out = (values - self.low) / (self.high - self.low)
        out = np.clip(out, 0.0, 1.0)
        return np.asarray(out if self.gamma == 1.0 else out ** (1.0 / self.gamma), dtype=np.float32)

    def ticks(self, count: int = 5) -> list[float]:
        """Values of the first channel at `count` evenly spaced brightnesses, for a colour bar."""
        share = np.linspace(0.0, 1.0, count) ** self.gamma
        if self.table is not None:
            return [float(v) for v in np.interp(share, np.linspace(0.0, 1.0, STEPS), self.table[:, 0])]
        if self.mix is not None and self.mean is not None:
            one = (share - 0.5) * 2 * DECORRELATED_SIGMAS / float(self.mix[0, 0]) + float(self.mean[0])
            return [float(v) for v in one]
        return [float(v) for v in self.low[0] + share * (self.high[0] - self.low[0])]


def _rank(values: npt.NDArray[Any], quantiles: FloatArray, share: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Share of the sample below each value; equal quantiles (a value held by many) count by their middle."""
    known, place = np.unique(quantiles, return_inverse=True)
    middle = np.bincount(place, share) / np.bincount(place)
    return np.where(np.isnan(values), np.nan, np.interp(values, known, middle))


def measure(stretch: Stretch, sample: FloatArray) -> Tone:
    """The tone of a sample (N, C) of finite values. Without any: 0 is black and 1 white."""
    count = sample.shape[1]
    if not sample.size:
        return Tone(stretch.gamma, np.zeros(count, np.float32), np.ones(count, np.float32))
    values = sample.astype(np.float64)
    mean, spread = values.mean(axis=0), values.std(axis=0)
    if stretch.kind == "percent":
        low, high = np.percentile(values, [stretch.lo, stretch.hi], axis=0)
    else:
        low, high = mean - SIGMAS * spread, mean + SIGMAS * spread
    low, high = low.astype(np.float32), high.astype(np.float32)
    high = np.where(high > low, high, low + 1).astype(np.float32)
    if stretch.kind == "equalise":
        table = np.quantile(values, np.linspace(0.0, 1.0, STEPS), axis=0).astype(np.float32)
        return Tone(stretch.gamma, low, high, table=table)
    if stretch.kind == "decorrelate":
        variances, axes = np.linalg.eigh(
            np.atleast_2d(np.cov(values, rowvar=False)) if len(values) > 1 else np.eye(count)
        )
        floor = max(float(variances[-1]) * 1e-9, 1e-30)  # equal channels span fewer directions than there are
        gain = np.where(variances > floor, 1.0 / np.sqrt(np.maximum(variances, floor)), 0.0)
        mix = (axes * gain) @ axes.T
        return Tone(stretch.gamma, low, high, mean=mean.astype(np.float32), mix=mix.astype(np.float32))
    return Tone(stretch.gamma, low, high)
