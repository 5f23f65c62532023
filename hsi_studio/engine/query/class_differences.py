"""How the labelled pixels of two classes differ most, as a phrase for people.

Taken is the usable band in which the two means lie farthest apart, measured in their pooled standard deviation (Cohen's
d; J. Cohen, 1988); a floor of 2 % of the level keeps classes of one or two labels, whose deviation means nothing, from
looking certain. Said are wavelength, both means and both counts, so the phrase can be checked.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hsi_studio.engine.spectra import ClassSpectrum
from hsi_studio.humanize import counted
from hsi_studio.types import Bands, ClassSchema

CLEAR = 1.0  # pooled standard deviations
REGIONS = ((0, "ultraviolet"), (400, "blue"), (500, "green"), (600, "red"), (700, "red edge"), (760, "near infrared"),
           (1300, "short-wave infrared"), (3000, "thermal infrared"))  # fmt: skip


def difference(a: ClassSpectrum, b: ClassSpectrum, bands: Bands) -> str:
    """ "the red at 650 nm, where Corn is darker (0.1 against 0.3; 5 and 4 labels)"; "" when nothing is clear."""
    mean_a, mean_b = a.mean.astype(np.float64), b.mean.astype(np.float64)
    level = (np.abs(mean_a) + np.abs(mean_b)) / 2
    spread = np.sqrt((a.std.astype(np.float64) ** 2 + b.std.astype(np.float64) ** 2) / 2) + 0.02 * level
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = np.where(spread > 0, np.abs(mean_a - mean_b) / spread, np.nan)
    if not np.isfinite(apart).any():
        return ""
    band = int(np.nanargmax(apart))
    if apart[band] < CLEAR:
        return ""
    more = "brighter" if mean_a[band] > mean_b[band] else "darker"
    labels = f"{a.count} and {counted(b.count, 'label')}"
    values = f"{mean_a[band]:.3g} against {mean_b[band]:.3g}; {labels}"
    return f"{_place(bands, band)}, where {a.info.name} is {more} ({values})"


def differences(spectra: Sequence[ClassSpectrum], schema: ClassSchema, bands: Bands) -> dict[tuple[int, int], str]:
    """(class index, class index) with the smaller first → phrase; pairs without labels or difference are left out."""
    at = {schema.index(one.info.id): one for one in spectra if schema.get(one.info.id) is not None}
    found = {(i, j): difference(at[i], at[j], bands) for i in at for j in at if i < j}
    return {pair: phrase for pair, phrase in found.items() if phrase}


def _place(bands: Bands, band: int) -> str:
    if bands.wavelength_nm is None:
        return f"band {band + 1}"
    nm = float(bands.wavelength_nm[band])
    name = next(name for start, name in reversed(REGIONS) if nm >= start)
    return f"the {name} at {nm:.0f} nm"
