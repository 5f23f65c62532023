"""Libraries of measured spectra as plain arrays: the one that comes with `earthlib`, and the user's own files.

- `earth_library()`: 7,261 reflectance spectra of vegetation, soil, built and burned surfaces, 400–2450 nm in 10-nm
  bands without the two water windows (C. Anderson, earthlib, MIT, https://github.com/earth-chris/earthlib). 2,000 of
  them are simulated canopies (PROSAIL), which `measured` says. The files are read straight from the installed package:
  importing it takes a second (pandas, spectral) and brings nothing that is needed here.
- `read_library(path)`: an ENVI spectral library (.sli with its .hdr) or a table (.csv: the first column wavelengths,
  one column a spectrum, names in the first row).

`resampled` brings a library to a sensor's bands. A band that the library does not reach is NaN, never extrapolated, and
gaps (the water windows) are not bridged.

Notation: N spectra, L wavelengths of the library, B bands of the sensor. Reflectance is a fraction.
"""

from __future__ import annotations

import csv
import importlib.util
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hsi_studio.errors import BadValues, CorruptFile, FileProblem, UnknownFormat
from hsi_studio.humanize import counted
from hsi_studio.scene.formats.envi_header import described_bytes, read_header
from hsi_studio.scene.rules.data_file import data_of, header_of
from hsi_studio.types import Bands, BoolArray, FloatArray

EARTH = "earthlib"
EARTH_CITATION = "C. Anderson, earthlib: a global spectral library, https://github.com/earth-chris/earthlib"
EARTH_LICENCE = "MIT"
LARGEST_BYTES = 256 * 2**20  # of a user's library
GAP = 3.0  # two wavelengths further apart than this many of the library's steps have nothing between them
SIGMA_PER_FWHM = 1.0 / (2.0 * np.sqrt(2.0 * np.log(2.0)))
REACH = 0.9  # share of a band's response that has to lie where the library has values


@dataclass(frozen=True)
class SpectralLibrary:
    """N spectra on one axis. `kinds` are groups to look under, "" where the file names none."""

    title: str
    wavelength_nm: FloatArray  # (L,) rising
    reflectance: FloatArray  # (N, L) fractions; NaN where a file has a gap
    names: tuple[str, ...]  # N
    kinds: tuple[str, ...]  # N: "vegetation: canopy"
    sources: tuple[str, ...]  # N: who measured it
    measured: BoolArray  # (N,) False: simulated
    citation: str = ""
    licence: str = ""
    notes: tuple[str, ...] = ()  # what was assumed in reading

    def __len__(self) -> int:
        return len(self.names)


def earth_folder() -> Path | None:
    """Where the installed `earthlib` keeps its spectra; None without the package. Does not import it."""
    found = importlib.util.find_spec(EARTH)
    places = [] if found is None else [Path(place) / "data" for place in found.submodule_search_locations or []]
    return next((place for place in places if (place / "spectra.sli").is_file()), None)


@lru_cache(maxsize=1)
def earth_library() -> SpectralLibrary:
    """The spectra of `earthlib`. Raises FileProblem when it is not installed, CorruptFile when its files do not fit."""
    folder = earth_folder()
    if folder is None:
        raise FileProblem(EARTH, "the library of spectra is not installed", "Install it: pip install earthlib")
    path = folder / "spectra.sli"
    library = _envi(path)
    with (folder / "spectra.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if len(rows) != len(library):
        raise CorruptFile(path, f"{len(library)} spectra and {len(rows)} descriptions", "Install earthlib again")
    return replace(
        library,
        title="Earth library",
        names=tuple(row["NAME"].strip() for row in rows),
        kinds=tuple(_kind(row) for row in rows),
        sources=tuple(row["SOURCE"].strip() for row in rows),
        measured=np.array([row["LEVEL_4"] == "measured" for row in rows], dtype=bool),
        citation=EARTH_CITATION,
        licence=EARTH_LICENCE,
    )


def _kind(row: dict[str, str]) -> str:
    inner = row["LEVEL_3"].replace("_", " ").strip()
    outer = row["LEVEL_2"].strip()
    outer = "dry vegetation" if outer == "npv" else outer
    return outer if inner in ("", outer) else f"{outer}: {inner}"


def read_library(path: Path) -> SpectralLibrary:
    """A user's library. Raises FileProblem (and what derives from it) saying what is wrong with the file."""
    path = Path(path)
    if not path.is_file():
        raise FileProblem(path, "there is no such file", "Check the name")
    if path.stat().st_size > LARGEST_BYTES:
        raise FileProblem(path, f"larger than {LARGEST_BYTES // 2**20} MB", "Cut the library down to what you need")
    ending = path.suffix.lower()
    if ending in (".sli", ".hdr"):
        return _envi(path)
    if ending in (".csv", ".txt", ".tsv"):
        return _table(path)
    raise UnknownFormat(path, "not a spectral library", "Use an ENVI library (.sli with its .hdr) or a table (.csv)")


def _envi(path: Path) -> SpectralLibrary:
    header_path = path if path.suffix.lower() == ".hdr" else header_of(path, described_bytes)
    if header_path is None:
        raise FileProblem(path, "there is no header beside it", f"Put {path.stem}.hdr in the same folder")
    header = read_header(header_path)
    length, count = header.integer("samples"), header.integer("lines")
    data = data_of(header_path, header.n_bytes)[0] if path == header_path else path
    if data is None:
        raise FileProblem(header_path, "its data file is missing", f"Put {header_path.stem}.sli beside it")
    axis = header.numbers("wavelength", length)
    if axis is None:
        raise FileProblem(header_path, "it lists no wavelengths", "Add a line: wavelength = { … }")
    offset, wanted = header.integer("header offset", 0), length * count * header.dtype.itemsize
    if data.stat().st_size < offset + wanted:
        raise CorruptFile(
            data, f"{data.stat().st_size} bytes, {offset + wanted} are described by {header_path.name}", "Copy it again"
        )
    values = np.fromfile(data, header.dtype, length * count, offset=offset).reshape(count, length).astype(np.float32)
    named = [item.strip() for item in header.items("spectra names")]
    names = named if len(named) == count else [f"spectrum {n + 1}" for n in range(count)]
    scale = header.numbers("reflectance scale factor", 1)
    if scale is not None and scale[0] > 0:
        values = values / np.float32(scale[0])
    return _made(data, axis, header.text("wavelength units"), values, names, scaled=scale is not None)


def _table(path: Path) -> SpectralLibrary:
    """Separators and decimal commas as people have them: the separator is what the first row holds most of."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        text = path.read_text(encoding="latin-1")
    except OSError as error:
        raise FileProblem(path, f"it cannot be read ({error.strerror})", "Check the path") from error
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if len(lines) < 3:
        raise BadValues(path, f"{counted(len(lines), 'row')} of text", "Give a row of names and one row a wavelength")
    separator = max(("\t", ";", ","), key=lines[0].count)
    rows = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=separator)]
    comma = separator != ","

    def number(cell: str) -> float:
        return float(cell.replace(",", ".") if comma else cell) if cell else np.nan

    names = rows[0][1:]
    values = []
    for place, row in enumerate(rows[1:], start=2):
        if len(row) != len(rows[0]):
            raise BadValues(path, f"row {place} has {len(row)} cells, the first {len(rows[0])}", "Make the rows equal")
        try:
            values.append([number(cell) for cell in row])
        except ValueError as error:
            raise BadValues(path, f"row {place} holds what is no number ({error})", "Give numbers only") from error
    table = np.array(values, dtype=np.float64)  # (L, 1 + N)
    if not names:
        raise BadValues(path, "one column", "Give the wavelengths first, then one column a spectrum")
    heading = rows[0][0].lower()
    unit = "Micrometers" if any(u in heading for u in ("um", "µm", "μm", "micro")) else "nm" if "nm" in heading else ""
    return _made(path, table[:, 0], unit, table[:, 1:].T.astype(np.float32), names, scaled=False)


def _made(
    path: Path, axis: npt.NDArray[np.float64], unit: str, values: FloatArray, names: list[str], *, scaled: bool
) -> SpectralLibrary:
    """Sorted by wavelength, in nm and fractions; what was guessed is in the notes."""
    if not np.isfinite(axis).all() or (axis <= 0).any() or np.unique(axis).size != axis.size or axis.size < 2:
        raise BadValues(path, "wavelengths that are no rising row of numbers", "Give each wavelength once")
    notes = []
    word = unit.strip().lower()
    if word in ("micrometers", "micrometer", "um", "µm", "μm", "microns"):
        axis = axis * 1000.0
    elif word not in ("nanometers", "nanometer", "nm"):
        micro = bool(axis.max() < 100.0)
        axis = axis * 1000.0 if micro else axis
        notes.append(f"Wavelengths taken for {'µm' if micro else 'nm'}: {path.name} does not say.")
    if not 100.0 <= axis.min() <= axis.max() <= 30_000.0:
        raise BadValues(path, f"wavelengths of {axis.min():g}–{axis.max():g} nm", "Give them in nm or µm")
    values = np.where(values < -1e3, np.nan, values)  # −1.23e34, −9999: written for no value
    finite = values[np.isfinite(values)]
    if not finite.size:
        raise BadValues(path, "no values", "Check the file")
    if not scaled and float(np.percentile(finite, 99)) > 2.0:
        by = 100.0 if float(np.percentile(finite, 99)) <= 150.0 else 10_000.0
        values = values / np.float32(by)
        notes.append(f"Values divided by {by:.0f} to be reflectance: {path.name} gives no scale.")
    order = np.argsort(axis)
    count = len(names)
    return SpectralLibrary(
        path.stem,
        axis[order].astype(np.float32),
        np.ascontiguousarray(values[:, order], dtype=np.float32),
        tuple(names),
        ("",) * count,
        (path.name,) * count,
        np.ones(count, dtype=bool),
        notes=tuple(notes),
    )


def resampled(library: SpectralLibrary, bands: Bands) -> tuple[FloatArray, str]:
    """(N, B) the library as the sensor would see it, NaN in bands that it does not reach, and how that was done.

    With band widths: each band is a Gaussian of that full width at half maximum. Without: linear between the two
    neighbouring wavelengths. Raises BadValues when the sensor's wavelengths are not known.
    """
    if bands.wavelength_nm is None:
        raise BadValues(library.title, "the scene has no wavelengths", "Say them when you open it: --wavelengths")
    axis, centre = library.wavelength_nm.astype(np.float64), bands.wavelength_nm.astype(np.float64)
    step = np.diff(axis)
    usual = float(np.median(step))
    cell = np.minimum(np.gradient(axis), GAP * usual)  # (L,) what each wavelength stands for
    widths = None if bands.fwhm_nm is None else bands.fwhm_nm.astype(np.float64)
    known = widths is not None and bool((np.isfinite(widths) & (widths > 0)).all())
    if widths is not None and known:
        sigma = np.maximum(widths, usual) * SIGMA_PER_FWHM  # (B,) the library cannot tell narrower bands apart
        response = np.exp(-0.5 * ((axis[None, :] - centre[:, None]) / sigma[:, None]) ** 2) * cell[None, :]  # (B, L)
        covered = response.sum(axis=1) / (sigma * np.sqrt(2.0 * np.pi))
        weight = response / np.maximum(response.sum(axis=1, keepdims=True), 1e-12)
        reached = covered >= REACH
        how = "each band a Gaussian of the sensor's width"
    else:
        right = np.clip(np.searchsorted(axis, centre), 1, axis.size - 1)
        left = right - 1
        share = (centre - axis[left]) / (axis[right] - axis[left])
        reached = (share >= 0) & (share <= 1) & ((axis[right] - axis[left]) <= GAP * usual)
        weight = np.zeros((centre.size, axis.size))
        place = np.arange(centre.size)
        weight[place, left], weight[place, right] = 1.0 - share, share
        how = "interpolated between wavelengths: the file does not give band widths"
    out = library.reflectance.astype(np.float64) @ np.where(reached[:, None], weight, 0.0).T  # (N, L) → (N, B)
    out[:, ~reached] = np.nan
    return out.astype(np.float32), how
