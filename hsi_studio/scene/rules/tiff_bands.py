"""What is a band in a TIFF: pages, and a band that is called transparency.

The rule: the pages of a TIFF of many pages are its bands, unless the pixels speak against it (`rules/axes.py`):
programs that save an array (rows, columns, bands) as it is make a page a row, of columns × bands pixels. It is asked.
A band marked as alpha is transparency when it is mostly clear or opaque. Otherwise it is data: GDAL marks the last of
four bands of bytes by itself, so that the near infrared of an aerial image is called alpha. Read as a band, noted.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from hsi_studio.scene.plan import Fact, axes_text
from hsi_studio.scene.rules.axes import find_axes
from hsi_studio.types import Cube, FloatArray

ALPHA_ROWS, SHADES = 64, 8  # rows of an alpha band that are looked at; different values that transparency may have
OPAQUE_OR_CLEAR = 0.5  # share of pixels


class _Sampled:
    """A cube as something that `rules.axes` samples: plain windows, axes (rows, columns, pages)."""

    def __init__(self, cube: Cube) -> None:
        self._cube, self.shape, self.dtype = cube, cube.shape, np.dtype(np.float32)

    def __getitem__(self, key: tuple[slice, slice, slice]) -> FloatArray:
        rows, cols, pages = (range(*part.indices(size)) for part, size in zip(key, self.shape, strict=True))
        window = self._cube.read(slice(rows.start, rows.stop), slice(cols.start, cols.stop), list(pages))
        return window[:: rows.step, :: cols.step]


def pages_axes(cube: Cube, description: str) -> Fact:
    """The fact on the axes of a cube (H, W, pages). `description`: the file's ImageDescription."""
    imagej = "images=" in description and "channels=" in description
    ome = re.search(r'SizeC="(\d+)"', description) if "<OME" in description else None
    if ome is not None and int(ome[1]) == cube.shape[2]:
        return Fact("rows,cols,bands", "certain", "The file (OME) says that its pages are channels.")
    if imagej or re.search(r'"axes"\s*:\s*"[CSQZ]YX"', description):
        return Fact("rows,cols,bands", "certain", "The file says that its pages are the bands.")
    axes, fact = find_axes(_Sampled(cube), None, [])
    if axes == (0, 1, 2) and fact.sure != "guess":
        return Fact("rows,cols,bands", "likely", "Every page is a band, as is usual.")
    height, width, pages = cube.shape
    by_row = axes_text((2, 0, 1))  # a page is a row, its lines are the columns, its pixels the bands
    a_row = axes[2] != 2
    reason = (
        f"it has {pages} pages of {height} × {width} pixels and does not say whether a page is a band or a row of the "
        f"scene ({'neighbouring pages are less alike than lines of one page' if a_row else 'its pixels do not tell'})"
    )
    choices = (by_row, "rows,cols,bands") if a_row else ("rows,cols,bands", by_row)
    return Fact(choices[0], "guess", reason, choices)


def alpha_shades(dataset: Any, band: int) -> int:
    """How many different values a band that is called alpha holds, where they are those of data; 0 for transparency.
    `dataset`: rasterio's. Looks at up to `ALPHA_ROWS` rows."""
    from rasterio.windows import Window

    wide, rows = min(dataset.width, 4096), np.unique(np.linspace(0, dataset.height - 1, ALPHA_ROWS).astype(int))
    values = np.concatenate([dataset.read(band, window=Window(0, int(row), wide, 1)).ravel() for row in rows])
    shades, counts = np.unique(values, return_counts=True)
    ends = counts[(shades == 0) | (shades == shades.max())].sum()
    return int(shades.size) if shades.size > SHADES and ends < OPAQUE_OR_CLEAR * values.size else 0
