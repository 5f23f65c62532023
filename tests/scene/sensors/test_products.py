"""Products in small, built from their specifications (the sources are named in the readers)."""

from __future__ import annotations

import re
from pathlib import Path

import h5py
import numpy as np
import pytest
import rasterio
from rasterio.crs import CRS

from hsi_studio.errors import BadRequest, CorruptFile, FileProblem
from hsi_studio.scene.open import open_scene
from hsi_studio.scene.sensors import product_of

EVERYTHING = slice(None), slice(None)
CUBE = np.random.default_rng(0).integers(100, 4000, (12, 10, 6)).astype("i2")
CENTRES = np.array([420.0, 650.0, 990.0, 905.0, 1650.0, 2200.0])  # detectors overlap between 905 and 990 nm
ENMAP = "ENMAP01-____L2A-DT0000001867_20220724T104526Z_008_V010303_20230922T131734Z"
DESIS = "DESIS-HSI-L2A-DT0483531728_017-20200804T101112-V0210"
TAGS = {
    ENMAP: ("bandID", "wavelengthCenterOfBand", "FWHMOfBand", "GainOfBand", "OffsetOfBand"),
    DESIS: ("band", "wavelengthCenterOfBand", "wavelengthWidthOfBand", "gainOfBand", "offsetOfBand"),
}


def dlr(folder: Path, name: str, ending: str = "TIF", bands: int = 6) -> Path:
    """A folder with the image, its metadata and a quality layer."""
    product = folder / name
    product.mkdir()
    profile = {"driver": "GTiff", "height": 12, "width": 10, "crs": "EPSG:32633", "nodata": -32768}
    profile["transform"] = rasterio.Affine(30, 0, 500000, 0, -30, 5800000)
    with rasterio.open(product / f"{name}-SPECTRAL_IMAGE.{ending}", "w", count=6, dtype="int16", **profile) as target:
        target.write(np.moveaxis(CUBE, 2, 0))
    profile["nodata"] = 0
    with rasterio.open(product / f"{name}-QL_QUALITY_CLOUD.{ending}", "w", count=1, dtype="uint8", **profile) as target:
        target.write(np.ones((12, 10), "u1"), 1)
    outer, *tags = TAGS[name]
    rows = "".join(
        f"<{outer} number='{k}'>"
        + "".join(f"<{t}>{v}</{t}>" for t, v in zip(tags, (nm, 8, 1e-4, 0), strict=True))
        + f"</{outer}>"
        for k, nm in enumerate(CENTRES[:bands], start=1)
    )
    text = f"<?xml version='1.0'?><level_X><base><level>L2A</level></base><specific><bandCharacterisation>{rows}"
    (product / f"{name}-METADATA.{'XML' if ending == 'TIF' else 'xml'}").write_text(
        text + "</bandCharacterisation></specific></level_X>"
    )
    return product


@pytest.mark.parametrize(("name", "ending"), [(ENMAP, "TIF"), (DESIS, "tif")])
@pytest.mark.parametrize("what", ["folder", "image", "metadata"])
def test_enmap_and_desis(tmp_path, name, ending, what):
    product = dlr(tmp_path, name, ending)
    parts = {"folder": product, "image": product / f"{name}-SPECTRAL_IMAGE.{ending}"}
    parts["metadata"] = next(product.glob("*-METADATA.*"))
    scene = open_scene(parts[what])
    order = np.argsort(CENTRES)
    assert scene.bands.wavelength_nm == pytest.approx(CENTRES[order])
    assert scene.bands.fwhm_nm == pytest.approx([8] * 6)
    assert scene.value_unit == "reflectance"
    with rasterio.open(parts["image"]) as gdal:
        expected = np.moveaxis(gdal.read(), 0, 2)[:, :, order] * 1e-4
        assert scene.transform == pytest.approx(tuple(gdal.transform)[:6])
        assert CRS.from_wkt(scene.crs) == gdal.crs
    assert scene.read(*EVERYTHING) == pytest.approx(expected, rel=1e-5)
    assert scene.read(slice(3, 5), slice(2, 9), [4, 0]) == pytest.approx(expected[3:5, 2:9][:, :, [4, 0]], rel=1e-5)
    old = open_scene(parts["image"], rules=1)
    assert old.bands.wavelength_nm is None
    assert old.id != scene.id


def test_metadata_of_another_file(tmp_path):
    product = dlr(tmp_path, ENMAP, bands=4)
    with pytest.raises(CorruptFile, match=r"describes 4 bands and .* has 6"):
        open_scene(product)
    next(product.glob("*-METADATA.XML")).unlink()
    assert product_of(next(product.glob("*-SPECTRAL_IMAGE.TIF"))) is None


def prisma(folder: Path, corner: bool = True) -> Path:
    nm = np.linspace(400, 2400, 14)
    dn = np.random.default_rng(1).integers(1000, 60000, (12, 10, 14)).astype("u2")
    dn[:2] = 0
    path = folder / "PRS_L2D_STD_20200720101326_20200720101331_0001.he5"
    with h5py.File(path, "w") as f:
        fields = f.create_group("HDFEOS/SWATHS/PRS_L2D_HCO/Data Fields")
        for name, start, stop in (("Vnir", 0, 5), ("Swir", 4, 14)):  # one wavelength is in both
            part = dn[:, :, start:stop][:, :, ::-1]
            padded = np.concatenate([part, np.zeros((12, 10, 1), "u2")], axis=2)  # a band that is not there
            fields[f"{name.upper()}_Cube"] = np.ascontiguousarray(padded.transpose(0, 2, 1))
            f.attrs[f"List_Cw_{name}"] = np.append(nm[start:stop][::-1], 0).astype("f4")
            f.attrs[f"List_Fwhm_{name}"] = np.append(np.full(stop - start, 10.0), 0).astype("f4")
            f.attrs[f"L2Scale{name}Min"], f.attrs[f"L2Scale{name}Max"] = np.float32(0.01), np.float32(1.2)
        f.attrs["Epsg_Code"] = 32632
        f.attrs["Product_ULcorner_easting"], f.attrs["Product_ULcorner_northing"] = 500015.0, 4999985.0
        if corner:
            f.attrs["Product_LRcorner_easting"] = 500015.0 + 9 * 30
    return path


def test_prisma(tmp_path):
    path = prisma(tmp_path)
    scene = open_scene(path)
    assert scene.shape == (12, 10, 15)
    assert np.all(np.diff(scene.bands.wavelength_nm) >= 0)
    assert scene.bands.wavelength_nm[[0, -1]] == pytest.approx([400, 2400])
    assert scene.valid.sum() == 100
    with h5py.File(path) as f:
        stored = f["HDFEOS/SWATHS/PRS_L2D_HCO/Data Fields/VNIR_Cube"][7, 4, 3]  # the fifth is the shortest wavelength
    assert scene.read(slice(7, 8), slice(3, 4), [0])[0, 0, 0] == pytest.approx(0.01 + stored * 1.19 / 65535, rel=1e-5)
    assert scene.transform == pytest.approx((30, 0, 500000, 0, -30, 5000000))  # corners are centres of pixels
    assert CRS.from_wkt(scene.crs).to_epsg() == 32632
    assert open_scene(path, variable="VNIR_Cube").shape == (12, 10, 5)
    assert open_scene(path, variable="SWIR_Cube").bands.wavelength_nm[-1] == pytest.approx(2400)
    (tmp_path / "edge").mkdir()
    assert open_scene(prisma(tmp_path / "edge", corner=False)).transform[2] == 500015


def emit(folder: Path) -> tuple[Path, np.ndarray, np.ndarray, np.ndarray]:
    swath = np.random.default_rng(2).random((9, 7, 6)).astype("f4")
    rows, cols = np.mgrid[0:11, 0:12]
    y, x = (rows * 7 + cols) // 8, cols - 2  # a sheared swath
    inside = (x >= 0) & (x < 7) & (y >= 0) & (y < 9)
    glt_x, glt_y = np.where(inside, x + 1, 0).astype("i4"), np.where(inside, y + 1, 0).astype("i4")
    path = folder / "EMIT_L2A_RFL_001_20240101T000000_2400101_001.nc"
    with h5py.File(path, "w") as f:
        f["reflectance"] = swath
        f["reflectance"].attrs["_FillValue"] = np.float32(-9999)
        f["sensor_band_parameters/wavelengths"] = CENTRES[np.argsort(CENTRES)]
        f["sensor_band_parameters/fwhm"] = np.full(6, 8.0)
        f["sensor_band_parameters/good_wavelengths"] = np.array([1, 1, 1, 1, 0, 1.0])
        f["location/glt_x"], f["location/glt_y"] = glt_x, glt_y
        f.attrs["geotransform"] = np.array([13.0, 0.000542, 0, 52.0, 0, -0.000542])
        f.attrs["spatial_ref"] = CRS.from_epsg(4326).to_wkt()
    return path, swath, glt_x, glt_y


def test_emit_is_laid_on_its_grid(tmp_path):
    path, swath, glt_x, glt_y = emit(tmp_path)
    scene = open_scene(path)
    assert scene.shape == (11, 12, 6)
    found = scene.read(*EVERYTHING)
    seen = glt_x > 0
    assert np.array_equal(found[seen], swath[glt_y[seen] - 1, glt_x[seen] - 1])
    assert np.isnan(found[~seen]).all()
    assert np.array_equal(scene.read(slice(4, 9), slice(3, 8), [5, 1])[2, 2], found[6, 5, [5, 1]], equal_nan=True)
    assert scene.transform == pytest.approx((0.000542, 0, 13, 0, -0.000542, 52))
    assert CRS.from_wkt(scene.crs).to_epsg() == 4326
    assert scene.bands.usable.tolist() == [True, True, True, True, False, True]
    assert open_scene(path, rules=1).shape == (9, 7, 6)


def test_emit_under_another_name_and_its_flags(tmp_path):
    path, _, glt_x, glt_y = emit(tmp_path)
    flags = np.zeros((9, 7, 3), "f4")
    flags[:4, :, 1], flags[..., 2] = 1, 0.2
    beside = path.with_name(path.name.replace("_RFL_", "_MASK_"))
    with h5py.File(path) as granule, h5py.File(beside, "w") as f:
        f["mask"] = flags
        f["sensor_band_parameters/mask_bands"] = ["Cirrus flag", "Cloud flag", "AOD550"]
        granule.copy("location", f)
        f.attrs.update(granule.attrs)
    scene = open_scene(path)
    assert scene.valid.sum() == (glt_x > 0).sum()
    assert "masks of cloud, cirrus; none is applied" in " ".join(scene.notes)
    clear = open_scene(path, quality="cloud")
    assert np.array_equal(clear.valid, (glt_x > 0) & (glt_y > 4))
    with pytest.raises(FileProblem, match="quality flags, no image"):
        open_scene(beside)
    assert open_scene(beside, rules=6, axes="rows,cols,bands").shape == (9, 7, 3)
    with pytest.raises(FileProblem, match=r"several flags \(cloud, cirrus\)"):
        open_scene(path, mask=str(beside))
    renamed = path.rename(tmp_path / "mine.nc")
    assert open_scene(renamed).shape == (11, 12, 6)
    assert open_scene(renamed, rules=6).shape == (9, 7, 6)


def test_neon(tmp_path):
    """NEON.DP3.30006 (HDF5, NEON technical memo, revision A): Reflectance_Data, Map_Info, scale 10000, −9999."""
    dn = np.random.default_rng(3).integers(0, 6000, (12, 10, 6)).astype("i2")
    dn[:3] = -9999
    with h5py.File(tmp_path / "NEON_D17_SJER_DP3_257000_4112000_reflectance.h5", "w") as f:
        site = f.create_group("SJER/Reflectance")
        data = site.create_dataset("Reflectance_Data", data=dn)
        data.attrs["Scale_Factor"], data.attrs["Data_Ignore_Value"] = 10000.0, -9999.0
        spectral = site.create_group("Metadata/Spectral_Data")
        spectral["Wavelength"], spectral["FWHM"] = np.sort(CENTRES), np.full(6, 6.0)
        spectral["Wavelength"].attrs["Units"] = "nanometers"
        place = site.create_group("Metadata/Coordinate_System")
        info = "UTM,  1.000,  1.000,  257000.000,  4113000.0,  1.0,  1.0,  11,  North,  WGS-84,  units=Meters, 0"
        place["Map_Info"], place["EPSG Code"] = np.bytes_(info), np.bytes_("32611")
    scene = open_scene(tmp_path / "NEON_D17_SJER_DP3_257000_4112000_reflectance.h5")
    assert scene.bands.wavelength_nm == pytest.approx(np.sort(CENTRES))
    assert scene.valid.sum() == 90
    assert scene.read(*EVERYTHING)[5] == pytest.approx(dn[5] / 1e4, rel=1e-5)
    assert scene.transform == pytest.approx((1, 0, 257000, 0, -1, 4113000))
    assert CRS.from_wkt(scene.crs).to_epsg() == 32611


def test_tanager_and_pace_say_their_axes_themselves(tmp_path):
    """Planet, Tanager core imagery (HDF5, 2024): wavelengths are attributes of the cube, bands come first. NASA
    OB.DAAC, PACE OCI L2 SFREFL (netCDF-4, 2024): number_of_lines, pixels_per_line, wavelength_3d."""
    cube = np.random.default_rng(4).random((12, 10, 6)).astype("f4")
    nm = np.sort(CENTRES)
    with h5py.File(tmp_path / "tanager.h5", "w") as f:
        data = f.create_dataset("HDFEOS/SWATHS/HYP/Data Fields/surface_reflectance", data=cube.transpose(2, 0, 1))
        data.attrs["wavelengths"], data.attrs["fwhm"] = nm, np.full(6, 5.0)
    with h5py.File(tmp_path / "PACE_OCI.nc", "w") as f:
        data = f.create_dataset("geophysical_data/rhos", data=cube)
        for axis, name in enumerate(("number_of_lines", "pixels_per_line", "wavelength_3d")):
            f.create_dataset(f"sensor_band_parameters/{name}", data=nm if axis == 2 else np.arange(cube.shape[axis]))
            f[f"sensor_band_parameters/{name}"].make_scale(name)
            data.dims[axis].attach_scale(f[f"sensor_band_parameters/{name}"])
    for name in ("tanager.h5", "PACE_OCI.nc"):
        scene = open_scene(tmp_path / name)
        assert np.array_equal(scene.read(*EVERYTHING), cube)
        assert scene.bands.wavelength_nm == pytest.approx(nm)


def test_tanager_leaves_out_what_lies_outside_and_bands_that_are_not_good(tmp_path):
    """Tanager Product Specification, September 2025: nodata_pixels, good_wavelengths, beta_cloud_mask."""
    cube = np.random.default_rng(4).random((12, 10, 6)).astype("f4")
    outside, cloud = np.zeros((12, 10), "u1"), np.zeros((12, 10), "u1")
    outside[0], cloud[:, 9] = 1, 1
    with h5py.File(tmp_path / "20250901_basic_sr.h5", "w") as f:
        fields = f.create_group("HDFEOS/SWATHS/HYP/Data Fields")
        data = fields.create_dataset("surface_reflectance", data=cube.transpose(2, 0, 1))
        data.attrs["wavelengths"], data.attrs["fwhm"] = np.sort(CENTRES), np.full(6, 5.0)
        data.attrs["good_wavelengths"] = [1, 1, 1, 1, 0, 1]
        fields["nodata_pixels"], fields["beta_cloud_mask"] = outside, cloud
    path = tmp_path / "20250901_basic_sr.h5"
    scene = open_scene(path)
    assert scene.value_unit == "reflectance"
    assert np.array_equal(scene.valid, outside == 0)
    assert scene.bands.usable.tolist() == [True, True, True, True, False, True]
    assert any("masks of cloud" in note for note in scene.notes)
    clear = open_scene(path, quality="cloud")
    assert np.array_equal(clear.valid, (outside == 0) & (cloud == 0))
    assert clear.id != scene.id
    assert clear.plan["quality"]["value"] == "cloud"
    assert open_scene(path, rules=2).valid.all()  # projects from before are read as they were


def test_pace_l1b_is_one_cube_of_its_detectors(tmp_path):
    """PACE OCI Level-1B, version 3 (OB.DAAC, 2024): rhot_blue, rhot_red, rhot_SWIR (bands, scans, pixels)."""
    cube = np.random.default_rng(4).random((12, 10, 6)).astype("f4")
    cube[2, 3] = -32767
    parts = {"blue": (slice(0, 3), [340.0, 500, 604]), "red": (slice(3, 5), [600.0, 890])}
    parts["SWIR"] = (slice(5, 6), [2258.0])
    with h5py.File(tmp_path / "PACE_OCI.20240601T120000.L1B.V3.nc", "w") as f:
        for part, (bands, nm) in parts.items():
            f[f"observation_data/rhot_{part}"] = cube[:, :, bands].transpose(2, 0, 1)
            f[f"sensor_band_parameters/{part}_wavelength"] = nm
    scene = open_scene(next(tmp_path.iterdir()))
    assert scene.bands.wavelength_nm == pytest.approx([340, 500, 600, 604, 890, 2258])
    assert int(scene.valid.sum()) == 119
    assert scene.read(slice(5, 6), slice(0, 10)) == pytest.approx(cube[5:6][:, :, [0, 1, 3, 2, 4, 5]])
    assert open_scene(next(tmp_path.iterdir()), variable="rhot_red").shape == (12, 10, 2)


def test_a_renamed_prisma_file_is_known_by_what_it_holds(tmp_path):
    path = prisma(tmp_path)
    named = open_scene(path)
    other = path.rename(tmp_path / "my_scene.he5")
    assert np.array_equal(open_scene(other).bands.wavelength_nm, named.bands.wavelength_nm)


def test_quality_masks_of_enmap_are_an_option(tmp_path):
    product = dlr(tmp_path, ENMAP)
    layer = product / f"{ENMAP}-QL_QUALITY_CLOUD.TIF"
    with rasterio.open(layer, "r+") as target:
        marked = np.zeros((12, 10), "u1")
        marked[3:5] = 1
        target.write(marked, 1)
    scene = open_scene(product)
    assert scene.valid.all()
    assert any("--quality cloud" in note for note in scene.notes)
    assert np.array_equal(open_scene(product, quality="all").valid, marked == 0)
    with pytest.raises(BadRequest, match="masks of cloud"):
        open_scene(product, quality="snow")
    with pytest.raises(BadRequest, match="no quality masks"):
        open_scene(product / f"{ENMAP}-QL_QUALITY_CLOUD.TIF", quality="cloud")


def test_enmap_without_gains_or_metadata_says_so(tmp_path):
    product = dlr(tmp_path, ENMAP)
    metadata = next(product.glob("*-METADATA.XML"))
    metadata.write_text(re.sub(r"<(Gain|Offset|FWHM)OfBand>.*?</\1OfBand>", "", metadata.read_text()))
    scene = open_scene(product)
    assert scene.value_unit == ""
    assert scene.bands.fwhm_nm is None
    assert "gives no gains" in " ".join(scene.notes)
    metadata.unlink()
    assert "no METADATA.XML of its name" in " ".join(open_scene(product).notes)


def test_enmap_l1b_has_a_file_a_detector(tmp_path):
    product = dlr(tmp_path, ENMAP)
    whole = next(product.glob("*-SPECTRAL_IMAGE.TIF"))
    with rasterio.open(whole) as source:
        for detector, part in (("VNIR", [1, 2, 3, 4]), ("SWIR", [5, 6])):
            with rasterio.open(
                whole.with_name(whole.name.replace("L2A", "L1B").replace(".TIF", f"_{detector}.TIF")),
                "w", **(source.profile | {"count": len(part)}),
            ) as target:  # fmt: skip
                target.write(source.read(part))
    metadata = next(product.glob("*-METADATA.XML"))
    metadata.rename(metadata.with_name(metadata.name.replace("L2A", "L1B")))
    whole.unlink()
    for detector, part in (("VNIR", CENTRES[:4]), ("SWIR", CENTRES[4:])):
        scene = open_scene(next(product.glob(f"*_{detector}.TIF")))
        assert scene.bands.wavelength_nm == pytest.approx(np.sort(part))
        assert scene.value_unit.startswith("W/")
    with pytest.raises(FileProblem, match=r"_VNIR\.TIF or .*_SWIR.TIF"):
        open_scene(next(product.glob("*-METADATA.XML")))
    with pytest.raises(FileProblem, match="2 images are in this folder"):
        open_scene(product)


def test_prisma_without_scale_or_widths_says_so(tmp_path):
    path = prisma(tmp_path)
    with h5py.File(path, "r+") as file:
        for name in ("L2ScaleSwirMin", "L2ScaleSwirMax", "List_Fwhm_Vnir", "List_Fwhm_Swir"):
            del file.attrs[name]
    scene = open_scene(path)
    assert (scene.value_unit, scene.bands.fwhm_nm) == ("", None)
    assert "gives no scale" in " ".join(scene.notes)
