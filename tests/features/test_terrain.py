"""The sheet under a surface, and connected regions."""

from __future__ import annotations

import numpy as np
import pytest

from hsi_studio.features.objects import connected
from hsi_studio.features.terrain import sheet


def test_the_ground_under_a_wide_low_field_is_found() -> None:
    """A crop of 2 m over 40 × 40 m, which an opening of growing windows takes for terrain."""
    row, col = np.mgrid[:120, :120]
    ground = (0.05 * row + 0.02 * col).astype(np.float32)
    surface = ground.copy()
    surface[40:80, 40:80] += 2.0
    found = surface - sheet(surface, 1.0)
    assert np.median(found[45:75, 45:75]) == pytest.approx(2.0, abs=0.25)
    assert abs(float(np.median(found[:30]))) < 0.1


def test_a_tilted_plane_is_its_own_ground() -> None:
    row, col = np.mgrid[:60, :90]
    plane = (0.3 * row - 0.1 * col).astype(np.float32)
    np.testing.assert_allclose(sheet(plane, 1.0)[8:-8, 8:-8], plane[8:-8, 8:-8], atol=0.1)


def test_gaps_and_tiny_scenes_do_no_harm() -> None:
    z = np.full((20, 20), 5.0, dtype=np.float32)
    z[3:6] = np.nan
    assert np.isfinite(sheet(z)).all()
    assert sheet(np.ones((2, 3), dtype=np.float32)).shape == (2, 3)


def test_regions_have_their_size_shape_and_neighbours() -> None:
    values = np.zeros((60, 80), dtype=np.int64)
    values[20:24, :] = 1  # a strip of 4 × 80
    values[40:60, 10:30] = 2  # a square of 20 × 20
    values[:5, :5] = -1
    found = connected(values, 3)
    strip = int(np.flatnonzero(found.value == 1)[0])
    square = int(np.flatnonzero(found.value == 2)[0])
    assert found.area_px[strip] == 320 and found.area_px[square] == 400
    assert found.width_px[strip] == pytest.approx(4.0, abs=0.3)
    assert found.elongation[strip] == pytest.approx(20.0, rel=0.05)
    assert found.elongation[square] == pytest.approx(1.0, abs=0.01)
    assert found.borders[strip, 2] == 0 and found.borders[strip, 0] > 0
    assert (found.index[:5, :5] == -1).all()


def test_a_map_without_regions_is_no_error() -> None:
    found = connected(np.full((4, 4), -1, dtype=np.int64), 2)
    assert found.value.size == 0
