"""Indices, MNF components and terrain as pictures: the formula's value, the published order, metres and degrees."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hsi_studio.errors import BadRequest
from hsi_studio.features import indices, looks, mnf
from hsi_studio.features.composite import Compositor, composites, default_composite
from tests.features.test_composite import scene_of

NM = np.array([440, 480, 560, 660, 705, 740, 780, 840, 945, 1650, 2200], np.float32)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def test_ndvi_is_what_it_says(rng: np.random.Generator) -> None:
    cube = rng.random((5, 6, NM.size), dtype=np.float32) + 0.1
    scene = scene_of(cube, NM)
    red, infrared = cube[2, 3, 3], cube[2, 3, 7]
    (value,) = Compositor().value(scene, "index:NDVI", 2, 3)
    assert value == pytest.approx((infrared - red) / (infrared + red), rel=1e-5)


def test_the_catalogue_agrees_with_the_package(rng: np.random.Generator) -> None:
    import spyndex

    values = (rng.random((3, 4, 4), dtype=np.float32) + 0.1).astype(np.float32)
    for name in ("NDVI", "EVI", "SAVI", "MNDWI", "NBR", "NDMI", "OSAVI"):
        index = indices.find(name)
        given = {band: values[..., k].astype(float) for k, band in enumerate(index.bands)}
        theirs = spyndex.computeIndex(name, {**dict(index.constants), **given})
        np.testing.assert_allclose(indices.evaluate(index, values), theirs, rtol=1e-5)


def test_only_indices_that_the_bands_allow_are_listed(rng: np.random.Generator) -> None:
    names = {one["name"] for one in looks.index_list(scene_of(rng.random((4, 4, 11), dtype=np.float32), NM))}
    visible = scene_of(rng.random((4, 4, 4), dtype=np.float32), NM[:4])
    few = {one["name"] for one in looks.index_list(visible)}
    assert {"NDVI", "NBR", "NDWI"} <= names
    assert "NDVI" not in few
    assert few < names
    assert not any("T1" in indices.find(name).bands for name in names)  # no thermal band
    with pytest.raises(BadRequest, match="needs the bands N, R"):
        Compositor().value(visible, "index:NDVI", 0, 0)


def test_an_index_for_reflectance_says_so_when_the_unit_is_not_known(rng: np.random.Generator) -> None:
    scene = scene_of(rng.random((4, 4, 11), dtype=np.float32), NM)
    assert "reflectance" in looks.note(scene, "index:EVI")
    assert looks.note(scene, "index:NDVI") == ""  # a ratio: any unit will do


def test_dividing_by_nothing_gives_no_value() -> None:
    assert np.isnan(indices.evaluate(indices.find("NDVI"), np.zeros((1, 1, 2), np.float32))).all()


def test_mnf_finds_the_signal_that_variance_hides() -> None:
    """A smooth signal of little variance in one direction, white noise of large variance in another."""
    rng = np.random.default_rng(3)
    smooth = np.sin(np.linspace(0, 6, 64))[None, :] * np.cos(np.linspace(0, 4, 40))[:, None]
    cube = 0.01 * rng.normal(size=(40, 64, 5))
    cube[..., 0] += smooth
    cube[..., 4] += 5.0 * rng.normal(size=(40, 64))
    scene = scene_of(cube.astype(np.float32), None)
    found = mnf.fit(scene)
    assert (np.diff(found.ratio) <= 0).all()
    first = (cube.reshape(-1, 5) - found.mean) @ found.axes[:, 0]
    assert abs(np.corrcoef(first, smooth.ravel())[0, 1]) > 0.99
    assert found.ratio[-1] == pytest.approx(1.0, abs=0.1)  # nothing but noise


@pytest.mark.parametrize("name", ["mnf:0", "mnf:1,2", "mnf:9", "mnf:", "mnf:a", "index:nothing", "index:__import__"])
def test_what_is_no_picture_is_refused(rng: np.random.Generator, name: str) -> None:
    scene = (
        scene_of(rng.random((6, 6, 11), dtype=np.float32), NM)
        if "index" in name
        else scene_of(rng.random((6, 6, 5), dtype=np.float32), None)
    )
    with pytest.raises(BadRequest):
        Compositor().value(scene, name, 0, 0)


def test_a_ramp_has_its_slope_and_no_height_above_ground(rng: np.random.Generator) -> None:
    ramp = np.repeat(np.arange(40, dtype=np.float32)[None, :], 40, axis=0)
    scene = scene_of(rng.random((40, 40, 4), dtype=np.float32), None, dsm=ramp[..., None].copy(), gsd_m=1.0)
    pictures = Compositor()
    assert pictures.value(scene, "slope", 20, 20)[0] == pytest.approx(45.0, abs=0.01)
    assert pictures.value(scene, "above", 20, 20)[0] == pytest.approx(0.0, abs=0.3)
    assert "estimate" in looks.note(scene, "above")


def test_slopes_are_those_of_the_pixel_size_that_a_scene_has_now(rng: np.random.Generator) -> None:
    """The same content and id: its world file was corrected while it was open."""
    heights = np.repeat(np.arange(40, dtype=np.float32)[None, :], 40, axis=0)[..., None].copy()
    scene = scene_of(rng.random((40, 40, 4), dtype=np.float32), None, dsm=heights, gsd_m=1.0)
    pictures = Compositor()
    assert pictures.value(scene, "slope", 20, 20)[0] == pytest.approx(45.0, abs=0.01)
    assert pictures.value(replace(scene, gsd_m=2.0), "slope", 20, 20)[0] == pytest.approx(26.565, abs=0.01)


def test_a_house_stands_above_the_ground(rng: np.random.Generator) -> None:
    z = np.zeros((60, 60, 1), np.float32)
    z[20:30, 20:30] = 6.0
    scene = scene_of(rng.random((60, 60, 4), dtype=np.float32), None, dsm=z)
    assert Compositor().value(scene, "above", 25, 25)[0] == pytest.approx(6.0, abs=0.3)
    assert looks.NO_SIZE in looks.note(scene, "slope")


def test_a_photograph_is_shown_in_its_own_colours(rng: np.random.Generator) -> None:
    scene = scene_of(rng.random((5, 5, 3), dtype=np.float32), None)
    assert default_composite(scene) == "custom:1,2,3"
    assert composites(scene)[0].title == "The file's colours"


def test_principal_components_are_never_the_first_picture(rng: np.random.Generator) -> None:
    scene = scene_of(rng.random((5, 5, 7), dtype=np.float32), None)
    assert next(c.id for c in composites(scene) if c.available) == "pca"
    assert default_composite(scene) == "custom:7,4,1"
