"""Which axis is the spectral one: names, wavelengths, maps beside the cube, then smoothness; never variance alone."""

from __future__ import annotations

import numpy as np
import pytest

from hsi_studio.errors import BadRequest
from hsi_studio.scene.open import open_scene
from hsi_studio.scene.plan import AskAboutFile, Reading
from hsi_studio.scene.rules.axes import by_names, by_variance, find_axes, roughness, variance_shares
from tests.scene import fake

ORDERS = {"bip": (0, 1, 2), "bsq": (2, 0, 1), "bil": (0, 2, 1)}
STORED = {"bip": "rows,cols,bands", "bsq": "bands,rows,cols", "bil": "rows,bands,cols"}


def scene_like(height: int = 40, width: int = 30, bands: int = 60, kind: str = "patches", seed: int = 0) -> np.ndarray:
    """(H, W, B) reflectance: smooth spectra of two materials, mixed and lit otherwise in every pixel."""
    rng = np.random.default_rng(seed)
    wave = np.linspace(0, 1, bands)
    water, soil = 0.06 * np.exp(-4 * wave) + 0.01, 0.2 + 0.2 * wave - 0.1 * np.exp(-(((wave - 0.6) / 0.05) ** 2))
    share = np.zeros((height, width)) if kind == "coast" else rng.random((height, width))
    if kind == "coast":
        share[height // 2 :] = 1
    cube = share[:, :, None] * soil + (1 - share[:, :, None]) * water
    cube = cube * (1 + 0.05 * rng.standard_normal((height, width, 1))) + 0.002 * rng.standard_normal(cube.shape)
    if kind == "rotated":
        cube[np.add.outer(np.arange(height), np.arange(width)) < height // 2] = 0
    return cube.astype("f4")


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", ["patches", "coast", "rotated"])
@pytest.mark.parametrize("size", [(40, 30, 60), (33, 90, 33), (25, 26, 200)])
def test_smooth_spectra_tell_the_axis_in_every_order(order, kind, size):
    stored = np.ascontiguousarray(scene_like(*size, kind=kind).transpose(ORDERS[order]))
    _, fact = find_axes(stored, None, [])
    assert fact.value == STORED[order] or fact.sure == "guess"
    assert kind == "rotated" or fact.value == STORED[order]


@pytest.mark.parametrize(
    ("dtype", "change"),
    [
        ("i2", lambda x: x * 10000),
        (">f8", lambda x: x),
        ("u1", lambda x: x * 255),
        ("f4", lambda x: x - x.mean((0, 1))),
    ],
)
def test_the_type_and_the_scale_of_the_values_do_not_matter(dtype, change):
    cube = change(scene_like()).astype(dtype)
    for order, axes in ORDERS.items():
        assert find_axes(np.asfortranarray(cube.transpose(axes)), None, [])[1].value == STORED[order]


@pytest.mark.parametrize("bands", [3, 4, 6])
def test_few_bands_beside_long_sides_are_the_spectral_axis(bands):
    cube = np.random.default_rng(0).random((60, 70, bands))
    for order, axes in ORDERS.items():
        assert find_axes(cube.transpose(axes), None, [])[1].value == STORED[order]


def test_what_the_values_do_not_tell_is_asked_when_variance_lies_elsewhere(tmp_path):
    noise = fake.cube(9, 7, 30).transpose(2, 0, 1)  # a spectrum, and pixels that have nothing in common
    np.save(tmp_path / "a.npy", noise)
    with pytest.raises(AskAboutFile, match="--axes bands,rows,cols or --axes rows,cols,bands") as caught:
        open_scene(tmp_path / "a.npy")
    assert caught.value.question == "axes"
    assert caught.value.choices[0] == "bands,rows,cols"
    assert caught.value.plan.from_json(caught.value.plan.to_json()) == caught.value.plan
    assert open_scene(tmp_path / "a.npy", axes="bands,rows,cols").shape == (9, 7, 30)
    assert open_scene(tmp_path / "a.npy", axes="bsq").shape == (9, 7, 30)
    assert open_scene(tmp_path / "a.npy", axes="rows,cols,bands").shape == (30, 9, 7)
    assert open_scene(tmp_path / "a.npy", axes="cols,bands,rows").shape == (7, 30, 9)


@pytest.mark.parametrize("order", [*ORDERS.values(), (1, 2, 0), (2, 1, 0), (1, 0, 2)])
@pytest.mark.parametrize("noise", [0.3, 1.0, 3.0])
@pytest.mark.parametrize("size", [(30, 60, 90), (60, 50, 40), (40, 40, 40)])
@pytest.mark.parametrize("centred", [False, True])
def test_a_cube_that_is_mostly_noise_is_never_opened_on_its_side_in_silence(order, noise, size, centred):
    """`noise`: its standard deviation, over that of what differs between the pixels."""
    clean = scene_like(*size).astype("f8")
    pixels = clean - clean.mean((0, 1))
    cube = (pixels if centred else clean) + noise * pixels.std() * np.random.default_rng(1).standard_normal(size)
    axes, fact = find_axes(np.ascontiguousarray(cube.transpose(order)), None, [])
    assert fact.sure == "guess" or order[axes[2]] == 2


def test_a_pattern_of_columns_in_noise_is_asked_about():
    """As of a sensor whose columns differ: bands, rows, columns, with half of the variance along the last axis."""
    rng = np.random.default_rng(0)
    stored = 50 + rng.standard_normal((40, 60, 50)) + 1.4 * rng.standard_normal(50)
    assert find_axes(stored, None, [])[1].sure == "guess"


def test_noise_without_any_pattern_opens_by_habit():
    for seed in range(20):
        _, fact = find_axes(np.random.default_rng(seed).standard_normal((20, 30, 40)), None, [])
        assert (fact.sure, fact.value) == ("likely", "rows,cols,bands")


def test_axes_that_differ_make_another_scene(tmp_path):
    np.save(tmp_path / "a.npy", scene_like())
    found, said = open_scene(tmp_path / "a.npy"), open_scene(tmp_path / "a.npy", axes="rows,cols,bands")
    turned = open_scene(tmp_path / "a.npy", axes="bands,rows,cols")
    assert found.id == said.id != turned.id


def test_a_coast_of_an_old_project_keeps_its_pixels(tmp_path):
    np.save(tmp_path / "coast.npy", scene_like(kind="coast"))
    old = open_scene(tmp_path / "coast.npy", rules=1)
    assert old.shape == (30, 60, 40)  # wrong, and what its labels lie on
    assert open_scene(tmp_path / "coast.npy").shape == (40, 30, 60)
    assert old.id != open_scene(tmp_path / "coast.npy").id


def test_named_dimensions_are_believed():
    assert by_names(("wavelength", "y", "x")) == (1, 2, 0)
    assert by_names(("x", "y", "bands")) == (1, 0, 2)
    assert by_names(("/group/downtrack", "crosstrack", "Bands")) == (0, 1, 2)
    assert by_names(("a", "b", "c")) is None
    assert by_names(("bands", "bands", "x")) is None
    axes, fact = find_axes(np.zeros((8, 6, 5)), 5, [], ("bands", "lines", "samples"))
    assert (axes, fact.sure) == ((1, 2, 0), "certain")


def test_the_wavelengths_are_trusted_before_a_map_beside_it():
    array = np.zeros((8, 6, 5), dtype=np.float32)
    axes, fact = find_axes(array, 8, [(8, 6)])  # the map alone would say that the last axis is spectral
    assert axes == (1, 2, 0)
    assert "The first axis (8) is read as the spectral one" in fact.reason
    assert find_axes(array, None, [(8, 6)])[0] == (0, 1, 2)


def test_a_length_that_fits_two_axes_settles_nothing():
    array = np.zeros((8, 6, 8), dtype=np.float32)
    assert find_axes(array, 8, [])[1].sure == "likely"
    assert find_axes(array, 8, [(6, 8)])[0] == (0, 1, 2)  # nor does a map that fits either way
    assert find_axes(array, 6, [])[0] == (0, 2, 1)


def test_rows_and_columns_are_exchanged_to_fit_the_map():
    axes, fact = find_axes(np.zeros((6, 5, 8), dtype=np.float32), 8, [(5, 6)])
    assert axes == (1, 0, 2)
    assert "exchanged to fit the (5, 6) map" in fact.reason


def test_roughness_is_0_for_like_and_1_for_unrelated_slices():
    rng = np.random.default_rng(0)
    picture = rng.standard_normal((40, 50))
    alike = picture[:, :, None] * np.linspace(1, 2, 30)
    rough = roughness(alike)
    assert rough[2] < 0.01
    assert rough[:2] == pytest.approx([1, 1], abs=0.15)
    assert np.isnan(roughness(np.ones((4, 5, 6)))).all()


def test_the_shares_of_variance_are_those_of_the_slices():
    ramp = 10 + np.arange(4.0)[:, None, None] + np.zeros((4, 5, 6))
    assert variance_shares(ramp) == pytest.approx([1, 0, 0])  # all of it lies along the first axis
    assert variance_shares(np.ones((4, 5, 6))) is None
    cube = fake.cube().transpose(2, 0, 1).astype(np.float64)
    assert variance_shares(cube - cube.mean()) is None
    assert by_variance(cube, None, []) == (1, 2, 0)
    cube[0, 0, 0], cube[1, 0, 0] = np.nan, 1e38  # a damaged pixel does not decide
    assert by_variance(cube, None, []) == (1, 2, 0)


@pytest.mark.parametrize("axes", ["rows,cols", "rows,rows,bands", "up,down,left"])
def test_axes_that_are_none_are_refused(axes):
    with pytest.raises(Exception, match="rows,cols,bands"):
        Reading.of({"axes": axes})


@pytest.mark.parametrize("rules", ["0x10", [], {}, 10**400, 0, 99, "/srv/scene.npy"])
def test_rules_that_are_none_are_told(rules: object) -> None:
    """They stand in a project's file, which anybody may have written."""
    with pytest.raises(BadRequest, match="rules"):
        Reading.of({"rules": rules})


@pytest.mark.parametrize("option", ["nodata", "scale"])
def test_numbers_larger_than_numbers_are_told(option: str) -> None:
    with pytest.raises(BadRequest, match=option):
        Reading.of({option: 10**400})
