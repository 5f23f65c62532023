"""GeoTIFF and COG through GDAL (rasterio), window by window.

GDAL datasets must not be shared between threads, so every thread opens its own. Before the first pixel
is read, the positions of the stored blocks are checked against the file's size: GDAL opens truncated
files gladly and fails in the middle, and a header of 300 bytes can claim terabytes.

Wavelengths are looked for by `tiff_wavelengths.py`.

Validity: “no data” values, and masks (inside the file, FILE.msk beside it, an alpha band, which is then no band).
A TIFF of many pages of one band and one size is one image with that many bands.
Pixel formats that GDAL reads as well (ERDAS Imagine, JPEG 2000, PCIDSK) come this way too: see `gdal_raster.py`.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from hsi_studio.edges import names_only
from hsi_studio.errors import CorruptFile, FileProblem
from hsi_studio.humanize import shape_text
from hsi_studio.scene.formats import gdal_safety, limits, sidecars
from hsi_studio.scene.formats.categories import category_names
from hsi_studio.scene.formats.tiff_wavelengths import bands_of
from hsi_studio.scene.plan import RULES, Fact
from hsi_studio.scene.raster import Candidate, Raster, Transform, choose, file_size, first_bytes
from hsi_studio.scene.rules import georeference
from hsi_studio.scene.rules.tiff_bands import alpha_shades, pages_axes
from hsi_studio.scene.rules.values import unit_of
from hsi_studio.types import FloatArray

MAGICS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
MOST_BLOCKS_CHECKED = 4000
MOST_PAGES = 2500
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
        masked: bool = False,
        driver: str = "GTiff",
        pages: int = 1,
        alpha: int = 0,
    ) -> None:
        self.path, self._shape, self._scale, self._offset = path, shape, scale, offset
        self._nodata, self._masked, self._driver, self._pages = list(nodata), masked, driver, pages
        self._alpha = alpha  # number of the band that says what is transparent, 0 = none
        self._local = threading.local()

    def with_nodata(self, nodata: float | None) -> GeoTiffCube:
        """The same cube with another stored value that means “no data”, or none."""
        how = self._masked, self._driver, self._pages, self._alpha
        return GeoTiffCube(self.path, self._shape, self._scale, self._offset, [nodata] * self._shape[2], *how)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, B)."""
        return self._shape

    def _dataset(self, page: int = 0) -> Any:
        """This thread's dataset; of files with pages the one of a page."""
        held: dict[int, Any] = self._local.__dict__.setdefault("datasets", {})
        if page not in held:
            name = self.path if self._pages == 1 else f"GTIFF_DIR:{page + 1}:{self.path}"
            held[page] = open_dataset(self.path, self._driver, name)
        return held[page]

    def _stored(self, picked: list[int], window: Any) -> tuple[Any, Any]:
        """(values (b, h, w) as stored, masks of the same shape or None)."""
        if self._pages > 1:
            parts = [self._dataset(page).read(1, window=window) for page in picked]
            return np.stack(parts), None
        dataset, numbers = self._dataset(), [band + 1 for band in picked]
        masks = dataset.read_masks(numbers, window=window) if self._masked else None
        if self._alpha:  # read itself: GDAL's masks know it only where the TIFF's own tags declare it
            opaque = np.repeat(dataset.read([self._alpha], window=window), len(numbers), axis=0)
            masks = opaque if masks is None else np.where(opaque == 0, 0, masks)
        return dataset.read(numbers, window=window), masks

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
            stored, masks = self._stored(picked.tolist(), Window(col, row, col_stop - col, row_stop - row))
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
        if masks is not None:
            missing |= np.moveaxis(masks[:, ::row_step, ::col_step], 0, 2) == 0
        out[missing] = np.nan
        return out


def open_dataset(path: Path, driver: str = "GTiff", name: Path | str | None = None) -> Any:
    """A rasterio dataset; `name`: GDAL's name of a part of the file. Raises CorruptFile."""
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning, RasterioError

    path = gdal_safety.plain_name(path)
    gdal_safety.check_sidecars(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            return rasterio.open(name or path, driver=driver, sharing=False)
    except (RasterioError, OSError, UnicodeDecodeError) as error:
        title = "GeoTIFF" if driver == "GTiff" else f"{driver} file"
        raise CorruptFile(
            path, f"it is not a complete {title} ({names_only(str(error))})", "Copy or download it again"
        ) from error


class GeoTiffReader:
    """GeoTIFF, BigTIFF, cloud-optimised GeoTIFF."""

    name = "geotiff"
    title = "GeoTIFF"
    extensions = (".tif", ".tiff")
    takes_rules = True

    def sniff(self, path: Path) -> bool:
        return first_bytes(path, 4) in MAGICS

    def open(self, path: Path, variable: str | None, rules: int = RULES) -> Raster:
        size = file_size(path)
        if variable is not None:
            raise choose(path, f"a GeoTIFF holds one image and no variable “{variable}”", self.variables(path))
        with open_dataset(path) as dataset:
            from rasterio._err import CPLE_BaseError  # what GDAL's directory reading raises; no public name
            from rasterio.errors import RasterioError

            try:
                pages = _pages(path, dataset)
                _check_stored(path, dataset, size)
                return raster_of(path, dataset, pages=pages, rules=rules)
            except (CPLE_BaseError, RasterioError) as error:
                raise CorruptFile(
                    path, f"its directory is damaged ({names_only(str(error))})", "Copy or download it again"
                ) from error
            except UnicodeDecodeError as error:  # band names or units
                raise CorruptFile(
                    path, f"its band names are not text ({error})", "Copy or download it again"
                ) from error

    def layer(self, path: Path, variable: str | None, shape: tuple[int, int] | None) -> Raster:
        return self.open(path, variable)

    def variables(self, path: Path) -> list[Candidate]:
        with open_dataset(path) as dataset:
            count = _pages(path, dataset) if dataset.count == 1 else dataset.count
            return [("", (dataset.height, dataset.width, count), dataset.dtypes[0])]


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


def _pages(path: Path, dataset: Any) -> int:
    """How many pages of one band and one size the file has; 1 for everything else."""
    parts = [name for name in dataset.subdatasets if name.startswith("GTIFF_DIR:")]
    if dataset.count != 1 or not 2 <= len(parts) <= MOST_PAGES:
        return 1
    for page in (1, len(parts) // 2, len(parts) - 1):
        with open_dataset(path, name=f"GTIFF_DIR:{page + 1}:{path}") as other:
            alike = (other.height, other.width, other.count, other.dtypes[0])
        if alike != (dataset.height, dataset.width, 1, dataset.dtypes[0]):
            return 1
    return len(parts)


def raster_of(path: Path, dataset: Any, driver: str = "GTiff", pages: int = 1, rules: int = RULES) -> Raster:
    """What GDAL says of a file, as a Raster. `rules`: of an older project, as in `Reader.open`."""
    notes: list[str] = []
    alpha = _alpha(dataset)
    shades = alpha_shades(dataset, alpha[0] + 1) if alpha and rules > 4 else 0
    if shades:
        notes.append(
            f"Band {alpha[0] + 1} is marked as transparency (alpha), as GDAL marks the last of four bands of bytes "
            f"by itself. It holds {shades} different values, as data do, and is read as a band."
        )
        alpha = []
    count = pages if pages > 1 else dataset.count - len(alpha)
    others = len([name for name in dataset.subdatasets if name.startswith("GTIFF_DIR:")])
    if pages == 1 and others > 1:
        notes.append(f"The file has {others} pages, and only the first is read.")
    if pages > 1:
        notes.append(f"The file has {pages} pages of one band; they are read as the bands of one image.")
        scale, offset = np.ones(count, np.float32), np.zeros(count, np.float32)
        nodata: Sequence[float | None] = [dataset.nodatavals[0]] * count
    else:
        scale = np.asarray(dataset.scales[:count], dtype=np.float32)
        offset = np.asarray(dataset.offsets[:count], dtype=np.float32)
        nodata = dataset.nodatavals[:count]
    if np.any(scale == 0):
        notes.append("The file gives a scale of 0, which would make every value the same; stored values are left.")
        scale[scale == 0] = 1
    if np.any(scale != 1) or np.any(offset != 0):
        text = f"{scale[0]:g}" if np.all(scale == scale[0]) else "its own factor in every band"
        notes.append(f"Stored values are multiplied by {text}, as the file says.")
    if len(set(dataset.dtypes[: dataset.count - len(alpha)])) > 1:
        notes.append("The bands have different number types; all are read as float32.")
    masked = pages == 1 and not shades and _masked(dataset, count)
    if alpha:
        notes.append("The last band is an alpha channel: transparent pixels are left out, and it is no band.")
    elif masked:
        notes.append("The file has a mask: masked pixels are left out.")
    cube = GeoTiffCube(path, (dataset.height, dataset.width, count), scale, offset, nodata, masked, driver, pages,
                       alpha[0] + 1 if alpha else 0)  # fmt: skip
    transform = None if dataset.transform.is_identity else dataset.transform
    crs = dataset.crs.to_wkt() if dataset.crs else None
    if transform is not None and crs is None:
        crs = georeference.prj_beside(path)
        if crs:
            notes.append(f"The map system is that of {path.stem}.prj beside it.")
    if transform is None and dataset.gcps[0]:
        notes.append("The file has ground control points and no map grid; rows and columns are used.")
    elif transform is None and dataset.tags(ns="RPC"):
        notes.append("The file has a camera model (RPC) and no map grid: rows and columns are used.")
    plain: Transform | None = None if transform is None else tuple(float(v) for v in transform[:6])  # type: ignore[assignment]
    units = {unit for unit in dataset.units if unit}
    first = nodata[0]
    bands, stored, fact, header = bands_of(path, dataset, notes, count, pages)
    axes = Fact("rows,cols,bands", "certain", "The format says so.")
    if pages > 1 and rules > 4:
        axes = pages_axes(cube, dataset.tags().get("TIFFTAG_IMAGEDESCRIPTION", ""))
    numbers = sidecars.numbers_beside(path, driver)
    marks = ("mask:file",) if masked else ("mask:alpha",) if alpha else ("alpha:band",) if shades else ()
    again = partial(open_dataset, path, driver)
    facts = {
        "axes": axes,
        "nodata": Fact(None if first is None else float(first), "certain" if first is not None else "likely",
                       "The file says so." if first is not None else "The file declares none."),
    }  # fmt: skip
    return Raster(
        cube,
        bands,
        files=(path, *(numbers + header if rules > 8 else ())),
        class_names=category_names(path, dataset) if count == 1 else {},
        class_colors=_palette(dataset) if count == 1 else {},
        transform=plain,
        crs=crs,
        gsd_m=georeference.side_m(plain, crs),
        value_unit=unit_of(units.pop()) if len(units) == 1 else "",
        notes=tuple(notes),
        facts=facts | ({"wavelengths": fact} if fact else {}),
        scale=scale,
        offset=offset,
        stored_wavelengths=stored,
        differs=(*marks, *sidecars.in_the_id(path, dataset, masked, again)) if rules > 8 else marks,
    )


def _alpha(dataset: Any) -> list[int]:
    """Positions of alpha bands at the end of a file with at least two others."""
    from rasterio.enums import ColorInterp

    last = dataset.count - 1
    try:
        return [last] if last >= 2 and dataset.colorinterp[last] == ColorInterp.alpha else []
    except ValueError:  # a colour interpretation of a newer GDAL
        return []


def _masked(dataset: Any, count: int) -> bool:
    """Is there a mask beside “no data” values: inside the file, in FILE.msk, or an alpha band?"""
    from rasterio.enums import MaskFlags

    plain = {MaskFlags.all_valid, MaskFlags.nodata}
    return any(set(flags) - plain for flags in dataset.mask_flag_enums[:count])


def _palette(dataset: Any) -> dict[int, str]:
    try:
        table = dataset.colormap(1)
    except (ValueError, KeyError):
        return {}
    return {value: "#{:02x}{:02x}{:02x}".format(*color[:3]) for value, color in table.items()}


READER = GeoTiffReader()
