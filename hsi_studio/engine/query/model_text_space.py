"""A trained model asked in words: by its own text side where it has one, by its classes where it has not.

- A model whose method says `own_text_side` compares the sentence with its pixels (`Fitted.text_space`).
- Any other has no text side that takes new words (one may keep its class texts as vectors): the query is shared among
  its classes by the likeness of their texts, and the map is the class probabilities so weighted. That is named in the
  result: such a model can only answer in its own vocabulary.

Notation: K classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hsi_studio.methods.contract import Block, Fitted, TextSpace
from hsi_studio.text.encoders import TextEncoder
from hsi_studio.types import FloatArray, Scene

STRIP_PIXELS = 200_000
SHARPNESS = 0.1  # of the softmax over classes, for models without a text side

Check = Callable[[float], None]


def open_space(
    fitted: Fitted, scene: Scene, encoder: Callable[[str], TextEncoder], check: Check = lambda _: None
) -> TextSpace:
    """What answers queries for a fitted model on a scene; makes the pixels' side now. `encoder(spec)` opens a sentence
    encoder. A `ClassSpace` when the model has no text side of its own. Raises what `check` raises, SceneMismatch."""
    own = fitted.text_space(scene, encoder, check)
    return own if own is not None else ClassSpace(fitted, scene, encoder("minilm"), check)


class ClassSpace:
    """Class probabilities, shared out to a query by the likeness of the class texts."""

    def __init__(self, fitted: Fitted, scene: Scene, encoder: TextEncoder, check: Check) -> None:
        self._encoder = encoder
        texts = _class_texts(fitted)
        vectors = np.stack([encoder.encode(list(own)).mean(axis=0) for own in texts])
        self._centre = vectors.mean(axis=0)
        self._texts = _unit(vectors - self._centre)  # (K, D)
        height, width, _ = scene.shape
        rows_at_once = max(1, STRIP_PIXELS // width)
        parts = []
        for top in range(0, height, rows_at_once):
            check(top / height)
            block = Block(scene, slice(top, min(top + rows_at_once, height)), slice(0, width))
            parts.append(fitted.predict(block).astype(np.float16))
        self._probability = np.concatenate(parts, axis=1)  # (K, H, W)

    def query(self, sentences: Sequence[str]) -> FloatArray:
        """(H, W) probability of the classes the sentences sound like; NaN where invalid."""
        cosine = (_unit(self._encoder.encode(list(sentences)) - self._centre) @ self._texts.T).mean(axis=0)
        raised = np.exp((cosine - cosine.max()) / SHARPNESS)
        weight = (raised / raised.sum()).astype(np.float32)
        out = np.zeros(self._probability.shape[1:], dtype=np.float32)
        for k in np.flatnonzero(weight > 1e-3):
            out += weight[k] * self._probability[k].astype(np.float32)
        return out


def _class_texts(fitted: Fitted) -> list[list[str]]:
    known = fitted.sentences
    return [[info.name.replace("_", " ").lower(), *known.get(info.id, [])] for info in fitted.schema.classes]


def _unit(vectors: npt.NDArray[Any]) -> FloatArray:
    norm = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(norm, 1e-9), dtype=np.float32)
