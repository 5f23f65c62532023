"""The bands of a GeoTIFF: wavelengths, widths and bad bands in its tags, its band names, or an ENVI header beside it.

Tags are looked for in the order of trust: one a band ("wavelength", or another name in which the word stands), an ENVI
header's as GDAL keeps it, GDAL's IMAGERY domain (in micrometres), a list of the whole file, an ENVI header beside the
file; then the names of the bands.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hsi_studio.errors import FileProblem
from hsi_studio.scene.formats.categories import read_tags
from hsi_studio.scene.formats.envi_header import Header, read_header
from hsi_studio.scene.plan import Fact
from hsi_studio.scene.rules.header_text import numbers
from hsi_studio.scene.rules.wavelengths import WITH_UNIT, from_band_names, from_texts, read
from hsi_studio.scene.rules.wavelengths import number as as_number
from hsi_studio.types import Bands, FloatArray


def _numbers(texts: Sequence[str | None]) -> FloatArray | None:
    """All texts as numbers; None when one is missing or no number."""
    values = []
    for text in texts:
        value = as_number(text or "")
        if value is None:
            return None
        values.append(value)
    return np.array(values, dtype=np.float32)


def _list(text: str | None, count: int) -> FloatArray | None:
    """ "{400.0, 410.0}" or "400 410" with exactly `count` numbers."""
    found = numbers(text, count) if text else None
    return found.astype(np.float32) if found is not None and found.size == count else None


def bands_of(
    path: Path, dataset: Any, notes: list[str], count: int, pages: int
) -> tuple[Bands, FloatArray | None, Fact | None, tuple[Path, ...]]:
    """(bands, the file's numbers, why, the header beside it that was used)."""
    numbered = range(1, count + 1) if pages == 1 else range(1, 2)
    per_band = [{k.lower(): v for k, v in read_tags(dataset, i).items()} for i in numbered]
    whole = {k.lower(): v for k, v in (read_tags(dataset) | read_tags(dataset, domain="ENVI")).items()}
    first = per_band[0]
    unit = first.get("wavelength_units") or first.get("wavelength_unit") or whole.get("wavelength_units")
    unit = unit or whole.get("wavelength units")
    listed = pages == 1
    centres = None
    if listed:
        key, own_unit = _wavelength_key(per_band)
        unit = unit or own_unit
        texts = [tags.get("wavelength") or tags.get("wavelength_nm") or tags.get(key) or "" for tags in per_band]
        if any(texts) and not all(texts):
            some = sum(map(bool, texts))
            notes.append(f"{some} of {count} bands name a wavelength, the others none; they are not used.")
        if not all(texts):  # as GDAL keeps an ENVI header's: Band_1 = "450.0 Nanometers"
            texts = [whole.get(f"band_{band}", "") for band in numbered]
            texts = texts if all(WITH_UNIT.search(text) for text in texts) else []
        found_texts, own = from_texts(texts) if texts else (None, None)
        centres = None if found_texts is None else found_texts.astype(np.float32)
        unit = unit or own
    widths = _numbers([tags.get("fwhm") for tags in per_band]) if listed else None
    if centres is None and listed:
        imagery = [read_tags(dataset, i, "IMAGERY") for i in numbered]
        centres = _numbers([tags.get("CENTRAL_WAVELENGTH_UM") for tags in imagery])
        if centres is not None:
            unit, widths = "um", _numbers([tags.get("FWHM_UM") for tags in imagery])
    if centres is None:
        for key in ("wavelength", "wavelengths", "wavelength_nm"):
            centres = _list(whole.get(key), count) if centres is None else centres
        widths = _list(whole.get("fwhm"), count)
    flags = _numbers([tags.get("bbl") for tags in per_band]) if listed else None
    for key in ("bbl", "bad_bands"):
        flags = _list(whole.get(key), count) if flags is None else flags
    used: tuple[Path, ...] = ()
    if centres is None:
        header = _sidecar(path, (dataset.height, dataset.width, count))
        if header is not None:
            centres, widths = _list(header.text("wavelength"), count), _list(header.text("fwhm"), count)
            unit = header.text("wavelength units") or None
            flags = _list(header.text("bbl"), count) if flags is None else flags
            used = (header.path,)
            if centres is not None:
                notes.append(f"The wavelengths are those of the ENVI header {header.path.name} beside it.")
    nm = fwhm = fact = usable = None
    if centres is not None:
        found = read(centres, unit, widths)
        nm, fwhm, usable, fact = found.nm, found.fwhm_nm, found.usable, found.fact
        notes.extend(found.notes)
    if nm is None and pages == 1:
        nm, more = from_band_names(dataset.descriptions[:count])
        notes.extend(more)
    if flags is not None and not (flags > 0).any():
        notes.append("The file's bad-band list rules out every band; it is not used.")
    elif flags is not None:
        usable = flags > 0 if usable is None else usable & (flags > 0)
    return Bands(count, nm, fwhm, usable), centres, fact, used


def _wavelength_key(per_band: Sequence[dict[str, str]]) -> tuple[str, str | None]:
    """(the key under which every band has a number called wavelength, the unit in it) of tags as programs name them:
    center_wavelength, “wavelength (nm)”, WavelengthCentre_um; ("", None) without one, and where there are several."""
    odd = ("unit", "fwhm", "width", "min", "max", "start", "end", "low", "upp", "first", "last", "range")
    keys = [
        key
        for key in per_band[0]
        if re.search(r"wave_?len|centre_?wave|center_?wave", key)
        and not any(word in key.replace("wavelength", "") for word in odd)
        and all(as_number(tags.get(key, "")) is not None for tags in per_band)
    ]
    if len(keys) != 1:
        return "", None
    unit = re.search(r"(?:[_ (\[])(nm|um|µm|μm)\b", keys[0])
    return keys[0], None if unit is None else unit[1]


def _sidecar(path: Path, shape: tuple[int, int, int]) -> Header | None:
    """The ENVI header beside a TIFF that describes an image of its size."""
    for name in (path.with_suffix(".hdr"), path.with_name(path.name + ".hdr"), path.with_suffix(".HDR")):
        if not name.is_file():
            continue
        try:
            header = read_header(name)
            if tuple(header.integer(key) for key in ("lines", "samples", "bands")) == shape:
                return header
        except FileProblem:
            continue
    return None
