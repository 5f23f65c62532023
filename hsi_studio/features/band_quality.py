"""Bands that tell little: saturated, striped, noisy; the dead ones the survey has found already.

Found are candidates for the user's eye; nothing is left out by this module. Each finding says what was measured. Rules,
on a sample of at most 4 × 64 neighbouring rows and 512 columns, over the bands that the survey calls good:

- *saturated*: at least 1 % of the pixels have exactly the highest value, and ten times as many as the hundredth of the
  range below it. A clipped histogram looks so, a natural one does not.
- *striped*: let d be the second difference of the column means (or row means), m[j] − (m[j−1] + m[j+1]) / 2. Its
  standard deviation, over the band's, is at least 0.1 and four times the median of all bands: what lies on the ground
  has columns and rows of its own, but in all bands alike.
- *noisy*: the noise's share of the variance, var(x[i, j] − x[i, j+1]) / 2 / var(x) (the shift difference of Green et
  al. 1988, doi:10.1109/36.3001), is at least 0.5 and twice the median of all bands, and no band within two places of it
  is correlated by 0.7 or more. A rough surface has large shift differences too, but in neighbouring bands the same.

Cost: one read of the sample. Thresholds are ours; with fewer than 5 bands or 100 pixels nothing is compared.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hsi_studio.types import BoolArray, FloatArray, Scene

BLOCKS, BLOCK_ROWS, COLUMNS = 4, 64, 512
FEWEST_BANDS, FEWEST_PIXELS = 5, 100
SATURATED_SHARE, PILE = 0.01, 10.0
STRIPES, STRIPES_RATIO = 0.1, 4.0
NOISE, NOISE_RATIO, RELATED = 0.5, 2.0, 0.7

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class BandFinding:
    """One band and why it may be left out. `band` counts from 0. `kind`: "dead", "saturated", "striped", "noisy"."""

    band: int
    kind: str
    reason: str
    left_out: bool = False  # already, by the survey


def find_bands(scene: Scene) -> list[BandFinding]:
    """Bands in their order, each with the first reason that holds. Makes the survey's pass over the cube."""
    survey = scene.survey
    listed = scene.bands.usable
    found = []
    for band in np.flatnonzero(~survey.good_bands).tolist():
        ruled = listed is not None and not listed[band]
        constant = survey.band_max[band] == survey.band_min[band]
        why = "ruled out by the file" if ruled else "the same value in every pixel" if constant else "hardly any data"
        found.append(BandFinding(band, "dead", why, left_out=True))
    good = np.flatnonzero(survey.good_bands)
    blocks = _sample(scene, good)
    if good.size >= FEWEST_BANDS and sum(int(ok.sum()) for _, ok in blocks) >= FEWEST_PIXELS:
        found += [BandFinding(int(good[k]), kind, why) for k, (kind, why) in _judged(blocks).items()]
    return sorted(found, key=lambda finding: finding.band)


def _sample(scene: Scene, good: npt.NDArray[np.intp]) -> list[tuple[FloatArray, BoolArray]]:
    """(values (h, w, B), valid (h, w)) of blocks of neighbouring rows."""
    height, width, _ = scene.shape
    left = max(0, (width - COLUMNS) // 2)
    cols = slice(left, min(width, left + COLUMNS))
    rows = min(BLOCK_ROWS, height)
    starts = (
        sorted({int(at) for at in np.linspace(0, height - rows, BLOCKS)})
        if height > BLOCKS * rows
        else range(0, height, rows)
    )
    blocks = []
    for start in starts:
        window = slice(start, min(start + rows, height))
        blocks.append((scene.read(window, cols, good.tolist()), scene.valid_in(window, cols)))
    return blocks


def _judged(blocks: list[tuple[FloatArray, BoolArray]]) -> dict[int, tuple[str, str]]:
    """{position among the good bands: (kind, reason)}."""
    flat = np.concatenate([values[ok] for values, ok in blocks]).astype(np.float64)  # (N, B)
    spread = flat.std(axis=0)
    known = spread > 0
    spread[~known] = 1
    found: dict[int, tuple[str, str]] = {}
    top, low = flat.max(axis=0), flat.min(axis=0)
    at_top = (flat == top).mean(axis=0)
    below = ((flat < top) & (flat >= top - 0.01 * (top - low))).mean(axis=0)
    for k in np.flatnonzero(known & (at_top >= SATURATED_SHARE) & (at_top >= PILE * below)).tolist():
        found[k] = ("saturated", f"{100 * at_top[k]:.0f} % of the pixels have its highest value, {top[k]:.6g}")
    stripes = np.maximum(_stripes(blocks, spread, 0), _stripes(blocks, spread, 1))
    usual = float(np.median(stripes[known])) if known.any() else 0.0
    for k in np.flatnonzero(known & (stripes >= STRIPES) & (stripes >= STRIPES_RATIO * usual)).tolist():
        ratio = "" if usual == 0 else f", {stripes[k] / usual:.0f} times the usual"
        found.setdefault(k, ("striped", f"stripes of {100 * stripes[k]:.0f} % of its variation{ratio}"))
    noise = _noise(blocks, spread)
    usual = float(np.median(noise[known])) if known.any() else 0.0
    related = _related(flat)
    for k in np.flatnonzero(known & (noise >= NOISE) & (noise >= NOISE_RATIO * usual) & (related < RELATED)).tolist():
        found.setdefault(
            k, ("noisy", f"{100 * min(1.0, noise[k]):.0f} % of its variation is noise, {100 * usual:.0f} % is usual")
        )
    return found


def _stripes(blocks: list[tuple[FloatArray, BoolArray]], spread: Values, along: int) -> Values:
    """(B,) standard deviation of the second difference of means along an axis, over the band's; what the pixels' own
    noise leaves in a mean is taken off, and counts as no stripe unless three times as much is found."""
    squares, expected, count = np.zeros(spread.size), np.zeros(spread.size), 0
    for values, ok in blocks:
        kept = ok.sum(axis=along)
        exact = np.where(ok[:, :, None], values, 0).astype(np.float64)
        mean = exact.sum(axis=along) / np.maximum(kept, 1)[:, None]  # (columns or rows, B)
        full = kept >= 0.5 * values.shape[along]
        usable = full[1:-1] & full[:-2] & full[2:]
        d = (mean[1:-1] - (mean[:-2] + mean[2:]) / 2)[usable]
        both = ok[1:] & ok[:-1] if along == 0 else ok[:, 1:] & ok[:, :-1]
        steps = np.diff(exact, axis=along)[both]
        squares += (d**2).sum(axis=0)
        # white noise of variance v: the mean of n has v / n, and the second difference of three of them 1.5 v / n
        expected += len(d) * 1.5 * (steps**2).mean(axis=0) / 2 / max(1.0, float(np.median(kept[full]))) if len(d) else 0
        count += len(d)
    real = np.where(squares > 3 * expected, squares - expected, 0)
    return np.asarray(np.sqrt(real / max(count, 1)) / spread)


def _noise(blocks: list[tuple[FloatArray, BoolArray]], spread: Values) -> Values:
    """(B,) the noise's share of the variance, from differences of neighbours in a row."""
    squares, count = np.zeros(spread.size), 0
    for values, ok in blocks:
        both = ok[:, 1:] & ok[:, :-1]
        d = (values[:, 1:].astype(np.float64) - values[:, :-1])[both]
        squares += (d**2).sum(axis=0)
        count += len(d)
    return squares / max(count, 1) / 2 / spread**2


def _related(flat: Values) -> Values:
    """(B,) the highest correlation with a band within two places."""
    centred = flat - flat.mean(axis=0)
    norm = np.sqrt((centred**2).sum(axis=0))
    norm[norm == 0] = 1
    best = np.zeros(flat.shape[1])
    for step in (1, 2):
        if flat.shape[1] <= step:
            break
        r = np.abs((centred[:, step:] * centred[:, :-step]).sum(axis=0) / (norm[step:] * norm[:-step]))
        best[step:], best[:-step] = np.maximum(best[step:], r), np.maximum(best[:-step], r)
    return best
