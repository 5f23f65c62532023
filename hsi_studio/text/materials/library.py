"""Measured spectra of built and bare materials: the package `earthlib`, where it is installed.

Source: C. B. Anderson, earthlib (MIT), which collects 888 urban spectra of Santa Barbara (M. Herold, D. A. Roberts et
al., 2004, doi:10.1016/j.rse.2004.02.013), soils of ICRAF-ISRIC (2010), and spectra of USGS and the Joint Fire Science
Program; 400–2450 nm at 10 nm, without the vapour bands. Its two data files are read as they are: the package itself is
not imported (it would load pandas). Without it the bank uses this program's physics alone, and towns are told less well.
"""

from __future__ import annotations

import csv
import re
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from hsi_studio.errors import FileProblem
from hsi_studio.scene.physics.spectra import Array, grid_nm

SAMPLES = re.compile(r"wavelength\s*=\s*\{([^}]*)\}")


def library_folder() -> Path | None:
    """Where the spectra lie; None without the package."""
    found = find_spec("earthlib")
    if found is None or not found.submodule_search_locations:
        return None
    folder = Path(next(iter(found.submodule_search_locations))) / "data"
    return folder if (folder / "spectra.sli").is_file() else None


@lru_cache(maxsize=1)
def measured_spectra() -> dict[str, Array]:
    """Group ("road", "comp_shingle", "soil", …) → (n, L) reflectance on `grid_nm()`; {} without the package.

    Raises FileProblem when its files do not belong together.
    """
    folder = library_folder()
    if folder is None:
        return {}
    header = (folder / "spectra.sli.hdr").read_text(encoding="utf-8", errors="replace")
    told = SAMPLES.search(header)
    centres = np.array([float(v) for v in told[1].split(",")]) * 1000.0 if told else np.zeros(0)
    with (folder / "spectra.csv").open(encoding="utf-8", newline="") as file:
        groups = np.array([(row["LEVEL_3"], row["LEVEL_2"]) for row in csv.DictReader(file)])
    values = np.fromfile(folder / "spectra.sli", dtype="<f4")
    if not centres.size or values.size != len(groups) * centres.size:
        raise FileProblem(
            folder / "spectra.sli",
            f"it holds {values.size:,} numbers, not {len(groups):,} spectra of {centres.size} bands",
            "Install earthlib again",
        )
    spectra = values.reshape(len(groups), centres.size).astype(np.float64)
    good = np.isfinite(spectra).all(axis=1) & (spectra.max(axis=1) > 0.005) & (spectra.max(axis=1) < 1.5)
    out: dict[str, Array] = {}
    for name, kind in sorted({(str(a), str(b)) for a, b in groups}):
        if kind == "vegetation":
            continue
        own = np.flatnonzero(good & (groups[:, 0] == name) & (groups[:, 1] == kind))
        own = own[:: max(1, own.size // 600)]  # of 4,185 soils 600 are enough
        lines = np.stack([np.interp(grid_nm(), centres, spectra[k]) for k in own]) if own.size else None
        if lines is not None:
            out[f"{kind}/{name}" if name == "gravel" else name] = lines
    return out
