"""Facts about the forecast's arithmetic: counted by hand, and how it grows."""

from __future__ import annotations

import pytest

from hsi_studio.methods.common.schedule import step_count
from hsi_studio.methods.common.work import around_labels, components, plain, steps, transformer


def test_a_transformer_block_is_counted_as_published() -> None:
    """Kaplan et al. 2020, arXiv:2001.08361, table 1: 24 D² a token and layer (two a multiply-add), and attention."""
    no_attention = transformer(1, 1000, 1) - 4 * 1000 / 1e9
    assert no_attention == pytest.approx(24 * 1000**2 / 1e9)
    assert transformer(10, 8, 3) == pytest.approx(10 * 3 * (24 * 64 + 4 * 10 * 8) / 1e9)
    long = 1e9
    assert transformer(2 * long, 8, 1) / transformer(long, 8, 1) == pytest.approx(4.0, rel=1e-3)  # T² in the end


def test_steps_are_passes_over_the_labels_within_both_limits() -> None:
    params = {"batch": 32, "least_steps": 10, "most_steps": 100}
    assert steps(params, labels=33, epochs=20) == 40  # two batches an epoch, the second of one label
    assert steps(params, labels=1, epochs=1) == 10
    assert steps(params, labels=3200, epochs=50) == 100
    for labels in (1, 31, 32, 33, 500):  # what a training really takes
        assert steps(params, labels, 20) == step_count(labels, 32, 20, 10, 100)


def test_twice_the_scene_is_twice_the_work_and_twice_the_labels_four_times_the_fit() -> None:
    one, wide, more = plain((50, 60, 20), 100, 4), plain((100, 60, 20), 100, 4), plain((50, 60, 20), 200, 4)
    for phase in ("prepare", "predict"):
        assert wide[phase][0] == pytest.approx(2 * one[phase][0])
    assert wide["fit"] == one["fit"]
    assert more["fit"][0] == pytest.approx(4 * one["fit"][0])
    assert more["prepare"] == one["prepare"]
    assert components((50, 60, 40))[0] == pytest.approx(4 * components((50, 60, 20))[0])  # a covariance: B²


def test_the_map_around_the_labels_is_made_in_the_training() -> None:
    params = {"smoothing": 30, "closed_form": "auto"}
    fit, predict = (10.0, 100.0), (40.0, 400.0)
    few = around_labels(params, (732, 732, 100), 4, fit, predict)  # a quarter of the scene
    assert few["fit"] == pytest.approx((20.0, 200.0))
    assert few["predict"] == pytest.approx((30.0, 300.0))
    for off in ({**params, "smoothing": 0}, {**params, "closed_form": "off"}, {}):
        assert around_labels(off, (100, 100, 100), 4, fit, predict) == {"fit": fit, "predict": predict}
