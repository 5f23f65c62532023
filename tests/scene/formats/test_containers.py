"""Several arrays in one file: which one is the cube, which the map, and when the user is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hsi_studio.errors import ChooseVariable, SizeMismatch
from hsi_studio.scene.formats.containers import assemble, pick, pick_cube, pick_layer
from hsi_studio.scene.formats.variables import Variable

FILE = Path("scene.mat")


def held(name: str, values: Any, **facts: Any) -> Variable:
    array = np.asarray(values)
    return Variable(name, array.shape, array.dtype, lambda: array, **facts)


def test_a_name_may_be_the_whole_or_the_last_part_but_not_of_two() -> None:
    left, right = held("left/data", np.zeros((2, 3, 4))), held("right/data", np.zeros((2, 3, 5)))
    assert pick(FILE, [left, right], "/left/data") is left
    assert pick(FILE, [left, held("right/other", np.zeros(3))], "data") is left
    with pytest.raises(ChooseVariable, match="several variables end in “data”"):
        pick(FILE, [left, right], "data")


def test_a_height_layer_of_several_bands_is_not_taken_for_the_cube() -> None:
    cube, heights = held("berlin", np.zeros((6, 5, 8))), held("berlin_dsm", np.zeros((6, 5, 2)))
    chosen, notes = pick_cube(FILE, [heights, cube], None)
    assert chosen is cube
    assert notes == ("The cube is the variable “berlin”.",)
    assert pick_cube(FILE, [heights], None) == (heights, ())  # alone it is what there is


def test_the_map_is_the_one_that_fits_the_scene() -> None:
    small, large = held("a", np.zeros((6, 5))), held("b", np.zeros((60, 50)))
    assert pick_layer(FILE, [small, large], None, (60, 50)) is large
    assert pick_layer(FILE, [small, held("wave", np.zeros((1, 8)))], None, (7, 7)) is small  # its caller says the sizes
    with pytest.raises(SizeMismatch, match=r"a \(6 × 5\), b \(60 × 50\)"):
        pick_layer(FILE, [small, large], None, (7, 7))
    with pytest.raises(ChooseVariable, match="2 arrays in it could be the map"):
        pick_layer(FILE, [small, large], None, None)


def test_heights_are_scaled_and_missing_ones_are_nan() -> None:
    stored = np.array([[0, 10], [20, -999]], dtype=np.int16)
    variables = [held("cube", np.ones((2, 2, 3))), held("dsm", stored, scale=0.5, offset=100.0, nodata=-999.0)]
    raster = assemble(FILE, variables, None)
    assert raster.dsm is not None
    np.testing.assert_array_equal(raster.dsm[..., 0], np.array([[100, 105], [110, np.nan]], dtype=np.float32))
    assert raster.cube.shape == (2, 2, 3)


def test_a_map_of_fractions_is_no_reference_and_brings_no_names() -> None:
    names = held("class_names", np.array([b"Unlabelled", b"Water ", b"Soil"]))
    whole = [held("cube", np.ones((2, 2, 3))), held("gt", [[0.0, 1.0], [2.0, -9.0]]), names]
    raster = assemble(FILE, whole, None)
    assert raster.reference is not None
    assert raster.reference.tolist() == [[0, 1], [2, 0]]  # below 0 is no class
    assert raster.class_names == {1: "Water", 2: "Soil"}
    raster = assemble(FILE, [whole[0], held("gt", [[0.0, 1.5], [2.0, 1.0]]), names], None)
    assert raster.reference is None
    assert raster.class_names == {}
