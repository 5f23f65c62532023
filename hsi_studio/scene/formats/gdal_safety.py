"""What GDAL must not do for a file: read another one, ask a server, or use a driver that nobody chose.

- **Names.** GDAL has file systems of its own behind names: `/vsicurl/https://…`, `/vsizip/…`, `GTIFF_DIR:1:…`. A path
  is made absolute before GDAL sees it, and one that still begins with `/vsi` is refused.
- **Sidecars.** `x.tif.ovr` and `x.tif.msk` are opened by *any* driver that recognises them, and a VRT there may show
  any file; `x.tif.aux.xml` may name another file for the overviews. They must be TIFFs, and name nothing.
- **Drivers.** rasterio loads all of GDAL's, with those that fetch or are lists of other files. `quieten` leaves these
  out; the app and its readers call it before rasterio is imported, a notebook keeps the drivers it has. Cubes are
  opened with `driver="GTiff"` whatever is loaded.
"""

from __future__ import annotations

import html
import os
from collections.abc import MutableMapping
from pathlib import Path

from hsi_studio.errors import CorruptFile, FileProblem
from hsi_studio.scene.raster import first_bytes

TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
LARGEST_XML = 16 << 20
SIDECARS = (".aux.xml", ".ovr", ".msk", ".ovr.aux.xml", ".msk.ovr")
SKIPPED = (  # they fetch, or are lists of other files
    "VRT", "DERIVED", "GTI", "HTTP", "WMS", "WMTS", "WCS", "EEDA", "EEDAI", "PLMOSAIC", "DAAS", "STACIT", "STACTA",
    "ESRIC", "MRF", "Zarr", "KMLSUPEROVERLAY", "TIL", "ECRGTOC", "RPFTOC", "DIMAP", "SAFE", "SENTINEL2", "PDF",
    "OGCAPI", "MBTiles", "MVT", "Rasterlite", "SQLite", "GeoJSON", "ESRIJSON", "TopoJSON", "GRASSASCIIGrid", "ISIS3",
    "PDS4",
)  # fmt: skip
QUIET = {
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".none",  # nothing is fetched, even by a driver that would
    "GDAL_HTTP_TIMEOUT": "1",
    "GDAL_DISABLE_READDIR_ON_OPEN": "FALSE",
    "PROJ_NETWORK": "OFF",
    "CPL_LOG": os.devnull,  # what GDAL would print by itself: drivers to leave out that a build has not got
    "HDF5_PLUGIN_PRELOAD": "::",  # no filters from the machine's folders because a file asks for them
}


def plain_name(path: Path) -> Path:
    """The absolute path. Raises FileProblem for one of GDAL's own file systems."""
    full = Path(os.path.abspath(path))
    if full.parts[1:2] and full.parts[1].lower().startswith("vsi"):
        raise FileProblem(path, "its name is one of GDAL's virtual file systems", "Give the file itself")
    return full


def check_sidecars(path: Path) -> None:
    """Raises FileProblem for a file beside that GDAL would follow to another, CorruptFile for one that is no TIFF."""
    for ending in SIDECARS:
        side = path.with_name(path.name + ending)
        if not side.is_file():
            continue
        if side.is_symlink() and side.resolve().parent != path.resolve().parent:
            raise FileProblem(side, "it is a link to another folder", f"Put the file itself beside {path.name}")
        if ending.endswith(".xml"):
            _check_xml(side)
        elif first_bytes(side, 4) not in TIFF:
            raise CorruptFile(side, f"it lies beside {path.name} and is no TIFF", "Delete it, and build it again")


def _check_xml(side: Path) -> None:
    if side.stat().st_size > LARGEST_XML:
        raise CorruptFile(side, "it is too long for metadata", "Delete it: the image opens without it")
    plain = side.read_bytes().replace(b"\0", b"").decode("latin-1")  # also as UTF-16
    text = html.unescape(plain).encode("utf-8").lower()  # "OVERVIEW&#95;FILE" is the same name to GDAL
    for word, what in ((b"<!", "declares a document type"), (b"overview_file", "names another file for the overviews")):
        if word in text.replace(b"<!--", b""):
            raise FileProblem(side, f"it {what}", "Delete it: the image opens without it")
    if b"/vsi" in text:
        raise FileProblem(side, "it names one of GDAL's virtual file systems", "Delete it: the image opens without it")


def quieten(environment: MutableMapping[str, str]) -> None:
    """No network, no foreign filters, no drivers of `SKIPPED`: variables for a process that has not yet imported
    rasterio and h5py, or that will be started."""
    environment.update(QUIET | {"GDAL_SKIP": ",".join(SKIPPED)})
