"""Facts about the estimate of the time left, told with a clock that the test moves."""

from __future__ import annotations

import time

import pytest

from hsi_studio.methods.common.time_left import Clock


class Hand:
    """A clock's hand."""

    now = 100.0


@pytest.fixture
def hand(monkeypatch: pytest.MonkeyPatch) -> Hand:
    hand = Hand()
    monkeypatch.setattr(time, "perf_counter", lambda: hand.now)
    return hand


def test_what_took_ten_seconds_for_a_quarter_takes_thirty_more(hand: Hand) -> None:
    clock = Clock()
    clock.left(0.0)
    hand.now += 10.0
    assert clock.left(0.25) == pytest.approx(30.0)
    hand.now += 30.0
    assert clock.left(1.0) == 0.0


def test_work_that_goes_on_after_a_pause_is_judged_by_what_was_done_since(hand: Hand) -> None:
    clock = Clock()
    clock.left(0.5)
    hand.now += 10.0
    assert clock.left(0.75) == pytest.approx(10.0)


def test_nothing_is_told_before_anything_can_be_known(hand: Hand) -> None:
    clock = Clock()
    assert clock.left(0.9) is None
    hand.now += 1000.0
    assert clock.left(0.9) is None
    assert clock.left(0.91) is None
