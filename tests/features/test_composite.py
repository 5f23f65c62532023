"""Facts about pictures: the right bands, exact limits, honest absence, the same pixels from every window."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from hsi_studio.errors import BadRequest
from hsi_studio.features import composite as module
from hsi_studio.features.composite import (
    Compositor,
    band_indices,
    composites,
    default_composite,
    default_custom,
    read_strided,
)
from hsi_studio.features.stretch import Stretch
from hsi_studio.scene.cube import ArrayCube
from hsi_studio.types import Bands, FloatArray, Scene, Survey


def scene_of(
    cube: FloatArray,
    wavelength_nm: FloatArray | None,
    good: np.ndarray | None = None,
    dsm: FloatArray | None = None,
    gsd_m: float | None = None,
) -> Scene:
    count = cube.shape[2]
    valid = np.isfinite(cube).all(axis=2)
    flat = cube[valid]
    survey = Survey(
        valid, np.ones(count, bool) if good is None else good, flat.min(0), flat.max(0), flat.mean(0), flat.std(0)
    )
    bands = Bands(count, wavelength_nm)
    return Scene("made", "made", "Made", ArrayCube(cube), bands, lambda _: survey, dsm=dsm, gsd_m=gsd_m)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


NM = np.linspace(400, 2400, 201, dtype=np.float32)  # every 10 nm


def test_presets_take_the_nearest_bands(rng: np.random.Generator) -> None:
    scene = scene_of(rng.random((4, 5, 201), dtype=np.float32), NM)
    assert NM[band_indices(scene, "true")].tolist() == [640, 550, 460]
    assert NM[band_indices(scene, "cir")].tolist() == [860, 650, 550]
    assert NM[band_indices(scene, "swir")].tolist() == [2200, 1650, 860]
    assert NM[band_indices(scene, "custom:701,1000.4,402")].tolist() == [700, 1000, 400]


def test_a_bad_band_is_passed_over_for_its_good_neighbour(rng: np.random.Generator) -> None:
    good = np.ones(201, bool)
    good[24] = False  # 640 nm
    scene = scene_of(rng.random((4, 5, 201), dtype=np.float32), NM, good)
    assert NM[band_indices(scene, "true")[0]] in (630, 650)


def test_a_sensor_without_swir_says_what_it_covers(rng: np.random.Generator) -> None:
    nm = np.linspace(400, 1000, 61, dtype=np.float32)
    listed = {c.id: c for c in composites(scene_of(rng.random((4, 5, 61), dtype=np.float32), nm))}
    assert listed["true"].available
    assert not listed["swir"].available
    assert "400 to 1000 nm" in listed["swir"].why_not
    with pytest.raises(BadRequest, match="covers 400 to 1000 nm"):
        band_indices(scene_of(rng.random((2, 2, 61), dtype=np.float32), nm), "custom:650,550,2000")


def test_without_wavelengths_bands_are_counted_from_one(rng: np.random.Generator) -> None:
    scene = scene_of(rng.random((4, 5, 7), dtype=np.float32), None)
    listed = composites(scene)
    assert [c.id for c in listed if not c.available] == ["true", "cir", "swir"]
    assert default_custom(scene) == "custom:7,4,1"
    assert default_composite(scene) == "custom:7,4,1"
    assert band_indices(scene, "custom:1,2,7") == [0, 1, 6]
    assert any("no wavelengths" in c.title for c in listed)
    for bad in ("custom:0,1,2", "custom:1,2,8", "custom:1.5,2,3"):
        with pytest.raises(BadRequest):
            band_indices(scene, bad)


def test_a_dsm_adds_height_and_hillshade(rng: np.random.Generator) -> None:
    cube = rng.random((6, 6, 7), dtype=np.float32)
    with_dsm = scene_of(cube, None, dsm=np.zeros((6, 6, 1), np.float32))
    assert [c.id for c in composites(with_dsm)][-4:] == ["height", "above", "slope", "hillshade"]
    assert "height" not in [c.id for c in composites(scene_of(cube, None))]
    with pytest.raises(BadRequest, match="no height layer"):
        Compositor().render(scene_of(cube, None), "height", slice(0, 6), slice(0, 6))


@pytest.mark.parametrize(
    "name",
    ["nonsense", "custom:", "custom:1,2", "custom:a,b,c", "custom:nan,1,2", "custom:-5,1,2", "grey:1,2", "true:1"],
)
def test_an_unknown_composite_is_refused(rng: np.random.Generator, name: str) -> None:
    scene = scene_of(rng.random((4, 5, 201), dtype=np.float32), NM)
    with pytest.raises(BadRequest):
        Compositor().render(scene, name, slice(0, 4), slice(0, 5))


def test_the_stretch_maps_percentiles_to_black_and_white(rng: np.random.Generator) -> None:
    ramp = np.arange(101, dtype=np.float32)[None, :, None].repeat(3, axis=2)  # 0 … 100 in each of 3 bands
    scene = scene_of(ramp, None)
    low, high = Compositor().limits(scene, "custom:1,2,3", (2, 98))
    assert low.tolist() == [2, 2, 2]
    assert high.tolist() == [98, 98, 98]
    red = Compositor().render(scene, "custom:1,2,3", slice(0, 1), slice(0, 101), Stretch())[0, :, 0]
    assert red[:3].tolist() == [0, 0, 0]
    assert red[98:].tolist() == [255, 255, 255]
    assert red[50] == 128  # (50 − 2) / 96 · 255 + 0.5


def test_full_range_knows_a_pixel_that_the_sample_misses(rng: np.random.Generator) -> None:
    cube = rng.random((900, 900, 3), dtype=np.float32)
    cube[1, 1] = 50.0  # 900² pixels are sampled every third
    _, high = Compositor().limits(scene_of(cube, None), "custom:1,2,3", (0, 100))
    assert high.tolist() == [50, 50, 50]


@pytest.mark.parametrize("percentiles", [(98, 2), (50, 50), (-1, 98), (2, 101), (float("nan"), 98)])
def test_impossible_percentiles_are_refused(rng: np.random.Generator, percentiles: tuple[float, float]) -> None:
    scene = scene_of(rng.random((4, 5, 3), dtype=np.float32), None)
    with pytest.raises(BadRequest):
        Compositor().limits(scene, "custom:1,2,3", percentiles)


def test_invalid_pixels_are_transparent_and_the_others_opaque(rng: np.random.Generator) -> None:
    cube = rng.random((6, 7, 5), dtype=np.float32)
    cube[2, 3, 4] = np.nan  # not even a band that is shown
    picture = Compositor().render(scene_of(cube, None), "custom:1,2,3", slice(0, 6), slice(0, 7))
    assert np.argwhere(picture[..., 3] == 0).tolist() == [[2, 3]]
    assert set(np.unique(picture[..., 3])) == {0, 255}


def test_a_constant_band_does_not_divide_by_zero() -> None:
    picture = Compositor().render(
        scene_of(np.full((3, 3, 3), 0.4, np.float32), None), "custom:1,2,3", slice(0, 3), slice(0, 3)
    )
    assert (picture[..., :3] == 0).all()
    assert (picture[..., 3] == 255).all()


@pytest.mark.parametrize("name", ["true", "pca", "grey:650", "hillshade", "height"])
def test_a_window_is_the_same_part_of_the_whole(rng: np.random.Generator, name: str) -> None:
    cube = rng.random((40, 50, 201), dtype=np.float32)
    scene = scene_of(cube, NM, dsm=rng.random((40, 50, 1), dtype=np.float32) * 9, gsd_m=2.0)
    whole = Compositor().render(scene, name, slice(0, 40), slice(0, 50))
    part = Compositor().render(scene, name, slice(8, 33), slice(16, 47))
    assert np.abs(whole[8:33, 16:47].astype(int) - part).max() <= 1  # float32 sums may round differently
    strided = Compositor().render(scene, name, slice(0, 40), slice(0, 50), step=4)
    assert np.abs(whole[::4, ::4].astype(int) - strided).max() <= 1


class RowsOnly(ArrayCube):
    """A cube whose reader refuses strides, as file readers may."""

    largest = 0

    def read(self, rows: slice, cols: slice, bands: list[int] | None = None) -> FloatArray:  # type: ignore[override]
        assert rows.step in (None, 1)
        assert cols.step in (None, 1)
        out = super().read(rows, cols, bands)
        self.largest = max(self.largest, out.size)
        return out


@pytest.mark.parametrize("step", [2, 3, 7, 8, 16])
def test_strided_reading_needs_no_stride_and_little_memory(
    rng: np.random.Generator, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "READ_VALUES", 2000)
    array = rng.random((61, 45, 6), dtype=np.float32)
    cube = RowsOnly(array)
    scene = Scene("s", "s", "S", cube, Bands(6), lambda _: scene.survey)
    out = read_strided(scene, slice(5, 58), slice(2, 44), step, [0, 3])
    np.testing.assert_array_equal(out, array[5:58:step, 2:44:step][..., [0, 3]])
    assert cube.largest <= 2000


def test_hillshade_is_brightest_on_the_slope_that_faces_the_sun() -> None:
    y, x = np.mgrid[0:20, 0:20].astype(np.float32)

    def light(height: FloatArray) -> float:
        scene = scene_of(np.ones((20, 20, 3), np.float32), None, dsm=height[..., None].astype(np.float32), gsd_m=1.0)
        return float(module._hillshade(scene, slice(0, 20), slice(0, 20)).mean())

    # sun in the north-west: a surface that falls towards north-west (rises with row and column) is lit
    assert light(x + y) > light(np.zeros_like(x)) > light(-x - y)
    assert light(np.zeros_like(x)) == pytest.approx(np.sin(np.radians(45)))


def test_principal_components_are_deterministic_and_ordered(rng: np.random.Generator) -> None:
    scores = rng.normal(size=(30, 30, 3)) * [10, 3, 1]
    axes = np.linalg.qr(rng.normal(size=(8, 3)))[0]
    cube = (scores @ axes.T + 5).astype(np.float32)
    projection = Compositor()._projection(scene_of(cube, None))
    assert np.abs(projection.axes.T @ axes).round(2).diagonal().tolist() == [1, 1, 1]
    again = Compositor()._projection(scene_of(cube, None))
    np.testing.assert_array_equal(projection.axes, again.axes)
    assert (projection.axes[np.abs(projection.axes).argmax(axis=0), np.arange(3)] > 0).all()


def test_many_threads_measure_the_limits_once(rng: np.random.Generator) -> None:
    scene = scene_of(rng.random((64, 64, 3), dtype=np.float32), None)
    compositor, reads = Compositor(), []
    original = compositor._channels
    compositor._channels = lambda *a: reads.append(a[2]) or original(*a)  # type: ignore[method-assign]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: compositor.limits(scene, "custom:1,2,3", (2, 98)), range(32)))
    assert len(reads) == 1
    assert all(pair[0] is found[0][0] for pair in found)


def test_the_cache_is_bounded(rng: np.random.Generator) -> None:
    scene = scene_of(rng.random((4, 4, 30), dtype=np.float32), None)
    compositor = Compositor(keep=5)
    for first in range(1, 25):
        compositor.limits(scene, f"grey:{first}", (2, 98))
    assert len(compositor._cache) == 5
    assert not compositor._making
