"""ENVI images: a header beside raw numbers in BSQ, BIL or BIP order. Mapped, not loaded.

Header offset + rows × columns × bands × bytes is compared with the file's size before anything is
mapped: a wrong header would otherwise give a plausible picture of garbage. Files written with
`file compression = 1` (gzip) are unpacked into memory, because they cannot be read piece by piece.
"""

from __future__ import annotations

import gzip
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import numpy.typing as npt

from hsi_studio.errors import CorruptFile, FileProblem
from hsi_studio.humanize import shape_text, size_text
from hsi_studio.scene.cube import ArrayCube
from hsi_studio.scene.formats import envi_scale
from hsi_studio.scene.formats.envi_header import INTERLEAVES, Header, described_bytes, read_header
from hsi_studio.scene.formats.limits import MOST_DEFLATE
from hsi_studio.scene.plan import RULES, Fact, Remark
from hsi_studio.scene.raster import Candidate, Raster, check_memory, choose, file_size, first_bytes
from hsi_studio.scene.rules.byte_order import looks_swapped
from hsi_studio.scene.rules.classes import TORN, is_unlabelled
from hsi_studio.scene.rules.data_file import ENDINGS, data_of, header_of, is_text, neighbours, trailing
from hsi_studio.scene.rules.georeference import place_of_map_info
from hsi_studio.scene.rules.header_text import numbers
from hsi_studio.scene.rules.layout import other_layout
from hsi_studio.scene.rules.number_type import other_type
from hsi_studio.scene.rules.values import unit_of
from hsi_studio.scene.rules.wavelengths import from_band_names, from_texts, read
from hsi_studio.scene.said_cube import SaidCube
from hsi_studio.types import Bands, BoolArray, Cube, FloatArray

AXES = {"bsq": (1, 2, 0), "bil": (0, 2, 1), "bip": (0, 1, 2)}  # stored axes that are rows, columns, bands
FOREIGN = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"\x89HDF", b"\x93NUMPY", b"PK\3\4", b"MATLAB", b"EHFA", b"CDF")


NO_GRID = (("geo points", "ground control points (geo points)"), ("rpc info", "a camera model (RPC)"))
PACKED = (".gz", ".zip", ".bz2", ".xz", ".7z", ".zst")
TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def header_beside(path: Path) -> Path | None:
    """The header of a data file, by the rule of `rules/data_file.py`."""
    return header_of(path, described_bytes)


def data_beside(header: Header) -> tuple[Path, str | None]:
    """(data file, note) of a header. Raises FileProblem naming what was looked for."""
    found, note = data_of(header.path, header.n_bytes)
    if found is not None:
        return found, note
    base = header.path.with_suffix("").name
    packed = [p for p in neighbours(header.path) if p.suffix.lower() in PACKED and p.name.startswith(base + ".")]
    if packed:
        raise FileProblem(
            header.path, f"its data file is packed ({packed[0].name})", f"Unpack it beside {header.path.name} first"
        )
    raise FileProblem(
        header.path,
        f"its data file is missing: there is no {base}, nor {base} with {', '.join(ENDINGS[1:])} or another ending and "
        "the size it describes",
        "Put the data file beside the header, with the same name",
    )


class EnviReader:
    """ENVI Standard and ENVI Classification."""

    name = "envi"
    title = "ENVI"
    extensions = (".hdr", *ENDINGS[1:])
    takes_rules = True

    def sniff(self, path: Path) -> bool:
        if path.suffix.lower() == ".hdr":
            return path.is_file()
        if any(first_bytes(path, 8).startswith(magic) for magic in FOREIGN):
            return False
        return header_beside(path) is not None or path.suffix.lower() in (".bsq", ".bil", ".bip")

    def why_not(self, path: Path) -> tuple[str, str] | None:
        """(problem, remedy) for a file named like ours that `sniff` did not take."""
        if path.suffix.lower() in ENDINGS[1:] and not any(first_bytes(path, 8).startswith(m) for m in FOREIGN):
            return (
                "there is no header beside it",
                f"Put {path.stem}.hdr or {path.name}.hdr in the same folder, or upload both files together",
            )
        return None

    def open(self, path: Path, variable: str | None, rules: int = RULES) -> Raster:
        header, data_path, note = self._pair(path)
        is_tiff = first_bytes(data_path, 4) in TIFF
        raster = _of_tiff(header, data_path, rules) if is_tiff else _raster(header, data_path, rules)
        if variable is not None:
            raise choose(path, f"an ENVI file holds one image and no variable “{variable}”", self.variables(path))
        return replace(raster, notes=((note,) if note else ()) + header.notes + raster.notes)

    def layer(self, path: Path, variable: str | None, shape: tuple[int, int] | None) -> Raster:
        return self.open(path, variable)

    def variables(self, path: Path) -> list[Candidate]:
        header = self._pair(path)[0]
        size = tuple(header.integer(key) for key in ("lines", "samples", "bands"))
        return [("", size, str(header.dtype))]

    def _pair(self, path: Path) -> tuple[Header, Path, str | None]:
        """(header, data, note)."""
        file_size(path)
        if path.suffix.lower() == ".hdr":
            header = read_header(path)  # an ESRI header is named before its data is missed
            return header, *data_beside(header)
        found = header_beside(path)
        if found is None:
            raise FileProblem(
                path, "there is no header beside it", f"Put its header there as {path.name}.hdr or {path.stem}.hdr"
            )
        file_size(found)
        other = found.stem.lower() not in (path.name.lower(), path.stem.lower())
        note = f"The header {found.name} describes exactly the size of {path.name} and is taken as its own."
        return read_header(found), path, note if other else None


def _of_tiff(header: Header, data_path: Path, rules: int) -> Raster:
    """A TIFF with an ENVI header beside it: its pixels, the header's bands."""
    from hsi_studio.scene.formats.geotiff import READER as TIFF_READER

    return TIFF_READER.open(data_path, None, rules)


def _raster(header: Header, data_path: Path, rules: int = RULES) -> Raster:
    if "library" in header.text("file type").lower():
        raise FileProblem(
            data_path,
            "this is a spectral library, not an image",
            "Open the image it belongs to; a library holds spectra without a place and cannot be a scene",
        )
    height, width, count = (header.integer(key) for key in ("lines", "samples", "bands"))
    if min(height, width, count) == 0:
        raise CorruptFile(
            header.path, f"it describes {shape_text((height, width, count))} values", "Correct the header"
        )
    notes: list[str] = []
    interleave = header.interleave
    if interleave not in INTERLEAVES:
        raise CorruptFile(
            header.path, f"its header says interleave = {interleave}", "Correct the header: bsq, bil or bip"
        )
    dtype = header.dtype
    for key in ("major frame offsets", "minor frame offsets"):
        frame = header.numbers(key)
        if frame is not None and frame.any():
            raise FileProblem(header.path, f"it uses {key}", "Save the image without frame offsets")
    sizes = {"bsq": (count, height, width), "bil": (height, count, width), "bip": (height, width, count)}
    array = _ordered(header, _array(header, data_path, sizes[interleave], dtype, (height, width, count), notes), notes)
    if rules > 4:
        _check_layout(header, array, interleave, (height, width, count))
    scaling = envi_scale.scaling(header, count) if rules > 4 else envi_scale.former(header, count)
    gain, offset = scaling.gain, scaling.offset
    notes.extend(scaling.notes)
    axes = AXES[interleave]
    ignore = header.numbers("data ignore value", count)
    nodata = None if ignore is None else float(ignore[0])
    marks: tuple[str, ...] = ()
    cube: Cube = ArrayCube(array, (axes[0], axes[1], axes[2]), gain, offset, nodata)
    if ignore is not None and np.ptp(ignore) > 0:
        if rules > 4 and ignore.size == count:
            marks = ("nodata:bands",)
            inner = ArrayCube(array, (axes[0], axes[1], axes[2]), gain, offset)
            cube = SaidCube(inner, fill=_as_read(ignore, gain, offset))
            notes.append("The header gives every band its own “no data” value.")
        else:
            notes.append(
                f"The header gives {ignore.size} “no data” values; the first, {nodata:g}, counts for all bands."
            )
    transform, crs, gsd_m, more = place_of_map_info(
        header.items("map info"), header.text("coordinate system string"), data_path, rules=rules
    )
    notes.extend(more)
    if transform is None:
        notes.extend(f"The header has {what} and no map grid; rows and columns are used." for key, what in NO_GRID
                     if header.items(key))  # fmt: skip
        gsd_m = _pixel_side(header, notes) if rules > 8 else None
    bands, waves = _bands(header, count, notes)
    names, classes = _class_names(header, notes)
    facts = {
        "axes": Fact(
            "rows,cols,bands", "certain", f"The header says interleave = {interleave}, which is read in this order."
        ),
        "nodata": Fact(nodata, "certain" if nodata is not None else "likely", "From the header's data ignore value."),
    } | ({"wavelengths": waves} if waves else {})
    return Raster(
        cube,
        bands,
        files=(data_path, header.path),
        class_names={k: name for k, name in enumerate(names) if k > 0 or not is_unlabelled(name)},
        class_colors=_lookup(header, classes),
        transform=transform,
        crs=crs,
        gsd_m=gsd_m,
        value_unit=scaling.unit or unit_of(header.text("data units") or header.text("units")),
        notes=tuple(notes),
        facts=facts,
        scale=gain,
        offset=offset,
        stored_wavelengths=_stored(header, count),
        differs=(*scaling.differs, *marks),
    )


def _pixel_side(header: Header, notes: list[str]) -> float | None:
    """Metres, of an image without map coordinates whose header gives its `pixel size`."""
    items = header.items("pixel size")
    units = "".join(items[2:]).replace(" ", "").lower()
    size = header.numbers("pixel size") if len(items) == 2 else None
    if len(items) == 3 and units in ("units=meters", "units=metres", "units=m"):
        size = numbers(", ".join(items[:2]))
    if size is None or size.size != 2 or not (np.isfinite(size).all() and (size > 0).all()):
        return None
    side = float(np.sqrt(size.prod()))
    notes.append(f"Areas are those of the header's pixel size, {size[0]:.4g} × {size[1]:.4g} m.")
    return side


def _class_names(header: Header, notes: list[str]) -> tuple[list[str], int]:
    """(names from 0 on, how many classes there are). ENVI has no escape for commas: our own exports hold the exact
    names too, percent-encoded. GDAL writes names as they are, so that one with a comma is torn in two and all behind it
    are one off: then none is taken."""
    if exact := header.items("class names exact"):
        return [unquote(name) for name in exact], len(exact)
    names, told, colors = header.items("class names"), header.text("classes").strip(), len(header.items("class lookup"))
    if told.isdecimal() and 0 < int(told) < len(names) and colors == 3 * int(told):
        notes.append(
            Remark(
                f"The header lists {len(names)} class names for {told} classes, {TORN}: whose they are is not known, "
                "and the classes go by number."
            )
        )
        return [], int(told)
    return names, len(names)


def _as_read(values: npt.NDArray[np.float64], gain: float | FloatArray, offset: float | FloatArray) -> FloatArray:
    """(B,) stored values as `ArrayCube` gives them."""
    with np.errstate(over="ignore"):
        out = values.astype(np.float32)
        out *= np.asarray(gain, dtype=np.float32)
        out += np.asarray(offset, dtype=np.float32)
    return out


def _check_layout(header: Header, array: np.ndarray[Any, Any], interleave: str, size: tuple[int, int, int]) -> None:
    """Raises CorruptFile when the numbers make sense only as another type, in another order or of other sizes."""
    code = other_type(array)
    if code is not None:
        raise CorruptFile(
            header.path,
            f"its header says data type = {header.integer('data type')}, as which the numbers make no sense; as data "
            f"type {code} they do",
            f"Write data type = {code} into the header",
        )
    other = other_layout(array, interleave, size)
    if other is not None:
        raise CorruptFile(
            header.path,
            f"in the order it gives ({interleave}, {size[0]} lines, {size[1]} samples, {size[2]} bands) the numbers "
            "are stripes and noise; in another one they are a picture",
            f"Correct the header: interleave = {other.interleave}, lines = {other.lines}, samples = {other.samples}, "
            f"bands = {other.bands}",
        )


def _centres(header: Header, count: int) -> tuple[Any, str | None]:
    """(the header's wavelengths or None, their unit): numbers, or texts like "450.5 nm"."""
    unit, listed = header.text("wavelength units") or None, header.items("wavelength")
    centres = header.numbers("wavelength", count)
    if centres is None and len(listed) == count:
        centres, own = from_texts(listed)
        unit = unit or own
    return centres, unit


def _stored(header: Header, count: int) -> FloatArray | None:
    values, _ = _centres(header, count)
    return values.astype(np.float32) if values is not None and values.size == count else None


def _lookup(header: Header, count: int) -> dict[int, str]:
    """{class: "#rrggbb"} of the header's `class lookup`, three numbers a class."""
    values = header.numbers("class lookup", 3 * count) if count else None
    if values is None or values.size != 3 * count or values.min() < 0 or values.max() > 255:
        return {}
    rows = values.astype(int).reshape(count, 3)  # (classes, RGB)
    return {k: "#{:02x}{:02x}{:02x}".format(*row) for k, row in enumerate(rows.tolist())}


def _array(
    header: Header,
    data_path: Path,
    shape: tuple[int, int, int],
    dtype: np.dtype[Any],
    size: tuple[int, int, int],
    notes: list[str],
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
    left_over = trailing(there - wanted, *size, dtype.itemsize) if there > wanted else None
    if left_over and offset == 0 and is_text(first_bytes(data_path, there - wanted)):
        raise CorruptFile(
            data_path,
            f"it is {there - wanted} bytes longer than its header describes, and it begins with as many bytes of text",
            f"Write header offset = {there - wanted} into {header.path.name}",
        )
    if left_over:
        notes.append(left_over)
    elif there != wanted:
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


def _ordered(header: Header, array: np.ndarray[Any, Any], notes: list[str]) -> np.ndarray[Any, Any]:
    """The array in its byte order, where the header gives none; see `rules/byte_order.py`.

    Raises CorruptFile when the header gives one in which the numbers are noise, and a picture in the other.
    """
    if array.dtype.itemsize == 1:
        return array
    swapped = looks_swapped(array)
    if not header.text("byte order"):
        order = "big endian (1) is taken, because" if swapped else "little endian (0) is assumed"
        because = " only in that order the numbers are a picture" if swapped else ""
        notes.append(f"The header does not give a byte order; {order}{because}.")
        return array.view(array.dtype.newbyteorder()) if swapped else array
    if swapped:
        said = header.integer("byte order", 0)
        raise CorruptFile(
            header.path,
            f"its header says byte order = {said} ({('little', 'big')[said]} endian), in which the numbers are noise; "
            f"in the other order they are a picture",
            f"Write byte order = {1 - said} into the header",
        )
    return array


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


def _bands(header: Header, count: int, notes: list[str]) -> tuple[Bands, Fact | None]:
    nm = fwhm = fact = None
    usable: BoolArray | None = None
    centres, unit = _centres(header, count)
    if centres is not None and centres.size == count:
        widths = header.numbers("fwhm", count)
        widths = widths if widths is not None and widths.size == count else None
        found = read(centres, unit, widths)
        nm, fwhm, usable, fact = found.nm, found.fwhm_nm, found.usable, found.fact
        notes.extend(found.notes)
    elif header.text("wavelength"):
        listed = len(header.items("wavelength")) if centres is None else centres.size
        what = "texts that are no wavelengths" if listed == count else f"{listed} wavelengths for {count} bands"
        notes.append(f"The header lists {what}; they are not used.")
    if nm is None:
        names = header.items("band names")
        if len(names) == count:
            nm, more = from_band_names(names)
            notes.extend(more)
    bbl = header.numbers("bbl", count)
    if bbl is not None and bbl.size == count:
        if not (bbl > 0).any():
            notes.append("The header's bad-band list rules out every band; it is not used.")
        else:
            usable = bbl > 0 if usable is None else usable & (bbl > 0)
            out = int((bbl <= 0).sum())
            if 2 * out > count:
                notes.append(
                    f"The header's bad-band list rules out {out} of {count} bands (0 = bad): if it is meant the "
                    "other way round, bring them back under Bands."
                )
    elif bbl is not None:
        notes.append(f"The header's bad-band list has {bbl.size} entries for {count} bands; it is not used.")
    elif header.text("bbl"):
        notes.append("The header's bad-band list is no list of numbers; it is not used.")
    return Bands(count, nm, fwhm, usable), fact


READER = EnviReader()
