"""Areas and accuracies from a stratified sample: the published examples, and intervals that hold what they say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from hsi_studio.engine.evaluation.areas import Measured, estimate_areas
from hsi_studio.engine.evaluation.sample_design import draw_sample, plan_sample, sample_size
from hsi_studio.errors import BadRequest

# Olofsson et al. 2014, table 8: rows are map classes (deforestation, forest gain, stable forest, stable non-forest).
COUNTS = np.array([[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]])
MAPPED_PX = np.array([200_000, 150_000, 3_200_000, 6_450_000])
PIXEL_HA = 0.09  # 30 m Landsat pixels


def units(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(map class, reference class) of every unit of a matrix."""
    rows, columns = np.indices(counts.shape)
    return np.repeat(rows.ravel(), counts.ravel()), np.repeat(columns.ravel(), counts.ravel())


def test_the_worked_example_of_olofsson_et_al() -> None:
    """Page 54 of the paper: accuracies ± half intervals to two digits, areas and half intervals in hectares."""
    mapped, reference = units(COUNTS)
    found = estimate_areas(mapped, mapped, reference, MAPPED_PX, 4)
    total_ha = MAPPED_PX.sum() * PIXEL_HA
    assert [round(a.value * total_ha) for a in found.area] == [21_158, 11_686, 285_770, 581_386]
    half = [1.96 * a.se * total_ha for a in found.area]
    assert half == pytest.approx([6_158, 3_756, 15_510, 16_282], rel=0.001)
    assert [round(u.value, 2) for u in found.users if u] == [0.88, 0.73, 0.93, 0.96]
    assert [round(1.96 * u.se, 2) for u in found.users if u] == [0.07, 0.10, 0.04, 0.02]
    assert [round(p.value, 2) for p in found.producers if p] == [0.75, 0.85, 0.93, 0.96]
    # Its equation 7 gives 0.213, 0.254, 0.034, 0.018; the paper prints 0.21, 0.23, 0.03, 0.01.
    assert [1.96 * p.se for p in found.producers if p] == pytest.approx([0.2133, 0.2544, 0.0343, 0.0184], abs=1e-4)
    assert round(found.overall.value, 2) == 0.95
    assert round(1.96 * found.overall.se, 2) == 0.02


def test_the_sample_size_of_olofsson_et_al() -> None:
    """Section 5.1.1: user's accuracies 0.70, 0.60, 0.90, 0.95 and a standard error of 0.01 ask for 641 units."""
    assert sample_size(MAPPED_PX.tolist(), [0.70, 0.60, 0.90, 0.95], 0.01) == pytest.approx(641, abs=1)


def test_strata_that_are_not_the_maps_classes() -> None:
    """The numerical example of Stehman 2014, pages 4932 to 4936."""
    stratum = np.repeat(np.arange(4), 10)
    letters = {"A": 0, "B": 1, "C": 2, "D": 3}
    mapped = np.array([letters[c] for c in "AAAAAAABBB" + "ABBBBBBBBB" + "BBCCCCCCBB" + "D" * 10])
    reference = np.array([letters[c] for c in "AAAAACBABC" + "ABBBBBAABB" + "CCCCCDDBBA" + "DDDDDDDCCB"])
    found = estimate_areas(stratum, mapped, reference, np.array([40_000, 30_000, 20_000, 10_000]), 4)
    users, producers = found.users[1], found.producers[1]
    assert users is not None
    assert producers is not None
    values = [found.area[0].value, found.area[2].value, found.overall.value, users.value, producers.value]
    assert [round(v, 3) for v in values] == [0.35, 0.20, 0.63, 0.574, 0.794]
    assert found.matrix[1, 2] == pytest.approx(0.08)
    ses = [found.area[0].se, found.area[2].se, found.overall.se, users.se, producers.se]
    assert ses == pytest.approx([0.082, 0.064, 0.085, 0.125, 0.116], abs=0.001)


def test_a_stratum_without_a_unit_is_an_error() -> None:
    with pytest.raises(ValueError, match="stratum 1 has 50 pixels and no sample unit"):
        estimate_areas(np.zeros(4, int), np.zeros(4, int), np.zeros(4, int), np.array([10, 50]), 2)


def test_a_plan_gives_every_class_its_least_and_fills_small_ones() -> None:
    plan = plan_sample([5, 400, 10_000, 0], [None, 0.9, None, None], 0.02, least=10)
    assert plan.count[0] == 5
    assert plan.count[1] >= 10
    assert plan.count[3] == 0
    assert plan.expected_se < 0.021
    with pytest.raises(BadRequest, match="cannot be aimed at"):
        plan_sample([5], [None], 0.9)


def test_a_sample_is_drawn_within_its_strata_once_each() -> None:
    strata = np.repeat(np.array([0, 1, 2], np.uint16), 100).reshape(15, 20)
    pixels, stratum = draw_sample(strata, np.array([7, 9]), 3)
    assert np.unique(pixels).size == 16
    assert np.array_equal(strata.ravel()[pixels], stratum + 1)
    assert np.bincount(stratum).tolist() == [7, 9]


def test_an_interval_stays_between_nothing_and_everything() -> None:
    rare = Measured(0.004, 0.003)
    assert rare.value - 1.96 * rare.se < 0 < rare.low < rare.value < rare.high
    hectares = rare.times(2_000)
    assert (hectares.low, hectares.high) == pytest.approx((2_000 * rare.low, 2_000 * rare.high))
    nearly = Measured(0.996, 0.003)
    assert (nearly.low, nearly.high) == pytest.approx((1 - rare.high, 1 - rare.low))
    common = Measured(0.4, 0.002)  # Wilson's of many units is the usual one
    assert (common.low, common.high) == pytest.approx((0.4 - 1.96 * 0.002, 0.4 + 1.96 * 0.002), abs=1e-5)
    found = binomtest(25, 84).proportion_ci(0.95, method="wilson")
    share = 25 / 84
    assert Measured(share, (share * (1 - share) / 84) ** 0.5).low == pytest.approx(found.low)
    assert (Measured(0.0, 0.0).low, Measured(1.0, 0.0).high) == (0.0, 1.0)
    assert rare.to_json() == {"value": 0.004, "se": 0.003, "low": rare.low, "high": rare.high}


@pytest.mark.slow
def test_95_percent_intervals_of_areas_and_overall_accuracy_hold_95_percent() -> None:
    """800 samples of 400 from a map of 40,000 pixels whose errors are known: within ± 2 points."""
    rng = np.random.default_rng(1)
    mapped = np.repeat([0, 1, 2], [6_000, 12_000, 22_000])
    confusion = np.array([[0.8, 0.15, 0.05], [0.1, 0.85, 0.05], [0.06, 0.06, 0.88]])
    truth = (rng.random(mapped.size)[:, None] > confusion.cumsum(axis=1)[mapped]).sum(axis=1)
    sizes = np.bincount(mapped)
    area, overall = np.bincount(truth) / truth.size, float((truth == mapped).mean())
    held = np.zeros(4)
    for seed in range(800):
        pixels, stratum = draw_sample((mapped + 1).reshape(200, 200), np.array([100, 120, 180]), seed)
        found = estimate_areas(stratum, mapped[pixels], truth[pixels], sizes, 3)
        held += [e.low <= v <= e.high for e, v in zip((*found.area, found.overall), (*area, overall), strict=True)]
    assert np.abs(held / 800 - 0.95).max() < 0.02
