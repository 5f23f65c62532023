"""ENVI: every interleave × data type × byte order reads back, and headers that lie are refused."""

from __future__ import annotations

import gzip
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hsi_studio.errors import ChooseVariable, CorruptFile, FileProblem, StudioError
from hsi_studio.scene.open import open_scene
from tests.scene import fake

WAVES = "wavelength units = {unit}\nwavelength = {{\n {values}\n}}"


def whole(path: Path, **options: str) -> np.ndarray:
    scene = open_scene(path, **options)
    return scene.read(slice(None), slice(None))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    interleave=st.sampled_from(["bsq", "bil", "bip"]),
    dtype=st.sampled_from(sorted(fake.ENVI_CODES)),
    order=st.sampled_from([0, 1]),
    offset=st.integers(0, 33),
    shape=st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(2, 5)),
)
def test_every_layout_reads_back(tmp_path, interleave, dtype, order, offset, shape):
    values = fake.cube(*shape, dtype=dtype)
    path = fake.envi(tmp_path, values, interleave, order, offset)
    assert np.array_equal(whole(path), values.astype(np.float32))


@pytest.mark.parametrize("interleave", ["bsq", "bil", "bip"])
def test_a_window_is_the_same_part_of_the_whole(tmp_path, interleave):
    values = fake.cube(7, 6, 9)
    scene = open_scene(fake.envi(tmp_path, values, interleave))
    part = scene.read(slice(2, 5), slice(1, 4), [7, 0, 3])
    assert np.array_equal(part, values[2:5, 1:4][:, :, [7, 0, 3]])


@pytest.mark.parametrize("extension", ["", ".dat", ".img", ".raw", ".bsq", ".BSQ"])
def test_data_file_and_header_open_the_same_scene(tmp_path, extension):
    path = fake.envi(tmp_path, fake.cube(), extension=extension)
    assert open_scene(path).id == open_scene(tmp_path / "scene.hdr").id


def test_header_named_after_the_whole_data_file(tmp_path):
    path = fake.envi(tmp_path, fake.cube())
    (tmp_path / "scene.hdr").rename(tmp_path / "scene.img.hdr")
    assert open_scene(path).name == open_scene(tmp_path / "scene.img.hdr").name == "scene"


@pytest.mark.parametrize(
    ("unit", "factor"),
    [("Nanometers", 1), ("Micrometers", 1e3), ("µm", 1e3), ("cm", 1e7), ("m", 1e9), ("Unknown", 1e3)],
)
def test_wavelength_units(tmp_path, unit, factor):
    nm = np.linspace(400, 2400, 8)
    text = WAVES.format(unit=unit, values=",\n ".join(f"{v / factor:.12g}" for v in nm))
    bands = open_scene(fake.envi(tmp_path, fake.cube(), extra=text)).bands
    assert bands.wavelength_nm == pytest.approx(nm, rel=1e-5)


def test_wavelengths_without_a_unit_are_told_by_size_and_said_so(tmp_path):
    text = (
        "wavelength = {"
        + ", ".join(f"{v:.4f}" for v in np.linspace(0.4, 2.4, 8))
        + "}\nfwhm = {"
        + "0.01, " * 7
        + "0.01}"
    )
    scene = open_scene(fake.envi(tmp_path, fake.cube(), extra=text))
    assert scene.bands.wavelength_nm[0] == pytest.approx(400)
    assert scene.bands.fwhm_nm == pytest.approx([10] * 8)
    assert "micrometres" in " ".join(scene.notes)


def test_band_list_of_another_length_is_not_used(tmp_path):
    scene = open_scene(fake.envi(tmp_path, fake.cube(), extra="wavelength = {400, 500}\nbbl = {1, 0}"))
    assert scene.bands.wavelength_nm is None
    assert scene.bands.usable is None
    assert "2 wavelengths for 8 bands" in " ".join(scene.notes)


def test_scale_ignore_value_and_bad_bands(tmp_path):
    values = fake.cube(dtype="i2") * 100
    values[0, 0] = -9999
    extra = "reflectance scale factor = 10000\ndata ignore value = -9999\nbbl = {1,1,0,1,1,1,1,0}"
    scene = open_scene(fake.envi(tmp_path, values, extra=extra))
    assert scene.value_unit == "reflectance"
    assert np.isnan(scene.spectrum(0, 0)).all()
    assert scene.spectrum(1, 1) == pytest.approx(values[1, 1] / 1e4, rel=1e-5)
    assert scene.good_bands.tolist() == [True, True, False, True, True, True, True, False]
    assert not scene.valid[0, 0]
    assert scene.valid.sum() == 29


def test_comments_case_and_missing_byte_order(tmp_path):
    path = fake.envi(tmp_path, fake.cube(dtype="u2"), header={"byte order": None})
    header = tmp_path / "scene.hdr"
    header.write_text(
        "ENVI\n; made by hand\n" + header.read_text()[5:].replace("samples", "Samples").replace("bsq", "BSQ")
    )
    scene = open_scene(path)
    assert scene.shape == (6, 5, 8)
    assert "byte order" in scene.notes[0]


def test_utm_map_info_gives_transform_and_crs(tmp_path):
    info = "map info = {UTM, 1.000, 1.000, 383472.37, 5818302.35, 30, 30, 33, North, WGS-84, units=Meters}"
    scene = open_scene(fake.envi(tmp_path, fake.cube(), extra=info))
    assert scene.transform == pytest.approx((30, 0, 383472.37, 0, -30, 5818302.35))
    assert scene.map_xy(0, 0) == pytest.approx((383487.37, 5818287.35))
    assert "zone 33N" in scene.crs
    assert scene.gsd_m == 30


def test_map_info_agrees_with_gdal_also_when_rotated(tmp_path):
    import rasterio

    info = "map info = {UTM, 1, 1, 395784.17, 3778085.4, 2, 2, 11, North, WGS-84, rotation=-20}"
    path = fake.envi(tmp_path, fake.cube(), extra=info)
    with rasterio.open(path) as gdal:
        assert open_scene(path).transform == pytest.approx(tuple(gdal.transform)[:6])


@pytest.mark.parametrize("said", ["rotation=180", "rotation=-180"])
def test_a_picture_from_south_to_north_that_gdal_wrote(tmp_path, said):
    """GDAL writes it as turned by 180°, and reads that as turned upside down: its columns still run to the east."""
    import rasterio

    info = f"map info = {{UTM, 1, 1, 395784.17, 3778085.4, 2, 2, 11, North, WGS-84, {said}}}"
    path = fake.envi(tmp_path, fake.cube(), extra=info)
    with rasterio.open(path) as gdal:
        assert gdal.transform.a == gdal.transform.e == 2
        assert open_scene(path).transform == pytest.approx(tuple(gdal.transform)[:6])


def test_gzip_compressed_data(tmp_path):
    values = fake.cube(dtype="i2")
    path = fake.envi(tmp_path, values, header={"file compression": 1})
    path.write_bytes(gzip.compress(path.read_bytes()))
    assert np.array_equal(whole(path), values.astype(np.float32))
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(CorruptFile, match=r"scene.img.*unpacked"):
        open_scene(path)


@pytest.mark.parametrize("change", [-1, 160, -400])
def test_header_and_file_size_must_agree(tmp_path, change):
    path = fake.envi(tmp_path, fake.cube())
    data = path.read_bytes()
    path.write_bytes(data[:change] if change < 0 else data + bytes(change))
    with pytest.raises(CorruptFile) as caught:
        open_scene(path)
    assert "960" in str(caught.value)
    assert str(960 + change) in str(caught.value)


def test_huge_claim_in_a_tiny_header_allocates_nothing(tmp_path):
    path = fake.envi(tmp_path, fake.cube(), header={"samples": 100_000, "lines": 100_000, "bands": 500})
    with fake.little_memory(), pytest.raises(CorruptFile, match="20000000000000 bytes"):
        open_scene(path)
    path.write_bytes(gzip.compress(path.read_bytes()))
    fake_header = (tmp_path / "scene.hdr").read_text() + "file compression = 1\n"
    (tmp_path / "scene.hdr").write_text(fake_header)
    with fake.little_memory(), pytest.raises(CorruptFile, match="can hold"):
        open_scene(path)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"data type": 6}, "complex"),
        ({"data type": 99}, "data type = 99"),
        ({"samples": None}, "no “samples”"),
        ({"bands": "many"}, "bands = many"),
        ({"lines": -6}, "lines = -6"),
        ({"lines": 0}, "0 × 5 × 8"),
        ({"interleave": "bix"}, "interleave = bix"),
        ({"byte order": 7}, "byte order = 7"),
        ({"file type": "ENVI Spectral Library"}, "spectral library"),
    ],
)
def test_headers_that_make_no_sense(tmp_path, fields, text):
    with pytest.raises(FileProblem, match=text):
        open_scene(fake.envi(tmp_path, fake.cube(), header=fields))


def test_foreign_and_missing_headers(tmp_path):
    (tmp_path / "esri.hdr").write_text("BYTEORDER I\nLAYOUT BIL\nNROWS 540\nNCOLS 510\n")
    with pytest.raises(FileProblem, match="ESRI"):
        open_scene(tmp_path / "esri.hdr")
    (tmp_path / "cut.hdr").write_text("ENVI\nsamples = 3\nwavelength = {1, 2,\n")
    with pytest.raises(CorruptFile, match="never closed"):
        open_scene(tmp_path / "cut.hdr")
    (tmp_path / "lonely.bsq").write_bytes(b"1234")
    with pytest.raises(FileProblem, match="no header"):
        open_scene(tmp_path / "lonely.bsq")
    path = fake.envi(tmp_path, fake.cube())
    path.unlink()
    with pytest.raises(FileProblem, match="data file is missing"):
        open_scene(tmp_path / "scene.hdr")


def test_empty_files(tmp_path):
    path = fake.envi(tmp_path, fake.cube())
    path.write_bytes(b"")
    with pytest.raises(CorruptFile, match="0 bytes"):
        open_scene(path)
    (tmp_path / "scene.hdr").write_bytes(b"")
    with pytest.raises(CorruptFile, match="0 bytes"):
        open_scene(tmp_path / "scene.hdr")


def test_a_variable_name_is_refused(tmp_path):
    with pytest.raises(ChooseVariable, match="no variable"):
        open_scene(fake.envi(tmp_path, fake.cube()), variable="cube")


@pytest.mark.slow
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=300))
def test_any_text_after_the_magic_ends_in_a_scene_or_a_designed_error(tmp_path, text):
    (tmp_path / "x.hdr").write_text("ENVI\n" + text, encoding="utf-8", errors="replace")
    (tmp_path / "x.img").write_bytes(b"\0" * 64)
    with suppress(StudioError):
        open_scene(tmp_path / "x.hdr")
