"""DiffCLIP for collections on disk: an image's bands are the planes of a sample (MRNet: sagittal, coronal).

Source and network: `multi_image.py`; this file brings a `Collection` to it. Images may differ in size: each is
averaged to the same grid, G · c pixels a side, c from the smallest training image. Pixels without data are set to
their plane's median. Stage 1 may see further images without their labels (`others`): that is what it is for, and
makes the result transductive where these are the test images.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hsi_studio.errors import BadRequest, SceneMismatch
from hsi_studio.methods.common.image_votes import ImageVotes, enough_images
from hsi_studio.methods.contract import Context, State
from hsi_studio.methods.diffclip.multi_image import MAX_CELL, PairsFitted, fit_pairs, pairs_from_state
from hsi_studio.methods.diffclip.params import DiffClipParams
from hsi_studio.scene.collection import Collection
from hsi_studio.types import ClassSchema, FloatArray, PromptSet

MOST_PLANES = 8  # each is a modality with tokens of its own


@dataclass(frozen=True)
class PlanesClassifier:
    """A network for images with the same planes."""

    fitted: PairsFitted

    @property
    def schema(self) -> ClassSchema:
        return self.fitted.schema

    @property
    def notes(self) -> tuple[str, ...]:
        return self.fitted.notes

    def classify(self, images: Collection, ctx: Context) -> ImageVotes:
        """One vote an image. Its label is not looked at. Raises SceneMismatch, BadRequest, Cancelled."""
        planes = self.fitted.centre.size
        if images.bands != planes:
            raise SceneMismatch(
                f"{planes} planes in the model, {images.bands} in the images of {images.name}: take images of the "
                "same kind, or train again."
            )
        side = self.fitted.grid * self.fitted.cell
        found = self.fitted.predict(read_planes(images, side, ctx))
        label = found.argmax(axis=1)
        return ImageVotes(label, np.eye(len(self.schema), dtype=np.int64)[label], found)

    def state(self) -> State:
        return self.fitted.state()


def fit_planes(
    train: Collection, prompts: PromptSet, params: DiffClipParams, ctx: Context, others: Collection | None = None
) -> PlanesClassifier:
    """Train on all images of a collection; `others` join stage 1 without their labels.

    Images smaller than the grid are stretched. Raises TooFewLabels, BadRequest (too many planes), Cancelled.
    """
    enough_images(train)
    if train.bands > MOST_PLANES:
        raise BadRequest(
            f"{train.bands} bands are too many to be planes of their own (at most {MOST_PLANES}): use s3fn for cubes."
        )
    smallest = min(min(image.scene.shape[:2]) for image in train.images)
    side = params.patch * max(1, min(MAX_CELL, smallest // params.patch))
    planes, label = read_planes(train, side, ctx), train.label
    if others is not None and len(others):
        planes = [np.concatenate(both) for both in zip(planes, read_planes(others, side, ctx), strict=True)]
        label = np.concatenate([label, np.full(len(others), -1, dtype=np.int64)])
    return PlanesClassifier(fit_pairs(planes, label, train.schema, prompts, params, ctx))


def from_state(state: State, ctx: Context) -> PlanesClassifier:
    """A classifier as it was saved, on `ctx.device`. Raises SceneMismatch for one of another version."""
    return PlanesClassifier(pairs_from_state(state, ctx))


def read_planes(images: Collection, side: int, ctx: Context) -> list[FloatArray]:
    """M arrays (N, side, side): every image averaged to that size. Raises Cancelled."""
    import torch
    from torch.nn.functional import adaptive_avg_pool2d

    out = np.empty((images.bands, len(images), side, side), dtype=np.float32)
    for number, image in enumerate(images.images):
        ctx.check()
        height, width, _ = image.scene.shape
        values = image.scene.read(slice(0, height), slice(0, width)).transpose(2, 0, 1).astype(np.float32)  # (M, h, w)
        for plane in values:
            known = np.isfinite(plane)
            plane[~known] = np.median(plane[known]) if known.any() else 0.0
        out[:, number] = adaptive_avg_pool2d(torch.from_numpy(np.ascontiguousarray(values)), side).numpy()
    return list(out)
