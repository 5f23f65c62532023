"""Products of named sensors, asked before the formats they are stored in. One file a sensor, with the version of the
product specification it follows.

NEON's and AVIRIS' products and PACE's level 2 need none: their formats (`formats/hdf.py`, `formats/envi.py`) say all
there is.
"""

from __future__ import annotations

from pathlib import Path

from hsi_studio.scene.plan import RULES
from hsi_studio.scene.sensors.base import Product


def products() -> tuple[Product, ...]:
    """Every product that is known by name."""
    from hsi_studio.scene.sensors import desis, emit, enmap, pace, prisma, tanager

    return (enmap.READER, desis.READER, prisma.READER, emit.READER, emit.RENAMED, emit.MASK, tanager.READER,
            pace.READER)  # fmt: skip


def product_of(path: Path, rules: int = RULES) -> Product | None:
    """The product a file belongs to; None for all others, and for products that came after a project's `rules`."""
    known = (product for product in products() if product.since <= rules)
    return next((product for product in known if product.sniff(path)), None)
