"""When a map counts as worse than the one it is compared with."""

from __future__ import annotations

import pytest

from hsi_studio.engine.evaluation.metrics import Estimate
from hsi_studio.engine.evaluation.same_pixels import SamePixels


@pytest.mark.parametrize(
    ("difference", "worse"),
    [
        (Estimate(-0.45, -0.5, -0.4), True),
        (Estimate(-0.05, -0.12, 0.02), False),  # the interval holds 0
        (Estimate(-0.45), True),  # too few areas for an interval
        (Estimate(0.03), False),
        (Estimate(0.1, 0.02, 0.2), False),
        (None, False),  # no common pixels
    ],
)
def test_a_map_is_worse_when_its_interval_says_so(difference: Estimate | None, worse: bool) -> None:
    assert SamePixels(100, "", difference=difference).worse is worse
