"""Class texts and labelled pixels in the joint space of a trained model.

A method with a joint space keeps its class texts as vectors beside the image encoder (`Fitted.text_vectors`) and gives
an embedding of any pixel (`embed`); the others fold their texts into the classifier or have none. So a model is used
when its method has such a space and it was trained on this scene; the newest run that has one is taken.

Cost: one network pass for each of at most `PIXELS` labelled pixels a class; never the whole scene.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hsi_studio.engine.models.checkpoint import read_checkpoint, read_header
from hsi_studio.errors import FileProblem, SceneMismatch
from hsi_studio.methods import get_method, methods
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
        method = methods().entries.get(header.facts.method)
        if method is not None and method.joint_space and header.facts.scene.id == scene.id:
            return file
    return None


def joint_space(file: Path, scene: Scene, labels: LabelSet, check: Callable[[], None] = lambda: None) -> JointSpace:
    """Load a model and embed labelled pixels. Raises FileProblem, SceneMismatch; what `check` raises stops it."""
    state, header = read_checkpoint(file)
    blind = scene.without_reference()
    fitted = get_method(header.facts.method).from_state(state, blind, Context())
    schema, texts = fitted.schema, fitted.text_vectors()
    if texts is None:
        raise SceneMismatch(f"The model of {file.parent.name} keeps no vectors of its class texts: train it again.")
    prototypes = np.asarray(texts, dtype=np.float32)
    means = np.full_like(prototypes, np.nan)
    counts = []
    for k, info in enumerate(schema.classes):
        gone = labels.schema.get(info.id) is None
        own = -1 if gone else labels.schema.index(info.id)
        found = []
        for n in np.flatnonzero(labels.label == own)[:PIXELS]:
            check()
            row, col = int(labels.row[n]), int(labels.col[n])
            vectors = fitted.embed(Block(blind, slice(row, row + 1), slice(col, col + 1)))
            assert vectors is not None, "a method with a joint space embeds pixels"
            found.append(vectors[0, 0])
        counts.append(len(found))
        if found:
            mean = np.mean(found, axis=0)
            means[k] = mean / max(float(np.linalg.norm(mean)), 1e-7)
    return JointSpace(schema, prototypes, means, tuple(counts), file.parent.name, header.facts.method)
