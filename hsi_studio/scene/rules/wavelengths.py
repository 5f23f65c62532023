"""What the wavelengths are: a file's numbers → nanometres.

The rule:
1. a unit the file states is believed when the numbers can be wavelengths in it (0.15–30 µm, the optical range of
   imaging sensors); otherwise the unit of their size is taken and the contradiction noted;
2. without a unit the size tells: the range has no overlap between metres, centimetres, micrometres and nanometres.
   Numbers from 3,000 on may be Ångström, nanometres of the thermal infrared or wavenumbers: that is asked;
3. band numbers are no wavelengths: 1, 2, 3 …, up or down, whole numbers without a unit that would be micrometres (10,
   11, 12 … or 1, 3, 5 …: no imaging sensor has bands at whole micrometres only), one number for all bands, or a unit
   that says so (Index, Band, Pixel);
4. a band at 0 among others that are optical (a panchromatic band, written so by Cubert) is kept and left out of use;
5. names of bands count when every one has a number with a unit ("band 12 (556,3 nm)", decimal comma or point; of
   "450-460 nm" the middle), or one
   number each that rises and is optical and is no band number (Band_503, Band_510 …): noted;
6. widths are in the wavelengths' unit where they can be (0.02 nm to half of the wavelength), else in nm or µm where
   that fits: noted. Widths that fit nowhere are not used.

Stated nanometres beyond 3,000 are believed (thermal infrared), with a note where they would be 300–2,600 nm in
Ångström.

Wavenumbers (1/cm) and frequencies (Hz to THz) are converted; wavenumbers that would be wavelengths of a sensor of
reflected light as well, as 400–1000, are believed with a note.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hsi_studio.scene.plan import Fact
from hsi_studio.types import BoolArray, FloatArray

TO_NM = {
    "nm": 1.0, "nanometer": 1.0, "nanometers": 1.0, "nanometre": 1.0, "nanometres": 1.0,
    "um": 1e3, "micrometer": 1e3, "micrometers": 1e3, "micrometre": 1e3, "micrometres": 1e3,
    "micron": 1e3, "microns": 1e3,
    "mm": 1e6, "millimeter": 1e6, "millimeters": 1e6, "millimetre": 1e6, "millimetres": 1e6,
    "cm": 1e7, "centimeter": 1e7, "centimeters": 1e7, "centimetre": 1e7, "centimetres": 1e7,
    "m": 1e9, "meter": 1e9, "meters": 1e9, "metre": 1e9, "metres": 1e9,
    "angstrom": 0.1, "angstroms": 0.1, "å": 0.1, "ångström": 0.1, "ångströms": 0.1, "a": 0.1,
}  # fmt: skip
INVERSE = {  # nm = number / value
    "wavenumber": 1e7, "wavenumbers": 1e7, "1/cm": 1e7, "cm-1": 1e7, "cm^-1": 1e7, "cm⁻¹": 1e7,
    "thz": 299_792.458, "ghz": 299_792_458.0, "mhz": 299_792_458e3, "hz": 299_792_458e9,
}  # fmt: skip
NO_UNIT = {"index", "indices", "band", "bands", "band number", "band numbers", "number", "pixel", "pixels", "channel"}
SILENT = {"", "unknown", "none", "null", "n/a", "na", "-", "1", "unitless", "dimensionless", "undefined", "default"}
NAMES = {1.0: "nanometres", 1e3: "micrometres", 1e6: "millimetres", 1e7: "centimetres", 1e9: "metres", 0.1: "Ångström"}
LOWEST_NM, HIGHEST_NM = 150.0, 30_000.0
LONGEST_SOLAR = 2_600.0  # nm, of sensors of reflected light
LOWEST_SOLAR = 350.0
NARROWEST_NM = 0.02
THERMAL_UNITS = ("nm", "nanometer", "nanometers", "nanometre", "nanometres")
ASKED_FROM = 3_000.0  # numbers without a unit that may be Ångström, nanometres or wavenumbers


@dataclass(frozen=True)
class Wavelengths:
    """`nm` and `fwhm_nm` (B,) or None. `usable`: bands left out by the rule, None = all stay. `fact` is for the
    plan."""

    nm: FloatArray | None
    fwhm_nm: FloatArray | None
    notes: tuple[str, ...]
    fact: Fact
    usable: BoolArray | None = None


def _spelled(unit: str | None) -> str:
    text = (unit or "").strip().strip("[]()").lower().replace("µ", "u").replace("μ", "u").rstrip(".")
    return text.split("(")[0].strip() if "(" in text else text


def _convert(values: npt.NDArray[np.float64], unit: str) -> npt.NDArray[np.float64] | None:
    """To nm; None for a unit that is not known."""
    if unit in INVERSE or unit.startswith("wavenumber"):
        with np.errstate(divide="ignore"):
            return INVERSE.get(unit, 1e7) / values
    factor = TO_NM.get(unit)
    return None if factor is None else values * factor


def optical(nm: npt.NDArray[np.float64]) -> bool:
    """Can all of these be wavelengths of an imaging sensor, in nm?"""
    return bool(nm.size and np.all(np.isfinite(nm)) and nm.min() >= LOWEST_NM and nm.max() <= HIGHEST_NM)


def band_numbers(values: npt.NDArray[np.float64]) -> bool:
    """1, 2, 3 … or 0, 1, 2 …: consecutive whole numbers from the beginning, up or down."""
    counted = values[::-1] if values.size > 1 and values[0] > values[-1] else values
    return bool(values.size > 1 and counted[0] in (0, 1) and np.all(np.diff(counted) == 1))


def guess_factor(values: npt.NDArray[np.float64]) -> float | None:
    """Factor to nm by size; None when the numbers are not optical wavelengths (band numbers, indices)."""
    if band_numbers(values) or (values.size > 1 and np.all(values == values[0])):
        return None
    counted = values.size > 2 and bool(np.all(values == np.round(values)))
    factors = (1.0, 1e7, 1e9) if counted else (1.0, 1e3, 1e7, 1e9)
    return next((factor for factor in factors if optical(values * factor)), None)


def read(
    values: Sequence[float] | npt.NDArray[Any],
    unit: str | None = None,
    widths: npt.NDArray[Any] | None = None,
) -> Wavelengths:
    """The rule of this module on a list of numbers. `widths` are in the same unit as `values`."""
    centre = np.asarray(values, dtype=np.float64).ravel()
    width = None if widths is None else np.asarray(widths, dtype=np.float64).ravel()
    if width is not None and (width.size != centre.size or not np.all(np.isfinite(width))):
        width = None
    if centre.size == 0 or not np.all(np.isfinite(centre)):
        return _none("The wavelengths have gaps and are not used; bands are addressed by number.")
    said, spelled = (unit or "").strip(), _spelled(unit)
    zero = centre == 0
    some = centre[~zero] if zero.any() and zero.mean() < 0.2 else centre  # rule 4
    if centre.size > 1 and np.all(centre == centre[0]):
        return _none(f"The file's wavelengths are all {centre[0]:g} and are not used; bands are addressed by number.")
    if spelled in NO_UNIT or band_numbers(centre):
        return _none(f"The file's wavelengths are band numbers ({centre[0]:g}, {centre[-1]:g}): bands go by number.")
    nm = _convert(some, spelled)
    notes: list[str] = []
    choices: tuple[str, ...] = ()
    sure, reason = "certain", f"The file gives them in {said}."
    if nm is None or not optical(nm):
        factor = guess_factor(some)
        if factor is None:
            gave = f"are in “{said}”" if spelled not in SILENT else "have no unit"
            return _none(
                f"The wavelengths ({centre.min():g}–{centre.max():g}) {gave} and cannot be wavelengths of an image; "
                "bands are addressed by number."
            )
        spelled = {1.0: "nm", 1e3: "um", 1e7: "cm", 1e9: "m"}[factor]
        sure = "likely"
        if nm is not None:
            reason = (
                f"The file says its wavelengths are in “{said}”, but {some.min():g}–{some.max():g} cannot be that; "
                f"they are read as {NAMES[factor]}."
            )
        elif factor == 1.0 and some.min() >= ASKED_FROM:
            sure, choices = "guess", ("nm", "angstrom", "wavenumber")
            reason = (
                f"its wavelengths ({some.min():g}–{some.max():g}) have no unit and may be nm, Ångström or wavenumbers"
            )
        else:
            reason = f"The file gives wavelengths without a unit; by their size they are {NAMES[factor]}."
        if sure == "likely":
            notes.append(reason)
    full = np.zeros(centre.size)
    converted = _convert(some, spelled)
    assert converted is not None
    usable = None
    if some.size < centre.size:
        full[~zero] = converted
        usable = ~zero
        notes.append(
            f"{int(zero.sum())} of {centre.size} bands have the wavelength 0 (panchromatic?) and are left out."
        )
    else:
        full = converted
    wide = None
    if width is not None:
        wide, told = _widths(width, centre, full)
        notes += [told] if told else []
    if sure == "certain" and spelled in THERMAL_UNITS and some.min() >= ASKED_FROM and some.max() <= 10 * LONGEST_SOLAR:
        sure = "likely"
        notes.append(
            f"{some.min():g}–{some.max():g} nm, as the file says, is thermal infrared; if the numbers are Ångström "
            f"({some.min() / 10:.0f}–{some.max() / 10:.0f} nm), say so with --unit angstrom."
        )
    if (
        sure == "certain"
        and (spelled in INVERSE or spelled.startswith("wavenumber"))
        and (some.min() >= LOWEST_SOLAR and some.max() <= LONGEST_SOLAR and full[~zero].min() > LONGEST_SOLAR)
    ):
        notes.append(
            f"{some.min():g}–{some.max():g} in “{said}”, as the file says, is {full[~zero].min() / 1000:.3g}–"
            f"{full[~zero].max() / 1000:.3g} µm, thermal infrared; if the numbers are nm, say so with --unit nm."
        )
    if full.size > 2 and usable is None and not (np.all(np.diff(full) >= 0) or np.all(np.diff(full) <= 0)):
        notes.append("The wavelengths are not in order (overlapping detectors?); bands keep the file's order.")
    fact = Fact([float(round(v, 3)) for v in full[[0, -1]]], sure, reason, choices)  # type: ignore[arg-type]
    return Wavelengths(full.astype(np.float32), wide, tuple(notes), fact, usable)


def _widths(
    width: npt.NDArray[np.float64], centre: npt.NDArray[np.float64], nm: npt.NDArray[np.float64]
) -> tuple[FloatArray | None, str]:
    """Rule 6: (widths in nm (B,), note); 0 stays 0, as of bands that are not there."""
    ratio = np.divide(nm, centre, out=np.zeros(centre.size), where=centre != 0)  # the same for every linear unit
    given = ratio * width
    if not (width > 0).any() or _may_be_widths(given, nm):
        return given.astype(np.float32), ""
    for factor in (1.0, 1e3):
        if _may_be_widths(width * factor, nm):
            return (width * factor).astype(np.float32), (
                f"The widths of the bands ({width.min():g}–{width.max():g}) cannot be in the unit of the wavelengths; "
                f"they are read as {NAMES[factor]}."
            )
    return None, f"The widths of the bands ({width.min():g}–{width.max():g}) cannot be widths; they are not used."


def _may_be_widths(wide: npt.NDArray[np.float64], nm: npt.NDArray[np.float64]) -> bool:
    there = (wide != 0) & (nm > 0)
    return bool(there.any() and np.all(wide[there] >= NARROWEST_NM) and np.all(wide[there] <= nm[there] / 2))


def _none(note: str) -> Wavelengths:
    return Wavelengths(None, None, (note,), Fact(None, "likely", note))


def to_nm(
    values: Sequence[float] | npt.NDArray[Any], unit: str | None = None, widths: npt.NDArray[Any] | None = None
) -> tuple[FloatArray | None, FloatArray | None, tuple[str, ...]]:
    """(wavelength_nm (B,), fwhm_nm (B,) or None, notes). (None, None, notes) when they are not wavelengths."""
    found = read(values, unit, widths)
    return found.nm, found.fwhm_nm, found.notes


# ── wavelengths as text ─────────────────────────────────────────────────────────────────────────────

NUMBER = r"\d+(?:[.,]\d+)*"
BLANKS = "\u00a0\u202f\u2009"  # between thousands wherever they stand; a plain blank at the beginning of a name only
GROUPED = re.compile(rf"(?<=\d)[{BLANKS}](?=\d{{3}}(?!\d))|(?<=^\d) (?=\d{{3}}(?!\d))|(?<=^\d\d) (?=\d{{3}}(?!\d))")
WITH_UNIT = re.compile(
    rf"(?<![\d.,])({NUMBER})[\s_]*(nm|nanomet\w*|um|µm|μm|micromet\w*|microns?|å|angstr\w*)(?![a-z])", re.IGNORECASE
)
RANGE = re.compile(rf"(?<![\d.,])({NUMBER})\s*(?:-|–|…|\.\.+|to)\s*$")
TOLERANCE = re.compile(rf"(?:±|\+\s*/?\s*-)\s*{NUMBER}")  # "450 ± 5 nm": the second number is a width
BARE = re.compile(rf"(?<![\d.,])({NUMBER})(?![\d.,]*\d)")


def number(text: str) -> float | None:
    """ "450.5", "450,5", "1,450.0" and "1.450,0" as numbers; None when it is none."""
    text = text.strip()
    if "," in text and "." in text:
        thousands = "," if text.rfind(".") > text.rfind(",") else "."
        text = text.replace(thousands, "")
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None


def from_texts(texts: Sequence[str]) -> tuple[npt.NDArray[np.float64] | None, str | None]:
    """(numbers, unit) of wavelengths that a file holds as text ("450.0 nm"); (None, None) unless all are numbers."""
    found, units = [], set()
    for text in texts:
        match = WITH_UNIT.search(text)
        value = number(match.group(1) if match else text.strip("\"' "))
        if value is None:
            return None, None
        found.append(value)
        units.add(_short(match.group(2)) if match else "")
    return np.asarray(found, dtype=np.float64), (units.pop() or None) if len(units) == 1 else None


def _short(unit: str) -> str:
    first = unit.lower()[0]
    return "nm" if first == "n" else "angstrom" if first in "aå" else "um"


def from_band_names(names: Sequence[str | None]) -> tuple[FloatArray | None, tuple[str, ...]]:
    """Wavelengths written in band names, by rule 5; None when they are not in every name."""
    if not names:
        return None, ()
    names = [TOLERANCE.sub("", name or "") for name in _without_blanks(names)]
    found = []
    for name in names:
        match = WITH_UNIT.search(name or "")
        value = None if match is None else number(match.group(1))
        if match is None or value is None:
            return _bare_numbers(names)
        lower = RANGE.search((name or "")[: match.start(1)])
        low = None if lower is None else number(lower.group(1))
        if low is not None and 0 < value - low < 0.2 * value:
            value = (low + value) / 2
        found.append(value * TO_NM[_short(match.group(2))])
    nm = np.asarray(found)
    if not optical(nm):
        return None, (f"The band names give wavelengths of {nm.min():g}–{nm.max():g} nm, which cannot be; not used.",)
    return nm.astype(np.float32), ("The wavelengths are taken from the band names.",)


def _without_blanks(names: Sequence[str | None]) -> Sequence[str | None]:
    """Names without the blanks that group thousands ("1 450 nm"); "1 450 nm", "2 460 nm" … are numbers of bands."""
    closed = [GROUPED.sub("", name or "") for name in names]
    firsts = [(name or "").split(" ")[0] for name, other in zip(names, closed, strict=True) if name != other]
    numbered = len(firsts) > 1 and len(set(firsts)) == len(firsts) and all(text.isdigit() for text in firsts)
    return names if numbered else closed


def _bare_numbers(names: Sequence[str | None]) -> tuple[FloatArray | None, tuple[str, ...]]:
    """One number a name, without a unit; where there are two, the one that is not the band's number."""
    if len(names) < 3:
        return None, ()
    rows = [[number(text) for text in BARE.findall(name or "")] for name in names]
    width = min(len(row) for row in rows)
    if width == 0 or width != max(len(row) for row in rows) or width > 2:
        return None, ()
    for column in reversed(range(width)):
        values = np.array([row[column] for row in rows], dtype=np.float64)
        step = np.diff(values)
        if not np.all(step > 0) or np.all(step == 1):  # equal steps of 1 count bands, wherever they begin
            continue
        factor = guess_factor(values)
        if factor in (1.0, 1e3) and values.max() * (factor or 1) <= ASKED_FROM:
            note = f"The wavelengths are taken from the numbers in the band names ({values[0]:g}, {values[1]:g} …), "
            return (values * (factor or 1)).astype(np.float32), (note + f"read as {NAMES[factor or 1.0]}.",)
    return None, ()
