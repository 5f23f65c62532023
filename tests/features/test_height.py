"""Facts about heights: planes, boxes, gaps."""

from __future__ import annotations

import numpy as np
import pytest

from hsi_studio.features.height import fill_gaps, ground, height_above_ground, roughness, slope


def tilted(height: int = 80, width: int = 90) -> np.ndarray:
    row, col = np.mgrid[0:height, 0:width]
    return (100 + 0.3 * row - 0.1 * col).astype(np.float32)


def test_slope_of_a_plane_is_exact_in_any_gsd() -> None:
    assert np.allclose(slope(tilted()), np.hypot(0.3, 0.1), atol=1e-5)
    assert np.allclose(slope(tilted(), gsd_m=2.0), np.hypot(0.3, 0.1) / 2, atol=1e-5)


def test_a_box_on_a_tilted_plane_is_as_high_as_it_is() -> None:
    z = tilted()
    z[30:45, 40:60] += 8
    above = height_above_ground(z)
    assert np.allclose(above[30:45, 40:60], 8, atol=0.1)
    outside = np.ones(z.shape, dtype=bool)
    outside[29:46, 39:61] = False
    assert above[outside].max() < 0.1


def test_many_boxes_on_hills_keep_their_heights() -> None:
    row, col = np.mgrid[0:120, 0:120]
    hills = 5 * np.sin(row / 40) + 4 * np.cos(col / 50)
    z = hills.copy()
    tops = [(r, c, 3 + (r + c) % 5) for r in range(10, 110, 30) for c in range(10, 110, 30)]
    for r, c, top in tops:
        z[r : r + 10, c : c + 10] += top
    above = height_above_ground(z.astype(np.float32))
    for r, c, top in tops:
        assert np.median(above[r : r + 10, c : c + 10]) == pytest.approx(top, abs=0.7)


def test_terrain_alone_has_no_objects() -> None:
    z = tilted()
    assert np.allclose(ground(z), z, atol=0.05)


def test_gaps_take_the_nearest_height_and_stay_gaps_in_the_result() -> None:
    z = tilted()
    z[10:14, 10:14] = np.nan
    assert np.isfinite(fill_gaps(z)).all()
    above = height_above_ground(z)
    assert np.isnan(above[10:14, 10:14]).all()
    assert np.isfinite(above).sum() == z.size - 16
    assert (fill_gaps(np.full((3, 3), np.nan)) == 0).all()


def test_roughness_of_a_step_and_of_flat_ground_far_up() -> None:
    z = np.full((11, 12), 4000.0, dtype=np.float32)
    assert (roughness(z) == 0).all()
    z[:, 6:] += 2
    assert roughness(z, 3)[5, 5] == pytest.approx(np.std([0, 0, 2]), abs=1e-3)
