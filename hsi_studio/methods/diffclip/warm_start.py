"""`diffclip`: start a training from another model's encoder, also one trained on another scene with other bands.

What is taken: the shared encoder as it is (its tokens have the network's width, whatever the sensor), the positions of
tokens where both have the same layout, and the first layer of each front end, carried over to the new channels:

1. Bands: the new scene's bands, each scaled robustly on its own scene, are interpolated linearly at the old model's
   wavelengths. Within GAP_NM of a band there is a value; elsewhere 0, the scene's median.
2. The old model's own path leads from there to what its first layer would put out, y = x·Wᵀ (N, D), on a sample of the
   new scene's pixels.
3. The new first layer is the ridge regression of y on the new scene's channels. With the same bands and channels that
   is the old layer itself.

So the old projection acts on the same wavelengths as before, whether channels are bands or components; components of
two scenes are different mixtures of bands and cannot be matched by number. Without wavelengths on both sides, or with
less than MIN_SHARE of the old bands in reach, the first layer starts anew; the second layer and norms are kept.
Label-free: only spectra are looked at. Cost: one read of up to SAMPLE pixels.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hsi_studio.errors import BadRequest
from hsi_studio.features.cache import Arrays
from hsi_studio.methods.contract import State
from hsi_studio.methods.diffclip.inputs import CLIP, Scaling, SceneInputs
from hsi_studio.methods.diffclip.params import DiffClipParams
from hsi_studio.types import FloatArray

SAMPLE = 4000  # pixels
SAMPLE_ROWS = 32
GAP_NM = 60.0  # as wide as the water bands that files leave out, and not wider
MIN_SHARE = 0.5
RIDGE = 1e-3  # of the channels' mean variance
SAME_SIZE = ("width", "depth", "heads")


def warm_encoder(state: State, inputs: SceneInputs, params: DiffClipParams) -> Arrays:
    """Weights for `load_encoder_weights`: of the first member of a fitted `diffclip`.

    Raises BadRequest when the networks have different sizes, with both numbers.
    """
    old = DiffClipParams.model_validate(state.header["params"])
    for name in SAME_SIZE:
        theirs, ours = getattr(old, name), getattr(params, name)
        if theirs != ours:
            raise BadRequest(
                f"The model to start from has {name} {theirs}, this training {ours}: set {name} to {theirs}, or start "
                "from another model."
            )
    prefix = "net.sides.0."
    weights = {name[len(prefix) :]: value for name, value in state.arrays.items() if name.startswith(prefix)}
    kept = {name: value for name, value in weights.items() if name.startswith("encoder.")}
    if (old.tokens, old.patch) != (params.tokens, params.patch):
        del kept["encoder.position"]
    spectral = {name: value for name, value in weights.items() if name.startswith("fronts.0.")}
    kept |= {name: value for name, value in spectral.items() if not name.startswith("fronts.0.first.")}
    weight, bias = spectral["fronts.0.first.weight"], spectral["fronts.0.first.bias"]
    carried = carried_over(weight, bias, Scaling.from_arrays(state.arrays), state.arrays.get("wavelength_nm"), inputs)
    if carried is not None:
        kept["fronts.0.first.weight"], kept["fronts.0.first.bias"] = carried
    channels = inputs.scaling.channels
    heights = {name: value for name, value in weights.items() if name.startswith("fronts.1.")}
    if len(channels) == 2 and heights and heights["fronts.1.first.weight"].shape[1] == channels[1]:
        kept |= heights
    return kept


def carried_over(
    weight: FloatArray, bias: FloatArray, old: Scaling, old_nm: FloatArray | None, inputs: SceneInputs
) -> tuple[FloatArray, FloatArray] | None:
    """(weight (D, C), bias (D,)) for the new scene's channels; None where the bands cannot be matched."""
    match = band_match(old_nm, old.bands, inputs.scene.bands.wavelength_nm, inputs.scaling.bands)
    if match is None:
        return None
    spectra = inputs.scaling.scaled(sample(inputs))  # (n, b)
    own = np.clip(spectra @ inputs.scaling.matrix if inputs.scaling.matrix.size else spectra, -CLIP, CLIP)
    seen = spectra @ match  # (n, b') at the old model's bands
    theirs = np.clip(seen @ old.matrix if old.matrix.size else seen, -CLIP, CLIP)  # (n, C')
    wanted = theirs.astype(np.float64) @ weight.T.astype(np.float64)  # (n, D)
    x, centre, middle = own.astype(np.float64), own.mean(axis=0, dtype=np.float64), wanted.mean(axis=0)
    x = x - centre
    gram = x.T @ x
    gram[np.diag_indices_from(gram)] += RIDGE * max(float(np.trace(gram)) / len(gram), 1e-12)
    solved = np.linalg.solve(gram, x.T @ (wanted - middle))  # (C, D)
    shift = middle - centre @ solved
    return solved.T.astype(np.float32), (bias + shift).astype(np.float32)


def band_match(
    old_nm: FloatArray | None,
    old_bands: npt.NDArray[np.int64],
    new_nm: FloatArray | None,
    new_bands: npt.NDArray[np.int64],
) -> FloatArray | None:
    """(b, b') weights from the new scene's used bands to the old model's, linear in wavelength; columns sum to 1 or 0.

    None: no wavelengths on one side, or too few old bands in reach. Without any wavelengths the same bands match.
    """
    if old_nm is None or new_nm is None:
        if old_nm is None and new_nm is None and np.array_equal(old_bands, new_bands):
            return np.eye(new_bands.size, dtype=np.float32)
        return None
    wanted, have = old_nm[old_bands].astype(np.float64), new_nm[new_bands].astype(np.float64)
    order = np.argsort(have)
    have = have[order]
    right = np.clip(np.searchsorted(have, wanted), 1, max(have.size - 1, 1))
    if have.size < 2:
        return None
    left = right - 1
    span = np.maximum(have[right] - have[left], 1e-6)
    share = np.clip((wanted - have[left]) / span, 0.0, 1.0)
    nearest = np.minimum(np.abs(wanted - have[left]), np.abs(wanted - have[right]))
    reached = nearest <= GAP_NM
    if reached.mean() < MIN_SHARE:
        return None
    match = np.zeros((new_bands.size, old_bands.size), dtype=np.float32)
    columns = np.flatnonzero(reached)
    match[order[left[columns]], columns] = 1.0 - share[columns]
    match[order[right[columns]], columns] += share[columns]
    return match


def sample(inputs: SceneInputs) -> FloatArray:
    """(n, b) spectra of valid pixels in evenly spaced rows."""
    scene, parts = inputs.scene, []
    rows = np.flatnonzero(scene.valid.any(axis=1))
    for row in rows[np.linspace(0, rows.size - 1, min(SAMPLE_ROWS, rows.size)).astype(int)]:
        cols = np.flatnonzero(scene.valid[row])
        spectra = scene.read(slice(int(row), int(row) + 1), slice(0, scene.shape[1]), inputs.scaling.bands.tolist())[0]
        parts.append(spectra[cols[:: max(1, cols.size * SAMPLE_ROWS // SAMPLE)]])
    return np.concatenate(parts)
