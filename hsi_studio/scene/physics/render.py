"""The mixture of table entries, and the one product that turns it into a cube.

Every sub-pixel is a mix of surfaces, every surface a bilinear mix of four entries of its table (`surfaces.py`), and
light scales the result: sun · (1 − d(λ)) · R_sun(λ) + sky · d(λ) · R_sky(λ) with the diffuse fraction d. Only numbers
that do not depend on the wavelength differ between pixels. So the cube is one sparse matrix (pixels × 2V) times one
table (2V × B), and sub-pixels are averaged in the matrix, not in the cube. V table entries, B bands.
Source: linear mixing (J. B. Adams et al. 1986, J. Geophys. Res. 91, 8098).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from hsi_studio.scene.physics.light import Light, Sun, diffuse_fraction
from hsi_studio.scene.physics.spectra import Array, band_response, grid_nm
from hsi_studio.scene.physics.surfaces import NODES, PARAMETERS, Z_LIMIT, Table, tabulate
from hsi_studio.types import FloatArray


@dataclass
class Mixture:
    """Entries of the sparse matrix (pixels × table entries), collected surface by surface."""

    sun: Sun
    tables: dict[str, Table] = field(default_factory=dict)  # in the order of their columns
    rows: list[npt.NDArray[np.int64]] = field(default_factory=list)
    cols: list[npt.NDArray[np.int64]] = field(default_factory=list)
    weight: list[Array] = field(default_factory=list)
    fine: list[npt.NDArray[np.int64]] = field(default_factory=list)  # sub-pixel of each entry, for its light

    def add(
        self, surface: str, fine: npt.NDArray[np.int64], pixel: npt.NDArray[np.int64], z: Array, share: Array
    ) -> None:
        """A surface on sub-pixels `fine` (n,) of pixels `pixel` (n,), with hidden variables z (n, 2), share (n,)."""
        if surface not in self.tables:
            self.tables[surface] = tabulate(surface, self.sun.zenith_deg)
        start = list(self.tables).index(surface) * NODES**2
        position = (np.clip(z, -Z_LIMIT, Z_LIMIT) + Z_LIMIT) / (2 * Z_LIMIT) * (NODES - 1)
        low = np.minimum(position.astype(np.int64), NODES - 2)
        part = position - low
        for up1 in (0, 1):
            for up2 in (0, 1):
                w1 = part[:, 0] if up1 else 1.0 - part[:, 0]
                w2 = part[:, 1] if up2 else 1.0 - part[:, 1]
                self.rows.append(pixel)
                self.cols.append(start + (low[:, 0] + up1) * NODES + low[:, 1] + up2)
                self.weight.append(share * w1 * w2)
                self.fine.append(fine)


def render(
    mixture: Mixture, size: tuple[int, int], light: Light, wavelength_nm: Array, fwhm_nm: Array
) -> tuple[FloatArray, dict[str, FloatArray]]:
    """Cube (H, W, B) before the optics, and the maps (H, W) of the physical parameters in it."""
    from scipy.sparse import csr_matrix

    h, w = size
    rows, cols = np.concatenate(mixture.rows), np.concatenate(mixture.cols)
    weight, fine = np.concatenate(mixture.weight), np.concatenate(mixture.fine)
    tables = list(mixture.tables.values())
    entries = len(tables) * NODES**2
    diffuse = diffuse_fraction(grid_nm())
    sun = np.vstack([table.sun for table in tables]) * (1.0 - diffuse)  # (V, L)
    sky = np.vstack([table.sky for table in tables]) * diffuse
    spectra = np.vstack([sun, sky]) @ band_response(wavelength_nm, fwhm_nm).T  # (2V, L) → (2V, B)

    both = np.concatenate([weight * light.sun.ravel()[fine], weight * light.sky.ravel()[fine]]).astype(np.float32)
    where = (np.concatenate([rows, rows]), np.concatenate([cols, cols + entries]))
    matrix = csr_matrix((both, where), shape=(h * w, 2 * entries))
    cube = np.asarray(matrix @ spectra.astype(np.float32)).reshape(h, w, -1)  # (H·W, B) → (H, W, B)

    shares = csr_matrix((weight, (rows, cols)), shape=(h * w, entries))
    lai, chlorophyll, moisture = (np.concatenate([t.parameters[name] for t in tables]) for name in PARAMETERS)
    leafy = np.asarray(shares @ lai)
    maps = {
        "lai": leafy,
        "chlorophyll_ug_cm2": np.asarray(shares @ (lai * chlorophyll)) / np.maximum(leafy, 1e-6),
        "soil_moisture": np.asarray(shares @ moisture),
    }
    return cube, {name: value.reshape(h, w).astype(np.float32) for name, value in maps.items()}
