"""Single pixels beside superpixels: whose left-out labels decide on their share, and what the mixture says of them."""

from __future__ import annotations

import numpy as np
import pytest

from hsi_studio.methods.common.discriminant import Discriminant
from hsi_studio.methods.live.alone import Alone, Judged

HEAD = Discriminant(np.zeros((2, 3), np.float32), np.zeros(3, np.float32))


def sure_of(label: list[int], sure: list[float]) -> np.ndarray:
    """(M, 3) probabilities: `sure` of the label's own class, the rest shared."""
    out = np.repeat((1 - np.array(sure, np.float32))[:, None] / 2, 3, axis=1)
    out[np.arange(len(label)), label] = sure
    return out


def beside(label: list[int], pixel: list[float], superpixel: list[float], near: bool = True) -> Alone | None:
    return Judged(HEAD, sure_of(label, pixel), np.array(label)).beside(sure_of(label, superpixel), near)


def test_the_share_is_that_of_who_foretells_left_out_labels() -> None:
    twelve = [0, 1, 2] * 4
    better, worse = beside(twelve, [0.9] * 12, [0.1] * 12), beside(twelve, [0.1] * 12, [0.9] * 12)
    assert better is not None
    assert better.share > 0.5
    assert worse is None


def test_a_label_that_is_alone_in_its_class_has_no_say() -> None:
    """Left out, its class is unknown to the discriminant: what the superpixels' map makes of it says nothing."""
    pairs, pixel, superpixel = [0, 0, 0, 1, 1, 1], [0.6] * 6, [0.3] * 6
    without = beside(pairs, pixel, superpixel)
    beside_it = beside([*pairs, 2], [*pixel, 0.0], [*superpixel, 0.9])
    assert without is not None
    assert beside_it is not None
    assert beside_it.share == pytest.approx(without.share)


def test_left_out_labels_speak_of_the_mixture() -> None:
    label, pixel, superpixel = [0, 1, 2] * 4, [0.9] * 12, [0.3] * 12
    found = beside(label, pixel, superpixel)
    assert found is not None
    assert found.left_out is not None
    own = found.left_out[np.arange(12), label]
    assert own == pytest.approx(np.full(12, 0.3 + found.share * 0.6), abs=1e-5)
