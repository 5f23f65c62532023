from __future__ import annotations

import numpy as np
import pytest

from hsi_studio.engine.evaluation.calibration import calibration
from hsi_studio.engine.evaluation.metrics import (
    block_confusions,
    confusion,
    figures,
    interval,
    mcnemar,
    paired_difference,
    scores,
    spatial_blocks,
    wilson,
)


def test_figures_of_a_2_by_2_matrix_worked_by_hand() -> None:
    """[[40, 10], [5, 45]]: OA 85/100; pe = (50·45 + 50·55)/100² = 0.5; κ = 0.35/0.5 = 0.7."""
    found = scores(np.array([[40, 10, 0], [5, 45, 0]]))
    assert found.n == 100
    assert found.oa == pytest.approx(0.85)
    assert found.aa == pytest.approx((0.8 + 0.9) / 2)
    assert found.kappa == pytest.approx(0.7)
    assert found.recall == pytest.approx((0.8, 0.9))
    assert found.precision == pytest.approx((40 / 45, 45 / 55))
    assert found.f1 == pytest.approx((80 / 95, 90 / 105))


def test_a_pixel_without_a_class_is_an_error() -> None:
    matrix = confusion(np.array([0, 0, 1, 1]), np.array([0, -1, 1, 0]), 2)
    assert matrix.tolist() == [[1, 0, 1], [1, 1, 0]]
    found = scores(matrix)
    assert found.oa == 0.5
    assert found.kappa == pytest.approx((0.5 - (2 * 2 + 2 * 1) / 16) / (1 - 6 / 16))


def test_chance_agreement_is_zero_and_one_class_everywhere_is_undefined() -> None:
    assert scores(np.array([[25, 25, 0], [25, 25, 0]])).kappa == pytest.approx(0.0)
    one = scores(np.array([[7, 0, 0], [0, 0, 0]]))
    assert one.kappa is None
    assert (one.oa, one.aa) == (1.0, 1.0)
    assert one.recall == (1.0, None)
    assert one.f1 == (1.0, None)
    with pytest.raises(ValueError, match="without pixels"):
        scores(np.zeros((2, 3), dtype=int))


def test_figures_agree_with_scikit_learn() -> None:
    from sklearn.metrics import balanced_accuracy_score, cohen_kappa_score, f1_score

    rng = np.random.default_rng(0)
    truth = rng.integers(0, 5, 400)
    guess = np.where(rng.random(400) < 0.6, truth, rng.integers(0, 5, 400))
    found = scores(confusion(truth, guess, 5))
    assert found.kappa == pytest.approx(cohen_kappa_score(truth, guess))
    assert found.aa == pytest.approx(balanced_accuracy_score(truth, guess))
    assert found.f1 == pytest.approx(f1_score(truth, guess, average=None))


def test_wilson_worked_by_hand() -> None:
    """10 of 10: p = 1, so low = n/(n + z²) and high = 1."""
    low, high = wilson(10, 10)
    assert low == pytest.approx(10 / (10 + 1.959964**2))
    assert high == pytest.approx(1.0)
    assert wilson(0, 10) == pytest.approx((1 - high, 1 - low))


def test_blocks_tile_the_scene_and_stay_bounded() -> None:
    row, col = np.divmod(np.arange(40 * 50), 50)
    block, count = spatial_blocks(row, col, 10)
    assert count == 20
    assert np.bincount(block).tolist() == [100] * 20
    assert len({(r // 10, c // 10, b) for r, c, b in zip(row, col, block, strict=True)}) == 20
    row, col = np.divmod(np.arange(1000 * 1000), 1000)
    block, count = spatial_blocks(row, col, 10)
    assert count <= 1024
    assert block.max() == count - 1


def _clustered(rng: np.random.Generator, error: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """80 × 80 pixels of two classes; errors come in whole 10 × 10 blocks."""
    row, col = np.divmod(np.arange(80 * 80), 80)
    truth = (row + col) % 2
    wrong = (rng.random((8, 8)) < error)[row // 10, col // 10]
    return row, col, truth, np.where(wrong, 1 - truth, truth)


def test_the_interval_covers_the_truth_where_a_binomial_one_does_not() -> None:
    rng = np.random.default_rng(3)
    covered = covered_by_wilson = 0
    for _ in range(100):
        row, col, truth, guess = _clustered(rng, 0.2)
        block, count = spatial_blocks(row, col)
        oa, _, kappa = interval(block_confusions(truth, guess, block, count, 2), rng, draws=300)
        assert oa.low is not None
        assert oa.high is not None
        assert kappa is not None
        covered += oa.low <= 0.8 <= oa.high
        low, high = wilson(oa.value * truth.size, truth.size)
        covered_by_wilson += low <= 0.8 <= high
    assert covered >= 87  # 95 expected, standard deviation about 2.2; the percentile interval is a little short
    assert covered_by_wilson < 50


def _simulated(rng: np.random.Generator, right: float, blocks: int = 60) -> np.ndarray:
    """(blocks, 2, 3) counts of one map: a block of 50 + 50 pixels has its own accuracy, `right` on average."""
    share = rng.beta(8 * right, 8 * (1 - right), blocks)
    hits = np.rint(50 * share).astype(np.int64)
    per_block = np.zeros((blocks, 2, 3), dtype=np.int64)
    per_block[:, 0, 0] = per_block[:, 1, 1] = hits
    per_block[:, 0, 1] = per_block[:, 1, 0] = 50 - hits
    return per_block


@pytest.mark.slow
def test_a_95_percent_interval_holds_the_truth_in_95_of_100_maps() -> None:
    """500 simulated maps: the standard deviation of the share is 1 point; 90 % quantiles hold it in 89 of 100."""
    rng, times, truth = np.random.default_rng(11), 500, 0.75
    held = {"oa": 0, "aa": 0, "kappa": 0, "difference": 0}
    for _ in range(times):
        first, second = _simulated(rng, truth), _simulated(rng, truth)
        oa, aa, kappa = interval(first, rng, draws=300)
        gap, _, _ = paired_difference(first, second, rng, draws=300)
        assert kappa is not None
        for name, found, true in (("oa", oa, truth), ("aa", aa, truth), ("kappa", kappa, 0.5), ("difference", gap, 0)):
            assert found.low is not None
            assert found.high is not None
            held[name] += found.low <= true <= found.high
    for name, count in held.items():
        assert 0.915 <= count / times <= 0.975, name


def test_wilsons_interval_holds_the_truth_as_often_as_it_says() -> None:
    hits = np.random.default_rng(0).binomial(50, 0.8, 4000)
    held = np.mean([low <= 0.8 <= high for low, high in (wilson(float(h), 50) for h in hits)])
    assert 0.93 <= held <= 0.97


def test_a_map_without_errors_keeps_a_width_and_few_blocks_give_none() -> None:
    row, col = np.divmod(np.arange(40 * 40), 40)
    truth = col // 20
    block, count = spatial_blocks(row, col)
    oa, aa, kappa = interval(block_confusions(truth, truth, block, count, 2), np.random.default_rng(0))
    assert oa.value == 1.0
    assert oa.low == pytest.approx(16 / (16 + 1.959964**2), abs=1e-6)
    assert kappa is not None
    assert aa.low == kappa.low == oa.low
    few, _, _ = interval(block_confusions(truth, truth, row // 20, 2, 2), np.random.default_rng(0))
    assert (few.low, few.high) == (None, None)


def test_same_seed_same_interval() -> None:
    row, col, truth, guess = _clustered(np.random.default_rng(1), 0.3)
    block, count = spatial_blocks(row, col)
    per_block = block_confusions(truth, guess, block, count, 2)
    assert interval(per_block, np.random.default_rng(5)) == interval(per_block, np.random.default_rng(5))
    assert per_block.sum(axis=0).tolist() == confusion(truth, guess, 2).tolist()
    oa, aa, kappa = figures(per_block[:3])
    assert oa.shape == aa.shape == kappa.shape == (3,)


def test_mcnemar_worked_by_hand() -> None:
    """5 to 0 discordant pairs: p = 2 · (1/2)⁵ = 0.0625. No discordant pair: p = 1."""
    first = np.array([True] * 5 + [True, False])
    second = np.array([False] * 5 + [True, False])
    assert mcnemar(first, second) == pytest.approx(0.0625)
    assert mcnemar(second, first) == pytest.approx(0.0625)
    assert mcnemar(first, first) == 1.0


def test_pairing_makes_a_small_difference_visible() -> None:
    rng = np.random.default_rng(2)
    row, col, truth, first = _clustered(rng, 0.3)
    second = np.where((rng.random(truth.size) < 0.05) & (first != truth), truth, first)  # mends a few errors
    block, count = spatial_blocks(row, col)
    a, b = (block_confusions(truth, guess, block, count, 2) for guess in (first, second))
    oa, _, _ = paired_difference(a, b, np.random.default_rng(0))
    assert oa.value == pytest.approx(np.mean(second == truth) - np.mean(first == truth))
    assert oa.low is not None
    assert oa.low > 0
    same, _, _ = paired_difference(a, a, np.random.default_rng(0))
    assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)


def test_calibration_worked_by_hand() -> None:
    """Two bins: 0.4 (right 1 of 2) and 0.9 (right 2 of 2): ½·|0.5 − 0.4| + ½·|1 − 0.9| = 0.1; NaN is left out."""
    found = calibration(np.array([0.4, 0.4, 0.9, 0.9, np.nan]), np.array([1, 0, 1, 1, 0], bool), bins=2)
    assert found.ece == pytest.approx(0.1)
    assert found.count.tolist() == [2, 2]
    uneven = calibration(np.array([0.2, 0.8, 0.8, 0.8]), np.array([0, 1, 1, 0], bool), bins=2)
    assert uneven.ece == pytest.approx(0.25 * 0.2 + 0.75 * (0.8 - 2 / 3))  # a bin counts as its pixels do
    rng = np.random.default_rng(0)
    p = rng.random(20000)
    assert calibration(p, rng.random(20000) < p).ece < 0.02
    with pytest.raises(ValueError, match="at least one"):
        calibration(np.array([np.nan]), np.array([True]))
