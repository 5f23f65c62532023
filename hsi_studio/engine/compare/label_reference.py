"""A user's own labels as the reference of a comparison, where a scene has none."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np

from hsi_studio.errors import TooFewLabels
from hsi_studio.humanize import listed
from hsi_studio.types import LabelSet, Scene

MOST_NAMED = 5  # classes in a sentence
LEAST_LABELS = 4  # of a class, where labels test: two train, two test


def enough_labels(labels: LabelSet, shots: int, hidden: bool = False) -> None:
    """Raises TooFewLabels unless two classes have `LEAST_LABELS` labels, so that some can train and others test.
    `hidden`: there is a reference, which a lesson hides."""
    counts = [int(count) for count in labels.counts if count > 0]
    able = [count for count in counts if count >= LEAST_LABELS]
    if len(able) < 2:
        most = sorted(zip(labels.counts, labels.schema.names, strict=True), key=lambda pair: -pair[0])
        have = [f"{name} {count}" for count, name in most if count]
        why = "The lesson hides the reference map" if hidden else "This scene has no reference map"
        raise TooFewLabels(
            f"{why}, so some of your labels must test what the others train: that takes at least {LEAST_LABELS} labels "
            f"in each of two classes. You have {listed(have, MOST_NAMED) if have else 'none'}. Label more pixels, or "
            f"{'hand in first' if hidden else 'open the scene with a reference map'}."
        )
    if shots > min(able) // 2:
        raise TooFewLabels(
            f"{shots} shots a class would leave too few labels to test on: a class trains on half of its labels at "
            f"most, and the smallest usable one has {min(able)}. Take {min(able) // 2} shots or fewer."
        )


def labels_as_reference(scene: Scene, labels: LabelSet) -> Scene:
    """The scene with its labels in place of a reference: what a method is trained and tested on, nothing else.

    Classes with fewer than `LEAST_LABELS` labels are left out: they cannot both train and test.
    """
    counts = labels.counts
    reference = np.zeros(scene.shape[:2], dtype=np.int32)
    used = [k for k in range(len(labels.schema)) if counts[k] >= LEAST_LABELS]
    for k in used:
        own = labels.label == k
        reference[labels.row[own], labels.col[own]] = k + 1
    names = {k + 1: labels.schema.classes[k].name for k in used}
    return replace(scene.without_reference(), reference=reference, reference_names=names)


def left_out(labels: LabelSet) -> tuple[str, ...]:
    """ "Fir 3": the labelled classes that `labels_as_reference` leaves out, with how many labels they have."""
    return tuple(
        f"{info.name} {count}"
        for info, count in zip(labels.schema.classes, labels.counts, strict=True)
        if 0 < count < LEAST_LABELS
    )


def reference_hash(scene: Scene) -> str:
    """8 hex digits of the reference: other labels are other draws."""
    assert scene.reference is not None
    digest = hashlib.sha256(np.ascontiguousarray(np.where(scene.valid, scene.reference, 0), dtype=np.int32).tobytes())
    digest.update(json.dumps(scene.reference_classes).encode())
    return digest.hexdigest()[:8]
