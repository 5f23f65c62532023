"""GeoTIFF and COG through GDAL (rasterio), window by window.

GDAL datasets must not be shared between threads, so every thread opens its own. Before the first pixel
is read, the positions of the stored blocks are checked against the file's size: GDAL opens truncated
files gladly and fails in the middle, and a header of 300 bytes can claim terabytes.

Wavelengths are looked for in this order: per-band tags `wavelength`, `fwhm`, `bbl` (EnMAP-Box), GDAL's
IMAGERY domain (CENTRAL_WAVELENGTH_UM, FWHM_UM), dataset tags, band descriptions with a unit.
"""

from __future__ import annotations

import re
import threading
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hsi_studio.errors import CorruptFile, FileProblem
from hsi_studio.humanize import shape_text
from hsi_studio.scene.formats import gdal_safety, limits
from hsi_studio.scene.formats.categories import category_names, read_tags
from hsi_studio.scene.raster import Candidate, Raster, choose, file_size, first_bytes
from hsi_studio.scene.wavelengths import from_band_names, to_nm
from hsi_studio.types import Bands, BoolArray, FloatArray

MAGICS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
MOST_BLOCKS_CHECKED = 4000
COPY_AGAIN = "The file was cut off: copy or download it again"


class GeoTiffCube:
    """Windows of a GeoTIFF; one GDAL dataset a thread."""

    def __init__(
        self,
        path: Path,
        shape: tuple[int, int, int],
        scale: FloatArray,
        offset: FloatArray,
        nodata: Sequence[float | None],
    ) -> None:
        self.path, self._shape, self._scale, self._offset = path, shape, scale, offset
        self._nodata = list(nodata)
        self._local = threading.local()

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, B)."""
        return self._shape

    def _dataset(self) -> Any:
        dataset = getattr(self._local, "dataset", None)
        if dataset is None:
            dataset = self._local.dataset = open_dataset(self.path)
        return dataset

    def _stored(self, picked: list[int], window: Any) -> tuple[Any, Any]:
        """(values (b, h, w) as stored, masks of the same shape or None)."""
        return self._dataset().read([band + 1 for band in picked], window=window), None

    def read(self, rows: slice, cols: slice, bands: Sequence[int] | None = None) -> FloatArray:
        """(h, w, b) float32. Raises CorruptFile when a block cannot be decoded."""
        from rasterio.errors import RasterioError
        from rasterio.windows import Window

        row, row_stop, row_step = rows.indices(self._shape[0])
        col, col_stop, col_step = cols.indices(self._shape[1])
        picked = np.arange(self._shape[2]) if bands is None else np.asarray(bands, dtype=np.intp)
        if picked.size == 0 or row_stop <= row or col_stop <= col:
            sizes = len(range(row, row_stop, row_step)), len(range(col, col_stop, col_step))
            return np.empty((*sizes, picked.size), dtype=np.float32)
        try:
            stored, _ = self._stored(picked.tolist(), Window(col, row, col_stop - col, row_stop - row))
        except (RasterioError, OSError, ValueError) as error:
            raise CorruptFile(self.path, f"rows {row}–{row_stop} cannot be read ({error})", COPY_AGAIN) from error
        stored = stored[:, ::row_step, ::col_step]
        with np.errstate(over="ignore", invalid="ignore"):  # beyond float32 = infinite = missing
            out = np.array(np.moveaxis(stored, 0, 2), dtype=np.float32, order="C")  # (b, h, w) → (h, w, b)
            out *= self._scale[picked]
            out += self._offset[picked]
        missing = ~np.isfinite(out)
        for position, band in enumerate(picked.tolist()):
            nodata = self._nodata[band]
            if nodata is not None and np.isfinite(nodata):
                missing[:, :, position] |= stored[position] == nodata
        out[missing] = np.nan
        return out


def open_dataset(path: Path) -> Any:
    """A rasterio dataset. Raises CorruptFile."""
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning, RasterioError

    path = gdal_safety.plain_name(path)
    gdal_safety.check_sidecars(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            return rasterio.open(path, driver="GTiff", sharing=False)
    except (RasterioError, OSError, UnicodeDecodeError) as error:
        raise CorruptFile(path, f"it is not a complete GeoTIFF ({error})", "Copy or download it again") from error


class GeoTiffReader:
    """GeoTIFF, BigTIFF, cloud-optimised GeoTIFF."""

    name = "geotiff"
    title = "GeoTIFF"
    extensions = (".tif", ".tiff")

    def sniff(self, path: Path) -> bool:
        return first_bytes(path, 4) in MAGICS

    def open(self, path: Path, variable: str | None) -> Raster:
        size = file_size(path)
        if variable is not None:
            raise choose(path, f"a GeoTIFF holds one image and no variable “{variable}”", self.variables(path))
        with open_dataset(path) as dataset:
            try:
                _check_stored(path, dataset, size)
                return _raster(path, dataset)
            except UnicodeDecodeError as error:  # band names or units
                raise CorruptFile(
                    path, f"its band names are not text ({error})", "Copy or download it again"
                ) from error

    def layer(self, path: Path, variable: str | None, shape: tuple[int, int] | None) -> Raster:
        return self.open(path, variable)

    def variables(self, path: Path) -> list[Candidate]:
        with open_dataset(path) as dataset:
            return [("", (dataset.height, dataset.width, dataset.count), dataset.dtypes[0])]


def _check_stored(path: Path, dataset: Any, size: int) -> None:
    """Raises CorruptFile when blocks lie beyond the end of the file or none is stored at all."""
    height, width, count = dataset.height, dataset.width, dataset.count
    if "complex" in dataset.dtypes[0]:
        raise FileProblem(path, "it holds complex numbers", "Save the real part or the magnitude as float32")
    block_height, block_width = dataset.block_shapes[0]
    down, across = -(-height // block_height), -(-width // block_width)
    planes = count if dataset.interleaving is not None and dataset.interleaving.value.lower() == "band" else 1
    total = down * across * planes
    block = block_height * block_width * np.dtype(dataset.dtypes[0]).itemsize * (count if planes == 1 else 1)
    packed = dataset.compression is not None
    if packed:
        limits.check_chunk(path, "the image", block)
    step = max(1, total // MOST_BLOCKS_CHECKED)
    beyond = stored = 0
    for number in {*range(0, total, step), total - 1}:
        plane, place = divmod(number, down * across)
        y, x = divmod(place, across)
        offset = dataset.get_tag_item(f"BLOCK_OFFSET_{x}_{y}", "TIFF", bidx=plane + 1)
        length = dataset.get_tag_item(f"BLOCK_SIZE_{x}_{y}", "TIFF", bidx=plane + 1)
        if not offset or not length or int(offset) == 0:
            continue
        stored += 1
        beyond += int(offset) + int(length) > size
        if packed:
            limits.check_ratio(path, f"block {x}, {y}", block, int(length))
    claimed = height * width * count * np.dtype(dataset.dtypes[0]).itemsize
    claim = f"its header describes {shape_text((height, width, count))} values ({claimed} bytes)"
    if stored == 0:
        raise CorruptFile(path, f"{claim}, but none of them is in the file ({size} bytes)", COPY_AGAIN)
    if claimed > limits.SMALL and claimed > size * limits.MOST_DEFLATE * 10:
        raise CorruptFile(path, f"{claim}, and the file has {size} bytes", limits.TRUST)
    if beyond:
        raise CorruptFile(path, f"{claim}, but the file ends after {size} bytes, before its last pixels", COPY_AGAIN)
    limits.check_size(path, (height, width, count))


def _raster(path: Path, dataset: Any) -> Raster:
    count = dataset.count
    notes: list[str] = []
    scale = np.asarray(dataset.scales, dtype=np.float32)
    offset = np.asarray(dataset.offsets, dtype=np.float32)
    if np.any(scale != 1) or np.any(offset != 0):
        text = f"{scale[0]:g}" if np.all(scale == scale[0]) else "its own factor in every band"
        notes.append(f"Stored values are multiplied by {text}, as the file says.")
    if len(set(dataset.dtypes)) > 1:
        notes.append("The bands have different number types; all are read as float32.")
    shape = (dataset.height, dataset.width, count)
    cube = GeoTiffCube(path, shape, scale, offset, dataset.nodatavals)
    transform = None if dataset.transform.is_identity else dataset.transform
    crs = dataset.crs.to_wkt() if dataset.crs else None
    gsd_m = None
    if transform is not None and dataset.crs and dataset.crs.is_projected:
        gsd_m = float(np.hypot(transform.a, transform.d)) * float(dataset.crs.linear_units_factor[1])
    units = {unit for unit in dataset.units if unit}
    return Raster(
        cube,
        _bands(dataset, notes),
        files=(path,),
        class_names=category_names(path, dataset) if count == 1 else {},
        transform=None if transform is None else tuple(float(v) for v in transform[:6]),  # type: ignore[arg-type]
        crs=crs,
        gsd_m=gsd_m,
        value_unit=units.pop() if len(units) == 1 else "",
        notes=tuple(notes),
    )


def _numbers(texts: Sequence[str | None]) -> FloatArray | None:
    """All texts as numbers; None when one is missing or no number."""
    values = []
    for text in texts:
        try:
            values.append(float(text or ""))
        except ValueError:
            return None
    return np.array(values, dtype=np.float32)


def _list(text: str | None, count: int) -> FloatArray | None:
    """ "{400.0, 410.0}" or "400 410" with exactly `count` numbers."""
    parts = [p for p in re.split(r"[,;\s]+", (text or "").strip(" {}[]\n")) if p]
    return _numbers(parts) if len(parts) == count else None


def _bands(dataset: Any, notes: list[str]) -> Bands:
    count = dataset.count
    per_band = [{k.lower(): v for k, v in read_tags(dataset, i).items()} for i in range(1, count + 1)]
    whole = {k.lower(): v for k, v in (read_tags(dataset) | read_tags(dataset, domain="ENVI")).items()}
    first = per_band[0]
    unit = first.get("wavelength_units") or first.get("wavelength_unit") or whole.get("wavelength_units")
    unit = unit or whole.get("wavelength units")
    centres = _numbers([tags.get("wavelength") or tags.get("wavelength_nm") for tags in per_band])
    widths = _numbers([tags.get("fwhm") for tags in per_band])
    if centres is None:
        imagery = [read_tags(dataset, i, "IMAGERY") for i in range(1, count + 1)]
        centres = _numbers([tags.get("CENTRAL_WAVELENGTH_UM") for tags in imagery])
        if centres is not None:
            unit, widths = "um", _numbers([tags.get("FWHM_UM") for tags in imagery])
    if centres is None:
        for key in ("wavelength", "wavelengths", "wavelength_nm"):
            centres = _list(whole.get(key), count) if centres is None else centres
        widths = _list(whole.get("fwhm"), count)
    nm = fwhm = None
    if centres is not None:
        nm, fwhm, more = to_nm(centres, unit, widths)
        notes.extend(more)
    if nm is None:
        nm, more = from_band_names(dataset.descriptions)
        notes.extend(more)
    flags = _numbers([tags.get("bbl") for tags in per_band])
    for key in ("bbl", "bad_bands"):
        flags = _list(whole.get(key), count) if flags is None else flags
    usable: BoolArray | None = None if flags is None else flags > 0
    if usable is not None and not usable.any():
        notes.append("The file's bad-band list rules out every band; it is not used.")
        usable = None
    return Bands(count, nm, fwhm, usable)


READER = GeoTiffReader()
