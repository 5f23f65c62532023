"""Scores in one product and one exponential a kernel are those of the kernels one by one."""

from __future__ import annotations

import numpy as np

from hsi_studio.methods.common.kernel_head import kernel
from hsi_studio.methods.common.kernel_sum import KernelSum


def test_the_sum_is_that_of_the_kernels_one_by_one() -> None:
    rng = np.random.default_rng(0)
    supports = [rng.normal(size=(30, c)).astype(np.float32) for c in (5, 2)]
    pixels = [rng.normal(size=(200, c)).astype(np.float32) for c in (5, 2)]
    dual, weights = rng.normal(size=(30, 4)), np.array([0.3, 0.7])
    found = KernelSum(supports, weights, dual, 0.8).of(pixels)
    expected = sum(w * kernel(x, b, 0.8) for w, x, b in zip(weights, pixels, supports, strict=True)) @ dual
    assert found.dtype == np.float32
    assert np.allclose(found, expected, atol=1e-5)


def test_a_pixel_far_from_every_label_is_nothing_and_one_on_a_label_is_that_label() -> None:
    """Norms of spikes are large: what is left of their difference must not overflow."""
    supports = [np.array([[0.0, 0.0], [300.0, 0.0]], dtype=np.float32)]
    head = KernelSum(supports, np.ones(1), np.eye(2), 1.5)
    found = head.of([np.array([[-4000.0, 900.0], [300.0, 0.0], [0.0, 0.0]], dtype=np.float32)])
    assert np.allclose(found, [[0, 0], [0, 1], [1, 0]], atol=0.05)
    assert head.block >= 256
