"""Every real cube of a folder, saved again with its axes in three orders: opened right, asked about, or wrong?

    python -m benchmarks.axes_sweep DATA [--most 60000000]

Only the array is kept, as a .npy has it: no wavelengths, no names, no map beside it. A cube is real when this program
opens it from a format that says its axes. Prints one line for each that is not right, and the count.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from hsi_studio.errors import StudioError
from hsi_studio.scene.open import open_scene
from hsi_studio.scene.rules.axes import find_axes
from hsi_studio.types import FloatArray

ORDERS = {"rows,cols,bands": (0, 1, 2), "bands,rows,cols": (2, 0, 1), "rows,bands,cols": (0, 2, 1)}
ENDINGS = (".hdr", ".tif", ".mat", ".npz", ".h5", ".nc", ".npy")


def cubes(data: Path, most: int) -> Iterator[tuple[str, FloatArray]]:
    """(name, (H, W, B)) of at least three bands and two rows and columns, and of at most so many values."""
    for path in sorted(p for p in data.rglob("*") if p.suffix.lower() in ENDINGS):
        try:
            scene = open_scene(path)
            height, width, bands = scene.shape
            if bands >= 3 and min(height, width) >= 2 and height * width * bands <= most:
                yield str(path.relative_to(data)), scene.read(slice(None), slice(None))
        except StudioError:
            continue


def main() -> None:
    parser = argparse.ArgumentParser("python -m benchmarks.axes_sweep", description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--most", type=int, default=60_000_000, help="values a cube may have")
    args = parser.parse_args()
    count: Counter[str] = Counter()
    for name, cube in cubes(args.data, args.most):
        for stored, order in ORDERS.items():
            _, fact = find_axes(np.ascontiguousarray(cube.transpose(order)), None, [])
            result = "asked" if fact.sure == "guess" else "right" if fact.value == stored else "wrong"
            count[result] += 1
            if result != "right":
                print(f"{result}: {name} {cube.shape} as {stored}: {fact.value} ({fact.reason})")
    print(", ".join(f"{count[kind]} {kind}" for kind in ("right", "asked", "wrong")))


if __name__ == "__main__":
    main()
