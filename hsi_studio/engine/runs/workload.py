"""How much work a run is, before it starts: arithmetic (GFLOP) and calls of small operations, a phase each.

Formulas follow the methods' networks: a transformer block costs 24 D² + 4 T D a token of T, width D; a convolution
2·k³·in·out a voxel; training three times a forward pass. They need not be exact: `forecast.py` corrects them by what
runs of the same method really took on this machine. What counts is how work grows with the scene, the labels and the
parameters. A method may say it itself, in an optional attribute `work(params, shape, labels, classes)` that returns
{"prepare" | "fit" | "predict": (GFLOP, calls)}; one that is not known here is taken to grow with pixels and labels.
"""

from __future__ import annotations

import math
from typing import Any

Shape = tuple[int, int, int]  # rows, columns, bands
Work = tuple[float, float]  # GFLOP, calls
PHASES = ("prepare", "fit", "predict")
TEXT_TOKENS = 32  # of a sentence
SENTENCES = 2  # a class


FIXED_S: dict[str, dict[str, float]] = {  # seconds for libraries and text encoders, whatever the work
    "diffclip": {"prepare": 1.5, "fit": 0.5},
    "curated": {"prepare": 1.2, "fit": 3.0},
    "s3fn": {"prepare": 1.2, "fit": 3.0},
    "": {"fit": 1.0},
}


def fixed_seconds(method: str, phase: str) -> float:
    """What a phase takes before its work begins."""
    return FIXED_S.get(method, FIXED_S[""]).get(phase, 0.0)


def workload(method: Any, params: dict[str, Any], shape: Shape, labels: int, classes: int) -> dict[str, Work]:
    """Phase → work; without labels, that of one."""
    labels, classes = max(labels, 1), max(classes, 1)
    own = getattr(method, "work", None)
    if own is not None:
        return dict(own(params, shape, labels, classes))
    known = {"diffclip": _diffclip, "curated": _curated, "s3fn": _s3fn}.get(str(getattr(method, "name", "")), _plain)
    return known(params, shape, labels, classes)


def _transformer(tokens: float, width: int, depth: int) -> float:
    """GFLOP of a forward pass of one sample."""
    return tokens * depth * (24 * width**2 + 4 * tokens * width) / 1e9


def _diffclip(p: dict[str, Any], shape: Shape, labels: int, classes: int) -> dict[str, Work]:
    pixels, width, depth, side = shape[0] * shape[1], int(p["width"]), int(p["depth"]), int(p["patch"])
    tokens = side**2 if p["tokens"] == "pixels" or side <= 3 else 9 + 8 * min(2, side // 2 - 1)
    channels = int(p["components"]) if p["inputs"] == "components" else shape[2]
    read = 2 * pixels * shape[2] * channels / 1e9
    prepare = (20 * read, 100.0)
    if p["use_pretraining"]:
        count = min(int(p["unlabelled"]), pixels)
        batch = min(int(p["pretrain_batch"]), count)
        steps = math.ceil(count / batch) * int(p["pretrain_epochs"])
        seen = tokens * (1 - float(p["mask_ratio"])) if p["use_mask"] else tokens
        one = _transformer(seen, width, depth) + _transformer(tokens, width, int(p["decoder_depth"]))
        prepare = (prepare[0] + 3 * steps * batch * one, prepare[1] + steps * 40.0 * (depth + int(p["decoder_depth"])))
    batch = min(int(p["batch"]), labels)
    per_epoch = math.ceil(labels / max(batch, 1))
    steps = max(int(p["epochs"]), math.ceil(int(p["min_steps"]) / per_epoch)) * per_epoch * int(p["members"])
    image = batch * _transformer(tokens * (1 - float(p["dropped_tokens"])), width, depth)
    text = 0.0
    if p["use_text"] and p["text_encoder"] == "scratch":
        text = classes * SENTENCES * _transformer(TEXT_TOKENS, width, int(p["text_depth"]))
    fit = (3 * steps * (image + text), steps * 40.0 * (depth + int(p["text_depth"])))
    stride = int(p["stride"]) or (3 if pixels > 300_000 else 2)
    mapped = pixels / stride**2 * int(p["members"]) * _transformer(tokens, width, depth)
    smooth = pixels * classes * int(p["smoothing"]) * 20 / 1e9
    return {"prepare": prepare, "fit": fit, "predict": (mapped + smooth, pixels / stride**2 / 10)}


def _steps(p: dict[str, Any], labels: int, epochs: int) -> int:
    return max(1, min(max(-(-labels // int(p["batch"])) * epochs, int(p["least_steps"])), int(p["most_steps"])))


def _curated(p: dict[str, Any], shape: Shape, labels: int, classes: int) -> dict[str, Work]:
    pixels, parts = shape[0] * shape[1], int(p["patch"]) // int(p["token"])
    channels = min(int(p["components"]), shape[2])
    embed = 2 * parts**2 * int(p["token"]) ** 2 * channels * 64 / 1e9
    one = (1 + parts**2) * 6 * (12 * 64**2 + 4 * (1 + parts**2) * 64) / 1e9
    steps = _steps(p, labels, int(p["epochs"]))
    batch = min(int(p["batch"]), max(labels, 2))
    fit = (3 * steps * batch * (one + embed), 300.0 * steps)
    return {"prepare": _components(shape), "fit": fit, "predict": (pixels * (one + embed / 4), pixels / 50)}


def _s3fn(p: dict[str, Any], shape: Shape, labels: int, classes: int) -> dict[str, Work]:
    pixels, side = shape[0] * shape[1], int(p["patch"])
    channels = min(int(p["components"]), shape[2])
    a, b, c = (int(n) for n in p["channels"])
    voxels = (side - 2) ** 2 * channels, (side - 5) ** 2 * channels / 2, (side - 7) ** 2 * channels / 2
    one = 54 * (a * voxels[0] + a * b * voxels[1] + b * c * voxels[2]) / 1e9
    dense = 54 * channels * (a + a * b / 2 + b * c / 2) / 1e9  # a pixel of the map: windows share their work
    steps = _steps(p, labels, int(p["epochs"]))
    batch = min(int(p["batch"]), max(labels, 2))
    fit = (3 * steps * batch * one, 150.0 * steps + 60.0 * _steps(p, labels, int(p["text_epochs"])))
    return {"prepare": _components(shape), "fit": fit, "predict": (pixels * dense, pixels / 50)}


def _components(shape: Shape) -> Work:
    rows, cols, bands = shape
    return 6 * rows * cols * bands**2 / 1e9, 500.0


def _plain(p: dict[str, Any], shape: Shape, labels: int, classes: int) -> dict[str, Work]:
    pixels = shape[0] * shape[1]
    smoothed = pixels * shape[2] * 400 / 1e9
    learned = labels * labels * shape[2] * 4 / 1e9
    return {
        "prepare": (smoothed, 2000.0),
        "fit": (learned, 2000.0 + 40.0 * labels),
        "predict": (2 * pixels * max(labels, 10) * min(shape[2], 60) / 1e9, 500.0),
    }
