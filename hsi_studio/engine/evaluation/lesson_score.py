"""What a lesson's map is worth: its overall accuracy beside a baseline's, on the same pixels.

The baseline learns from as many pixels a class, drawn at random from the reference as `evaluate` draws them
(`splits.draw_shots`), and sees nothing else. Both are measured on the reference pixels of *every* class of the lesson,
without those near a label of either: a class that was never labelled counts as wrong, so leaving out what is difficult
gains nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hsi_studio.engine.evaluation.map_accuracy import reference_values
from hsi_studio.engine.evaluation.same_pixels import SamePixels, judged_alike
from hsi_studio.engine.evaluation.splits import DEFAULT_BUFFER_PX, draw_shots
from hsi_studio.engine.mapping.predict import predict_scene
from hsi_studio.humanize import counted
from hsi_studio.methods.contract import Context, Method
from hsi_studio.types import ClassInfo, ClassSchema, LabelSet, Prediction, PromptSet, Scene

TITLES = ("the baseline's map", "the map that was handed in")


def present_classes(scene: Scene) -> dict[int, str]:
    """Value → name of the reference's classes that have a pixel: files also name what is not in this scene."""
    assert scene.reference is not None
    there = set(np.unique(scene.reference[scene.valid]).tolist())
    return {value: name for value, name in scene.reference_classes if value in there}


def counted_classes(classes: Sequence[ClassInfo], scene: Scene) -> list[ClassInfo]:
    """Those that are in the reference."""
    value_of, present = reference_values(tuple(classes), scene), present_classes(scene)
    return [info for info in classes if value_of.get(info.id) in present]


def baseline_map(
    scene: Scene, classes: Sequence[ClassInfo], shots: int, seed: int, method: Method, ctx: Context
) -> tuple[Prediction, LabelSet, str]:
    """The baseline's map of a scene with its reference, the pixels it was made from, and how, in words.

    A class of fewer than 2 · `shots` pixels gives half of them. Raises TooFewLabels, Cancelled.
    """
    assert scene.reference is not None
    value_of = reference_values(tuple(classes), scene)
    index = {value_of[info.id]: k for k, info in enumerate(classes)}
    usable = np.where(scene.valid & np.isin(scene.reference, list(index)), scene.reference, 0)
    train = draw_shots(usable, shots, seed)
    row, col = np.divmod(train, scene.shape[1])
    label = np.array([index[int(value)] for value in usable.ravel()[train]], dtype=np.int64)
    drawn = LabelSet(ClassSchema(tuple(classes)), row, col, label)
    blind, params = scene.without_reference(), method.Params()
    quiet = replace(ctx, seed=seed)
    method.prepare(blind, params, quiet)
    fitted = method.fit(blind, drawn.only_labelled(), PromptSet({}), params, quiet)
    made = predict_scene(fitted, blind, method.name, params.model_dump(mode="json"), 0, quiet)
    fewer = "" if train.size == shots * len(classes) else "; at most half of a class"
    words = (
        f"{method.title}, from {counted(shots, 'pixel')} a class drawn at random from the reference "
        f"(seed {seed}, {counted(int(train.size), 'pixel')}{fewer})"
    )
    return made, drawn, words


def lesson_score(
    baseline: tuple[Prediction, LabelSet], mine: tuple[Prediction, LabelSet], scene: Scene, classes: Sequence[ClassInfo]
) -> SamePixels:
    """The baseline first, then the map that was handed in. Away from the labels of both; where the scene is too small
    for that, beside them, and the words say so."""
    maps, seen = (baseline[0], mine[0]), (baseline[1], mine[1])
    far = judged_alike(*maps, seen, scene, DEFAULT_BUFFER_PX, classes, titles=TITLES)
    if not far.problem:
        return far
    near = judged_alike(*maps, seen, scene, 0, classes, titles=TITLES)
    few = f"; their neighbours are among them, since too little lies farther than {DEFAULT_BUFFER_PX} pixels away"
    return replace(near, words=near.words + few)
