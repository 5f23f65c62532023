"""What a picture shows beside bands: a spectral index, MNF components, and what a surface model says.

    "index:NDVI"   `indices.py`            "mnf:1,2,3" or "mnf:4"   `mnf.py`, components from 1
    "height"       as the file has it      "above"   metres above the ground, an estimate (`height.py`)
    "slope"        degrees                 "hillshade"

Those with one value a pixel and a unit (`is_measure`) are shown in colours, with a bar and a read-out.

Traps: height above ground and slope need the pixel's size: unknown, 1 m is taken, and `note` says so. They are made for
the whole scene at once, so not for scenes of more than `MOST_PIXELS`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hsi_studio.errors import BadRequest
from hsi_studio.features import indices
from hsi_studio.types import FloatArray, Scene

MOST_PIXELS = 16_000_000
TERRAIN = {
    "height": ("Height", "m"),
    "above": ("Height above ground", "m"),
    "slope": ("Slope", "°"),
    "hillshade": ("Hillshade", ""),
}
NO_SIZE = "The pixel size is not known: 1 m is taken."


def is_measure(composite: str) -> bool:
    """Whether it is one value a pixel, shown in colours with a bar."""
    return composite.startswith("index:") or composite in ("height", "above", "slope")


def unit(composite: str) -> str:
    return TERRAIN[composite][1] if composite in TERRAIN else ""


def title(composite: str) -> str:
    """For the colour bar."""
    kind, _, rest = composite.partition(":")
    if kind == "index":
        return f"{rest} · {indices.find(rest).title}"
    return TERRAIN[composite][0] if composite in TERRAIN else composite


def why_not(scene: Scene, composite: str) -> str:
    """Why a picture of the surface model cannot be made; "" when it can."""
    if scene.dsm is None:
        return "This scene has no height layer: open it with a DSM."
    if composite in ("above", "slope") and scene.shape[0] * scene.shape[1] > MOST_PIXELS:
        return f"Made for at most {MOST_PIXELS // 1_000_000} million pixels: this scene has more."
    return ""


def note(scene: Scene, composite: str) -> str:
    """What has to be known to read the values right: sentences, or ""."""
    said = []
    if composite == "above":
        said.append("An estimate: the ground is found by a morphological filter (Zhang et al. 2003); what is wider "
                    "than its largest window counts as ground.")  # fmt: skip
    if composite in ("above", "slope", "hillshade") and not scene.gsd_m:
        said.append(NO_SIZE)
    kind, _, name = composite.partition(":")
    if kind == "index":
        index = indices.find(name)
        if index.needs_reflectance and scene.value_unit != "reflectance":
            held = f"in {scene.value_unit}" if scene.value_unit else "in a unit that the file does not give"
            said.append(f"The formula is made for reflectance 0-1, and the values are {held}: the numbers mean little.")
    return " ".join(said)


def index_bands(scene: Scene, name: str) -> list[int]:
    """Bands (from 0) that the index is made of here. Raises BadRequest when the sensor has not all of them."""
    index = indices.find(name)
    if scene.bands.wavelength_nm is None:
        raise BadRequest(f"{name} goes by wavelengths, and the file has none.")
    chosen = indices.bands_of(index, scene.bands, scene.good_bands)
    if chosen is None:
        raise BadRequest(f"{name} needs the bands {', '.join(index.bands)}, and this sensor has not all of them.")
    return chosen


def index_list(scene: Scene) -> list[dict[str, Any]]:
    """The indices that this scene's bands allow, by domain and name: name, title, domain, formula, bands, reference."""
    if scene.bands.wavelength_nm is None:
        return []
    labels, out = scene.bands.labels, []
    for index in indices.catalogue().values():
        chosen = indices.bands_of(index, scene.bands, scene.good_bands)
        if chosen is not None:
            out.append({
                "name": index.name, "title": index.title, "domain": index.domain, "formula": index.formula,
                "bands": ", ".join(f"{b} {labels[k]}" for b, k in zip(index.bands, chosen, strict=True)),
                "constants": ", ".join(f"{c} = {v:g}" for c, v in index.constants), "reference": index.reference,
            })  # fmt: skip
    return sorted(out, key=lambda one: (one["domain"], one["name"].lower()))


def mnf_numbers(composite: str, count: int) -> list[int]:
    """Components (from 0) of "mnf:1,2,3" or "mnf:4". Raises BadRequest."""
    text = composite.partition(":")[2]
    numbers = [int(part) for part in text.split(",") if part.isascii() and part.isdigit() and len(part) < 6]
    if len(numbers) != text.count(",") + 1 or len(numbers) not in (1, 3) or not all(1 <= n <= count for n in numbers):
        raise BadRequest(f"{composite!r} needs one or three of the components 1 to {count}.")
    return [n - 1 for n in numbers]


def terrain(scene: Scene, composite: str) -> FloatArray:
    """(H, W) of "height", "above" or "slope". Raises BadRequest."""
    problem = why_not(scene, composite)
    if problem or scene.dsm is None:
        raise BadRequest(problem)
    from hsi_studio.features.height import fill_gaps, height_above_ground, slope

    z, gsd = scene.dsm[..., 0], scene.gsd_m or 1.0
    if composite == "height":
        return z
    if composite == "above":
        return height_above_ground(z, gsd)
    steep = np.degrees(np.arctan(slope(fill_gaps(z), gsd)))
    return np.where(np.isfinite(z), steep, np.nan).astype(np.float32)
