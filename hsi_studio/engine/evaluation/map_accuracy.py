"""How good the map of a project is, and on which pixels that was computed. Runs after every click.

With a reference: against it without the labelled pixels, and beside it without every pixel within `buffer_px`
(Chebyshev) of one, because next to a label a map is right too easily. Only reference pixels of
classes labelled so far count: a map cannot show a class nobody has named yet.
Without a reference: leave-one-out on the labels, where the method has it (`not_known.py` where not).

A project's class is tied to the reference by `ClassInfo.reference_value`, else by its name. When figures
cannot be had, `ScoreBlock.problem` says what to do; there is no NaN anywhere in a report.

Cost: one pass over the reference and 500 block draws. References with more than 2 M countable pixels are
sampled on a regular grid of pixel numbers, and the words say so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from hsi_studio.engine.evaluation.class_figures import (
    ClassFigures,
    class_figures,
    counted_interval,
    independent_figures,
)
from hsi_studio.engine.evaluation.metrics import (
    Counts,
    Estimate,
    block_confusions,
    confusion,
    error_blocks,
    interval,
    resample,
    scores,
)
from hsi_studio.engine.evaluation.not_known import NOT_KNOWN, TITLE
from hsi_studio.engine.evaluation.places import not_counted, place_note
from hsi_studio.engine.evaluation.splits import DEFAULT_BUFFER_PX, near
from hsi_studio.humanize import counted
from hsi_studio.methods.common.places import in_one_place
from hsi_studio.types import BoolArray, ClassInfo, IntArray, LabelSet, Prediction, Scene

MAX_PIXELS = 2_000_000
BIASED = (
    "near neighbours make this optimistic, labels where the map was unsure pessimistic; "
    "a class counts by its labels, not by its area"
)
FILLED = 0.95  # share of the test pixels in one class from which OA says next to nothing


@dataclass(frozen=True)
class ClassScore:
    """One class's figures as fractions; None where there is nothing to compute them from."""

    info: ClassInfo
    n: int  # test pixels of the class
    recall: float | None  # of the class's pixels, the share mapped as it
    precision: float | None  # of the pixels mapped as it, the share that is it
    f1: float | None
    recall_range: tuple[float, float] | None = None  # 95 %
    precision_range: tuple[float, float] | None = None
    f1_range: tuple[float, float] | None = None


@dataclass(frozen=True)
class ScoreBlock:
    """One set of figures (fractions) with the words that say on which pixels. With a `problem`, `oa` is None."""

    title: str
    words: str  # "on 4,378 reference pixels of the 3 classes you labelled, without your 9 labelled pixels; …"
    n: int = 0
    oa: Estimate | None = None
    aa: Estimate | None = None
    kappa: Estimate | None = None  # None also where κ is not defined (0/0)
    classes: tuple[ClassScore, ...] = ()
    confusion: Counts | None = None  # (K, K+1) over `classes`; last column: another class, or none
    problem: str = ""
    macro_f1: Estimate | None = None
    weighted_f1: Estimate | None = None


@dataclass(frozen=True)
class AccuracyReport:
    """`kind` is "reference" or "leave_one_out". `buffered` goes beside `main` where there is a reference."""

    kind: str
    main: ScoreBlock
    buffered: ScoreBlock | None
    revision: int  # of the labels
    notes: tuple[str, ...] = ()

    @property
    def away(self) -> bool:
        """Whether there are figures away from the labels."""
        return self.buffered is not None and self.buffered.oa is not None

    @property
    def leading(self) -> ScoreBlock:
        """The figures to show where there is room for one: those away from the labels, where there are any."""
        return self.buffered if self.buffered is not None and self.away else self.main


def accuracy_report(
    prediction: Prediction,
    labels: LabelSet,
    scene: Scene,
    buffer_px: int = DEFAULT_BUFFER_PX,
    loo: IntArray | None = None,
) -> AccuracyReport:
    """Figures for a map made from `labels`.

    `loo` (N,): the class index each label got from a fit without it, in `labels.only_labelled().schema`; used when
    the scene has no reference (−1 = no class). None = the method cannot tell. Never raises for too few labels: the
    blocks carry a sentence.
    """
    places = place_note(labels, scene.shape)
    if scene.reference is None:
        main, said = _leave_one_out(labels, loo, scene.shape), (places,) if places else ()
        return AccuracyReport("leave_one_out", main, None, labels.revision, said)
    known = labels.only_labelled().schema.classes
    value_of = reference_values(known, scene)
    tied = [info for info in known if info.id in value_of]
    notes = [places] if places else []
    if len(tied) < len(known):
        listed = ", ".join(info.name for info in known if info.id not in value_of)
        notes.append(
            f"Not in the reference, so not counted: {listed}. "
            "A class counts when it has the name of a class of the reference."
        )
    counter = ReferenceCounter(prediction, labels, scene, tied, value_of)
    main = counter.block("Against the reference", 0)
    buffered = counter.block(f"Farther than {buffer_px} pixels from your labels", buffer_px)
    return AccuracyReport("reference", main, buffered, labels.revision, tuple(notes))


def report_without_labels(prediction: Prediction, scene: Scene) -> AccuracyReport | None:
    """Figures of a map that no label went into, on every reference pixel of its classes; None without a reference."""
    if scene.reference is None:
        return None
    value_of = reference_values(prediction.schema.classes, scene)
    tied = [info for info in prediction.schema.classes if info.id in value_of]
    none = np.zeros(0, dtype=np.int64)
    counter = ReferenceCounter(prediction, LabelSet(prediction.schema, none, none, none), scene, tied, value_of)
    block = counter.block("Against the reference", 0)
    which = f"{block.n:,} reference pixels (a regular sample of {counter.available:,})"
    which = which if counter.pixels.size < counter.available else f"all {block.n:,} reference pixels"
    words = f"on {which} of {len(tied)} classes; no label was used{counter.without_class(0)}"
    return AccuracyReport("reference", replace(block, words=words), None, prediction.revision)


def reference_values(classes: tuple[ClassInfo, ...], scene: Scene) -> dict[str, int]:
    """Class id → value in the scene's reference, each value at most once: by `reference_value`, else by name."""
    found: dict[str, int] = {}
    for info in classes:
        value = info.reference_value
        if value in scene.reference_names and value not in found.values():
            found[info.id] = int(value)
    by_name = {name.casefold().strip(): value for value, name in scene.reference_classes}
    for info in classes:
        named = by_name.get(info.name.casefold().strip())
        if info.id not in found and named is not None and named not in found.values():
            found[info.id] = named
    return found


class ReferenceCounter:
    """What the two blocks share: which reference pixels count at all, and what the map says there.

    `sample`: take a regular sample of more than `MAX_PIXELS`; False = all, however many. `within` (H, W): count there
    alone, which the words say with `where`.
    """

    def __init__(
        self,
        prediction: Prediction,
        labels: LabelSet,
        scene: Scene,
        classes: list[ClassInfo],
        value_of: dict[str, int],
        sample: bool = True,
        within: BoolArray | None = None,
        where: str = "",
    ) -> None:
        assert scene.reference is not None
        self.labels, self.classes, self.shape = labels, classes, scene.shape[:2]
        top = max([*scene.reference_names, int(scene.reference.max()), 0])
        row_of = np.full(top + 1, -1, dtype=np.int64)  # reference value → class index, −1 = not counted
        for k, info in enumerate(classes):
            row_of[value_of[info.id]] = k
        index = {info.id: k for k, info in enumerate(classes)}
        column_of = np.array([-1, *(index.get(info.id, -1) for info in prediction.schema.classes)], dtype=np.int64)
        own = np.zeros(self.shape, dtype=np.bool_)
        own[labels.row, labels.col] = True
        self.where = where
        labelled = (scene.reference > 0) & scene.valid
        if within is not None:
            labelled &= within
        counted = labelled & (row_of[np.maximum(scene.reference, 0)] >= 0)
        self.others = int(np.count_nonzero(labelled & ~counted))
        other_values = np.unique(scene.reference[labelled & ~counted]) if self.others else np.zeros(0)
        self.n_others = int(other_values.size)
        pixels = np.flatnonzero(counted & ~own)
        self.available = int(pixels.size)
        if sample and pixels.size > MAX_PIXELS:
            pixels = pixels[:: -(-pixels.size // MAX_PIXELS)]
        self.pixels = pixels
        self.reference = row_of[scene.reference.ravel()[pixels]]
        self.mapped = column_of[prediction.label.ravel()[pixels]]
        self.bare = prediction.label.ravel()[pixels] == 0  # no class at all on the map

    def block(self, title: str, buffer_px: int) -> ScoreBlock:
        """Figures over the pixels farther than `buffer_px` from all labels; 0 = all but the labelled ones."""
        pixels, reference, mapped = self.tested(buffer_px)
        counts = np.bincount(reference, minlength=len(self.classes))
        words = self._words(int(pixels.size), counts, buffer_px) + self.without_class(buffer_px)
        problem = self._problem(counts, buffer_px)
        if problem:
            return ScoreBlock(title, words, int(pixels.size), problem=problem)
        n_classes = len(self.classes)
        row, col = np.divmod(pixels, self.shape[1])
        block, n_blocks = error_blocks(row, col, reference != mapped)
        per_block = block_confusions(reference, mapped, block, n_blocks, n_classes)
        drawn = resample(per_block, np.random.default_rng(0))
        found = class_figures(per_block, drawn)
        oa, aa, kappa = interval(per_block, np.random.default_rng(0), drawn=drawn)
        matrix = per_block.sum(axis=0)
        return ScoreBlock(
            title, words, int(pixels.size), oa, aa, kappa, _class_scores(self.classes, found, matrix), matrix,
            macro_f1=found.macro_f1, weighted_f1=found.weighted_f1,
        )  # fmt: skip

    def tested(self, buffer_px: int) -> tuple[Counts, Counts, Counts]:
        """(flat pixels, class index in the reference, class index on the map or −1), each (N,)."""
        keep = self._kept(buffer_px)
        return self.pixels[keep], self.reference[keep], self.mapped[keep]

    def without_class(self, buffer_px: int, title: str = "the map") -> str:
        """What to say of test pixels where a map shows nothing: unsure ones left out, a map of a part; "" for none."""
        n = int(np.count_nonzero(self.bare[self._kept(buffer_px)]))
        return (
            f"; {counted(n, 'pixel')} without a class on {title} {'counts' if n == 1 else 'count'} as wrong"
            if n
            else ""
        )

    def _kept(self, buffer_px: int) -> BoolArray:
        """(N,) which of the pixels test."""
        if not buffer_px:
            return np.ones(self.pixels.size, dtype=np.bool_)
        close = near((self.shape[0], self.shape[1]), self.labels.row, self.labels.col, buffer_px)
        kept: BoolArray = ~close.ravel()[self.pixels]
        return kept

    def _problem(self, counts: npt.NDArray[Any], buffer_px: int) -> str:
        if len(self.classes) < 2:
            have = len(self.classes)
            need = "a pixel of each of two classes" if have == 0 else "a pixel of a second class"
            return f"Label {need} of the reference to see how good the map is."
        if np.count_nonzero(counts) >= 2:
            return self._too_early(counts)
        if self.where:
            return f"Fewer than two classes that you labelled have reference pixels{self.where}: draw another region."
        if buffer_px:
            return (
                f"Fewer than two classes have reference pixels farther than {buffer_px} pixels from your labels. "
                "Label fewer pixels, or the same number closer together, to leave some to test on."
            )
        return (
            "Fewer than two classes have reference pixels without a label. "
            "Label a pixel of another class, or remove labels, to leave some to test on."
        )

    def _too_early(self, counts: npt.NDArray[Any]) -> str:
        """While classes of the reference wait for a label, one that fills the rest makes every map look good."""
        k = int(counts.argmax())
        share = float(counts[k] / counts.sum())
        if share < FILLED or not self.n_others:
            return ""
        others = counted(self.n_others, "class", "classes")
        return (
            f"Too early: one class, {self.classes[k].name}, fills {100 * share:.0f} % of the test pixels, so any map "
            f"that shows it looks right. Label a pixel of the other {others} of the reference first."
        )

    def _words(self, n: int, counts: npt.NDArray[Any], buffer_px: int) -> str:
        k, used = len(self.classes), len(self.labels)
        of = f"of the {k} classes you labelled" if k != 1 else "of the one class you labelled"
        sampled = self.pixels.size < self.available
        own = f"your {counted(used, 'labelled pixel')}"
        whose = "its neighbours" if used == 1 else "their neighbours"
        without = f"without {own} but with {whose}" if used else f"without {own}"
        if self.where:
            without = "where none of your labels lies"
        elif buffer_px:
            without = f"without all pixels within {buffer_px} pixels of {own}"
        pixels = f"{counted(n, 'reference pixel')}{self.where}"
        if sampled:
            pixels += f" (a regular sample of {self.available:,})"
        text = f"on {pixels} {of}, {without}"
        empty = [info.name for info, count in zip(self.classes, counts, strict=True) if count == 0]
        if empty and len(empty) < k:
            text += f"; no pixel is left of {', '.join(empty)}"
        full = counts.max(initial=0) / max(n, 1)
        if full >= FILLED and np.count_nonzero(counts) > 1:
            text += f"; {self.classes[int(counts.argmax())].name} is {100 * full:.0f} % of them: read AA and κ, not OA"
        if self.others:
            others = counted(self.n_others, "other class", "other classes")
            text += f"; {counted(self.others, 'pixel')} of {others} {'are' if self.others != 1 else 'is'} not counted"
        return text


def _class_scores(classes: list[ClassInfo], found: ClassFigures, matrix: Counts) -> tuple[ClassScore, ...]:
    rows = matrix.sum(axis=1)

    def value(estimate: Estimate | None) -> float | None:
        return None if estimate is None else estimate.value

    return tuple(
        ClassScore(
            info, int(rows[k]), value(found.recall[k]), value(found.precision[k]), value(found.f1[k]),
            _range(found.recall[k]), _range(found.precision[k]), _range(found.f1[k]),
        )
        for k, info in enumerate(classes)
    )  # fmt: skip


def _range(estimate: Estimate | None) -> tuple[float, float] | None:
    if estimate is None or estimate.low is None or estimate.high is None:
        return None
    return estimate.low, estimate.high


def _leave_one_out(labels: LabelSet, loo: IntArray | None, shape: tuple[int, ...]) -> ScoreBlock:
    """Only classes with labels in at least two places count: without its only label a class cannot be mapped, and a
    label beside others of its class cannot be missed (`places.py`)."""
    title = "Leave-one-out"
    if loo is None:
        return ScoreBlock(TITLE, "", problem=NOT_KNOWN)
    known = labels.only_labelled()
    counts, n_classes = known.counts, len(known.schema)
    words = f"leave-one-out on your {counted(len(labels), 'label')}: {BIASED}"
    if n_classes < 2:
        need = "a pixel of each of two classes" if n_classes == 0 else "a pixel of a second class"
        return ScoreBlock(title, words, problem=f"Label {need} to get a map and a first estimate of its accuracy.")
    if counts.max() < 2:
        return ScoreBlock(
            title,
            words,
            problem="Label 1 more pixel of any class for a first estimate: it needs a class with two labels.",
        )
    alone = in_one_place(known, shape)
    used = (counts[known.label] >= 2) & ~alone[known.label]
    n = int(np.count_nonzero(used))
    left = not_counted(int(np.count_nonzero(counts == 1)), int(alone.sum()))
    if left:
        words = f"leave-one-out on {n} of your {len(labels):,} labels ({left}): {BIASED}"
    if not n:
        return ScoreBlock(
            title, words, problem="Not known yet: every label lies near others of its class, so leaving one out tells "
            "nothing of the rest of the scene.",
        )  # fmt: skip
    reference, mapped = known.label[used], np.asarray(loo)[used]
    per_label = block_confusions(reference, mapped, np.arange(n, dtype=np.int64), n, n_classes)
    matrix = confusion(reference, mapped, n_classes)
    _, aa, kappa = interval(per_label, np.random.default_rng(0))
    oa = Estimate(scores(matrix).oa, *counted_interval(int(np.diagonal(matrix).sum()), n))
    found = independent_figures(matrix)
    return ScoreBlock(
        title, words, n, oa, aa, kappa, _class_scores(list(known.schema.classes), found, matrix), matrix,
        macro_f1=found.macro_f1, weighted_f1=found.weighted_f1,
    )  # fmt: skip
