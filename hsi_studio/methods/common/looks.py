"""How much a pixel by itself counts beside its window, learned from the labels alone.

Networks that look twice, at windows and at pixels without them, map by a mixture of both: (1 − s) of what the windows
say and s of what the pixels say. Which is right depends on the scene: with 20 labels a class windows alone are two
points better than the mean of both on fields, and four points worse in a town, where a window holds many classes. A
network cannot be asked: it knows its own labels by heart. So a closed-form head is asked in its place, once on the
labels' own spectra and once on the means of their windows: what each says of a label that was left out (exact
leave-one-out, `kernel_head.py`).
s makes those labels most likely as a mixture of the two, with a prior at one half that weighs `PRIOR` labels on either
side. With one label a class nothing can be left out, and s is one half.
The same s weighs the two in a training's loss: `diffclip`, which had learned both alike, lost one to two points on
fields by what it learned of pixels.

Source: ours; a mixture of two experts with a beta prior on its weight.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hsi_studio.methods.common.kernel_head import (
    RIDGES,
    Float64Array,
    calibrate,
    kernel,
    labels_say_something,
    softmax,
    solve,
    thin,
)
from hsi_studio.types import FloatArray

HALF, SHARE = 0.5, "share of pixels"  # the share where nothing is known; its name in what a training says
PRIOR = 8.0
WIDTHS = (0.25, 0.5, 1.0, 2.0)  # of the kernel, in units of the features' dimension
MOST = 512  # labels that are asked: small classes whole, of large ones as many each


def share_of_pixels(pixel: FloatArray, window: FloatArray, label: npt.NDArray[np.int64], classes: int) -> float:
    """s in 0 … 1 from features (N, C) of labelled pixels, means (N, C) of their windows, and labels (N,) in 0 … K−1."""
    if not labels_say_something(label):
        return HALF
    asked = thin(label, MOST)
    own, around = (left_out(values[asked], label[asked], classes) for values in (pixel, window))
    return weight(own, around)


def said(share: float | None) -> tuple[str, ...]:
    """For people, where a share was learned."""
    if share is None or share in (0.0, HALF):
        return ()
    own = round(100 * share)
    return (
        f"Pixels by themselves count {own} %, their windows {100 - own} %: by how well each tells left-out labels.",
    )


def left_out(features: FloatArray, label: npt.NDArray[np.int64], classes: int) -> Float64Array:
    """(n,) probabilities of the labels whose class has another, each by the best kernel's fit to all others."""
    x = (features / max(float(features.std(axis=0).mean()), 1e-9)).astype(np.float32)
    grams = [kernel(x, x, 1 / (2 * width * x.shape[1])).astype(np.float64) for width in WIDTHS]
    heads = [solve(gram, label, classes, ridge) for gram in grams for ridge in RIDGES]
    sharpness = [calibrate(head) for head in heads]  # (temperature, loss)
    best = int(np.argmin([loss for _, loss in sharpness]))
    found = softmax(heads[best].left_out_scores(), sharpness[best][0])
    asked = np.bincount(label, minlength=classes)[label] > 1
    return np.asarray(found[np.arange(label.size), label][asked], dtype=np.float64)


def weight(own: Float64Array, around: Float64Array) -> float:
    """The s that makes labels most likely, to which pixels give `own` (n,) and windows `around` (n,)."""
    from scipy.optimize import minimize_scalar

    def loss(s: float) -> float:
        mixed = np.log((1 - s) * around + s * own + 1e-9).sum()
        return -float(mixed + PRIOR * (np.log(s) + np.log1p(-s)))

    return float(minimize_scalar(loss, bounds=(1e-3, 1 - 1e-3), method="bounded").x)
