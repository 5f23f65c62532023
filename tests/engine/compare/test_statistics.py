"""Paired statistics against simulation: power is right, and what is told apart."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from hsi_studio.engine.compare import statistics as stats
from hsi_studio.engine.evaluation.metrics import mcnemar


@pytest.mark.parametrize(("n", "difference", "deviation"), [(5, 2.0, 1.5), (10, 1.0, 1.5), (30, 0.5, 1.2)])
def test_power_is_what_simulation_finds(n: int, difference: float, deviation: float) -> None:
    rng = np.random.default_rng(n)
    found = np.mean([stats.paired_p(rng.normal(difference, deviation, n)) < 0.05 for _ in range(3000)])
    assert stats.power_of(n, difference, deviation) == pytest.approx(found, abs=0.03)
    assert stats.power_of(n, -difference, deviation) == pytest.approx(stats.power_of(n, difference, deviation))


def test_seeds_needed_is_the_first_number_with_the_power() -> None:
    for difference, deviation in ((1.0, 1.0), (0.5, 2.0), (-1.0, 3.0)):
        n = stats.seeds_needed(difference, deviation)
        assert n is not None
        assert stats.power_of(n, difference, deviation) >= 0.8 > stats.power_of(n - 1, difference, deviation)
    assert stats.seeds_needed(1.0, 1.0) == 10  # the textbook's: d = 1, α = 0.05, power 0.8
    assert stats.seeds_needed(0.5, 1.0) == 34
    assert stats.seeds_needed(0.001, 5.0) is None
    assert stats.seeds_needed(0.0, 0.0) is None
    seen = stats.visible_difference(10, 1.0)
    assert seen is not None
    assert stats.power_of(10, seen, 1.0) == pytest.approx(0.8, abs=1e-3)


def test_gap_pairs_seeds_and_leaves_out_those_without_a_partner() -> None:
    found = stats.gap([10.0, 20.0, None, 40.0], [11.0, 22.0, 5.0, 43.0])
    assert found is not None
    assert (found.value, found.n, found.values) == (2.0, 3, (1.0, 2.0, 3.0))
    assert found.p == pytest.approx(0.0742, abs=1e-4)  # t = 2 / (1/√3) on 2 degrees of freedom
    assert found.low == pytest.approx(2 - 4.3027 / np.sqrt(3), abs=1e-3)
    assert stats.gap([None], [1.0]) is None
    two = stats.gap([1.0, 2.0], [2.0, 3.0])  # too few to tell from chance: of a class as little as of the whole
    assert two is not None
    assert (two.value, two.low, two.p) == (1.0, None, None)
    one = stats.gap([1.0], [2.0])
    assert one is not None
    assert (one.low, one.p, one.needed, one.visible) == (None, None, None, None)


def test_discoveries_are_those_of_benjamini_and_hochberg() -> None:
    p = [
        0.0001,
        0.0004,
        0.0019,
        0.0095,
        0.0201,
        0.0278,
        0.0298,
        0.0344,
        0.0459,
        0.324,
        0.4262,
        0.5719,
        0.6528,
        0.759,
        1,
    ]
    assert stats.discoveries(p) == [True] * 4 + [False] * 11  # the example of their paper
    assert stats.discoveries([0.04, None]) == [True, False]  # one test, not two
    assert stats.discoveries([]) == []
    rng = np.random.default_rng(0)
    wrong = np.mean([any(stats.discoveries(list(rng.random(16)))) for _ in range(2000)])
    assert wrong == pytest.approx(0.05, abs=0.015)  # nothing true: one comparison in twenty names a class


def test_pooled_map_is_the_majority_of_the_seeds_in_which_a_pixel_tests() -> None:
    said = np.array([[0, 1, -1, 0], [0, 2, -1, 1], [1, 2, -1, 1]])
    tests = np.ones((3, 4), dtype=bool)
    assert stats.pooled(said, tests, 3).tolist() == [0, 2, -1, 1]
    tests[1:, 3] = False
    assert stats.pooled(said, tests, 3).tolist() == [0, 2, -1, 0]


@pytest.mark.slow
def test_mcnemar_on_blocks_is_not_fooled_by_neighbours() -> None:
    """Right and wrong come in patches of 10 × 10: on all pixels chance looks certain, one pixel a block does not."""
    rng = np.random.default_rng(1)
    row, col = (a.ravel() for a in np.mgrid[:100, :100])
    reference = np.zeros(row.size, dtype=np.int64)
    fooled = careful = 0
    for _ in range(20):
        first, second = (rng.integers(0, 2, (10, 10)).repeat(10, 0).repeat(10, 1).ravel() for _ in range(2))
        found = stats.disagreement(reference, first, second, row, col)
        assert found is not None
        assert found.p == mcnemar(first == 0, second == 0)
        assert (found.n, found.blocks) == (10_000, 100)
        fooled += found.p < 0.05
        assert found.p_blocks is not None
        careful += found.p_blocks < 0.05
    assert fooled >= 15
    assert careful <= 2
    assert stats.disagreement(reference[:0], reference[:0], reference[:0], row[:0], col[:0]) is None


def test_spread_is_of_the_seeds_that_have_the_figure() -> None:
    found = stats.spread([1.0, None, 3.0])
    assert found is not None
    assert (found.mean, found.std, found.values) == (2.0, pytest.approx(np.sqrt(2), abs=1e-4), (1.0, 3.0))
    assert stats.spread([None]) is None


def test_the_same_difference_in_every_seed_is_not_beyond_all_doubt() -> None:
    """As of a class with one test pixel, which one map has and the other has not."""
    assert stats.paired_p(np.full(4, -100.0)) == pytest.approx(binomtest(0, 4).pvalue)
    assert stats.paired_p(np.full(8, -100.0)) == pytest.approx(binomtest(0, 8).pvalue)
    assert stats.paired_p(np.array([0.3, 0.1 + 0.2, 0.3])) == 0.25  # the same but for rounding
    assert stats.paired_p(np.zeros(4)) == 1
    assert stats.paired_p(np.full(2, -100.0)) is None
