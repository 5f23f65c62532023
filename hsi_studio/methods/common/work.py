"""How much work a run is, before it starts: arithmetic (GFLOP) and calls of small operations, a phase each.

A method's `work` says it; what networks share is here: a transformer block costs 24 D² + 4 T D a token of T, width D;
training three times a forward pass. The formulas need not be exact: a forecast corrects them by what runs of the same
method really took on this machine. What counts is how work grows with the scene, the labels and the parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Shape = tuple[int, int, int]  # rows, columns, bands
Work = tuple[float, float]  # GFLOP, calls
TEXT_TOKENS = 32  # of a sentence
SENTENCES = 2  # a class


def transformer(tokens: float, width: int, depth: int) -> float:
    """GFLOP of a forward pass of one sample."""
    return tokens * depth * (24 * width**2 + 4 * tokens * width) / 1e9


def transformer_mb(batch: int, tokens: float, width: int, depth: int) -> float:
    """MiB that a training step keeps of a batch for its gradients: 16 arrays of tokens × width a block."""
    return batch * tokens * width * depth * 16 * 4 / 2**20


def steps(params: Mapping[str, Any], labels: int, epochs: int) -> int:
    """Of a training with `batch`, `least_steps` and `most_steps`; see `schedule.step_count`."""
    passes = -(-labels // int(params["batch"])) * epochs
    return max(1, min(max(passes, int(params["least_steps"])), int(params["most_steps"])))


def around_labels(params: Mapping[str, Any], shape: Shape, labels: int, fit: Work, predict: Work) -> dict[str, Work]:
    """Of a training and a map, where the map around the labels is made at the end of the training (`label_head.py`)
    and kept."""
    smoothing = int(params.get("smoothing", 0))
    reach = 6 * smoothing + 3 if smoothing and params.get("closed_form", "off") != "off" else 0
    share = min(0.95, labels * reach**2 / (shape[0] * shape[1]))  # smoothing and reading are done again
    here, rest = ((predict[0] * part, predict[1] * part) for part in (share, 1.0 - share))
    return {"fit": (fit[0] + here[0], fit[1] + here[1]), "predict": rest}


def components(shape: Shape) -> Work:
    """Of spectral components: the covariance of all bands."""
    rows, cols, bands = shape
    return 6 * rows * cols * bands**2 / 1e9, 500.0


def plain(shape: Shape, labels: int, classes: int) -> dict[str, Work]:
    """Of a method that smooths the scene once and compares each pixel with the labels; grows with both."""
    pixels = shape[0] * shape[1]
    smoothed = pixels * shape[2] * 400 / 1e9
    learned = labels * labels * shape[2] * 4 / 1e9
    return {
        "prepare": (smoothed, 2000.0),
        "fit": (learned, 2000.0 + 40.0 * labels),
        "predict": (2 * pixels * max(labels, 10) * min(shape[2], 60) / 1e9, 500.0),
    }
