"""95 % over a few draws holds the truth in 95 of 100, as often as it says; a plain bootstrap does not."""

from __future__ import annotations

import numpy as np
import pytest

from hsi_studio.engine.evaluation import draw_intervals
from hsi_studio.engine.evaluation.draw_intervals import interval


@pytest.mark.parametrize("seeds", [3, 5, 7, 10, 20])
@pytest.mark.parametrize("kind", ["normal", "skewed"])
def test_interval_holds_the_truth_as_often_as_it_says(seeds: int, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draw_intervals, "DRAWS", 2000)
    rng = np.random.default_rng(seeds)
    times = 500
    held = 0
    for _ in range(times):
        noise = rng.normal(0, 2, seeds) if kind == "normal" else rng.exponential(2, seeds) - 2
        low, high = interval(1.5 + noise)
        assert low is not None
        assert high is not None
        held += low <= 1.5 <= high
    least = 0.92 if kind == "normal" else 0.83  # a skewed mean of a few is hard for every interval
    assert least <= held / times <= 0.985


def test_a_plain_percentile_interval_would_be_too_narrow() -> None:
    rng = np.random.default_rng(0)
    plain = wide = 0
    for _ in range(400):
        d = rng.normal(0, 1, 10)
        means = rng.choice(d, (1000, 10)).mean(axis=1)
        low, high = np.quantile(means, (0.025, 0.975))
        plain += low <= 0 <= high
        low_, high_ = interval(d)
        assert low_ is not None
        assert high_ is not None
        wide += low_ <= 0 <= high_
    assert plain / 400 < 0.925
    assert wide > plain


def test_interval_does_not_depend_on_the_order_of_seeds_and_turns_with_the_sign() -> None:
    d = np.random.default_rng(3).normal(1, 2, 12)
    low, high = interval(d)
    assert interval(d[::-1].copy()) == (low, high)
    assert interval(-d) == (-high, -low)
    assert interval(d[:2]) == (None, None)
    assert interval(np.full(5, 1.25)) == (1.25, 1.25)
