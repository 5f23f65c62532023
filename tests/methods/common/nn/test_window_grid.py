"""Windows by index arithmetic are the windows that slicing a mirrored array gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hsi_studio.methods.common.nn import window_grid
from hsi_studio.methods.common.nn.window_grid import (
    balanced,
    block_values,
    fit_basis,
    label_grid,
    mirror,
    read_components,
)
from tests.features.scenes import fields, scene_from, with_gaps


@pytest.fixture(scope="module")
def scene():  # type: ignore[no-untyped-def]
    return scene_from(with_gaps(fields(21, 26)[0]), name="windows")


@pytest.fixture(scope="module")
def basis(scene):  # type: ignore[no-untyped-def]
    return fit_basis(scene, "pca", 5, 0.999, 0.5)


def test_mirrored_edges_are_numpys_reflection() -> None:
    for length, halo in ((7, 3), (4, 9), (2, 5)):
        expected = np.pad(np.arange(length), halo, mode="reflect")
        assert mirror(-halo, length + halo, length).tolist() == expected.tolist()
    assert mirror(-2, 3, 1).tolist() == [0] * 5


@pytest.mark.parametrize("axes", ["pca", "mnf"])
def test_components_have_mean_variance_one_and_empty_pixels_are_zero(scene, axes) -> None:  # type: ignore[no-untyped-def]
    found = read_components(scene, fit_basis(scene, axes, 6, 1.0, 0.5), slice(0, 21), slice(0, 26), 0)
    assert found.shape == (21, 26, 6)
    assert found[scene.valid].var(axis=0).mean() == pytest.approx(1, abs=0.02)
    assert np.abs(found[scene.valid].mean(axis=0)).max() < 1e-3
    assert (found[~scene.valid] == 0).all()


def test_variance_decides_how_many_components(scene) -> None:  # type: ignore[no-untyped-def]
    """Four classes' spectra span three directions; the rest is noise of 0.05."""
    few, many = (fit_basis(scene, "pca", 50, share, 0.0).components for share in (0.5, 1.0))
    assert 1 <= few < many == 11  # 12 bands, one constant


def test_windows_equal_slices_of_the_mirrored_scene(scene, basis) -> None:  # type: ignore[no-untyped-def]
    row, col = np.array([0, 20, 10, 3]), np.array([0, 25, 13, 24])
    whole = np.pad(
        read_components(scene, basis, slice(0, 21), slice(0, 26), 0), ((4, 4), (4, 4), (0, 0)), mode="reflect"
    )
    expected = np.stack([whole[r : r + 9, c : c + 9] for r, c in zip(row, col, strict=True)])
    found = label_grid(scene, basis, row, col, 4, "cpu").windows(torch.arange(4), 9).numpy()
    assert np.array_equal(found, expected)


def test_a_scene_too_large_to_keep_gives_the_same_windows(scene, basis, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    row, col = np.array([0, 20, 10]), np.array([0, 25, 13])
    kept = label_grid(scene, basis, row, col, 5, "cpu")
    monkeypatch.setattr(window_grid, "RESIDENT_VALUES", 10)
    atlas = label_grid(scene, basis, row, col, 5, "cpu")
    assert atlas.rows.shape[0] == 3 * 11 * 11 < kept.rows.shape[0]
    drawn = [
        g.windows(torch.tensor([2, 0, 1]), 9, torch.Generator().manual_seed(3), jitter=1).numpy() for g in (kept, atlas)
    ]
    np.testing.assert_allclose(drawn[0], drawn[1], atol=1e-6)


def test_the_eight_views_are_the_symmetries_of_the_square(scene, basis) -> None:  # type: ignore[no-untyped-def]
    grid = label_grid(scene, basis, np.array([10]), np.array([8]), 2, "cpu")
    plain = grid.windows(torch.tensor([0]), 5).numpy()[0]
    found = grid.windows(torch.zeros(8, dtype=torch.long), 5, views=torch.arange(8)).numpy()
    symmetric = {np.rot90(v, k).tobytes() for v in (plain, plain[::-1]) for k in range(4)}
    assert {view.tobytes() for view in found} == symmetric
    assert len(symmetric) == 8
    assert np.array_equal(found[0], plain)


def test_a_block_brings_its_surroundings(scene, basis) -> None:  # type: ignore[no-untyped-def]
    whole = block_values(scene, basis, slice(0, 21), slice(0, 26), 3, "cpu").numpy()
    part = block_values(scene, basis, slice(5, 9), slice(18, 26), 3, "cpu").numpy()
    assert np.array_equal(part, whole[5:15, 18:32])


def test_every_class_is_drawn_as_often() -> None:
    label = torch.tensor([0] * 97 + [1] * 2 + [2])
    drawn = label[balanced(label, 6000, torch.Generator().manual_seed(0))]
    assert torch.allclose(torch.bincount(drawn) / 6000, torch.full((3,), 1 / 3), atol=0.03)
