"""Bytes in the wrong order: refused, or read right, where the numbers say so plainly; left alone where they do not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hsi_studio.errors import CorruptFile
from hsi_studio.scene import open_scene
from hsi_studio.scene.rules.byte_order import looks_swapped
from tests.scene import fake

AXES = {"bsq": (2, 0, 1), "bil": (0, 2, 1), "bip": (0, 1, 2)}


def picture(dtype: str) -> np.ndarray:
    """(60, 50, 40) hills and a spectrum, of up to 6,000, with a little noise."""
    row, col, band = np.ogrid[0:60, 0:50, 0:40]
    hills = 2000 + 900 * np.sin(row / 9) * np.cos(col / 11) + 60 * band + 500 * np.sin(band / 6)
    return (hills + np.random.default_rng(0).normal(0, 20, hills.shape)).astype(dtype)


@pytest.mark.parametrize("interleave", AXES)
@pytest.mark.parametrize("dtype", ["i2", "u2", "i4", "u4", "f4", "f8"])
def test_a_picture_is_told_from_its_bytes_exchanged(dtype: str, interleave: str) -> None:
    stored = np.ascontiguousarray(picture(dtype).transpose(AXES[interleave]))
    assert not looks_swapped(stored)
    assert looks_swapped(stored.byteswap())
    marked = stored.copy()
    marked[:, ::3] = np.nan if dtype[0] == "f" else 0  # what is not measured says nothing
    assert not looks_swapped(marked)
    assert looks_swapped(marked.byteswap())


@pytest.mark.parametrize(
    "values",
    [
        np.random.default_rng(1).integers(0, 65535, (20, 30, 40)).astype("u2"),
        np.random.default_rng(1).integers(0, 200, (20, 30, 40)).astype("u2"),
        np.random.default_rng(1).integers(0, 200, (20, 30, 40)).astype("u2") * 256,
        np.random.default_rng(1).poisson(3, (20, 30, 40)).astype("i4"),
        np.full((20, 30, 40), 300, "i2"),
        np.zeros((20, 30, 40), "f4"),
        picture("f4") * np.float32(1e-12),
        picture("u1"),
        picture("i2")[:3, :3, :3],
    ],
    ids=["noise", "small noise", "noise times 256", "counts", "one value", "zeros", "tiny", "bytes", "few"],
)
def test_what_is_no_picture_stays_as_it_is_said(values: np.ndarray) -> None:
    assert not looks_swapped(values)


@pytest.mark.parametrize("order", [0, 1])
def test_a_header_with_the_wrong_order_is_refused_with_the_right_one(tmp_path: Path, order: int) -> None:
    path = fake.envi(tmp_path, picture("i2"), order=order, header={"byte order": 1 - order})
    with pytest.raises(CorruptFile, match=f"Write byte order = {order} into the header"):
        open_scene(path)


@pytest.mark.parametrize(("order", "said"), [(0, "little endian (0) is assumed"), (1, "big endian (1) is taken")])
def test_without_an_order_the_picture_is_taken_and_told(tmp_path: Path, order: int, said: str) -> None:
    values = picture("i2")
    scene = open_scene(fake.envi(tmp_path, values, order=order, header={"byte order": None}))
    np.testing.assert_array_equal(scene.read(slice(0, 60), slice(0, 50)), values)
    assert any(said in note for note in scene.notes)
