"""Whether files that were exported can be opened by those who read such files; asked after the program was killed."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import zipfile
from pathlib import Path

from hsi_studio.engine.models.checkpoint import read_checkpoint
from hsi_studio.errors import StudioError


def damage(path: Path) -> str:
    """Why a file of an export cannot be read by those who read such files; "" = it can."""
    import rasterio
    from PIL import Image

    try:
        match path.suffix:
            case ".tif" | ".img":
                with rasterio.open(path) as raster:
                    raster.read()
            case ".png":
                Image.open(path).load()
            case ".geojson":
                json.loads(path.read_text(encoding="utf-8"))
            case ".gpkg":
                with contextlib.closing(sqlite3.connect(path)) as base:
                    if base.execute("pragma integrity_check").fetchone() != ("ok",):
                        return "its pages do not fit"
            case ".csv":
                if not path.read_text(encoding="utf-8").endswith("\n"):
                    return "its last line is cut"
            case ".zip":
                with zipfile.ZipFile(path) as packed:
                    return packed.testzip() or ""
            case ".safetensors":
                read_checkpoint(path)
    except (OSError, ValueError, rasterio.RasterioIOError, sqlite3.Error, zipfile.BadZipFile, StudioError) as error:
        return repr(error)
    return ""
