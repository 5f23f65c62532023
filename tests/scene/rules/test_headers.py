"""Headers as text, the files that belong together, and where an image lies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.crs import CRS

from hsi_studio.errors import FileProblem, UnknownFormat
from hsi_studio.scene.crs_name import pixel_size, sides_m
from hsi_studio.scene.open import open_scene
from hsi_studio.scene.rules import roles
from hsi_studio.scene.rules.cf_grid import cf_crs, from_vectors, gdal_numbers
from hsi_studio.scene.rules.data_file import neighbours, trailing
from hsi_studio.scene.rules.georeference import (
    contradiction,
    named,
    side_m,
    transform_of,
    true_side,
)
from hsi_studio.scene.rules.header_text import decode, fields_of, numbers
from hsi_studio.scene.rules.roles import data_in_folder, main_file, roles_of
from hsi_studio.scene.rules.values import unit_of
from tests.scene import fake

NM = np.linspace(450, 900, 8)
LIST = ", ".join(f"{v:.2f}" for v in NM)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "cp1252"])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_any_encoding_and_line_end(tmp_path, encoding, ends):
    path = fake.envi(tmp_path, fake.cube(), extra="description = {Gewässer, Straße}")
    header = tmp_path / "scene.hdr"
    header.write_bytes(header.read_text(encoding="utf-8").replace("\n", ends).encode(encoding))
    assert open_scene(path).shape == (6, 5, 8)
    assert "Gewässer, Straße" in decode(header.read_bytes())


@pytest.mark.parametrize(
    "extra",
    [
        f"wavelength = {{{LIST}}}", f"Wavelength = {{\n {LIST}\n}}", f"wavelength =\n{{{LIST}}}",
        f"wavelength = {{{LIST.replace(',', '')}}}", f"wavelength = [{LIST.replace(',', '')}]",
        f"wavelengths = [\n{LIST.replace(', ', chr(10))}\n]", f"wavelength = {{{LIST.replace(', ', '; ')}}}",
        f"wavelength = {{{LIST.replace(', ', ';').replace('.', ',')}}}",
        f"wavelength = {{{LIST.replace('.', ',')}}}", f"; a remark\nWAVELENGTH = {{{LIST},}}",
        f"description = {{ {{c}} we\n samples = 99 }}\nwavelength = {{{LIST}}}",
        f"description = {{ one brace {{ too many\n}}\nwavelength = {{{LIST}}}",
        f"wavelength = {{1, 2}}\nwavelength = {{{LIST}}}",
    ],
)  # fmt: skip
def test_every_way_to_write_a_list(tmp_path, extra):
    scene = open_scene(fake.envi(tmp_path, fake.cube(), extra=extra + "\nwavelength_units = nm"))
    assert scene.shape == (6, 5, 8)
    assert scene.bands.wavelength_nm == pytest.approx(NM, abs=0.01)


def test_keys_comments_and_doubles():
    fields, notes, unclosed = fields_of(
        ["Data_Ignore_Value = -9999 ; no data", "SAMPLES=5", "samples = 6", "bad_band_list = {1,0}", "x = {"]
    )
    assert fields["data ignore value"] == "-9999"
    assert fields["samples"] == "6"
    assert "twice" in notes[0]
    assert fields["bbl"] == "1,0"
    assert unclosed == "x"
    assert numbers("a, b") is None


def test_a_bad_band_list_that_rules_all_out_is_not_used(tmp_path):
    scene = open_scene(fake.envi(tmp_path, fake.cube(), extra="bbl = {0,0,0,0,0,0,0,0}"))
    assert scene.valid.all()
    assert any("rules out every band" in note for note in scene.notes)


@pytest.mark.parametrize("name", ["scene.cub", "scene.CUE", "scene.hsi", "SCENE.IMG", "scene", "scene.img.bin"])
def test_the_data_file_of_a_header_by_its_size(tmp_path, name):
    fake.envi(tmp_path, fake.cube()).rename(tmp_path / name)
    (tmp_path / "scene.png").write_bytes(b"x" * 960)
    (tmp_path / "scene.dat").write_bytes(b"too short")
    assert open_scene(tmp_path / "scene.hdr").shape == (6, 5, 8)
    if name != "scene.img.bin":
        assert open_scene(tmp_path / name).shape == (6, 5, 8)


def test_a_header_of_another_name_is_taken_when_only_its_size_fits(tmp_path):
    path = fake.envi(tmp_path, fake.cube())
    (tmp_path / "scene.hdr").rename(tmp_path / "header.hdr")
    for opened in (path, tmp_path / "header.hdr"):
        scene = open_scene(opened)
        assert scene.shape == (6, 5, 8)
        assert any("header.hdr" in note for note in scene.notes)
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(FileProblem, match=r"scene.hdr or scene.img.hdr.*upload both"):
        open_scene(path)


def test_bytes_left_over(tmp_path):
    path = fake.envi(tmp_path, fake.cube())
    path.write_bytes(path.read_bytes() + b"\0" * 100)
    scene = open_scene(path)
    assert np.array_equal(scene.read(slice(None), slice(None)), fake.cube())
    assert any("100 bytes longer" in note for note in scene.notes)
    assert trailing(6 * 5 * 4, 6, 5, 8, 4) is None  # a band that the header does not count


def test_a_header_beside_a_tiff(tmp_path):
    tif(tmp_path / "lab.tif", fake.cube())
    header = "ENVI\nsamples = 5\nlines = 6\nbands = 8\nfile type = TIFF\ndata type = 4\nwavelength units = nm\n"
    header += f"wavelength = {{{LIST}}}\n"
    (tmp_path / "lab.hdr").write_text(header)
    for name in ("lab.hdr", "lab.tif"):
        assert open_scene(tmp_path / name).bands.wavelength_nm == pytest.approx(NM, abs=0.01)
    (tmp_path / "lab.hdr").write_text(header.replace("samples = 5", "samples = 50"))
    assert open_scene(tmp_path / "lab.tif").bands.wavelength_nm is None


def tif(path: Path, values: np.ndarray, **more) -> Path:
    height, width, count = values.shape
    profile = {"driver": "GTiff", "height": height, "width": width, "count": count, "dtype": values.dtype.name}
    with rasterio.open(path, "w", **(profile | more)) as target:
        target.write(np.moveaxis(values, 2, 0))
    return path


def test_masks_alpha_and_pages_of_a_tiff(tmp_path):
    values = np.random.default_rng(0).integers(100, 4000, (6, 5, 8)).astype("u2")
    path = tif(tmp_path / "masked.tif", values)
    seen = np.ones((6, 5), "u1") * 255
    seen[:2] = 0
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as target:
        target.write_mask(seen)
    assert open_scene(path).valid.sum() == 20
    beside = tif(tmp_path / "beside.tif", values)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(beside, "r+") as target:
        target.write_mask(seen)
    assert open_scene(beside).valid.sum() == 20
    rgba = np.concatenate([values[:, :, :3].astype("u1") | 1, seen[:, :, None]], axis=2)
    scene = open_scene(tif(tmp_path / "rgba.tif", rgba, photometric="RGB", alpha="YES"))
    assert scene.shape == (6, 5, 3)
    assert scene.valid.sum() == 20
    with rasterio.open(
        tmp_path / "stack.tif", "w", driver="GTiff", height=6, width=5, count=1, dtype="uint16"
    ) as target:
        target.write(values[:, :, 0], 1)
    for page in range(1, 8):
        with (
            rasterio.Env(),
            rasterio.open(
                tmp_path / "stack.tif",
                "w",
                driver="GTiff",
                height=6,
                width=5,
                count=1,
                dtype="uint16",
                APPEND_SUBDATASET="YES",
            ) as target,
        ):
            target.write(values[:, :, page], 1)
    stack = open_scene(tmp_path / "stack.tif")
    assert np.array_equal(stack.read(slice(1, 4), slice(None), [5, 2]), values[1:4, :, [5, 2]])


ESRI = CRS.from_epsg(3035).to_wkt(version="WKT1_ESRI")


@pytest.mark.parametrize(
    ("info", "system", "epsg"),
    [
        ("{Geographic Lat/Lon,1,1,13.4,52.5,3e-5,2e-5,WGS84,units=Degrees}", "", 4326),
        ("{Geographic Lat/Lon,1,1,13.4,52.5,3e-5,2e-5,WGS 84}", "", 4326),
        ("{UTM, 1, 1, 500000, 5800000, 10, 10, 33, North, WGS84}", "", 32633),
        ("{UTM, 1, 1, 500000, 5800000, 10, 10, 33, South, WGS_1984, units=Meters, rotation=20}", "", 32733),
        ("{Arbitrary, 1, 1, 4500000, 3200000, 10, 10}", "{" + ESRI + "}", 3035),
        ("{ETRS89 LAEA, 1, 1, 4500000, 3200000, 10, 10, units=Meters}", "{" + ESRI + "}", 3035),
    ],
)
def test_place_is_the_one_gdal_reads(tmp_path, info, system, epsg):
    extra = f"map info = {info}" + (f"\ncoordinate system string = {system}" if system else "")
    path = fake.envi(tmp_path, fake.cube(), extra=extra)
    scene = open_scene(path)
    code = CRS.from_wkt(scene.crs).to_epsg(confidence_threshold=20)
    assert code == epsg
    with rasterio.open(path) as gdal:
        assert scene.transform == pytest.approx(tuple(gdal.transform)[:6])
    degrees = np.sqrt(3e-5 * 67900 * 2e-5 * 111270)  # metres a degree at 52.5° north, along and across
    assert scene.gsd_m == pytest.approx(degrees if epsg == 4326 else 10, rel=0.01)


def test_arbitrary_without_a_system_is_no_place_and_prj_files_are_one(tmp_path):
    plain = fake.envi(tmp_path, fake.cube(), extra="map info = {Arbitrary, 1, 1, 0, 0, 1, 1}")
    assert open_scene(plain).transform is None
    own = fake.envi(tmp_path, fake.cube(), name="own", extra="map info = {Arbitrary, 1, 1, 4500000, 3200000, 10, 10}")
    assert (open_scene(own).transform, open_scene(own).crs) == ((10, 0, 4500000, 0, -10, 3200000), None)
    path = tif(tmp_path / "p.tif", fake.cube(), transform=rasterio.Affine(10, 0, 4500000, 0, -10, 3200000))
    (tmp_path / "p.prj").write_text(ESRI)
    assert "LAEA" in open_scene(path).crs
    assert open_scene(plain, crs="EPSG:32633").crs is not None


def test_metres_are_no_degrees():
    degrees = CRS.from_epsg(4326).to_wkt()
    assert "are none" in contradiction((10, 0, 500000, 0, -10, 5800000), degrees, (6, 5))
    assert contradiction((1e-4, 0, 13, 0, -1e-4, 52), degrees, (6, 5)) is None
    assert contradiction((10, 0, 500000, 0, -10, 5800000), CRS.from_epsg(32633).to_wkt(), (6, 5)) is None
    assert named("epsg:4326") == named("4326") == degrees
    assert named("somewhere") is None


@pytest.mark.parametrize("rising", [False, True])
@pytest.mark.parametrize("named_dims", [False, True])
def test_cf_grids(tmp_path, rising, named_dims):
    import h5py

    y = 3_999_997.5 - 5.0 * np.arange(6)
    with h5py.File(tmp_path / "cf.nc", "w") as f:
        data = f.create_dataset("reflectance", data=fake.cube().transpose(2, 0, 1))
        data.attrs["grid_mapping"] = "utm"
        f["x"], f["y"] = 500_002.5 + 5.0 * np.arange(5), y[::-1] if rising else y
        f["wavelength"] = NM
        if named_dims:
            for axis, name in enumerate(("wavelength", "y", "x")):
                f[name].make_scale(name)
                data.dims[axis].attach_scale(f[name])
        mapping = f.create_dataset("utm", data=0)
        for key, value in {"grid_mapping_name": "transverse_mercator", "longitude_of_central_meridian": -117.0,
                           "latitude_of_projection_origin": 0.0, "scale_factor_at_central_meridian": 0.9996,
                           "false_easting": 500000.0, "false_northing": 0.0}.items():  # fmt: skip
            mapping.attrs[key] = value
    scene = open_scene(tmp_path / "cf.nc")
    assert scene.shape == (6, 5, 8)
    step, top = (5, 3_999_970) if rising else (-5, 4_000_000)
    assert scene.transform == pytest.approx((5, 0, 500000, 0, step, top))
    assert CRS.from_wkt(scene.crs) == CRS.from_epsg(32611)
    assert scene.gsd_m == 5


def test_parts_of_cf():
    assert from_vectors(np.array([0, 1, 3.0]), np.array([0, 1, 2.0])) is None
    assert gdal_numbers("500000 5 0 4000000 0 -5") == (5, 0, 500000, 0, -5, 4000000)
    assert gdal_numbers("no numbers") is None
    assert CRS.from_wkt(cf_crs({"grid_mapping_name": b"latitude_longitude"})).to_epsg() == 4326
    assert cf_crs({"grid_mapping_name": "of another planet"}) is None


@pytest.mark.parametrize(
    ("unit", "kept"),
    [("unitless", ""), ("1", ""), ("Reflectance", "reflectance"), ("surface_reflectance", "reflectance"), (None, ""),
     ("reflectance [%*100]", "reflectance [%*100]"), ("uW/nm/cm2/sr", "uW/nm/cm2/sr")],
)  # fmt: skip
def test_units(unit, kept):
    assert unit_of(unit) == kept


def test_roles_of_files_by_name(tmp_path):
    names = ["DARKREF_s.hdr", "DARKREF_s.raw", "WHITEREF_s.hdr", "WHITEREF_s.raw", "s.hdr", "s.raw", "s_dsm.tif",
             "s_gt.tif", "points.geojson"]  # fmt: skip
    files = [tmp_path / name for name in names]
    for k, file in enumerate(files):
        file.write_bytes(b"x" * (1000 - k))
    roles = roles_of(files, main_file(files))
    assert roles.cube.name == "s.hdr"
    assert roles.dsm.name == "s_dsm.tif"
    assert roles.reference.name == "s_gt.tif"
    assert [f.name for f in roles.labels] == ["points.geojson"]
    assert main_file([Path("a.img"), Path("a.HDR")]) == Path("a.HDR")


@pytest.mark.parametrize(
    ("names", "cube", "others"),
    [
        (["Dunkelreferenz.hdr", "Probe_weiss.hdr", "Probe.hdr"], "Probe.hdr", {}),
        (["noir.hdr", "reference_blanche.hdr", "essai.hdr"], "essai.hdr", {}),
        (["Empty_s.hdr", "s.hdr"], "s.hdr", {}),
        (["DOM1.tif", "hsi.tif", "klassen.tif"], "hsi.tif", {"dsm": "DOM1.tif", "reference": "klassen.tif"}),
        (["EMIT_L2A_MASK_001_x.nc", "EMIT_L2A_RFL_001_x.nc"], "EMIT_L2A_RFL_001_x.nc", {"mask": None}),
        (["Weisswasser.tif", "Weisswasser_mask.tif"], "Weisswasser.tif", {"mask": "Weisswasser_mask.tif"}),
    ],
)
def test_roles_in_other_languages(tmp_path, names, cube, others):
    files = [tmp_path / name for name in names]
    for k, file in enumerate(files):
        file.write_bytes(b"x" * (1000 - k))
    roles = roles_of(files, main_file(files))
    assert roles.cube.name == cube
    for role, name in others.items():
        found = getattr(roles, role)
        assert (None if found is None else found.name) == name


def test_a_folder_opens_its_only_image(tmp_path):
    with pytest.raises(UnknownFormat, match="no image in this folder"):
        data_in_folder(tmp_path)
    fake.envi(tmp_path, fake.cube())
    assert open_scene(tmp_path).shape == (6, 5, 8)
    np.save(tmp_path / "scene_gt.npy", np.ones((6, 5), "u1"))
    assert "In the folder lie also layers that are not used: --reference scene_gt.npy." in open_scene(tmp_path).notes
    assert not any("lie also" in note for note in open_scene(tmp_path, reference=tmp_path / "scene_gt.npy").notes)
    fake.envi(tmp_path, fake.cube(), name="other")
    with pytest.raises(FileProblem, match=r"2 images.*other.hdr, scene.hdr"):
        open_scene(tmp_path)


def test_complex_numbers_are_refused_by_name(tmp_path):
    from scipy.io import savemat

    savemat(tmp_path / "sar.mat", {"sar": fake.cube() * 1j})
    with pytest.raises(FileProblem, match="“sar” holds complex numbers"):
        open_scene(tmp_path / "sar.mat")


def test_a_folder_of_many_headers_is_listed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = []
    monkeypatch.setattr(roles, "neighbours", lambda path: listed.append(path) or neighbours(path))
    for k in range(30):
        (tmp_path / f"{k}.hdr").touch()
    with pytest.raises(FileProblem, match="30 images"):
        data_in_folder(tmp_path)
    assert len(listed) < 5  # was one a header: 20,000 of them took 10 s


@pytest.mark.parametrize("size", ["1e200", "1e400", "nan", "-inf", "1" + "0" * 300])
def test_a_pixel_larger_than_the_earth_has_no_place(size: str) -> None:
    for wrong in (["UTM", "1", "1", "500000", "4400000", size, "2"], ["UTM", "1", "1", size, "4400000", "2", "2"]):
        assert transform_of(wrong) == (None, 0.0)
    assert transform_of(["UTM", "1", "1", "500000", "4400000", "2", "2"])[0] is not None


@pytest.mark.parametrize("east", [np.nan, 1e200])
def test_a_geotiff_at_no_number_has_no_place(tmp_path: Path, east: float) -> None:
    path = tmp_path / "scene.tif"
    profile = {"driver": "GTiff", "height": 6, "width": 5, "count": 4, "dtype": "float32", "crs": "EPSG:32633"}
    with rasterio.open(path, "w", transform=rasterio.Affine(2, 0, east, 0, -2, 5_000_000), **profile) as target:
        target.write(np.random.default_rng(0).random((4, 6, 5), dtype=np.float32))
    scene = open_scene(path)
    assert scene.transform is None
    assert any("no map coordinates" in note for note in scene.notes)


@pytest.mark.parametrize(
    ("transform", "epsg", "m2"),
    [
        ((30, 0, 500000, 0, -30, 5800000), 32633, 900),
        ((30, 0, 500000, 0, -10, 5800000), 32633, 300),  # no square
        ((24, 10, 500000, 18, -24, 5800000), 32633, 24 * 24 + 18 * 10),  # turned and no square
        ((3, 0, 1000000, 0, -3, 200000), 2263, 9 * 0.3048006096**2),  # feet
        ((1, 0, 1500000, 0, -1, 6800000), 3857, np.cos(np.radians(52.02)) ** 2),  # Web Mercator, off by the ellipsoid
        ((0.000542, 0, 12.9, 0, -0.000542, 52.5), 4326, 36.88 * 60.32),  # degrees: 68 and 111.3 km at 52.5° north
    ],
)
def test_the_square_of_the_pixel_size_is_the_area_on_the_ground(transform, epsg, m2):
    system = CRS.from_epsg(epsg).to_wkt()
    side, note = true_side(side_m(transform, system), transform, system, (20, 20))
    assert side**2 == pytest.approx(m2, rel=0.01)
    assert bool(note) == (side != side_m(transform, system))


@pytest.mark.parametrize("corner", [(-100.0, 100.0), (-1000.0, 3000.0)], ids=["at the pole", "beside it"])
def test_a_scene_around_a_pole_has_areas_of_the_ground(corner):
    """The scale of NSIDC's polar map, true at 70° north, at the pole is 0.96986 along a line: 6 % of the area."""
    system, place = CRS.from_epsg(3413).to_wkt(), (10, 0, corner[0], 0, -10, corner[1])
    side, note = true_side(side_m(place, system), place, system, (20, 20))
    assert side**2 == pytest.approx(100 / 0.969858**2, rel=1e-3)
    assert note.startswith("Pixels are 10 × 10 m on the map")


def test_pixels_of_degrees_have_a_size_where_they_are_alike():
    system = CRS.from_epsg(4326).to_wkt()
    side, note = true_side(None, (0.000542, 0, 12.9, 0, -0.000542, 52.5), system, (250, 210))
    assert side == pytest.approx(47.2, abs=0.2)
    assert note.startswith("Pixels are of degrees")
    side, note = true_side(None, (0.1, 0, 0, 0, -0.1, 60), system, (200, 200))  # 40° to 60° north
    assert side is None
    assert "differ by up to" in note


def test_the_sides_of_a_pixel_are_those_on_the_ground(tmp_path):
    place = rasterio.Affine(0.000542, 0, 12.9, 0, -0.000542, 52.5)
    scene = open_scene(tif(tmp_path / "degrees.tif", fake.cube(), transform=place, crs="EPSG:4326"))
    assert sides_m(scene) == pytest.approx((36.8, 60.3), rel=0.01)
    assert pixel_size(scene) == "36.8 × 60.4 m"
    square = rasterio.Affine(2, 0, 5e5, 0, -2, 5e6)
    assert pixel_size(open_scene(tif(tmp_path / "m.tif", fake.cube(), transform=square, crs="EPSG:32633"))) == "2 m"


def test_pixels_that_are_no_squares_are_told(tmp_path):
    path = tif(tmp_path / "p.tif", fake.cube(), transform=rasterio.Affine(30, 0, 5e5, 0, -10, 5e6), crs="EPSG:32633")
    scene = open_scene(path)
    assert scene.gsd_m**2 == pytest.approx(300)
    assert any(note.startswith("Pixels are 30 × 10 m") for note in scene.notes)


def test_a_negative_pixel_height_is_told(tmp_path):
    """Rows from south to north, as GDAL reads it; tools that write a transform's own sign mean another place."""
    info = "{UTM, 1, 1, 500000, 5800000, 10, -10, 33, North, WGS-84}"
    path = fake.envi(tmp_path, fake.cube(), header={"map info": info})
    scene = open_scene(path)
    assert scene.transform[4] == 10
    assert any("without the sign" in note for note in scene.notes)
