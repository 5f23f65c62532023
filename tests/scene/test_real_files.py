"""Real files from real sensors. Facts were read off with other programs (GDAL, spectral, h5py) or are published."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hsi_studio.errors import ChooseVariable, FileProblem, SizeMismatch, UnknownFormat
from hsi_studio.scene import read_class_map, read_dsm
from hsi_studio.scene.open import open_scene

ENVI_FILES = [
    ("formats/avirisng_isofit/ang20160910t185702_2rdn_img", (25, 30, 425), (376.44, 2500.12)),
    ("formats/engeomap_gamsberg/cubus_gamsberg_subset", (25, 10, 189), (426.82, 2324.9)),
    ("formats/envi_hymap/envi", (7, 10, 177), (460, 2409)),
    ("formats/hylite/Radiometric_8x2_1x1.dat", (1, 384, 363), (379.9, 2503.7)),
    ("formats/plantcv_envi/corn-kernel-hyperspectral.raw", (31, 43, 580), (366.6, 1048.4)),
    ("formats/plantcv_envi/darkReference", (1, 1600, 978), (379, 1001)),
    ("formats/wiser/caltech_425_7_7_nm", (7, 7, 425), (376.9, 2500.5)),
    ("berlin_urban_gradient/EnMAP_BerlinUrbanGradient.bsq", (80, 60, 177), (460, 2409)),
    ("berlin_urban_gradient_mini/HyMap02_Berlin_Urban_Gradient_2009.bsq", (100, 67, 111), (455.4, 2446.5)),
]


def need(path: Path) -> Path:
    if not path.exists():
        pytest.skip(f"no {path.name}")
    return path


@pytest.mark.parametrize(("name", "shape", "ends"), ENVI_FILES)
def test_envi(shared_data, name, shape, ends):
    scene = open_scene(need(shared_data / name))
    assert scene.shape == shape
    assert scene.bands.wavelength_nm[[0, -1]] == pytest.approx(ends, abs=0.06)
    assert scene.survey.valid.any()


@pytest.mark.parametrize("name", [n for n, _, _ in ENVI_FILES if "berlin_urban_gradient/" not in n])
def test_envi_pixels_are_those_gdal_reads(shared_data, name):
    import rasterio

    path = need(shared_data / name)
    scene = open_scene(path)
    with rasterio.open(path) as gdal:
        expected = np.moveaxis(gdal.read(), 0, 2).astype(np.float32)
        if scene.transform is not None:
            assert scene.transform == pytest.approx(tuple(gdal.transform)[:6])
    found = scene.read(slice(None), slice(None))
    assert np.array_equal(found[np.isfinite(found)], expected[np.isfinite(found)])


def test_gzip_compressed_envi(shared_data):
    scene = open_scene(need(shared_data / "berlin_urban_gradient/EnMAP_BerlinUrbanGradient.hdr"))
    survey = scene.survey
    assert (survey.band_min.min(), survey.band_max.max()) == (21, 5218)
    assert scene.gsd_m == 30
    assert "33N" in scene.crs


def test_headers_that_are_not_images(shared_data):
    with pytest.raises(FileProblem, match="ESRI"):
        open_scene(need(shared_data / "formats/plantcv_envi/arcgis.hdr"))
    with pytest.raises(FileProblem, match="spectral library"):
        open_scene(need(shared_data / "formats/envi_hymap/speclib.sli"))
    with pytest.raises(FileProblem, match="data file is missing"):
        open_scene(need(shared_data / "formats/cubert/Auto017.hdr"))


def test_enmap_tile_with_its_labels(shared_data):
    tile = need(shared_data / "enmap_potsdam/images/enmap_potsdam_tile_128_0.tif")
    scene = open_scene(tile, reference=shared_data / "enmap_potsdam/labels/enmap_potsdam_tile_128_0.tif")
    assert scene.shape == (32, 32, 224)
    assert scene.bands.wavelength_nm[0] == pytest.approx(418.24)
    assert scene.bands.fwhm_nm[0] == pytest.approx(6.99561)
    assert np.flatnonzero(~scene.good_bands).tolist() == [129, 130, 131, 132, 133, 134]
    assert scene.valid.all()
    assert 0 < scene.survey.band_mean[20] < 1  # reflectance: the file's 1e-4 is applied
    assert scene.map_xy(0, 0) == (366030, 5809950)
    assert set(scene.reference_names) <= {1, 2, 3, 4, 5, 6}
    with pytest.raises(SizeMismatch, match="200 × 330"):
        read_class_map(shared_data / "enmap_potsdam/enmap_landcover_unstyled.tif", (32, 32))


def test_all_enmap_labels(shared_data):
    labels, _ = read_class_map(need(shared_data / "enmap_potsdam/enmap_landcover_unstyled.tif"), (200, 330))
    assert np.bincount(labels.ravel())[1:].tolist() == [505, 953, 1694, 2070, 91, 359]


def test_neon(shared_data):
    scene = open_scene(need(shared_data / "formats/neon_h5/ex.h5"))
    assert scene.shape == (30, 30, 426)
    assert scene.bands.wavelength_nm[0] == pytest.approx(383.5, abs=0.1)
    assert scene.transform == (1, 0, 257000, 0, -1, 4112000)
    assert 0 < scene.survey.band_mean[50] < 1


def test_netcdf(shared_data):
    emit = open_scene(need(shared_data / "formats/wiser/EMIT_L2A_RFL_001_20241006T165148_2428011_003_crop.nc"))
    assert emit.shape == (32, 32, 3)
    first = open_scene(need(shared_data / "formats/wiser/netcdf.nc"))  # bands × rows × columns
    assert first.shape == (11, 12, 10)
    same = open_scene(need(shared_data / "formats/wiser/gtiff.tiff"))
    assert np.array_equal(first.spectrum(3, 4), same.spectrum(3, 4))


def test_muufl_crops(shared_data):
    scene = open_scene(need(shared_data / "muufl/an_hsi_img_for_class_demo.mat"))
    assert scene.shape == (31, 20, 72)
    assert scene.bands.wavelength_nm[[0, -1]] == pytest.approx([367.7, 1043.4], abs=0.06)
    vegetation = open_scene(need(shared_data / "muufl/a_hsi_img_for_VI_demo.mat"))
    assert vegetation.good_bands.sum() == 181  # 43 bands in water vapour are zero


def test_trento_layers(shared_data):
    dsm = read_dsm(need(shared_data / "trento/Italy_lidar.mat"), (166, 600))
    assert dsm.shape == (166, 600, 2)
    labels, _ = read_class_map(shared_data / "trento/allgrd.mat", (166, 600))
    assert np.bincount(labels.ravel())[1:].tolist() == [4034, 2903, 479, 9123, 10501, 3174]


def test_pavia_and_houston(shared_data):
    assert open_scene(need(shared_data / "pavia_university/paviaU_subimg.mat")).shape == (50, 50, 103)
    houston = need(shared_data / "houston2013/houston_gt.mat")
    train, _ = read_class_map(f"{houston}:houston_gt_tr", (349, 1905))
    test, _ = read_class_map(f"{houston}:houston_gt_te", (349, 1905))
    assert ((train > 0).sum(), (test > 0).sum()) == (2832, 12197)
    with pytest.raises(ChooseVariable) as caught:
        read_class_map(houston, (349, 1905))
    assert len(caught.value.candidates) == 2


def test_disjoint_split_of_indian_pines(shared_data):
    mask, _ = read_class_map(need(shared_data / "groundtruth_only/indianpines_disjoint_dset.mat"), (145, 145))
    assert 0 < (mask > 0).sum() < 10_249


def test_every_sample_opens_or_says_why(shared_data):
    """No file of any kind ends in anything but a scene or a designed error."""
    opened = 0
    for path in sorted(shared_data.glob("formats/*/*")) + sorted(shared_data.glob("berlin_*/*")):
        try:
            open_scene(path)
            opened += 1
        except FileProblem as error:
            assert path.stem.split(".")[0] in str(error) or isinstance(error, UnknownFormat)  # noqa: PT017
    assert opened >= 25
