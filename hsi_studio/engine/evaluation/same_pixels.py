"""Two maps judged on one set of test pixels, and where a cell of a confusion matrix lies on the picture.

Two accuracies can only be subtracted when they are of the same pixels. Here those are the reference pixels of the
classes that both maps may show, without the pixels that either was made from (and, buffered, without their neighbours).
The difference gets its interval from blocks drawn for both maps at once (`metrics.paired_difference`).

Of a map that was made elsewhere nobody knows which pixels it was made from: whoever compares it passes none for it, and
says so (`SamePixels.caveat`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hsi_studio.engine.evaluation.map_accuracy import ReferenceCounter, reference_values
from hsi_studio.engine.evaluation.metrics import (
    Counts,
    Estimate,
    block_confusions,
    error_blocks,
    interval,
    paired_difference,
)
from hsi_studio.humanize import counted, signed
from hsi_studio.types import BoolArray, ClassInfo, ClassSchema, LabelSet, Prediction, Scene

ALL_OTHER = ""  # in place of a class id: another class than the counted ones, or none


@dataclass(frozen=True)
class SamePixels:
    """Fractions. `difference` is second − first in OA. With a `problem` the figures are None. `caveat`: what is not
    known of one of the maps, and which classes are not compared; to be read with the figures."""

    n: int
    words: str
    first: Estimate | None = None
    second: Estimate | None = None
    difference: Estimate | None = None
    problem: str = ""
    caveat: str = ""

    @property
    def worse(self) -> bool:
        """The second map is below the first, and its interval below 0 where there is one."""
        found = self.difference
        return found is not None and (found.value if found.high is None else found.high) < 0

    def sentence(self, first: str, second: str) -> str:
        """ "DiffCLIP 74.8 against live 89.9 on the same 37,137 pixels (−15.1)." for maps of these names, live the
        first; "" without figures."""
        if self.first is None or self.second is None or self.difference is None:
            return ""
        figures = f"{second} {100 * self.second.value:.1f} against {first} {100 * self.first.value:.1f}"
        return f"{figures} on the same {self.n:,} pixels ({signed(100 * self.difference.value)})."


def judged_alike(
    first: Prediction, second: Prediction, seen: Sequence[LabelSet], scene: Scene, buffer_px: int = 0,
    classes: Sequence[ClassInfo] | None = None, made_from: str = "that either was made from",
    titles: tuple[str, str] = ("the first map", "the second map"),
) -> SamePixels:  # fmt: skip
    """`seen`: the labelled pixels that the two were made from, each with its own class list. `classes`: count all of
    these, whether or not both maps may show them; None = those that both may. `made_from`: whose the pixels are that
    are left out, `titles`: what the maps are called, for the words."""
    if scene.reference is None:
        return SamePixels(
            0, "", problem=f"{scene.name} has no reference: two maps cannot be measured on the same pixels."
        )
    if classes is None:
        classes = shared_classes(first, [may_show(*side) for side in zip((first, second), seen, strict=True)], scene)
    classes = list(classes)
    used = _together(seen, ClassSchema(tuple(classes)))
    value_of = reference_values(tuple(classes), scene)
    if len(classes) < 2:
        return SamePixels(0, "", problem="The two maps share fewer than two classes of the reference.")
    counters = [
        ReferenceCounter(_in_classes(one, classes, scene), used, scene, classes, value_of) for one in (first, second)
    ]
    sides = [one.tested(buffer_px) for one in counters]
    pixels, reference, _ = sides[0]
    words = f"on the same {counted(int(pixels.size), 'reference pixel')} of {len(classes)} classes"
    if len(used):
        whose = f"the {counted(len(used), 'labelled pixel')} {made_from}"
        words += f", without all pixels within {buffer_px} pixels of {whose}" if buffer_px else f", without {whose}"
    for title, one in zip(titles, counters, strict=True):
        words += one.without_class(buffer_px, title)
    if np.unique(reference).size < 2:
        return SamePixels(int(pixels.size), words, problem="Fewer than two classes are left to test both maps on.")
    place = np.divmod(pixels, scene.shape[1])
    wrong = [(true != told).astype(np.float64) for _, true, told in sides]

    def in_blocks(error: npt.NDArray[np.float64]) -> list[Counts]:
        block, n_blocks = error_blocks(*place, error)
        return [block_confusions(true, told, block, n_blocks, len(classes)) for _, true, told in sides]

    rng = np.random.default_rng
    before, after = in_blocks(wrong[1] - wrong[0])
    difference, _, _ = paired_difference(before, after, rng(0))
    own = [interval(in_blocks(wrong[side])[side], rng(0))[0] for side in (0, 1)]
    return SamePixels(int(pixels.size), words, own[0], own[1], difference)


def cell_pixels(
    prediction: Prediction, labels: LabelSet, scene: Scene, reference_class: str, mapped_class: str, buffer_px: int = 0
) -> BoolArray:
    """(H, W) test pixels of a class (by id) that the map shows as another, or as it; every one, where figures are of a
    sample. `labels`: what the map was made from. `ALL_OTHER` as the second = the matrix' last column.

    Raises KeyError for a class that is not counted.
    """
    known = labels.only_labelled().schema.classes if len(labels) else prediction.schema.classes
    value_of = reference_values(known, scene)
    classes = [info for info in known if info.id in value_of]
    place = {info.id: k for k, info in enumerate(classes)}
    counter = ReferenceCounter(prediction, labels, scene, classes, value_of, sample=False)
    pixels, reference, mapped = counter.tested(buffer_px)
    wanted = -1 if mapped_class == ALL_OTHER else place[mapped_class]
    found = np.zeros(scene.shape[0] * scene.shape[1], dtype=np.bool_)
    found[pixels[(reference == place[reference_class]) & (mapped == wanted)]] = True
    return found.reshape(scene.shape[:2])


def may_show(prediction: Prediction, labels: LabelSet) -> ClassSchema:
    """Classes that a map may show: those that were labelled for it, all of its own where none was."""
    return labels.only_labelled().schema if len(labels) else prediction.schema


def shared_classes(first: Prediction, able: Sequence[ClassSchema], scene: Scene) -> list[ClassInfo]:
    """Classes of the reference that both of two maps may show (`able`), as the first map calls them."""
    values = [set(reference_values(schema.classes, scene).values()) for schema in able]
    infos = reference_values(first.schema.classes, scene)
    return [info for info in first.schema.classes if all(infos.get(info.id, -1) in shown for shown in values)]


def _together(seen: Sequence[LabelSet], schema: ClassSchema) -> LabelSet:
    """Every pixel once. What class they have does not matter here: they are only left out."""
    places = sorted({pair for one in seen for pair in zip(one.row.tolist(), one.col.tolist(), strict=True)})
    table = np.array(places, dtype=np.int64).reshape(-1, 2)
    return LabelSet(schema, table[:, 0], table[:, 1], np.zeros(len(places), dtype=np.int64))


def _in_classes(prediction: Prediction, classes: Sequence[ClassInfo], scene: Scene) -> Prediction:
    """The map with the ids of `classes` for classes of the same name, or of the same one in the reference, so that both
    maps count alike: a class that was renamed here keeps its place in the reference."""
    ids = {info.id for info in classes}
    named = {info.name.casefold().strip(): info for info in classes}
    value_of = reference_values(tuple(classes), scene)
    by_value = {value_of[info.id]: info for info in classes if info.id in value_of}
    own = reference_values(prediction.schema.classes, scene)

    def counted_as(info: ClassInfo) -> ClassInfo:
        if info.id in ids:
            return info
        return named.get(info.name.casefold().strip()) or by_value.get(own.get(info.id, -1), info)

    return Prediction(
        ClassSchema(tuple(counted_as(info) for info in prediction.schema.classes)), prediction.label,
        prediction.confidence, prediction.method, prediction.params, prediction.revision,
    )  # fmt: skip
