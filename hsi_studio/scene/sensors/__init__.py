"""Products of named sensors, asked before the formats they are stored in. One file a sensor, with the version of the
product specification it follows.

NEON's and AVIRIS' products need none: their formats (`formats/hdf.py`, `formats/envi.py`) say all there is.
"""

from __future__ import annotations

from pathlib import Path

from hsi_studio.scene.sensors.base import Product


def products() -> tuple[Product, ...]:
    """Every product that is known by name."""
    from hsi_studio.scene.sensors import desis, emit, enmap, prisma

    return (enmap.READER, desis.READER, prisma.READER, emit.READER)


def product_of(path: Path) -> Product | None:
    """The product a file belongs to; None for all others."""
    return next((product for product in products() if product.sniff(path)), None)
