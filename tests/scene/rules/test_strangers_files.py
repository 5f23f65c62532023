"""Files as strangers write them, a second round: what they say of their numbers, place, bands, classes and heights
counts, is noted or refused; projects from before keep what they had."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from rasterio.crs import CRS
from scipy.io import savemat

from hsi_studio.errors import CorruptFile, SizeMismatch
from hsi_studio.scene.open import open_scene
from hsi_studio.scene.rules import height_unit, wavelengths
from hsi_studio.scene.rules.cf_grid import cf_crs
from hsi_studio.scene.rules.classes import is_unlabelled, of_values
from hsi_studio.scene.rules.header_text import fields_of, numbers
from tests.scene import fake
from tests.scene.strangers import DN, EVERYTHING, NM, PLACE, netcdf, said, tiff

# ── numbers of HDF5 and netCDF ──────────────────────────────────────────────────────────────────────


def test_an_offset_a_band(tmp_path):
    offsets = np.linspace(0, 0.5, 6)
    path = netcdf(tmp_path / "x.nc", scale_factor=np.full(6, 1e-4), add_offset=offsets)
    scene = open_scene(path)
    assert scene.read(*EVERYTHING) == pytest.approx(DN * 1e-4 + offsets, abs=1e-5)
    assert "Every band has its own offset, 0–0.5" in said(scene)
    assert open_scene(path, rules=6).read(*EVERYTHING) == pytest.approx(DN * 1e-4, abs=1e-5)  # as a project had it


def test_bytes_without_a_sign(tmp_path):
    values = (DN // 16).astype("u1")
    path = netcdf(
        tmp_path / "x.nc", values.view("i1"), _Unsigned="true", _FillValue=np.int8(values[0, 0, 0].view("i1"))
    )
    scene = open_scene(path)
    found, gaps = scene.read(*EVERYTHING), values == values[0, 0, 0]
    assert np.array_equal(found[~gaps], values[~gaps])
    assert np.isnan(found[gaps]).all()
    assert scene.id != open_scene(path, rules=6).id


@pytest.mark.parametrize("listed", [True, False])
def test_every_missing_value_counts(tmp_path, listed):
    values = DN.copy()
    values[0], values[1] = -999, -998
    marks = {"missing_value": np.array([-999, -998], "i2")} if listed else {"missing_value": np.int16(-998)}
    path = netcdf(tmp_path / "x.nc", values, _FillValue=np.int16(-999), scale_factor=0.5, **marks)
    found = open_scene(path).read(*EVERYTHING)
    assert np.isnan(found[:2]).all()
    assert found[2:] == pytest.approx(DN[2:] * 0.5)


@pytest.mark.parametrize(
    "limits",
    [
        {"valid_range": np.array([0, 5000], "i2")},
        {"valid_min": np.int16(0), "valid_max": np.int16(5000)},
        {"valid_range": np.array([0, 0.5])},  # of the unpacked values
    ],
)
def test_values_far_outside_the_valid_range(tmp_path, limits):
    """Noise below the range stays; what lies beyond half of its width is left out."""
    values = DN.copy()
    values[0], values[1, :, 0] = np.arange(9000, 9060).reshape(10, 6), -30
    path = netcdf(tmp_path / "x.nc", values, scale_factor=1e-4, **limits)
    scene = open_scene(path)
    found = scene.read(*EVERYTHING)
    assert np.isnan(found[0]).all()
    assert found[1:] == pytest.approx(values[1:] * 1e-4)
    assert "outside the range that the file calls valid" in said(scene)
    assert np.isfinite(open_scene(path, rules=6).read(*EVERYTHING)).all()


# ── place ───────────────────────────────────────────────────────────────────────────────────────────


def grid(f: h5py.File, rising: bool = False, step: float = 10) -> None:
    f["x"] = 500000 + step / 2 + step * np.arange(10)
    y = 5800000 - step / 2 - step * np.arange(12)
    f["y"] = y[::-1] if rising else y


@pytest.mark.parametrize("as_reference", [True, False])
def test_a_layer_of_netcdf_lies_where_its_coordinates_say(tmp_path, as_reference):
    scene_file = tiff(tmp_path / "s.tif", DN)
    layer = np.arange(1, 121).reshape(12, 10).astype("f4")
    with h5py.File(tmp_path / "layer.nc", "w") as f:
        f["map"] = layer[::-1]  # from south to north
        grid(f, rising=True)
    option = {"reference" if as_reference else "dsm": tmp_path / "layer.nc"}
    scene = open_scene(scene_file, **option)
    assert np.array_equal(scene.reference if as_reference else scene.dsm[:, :, 0], layer)
    assert "turned upside down" in said(scene)
    old = open_scene(scene_file, **option, rules=6)
    assert np.array_equal(old.reference if as_reference else old.dsm[:, :, 0], layer[::-1])


@pytest.mark.parametrize("shape", ["one first", "layers first", "columns first"])
def test_layers_in_the_order_of_other_programs(tmp_path, shape):
    scene_file = tiff(tmp_path / "s.tif", DN)
    labels = np.random.default_rng(1).integers(1, 4, (12, 10))
    if shape == "one first":
        np.save(tmp_path / "r.npy", labels[None])
        path = tmp_path / "r.npy"
    elif shape == "layers first":
        np.save(tmp_path / "r.npy", np.stack([labels == k for k in (1, 2, 3)]).astype("u1"))
        path = tmp_path / "r.npy"
    else:
        path = netcdf(tmp_path / "r.nc", labels.T.astype("u1"), "labels")
        with h5py.File(path, "a") as f:
            f["labels"].dims[0].label, f["labels"].dims[1].label = "x", "y"
    assert np.array_equal(open_scene(scene_file, reference=path).reference, labels)


def test_vectors_that_count_pixels_are_no_place(tmp_path):
    with h5py.File(netcdf(tmp_path / "x.nc"), "a") as f:
        f["x"], f["y"] = np.arange(10), np.arange(12)
    assert open_scene(tmp_path / "x.nc").transform is None
    assert open_scene(tmp_path / "x.nc", rules=6).transform is not None  # as projects had it
    with h5py.File(tmp_path / "x.nc", "a") as f:
        f["lon"], f["lat"] = 10 + 0.5 * np.arange(10), 50 - 0.5 * np.arange(12)
    assert open_scene(tmp_path / "x.nc").transform == pytest.approx((0.5, 0, 9.75, 0, -0.5, 50.25))


def test_the_system_of_xarray_and_one_that_is_not_known(tmp_path):
    with h5py.File(netcdf(tmp_path / "x.nc"), "a") as f:
        grid(f)
        f["spatial_ref"] = 0
        f["spatial_ref"].attrs["crs_wkt"] = CRS.from_epsg(32633).to_wkt()
    scene = open_scene(tmp_path / "x.nc")
    assert (CRS.from_wkt(scene.crs).to_epsg(), scene.transform) == (32633, PLACE)
    with h5py.File(netcdf(tmp_path / "y.nc", grid_mapping="crs"), "a") as f:
        grid(f)
        f["crs"] = 0
        f["crs"].attrs["grid_mapping_name"] = "vertical_perspective"
    scene = open_scene(tmp_path / "y.nc")
    assert scene.crs is None
    assert "(vertical_perspective) is not understood" in said(scene)


@pytest.mark.parametrize(("key", "value"), [("crs", "EPSG:32633"), ("epsg", 32633), ("spatial_ref", None)])
def test_a_system_in_an_attribute_of_the_file(tmp_path, key, value):
    with h5py.File(netcdf(tmp_path / "x.nc"), "a") as f:
        grid(f)
        f.attrs[key] = value or CRS.from_epsg(32633).to_wkt()
    assert CRS.from_wkt(open_scene(tmp_path / "x.nc").crs).to_epsg() == 32633


def test_classes_named_by_flags(tmp_path):
    labels = (np.arange(120).reshape(12, 10) % 3).astype("u1")
    path = netcdf(tmp_path / "r.nc", labels, "lccs", flag_values=np.array([0, 1, 2], "u1"),
                  flag_meanings="no_data broad_leaved_forest water")  # fmt: skip
    scene = open_scene(tiff(tmp_path / "s.tif", DN), reference=path)
    assert dict(scene.reference_classes) == {1: "broad leaved forest", 2: "water"}


def test_projections_of_cf():
    polar = {"grid_mapping_name": "polar_stereographic", "latitude_of_projection_origin": 90.0,
             "straight_vertical_longitude_from_pole": -45.0, "standard_parallel": 70.0}  # fmt: skip
    assert CRS.from_wkt(cf_crs(polar)).to_epsg() == 3413
    lcc = {"grid_mapping_name": "lambert_conformal_conic", "standard_parallel": [49.0, 44.0],
           "latitude_of_projection_origin": 46.5, "longitude_of_central_meridian": 3.0, "false_easting": 700000.0,
           "false_northing": 6600000.0}  # fmt: skip
    assert CRS.from_wkt(cf_crs(lcc)).to_dict()["proj"] == "lcc"


@pytest.mark.parametrize(
    "info",
    [
        "UTM, 1, 1, 500, 5800, 0.01, 0.01, 33, North, WGS-84, units=Kilometers",
        "UTM, 1, 1, 1640419.9475, 19028871.3911, 32.80839895, 32.80839895, 33, North, WGS-84, units=Feet",
        "UTM, 1, 1, 500000, 5800000, 10, 10, 33N, WGS-84",
        "UTM; 1; 1; 500000,0; 5800000,0; 10,0; 10,0; 33; North; WGS-84",
    ],
)
def test_units_zones_and_commas_of_map_info(tmp_path, info):
    scene = open_scene(fake.envi(tmp_path, DN, extra=f"map info = {{{info}}}"))
    assert scene.transform == pytest.approx(PLACE, abs=1e-3)
    assert CRS.from_wkt(scene.crs).to_epsg() == 32633
    assert open_scene(tmp_path / "scene.hdr", rules=6).transform != scene.transform or "33N" in info


def test_what_gdal_makes_of_an_unknown_projection_is_told(tmp_path):
    info = "map info = {Gauss-Kruger Zone 4, 1, 1, 4500000, 5800000, 10, 10, Potsdam/Rauenberg, units=Meters}\n"
    own = "projection info = {3, 6377397.155, 6356078.963, 0, 12, 4500000, 0, 1, Potsdam, Gauss-Kruger Zone 4}"
    scene = open_scene(fake.envi(tmp_path, DN, extra=info + own))
    assert scene.crs is None or "what GDAL makes of the header's map info (Gauss-Kruger Zone 4)" in said(scene)


def test_a_layer_elsewhere_names_both_systems(tmp_path):
    tiff(tmp_path / "s.tif", DN)
    tiff(tmp_path / "r.tif", np.ones((12, 10), "u1"), crs="EPSG:32632")
    with pytest.raises(SizeMismatch, match=r"EPSG:32632.*EPSG:32633"):
        open_scene(tmp_path / "s.tif", reference=tmp_path / "r.tif")


# ── heights ─────────────────────────────────────────────────────────────────────────────────────────

HEIGHTS = np.random.default_rng(2).uniform(300, 500, (12, 10)).astype("f4")


@pytest.mark.parametrize(("unit", "factor"), [("ft", 0.3048), ("US_survey_foot", 1200 / 3937), ("centimetre", 0.01)])
def test_heights_in_another_unit(tmp_path, unit, factor):
    scene_file, dsm = tiff(tmp_path / "s.tif", DN), tiff(tmp_path / "dsm.tif", HEIGHTS, unit=unit)
    scene = open_scene(scene_file, dsm=dsm)
    assert scene.dsm[:, :, 0] == pytest.approx(HEIGHTS * factor)
    assert f"“{unit}”" in said(scene)
    old = open_scene(scene_file, dsm=dsm, rules=6)
    assert np.array_equal(old.dsm[:, :, 0], HEIGHTS)
    assert old.id != scene.id


def test_the_unit_of_a_vertical_system(tmp_path):
    scene_file, dsm = tiff(tmp_path / "s.tif", DN), tiff(tmp_path / "dsm.tif", HEIGHTS, crs="EPSG:32633+6360")
    scene = open_scene(scene_file, dsm=dsm)
    assert scene.dsm[:, :, 0] == pytest.approx(HEIGHTS * 1200 / 3937)
    assert "resampled" not in said(scene)  # the plane is the same
    metres = CRS.from_user_input("EPSG:32633+5773").to_wkt()
    assert height_unit.metres_each("", metres) == (1.0, "")
    assert height_unit.metres_each("m", None) == height_unit.metres_each("dB", None) == (1.0, "")


def test_heights_of_an_ascii_grid(tmp_path):
    scene_file, path = tiff(tmp_path / "s.tif", DN), tmp_path / "dsm.asc"
    head = "ncols 10\nnrows 12\nxllcorner 500000\nyllcorner 5799880\ncellsize 10\nNODATA_value -9999\n"
    rows = "\n".join(" ".join(f"{v:.3f}" for v in row) for row in HEIGHTS)
    path.write_text(head + rows.replace(f"{HEIGHTS[0, 0]:.3f}", "-9999", 1))
    found = open_scene(scene_file, dsm=path).dsm[:, :, 0]
    assert np.isnan(found[0, 0])
    assert found.ravel()[1:] == pytest.approx(HEIGHTS.ravel()[1:], abs=1e-3)
    path.write_text(head + rows.rpartition(" ")[0])
    with pytest.raises(CorruptFile, match="12 rows of 10 numbers, and there are fewer"):
        open_scene(scene_file, dsm=path)


# ── bands ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("values", [np.arange(6, 0, -1), [1, 3, 5, 7, 9, 11], [2, 4, 6, 8, 10, 14]])
def test_whole_numbers_are_of_bands(values):
    assert wavelengths.read(values).nm is None
    assert wavelengths.read([8.5, 9.0, 10.2, 11.0, 12.0, 12.5]).nm[0] == 8500


def test_frequencies_and_wavenumbers():
    assert wavelengths.read(299_792.458e12 / NM, "Hz").nm == pytest.approx(NM, rel=1e-5)
    found = wavelengths.read(NM, "Wavenumber")
    assert found.nm == pytest.approx(1e7 / NM)
    assert "--unit nm" in " ".join(found.notes)


def test_thousands_with_a_blank():
    nm = np.array([950.5, 1050.5, 1150.5])
    for blank in (" ", "\u00a0", "\u202f"):
        names = [f"{v:,.1f} nm".replace(",", blank) for v in nm]
        assert wavelengths.from_band_names(names)[0] == pytest.approx(nm)
    assert wavelengths.from_band_names(["1 450 nm", "2 460 nm", "3 470 nm"])[0] == pytest.approx([450, 460, 470])


def test_decimal_commas_between_commas():
    assert numbers("400,00,410,50,421,25", 3) == pytest.approx([400, 410.5, 421.25])


@pytest.mark.parametrize(
    "vectors", [{"lambdas": NM / 1000}, {"bands": NM}, {"wavelengths": NM, "wavelengths_um": NM / 1000}]
)
def test_wavelengths_under_other_names(tmp_path, vectors):
    savemat(tmp_path / "x.mat", {"cube": DN, **vectors})
    scene = open_scene(tmp_path / "x.mat")
    assert scene.bands.wavelength_nm == pytest.approx(NM, rel=1e-4)
    assert len(vectors) > 1 or "--wavelengths none" in said(scene)


@pytest.mark.parametrize("vector", [np.arange(500, 506)[::-1] * [1, -1, 1, 1, 1, 1], np.arange(6), NM[:, None] * 100])
def test_vectors_that_are_no_wavelengths(tmp_path, vector):
    savemat(tmp_path / "x.mat", {"cube": DN, "other": vector})
    assert open_scene(tmp_path / "x.mat").bands.wavelength_nm is None


def test_packed_wavelengths(tmp_path):
    with h5py.File(netcdf(tmp_path / "x.nc"), "a") as f:
        f["wavelength"] = (NM * 10).astype("i4")
        f["wavelength"].attrs["scale_factor"], f["wavelength"].attrs["units"] = 0.1, "nm"
    assert open_scene(tmp_path / "x.nc").bands.wavelength_nm == pytest.approx(NM)


# ── headers and classes ─────────────────────────────────────────────────────────────────────────────


def test_a_brace_that_is_not_closed_ends_before_the_next_field():
    lines = ["description = { a scene", "wavelength units = nm", "wavelength = {", " 450, 460}", "bands = 2"]
    fields, notes, unclosed = fields_of(lines)
    assert (fields["wavelength"], fields["wavelength units"], fields["bands"]) == ("450, 460", "nm", "2")
    assert (unclosed, fields["description"]) == (None, "a scene")
    assert "is not closed" in notes[0]
    assert fields_of(["description = {", " a { b", " bands = 7}", "bands = 2"])[0]["bands"] == "2"


def test_class_names_that_begin_with_a_class(tmp_path):
    """ENVI counts class names from 0. Where 0 has a real name it is a class; where there are too few, they count from
    1."""
    values = np.array([[0.0, 1], [2, 2]])
    found = of_values(Path("r"), values, {0: "Forest", 1: "Water", 2: "Field"})
    assert (found.labels.tolist(), found.names) == ([[3, 1], [2, 2]], {1: "Water", 2: "Field", 3: "Forest"})
    found = of_values(Path("r"), values + 1, {0: "Forest", 1: "Water", 2: "Field"})
    assert (found.labels.tolist(), found.names[1]) == ([[1, 2], [3, 3]], "Forest")
    found = of_values(Path("r"), values, {0: "Forest", 1: "Water", 2: "Field"}, rules=6)
    assert found.labels.tolist() == [[0, 1], [2, 2]]
    scene_file = tiff(tmp_path / "s.tif", DN)
    labels = np.random.default_rng(1).integers(0, 3, (12, 10)).astype("u1")[:, :, None]
    for first, expected in (("Hintergrund", 2), ("Non classé", 2), ("Wald", 3)):
        extra = f"class names = {{{first}, Wasser, Acker}}\nclasses = 3"
        fake.envi(tmp_path, labels, name="r", extra=extra)
        reference = open_scene(scene_file, reference=tmp_path / "r.hdr").reference
        assert len(np.unique(reference[reference > 0])) == expected


@pytest.mark.parametrize(("first", "red"), [(0, 3), (1, 1)])
def test_colours_go_with_their_classes(tmp_path, first, red):
    """Red is the first colour of the list: of class 0, which becomes 3, or of class 1 where names begin with it."""
    scene_file = tiff(tmp_path / "s.tif", DN)
    labels = (np.arange(120).reshape(12, 10, 1) % 3 + first).astype("u1")
    listed = "class names = {Wood, Water, Field}\nclasses = 3\nclass lookup = {255, 0, 0, 0, 255, 0, 0, 0, 255}"
    fake.envi(tmp_path, labels, name="r", extra=listed)
    scene = open_scene(scene_file, reference=tmp_path / "r.hdr")
    assert dict(scene.reference_classes)[red] == "Wood"
    assert scene.reference_colors[red] == "#ff0000"
    assert len(set(scene.reference_colors.values())) == 3


def test_names_that_a_comma_has_torn_belong_to_nobody(tmp_path):
    """What GDAL makes of “Wood, wet”: every name behind it would be one off, and the last class have none."""
    scene_file = tiff(tmp_path / "s.tif", DN)
    labels = (np.arange(120).reshape(12, 10, 1) % 4).astype("u1")
    colours = "class lookup = {0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255}"
    torn = f"class names = {{Unclassified, Wood, wet, Water, Field}}\nclasses = 4\n{colours}"
    fake.envi(tmp_path, labels, name="r", extra=torn)
    scene = open_scene(scene_file, reference=tmp_path / "r.hdr")
    assert dict(scene.reference_classes) == {1: "Class 1", 2: "Class 2", 3: "Class 3"}
    assert scene.reference_colors == {1: "#ff0000", 2: "#00ff00", 3: "#0000ff"}
    assert any("5 class names for 4 classes" in note for note in scene.notes)
    counted = "class names = {Unclassified, Wood, Water, Field}\nclasses = 3"  # the number alone is wrong
    fake.envi(tmp_path, labels, name="r", extra=counted)
    scene = open_scene(scene_file, reference=tmp_path / "r.hdr")
    assert dict(scene.reference_classes) == {1: "Wood", 2: "Water", 3: "Field"}


def test_words_for_not_labelled():
    assert all(is_unlabelled(name) for name in ("Nicht klassifiziert", "Sin clasificar", "未分类", "Unclassified (0)"))
    assert not any(is_unlabelled(name) for name in ("Wald", "Other", "Ground", "Fondation"))


def test_names_in_a_text_array(tmp_path):
    scene_file = tiff(tmp_path / "s.tif", DN)
    labels = np.random.default_rng(1).integers(1, 4, (12, 10))
    texts = np.empty(3, object)
    texts[:] = ["Wald", "Wasser", "Acker"]
    savemat(tmp_path / "r.mat", {"map": labels, "labels": texts})
    scene = open_scene(scene_file, reference=tmp_path / "r.mat")
    assert [name for _, name in scene.reference_classes] == ["Wald", "Wasser", "Acker"]
