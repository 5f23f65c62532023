"""Layers laid on the scene by where they lie; rasterio writes the files and is the witness of where pixels are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.warp import transform

from hsi_studio.errors import SizeMismatch
from hsi_studio.scene.labelmap import read_classes, read_heights
from hsi_studio.scene.rules.alignment import Grid, lay

WKT = rasterio.crs.CRS.from_epsg(32633).to_wkt()
PLACE = (10.0, 0.0, 500000.0, 0.0, -10.0, 5800000.0)
GRID = Grid((20, 16), PLACE, WKT)


def truth() -> np.ndarray:
    gt = np.zeros((20, 16), "u1")
    gt[2:8, 2:6], gt[12:18, 9:14], gt[0, 0] = 1, 2, 3
    return gt


def written(
    folder: Path, values: np.ndarray, place=PLACE, crs: str | None = "EPSG:32633", name: str = "gt.tif"
) -> Path:
    profile = {"driver": "GTiff", "height": values.shape[0], "width": values.shape[1], "count": 1}
    profile |= {"dtype": values.dtype.name, "crs": crs} | ({"transform": rasterio.Affine(*place)} if place else {})
    with rasterio.open(folder / name, "w", **profile) as target:
        target.write(values, 1)
    return folder / name


@pytest.mark.parametrize(
    ("values", "place", "said"),
    [
        (truth(), PLACE, ""),
        (truth()[::-1], (10, 0, 500000, 0, 10, 5799800), "upside down"),
        (truth()[:, ::-1], (-10, 0, 500160, 0, -10, 5800000), "mirrored"),
        (truth()[::-1, ::-1], (-10, 0, 500160, 0, 10, 5799800), "mirrored"),
        (np.pad(truth(), 5), (10, 0, 499950, 0, -10, 5800050), "cut to the scene"),
        (np.pad(truth(), ((0, 3), (0, 7))), PLACE, "cut to the scene"),
        (np.repeat(np.repeat(truth(), 2, 0), 2, 1), (5, 0, 500000, 0, -5, 5800000), "most frequent class"),
        (truth(), (10, 0, 500003, 0, -10, 5800004), "pixels beside"),
    ],
)
def test_classes_lie_where_their_coordinates_say(tmp_path, values, place, said):
    found = read_classes(written(tmp_path, np.ascontiguousarray(values), place), GRID)
    assert np.array_equal(found.labels, truth())
    assert said in " ".join(found.notes)
    assert bool(found.notes) == bool(said)


def test_a_part_of_the_scene_is_labelled_there_only(tmp_path):
    found = read_classes(written(tmp_path, truth()[10:, 8:], (10, 0, 500080, 0, -10, 5799900)), GRID)
    expected = truth()
    expected[:10], expected[:, :8] = 0, 0
    assert np.array_equal(found.labels, expected)
    assert "25 % of the scene" in found.notes[0]
    assert list(found.names) == [2]  # a class that is not there is no class of the scene


def test_a_shift_by_whole_pixels_with_the_same_size(tmp_path):
    found = read_classes(written(tmp_path, truth(), (10, 0, 500020, 0, -10, 5800000)), GRID)
    assert np.array_equal(found.labels[:, 2:], truth()[:, :-2])
    assert not found.labels[:, :2].any()


def test_another_map_system_is_brought_over(tmp_path):
    fine = np.repeat(np.repeat(truth(), 8, 0), 8, 1)
    x, y = transform("EPSG:32633", "EPSG:3035", [500000.0], [5800000.0])
    with rasterio.open(written(tmp_path, fine, (1.25, 0, 500000, 0, -1.25, 5800000), name="fine.tif")) as source:
        from rasterio.vrt import WarpedVRT

        with WarpedVRT(source, crs="EPSG:3035") as turned:
            path = written(tmp_path, turned.read(1), tuple(turned.transform)[:6], "EPSG:3035")
    assert abs(x[0]) > 1e6
    assert y[0] > 1e6
    found = read_classes(path, GRID)
    assert (found.labels == truth()).mean() > 0.97
    assert "resampled" in found.notes[0]


def test_heights_of_a_quarter_of_the_scene(tmp_path):
    heights = np.full((20, 16), 419, "f4")
    found, notes = read_heights(written(tmp_path, heights, (5, 0, 500000, 0, -5, 5800000)), GRID)
    assert found[:10, :8] == pytest.approx(419)
    assert np.isnan(found[11:]).all()
    assert np.isnan(found[:, 9:]).all()
    assert "covers 25 %" in notes[0]


def test_finer_heights_are_averaged_and_coarser_ones_interpolated(tmp_path):
    fine = np.add.outer(np.zeros(80), np.arange(64) / 4).astype("f4")  # rises by 1 m in 10 m
    found, _ = read_heights(written(tmp_path, fine, (2.5, 0, 500000, 0, -2.5, 5800000)), GRID)
    assert np.diff(found[5, :, 0]) == pytest.approx([1] * 15, abs=1e-3)
    coarse = np.add.outer(np.zeros(10), 2.0 * np.arange(8)).astype("f4")
    found, _ = read_heights(written(tmp_path, coarse, (20, 0, 500000, 0, -20, 5800000)), GRID)
    assert np.diff(found[5, 2:-2, 0]) == pytest.approx([1] * 11, abs=0.02)


def test_without_a_place_the_size_decides_and_is_said(tmp_path):
    found = read_classes(written(tmp_path, truth(), None, None), GRID)
    assert np.array_equal(found.labels, truth())
    assert "no map coordinates" in found.notes[0]
    assert read_classes(written(tmp_path, truth(), None, None), Grid((20, 16))).notes == ()
    with pytest.raises(SizeMismatch, match="resample"):
        read_classes(written(tmp_path, truth()[:10], None, None), GRID)


def test_a_layer_of_another_place_is_refused_with_both_areas(tmp_path):
    with pytest.raises(SizeMismatch, match=r"lies elsewhere.*x 600000"):
        read_classes(written(tmp_path, truth(), (10, 0, 600000, 0, -10, 5800000)), GRID)


def test_a_turned_grid_is_resampled(tmp_path):
    angle = np.radians(30)
    cosine, sine = 5 * np.cos(angle), 5 * np.sin(angle)
    place = (cosine, sine, 499900.0, sine, -cosine, 5799950.0)
    rows, cols = np.mgrid[0:100, 0:100] + 0.5
    x, y = place[0] * cols + place[1] * rows + place[2], place[3] * cols + place[4] * rows + place[5]
    heights = (x - 500000).astype("f4")
    found, notes = read_heights(written(tmp_path, heights, place), GRID)
    seen = np.isfinite(found[:, :, 0])
    east = np.broadcast_to(10 * np.arange(16) + 5.0, (20, 16))
    assert seen.sum() > 20
    assert np.abs(found[:, :, 0] - east)[seen].max() < 6
    assert y.max() > 5_799_950
    assert "resampled" in notes[0]


def test_heights_that_are_stored_turned_by_a_right_angle_are_the_same_heights(tmp_path):
    """Every centre lies on a centre, so that nothing is between pixels; GDAL blurred them for their turn."""
    heights = np.random.default_rng(0).uniform(0, 30, (60, 70, 1)).astype(np.float32)
    place = rasterio.Affine(1, 0, 0, 0, -1, 100)
    turned = Grid((70, 60), tuple(place * rasterio.Affine(0, 1, 0, 1, 0, 0))[:6])
    scene = tuple(place * rasterio.Affine.translation(17, 12))[:6]
    stored = heights.transpose(1, 0, 2)
    laid, notes = lay(Path("h.tif"), stored, turned, Grid((23, 31), scene), "the height layer", False)
    assert np.allclose(laid, heights[12:35, 17:48], atol=1e-4)
    assert "linear interpolation" in notes[0]
    before, former = lay(Path("h.tif"), stored, turned, Grid((23, 31), scene, None, 5), "the height layer", False)
    assert not np.allclose(before, laid, atol=1)  # as projects from before were made on
    assert former != notes  # the scene has another id


@pytest.mark.parametrize(
    ("layer", "scene", "crs"),
    [(-170.0, 190.0, 4326), (190.0, -170.0, 4326), (190.0, -170.0, 32602), (-179.9, 180.1, 4326)],
)
def test_longitudes_of_a_layer_are_counted_as_the_scene_counts_them(tmp_path, layer, scene, crs):
    """190° is −170°: one file of a place counts to 360, the other one to 180."""
    file = written(tmp_path, truth(), (0.01, 0, layer, 0, -0.01, 60.5), "EPSG:4326")
    grid = Grid((20, 16), (0.01, 0, scene, 0, -0.01, 60.5), rasterio.crs.CRS.from_epsg(4326).to_wkt())
    if crs != 4326:
        xs, ys = transform("EPSG:4326", f"EPSG:{crs}", [scene + 0.035], [60.5 - 0.045])
        grid = Grid((2, 2), (50, 0, xs[0] - 50, 0, -50, ys[0] + 50), rasterio.crs.CRS.from_epsg(crs).to_wkt())
        assert (read_classes(str(file), grid).labels == 1).all()
        return
    found = read_classes(str(file), grid)
    assert np.array_equal(found.labels, truth())
    assert found.notes == ()
