"""Single pixels beside superpixels: a discriminant on what a pixel is itself.

    p(x) ∝ [(1 − s) Σ_j w(x, j) p_j + s d(x)]^a          w, p_j: superpixels around the pixel (`features/guide.py`)

In a large scene nodes are superpixels. Where things on the ground are smaller than those, a city at 30 m a pixel, most
superpixels are mixtures, and a map of them is worse than one of single spectra. d, a linear discriminant on a pixel's
unsmoothed components, shapes and height, has the share s that left-out labels give it beside the map, as `linear.py`
has for its own; below `LEAST` it is left out, and a click costs nothing more. a: `fit_power`, 1 where labels lie in one
place a class. With one label of every class nothing can be left out, and nothing is asked.

On the town averaged over 3 × 3 pixels, superpixels of 25: 70.7 → 74.7, 73.8 → 82.9, 78.9 → 89.1 at 2, 5, 20 labels (12
draws; every third pixel of it 68.5 → 72.1, 72.9 → 81.6, 78.8 → 89.7), fields and scenes of few materials −0.6 to +1.0,
labels from one place a class −0.2 to +8.4. A prior of 8 or 16 labels for the map gave half of that, or a third.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hsi_studio.methods.common.discriminant import Discriminant, fit_discriminant, mixture_shares
from hsi_studio.methods.common.kernel_head import labels_say_something
from hsi_studio.methods.live.linear import fit_power, sharpened
from hsi_studio.types import FloatArray, IntArray

MAP_PRIOR, OWN_PRIOR = 4.0, 1.0  # labels that have spoken for the map and for the discriminant beforehand
LEAST = 0.1  # share that is heard
TINY = 1e-12  # of a probability


@dataclass(frozen=True)
class Alone:
    """The discriminant's part in the map."""

    head: Discriminant
    share: float
    power: float
    left_out: FloatArray | None = None  # (M, K) the mixture's probabilities of each label without it

    def beside(self, probabilities: FloatArray, values: FloatArray) -> FloatArray:
        """(m, K) of some pixels with values (m, D): the map's, mixed with the pixels' own."""
        out = probabilities * np.float32(1.0 - self.share)
        out += np.float32(self.share) * self.head.probabilities(values)
        return out if self.power == 1.0 else sharpened(np.maximum(out, np.float32(TINY)), self.power)

    def header(self) -> dict[str, Any]:
        """What a saved model says of it beside the discriminant."""
        return {"share": self.share, "power": self.power}


@dataclass(frozen=True)
class Judged:
    """The discriminant, and what it says of labels that are left out: made once a fit, asked beside several maps."""

    head: Discriminant
    left_out: FloatArray  # (M, K)
    label: IntArray  # (M,)

    def beside(self, left_out: FloatArray, near: bool) -> Alone | None:
        """Its part beside a map with these probabilities (M, K) of left-out labels; None where they do not ask for it.
        `near`: labels lie mostly in one place a class."""
        each = np.arange(self.label.size)
        told = np.bincount(self.label)[self.label] > 1
        own = np.stack([left_out[each, self.label], self.left_out[each, self.label]], axis=1)
        share = float(mixture_shares(own[told], np.array([MAP_PRIOR, OWN_PRIOR]))[1])
        if share < LEAST:
            return None
        mixed = np.asarray((1.0 - share) * left_out + share * self.left_out, dtype=np.float32)
        power = 1.0 if near else fit_power(mixed[told], self.label[told])
        return Alone(self.head, share, power, sharpened(np.maximum(mixed, np.float32(TINY)), power))


def judge(values: FloatArray | None, label: IntArray, classes: int) -> Judged | None:
    """The discriminant of the labels' own values (M, D); None without those, and where no class has two labels."""
    if values is None or not labels_say_something(label):
        return None
    head, left_out = fit_discriminant(values, label, classes)
    return Judged(head, left_out, label)
