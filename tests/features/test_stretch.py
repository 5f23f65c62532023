"""Stretches: what is black, what is white, and that a name which means nothing is refused."""

from __future__ import annotations

import numpy as np
import pytest

from hsi_studio.errors import BadRequest
from hsi_studio.features.stretch import Stretch, measure, parse


@pytest.mark.parametrize("text", ["2-98", "0.5-99.5", "sigma", "equalise", "decorrelate", "2-98g0.7", "sigmag1.4"])
def test_a_name_comes_back(text: str) -> None:
    assert str(parse(text)) == text


@pytest.mark.parametrize("text", ["", "98-2", "50-50", "2-101", "nan-98", "none", "2-98g0", "2-98g99", "2-98g", "g2"])
def test_what_is_no_stretch_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        parse(text)


def test_two_sigma_puts_the_mean_in_the_middle() -> None:
    sample = np.random.default_rng(0).normal(5, 2, (4000, 1)).astype(np.float32)
    mean, spread = float(sample.mean()), float(sample.std())
    tone = measure(Stretch("sigma"), sample)
    values = np.array([[mean - 2 * spread], [mean], [mean + 2 * spread], [np.nan]], np.float32)
    np.testing.assert_allclose(tone(values)[:, 0], [0, 0.5, 1, np.nan], atol=1e-4)


def test_equalising_makes_every_brightness_as_frequent() -> None:
    sample = np.random.default_rng(0).exponential(size=(20_000, 1)).astype(np.float32)
    shown = measure(Stretch("equalise"), sample)(sample)
    counts, _ = np.histogram(shown, 10, (0, 1))
    assert counts.min() > 0.9 * counts.mean()


def test_equalising_keeps_a_value_that_fills_half_the_picture_between_the_others() -> None:
    sample = np.concatenate([np.zeros(500), np.linspace(1, 2, 500)]).astype(np.float32)[:, None]
    shown = measure(Stretch("equalise"), sample)(np.array([[0.0], [1.5], [2.0]], np.float32))[:, 0]
    assert shown[0] == pytest.approx(0.25, abs=0.01)
    assert shown[1] == pytest.approx(0.75, abs=0.01)
    assert shown[2] > 0.99


def test_decorrelated_channels_are_uncorrelated_and_equally_spread() -> None:
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(20_000, 1))
    sample = (shared + 0.1 * rng.normal(size=(20_000, 3))).astype(np.float32)
    assert np.corrcoef(sample.T)[0, 1] > 0.98
    tone = measure(Stretch("decorrelate"), sample)
    out = (sample - tone.mean) @ tone.mix
    np.testing.assert_allclose(np.cov(out.T), np.eye(3), atol=0.02)


def test_equal_channels_can_be_decorrelated_without_noise_blown_up() -> None:
    one = np.random.default_rng(0).normal(size=(500, 1)).astype(np.float32)
    shown = measure(Stretch("decorrelate"), np.repeat(one, 3, axis=1))(np.repeat(one, 3, axis=1))
    np.testing.assert_allclose(shown[:, 0], shown[:, 2], atol=1e-3)


def test_gamma_above_one_brightens_and_leaves_the_ends() -> None:
    sample = np.linspace(0, 1, 101, dtype=np.float32)[:, None]
    tone = measure(Stretch(lo=0, hi=100, gamma=2.0), sample)
    np.testing.assert_allclose(tone(np.array([[0.0], [0.25], [1.0]], np.float32))[:, 0], [0, 0.5, 1], atol=1e-6)


@pytest.mark.parametrize("text", ["2-98", "sigmag0.5", "equalise", "equaliseg2", "decorrelate"])
def test_the_bar_says_what_the_picture_shows(text: str) -> None:
    sample = np.random.default_rng(1).gamma(2.0, size=(5000, 1)).astype(np.float32)
    tone = measure(parse(text), sample)
    inner = np.array(tone.ticks(5)[1:-1], np.float32)[:, None]
    np.testing.assert_allclose(tone(inner)[:, 0], [0.25, 0.5, 0.75], atol=0.01)


def test_a_scene_without_values_gets_a_tone_all_the_same() -> None:
    tone = measure(Stretch("equalise"), np.empty((0, 3), np.float32))
    assert tone(np.array([[0.0, 0.5, 1.0]], np.float32)).tolist() == [[0.0, 0.5, 1.0]]
