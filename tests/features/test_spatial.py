"""Facts about the diffusion."""

from __future__ import annotations

import numpy as np
import pytest

from hsi_studio.features.spatial import (
    diffuse,
    diffusion_matrix,
    neighbour_pairs,
    node_means,
    pixel_nodes,
    typical_distance,
)


def two_halves(height: int = 12, width: int = 12, noise: float = 0.05) -> tuple[np.ndarray, np.ndarray]:
    """(index, features (n, 1)): 0 on the left, 5 on the right, a little noise."""
    rng = np.random.default_rng(0)
    image = np.where(np.arange(width) < width // 2, 0.0, 5.0)[None].repeat(height, axis=0)
    image = image + rng.normal(0, noise, image.shape)
    return pixel_nodes(np.ones((height, width), dtype=bool)), image.reshape(-1, 1).astype(np.float32)


def test_a_3_by_3_image_has_20_neighbour_pairs_and_none_with_the_hole() -> None:
    valid = np.ones((3, 3), dtype=bool)
    assert neighbour_pairs(pixel_nodes(valid))[0].size == 20
    valid[1, 1] = False
    assert neighbour_pairs(pixel_nodes(valid))[0].size == 12


def test_rows_sum_to_one_so_constants_stay() -> None:
    index, features = two_halves()
    walk = diffusion_matrix(index, features)
    assert np.allclose(np.asarray(walk.sum(axis=1)).ravel(), 1, atol=1e-6)
    constant = np.full((index.size, 2), 3.25, dtype=np.float32)
    assert np.allclose(diffuse(walk, constant, [50])[0], 3.25, atol=1e-4)


def test_nothing_crosses_a_strong_edge_and_noise_is_smoothed() -> None:
    index, features = two_halves()
    before = features.reshape(index.shape)
    after = diffuse(diffusion_matrix(index, features), features, [60])[0].reshape(index.shape)
    assert after[:, :6].mean() == pytest.approx(before[:, :6].mean(), abs=0.02)
    assert after[:, 6:].mean() == pytest.approx(before[:, 6:].mean(), abs=0.02)
    assert after[:, :6].std() < 0.4 * before[:, :6].std()


def test_without_an_edge_a_spot_spreads_to_all_sides() -> None:
    index = pixel_nodes(np.ones((9, 9), dtype=bool))
    spot = np.zeros((81, 1), dtype=np.float32)
    spot[40] = 1
    flat = np.zeros((81, 1), dtype=np.float32)
    once = diffuse(diffusion_matrix(index, flat), spot, [1])[0].reshape(9, 9)
    assert np.allclose(once[3:6, 3:6], 1 / 9)
    assert once.sum() == pytest.approx(1)


def test_an_invalid_column_separates_what_lies_left_and_right() -> None:
    valid = np.ones((6, 7), dtype=bool)
    valid[:, 3] = False
    index = pixel_nodes(valid)
    left = (np.nonzero(valid)[1] < 3).astype(np.float32)[:, None]
    same = np.zeros_like(left)  # no edge anywhere
    assert np.array_equal(diffuse(diffusion_matrix(index, same), left, [100])[0] > 0.5, left > 0.5)
    assert np.allclose(diffuse(diffusion_matrix(index, same), left, [100])[0], left, atol=1e-5)


def test_an_isolated_pixel_keeps_its_value() -> None:
    valid = np.zeros((5, 5), dtype=bool)
    valid[0, 0] = valid[4, 4] = True
    features = np.array([[1.0], [7.0]], dtype=np.float32)
    assert np.array_equal(diffuse(diffusion_matrix(pixel_nodes(valid), features), features, [9])[0], features)


def test_one_node_over_four_pixels_walks_as_the_pixels_do_on_average() -> None:
    index = np.repeat(np.repeat(np.arange(4, dtype=np.int32).reshape(2, 2), 2, axis=0), 2, axis=1)  # 4×4 pixels
    pixels = pixel_nodes(np.ones((4, 4), dtype=bool))
    walk = diffusion_matrix(index, np.zeros((4, 1), dtype=np.float32)).toarray()
    fine = diffusion_matrix(pixels, np.zeros((16, 1), dtype=np.float32))
    degree = 1 / fine.toarray().max(axis=1)  # a pixel's neighbours and itself, all of weight 1
    member = (index.ravel()[None] == np.arange(4)[:, None]).astype(float)  # (4 nodes, 16 pixels)
    expected = (member * degree) @ fine.toarray() @ member.T / (member @ degree)[:, None]
    assert np.allclose(walk, expected, atol=1e-6)


def test_steps_are_counted_from_the_start_and_must_increase() -> None:
    index, features = two_halves()
    walk = diffusion_matrix(index, features)
    both = diffuse(walk, features, [3, 7])
    assert np.allclose(both[1], diffuse(walk, both[0], [4])[0], atol=1e-6)
    assert np.array_equal(diffuse(walk, features, [0])[0], features)
    with pytest.raises(ValueError, match="increase"):
        diffuse(walk, features, [7, 3])


def test_typical_distance_survives_a_mostly_flat_image() -> None:
    index = pixel_nodes(np.ones((8, 8), dtype=bool))
    features = np.zeros((64, 1), dtype=np.float32)
    assert typical_distance(index, features) == 1.0
    features[0] = 2.0
    assert typical_distance(index, features) == pytest.approx(4.0)


def test_node_means_leave_out_missing_values() -> None:
    index = np.array([[0, 0, 1], [0, -1, 1]], dtype=np.int32)
    values = np.array([[1.0, 3.0, 10.0], [np.nan, 99.0, np.nan]])[..., None].astype(np.float32)
    assert node_means(index, values, 3).ravel().tolist() == [2.0, 10.0, 0.0]
