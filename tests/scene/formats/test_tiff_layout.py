"""Where a plain TIFF has its numbers; everything that is not plain is left to GDAL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hsi_studio.scene.formats.tiff_layout import plain
from tests.scene import fake
from tests.scene.formats.test_geotiff import geotiff


@pytest.mark.parametrize("options", [{}, {"interleave": "pixel"}, {"BIGTIFF": "YES"}, {"ENDIANNESS": "BIG"}])
@pytest.mark.parametrize("dtype", ["u1", "i2", "u4", "f4", "f8"])
def test_the_place_is_that_of_the_pixels(tmp_path: Path, options: dict[str, Any], dtype: str) -> None:
    values = fake.cube(20, 16, 6, dtype)
    geotiff(tmp_path / "a.tif", values, photometric="MINISBLACK", **options).close()
    found = plain(tmp_path / "a.tif")
    assert found is not None
    stored = np.memmap(tmp_path / "a.tif", found.dtype, "r", found.offset, found.shape)
    assert np.array_equal(stored.transpose(found.axes), values)


@pytest.mark.parametrize(
    "options",
    [
        {"compress": "deflate"},
        {"tiled": True, "blockxsize": 16, "blockysize": 16},
        {"alpha": "YES"},
        {"photometric": "MINISWHITE"},
        {"nbits": 4},
    ],
)
def test_what_is_not_plain_is_none(tmp_path: Path, options: dict[str, Any]) -> None:
    geotiff(tmp_path / "a.tif", fake.cube(20, 16, 2, "u1"), **options).close()
    assert plain(tmp_path / "a.tif") is None


def test_masks_and_cut_files_are_none(tmp_path: Path) -> None:
    import rasterio

    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), geotiff(tmp_path / "b.tif", fake.cube(20, 16, 2, "u1")) as dataset:
        dataset.write_mask(np.full((20, 16), 255, "u1"))
    assert plain(tmp_path / "b.tif") is None
    geotiff(tmp_path / "a.tif", fake.cube(20, 16, 2, "u1")).close()
    data = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(data[:-10])
    assert plain(tmp_path / "a.tif") is None


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=400), st.sampled_from([b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"]))
def test_any_bytes_are_a_layout_or_none(tmp_path_factory: pytest.TempPathFactory, data: bytes, magic: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "any.tif"
    file.write_bytes(magic + data)
    plain(file)
