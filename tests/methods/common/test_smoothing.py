"""Facts about filling a lattice of class scores: weighted means, edges, windows."""

from __future__ import annotations

import numpy as np
import pytest

from hsi_studio.methods.common import smoothing
from hsi_studio.methods.common.smoothing import filled, steps_for
from hsi_studio.methods.diffclip.inputs import SceneInputs, fit_scaling
from hsi_studio.types import FloatArray
from tests.features.scenes import scene_from

HEIGHT, WIDTH = 24, 20
WHOLE = (slice(0, HEIGHT), slice(0, WIDTH))


def two_halves() -> SceneInputs:
    """Left and right differ by far more than the noise; one pixel holds no data."""
    cube = np.random.default_rng(0).normal(0.2, 0.01, (HEIGHT, WIDTH, 6)).astype(np.float32)
    cube[:, WIDTH // 2 :] += 0.5
    cube[9, 3] = np.nan
    scene = scene_from(cube, name="halves")
    return SceneInputs(scene, fit_scaling(scene, 4, use_dsm=False))


INPUTS = two_halves()


def lattice(stride: int, seed: int = 1) -> FloatArray:
    """(H, W, 3) random probabilities at every `stride`-th pixel, NaN elsewhere."""
    p = np.random.default_rng(seed).dirichlet([1, 1, 1], (HEIGHT, WIDTH)).astype(np.float32)
    out = np.full_like(p, np.nan)
    out[::stride, ::stride] = p[::stride, ::stride]
    out[~INPUTS.scene.valid] = np.nan
    return out


def fill(
    p: FloatArray, steps: int, rows: slice = WHOLE[0], cols: slice = WHOLE[1], strength: float = 4.0
) -> FloatArray:
    def unreached(row: np.ndarray, col: np.ndarray) -> FloatArray:
        raise AssertionError(f"no pixel is left for the network, but {list(zip(row, col, strict=True))}")

    return filled(INPUTS, lambda r, c: p[r, c], unreached, rows, cols, steps, strength)


def test_without_steps_the_networks_own_answers_come_out() -> None:
    p = lattice(1)
    assert np.array_equal(fill(p, 0), p, equal_nan=True)
    assert steps_for(1, 0) == 0


def test_a_filled_pixel_is_a_mean_of_known_ones() -> None:
    p = lattice(2)
    found = fill(p, steps_for(2, 0))
    assert np.isnan(found[9, 3]).all()
    inside = found[INPUTS.scene.valid]
    assert np.allclose(inside.sum(axis=1), 1, atol=1e-5)
    known = p[np.isfinite(p[..., 0])]
    assert (inside >= known.min(axis=0) - 1e-5).all()
    assert (inside <= known.max(axis=0) + 1e-5).all()
    same = np.where(np.isfinite(p), np.float32([0.2, 0.3, 0.5]), np.nan).astype(np.float32)
    assert np.allclose(fill(same, 9)[INPUTS.scene.valid], [0.2, 0.3, 0.5], atol=1e-5)


def test_nothing_passes_the_edge_between_two_fields_unless_edges_are_switched_off() -> None:
    p = np.where(np.isfinite(lattice(2)), np.float32([1, 0, 0]), np.nan).astype(np.float32)
    right = p[:, WIDTH // 2 :]
    right[...] = np.where(np.isfinite(right), np.float32([0, 1, 0]), np.nan)
    found = fill(p, 10)
    assert found[:, WIDTH // 2 - 1, 1].max() < 0.01  # the columns at the border
    assert found[:, WIDTH // 2, 0].max() < 0.01
    blurred = fill(p, 10, strength=1e6)
    assert blurred[:, WIDTH // 2 - 1, 1].min() > 0.1


def test_windows_and_strips_give_what_the_whole_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    p = lattice(2)
    whole = fill(p, 5)
    rows, cols = slice(7, 15), slice(4, 13)
    assert np.allclose(fill(p, 5, rows, cols), whole[rows, cols], atol=1e-6, equal_nan=True)
    for room in (26 * WIDTH, 16 * WIDTH):  # strips of 14 rows, squares of 6 pixels
        monkeypatch.setattr(smoothing, "STRIP_PIXELS", room)
        assert np.allclose(fill(p, 5), whole, atol=1e-6, equal_nan=True)


@pytest.mark.parametrize("reach", [31, 91, 601])
def test_parts_cover_a_window_once_and_margins_are_not_most_of_them(reach: int) -> None:
    rows, cols = slice(100, 2100), slice(0, 5000)
    seen = np.zeros((2100, 5000), dtype=np.int8)
    for r, c in smoothing._parts(rows, cols, reach):
        seen[r, c] += 1
        if r.stop < rows.stop and c.stop < cols.stop:
            assert r.stop - r.start >= reach
    assert (seen[100:] == 1).all()
    assert not seen[:100].any()
