"""Quality masks that come with a product: cloud, shadow, haze … beside the image or inside its file.

The rule: they are listed in the plan and named in a note; none is applied unless it is asked for (`--quality cloud`, a
list, or `all`), since what counts as too cloudy depends on the question. Then pixels that one of them marks (anything
but 0) are left out. A mask that lies on another grid is laid on the scene's by its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hsi_studio.errors import BadRequest, SizeMismatch
from hsi_studio.scene.labelmap import open_layer, split_spec
from hsi_studio.scene.raster import Raster
from hsi_studio.scene.rules.alignment import Grid, lay
from hsi_studio.types import BoolArray


def listed(raster: Raster) -> dict[str, str]:
    """{kind: "FILE" or "FILE:variable"} of the masks that the product brings."""
    if "masks" not in raster.facts:
        return {}
    pairs = (text.partition("=") for text in raster.facts["masks"].value)
    return {kind: spec for kind, _, spec in pairs}


def chosen(path: Path, wanted: str, there: dict[str, str]) -> list[str]:
    """The kinds of "cloud,shadow" or "all", in the product's order. Raises BadRequest naming what there is."""
    asked = [part.strip().lower() for part in wanted.split(",") if part.strip()]
    if not there:
        raise BadRequest(f"{path.name} brings no quality masks: leave --quality out, or name one with --mask FILE.")
    unknown = [kind for kind in asked if kind not in there and kind != "all"]
    if unknown or not asked:
        raise BadRequest(f"quality {wanted!r}: {path.name} has masks of {', '.join(there)}; name some of them, or all.")
    return [kind for kind in there if kind in asked or "all" in asked]


def usable(path: Path, raster: Raster, kinds: Sequence[str], there: dict[str, str]) -> tuple[BoolArray, list[str]]:
    """((H, W) True = no mask marks the pixel, one sentence a mask). Raises SizeMismatch, FileProblem."""
    height, width, _ = raster.cube.shape
    grid = Grid((height, width), raster.transform, raster.crs)
    out = np.ones((height, width), dtype=bool)
    notes = []
    for kind in kinds:
        file, variable = split_spec(there[kind], path)
        layer, values = open_layer(file, variable, grid, f"the {kind} mask")
        if values.shape[2] != 1:
            raise SizeMismatch(file, f"the {kind} mask has {values.shape[2]} layers", "Name one with --mask FILE")
        own = Grid(values.shape[:2], layer.transform, layer.crs)
        laid, _ = lay(file, values, own, grid, f"the {kind} mask", True)
        marked = np.isfinite(laid[:, :, 0]) & (laid[:, :, 0] != 0)
        out &= ~marked
        notes.append(f"{int(marked.sum()):,} of {marked.size:,} pixels are left out by the product's {kind} mask.")
    return out, notes
