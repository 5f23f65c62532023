"""How alike the class texts are to the text model, before any image is looked at.

Source: sentence vectors of a frozen encoder compared by cosine (N. Reimers, I. Gurevych, EMNLP 2019, arXiv 1908.10084).
A class with several sentences is the mean of their unit vectors, scaled to norm 1, as the methods take it.

Two matrices: the cosines as encoded, and after centring (the mean of all classes subtracted, then norm 1 again). As
encoded all prompts of one template lie within a narrow cone (0.8 to 0.99), which says little; centred, 0 is the
average and the pairs that a model will mix up stand out (METHODS.md of S3FN: "centre the anchors").
The 2-D maps are the first two principal components (J. E. Jackson, 1991) with the share of variance they show.

Notation: K classes, n sentences, D dimensions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from hsi_studio.text.prompts import readable
from hsi_studio.types import ClassSchema, FloatArray, PromptSet

ALIKE = 0.95  # cosine as encoded from which two classes are flagged
ALIKE_CENTRED = 0.5  # the same after centring, together with at least ALIKE_FLOOR as encoded
ALIKE_FLOOR = 0.7
MAX_PAIRS = 8


class Encoder(Protocol):
    """What is needed of a sentence encoder (`text/encoders.py`)."""

    @property
    def name(self) -> str: ...

    def encode(self, sentences: list[str]) -> FloatArray: ...


@dataclass(frozen=True)
class Similarity:
    """The texts of K classes compared."""

    schema: ClassSchema
    encoder: str
    vectors: FloatArray  # (K, D) unit vectors, one a class
    raw: FloatArray  # (K, K) cosines as encoded
    centred: FloatArray  # (K, K) cosines after centring
    places: FloatArray  # (n, 2) every sentence on the 2-D map
    owner: npt.NDArray[np.int64]  # (n,) class index of each
    sentences: tuple[str, ...]
    shown: float  # share of the variance that the 2-D map shows, 0–1


@dataclass(frozen=True)
class Pair:
    """Two classes whose texts are alike. `words`: what only the one or the other says."""

    first: int  # class indices
    second: int
    raw: float
    centred: float
    text: str


def class_vectors(
    encoder: Encoder, prompts: PromptSet, schema: ClassSchema
) -> tuple[FloatArray, FloatArray, list[int]]:
    """(K, D) unit class vectors, (n, D) unit sentence vectors, and the n owners. Raises ModelMissing, CorruptFile."""
    sentences = [text for info in schema.classes for text in prompts.of(info)]
    owner = [k for k, info in enumerate(schema.classes) for _ in prompts.of(info)]
    each = encoder.encode(sentences)  # (n, D)
    sums = np.zeros((len(schema), each.shape[1]), dtype=np.float32)
    np.add.at(sums, owner, each)
    return unit(sums), each, owner


def similarity(encoder: Encoder, prompts: PromptSet, schema: ClassSchema) -> Similarity:
    """Compare the texts of all classes; a class without sentences is its name. K may be 0 or 1."""
    if not len(schema):
        none = np.zeros((0, 0), dtype=np.float32)
        return Similarity(schema, encoder.name, none, none, none, none.reshape(0, 2), np.zeros(0, np.int64), (), 0.0)
    vectors, each, owner = class_vectors(encoder, prompts, schema)
    centre = centred(vectors)
    places, shown = plane(each)
    said = tuple(text for info in schema.classes for text in prompts.of(info))
    return Similarity(
        schema, encoder.name, vectors, _cosines(vectors, vectors), _cosines(centre, centre), places,
        np.array(owner, dtype=np.int64), said, shown,
    )  # fmt: skip


def centred(vectors: FloatArray) -> FloatArray:
    """(K, D) rows without their mean, norm 1 again; a row that is the mean itself becomes 0."""
    return unit(vectors - vectors.mean(axis=0, keepdims=True))


def plane(vectors: FloatArray) -> tuple[FloatArray, float]:
    """(n, 2) on the first two principal components, and the share of the variance they show. The largest loading of
    each component is positive, so that the same texts always give the same picture."""
    rest = (vectors - vectors.mean(axis=0, keepdims=True)).astype(np.float64)
    if len(rest) < 2 or not np.abs(rest).max() > 1e-6:
        return np.zeros((len(rest), 2), dtype=np.float32), 0.0
    u, s, vt = np.linalg.svd(rest, full_matrices=False)
    count = min(2, s.size)
    sign = np.sign(vt[np.arange(count), np.abs(vt[:count]).argmax(axis=1)])
    places = np.zeros((len(rest), 2), dtype=np.float32)
    places[:, :count] = u[:, :count] * s[:count] * sign
    return places, float((s[:count] ** 2).sum() / (s**2).sum())


def close_pairs(
    found: Similarity, prompts: PromptSet, differences: Mapping[tuple[int, int], str] | None = None
) -> list[Pair]:
    """Pairs of classes that are too alike, the worst first, each with what to do about it.

    `differences`: (class index, class index) with the smaller first → how the labelled pixels of the two differ, as a
    phrase; where there is none, advice in general.
    """
    out = []
    for i in range(len(found.schema)):
        for j in range(i + 1, len(found.schema)):
            raw, centre = float(found.raw[i, j]), float(found.centred[i, j])
            if raw >= ALIKE or (centre >= ALIKE_CENTRED and raw >= ALIKE_FLOOR):
                measured = (differences or {}).get((i, j), "")
                out.append(Pair(i, j, raw, centre, _advice(found.schema, i, j, raw, prompts, measured)))
    return sorted(out, key=lambda pair: (-pair.centred, -pair.raw))[:MAX_PAIRS]


def _advice(schema: ClassSchema, i: int, j: int, raw: float, prompts: PromptSet, measured: str) -> str:
    one, other = schema.classes[i], schema.classes[j]
    said = f"“{one.name}” and “{other.name}” are {raw:.2f} alike"
    if raw > 0.999:
        said = f"“{one.name}” and “{other.name}” say the same to the text model"
    if measured:
        return f"{said}: tell them apart by {measured}."
    left, right = (_words(prompts.of(info), info.name) for info in (one, other))
    if not left - right and not right - left:
        return f"{said}: only their names differ. Say how they differ in colour, height, texture or spectrum."
    return f"{said}: say in each how it differs from the other, in colour, height, texture or spectrum."


def _words(sentences: Sequence[str], name: str) -> set[str]:
    own = set(re.findall(r"\w+", readable(name)))
    return {word for text in sentences for word in re.findall(r"\w+", text.lower())} - own


def joint_plane(prototypes: FloatArray, means: FloatArray) -> tuple[FloatArray, FloatArray, float]:
    """Texts and pixels of a trained model in one plane: (K, 2) prototypes, (K, 2) class means, share of variance.

    Each side is centred by its own mean: contrastive models keep texts and images apart as a whole (W. Liang et al.,
    "Mind the gap", NeurIPS 2022, arXiv 2203.02053), which would be all that the plane shows. `means` (K, D): mean
    embedding of each class's labelled pixels, NaN rows for classes without; those stay NaN.
    """
    known = np.isfinite(means).all(axis=1)
    pixels = np.full((len(means), 2), np.nan, dtype=np.float32)
    if not known.any():
        places, shown = plane(prototypes)
        return places, pixels, shown
    texts = prototypes - prototypes[known].mean(axis=0)
    both = np.concatenate([texts, means[known] - means[known].mean(axis=0)]).astype(np.float32)
    places, shown = plane(both)
    pixels[known] = places[len(prototypes) :]
    return places[: len(prototypes)], pixels, shown


def unit(rows: FloatArray) -> FloatArray:
    """Rows scaled to norm 1; rows of (almost) 0 become 0."""
    norm = np.linalg.norm(rows, axis=-1, keepdims=True)
    out: FloatArray = np.divide(rows, norm, out=np.zeros_like(rows), where=norm > 1e-7).astype(np.float32)
    return out


def _cosines(a: FloatArray, b: FloatArray) -> FloatArray:
    out: FloatArray = np.clip(a @ b.T, -1.0, 1.0).astype(np.float32)
    return out
