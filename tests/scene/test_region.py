"""Regions drawn by hand."""

from __future__ import annotations

import numpy as np
import pytest

from hsi_studio.errors import BadRequest
from hsi_studio.scene.region import polygon_mask


def test_a_rectangle_holds_the_pixels_whose_centre_is_inside() -> None:
    mask = polygon_mask((10, 12), [(2.0, 3.0), (2.0, 6.0), (5.4, 6.0), (5.4, 3.0)])
    rows, cols = np.nonzero(mask)
    assert (rows.min(), rows.max(), cols.min(), cols.max()) == (2, 4, 3, 5)
    assert mask.sum() == 9


def test_a_large_circle_has_its_area_whichever_way_it_is_drawn() -> None:
    turn = np.linspace(0, 2 * np.pi, 400)
    points = [(50 + 30 * np.sin(t), 60 + 30 * np.cos(t)) for t in turn]
    mask = polygon_mask((100, 120), points)
    assert mask.sum() == pytest.approx(np.pi * 900, rel=0.01)
    assert np.array_equal(mask, polygon_mask((100, 120), points[::-1]))


def test_what_lies_outside_the_scene_is_cut_off() -> None:
    mask = polygon_mask((10, 12), [(-50, -50), (-50, 4), (3, 4), (3, -50)])
    assert mask.sum() == 12


@pytest.mark.parametrize(
    "corners",
    [[], [(0, 0), (1, 1)], [(0, 0), (0, np.nan), (4, 4)], [(0.1, 0.1), (0.1, 0.2), (0.2, 0.2)],
     [(90, 90), (90, 95), (95, 95)], [(0, 0)] * 5001],
)  # fmt: skip
def test_what_is_no_region_is_refused(corners: list[tuple[float, float]]) -> None:
    with pytest.raises(BadRequest):
        polygon_mask((10, 12), corners)
