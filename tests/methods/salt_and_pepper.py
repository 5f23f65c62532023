"""A scene without neighbourhoods: every pixel's class is drawn by itself, so that windows say nothing."""

from __future__ import annotations

import numpy as np

from hsi_studio.types import IntArray, LabelSet, Scene
from tests.features.scenes import draw_labels, scene_from


def salt_and_pepper() -> tuple[Scene, LabelSet, IntArray]:
    """A scene of 24 × 24 pixels, five labels a class, and the class 0 to 2 of every pixel."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, (24, 24))
    cube = rng.uniform(0.1, 0.9, (3, 20))[truth] + rng.normal(0, 0.05, (24, 24, 20))
    scene = scene_from(cube.astype(np.float32), name="salt and pepper")
    return scene, draw_labels(truth, scene.valid, shots=5), truth
