"""What the readers of products share: cubes put together of parts, and metadata in XML.

A product's reader is asked before the formats: its files are GeoTIFF or HDF5, and read as such they would lose their
wavelengths, scale or place.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt

from hsi_studio.errors import CorruptFile
from hsi_studio.scene.formats import hdf
from hsi_studio.scene.raster import Candidate, Raster, first_bytes
from hsi_studio.types import Cube, FloatArray

log = logging.getLogger(__name__)
PARTS = (".TIF", ".TIFF", ".XML", ".BSQ", ".BIL", ".BIP", ".HDR")
LARGEST_XML = 64 << 20


class Product(Protocol):
    """One sensor's product. As `raster.Reader`, found by name instead of by format."""

    name: str
    title: str
    since: int  # of the reading rules that know it: older projects are read as they were
    extensions: tuple[str, ...]

    def sniff(self, path: Path) -> bool: ...

    def open(self, path: Path, variable: str | None) -> Raster: ...

    def layer(self, path: Path, variable: str | None, shape: tuple[int, int] | None) -> Raster: ...

    def variables(self, path: Path) -> list[Candidate]: ...


class JoinedCube:
    """Bands of several cubes of one size in a new order: `order` (B,) counts through the parts."""

    def __init__(self, parts: Sequence[Cube], order: Sequence[int] | npt.NDArray[np.intp]) -> None:
        self._parts, self._order = list(parts), np.asarray(order, dtype=np.intp)
        counts = [part.shape[2] for part in parts]
        self._owner = np.repeat(np.arange(len(counts)), counts)[self._order]
        self._band = np.concatenate([np.arange(n) for n in counts])[self._order]

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, B)."""
        height, width, _ = self._parts[0].shape
        return height, width, int(self._order.size)

    def read(self, rows: slice, cols: slice, bands: Sequence[int] | None = None) -> FloatArray:
        """(h, w, b) float32."""
        picked = np.arange(self._order.size) if bands is None else np.asarray(bands, dtype=np.intp)
        first = self._parts[0].read(rows, cols, [0])
        out = np.empty((*first.shape[:2], picked.size), dtype=np.float32)
        for number, part in enumerate(self._parts):
            here = np.flatnonzero(self._owner[picked] == number)
            if here.size:
                wanted = self._band[picked[here]]
                ascending = np.unique(wanted)
                block = part.read(rows, cols, ascending.tolist())
                out[:, :, here] = block[:, :, np.searchsorted(ascending, wanted)]
        return out


class OrthoCube:
    """A swath on its map grid: `row`, `col` (H, W) of the swath's pixel for every pixel of the grid, −1 = none."""

    def __init__(self, swath: Cube, row: npt.NDArray[np.int32], col: npt.NDArray[np.int32]) -> None:
        self._swath, self._row, self._col = swath, row, col

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, B)."""
        return self._row.shape[0], self._row.shape[1], self._swath.shape[2]

    def read(self, rows: slice, cols: slice, bands: Sequence[int] | None = None) -> FloatArray:
        """(h, w, b) float32, NaN where the swath has no pixel."""
        row, col = self._row[rows, cols], self._col[rows, cols]
        seen = (row >= 0) & (col >= 0)
        count = self._swath.shape[2] if bands is None else len(bands)
        out = np.full((*row.shape, count), np.nan, dtype=np.float32)
        if seen.any():
            r0, r1 = int(row[seen].min()), int(row[seen].max()) + 1
            c0, c1 = int(col[seen].min()), int(col[seen].max()) + 1
            block = self._swath.read(slice(r0, r1), slice(c0, c1), bands)
            out[seen] = block[row[seen] - r0, col[seen] - c0]
        return out


def beside(path: Path, ending: str) -> Path | None:
    """The file of the same product with another ending, whatever the case: X-SPECTRAL_IMAGE.TIF and X-METADATA.XML."""
    upper = path.name.upper()
    for own in ("-SPECTRAL_IMAGE", "-METADATA"):
        if own in upper:
            wanted = (upper[: upper.index(own)] + ending).upper()
            try:
                named = [p for p in sorted(path.parent.iterdir()) if p.name.upper().startswith(wanted)]
                return next((p for p in named if p.suffix.upper() in PARTS), None)
            except OSError:
                return None
    return None


def read_xml(path: Path) -> ElementTree.Element:
    """Raises CorruptFile: no XML, or one that declares entities."""
    try:
        if path.stat().st_size > LARGEST_XML:
            raise CorruptFile(path, "it is too long for a product's metadata", "Copy or download it again")
        text = path.read_bytes()
        if b"<!ENTITY" in text:
            raise CorruptFile(path, "it declares entities, which no product does", "Download it again")
        return ElementTree.fromstring(text)
    except (ElementTree.ParseError, OSError) as error:
        raise CorruptFile(path, f"its metadata cannot be read ({error})", "Copy or download it again") from error


def local(element: ElementTree.Element) -> str:
    """The tag without its namespace."""
    return element.tag.rsplit("}", 1)[-1]


def numbers_of(elements: Sequence[ElementTree.Element], names: Sequence[str]) -> FloatArray | None:
    """One number an element from its child of one of these names; None when one lacks it."""
    out = []
    for element in elements:
        text = next((child.text for child in element if local(child) in names and child.text), None)
        try:
            out.append(float(text or ""))
        except ValueError:
            return None
    return np.asarray(out, dtype=np.float32)


def text_of(root: ElementTree.Element, name: str) -> str:
    """The text of the first element of that name, wherever it is; "" without one."""
    return next((element.text.strip() for element in root.iter() if local(element) == name and element.text), "")


def is_hdf5(path: Path, known: Callable[[Any], bool]) -> bool:
    """Whether it is an HDF5 file that opens and that `known(handle)` recognises by what it holds."""
    if first_bytes(path, 8) != hdf.MAGIC:
        return False
    try:
        with hdf.open_file(path) as handle:
            return known(handle)
    except (CorruptFile, OSError, RuntimeError):
        return False


def attribute(handle: Any, name: str) -> Any:
    """A root attribute of an HDF5 file as a number, text or array; None when it is missing."""
    if name not in handle.attrs:
        return None
    value = np.asarray(handle.attrs[name])
    if value.size == 1:
        item = value.ravel()[0]
        return (
            item.decode("utf-8", "replace")
            if isinstance(item, bytes)
            else item.item()
            if hasattr(item, "item")
            else item
        )
    return value
