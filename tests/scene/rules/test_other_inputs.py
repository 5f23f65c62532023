"""What other files of the kinds that the rules know do: each is opened right, asked about or noted, never wrong in
silence."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp

from hsi_studio.errors import CorruptFile
from hsi_studio.io.label_import import import_labels
from hsi_studio.scene.open import open_scene
from hsi_studio.scene.rules import classes, nodata, wavelengths
from hsi_studio.scene.rules.axes import find_axes
from hsi_studio.scene.rules.values import unit_of
from hsi_studio.types import ClassSchema

ORDERS = {"rows,cols,bands": (0, 1, 2), "bands,rows,cols": (2, 0, 1), "rows,bands,cols": (0, 2, 1)}
CUBE = np.random.default_rng(0).integers(100, 4000, (20, 16, 8)).astype("i2")


def shore(height, width, bands, turned=False):
    """(H, W, B) two even areas, water and sand, with the border along the rows or, turned, along the columns."""
    nm = np.linspace(400, 2400, bands)
    spectra = np.stack([0.05 * np.exp(-(nm - 400) / 600) + 0.01, 0.25 + 0.15 * (nm - 400) / 2000])
    side = np.zeros((height, width), int)
    side[:, width // 2 :] = turned
    side[height // 2 :] += not turned
    noise = np.random.default_rng(3).standard_normal((height, width, 1))
    return (spectra[side] * (1 + 0.05 * noise) + 0.003 * noise).astype("f4")


@pytest.mark.parametrize("size", [(64, 64, 31), (100, 100, 8), (30, 30, 4), (12, 200, 100)])
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("stored", ORDERS)
def test_a_shore_is_opened_right_or_asked_about(size, turned, stored):
    _, fact = find_axes(np.ascontiguousarray(shore(*size, turned).transpose(ORDERS[stored])), None, [])
    assert fact.sure == "guess" or fact.value == stored


def test_noise_opens_by_habit():
    _, fact = find_axes(CUBE, None, [])
    assert (fact.sure, fact.value) == ("likely", "rows,cols,bands")


@pytest.mark.parametrize(
    "numbers", [np.arange(10, 18), np.full(8, 550.0), np.full(8, 10.0)], ids=["counted", "one", "widths"]
)
def test_numbers_that_are_no_wavelengths(numbers):
    assert wavelengths.read(numbers).nm is None


def test_bands_one_nanometre_apart_are_wavelengths():
    assert wavelengths.read(np.arange(450.0, 458.0)).nm == pytest.approx(np.arange(450, 458))


def test_of_a_range_in_a_band_name_the_middle_counts():
    found, _ = wavelengths.from_band_names(["Band 1: 445-455 nm", "Band 2: 509–519 nm", "Band 3 (580.5 nm)"])
    assert found == pytest.approx([450, 514, 580.5])


@pytest.mark.parametrize("text", ['{"450.5", "514.25", "900"}', "{450.5 nm, 514.25 nm, 900 nm}"])
def test_a_header_may_write_wavelengths_as_text(tmp_path, text):
    (tmp_path / "x.img").write_bytes(CUBE[:, :, :3].transpose(2, 0, 1).tobytes())
    (tmp_path / "x.hdr").write_text(
        f"ENVI\nsamples = 16\nlines = 20\nbands = 3\ndata type = 2\ninterleave = bsq\nwavelength = {text}\n"
    )
    assert open_scene(tmp_path / "x.hdr").bands.wavelength_nm == pytest.approx([450.5, 514.25, 900])


def geotiff(path, cube, **options):
    cube = cube.reshape(*cube.shape[:2], -1)
    profile = {"driver": "GTiff", "height": cube.shape[0], "width": cube.shape[1], "count": cube.shape[2]}
    profile |= {"dtype": cube.dtype.name, "crs": "EPSG:32633"}
    profile["transform"] = rasterio.Affine(10, 0, 500000, 0, -10, 5800000)
    with rasterio.open(path, "w", **(profile | options)) as target:
        target.write(np.moveaxis(cube, 2, 0))
    return rasterio.open(path, "r+")


def test_wavelengths_that_gdal_keeps_of_an_envi_header(tmp_path):
    with geotiff(tmp_path / "x.tif", CUBE[:, :, :3]) as target:
        target.update_tags(Band_1="450.5 Nanometers", Band_2="514.25 Nanometers", Band_3="900.0 Nanometers")
    assert open_scene(tmp_path / "x.tif").bands.wavelength_nm == pytest.approx([450.5, 514.25, 900])


def test_an_alpha_band_that_only_gdal_knows_leaves_out_what_is_transparent(tmp_path):
    rgba = (CUBE[:, :, :4] // 20).astype("u1")
    rgba[:, :, 3], rgba[:3, :, 3] = 255, 0
    with geotiff(tmp_path / "x.tif", rgba) as target:
        target.colorinterp = [ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha]
    scene = open_scene(tmp_path / "x.tif")
    assert scene.shape == (20, 16, 3)
    assert np.array_equal(scene.valid, np.arange(20)[:, None].repeat(16, axis=1) >= 3)


def test_a_mark_in_some_bands_only(tmp_path):
    cube = CUBE.copy()
    cube[:3, :, :4] = -9999
    geotiff(tmp_path / "x.tif", cube).close()
    scene = open_scene(tmp_path / "x.tif")
    assert int(scene.valid.sum()) == 17 * 16
    assert any("-9999" in note and "some bands" in note for note in scene.notes)
    assert open_scene(tmp_path / "x.tif", rules=2).valid.all()  # projects from before keep their pixels
    assert open_scene(tmp_path / "x.tif", nodata="none").valid.all()


@pytest.mark.parametrize(("value", "left_out"), [(-10000, True), (-100, False), (0, False)])
def test_heights_far_below_all_others(value, left_out):
    layer = np.random.default_rng(1).uniform(200, 230, (20, 16, 1)).astype("f4")
    layer[:2] = value
    found, notes = nodata.heights(layer)
    assert np.isnan(found[:2]).all() == left_out
    assert any(f"{value:.6g}" in note for note in notes)


def test_an_even_height_layer_has_no_remark():
    layer = np.random.default_rng(1).uniform(0, 30, (20, 16, 1)).astype("f4")
    layer[:5] = 0  # ground of a normalised model
    assert nodata.heights(layer)[1] == ()


MAP = np.zeros((20, 16))
MAP[2:8, 2:6], MAP[12:18, 9:14] = 1, 2


@pytest.mark.parametrize("mark", [np.nan, -9999.0])
def test_zeros_beside_another_mark_are_told(tmp_path, mark):
    found = classes.of_values(tmp_path, np.where(np.arange(16) < 3, mark, MAP), {})
    assert any("number the classes from 1" in note for note in found.notes)


def test_a_class_far_above_the_others_is_told(tmp_path):
    found = classes.of_values(tmp_path, np.where(MAP == 0, 99, MAP), {})
    assert any("99" in note and "far above" in note for note in found.notes)
    assert classes.of_values(tmp_path, np.where(MAP == 2, 4, MAP), {}).notes == ()


def test_a_mask_of_0_and_255_is_one_class(tmp_path):
    found = classes.of_values(tmp_path, np.where(MAP > 0, 255.0, 0.0), {})
    assert np.array_equal(found.labels > 0, MAP > 0)


def test_the_first_name_may_be_that_of_the_unlabelled(tmp_path):
    pairs = {"hsi": shore(20, 16, 30), "gt": MAP.astype("u1")}
    np.savez(tmp_path / "a.npz", class_names=np.array(["Unlabelled pixels", "Water", "Sand"]), **pairs)
    assert list(open_scene(tmp_path / "a.npz").reference_names.values()) == ["Water", "Sand"]
    np.savez(tmp_path / "b.npz", class_names=np.array(["Sky", "Water", "Sand"]), **pairs)
    assert any("class 1 is taken to be “Sky”" in note for note in open_scene(tmp_path / "b.npz").notes)


@pytest.mark.parametrize(
    ("text", "unit"), [("reflectance [0-1]", "reflectance"), ("Unitless (0-1)", ""), ("radiance [0-100]", None)]
)
def test_a_range_of_shares_is_no_unit(text, unit):
    assert unit_of(text) == (text if unit is None else unit)


def test_names_of_another_code_page_are_told(tmp_path):
    geotiff(tmp_path / "s.tif", CUBE).close()
    (tmp_path / "r.img").write_bytes(MAP.astype("u1").tobytes())
    text = "ENVI\nsamples = 16\nlines = 20\nbands = 1\ndata type = 1\nfile type = ENVI Classification\n"
    (tmp_path / "r.hdr").write_bytes((text + "class names = {Unclassified, Лес, Вода}\n").encode("cp1251"))
    scene = open_scene(tmp_path / "s.tif", reference=tmp_path / "r.hdr")
    assert any("Windows-1252" in note and "Ëåñ" in note for note in scene.notes)
    (tmp_path / "r.hdr").write_bytes((text + "class names = {Unclassified, Лес, Вода}\n").encode())
    told = open_scene(tmp_path / "s.tif", reference=tmp_path / "r.hdr")
    assert not any("Windows-1252" in note for note in told.notes)


def test_coordinates_in_kilometres(tmp_path):
    with h5py.File(tmp_path / "x.nc", "w") as file:
        file["reflectance"] = CUBE
        for name, values in (("x", 500.005 + 0.01 * np.arange(16)), ("y", 5799.995 - 0.01 * np.arange(20))):
            file[name] = values
            file[name].attrs["units"] = "km"
        for axis, name in enumerate(("y", "x", "band")):
            file["reflectance"].dims[axis].label = name
        file["crs"] = 0
        file["crs"].attrs["crs_wkt"] = rasterio.crs.CRS.from_epsg(32633).to_wkt()
        file["reflectance"].attrs["grid_mapping"] = "crs"
    scene = open_scene(tmp_path / "x.nc")
    assert scene.transform == pytest.approx((10, 0, 500000, 0, -10, 5800000))
    assert scene.gsd_m == pytest.approx(10)


def test_folders_of_one_name_are_one_class(tmp_path):
    geotiff(tmp_path / "s.tif", CUBE, crs="EPSG:4326", transform=rasterio.Affine(0.1, 0, 10, 0, -0.1, 50)).close()
    places = [("Wood", 10.05, 49.95), ("Water", 10.25, 49.75), ("Wood", 10.55, 49.05)]
    folders = "".join(
        f"<Folder><name>{name}</name><Placemark><name>p{k}</name><Point><coordinates>{x},{y},0</coordinates></Point>"
        "</Placemark></Folder>"
        for k, (name, x, y) in enumerate(places)
    )
    (tmp_path / "l.kml").write_text(f"<kml xmlns='http://www.opengis.net/kml/2.2'><Document>{folders}</Document></kml>")
    labels, _ = import_labels(tmp_path / "l.kml", open_scene(tmp_path / "s.tif"), ClassSchema(()))
    assert sorted(name for _, _, name, _ in labels) == ["Water", "Wood", "Wood"]


def dms(value: float) -> str:
    minutes, seconds = divmod(value * 3600, 60)
    return f"{int(minutes // 60)}°{int(minutes % 60):02d}'{seconds:08.5f}\""


@pytest.mark.parametrize(
    "spell",
    [
        lambda lon, lat: (dms(lon) + "E", dms(lat) + "N"),
        lambda lon, lat: (f"{lon:.7f}E", f"{lat:.7f} N"),
        lambda lon, lat: (f"{lon:.7f}°".replace(".", ","), f"{lat:.7f}°".replace(".", ",")),
    ],
    ids=["minutes", "letters", "decimal comma"],
)
def test_degrees_as_people_write_them(tmp_path, spell):
    geotiff(tmp_path / "s.tif", CUBE, crs="EPSG:4326", transform=rasterio.Affine(0.01, 0, 15, 0, -0.01, 52.3)).close()
    lon, lat = spell(15.045, 52.235)  # column 4, row 6
    (tmp_path / "l.csv").write_text(f"lon;lat;class\n{lon};{lat};Wood\n", "utf-8-sig")
    labels, _ = import_labels(tmp_path / "l.csv", open_scene(tmp_path / "s.tif"), ClassSchema(()))
    assert [label[:3] for label in labels] == [(6, 4, "Wood")]


def test_degrees_that_may_be_east_or_west_are_refused(tmp_path):
    geotiff(tmp_path / "s.tif", CUBE, crs="EPSG:4326", transform=rasterio.Affine(0.01, 0, 15, 0, -0.01, 52.3)).close()
    (tmp_path / "l.csv").write_text("lon;lat;class\n15.045 O;52.235 N;Wood\n")
    with pytest.raises(CorruptFile, match="not a number"):
        import_labels(tmp_path / "l.csv", open_scene(tmp_path / "s.tif"), ClassSchema(()))


@pytest.mark.parametrize("code", ["EPSG:3857", "EPSG:5650"])
def test_coordinates_of_web_maps_and_with_a_zone_in_front(tmp_path, code):
    from rasterio.warp import transform

    geotiff(tmp_path / "s.tif", CUBE, crs="EPSG:32633", transform=rasterio.Affine(10, 0, 5e5, 0, -10, 5.8e6)).close()
    (x,), (y,) = transform("EPSG:32633", code, [500_045.0], [5_799_935.0])  # column 4, row 6
    (tmp_path / "l.csv").write_text(f"x,y,class\n{x:.1f},{y:.1f},Wood\n")
    labels, notes = import_labels(tmp_path / "l.csv", open_scene(tmp_path / "s.tif"), ClassSchema(()))
    assert [label[:3] for label in labels] == [(6, 4, "Wood")]
    assert code in " ".join(notes)
