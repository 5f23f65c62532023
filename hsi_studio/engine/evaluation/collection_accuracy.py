"""Image-level accuracy of a collection: images are split, never their cubes; one answer an image.

The classifier sees training images and, when it answers, the test images without their labels. Two splits:
- shots: the groups of so many images a class train, all others test (`scene/collection.split_images`), once a seed;
- folds: groups are dealt to folds class by class; every fold tests once, so that every image is tested once a seed.
A second picture of a training object never tests. DiffCLIP's stage 1 sees the test images without their labels, which
the result says (`transductive`).

Figures: OA, AA, κ in percent as in `few_shot.py`; for the papers' medical collections ACC (= OA), AUC, SE and SP in
percent. With two classes SE and SP are of the positive class; with more, they and AUC are means over classes, each
against the others. AUC is of the mean probabilities, the rest of the votes. std over seeds with n − 1.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from hsi_studio.engine.evaluation.metrics import Scores, confusion, scores
from hsi_studio.errors import BadRequest
from hsi_studio.methods import IMAGE_METHOD
from hsi_studio.methods.collections import get_image_method
from hsi_studio.methods.common.image_votes import ImageVotes
from hsi_studio.methods.contract import Context
from hsi_studio.scene.collection import Collection, Indices, fold_images, split_images
from hsi_studio.types import ClassSchema, FloatArray, Progress, PromptSet


@dataclass(frozen=True)
class Detection:
    """Fractions; NaN where a class has no image on one side."""

    auc: float  # chance that an image of the class scores higher than another one, ties count half
    sensitivity: float  # share of the class's images that are found
    specificity: float  # share of the others that are left alone


@dataclass(frozen=True)
class ImageSeed:
    """One draw. `cube_oa`: share of test images' votes that were right, for comparison with the vote's OA."""

    seed: int
    n_train: float  # images, the mean over folds
    scores: Scores
    detection: Detection
    cube_oa: float
    fit_seconds: float


@dataclass(frozen=True)
class ImageResult:
    """All draws on one collection."""

    collection: str
    method: str
    shots: int | None  # None with folds
    folds: int | None
    classes: tuple[str, ...]
    positive: str | None  # the class SE and SP are of; None = means over classes
    left_out: tuple[str, ...]  # classes with a single group, which cannot be split
    transductive: bool
    seeds: tuple[ImageSeed, ...]
    notes: tuple[str, ...] = ()  # of the fits, each once

    def to_json(self) -> dict[str, Any]:
        """Plain values; percent. A figure that is not known is None."""
        rows = [
            {
                "seed": s.seed,
                "n_train": s.n_train,
                "n_test": s.scores.n,
                "oa": 100 * s.scores.oa,
                "aa": 100 * s.scores.aa,
                "kappa": None if s.scores.kappa is None else 100 * s.scores.kappa,
                "acc": 100 * s.scores.oa,
                "auc": _percent(s.detection.auc),
                "se": _percent(s.detection.sensitivity),
                "sp": _percent(s.detection.specificity),
                "cube_oa": 100 * s.cube_oa,
                "fit_seconds": s.fit_seconds,
            }
            for s in self.seeds
        ]
        summary: dict[str, dict[str, float | None]] = {}
        for key in ("oa", "aa", "kappa", "acc", "auc", "se", "sp", "cube_oa", "fit_seconds"):
            known = [float(value) for row in rows if (value := row[key]) is not None]
            summary[key] = {
                "mean": statistics.fmean(known) if known else None,
                "std": statistics.stdev(known) if len(known) > 1 else 0.0,
            }
        return {
            "collection": self.collection,
            "method": self.method,
            "shots": self.shots,
            "folds": self.folds,
            "classes": list(self.classes),
            "positive": self.positive,
            "left_out": list(self.left_out),
            "transductive": self.transductive,
            "summary": summary,
            "seeds": rows,
            "notes": list(self.notes),
        }


def divisible(collection: Collection) -> tuple[Collection, tuple[str, ...]]:
    """The collection without classes of a single group, which cannot both train and test, and their names."""
    groups: list[set[str]] = [set() for _ in collection.schema.classes]
    for image in collection.images:
        groups[image.label].add(image.group)
    kept = [k for k, found in enumerate(groups) if len(found) > 1]
    position = {k: n for n, k in enumerate(kept)}
    images = tuple(replace(i, label=position[i.label]) for i in collection.images if i.label in position)
    schema = ClassSchema(tuple(collection.schema.classes[k] for k in kept))
    names = tuple(name for k, name in enumerate(collection.schema.names) if k not in position)
    return replace(collection, schema=schema, images=images), names


def evaluate_images(
    collection: Collection,
    *,
    seeds: Sequence[int],
    shots: int | None = None,
    folds: int | None = None,
    method: str = IMAGE_METHOD,
    params: Any = None,
    prompts: Mapping[str, Sequence[str]] | None = None,
    positive: str | None = None,
    ctx: Context | None = None,
) -> ImageResult:
    """Split by `shots` or by `folds`, train, vote and score, once a seed. `prompts`: class name → sentences.

    `positive`: the class SE and SP are of when there are two (default: the last by name).
    Raises BadRequest when fewer than two classes can be split, TooFewLabels, Cancelled.
    """
    ctx, how = ctx or Context(), get_image_method(method)
    params = how.Params() if params is None else params
    usable, left_out = divisible(collection)
    names = usable.schema.names
    if len(names) < 2:
        grouped = len({image.group for image in collection.images}) < len(collection)
        raise BadRequest(
            f"{len(names)} of {len(collection.schema)} classes have two {'groups of ' * grouped}images or more: there "
            f"is nothing to test on. Add images{', or split by image instead of by group' * grouped}."
        )
    if (shots is None) == (folds is None):
        raise BadRequest("Say either how many shots a class train or how many folds there are.")
    if positive is not None and positive not in names:
        raise BadRequest(f"There is no class {positive!r} to be the positive one. Choose one of: {', '.join(names)}.")
    if len(names) == 2 and positive is None:
        positive = names[-1]
    sentences = sentences_of(usable.schema, prompts)
    found = []
    notes: dict[str, None] = dict.fromkeys(fewer_than(usable, shots) if shots is not None else ())  # in their order
    for number, seed in enumerate(seeds):
        splits = [split_images(usable, shots, seed)] if shots is not None else fold_images(usable, folds or 0, seed)
        if folds is not None and len(splits) < folds:
            notes[f"Fewer than {folds} folds have an image; those without are passed over."] = None
        parts: list[ImageVotes] = []
        seconds = 0.0
        for fold, (train, test) in enumerate(splits):
            done = (number + fold / len(splits)) / len(seeds)
            ctx.progress(Progress(f"Draw {number + 1} of {len(seeds)}, part {fold + 1} of {len(splits)}", done, 1.0))
            quiet = replace(ctx, seed=seed, progress=lambda _: None)
            started = time.perf_counter()
            model = how.fit(usable.only(train), sentences, params, quiet, usable.only(test))
            seconds += time.perf_counter() - started
            notes |= dict.fromkeys(model.notes)
            parts.append(model.classify(usable.only(test), quiet))
        tested = np.concatenate([test for _, test in splits])
        found.append(
            score_votes(seed, usable.label[tested], parts, names, positive, _mean([t.size for t, _ in splits]), seconds)
        )
    return ImageResult(
        collection.name,
        method,
        shots,
        folds,
        tuple(names),
        positive,
        left_out,
        how.looks_at_others,
        tuple(found),
        tuple(notes),
    )


def fewer_than(collection: Collection, shots: int) -> list[str]:
    """A note of the classes that train on fewer than `shots`, since one image or group of each stays to test."""
    groups = [{image.group for image in collection.images if image.label == k} for k in range(len(collection.schema))]
    few = [(name, len(own) - 1) for name, own in zip(collection.schema.names, groups, strict=True)]
    few = [(name, count) for name, count in few if count < shots]
    told = ", ".join(f"{name} {count}" for name, count in few)
    return [f"Fewer than {shots} train where one has to be left to test: {told}."] if few else []


def sentences_of(schema: ClassSchema, prompts: Mapping[str, Sequence[str]] | None) -> PromptSet:
    """Sentences by class name → by class id; classes without any go by their name."""
    return PromptSet({c.id: tuple(prompts[c.name]) for c in schema.classes if prompts and prompts.get(c.name)})


def score_votes(
    seed: int,
    label: Indices,
    parts: Sequence[ImageVotes],
    names: Sequence[str],
    positive: str | None,
    n_train: float,
    seconds: float,
) -> ImageSeed:
    """Figures of the votes on all tested images (N,), one part a fold."""
    told = np.concatenate([part.label for part in parts])
    votes = np.concatenate([part.votes for part in parts])
    probability = np.concatenate([part.probability for part in parts])
    of = range(len(names)) if positive is None else [list(names).index(positive)]
    each = [detection(probability[:, k], told == k, label == k) for k in of]
    mean = Detection(*(_mean(v) for v in zip(*((d.auc, d.sensitivity, d.specificity) for d in each), strict=True)))
    own = votes[np.arange(label.size), label].sum() / votes.sum()
    return ImageSeed(seed, n_train, scores(confusion(label, told, len(names))), mean, float(own), seconds)


def detection(score: FloatArray, told: npt.NDArray[np.bool_], true: npt.NDArray[np.bool_]) -> Detection:
    """Of one class: scores (N,), what was answered (N,), what is so (N,).

    AUC is Mann–Whitney's U over n₁ n₀ (J. A. Hanley, B. J. McNeil, Radiology 143, 1982).
    """
    yes, no = score[true].astype(np.float64), np.sort(score[~true].astype(np.float64))
    nan = float("nan")
    auc = nan
    if yes.size and no.size:
        below, upto = np.searchsorted(no, yes, side="left"), np.searchsorted(no, yes, side="right")
        auc = float((below + upto).mean() / 2 / no.size)
    return Detection(
        auc,
        float(told[true].mean()) if yes.size else nan,
        float((~told[~true]).mean()) if no.size else nan,
    )


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else float("nan")


def _percent(value: float) -> float | None:
    return None if np.isnan(value) else 100 * value
