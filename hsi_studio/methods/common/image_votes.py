"""An image's class from the votes of its cubes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hsi_studio.errors import TooFewLabels
from hsi_studio.scene.collection import Collection
from hsi_studio.types import FloatArray


@dataclass(frozen=True)
class ImageVotes:
    """What the cubes of N images say."""

    label: npt.NDArray[np.int64]  # (N,) class with most votes
    votes: npt.NDArray[np.int64]  # (N, K) cubes for each class
    probability: FloatArray  # (N, K) mean over an image's cubes


def count_votes(probability: FloatArray, owner: npt.NDArray[np.int64], images: int) -> ImageVotes:
    """Majority vote: cubes' probabilities (M, K), the image (M,) each belongs to, number of images N.

    A tie goes to the class with the larger mean probability.
    """
    classes = probability.shape[1]
    votes = np.zeros((images, classes), dtype=np.int64)
    np.add.at(votes, (owner, probability.argmax(axis=1)), 1)
    mean = np.zeros((images, classes))
    np.add.at(mean, owner, probability)
    mean /= np.maximum(votes.sum(axis=1, keepdims=True), 1)
    return ImageVotes((votes + 0.5 * mean).argmax(axis=1), votes, mean.astype(np.float32))


def enough_images(train: Collection) -> None:
    """Raises TooFewLabels unless there are two classes and an image of each."""
    counts = np.bincount(train.label, minlength=len(train.schema)) if len(train) else np.zeros(len(train.schema))
    missing = [name for name, n in zip(train.schema.names, counts, strict=True) if not n]
    if missing or len(train.schema) < 2:
        raise TooFewLabels(
            f"{len(missing)} of {len(train.schema)} classes have no training image ({', '.join(missing[:5])}): "
            "add an image of each, or leave these classes out."
        )
