"""GeoTIFF: tags, scale, nodata, threads, and files whose pixels are not there."""

from __future__ import annotations

import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hsi_studio.errors import ChooseVariable, CorruptFile, FileProblem
from hsi_studio.scene import read_class_map
from hsi_studio.scene.open import open_scene
from tests.scene import fake


def geotiff(path: Path, values: np.ndarray, **profile: Any) -> Any:
    """Write (H, W, B) and return the open dataset for tags."""
    import rasterio
    from rasterio.transform import from_origin

    options: dict[str, Any] = {"crs": "EPSG:32633", "transform": from_origin(366015, 5809965, 30, 30)} | profile
    height, width, count = values.shape
    dataset = rasterio.open(
        path, "w", driver="GTiff", height=height, width=width, count=count, dtype=values.dtype, **options
    )
    dataset.write(np.moveaxis(values, 2, 0))
    return dataset


@pytest.mark.parametrize("layout", [{}, {"tiled": True, "blockxsize": 16, "blockysize": 16}, {"interleave": "pixel"}])
@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "f4", "f8"])
def test_windows_read_back(tmp_path, layout, dtype):
    values = fake.cube(40, 37, 6, dtype)
    geotiff(tmp_path / "a.tif", values, **layout).close()
    scene = open_scene(tmp_path / "a.tif")
    assert np.array_equal(scene.read(slice(None), slice(None)), values.astype(np.float32))
    part = scene.read(slice(17, 30), slice(3, 9), [5, 0])
    assert np.array_equal(part, values[17:30, 3:9][:, :, [5, 0]].astype(np.float32))
    assert scene.gsd_m == 30
    assert scene.map_xy(0, 0) == pytest.approx((366030, 5809950))


def test_scale_nodata_and_band_tags(tmp_path):
    values = fake.cube(dtype="i2") * 50
    values[2, 3, :] = -32768
    with geotiff(tmp_path / "a.tif", values, nodata=-32768) as dataset:
        dataset.scales = (0.0001,) * 8
        for k in range(8):
            dataset.update_tags(
                k + 1, wavelength=str(0.4 + k / 10), fwhm="0.01", wavelength_units="Micrometers", bbl=str(int(k != 4))
            )
    scene = open_scene(tmp_path / "a.tif")
    assert scene.bands.wavelength_nm == pytest.approx([400 + 100 * k for k in range(8)])
    assert scene.bands.fwhm_nm == pytest.approx([10] * 8)
    assert np.flatnonzero(~scene.good_bands).tolist() == [4]
    assert scene.spectrum(0, 0) == pytest.approx(values[0, 0] * 1e-4, rel=1e-5)
    assert np.flatnonzero(~scene.valid.ravel()).tolist() == [2 * 5 + 3]


def test_wavelengths_of_the_imagery_domain_and_of_descriptions(tmp_path):
    with geotiff(tmp_path / "a.tif", fake.cube(bands=2)) as dataset:
        dataset.update_tags(1, ns="IMAGERY", CENTRAL_WAVELENGTH_UM="0.45", FWHM_UM="0.02")
        dataset.update_tags(2, ns="IMAGERY", CENTRAL_WAVELENGTH_UM="0.65", FWHM_UM="0.03")
    bands = open_scene(tmp_path / "a.tif").bands
    assert bands.wavelength_nm == pytest.approx([450, 650])
    assert bands.fwhm_nm == pytest.approx([20, 30])
    with geotiff(tmp_path / "b.tif", fake.cube(bands=2)) as dataset:
        dataset.descriptions = ("450.0 nm", "band 2 (650.5 Nanometers)")
    assert open_scene(tmp_path / "b.tif").bands.wavelength_nm == pytest.approx([450, 650.5])


def test_band_names_without_units_are_not_wavelengths(tmp_path):
    with geotiff(tmp_path / "a.tif", fake.cube(bands=2)) as dataset:
        dataset.descriptions = ("band 450", "band 451")
    assert open_scene(tmp_path / "a.tif").bands.wavelength_nm is None


def test_threads_read_the_same(tmp_path):
    values = fake.cube(64, 64, 5)
    geotiff(tmp_path / "a.tif", values, compress="deflate", tiled=True, blockxsize=16, blockysize=16).close()
    scene = open_scene(tmp_path / "a.tif")
    with ThreadPoolExecutor(8) as pool:
        parts = list(pool.map(lambda k: scene.read(slice(k, k + 3), slice(k % 50, k % 50 + 9)), range(60)))
    for k, part in enumerate(parts):
        assert np.array_equal(part, values[k : k + 3, k % 50 : k % 50 + 9])


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.995])
@pytest.mark.parametrize("compress", [None, "deflate"])
def test_truncated_file_is_refused_when_opened(tmp_path, share, compress):
    path = tmp_path / "a.tif"
    geotiff(path, fake.cube(100, 100, 8), compress=compress).close()
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(CorruptFile, match=r"a\.tif"):
        open_scene(path)


def test_huge_claim_in_a_tiny_tiff_allocates_nothing(tmp_path):
    entries = [(256, 4, 1, 100_000), (257, 4, 1, 100_000), (258, 3, 1, 16), (259, 3, 1, 1), (262, 3, 1, 1)]
    entries += [(273, 4, 1, 300), (277, 3, 1, 500), (278, 4, 1, 100_000), (279, 4, 1, 64), (284, 3, 1, 1)]
    ifd = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *e) for e in entries) + struct.pack("<I", 0)
    path = tmp_path / "huge.tif"
    path.write_bytes(b"II*\0" + struct.pack("<I", 8) + ifd + b"\0" * 300)
    with fake.little_memory(), pytest.raises(CorruptFile, match=r"huge\.tif"):
        open_scene(path)


def test_sparse_tiff_without_any_block_is_refused(tmp_path):
    import rasterio

    path = tmp_path / "sparse.tif"
    options = {"height": 20_000, "width": 20_000, "count": 50, "dtype": "float32", "SPARSE_OK": "TRUE", "tiled": True}
    with rasterio.open(path, "w", driver="GTiff", BIGTIFF="YES", blockxsize=4096, blockysize=4096, **options):
        pass
    with fake.little_memory(), pytest.raises(CorruptFile, match="none of them is in the file"):
        open_scene(path)


def test_text_named_tif_and_empty_tif(tmp_path):
    (tmp_path / "a.tif").write_text("row,col,label\n1,2,3\n")
    with pytest.raises(CorruptFile, match="text file"):
        open_scene(tmp_path / "a.tif")
    (tmp_path / "b.tif").write_bytes(b"")
    with pytest.raises(CorruptFile, match="0 bytes"):
        open_scene(tmp_path / "b.tif")


def test_one_band_is_no_scene_and_complex_is_refused(tmp_path):
    geotiff(tmp_path / "a.tif", fake.cube(bands=1)).close()
    with pytest.raises(FileProblem, match="one band"):
        open_scene(tmp_path / "a.tif")
    geotiff(tmp_path / "c.tif", fake.cube(dtype="c8")).close()
    with pytest.raises(FileProblem, match="complex"):
        open_scene(tmp_path / "c.tif")
    with pytest.raises(ChooseVariable):
        open_scene(tmp_path / "a.tif", variable="x")


def test_class_names_from_tags_category_names_and_attribute_table(tmp_path):
    classes = np.array([[0, 1], [2, 3]], dtype="u1")[:, :, None]
    path = tmp_path / "map.tif"
    with geotiff(path, classes, nodata=0) as dataset:
        dataset.update_tags(class_names='{"1": "Water", "2": "Soil"}')
    labels, names = read_class_map(path, (2, 2))
    assert labels.tolist() == [[0, 1], [2, 3]]
    assert names == {1: "Water", 2: "Soil", 3: "Class 3"}
    geotiff(tmp_path / "b.tif", classes).close()
    (tmp_path / "b.tif.aux.xml").write_text(
        "<PAMDataset><PAMRasterBand band='1'><CategoryNames><Category>None</Category><Category>Roof</Category>"
        "<Category>Tree</Category><Category>Road</Category></CategoryNames></PAMRasterBand></PAMDataset>"
    )
    assert read_class_map(tmp_path / "b.tif", (2, 2))[1] == {1: "Roof", 2: "Tree", 3: "Road"}
