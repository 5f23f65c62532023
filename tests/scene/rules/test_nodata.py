"""Fill values that a file does not declare."""

from __future__ import annotations

import numpy as np
import pytest

from hsi_studio.errors import BadValues, UnknownFormat
from hsi_studio.scene.labelmap import read_heights
from hsi_studio.scene.open import open_scene
from hsi_studio.scene.plan import AskAboutFile
from tests.scene import fake


def with_border(value, dtype="i2", rows=1, bands=8):
    cube = np.random.default_rng(0).integers(100, 4000, (6, 5, bands)).astype(dtype)
    cube[:rows] = value
    return cube


@pytest.mark.parametrize(
    ("value", "dtype"),
    [(-9999, "i2"), (-32768, "i2"), (65535, "u2"), (-99, "i2"), (1e20, "f4"), (-3.4028235e38, "f4"), (-9999, "f8"),
     (-1, "f4"), (9.96921e36, "f4"), (2147483647, "i4"), (12345678, "i4")],
)  # fmt: skip
def test_a_border_that_stands_apart_is_left_out_and_said(tmp_path, value, dtype):
    path = fake.envi(tmp_path, with_border(value, dtype))
    scene = open_scene(path)
    assert scene.valid.sum() == 25
    assert any("no data" in note and "--nodata none" in note for note in scene.notes)
    assert scene.plan["nodata"]["sure"] == "likely"
    assert open_scene(path, nodata="none").valid.sum() == 30
    assert open_scene(path, rules=1).valid.sum() == 30  # as projects from before the rule had it
    assert len({open_scene(path, nodata=n).id for n in (None, "none")}) == 2


def test_dead_pixels_in_scaled_values_are_found_as_stored(tmp_path):
    path = fake.envi(tmp_path, with_border(-9999), extra="reflectance scale factor = 10000")
    scene = open_scene(path)
    assert scene.valid.sum() == 25
    assert scene.plan["nodata"]["value"] == -9999
    assert scene.survey.band_min.min() >= 0.01


def test_a_declared_value_and_another_fill_are_both_left_out(tmp_path):
    cube = with_border(-9999)
    cube[1] = -32768
    assert open_scene(fake.envi(tmp_path, cube, header={"data ignore value": -9999})).valid.sum() == 20


@pytest.mark.parametrize(
    ("value", "low", "dtype", "bands"),
    [(77, 0, "i2", 8), (-2, 0, "i2", 30), (-50, 100, "i2", 100), (-50, -40, "i2", 12), (1, 3, "u2", 40),
     (-0.01, 0, "f4", 20), (0.5, 0, "f4", 20), (1e-6, 0.001, "f4", 9)],
)  # fmt: skip
@pytest.mark.parametrize("where", ["block", "scattered"])
def test_one_number_in_all_bands_of_many_pixels_is_asked_about(tmp_path, value, low, dtype, bands, where):
    rng = np.random.default_rng(0)
    cube = (low + rng.random((12, 10, bands)) * (4000 if dtype != "f4" else 0.9)).astype(dtype)
    cube[cube == np.array(value, dtype)] += np.array(1, dtype)
    here = np.arange(120) < 20 if where == "block" else rng.permutation(120) < 20
    cube[here.reshape(12, 10)] = value
    path = fake.envi(tmp_path, cube)
    with pytest.raises(AskAboutFile, match="in every band, which no spectrum does") as asked:
        open_scene(path)
    assert asked.value.question == "nodata"
    fill, none = asked.value.choices
    assert none == "none"
    assert open_scene(path, nodata=fill).valid.sum() == 100
    assert open_scene(path, nodata="none").valid.all()
    assert open_scene(path, rules=3).valid.all()  # as projects from before the rule have it


def _dark_water(rng):
    cube = rng.integers(0, 60, (12, 10, 20))
    cube[:4] = 3
    cube[2:4, :, ::3] = 4  # as coarse numbers make of a dark even surface
    return cube


def _saturated(rng):
    cube = rng.integers(0, 4095, (12, 10, 20))
    cube[:4] = 4095
    return cube


def _painted(rng):
    cube = rng.integers(0, 4095, (12, 10, 20))
    cube[:2], cube[2:4], cube[4:6] = 100, 200, 300
    return cube


def _few_bands(rng):
    cube = rng.integers(0, 255, (12, 10, 4))
    cube[:4] = 90
    return cube


@pytest.mark.parametrize("made", [_dark_water, _saturated, _painted, _few_bands])
def test_a_flat_pixel_that_may_be_data_is_left_and_said(tmp_path, made):
    scene = open_scene(fake.envi(tmp_path, made(np.random.default_rng(0)).astype("i2")))
    assert scene.valid.all()
    assert any("in every band. If that means “no data”" in note for note in scene.notes)


def test_zeros_around_the_scene_are_not_asked_about(tmp_path):
    cube = np.random.default_rng(0).integers(1, 4000, (12, 10, 20)).astype("i2")
    cube[:4] = 0
    assert open_scene(fake.envi(tmp_path, cube)).valid.sum() == 80


@pytest.mark.parametrize(("top", "dtype"), [(255, "u1"), (65535, "u2"), (32767, "i2")])
def test_white_of_a_picture_is_data_where_some_channels_are_white_alone(tmp_path, top, dtype):
    cube = np.random.default_rng(0).integers(20, top, (12, 10, 3)).astype(dtype)
    cube[0, :5] = top
    assert open_scene(fake.envi(tmp_path, cube)).valid.sum() == 115  # a fill: no channel holds it alone
    cube[1, :5, 0] = top
    assert open_scene(fake.envi(tmp_path, cube)).valid.all()
    assert open_scene(fake.envi(tmp_path, cube), rules=3).valid.sum() == 110


@pytest.mark.parametrize("values", [fake.cube(), fake.cube() - 50, fake.cube(bands=2), np.full((6, 5, 8), 3.0, "f4")])
def test_ordinary_values_are_left_alone(tmp_path, values):
    scene = open_scene(fake.envi(tmp_path, values.astype("f4")))
    assert scene.plan["nodata"]["value"] is None
    assert not any("no data" in note for note in scene.notes)


def test_overrides_of_scale_and_mask(tmp_path):
    path = fake.envi(tmp_path, with_border(500))
    np.save(tmp_path / "mask.npy", np.arange(30).reshape(6, 5) % 2)
    plain = open_scene(path, nodata="none")
    scaled = open_scene(path, nodata="none", scale=0.0001)
    everything = slice(None), slice(None)
    assert scaled.read(*everything) == pytest.approx(plain.read(*everything) * 1e-4, rel=1e-5)
    masked = open_scene(path, mask=tmp_path / "mask.npy")
    assert masked.valid.sum() == 15
    assert any("left out by the mask" in note for note in masked.notes)
    np.save(tmp_path / "mask.npy", np.zeros((6, 5)))
    with pytest.raises(BadValues, match="every pixel"):
        open_scene(path, mask=tmp_path / "mask.npy")


@pytest.mark.parametrize("mark", [-9999.0, -32768.0, -3.4e38, 1e20, 32767.0])
def test_a_height_that_is_none_is_a_gap(tmp_path, mark):
    heights = 100 + np.arange(30, dtype="f4").reshape(6, 5)
    heights[0] = mark
    np.save(tmp_path / "dsm.npy", heights)
    found, notes = read_heights(tmp_path / "dsm.npy", (6, 5))
    assert np.isnan(found[0]).all()
    assert np.array_equal(found[1:, :, 0], heights[1:])
    assert "height" in notes[0]


def test_deep_and_high_places_are_heights(tmp_path):
    heights = np.linspace(-430, 8848, 30, dtype="f4").reshape(6, 5)
    np.save(tmp_path / "dsm.npy", heights)
    assert read_heights(tmp_path / "dsm.npy", (6, 5)) == (pytest.approx(heights[:, :, None]), ())


def test_a_fill_that_the_sample_missed_is_said_by_the_survey(tmp_path):
    cube = np.random.default_rng(0).integers(100, 4000, (300, 60, 4)).astype("i2")
    cube[3, 7] = -9999  # between the sampled rows and columns
    scene = open_scene(fake.envi(tmp_path, cube), nodata="none")
    assert any("--nodata -9999" in note for note in scene.survey.notes)
    assert not open_scene(fake.envi(tmp_path, cube), nodata=-9999).survey.valid[3, 7]


def test_an_archive_is_named_as_one(tmp_path):
    (tmp_path / "scene.npy.gz").write_bytes(b"\x1f\x8b\x08\x00")
    with pytest.raises(UnknownFormat, match="Unpack it first"):
        open_scene(tmp_path / "scene.npy.gz")
