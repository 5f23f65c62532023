"""Image-level accuracy of a collection: images are split, never their cubes; one vote an image.

The classifier sees training images and, when it votes, the test images without their labels. Shots count groups of
images a class (`scene/collection.split_images`), so a second picture of a training object never tests.
Units: OA, AA, κ in percent as in `evaluate.py`; std over seeds with n − 1.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hsi_studio.engine.scores import Scores, confusion, scores
from hsi_studio.errors import BadRequest
from hsi_studio.methods import Context
from hsi_studio.scene.collection import Collection, split_images
from hsi_studio.types import ClassSchema, Progress, PromptSet


@dataclass(frozen=True)
class ImageSeed:
    """One draw. `cube_oa`: share of test images' votes that were right, for comparison with the vote's OA."""

    seed: int
    n_train: int
    scores: Scores
    cube_oa: float
    fit_seconds: float


@dataclass(frozen=True)
class ImageResult:
    """All draws on one collection."""

    collection: str
    shots: int
    classes: tuple[str, ...]
    left_out: tuple[str, ...]  # classes with a single group, which cannot be split
    seeds: tuple[ImageSeed, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values; percent."""
        rows = [
            {
                "seed": s.seed,
                "n_train": s.n_train,
                "n_test": s.scores.n,
                "oa": 100 * s.scores.oa,
                "aa": 100 * s.scores.aa,
                "kappa": None if s.scores.kappa is None else 100 * s.scores.kappa,
                "cube_oa": 100 * s.cube_oa,
                "fit_seconds": s.fit_seconds,
            }
            for s in self.seeds
        ]
        summary: dict[str, dict[str, float | None]] = {}
        for key in ("oa", "aa", "kappa", "cube_oa", "fit_seconds"):
            known = [float(value) for row in rows if (value := row[key]) is not None]
            summary[key] = {
                "mean": statistics.fmean(known) if known else None,
                "std": statistics.stdev(known) if len(known) > 1 else 0.0,
            }
        return {
            "collection": self.collection,
            "shots": self.shots,
            "classes": list(self.classes),
            "left_out": list(self.left_out),
            "summary": summary,
            "seeds": rows,
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
    shots: int,
    seeds: Sequence[int],
    params: Any = None,
    prompts: Mapping[str, Sequence[str]] | None = None,
    ctx: Context | None = None,
) -> ImageResult:
    """Split, train S3FN, vote and score, once a seed. `prompts`: class name → sentences.

    Raises BadRequest when fewer than two classes can be split, TooFewLabels, Cancelled.
    """
    from hsi_studio.methods.s3fn_images import S3FNImageParams, fit_images

    ctx = ctx or Context()
    usable, left_out = divisible(collection)
    if len(usable.schema) < 2:
        raise BadRequest(
            f"{len(usable.schema)} of {len(collection.schema)} classes have two groups of images or more: there is "
            "nothing to test on. Add images, or split by image instead of by group."
        )
    sentences = PromptSet(
        {c.id: tuple(prompts[c.name]) for c in usable.schema.classes if prompts and prompts.get(c.name)}
    )
    found = []
    for number, seed in enumerate(seeds):
        ctx.progress(Progress(f"Draw {number + 1} of {len(seeds)}", number, len(seeds)))
        train, test = split_images(usable, shots, seed)
        quiet = replace(ctx, seed=seed, progress=lambda _: None)
        started = time.perf_counter()
        model = fit_images(usable.only(train), sentences, params or S3FNImageParams.model_validate({}), quiet)
        seconds = time.perf_counter() - started
        tested = usable.only(test)
        votes = model.classify(tested, quiet)
        matrix = confusion(tested.label, votes.label, len(usable.schema))
        own = votes.votes[range(len(tested)), tested.label].sum() / votes.votes.sum()
        found.append(ImageSeed(seed, int(train.size), scores(matrix), float(own), seconds))
    return ImageResult(collection.name, shots, tuple(usable.schema.names), left_out, tuple(found))
