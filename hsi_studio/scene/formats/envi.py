"""ENVI images: a header beside raw numbers in BSQ, BIL or BIP order. Mapped, not loaded.

Header offset + rows × columns × bands × bytes is compared with the file's size before anything is
mapped: a wrong header would otherwise give a plausible picture of garbage. Files written with
`file compression = 1` (gzip) are unpacked into memory, because they cannot be read piece by piece.
"""

from __future__ import annotations

import gzip
import logging
import zlib
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np

from hsi_studio.errors import CorruptFile, FileProblem
from hsi_studio.humanize import shape_text, size_text
from hsi_studio.scene.crs import crs_of_text
from hsi_studio.scene.cube import ArrayCube
from hsi_studio.scene.formats.envi_header import INTERLEAVES, Header, epsg_of, read_header, transform_of
from hsi_studio.scene.formats.limits import MOST_DEFLATE
from hsi_studio.scene.raster import Candidate, Raster, Transform, check_memory, choose, file_size, first_bytes
from hsi_studio.scene.wavelengths import from_band_names, to_nm
from hsi_studio.types import Bands, BoolArray, FloatArray

log = logging.getLogger(__name__)
DATA_EXTENSIONS = ("", ".img", ".dat", ".raw", ".bsq", ".bil", ".bip", ".cube", ".bin", ".sli")
AXES = {"bsq": (1, 2, 0), "bil": (0, 2, 1), "bip": (0, 1, 2)}  # stored axes that are rows, columns, bands
FOREIGN = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"\x89HDF", b"\x93NUMPY", b"PK\3\4", b"MATLAB", b"EHFA", b"CDF")


def header_beside(path: Path) -> Path | None:
    """The header of a data file: x.img.hdr, x.hdr (either case)."""
    names = [path.with_name(path.name + ".hdr")]
    if path.suffix.lower() in DATA_EXTENSIONS:  # not x.csv beside x.hdr
        names.append(path.with_suffix(".hdr"))
    for candidate in names:
        for name in (candidate, candidate.with_suffix(".HDR")):
            if name.is_file() and name != path:
                return name
    return None


def data_beside(header: Path) -> Path:
    """The data file of a header. Raises FileProblem naming what was looked for."""
    base = header.with_suffix("")  # x.img.hdr → x.img, x.hdr → x
    tried = [base.with_name(base.name + extension) for extension in DATA_EXTENSIONS]
    tried += [base.with_name(base.name + extension.upper()) for extension in DATA_EXTENSIONS if extension]
    for candidate in tried:
        if candidate.is_file():
            return candidate
    raise FileProblem(
        header,
        f"its data file is missing: there is no {base.name}, nor {base.name} with {', '.join(DATA_EXTENSIONS[1:])}",
        "Put the data file beside the header, with the same name",
    )


class EnviReader:
    """ENVI Standard and ENVI Classification."""

    name = "envi"
    title = "ENVI"
    extensions = (".hdr", *DATA_EXTENSIONS[1:])

    def sniff(self, path: Path) -> bool:
        if path.suffix.lower() == ".hdr":
            return path.is_file()
        if any(first_bytes(path, 8).startswith(magic) for magic in FOREIGN):
            return False
        return header_beside(path) is not None or path.suffix.lower() in (".bsq", ".bil", ".bip")

    def open(self, path: Path, variable: str | None) -> Raster:
        header_path, data_path = self._pair(path)
        header = read_header(header_path)
        raster = _raster(header, data_path)
        if variable is not None:
            raise choose(path, f"an ENVI file holds one image and no variable “{variable}”", self.variables(path))
        return raster

    def layer(self, path: Path, variable: str | None, shape: tuple[int, int] | None) -> Raster:
        return self.open(path, variable)

    def variables(self, path: Path) -> list[Candidate]:
        header = read_header(self._pair(path)[0])
        size = tuple(header.integer(key) for key in ("lines", "samples", "bands"))
        return [("", size, str(header.dtype))]

    def _pair(self, path: Path) -> tuple[Path, Path]:
        """(header, data)."""
        file_size(path)
        if path.suffix.lower() == ".hdr":
            read_header(path)  # an ESRI header is named before its data is missed
            return path, data_beside(path)
        header = header_beside(path)
        if header is None:
            raise FileProblem(
                path, "there is no header beside it", f"Put its header there as {path.name}.hdr or {path.stem}.hdr"
            )
        file_size(header)
        return header, path


def _raster(header: Header, data_path: Path) -> Raster:
    if "library" in header.text("file type").lower():
        raise FileProblem(
            data_path, "this is a spectral library, not an image", "Open the image, and the library as a library"
        )
    height, width, count = (header.integer(key) for key in ("lines", "samples", "bands"))
    if min(height, width, count) == 0:
        raise CorruptFile(
            header.path, f"it describes {shape_text((height, width, count))} values", "Correct the header"
        )
    notes: list[str] = []
    interleave = header.text("interleave", "bsq").lower()
    if interleave not in INTERLEAVES:
        raise CorruptFile(
            header.path, f"its header says interleave = {interleave}", "Correct the header: bsq, bil or bip"
        )
    dtype = header.dtype
    if not header.text("byte order") and dtype.itemsize > 1:
        notes.append("The header does not give a byte order; little endian (0) is assumed.")
    for key in ("major frame offsets", "minor frame offsets"):
        frame = header.numbers(key)
        if frame is not None and frame.any():
            raise FileProblem(header.path, f"it uses {key}", "Save the image without frame offsets")
    sizes = {"bsq": (count, height, width), "bil": (height, count, width), "bip": (height, width, count)}
    array = _array(header, data_path, sizes[interleave], dtype, notes)
    gain, offset = _scaling(header, count, notes)
    ignore = header.numbers("data ignore value")
    axes = AXES[interleave]
    cube = ArrayCube(array, (axes[0], axes[1], axes[2]), gain, offset, None if ignore is None else float(ignore[0]))
    transform, crs, gsd_m = _georeference(header, notes)
    # our own exports also hold the exact names, percent-encoded: ENVI has no escape for commas and braces
    names = [unquote(name) for name in header.items("class names exact")] or header.items("class names")
    return Raster(
        cube,
        _bands(header, count, notes),
        files=(data_path, header.path),
        class_names={k: name for k, name in enumerate(names) if k > 0},
        transform=transform,
        crs=crs,
        gsd_m=gsd_m,
        value_unit="reflectance" if header.numbers("reflectance scale factor") is not None else "",
        notes=tuple(notes),
    )


def _array(
    header: Header, data_path: Path, shape: tuple[int, int, int], dtype: np.dtype[Any], notes: list[str]
) -> np.ndarray[Any, Any]:
    """The stored array, mapped. Raises CorruptFile when the header and the file's size disagree."""
    offset = header.integer("header offset", 0)
    wanted = offset + shape[0] * shape[1] * shape[2] * dtype.itemsize
    there = file_size(data_path)
    packed = header.integer("file compression", 0) == 1
    if packed and first_bytes(data_path, 2) != b"\x1f\x8b":
        notes.append("The header says the file is compressed, but it is not; it is read as plain numbers.")
        packed = False
    if packed:
        return _unpack(data_path, shape, dtype, offset, wanted, there)
    if there != wanted:
        claim = f"{shape_text(shape)} values of {dtype.itemsize} byte(s)" + (f" after {offset} bytes" if offset else "")
        less = there < wanted
        raise CorruptFile(
            data_path,
            f"its header describes {wanted} bytes ({claim}, {header.text('interleave', 'bsq').upper()})"
            f" and the file has {there}",
            "The file was cut off (copy or download it again) or the header belongs to another file"
            if less
            else "Check samples, lines, bands, data type and header offset in the header",
        )
    return np.memmap(data_path, dtype=dtype, mode="r", offset=offset, shape=shape)


def _unpack(
    data_path: Path, shape: tuple[int, int, int], dtype: np.dtype[Any], offset: int, wanted: int, there: int
) -> np.ndarray[Any, Any]:
    """A gzip-compressed image, in memory."""
    if wanted > there * MOST_DEFLATE + 1024:
        raise CorruptFile(
            data_path,
            f"its header describes {wanted} bytes, more than {there} compressed bytes can hold",
            "The file was cut off, or the header belongs to another file",
        )
    check_memory(data_path, f"the unpacked image ({size_text(wanted)})", wanted)
    try:
        with gzip.open(data_path, "rb") as stream:
            data = stream.read(wanted + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise CorruptFile(data_path, f"it cannot be unpacked ({error})", "Copy or download it again") from error
    if len(data) != wanted:
        found = f"more than {wanted}" if len(data) > wanted else str(len(data))
        raise CorruptFile(
            data_path,
            f"its header describes {wanted} bytes and it unpacks to {found}",
            "Check samples, lines, bands and data type in the header",
        )
    return np.frombuffer(data, dtype=dtype, offset=offset).reshape(shape)


def _scaling(header: Header, count: int, notes: list[str]) -> tuple[float | FloatArray, float | FloatArray]:
    """(gain, offset): value = stored · gain + offset."""
    factor = header.numbers("reflectance scale factor")
    if factor is not None and factor.size == 1 and factor[0] > 0:
        if factor[0] != 1:
            notes.append(f"Stored values are divided by the header's reflectance scale factor, {factor[0]:g}.")
        return 1.0 / float(factor[0]), 0.0
    gains, offsets = header.numbers("data gain values"), header.numbers("data offset values")
    gain: float | FloatArray = 1.0
    offset: float | FloatArray = 0.0
    if gains is not None and gains.size == count:
        gain = gains.astype(np.float32)
        notes.append("The header's gain of every band is applied.")
    if offsets is not None and offsets.size == count:
        offset = offsets.astype(np.float32)
        notes.append("The header's offset of every band is applied.")
    return gain, offset


def _bands(header: Header, count: int, notes: list[str]) -> Bands:
    nm = fwhm = None
    usable: BoolArray | None = None
    centres = header.numbers("wavelength")
    if centres is not None and centres.size == count:
        widths = header.numbers("fwhm")
        widths = widths if widths is not None and widths.size == count else None
        nm, fwhm, more = to_nm(centres, header.text("wavelength units") or None, widths)
        notes.extend(more)
    elif header.text("wavelength"):
        found = len(header.items("wavelength"))
        notes.append(f"The header lists {found} wavelengths for {count} bands; they are not used.")
    if nm is None:
        names = header.items("band names")
        if len(names) == count:
            nm, more = from_band_names(names)
            notes.extend(more)
    bbl = header.numbers("bbl")
    if bbl is not None and bbl.size == count:
        usable = bbl > 0
    elif bbl is not None:
        notes.append(f"The header's bad-band list has {bbl.size} entries for {count} bands; it is not used.")
    return Bands(count, nm, fwhm, usable)


def _georeference(header: Header, notes: list[str]) -> tuple[Transform | None, str | None, float | None]:
    """(transform, WKT, pixel side in metres)."""
    info = header.items("map info")
    if not info or info[0].strip().lower() == "arbitrary":
        return None, None, None
    transform, _ = transform_of(info)
    if transform is None:
        notes.append("The header's map info cannot be read; the scene has no map coordinates.")
        return None, None, None
    crs = _wkt(header.text("coordinate system string"), epsg_of(info))
    if crs is None:
        notes.append("The map projection of the header is not known; coordinates are shown without it.")
    side = float(np.hypot(transform[0], transform[3]))
    metric = info[0].strip().lower() == "utm" or any(
        item.replace(" ", "").lower() in ("units=meters", "units=metres") for item in info
    )
    return transform, crs, side if metric else None


def _wkt(text: str, epsg: int | None) -> str | None:
    """Well-known text of the coordinate system; None when neither the string nor the code is understood."""
    from rasterio.crs import CRS
    from rasterio.errors import CRSError

    try:
        if text:
            return str(crs_of_text(Path(), text).to_wkt())
    except (CRSError, FileProblem) as error:
        log.info("coordinate system not understood: %s", error)
    try:
        return str(CRS.from_epsg(epsg).to_wkt()) if epsg else None
    except CRSError as error:
        log.info("EPSG code not understood: %s", error)
    return None


READER = EnviReader()
