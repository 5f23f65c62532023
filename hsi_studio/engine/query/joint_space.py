"""Class texts and labelled pixels in the joint space of a trained model.

Of the methods, DiffCLIP keeps its class texts as vectors (`prototypes`) beside the image encoder and gives an embedding
of any pixel (`embed`); the others fold their texts into the classifier or have none. So a model is used when its file
holds prototypes and it was trained on this scene; the newest run that has one is taken.

Cost: one network pass for each of at most `PIXELS` labelled pixels a class; never the whole scene.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hsi_studio.engine.models.checkpoint import read_checkpoint, read_header
from hsi_studio.errors import FileProblem
from hsi_studio.methods import get_method
from hsi_studio.methods.contract import Block, Context
from hsi_studio.types import ClassSchema, FloatArray, LabelSet, Scene

PIXELS = 8  # labelled pixels a class that are embedded
LOOKED_AT = 20  # newest runs whose files are looked at


@dataclass(frozen=True)
class JointSpace:
    """K classes of the model. A class without labelled pixels has a NaN row in `means`."""

    schema: ClassSchema
    prototypes: FloatArray  # (K, D) unit vectors of the texts
    means: FloatArray  # (K, D) unit vectors, mean over the labelled pixels
    counts: tuple[int, ...]  # pixels behind each mean
    model: str  # run id
    method: str


def newest_model(runs: Path, scene: Scene) -> Path | None:
    """The newest run's model file with texts in it, made on this scene; None when there is none."""
    folders = sorted((p for p in runs.glob("*/model.safetensors")), key=lambda p: p.parent.name, reverse=True)
    for file in folders[:LOOKED_AT]:
        try:
            header = read_header(file)
        except FileProblem:
            continue  # the Models tab says what is wrong with it
        if "prototypes" in header.arrays and header.facts.scene.id == scene.id:
            return file
    return None


def joint_space(file: Path, scene: Scene, labels: LabelSet, check: Callable[[], None] = lambda: None) -> JointSpace:
    """Load a model and embed labelled pixels. Raises FileProblem, SceneMismatch; what `check` raises stops it."""
    state, header = read_checkpoint(file)
    fitted: Any = get_method(header.facts.method).from_state(state, scene.without_reference(), Context())
    schema: ClassSchema = fitted.schema
    prototypes = np.asarray(fitted.prototypes, dtype=np.float32)
    means = np.full_like(prototypes, np.nan)
    counts = []
    for k, info in enumerate(schema.classes):
        gone = labels.schema.get(info.id) is None
        own = -1 if gone else labels.schema.index(info.id)
        found = []
        for n in np.flatnonzero(labels.label == own)[:PIXELS]:
            check()
            row, col = int(labels.row[n]), int(labels.col[n])
            block = Block(fitted.inputs.scene, slice(row, row + 1), slice(col, col + 1))
            found.append(fitted.embed(block)[0, 0])
        counts.append(len(found))
        if found:
            mean = np.mean(found, axis=0)
            means[k] = mean / max(float(np.linalg.norm(mean)), 1e-7)
    return JointSpace(schema, prototypes, means, tuple(counts), file.parent.name, header.facts.method)
