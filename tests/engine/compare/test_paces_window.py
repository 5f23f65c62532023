"""The buffer of a comparison follows the largest window that is compared."""

from __future__ import annotations

import pytest

from hsi_studio.engine.compare.paces import largest_window, plan_for
from hsi_studio.engine.compare.plan import Arm


@pytest.mark.parametrize(
    ("methods", "buffer_px"), [(("svm", "live"), 5), (("diffclip", "live"), 5), (("diffclip", "curated"), 7)]
)
def test_no_window_of_a_buffered_test_pixel_holds_a_shot(methods: tuple[str, ...], buffer_px: int) -> None:
    arms = [Arm(name=name, method=name) for name in methods]
    plan = plan_for(arms, 5)
    assert plan.buffer_px == buffer_px
    assert plan.buffer_px >= max(largest_window(arm) for arm in plan.arms) // 2
    assert plan.protocols == ("random", f"buffered:{buffer_px}")


def test_a_wider_window_moves_the_test_pixels_away() -> None:
    arms = [Arm(name="a", method="s3fn", params={"context": 31}), Arm(name="b", method="live")]
    assert plan_for(arms, 5, pace="thorough").buffer_px == 15
