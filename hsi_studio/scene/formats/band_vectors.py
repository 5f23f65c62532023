"""The bands of a container's cube: vectors of wavelengths and widths beside it.

A vector called wavelengths counts where its length is one of the cube's sides; several of them where they are the same
wavelengths, else the one that is a dimension of the cube or is called wavelength and no more. Without one, the only
vector that has a number a band and rises or falls as wavelengths do is taken, with a note.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hsi_studio.scene.formats.variables import FWHM_KEYS, WAVELENGTH_KEYS, Variable, named_like
from hsi_studio.scene.plan import Fact
from hsi_studio.scene.rules import wavelengths
from hsi_studio.scene.rules.axes import COLS, ROWS
from hsi_studio.types import Bands

FARTHEST_NM = 2_600.0  # of a vector that is not called wavelengths


def vector(
    variables: Sequence[Variable], keys: Sequence[str], shape: tuple[int, ...], own: Sequence[str] | None = None
) -> tuple[npt.NDArray[np.float64], Variable, str | None] | None:
    """(numbers, variable, unit) of the one vector with such a name whose length is one of the cube's sides; text
    counts. `own`: the cube's dimensions, of which one may be among several vectors; None = none is preferred."""
    fitting = []
    for v in variables:
        if (
            not named_like(v, keys)
            or 0 in v.shape
            or np.prod(v.shape) != max(v.shape, default=0)
            or max(v.shape) not in shape
        ):
            continue
        if v.numeric:
            scale, offset = (float(np.ravel(part)[0]) for part in (v.scale, v.offset))
            fitting.append((np.asarray(v.load(), dtype=np.float64).ravel() * scale + offset, v, v.unit))
        elif v.dtype.kind in "US":
            texts = np.asarray(v.load()).ravel()
            numbers, unit = wavelengths.from_texts([t.decode() if isinstance(t, bytes) else str(t) for t in texts])
            if numbers is not None:
                fitting.append((numbers, v, v.unit or unit))
    if own is not None and len(fitting) > 1 and not _agree(fitting):
        named = {name.rsplit("/", 1)[-1].lower() for name in own} | {"wavelength", "wavelengths"}
        first = [one for one in fitting if one[1].key in named]
        fitting = first if len(first) == 1 else fitting
    return fitting[0] if len(fitting) == 1 or _agree(fitting) else None


def _agree(
    vectors: Sequence[tuple[npt.NDArray[np.float64], Variable, str | None]],
) -> bool:
    """Several vectors that are the same wavelengths, as in nm and in µm."""
    read = [wavelengths.read(values, _unit(v, unit)).nm for values, v, unit in vectors]
    first = read[0] if read else None
    return first is not None and all(
        nm is not None and nm.shape == first.shape and np.allclose(nm, first, rtol=1e-3) for nm in read
    )


def _unit(variable: Variable, unit: str | None) -> str | None:
    """The unit the file gives, or the one in the name: wl_nm, lambda_um."""
    return unit or {"nm": "nm", "um": "um"}.get(variable.key.rsplit("_", 1)[-1])


def _like_wavelengths(
    variables: Sequence[Variable], shape: tuple[int, ...], n_bands: int
) -> tuple[Variable, str] | None:
    """(the one vector of another name that has a number a band, rising or falling as wavelengths do, a note)."""
    if shape.count(n_bands) != 1:  # it may be of rows or columns
        return None
    found = []
    for v in variables:
        vector = v.numeric and np.prod(v.shape) == max(v.shape, default=0) == n_bands > 4
        if not vector or named_like(v, FWHM_KEYS) or v.key in ROWS + COLS:
            continue
        values = np.asarray(v.load(), dtype=np.float64).ravel() * float(np.ravel(v.scale)[0])
        steps = np.diff(values)
        factor = wavelengths.guess_factor(values) if np.all(np.isfinite(values)) else None
        if factor in (1.0, 1e3) and (np.all(steps > 0) or np.all(steps < 0)) and values.max() * factor <= FARTHEST_NM:
            found.append(v)
    if len(found) != 1:
        return None
    return found[0], (
        f"The wavelengths are “{found[0].name}”: it has a number a band, and they rise or fall as wavelengths do. If "
        "they are none, say --wavelengths none."
    )


def bands_of(
    variables: Sequence[Variable],
    shape: tuple[int, ...],
    n_bands: int,
    waves: tuple[npt.NDArray[np.float64], Variable, str | None] | None,
) -> tuple[Bands, tuple[str, ...], Fact | None]:
    guessed = _like_wavelengths(variables, shape, n_bands) if waves is None else None
    if guessed is not None:
        values = np.asarray(guessed[0].load(), dtype=np.float64).ravel() * float(np.ravel(guessed[0].scale)[0])
        found = wavelengths.read(values, _unit(guessed[0], guessed[0].unit))
        fact = Fact(found.fact.value, "likely", guessed[1])
        return Bands(n_bands, found.nm, None, found.usable), (guessed[1], *found.notes), fact
    if waves is None or waves[0].size != n_bands:
        named = [v for v in variables if v.numeric and named_like(v, WAVELENGTH_KEYS) and len(v.shape) <= 2]
        named = [v for v in named if np.prod(v.shape) == max(v.shape, default=0) > 1]
        fitting = [f"“{v.name}”" for v in named if max(v.shape) == n_bands]
        if len(fitting) > 1 and waves is None:
            listed = ", ".join(fitting[:4])
            return Bands(n_bands), (f"{listed} could all be the wavelengths; none is used (say --wavelengths).",), None
        if len(named) == 1 and waves is None:
            size = max(named[0].shape)
            return Bands(n_bands), (f"“{named[0].name}” has {size} numbers for {n_bands} bands; it is not used.",), None
        return Bands(n_bands), (), None
    width = vector(variables, FWHM_KEYS, shape)
    unit = _unit(waves[1], waves[2])
    same_unit = None if width is None or width[0].size != n_bands else width[0]
    found = wavelengths.read(waves[0], unit, same_unit)
    return Bands(n_bands, found.nm, found.fwhm_nm, found.usable), found.notes, found.fact
