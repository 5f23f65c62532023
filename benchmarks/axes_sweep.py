"""Every real cube of a folder, saved again with its axes in three orders: opened right, asked about, or wrong?

    python -m benchmarks.axes_sweep DATA [--most 60000000]
    python -m benchmarks.axes_sweep DATA --layouts          the same for headers with wrong words (`rules/layout.py`)

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
from hsi_studio.scene.rules.layout import LEAST, other_layout
from hsi_studio.types import FloatArray

ORDERS = {"rows,cols,bands": (0, 1, 2), "bands,rows,cols": (2, 0, 1), "rows,bands,cols": (0, 2, 1)}
STORED = {"bsq": (2, 0, 1), "bil": (0, 2, 1), "bip": (0, 1, 2)}
MOST_OF_ONE = 6  # cubes of a folder, which are alike
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


def layouts(data: Path, most: int) -> None:
    """What the rule on layouts says of each cube in three interleaves, under each word and with its sides exchanged."""
    count: Counter[str] = Counter()
    folders: Counter[str] = Counter()
    for name, cube in cubes(data, most):
        folders[str(Path(name).parent)] += 1
        if min(cube.shape) < LEAST or folders[str(Path(name).parent)] > MOST_OF_ONE:
            continue
        height, width, bands = cube.shape
        for real, order in STORED.items():
            flat = np.ascontiguousarray(cube.transpose(order)).reshape(-1)
            for said, axes in STORED.items():
                for sides in {(height, width), (width, height)}:
                    size = (*sides, bands)
                    found = other_layout(flat.reshape([size[axis] for axis in axes]), said, size)
                    right = said == real and sides == (height, width)
                    kind = "right" if right else "exchanged sides" if said == real else "wrong interleave"
                    named = found is not None and (found.interleave, found.lines) == (real, height)
                    count[f"{kind}: {'left' if found is None else 'corrected' if named else 'refused'}"] += 1
    for kind, n in sorted(count.items()):
        print(f"{n:5} {kind}")


def main() -> None:
    parser = argparse.ArgumentParser("python -m benchmarks.axes_sweep", description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--most", type=int, default=60_000_000, help="values a cube may have")
    parser.add_argument("--layouts", action="store_true", help="headers with wrong words instead")
    args = parser.parse_args()
    if args.layouts:
        layouts(args.data, args.most)
        return
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
