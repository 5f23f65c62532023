"""Facts about superpixels."""

from __future__ import annotations

import numpy as np

from hsi_studio.features.superpixels import scene_superpixels, superpixels, tiles
from tests.features.scenes import fields


def test_tiles_cover_each_pixel_once() -> None:
    seen = np.zeros((70, 45), dtype=int)
    for rows, cols in tiles(70, 45, 32):
        seen[rows, cols] += 1
    assert (seen == 1).all()


def test_superpixels_follow_the_fields() -> None:
    cube, truth = fields(60, 60)
    index = superpixels(cube, np.ones(truth.shape, dtype=bool), 150)
    pure = [np.bincount(truth[index == node]).max() / (index == node).sum() for node in range(index.max() + 1)]
    assert np.mean(pure) > 0.95


def test_numbers_are_consecutive_bounded_and_absent_where_invalid() -> None:
    cube, truth = fields(300, 280, bands=3)
    valid = np.ones(truth.shape, dtype=bool)
    valid[100:120] = False
    index = scene_superpixels(lambda r, c: cube[r, c], valid, 1000)
    assert np.array_equal(index < 0, ~valid)
    used = np.unique(index[valid])
    assert np.array_equal(used, np.arange(used.size))
    assert 500 < used.size <= 1000


def test_no_superpixel_reaches_over_an_invalid_strip() -> None:
    valid = np.ones((40, 40), dtype=bool)
    valid[:, 20:22] = False
    index = superpixels(np.zeros((40, 40, 2), dtype=np.float32), valid, 9)
    assert not set(np.unique(index[:, :20])) & set(np.unique(index[:, 22:]))
