"""What files beside an image change of its pixels, so that the scene's id changes with them.

`x.tif.msk` says which pixels count; `x.tif.aux.xml` may give scales, offsets and “no data” values, which count instead
of the image's own; Imagine keeps the numbers of a large `x.img` in `x.ige`. Programs write an .aux.xml of statistics
when somebody looks at an image: that changes no pixel, so GDAL is asked what it reads with and without it.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

from hsi_studio.errors import CorruptFile
from hsi_studio.scene.identity import content_hash
from hsi_studio.scene.raster import first_bytes

HEAD = 1 << 20  # bytes in which Imagine names the file of its numbers


def in_the_id(path: Path, dataset: Any, masked: bool, reopened: Any) -> tuple[str, ...]:
    """For `Raster.differs`. `dataset`: rasterio's; `reopened`: opens the same image again."""
    import rasterio

    found = []
    mask, metadata = (path.with_name(path.name + ending) for ending in (".msk", ".aux.xml"))
    if masked and mask.is_file():
        found.append(f"beside:mask:{content_hash(mask)}")
    if metadata.is_file():
        with rasterio.Env(GDAL_PAM_ENABLED="NO"), reopened() as alone:
            if (values := _values(dataset)) != _values(alone):
                found.append(f"beside:values:{hashlib.sha256(values.encode()).hexdigest()}")
    return tuple(found)


def numbers_beside(path: Path, driver: str) -> tuple[Path, ...]:
    """The file in which Imagine keeps the numbers of a large image. Raises CorruptFile where it is not there."""
    found = re.search(rb"[^\x00-\x1f/\\\\]+\.ige", first_bytes(path, HEAD), re.IGNORECASE) if driver == "HFA" else None
    if found is None:
        return ()
    name = found[0].decode("utf-8", "replace")
    if not path.with_name(name).is_file():
        raise CorruptFile(
            path, f"its numbers are in {name}, which is not beside it", "Put that file there, by this name"
        )
    return (path.with_name(name),)


def _values(dataset: Any) -> str:
    return repr((dataset.scales, dataset.offsets, dataset.nodatavals))
