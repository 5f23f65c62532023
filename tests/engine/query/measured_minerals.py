"""A scene of patches of measured minerals under soil, as files: for tests and for looking at it in the page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.minerals import NOISE, SENSORS
from hsi_studio.scene.physics.spectra import band_response, grid_nm
from hsi_studio.text.materials.recipes import draw
from hsi_studio.types import FloatArray

PATCH = 20  # pixels a side


def write_patches(folder: Path, measured: dict[str, FloatArray], keys: Sequence[str], sensor: str) -> tuple[Path, Path]:
    """An ENVI cube of reflectance and its class raster (1 … K in the order of `keys`), patches side by side."""
    nm, fwhm = SENSORS[sensor]
    rng = np.random.default_rng(3)
    response = band_response(nm, np.full(nm.size, fwhm))
    side = -(-len(keys) // 2)
    cube = np.zeros((2 * PATCH, side * PATCH, nm.size), np.float32)
    classes = np.zeros(cube.shape[:2], np.uint8)
    for k, key in enumerate(keys):
        n = PATCH * PATCH
        share = np.clip(rng.normal(0.45, 0.08, (n, 1)), 0.3, 0.6)
        rows = measured[key][rng.integers(0, len(measured[key]), n)]
        soil = draw("soil", n)[rng.permutation(n)]
        seen = ((1.0 - share) * rows + share * soil) @ response.T + rng.normal(0.0, NOISE, (n, nm.size))
        at = np.s_[(k // side) * PATCH : (k // side + 1) * PATCH, (k % side) * PATCH : (k % side + 1) * PATCH]
        cube[at] = seen.reshape(PATCH, PATCH, -1)
        classes[at] = k + 1
    image, truth = folder / "patches.img", folder / "truth.img"
    cube.transpose(2, 0, 1).tofile(image)
    classes.tofile(truth)
    size = (
        f"ENVI\nsamples = {cube.shape[1]}\nlines = {cube.shape[0]}\nheader offset = 0\nbyte order = 0\n"
        "interleave = bsq\n"
    )
    waves = ", ".join(f"{one:.1f}" for one in nm)
    image.with_suffix(".hdr").write_text(
        f"{size}bands = {nm.size}\ndata type = 4\nwavelength units = Nanometers\nwavelength = {{{waves}}}\n"
        f"fwhm = {{{', '.join([str(fwhm)] * nm.size)}}}\n"
    )
    names = ", ".join(["Unclassified", *(key.capitalize() for key in keys)])
    lookup = ", ".join(["0, 0, 0", *(f"{30 * k}, {255 - 30 * k}, 90" for k in range(1, len(keys) + 1))])
    truth.with_suffix(".hdr").write_text(
        f"{size}bands = 1\ndata type = 1\nfile type = ENVI Classification\nclasses = {len(keys) + 1}\n"
        f"class names = {{{names}}}\nclass lookup = {{{lookup}}}\n"
    )
    assert grid_nm().size == measured[keys[0]].shape[1]
    return image, truth
