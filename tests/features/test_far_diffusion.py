"""Far diffusion is the walk's many steps, to a hundred-thousandth, for features of any kind."""

from __future__ import annotations

import numpy as np
import pytest

from hsi_studio.features.far_diffusion import LOST, coefficients, diffuse_far
from hsi_studio.features.spatial import diffuse, diffusion_matrix, pixel_nodes

RNG = np.random.default_rng(0)
VALID = RNG.random((30, 40)) > 0.1
INDEX = pixel_nodes(VALID)
FEATURES = RNG.normal(0.0, 1.0, (int(VALID.sum()), 5)).astype(np.float32)
WALK = diffusion_matrix(INDEX, FEATURES)


@pytest.mark.parametrize("steps", [(2, 5, 20, 60, 200), (0, 1), (13,), (0, 7, 401, 2000)])
def test_it_is_the_walk_made_step_by_step(steps: tuple[int, ...]) -> None:
    made, exact = diffuse_far(WALK, FEATURES, steps), diffuse(WALK, FEATURES, steps)
    assert len(made) == len(exact)
    for one, other in zip(made, exact, strict=True):
        assert np.abs(one - other).max() < 3e-5 * np.abs(FEATURES).max() + 1e-5


def test_a_constant_stays_itself() -> None:
    flat = np.full((FEATURES.shape[0], 1), 3.25, dtype=np.float32)
    for found in diffuse_far(WALK, flat, (20, 200)):
        assert np.allclose(found, 3.25, atol=1e-4)


@pytest.mark.parametrize("steps", [13, 20, 61, 200, 2000])
def test_few_products_do_for_many_steps(steps: int) -> None:
    found = coefficients(steps)
    assert found.sum() == pytest.approx(1.0)
    assert (found >= 0.0).all()
    assert found.size <= 1 + np.ceil(np.sqrt(2 * steps * np.log(2 / LOST)))
    x = np.linspace(-1.0, 1.0, 201)
    assert np.abs(np.polynomial.chebyshev.chebval(x, found) - x**steps).max() < 2 * LOST


def test_progress_is_told_and_can_stop_it() -> None:
    seen: list[float] = []
    diffuse_far(WALK, FEATURES, (20, 200), seen.append)
    assert seen == sorted(seen)
    assert 0.0 < seen[-1] <= 1.0

    def stop(_: float) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        diffuse_far(WALK, FEATURES, (200,), stop)


def test_steps_must_increase() -> None:
    for wrong in ((200, 60), (20, 2)):
        with pytest.raises(ValueError, match="increase"):
            diffuse_far(WALK, FEATURES, wrong)
