"""Measured spectra of built and bare materials by group, on the bank's wavelengths: earthlib (`scene/library.py`).

The urban part was measured in Santa Barbara (M. Herold et al., 2004, doi:10.1016/j.rse.2004.02.013), soils come from
ICRAF-ISRIC. Simulated canopies are left out: plants come from this program's physics. Without the package the bank is
physics alone, and towns are told less well. Gaps of the library (the vapour bands) are bridged by straight lines: no
window lies there.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from hsi_studio.scene.library import earth_folder, earth_library
from hsi_studio.scene.physics.spectra import Array, grid_nm

MOST = 600  # spectra of a group; of 4,185 soils these are enough


@lru_cache(maxsize=1)
def measured_spectra() -> dict[str, Array]:
    """Group ("road", "comp shingle", "built: gravel") → (n, L) reflectance on `grid_nm()`; {} without earthlib.

    Raises CorruptFile.
    """
    if earth_folder() is None:
        return {}
    library = earth_library()
    values = library.reflectance
    good = np.isfinite(values).all(axis=1) & (values.max(axis=1) > 0.005) & (values.max(axis=1) < 1.5)
    kinds = np.array(library.kinds)
    out: dict[str, Array] = {}
    for kind in sorted(set(library.kinds)):
        own = np.flatnonzero(good & (kinds == kind) & library.measured)
        own = own[:: max(1, own.size // MOST)]
        if own.size:
            name = kind if kind.endswith("gravel") else kind.rpartition(": ")[2]
            out[name] = np.stack([np.interp(grid_nm(), library.wavelength_nm, values[k]) for k in own])
    return out
