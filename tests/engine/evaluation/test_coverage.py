"""How often a 95 % interval beside a map holds the truth, whatever the size of the patches that fail together."""

from __future__ import annotations

import numpy as np
import pytest

from hsi_studio.engine.evaluation.metrics import block_confusions, error_blocks, interval, spatial_blocks, tail

SIDE, RATE = 100, 0.2


def a_map(rng: np.random.Generator, patch: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """row, col, truth, mapped of two classes: each patch has its own rate of errors, `RATE` on average."""
    row, col = np.divmod(np.arange(SIDE * SIDE), SIDE)
    truth = (row + col) % 2
    off = rng.integers(0, patch, 2)
    rates = rng.beta(0.6, 2.4, size=(SIDE // patch + 2, SIDE // patch + 2))
    wrong = rng.random(row.size) < (RATE if patch == 1 else rates[(row + off[0]) // patch, (col + off[1]) // patch])
    return row, col, truth, np.where(wrong, 1 - truth, truth)


@pytest.mark.parametrize(("patch", "least", "plain"), [(1, 0.9, 1.0), (10, 0.86, 0.9), (20, 0.76, 0.7)])
def test_the_interval_beside_a_map_holds_the_truth(patch: int, least: float, plain: float) -> None:
    rng, times, held, narrow = np.random.default_rng(patch), 60, 0, 0
    for _ in range(times):
        row, col, truth, mapped = a_map(rng, patch)
        for fixed in (False, True):
            block, count = spatial_blocks(row, col) if fixed else error_blocks(row, col, truth != mapped)
            oa, _, _ = interval(block_confusions(truth, mapped, block, count, 2), rng, draws=200)
            assert oa.low is not None
            assert oa.high is not None
            inside = oa.low <= 1 - RATE <= oa.high
            narrow, held = narrow + inside * fixed, held + inside * (not fixed)
    assert held / times >= least
    assert narrow / times <= plain  # blocks of one fixed side, as it was


def test_blocks_grow_with_the_patches_that_fail_together() -> None:
    rng = np.random.default_rng(0)
    counts = {1: list[int](), 25: list[int]()}
    for patch, found in counts.items():
        for _ in range(12):
            row, col, truth, mapped = a_map(rng, patch)
            found.append(error_blocks(row, col, truth != mapped)[1])
    assert np.mean(counts[25]) < 20 < np.mean(counts[1])


def test_few_pixels_and_single_blocks_are_no_error() -> None:
    one = np.array([3])
    assert error_blocks(one, one, np.array([True]))[1] == 1
    assert error_blocks(np.arange(40), np.zeros(40, dtype=np.int64), np.zeros(40))[1] == 4
    assert tail(1) == 0.0
    assert tail(1000) == pytest.approx(0.025, abs=2e-3)
    assert tail(5) < 0.005
