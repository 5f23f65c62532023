"""Materials: what a class is made of. A building class holds several roofs, an orchard trees and grass between.

A material names its surfaces, their shares and how they lie together:
`blend` mixed everywhere, shares drift smoothly · `patch` side by side in patches · `rows` the first surface in rows
over the second · `object` each connected object is one of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from hsi_studio.errors import BadRequest
from hsi_studio.scene.physics.fields import smooth_field
from hsi_studio.scene.physics.spectra import Array


@dataclass(frozen=True)
class Material:
    parts: tuple[tuple[str, float], ...]  # (surface, share); shares sum to 1
    pattern: Literal["blend", "patch", "rows", "object"] = "blend"
    scale_m: float = 25.0  # patch size, or distance of rows
    drift: float = 0.05  # standard deviation of the first share in `blend` and `rows`
    softness: float = 0.0  # how much light passes its slopes (crowns), see light.illuminate
    offset: tuple[float, float] = (0.0, 0.0)  # added to (z1, z2)


MATERIALS: dict[str, Material] = {
    "broadleaf trees": Material((("broadleaf", 0.95), ("litter", 0.05)), softness=0.5),
    "conifers": Material((("needles", 0.95), ("litter", 0.05)), softness=0.45),
    "mixed woods": Material((("broadleaf", 0.6), ("needles", 0.4)), "patch", 30.0, softness=0.5),
    "apple trees": Material((("apple", 0.66), ("grass", 0.34)), "rows", 3.5, 0.07, softness=0.6),
    "vineyard": Material((("vine", 0.58), ("grass", 0.22), ("soil", 0.20)), "rows", 2.6, 0.08, softness=0.7),
    "meadow": Material((("grass", 0.95), ("soil", 0.05)), drift=0.03),
    "dry grass": Material((("dry grass", 0.86), ("grass", 0.06), ("soil", 0.08)), drift=0.07),
    "maize": Material((("maize", 0.84), ("soil", 0.16)), "rows", 4.0, 0.06, softness=0.5),
    "bare soil": Material((("soil", 0.94), ("dry grass", 0.06)), drift=0.05),
    "ground": Material((("grass", 0.5), ("dry grass", 0.25), ("soil", 0.25)), "patch", 14.0),
    "gravel": Material((("gravel", 0.90), ("dry grass", 0.10)), drift=0.07),
    "asphalt": Material((("asphalt", 0.96), ("gravel", 0.04)), drift=0.04),
    "concrete": Material((("concrete", 0.95), ("asphalt", 0.05)), drift=0.05),
    "tile roof": Material((("tile", 0.96), ("bitumen", 0.04)), drift=0.03),
    "bitumen roof": Material((("bitumen", 0.92), ("gravel", 0.08)), drift=0.06),
    "metal roof": Material((("metal", 0.97), ("bitumen", 0.03)), drift=0.03),
    "roofs": Material((("tile", 0.5), ("bitumen", 0.25), ("concrete", 0.13), ("metal", 0.12)), "object"),
    "water": Material((("water", 1.0),)),
    "background": Material(
        (("grass", 0.48), ("dry grass", 0.24), ("soil", 0.20), ("gravel", 0.05), ("asphalt", 0.03)), "patch", 22.0
    ),
}


def check_materials(wanted: Iterable[str]) -> None:
    """Raise BadRequest, with the list of known names, when a material does not exist."""
    unknown = sorted(set(wanted) - set(MATERIALS))
    if unknown:
        known = ", ".join(MATERIALS)
        raise BadRequest(f"No material is called {', '.join(map(repr, unknown))}. Choose from: {known}.")


def shares(
    material: Material,
    pixel: npt.NDArray[np.int64],
    shape: tuple[int, int],
    pixel_m: float,
    objects: npt.NDArray[np.int64],
    rng: np.random.Generator,
) -> Array:
    """(n, parts) share of each surface in the n pixels of flat index `pixel`; rows sum to 1."""
    names, share = zip(*material.parts, strict=True)
    base = np.asarray(share, dtype=np.float64)
    if len(names) == 1:
        return np.ones((pixel.size, 1))
    if material.pattern == "object":
        drawn = rng.choice(base.size, size=int(objects.max()) + 1, p=base)
        return np.eye(base.size)[drawn[objects.ravel()[pixel]]]
    if material.pattern == "patch":
        score = np.stack(
            [smooth_field(shape, pixel_m, material.scale_m, rng).ravel()[pixel] + 0.9 * np.log(s) for s in base], axis=1
        )
        sharp = np.exp(6.0 * (score - score.max(axis=1, keepdims=True)))  # patches with soft edges
        return np.asarray(sharp / sharp.sum(axis=1, keepdims=True))
    first = base[0] + material.drift * smooth_field(shape, pixel_m, 18.0, rng).ravel()[pixel]
    if material.pattern == "rows":
        angle = rng.uniform(0.0, np.pi, size=int(objects.max()) + 1)[objects.ravel()[pixel]]
        row, col = np.divmod(pixel, shape[1])
        across = (row * np.cos(angle) + col * np.sin(angle)) * pixel_m
        first = first + 0.45 * min(base[0], 1 - base[0]) * np.sin(2.0 * np.pi * across / material.scale_m)
    first = np.clip(first, 0.02, 1.0)[:, None]
    return np.hstack([first, (1.0 - first) * base[1:] / base[1:].sum()])
