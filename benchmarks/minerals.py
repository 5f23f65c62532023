"""How the bank's minerals are told from each other on spectra that others measured.

    python -m benchmarks.minerals --data FOLDER

FOLDER holds `spectral_libraries/usgs_minerals_wiser` (USGS Digital Spectral Library, R. N. Clark et al., 1993 and 2003:
powders and crystals in a laboratory). Each pixel is one of its spectra as a sensor's bands see it, 30 to 60 % of it
covered by soil of the bank, with noise; what it is likeliest to be, of all minerals, soil and rock, is told by the
classifier of the map without a click (`engine/query/material_classes.py`). As many pixels of each mineral, whatever
number of spectra it has. Spectra of stated mixtures are left out. The bank was made without these spectra.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from benchmarks.common import exit_code, make_parser
from hsi_studio.engine.query.material_classes import posteriors
from hsi_studio.engine.query.spectral_view import Windows, windows_of
from hsi_studio.features.measures import Axis
from hsi_studio.scene.library import read_library
from hsi_studio.scene.physics.spectra import grid_nm
from hsi_studio.text.materials.minerals import MINERALS
from hsi_studio.text.materials.names import Meant
from hsi_studio.text.materials.recipes import draw
from hsi_studio.types import FloatArray

LIBRARY = "spectral_libraries/usgs_minerals_wiser/USGS_Mineral_Spectral_Library.sli"
CALLED = {  # first words of the library's names, where it has others than the bank's
    "muscovite": ("Muscovite", "Illite"),
    "chlorite": ("Chlorite", "Clinochlore", "Clinochlore_Fe"),
    "serpentine": ("Serpentine", "Antigorite", "Lizardite", "Chrysotile"),
    "amphibole": ("Actinolite", "Tremolite", "Hornblende", "Hornblende_Mg", "Hornblende_Fe"),
    "chalcedony": ("Chalcedony", "Opal"),
}
OTHERS = ("soil", "rock")
SENSORS = {  # centres, nm; full width at half maximum, nm
    "AVIRIS, 10 nm": (np.arange(400.0, 2500.0, 9.8), 10.0),
    "EnMAP, 6.5 and 10 nm": (np.concatenate([np.arange(420.0, 1000.0, 6.5), np.arange(1000.0, 2446.0, 10.0)]), 9.0),
    "no infrared beyond 1000 nm": (np.arange(400.0, 1000.0, 5.0), 5.0),
}
NOISE = 0.004
A_MINERAL, DRAWS = 60, 300


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__)
    parser.add_argument("--data", required=True)
    args = parser.parse_args(argv)

    def run() -> int:
        measured = spectra(Path(args.data) / LIBRARY)
        for title in SENSORS:
            print(report(title, confusion(measured, title)), flush=True)
        return 0

    return exit_code(run)


def spectra(path: Path) -> dict[str, FloatArray]:
    """Mineral → (n, L) measured reflectance on the bank's wavelengths. Raises CorruptFile, UnknownFormat."""
    library = read_library(path)
    out: dict[str, list[FloatArray]] = {key: [] for key in MINERALS}
    for name, values in zip(library.names, library.reflectance, strict=True):
        first = name.split(".spc ")[-1].split()[0]
        for key in MINERALS:
            if first in CALLED.get(key, (key.capitalize(),)):
                good = np.isfinite(values) & (values > 0)
                out[key].append(np.interp(grid_nm(), library.wavelength_nm[good], values[good]))
    return {key: np.array(rows, dtype=np.float32) for key, rows in out.items() if rows}


def windows(title: str) -> Windows:
    nm, fwhm = SENSORS[title]
    axis = Axis(nm.astype(np.float32), np.ones(nm.size, dtype=bool))
    return windows_of(axis, np.full(nm.size, fwhm, np.float32), fine=True)


def confusion(measured: Mapping[str, FloatArray], title: str, seed: int = 0) -> dict[str, dict[str, float]]:
    """Mineral → share of its pixels that come out as each material."""
    seen, rng = windows(title), np.random.default_rng(seed)
    keys = [*measured, *OTHERS]
    bank = {key: (draw(key, DRAWS) @ seen.response.T).astype(np.float32) for key in keys}
    clean = np.concatenate([ground(rows, rng) for rows in measured.values()]) @ seen.response.T
    pixels: FloatArray = (clean + rng.normal(0.0, NOISE, clean.shape)).astype(np.float32)
    classes = [Meant(key, ({key: 1.0},), True) for key in keys]
    best = posteriors(bank, classes, pixels, seen.centre_nm, True).argmax(axis=1).reshape(len(measured), A_MINERAL)
    return {
        key: {keys[k]: float((row == k).mean()) for k in np.unique(row)}
        for key, row in zip(measured, best, strict=True)
    }


def ground(rows: FloatArray, rng: np.random.Generator) -> FloatArray:
    """(A_MINERAL, L) pixels of a mineral under soil."""
    soil = draw("soil", A_MINERAL)[rng.permutation(A_MINERAL)]
    share = rng.uniform(0.3, 0.6, (A_MINERAL, 1))
    return np.asarray((1.0 - share) * rows[rng.integers(0, len(rows), A_MINERAL)] + share * soil, dtype=np.float32)


def right(found: Mapping[str, Mapping[str, float]]) -> float:
    """Mean over minerals of the share that is told right."""
    return float(np.mean([row.get(key, 0.0) for key, row in found.items()]))


def report(title: str, found: Mapping[str, Mapping[str, float]]) -> str:
    lines = [f"{title}: {100 * right(found):.0f} % of pixels are told right", ""]
    lines += ["| mineral | right | taken for |", "|---|---|---|"]
    for key, row in found.items():
        others = sorted(((v, k) for k, v in row.items() if k != key and v >= 0.05), reverse=True)
        taken = ", ".join(f"{k} {100 * v:.0f}" for v, k in others[:4])
        lines.append(f"| {key} | {100 * row.get(key, 0.0):.0f} | {taken} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.exit(main())
