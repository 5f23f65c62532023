"""Areas give the pixels whose centres lie in them, lines those they touch: facts that can be counted on paper."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from hsi_studio.errors import LabelProblem
from hsi_studio.io.label_files.burn import evenly, pixels_of

SHAPE = (10, 12)


def found(geometry: object) -> list[tuple[int, int]]:
    return sorted(map(tuple, pixels_of(geometry, SHAPE).tolist()))


@pytest.mark.parametrize(
    ("wkt", "pixels"),
    [
        ("POINT (3.5 2.5)", [(2, 3)]),
        ("POINT Z (3.5 2.5 99)", [(2, 3)]),
        ("POINT (12 5)", []),  # the right edge belongs to the next pixel
        ("MULTIPOINT (0.1 0.1, 11.9 9.9, 40 2)", [(0, 0), (9, 11)]),
        ("POLYGON ((1 1, 3 1, 3 3, 1 3, 1 1))", [(1, 1), (1, 2), (2, 1), (2, 2)]),
        ("POLYGON ((1.4 1.4, 2.6 1.4, 2.6 2.6, 1.4 2.6, 1.4 1.4))", [(1, 1), (1, 2), (2, 1), (2, 2)]),
        ("POLYGON ((1.6 1.6, 2.4 1.6, 2.4 2.4, 1.6 2.4, 1.6 1.6))", []),  # holds no centre
        ("POLYGON ((0 0, 3 0, 3 3, 0 3, 0 0), (1 1, 2 1, 2 2, 1 2, 1 1))",
         [(0, 0), (0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1), (2, 2)]),
        ("MULTIPOLYGON (((0 0, 1 0, 1 1, 0 1, 0 0)), ((5 5, 6 5, 6 6, 5 6, 5 5)))", [(0, 0), (5, 5)]),
        ("LINESTRING (0.5 0.5, 3.5 0.5)", [(0, 0), (0, 1), (0, 2), (0, 3)]),
        ("LINESTRING (0.2 0.1, 1.8 0.9)", [(0, 0), (0, 1)]),
        ("GEOMETRYCOLLECTION (POINT (3.5 2.5), LINESTRING (3.5 2.5, 4.5 2.5))", [(2, 3), (2, 4)]),
        ("POLYGON ((-1e6 -1e6, 1e6 -1e6, 1e6 1.2, -1e6 1.2, -1e6 -1e6))", [(0, c) for c in range(12)]),
        ("POLYGON ((20 20, 30 20, 30 30, 20 20))", []),
        ("POLYGON EMPTY", []),
        ("LINESTRING (1.5 1.5, 1.5 1.5)", [(1, 1)]),
    ],
)  # fmt: skip
def test_pixels_on_paper(wkt: str, pixels: list[tuple[int, int]]) -> None:
    assert found(shapely.from_wkt(wkt)) == pixels


def test_collections_inside_collections_have_an_end() -> None:
    """shapely copies what is inside at every step: 2 MB of them took 1.6 GB."""
    nested = "POINT (3.5 2.5)"
    for depth in range(1, 21):
        nested = f"GEOMETRYCOLLECTION ({nested})"
        if depth == 8:
            assert found(shapely.from_wkt(nested)) == [(2, 3)]
    with pytest.raises(LabelProblem, match="more than 8 deep"):
        found(shapely.from_wkt(nested))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-20, 30), st.floats(-20, 30)), min_size=3, max_size=7),
)
def test_an_area_gives_the_centres_that_shapely_finds_in_it(corners: list[tuple[float, float]]) -> None:
    """GEOS as the second witness; centres within a millionth of an edge may go either way."""
    polygon = shapely.make_valid(shapely.Polygon(corners))
    if polygon.geom_type != "Polygon":
        return
    rows, cols = np.mgrid[: SHAPE[0], : SHAPE[1]] + 0.5
    centres = shapely.points(cols.ravel(), rows.ravel())
    near = shapely.distance(polygon.boundary, centres) < 1e-6
    inside = shapely.contains(polygon, centres)
    mine = np.zeros(SHAPE, dtype=bool)
    for row, col in found(polygon):
        mine[row, col] = True
    assert np.array_equal(mine.ravel()[~near], inside[~near])


def test_a_limit_is_drawn_evenly_and_is_the_same_each_time() -> None:
    pixels = np.column_stack([np.arange(100), np.arange(100)])
    assert evenly(pixels, 0) is pixels
    assert evenly(pixels, 100) is pixels
    assert evenly(pixels, 4)[:, 0].tolist() == [0, 33, 66, 99]
    assert evenly(pixels, 1)[:, 0].tolist() == [0]
