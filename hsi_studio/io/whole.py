"""A raster or a GeoPackage that GDAL wrote is whole, or there is an error.

GDAL writes what it holds back when a file is closed, and closing tells no error: on a full disk a GeoTIFF is cut short
in silence. So it is read again in full before it gets its name.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from hsi_studio.edges import names_only
from hsi_studio.errors import FileProblem

REMEDY = "Free some space on the disk, then export it again"


@contextmanager
def whole_raster(path: Path, name: str) -> Iterator[None]:
    """Around what writes and closes a raster at `path`, which will be called `name`. Raises FileProblem."""
    from rasterio._err import CPLE_BaseError  # what a copy raises where GDAL does notice; no public name
    from rasterio.errors import RasterioError

    try:
        yield
        read_again(path)
    except (RasterioError, CPLE_BaseError) as error:
        raise FileProblem(name, f"it could not be written whole ({names_only(str(error))})", REMEDY) from error


@contextmanager
def whole_geopackage(path: Path, name: str, layer: str, count: int) -> Iterator[None]:
    """Around what writes and closes a GeoPackage of `count` features. Raises FileProblem."""
    import sqlite3

    from pyogrio import errors

    try:
        yield
        with closing(sqlite3.connect(path)) as base:
            (said,) = base.execute("PRAGMA quick_check").fetchone()
            (found,) = base.execute(f'SELECT count(*) FROM "{layer}"').fetchone()
        problem = "" if (said, found) == ("ok", count) else f"{found} of {count} features, {said}"
    except errors.CRSError:
        raise
    except (errors.DataSourceError, errors.DataLayerError, sqlite3.Error) as error:
        said = names_only(str(error)).rpartition("failed: ")[2]  # without the SQL before it
        raise FileProblem(name, f"it could not be written whole ({said})", REMEDY) from error
    if problem:
        raise FileProblem(name, f"it could not be written whole ({problem})", REMEDY)


def drop_sides(path: Path) -> None:
    """Away with what programs left beside the raster that was at `path`: names, statistics and overviews of another."""
    for ending in (".aux.xml", ".ovr", ".msk"):
        path.with_name(path.name + ending).unlink(missing_ok=True)


def read_again(path: Path) -> None:
    """Every block of every band. Raises RasterioError where one is missing."""
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path) as raster:
            for _, window in raster.block_windows(1):
                raster.read(window=window)
