"""A trained model asked in words: its image side for the scene's pixels, its text side for the query.

- `curated`: the sentence goes through the model's own text probe; pixels are its unit vectors.
- `s3fn`: pixels are projected into the sentence encoder's space; the sentence stands there itself, centred as the
  class texts were.
- any other model has no text side left that takes new words (DiffCLIP keeps its class texts as vectors): the query is
  shared among its classes by the likeness of their texts, and the map is the class probabilities so weighted. That is
  named in the result: such a model can only answer in its own vocabulary.

Vectors of a lattice of pixels are made once and kept (at most `MOST_PIXELS`; larger scenes are sampled), so that a
query is one product. Notation: m lattice pixels, D dimensions, K classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hsi_studio.methods.contract import Block, Fitted
from hsi_studio.text.encoders import TextEncoder
from hsi_studio.types import FloatArray, Scene

if TYPE_CHECKING:
    from hsi_studio.methods.common.windowed import WindowFitted

MOST_PIXELS = 60_000
STRIP_PIXELS = 20_000
SHARPNESS = 0.1  # of the softmax over classes, for models without a text side

Check = Callable[[float], None]


def open_space(
    fitted: Fitted, scene: Scene, encoder: Callable[[str], TextEncoder], check: Check = lambda _: None
) -> WindowSpace | ClassSpace:
    """What answers queries for a fitted model on a scene; makes the pixels' side now. `encoder(spec)` opens a sentence
    encoder. Raises what `check` raises, SceneMismatch."""
    method = str(getattr(fitted, "method", ""))
    params: Any = getattr(fitted, "params", None)
    if method in ("curated", "s3fn"):
        own: Any = fitted
        return WindowSpace(own, scene, encoder(params.text_encoder), check)
    return ClassSpace(fitted, scene, encoder("minilm"), check)


class WindowSpace:
    """Pixels and sentences of a `curated` or `s3fn` model."""

    exact = True

    def __init__(self, fitted: WindowFitted, scene: Scene, encoder: TextEncoder, check: Check) -> None:
        self._fitted, self._encoder = fitted, encoder
        self._shape = scene.shape[:2]
        self._stride = max(1, int(np.ceil(np.sqrt(scene.shape[0] * scene.shape[1] / MOST_PIXELS))))
        self._pixel, self._vectors = self._embed(scene, check)

    def _embed(self, scene: Scene, check: Check) -> tuple[npt.NDArray[np.int64], Any]:
        """Flat indices (m,) of the lattice's valid pixels and their unit vectors (m, D)."""
        import torch
        from torch.nn import functional

        from hsi_studio.methods.common.nn.window_grid import block_values
        from hsi_studio.methods.curated.method import CHUNK

        fitted, network = self._fitted, self._fitted.network
        parts: Any = network
        height, width = self._shape
        heights = fitted.basis.heights(scene)
        rows_at_once = max(1, STRIP_PIXELS // width)
        at, made = [], []
        with torch.inference_mode():
            for top in range(0, height, rows_at_once):
                check(top / height)
                rows = slice(top, min(top + rows_at_once, height))
                valid = scene.valid[rows].copy()
                on = np.zeros_like(valid)
                on[(-top) % self._stride :: self._stride, :: self._stride] = True
                pixel = np.flatnonzero((valid & on).ravel())
                if not pixel.size:
                    continue
                values = block_values(scene, fitted.basis, rows, slice(0, width), fitted.reach, fitted.device, heights)
                chosen = torch.from_numpy(pixel).to(fitted.device)
                if fitted.method == "curated":
                    vectors = parts.dense(values, chosen, width, CHUNK)
                else:
                    features = parts["cnn"].dense(values).flatten(0, 1)[chosen]
                    vectors = functional.normalize(functional.relu(parts["head"].dense(features)), dim=-1)
                at.append(pixel + top * width)
                made.append(vectors.half().cpu())
        return np.concatenate(at), torch.cat(made)

    def query(self, sentences: Sequence[str]) -> FloatArray:
        """(H, W) mean cosine with the sentences; NaN where invalid."""
        import torch
        from torch.nn import functional

        parts: Any = self._fitted.network
        text = torch.from_numpy(self._encoder.encode(list(sentences))).to(self._fitted.device)
        with torch.inference_mode():
            if self._fitted.method == "curated":
                target = parts.prototypes(text)
            else:
                params: Any = self._fitted.params
                anchors = torch.from_numpy(np.array(self._fitted.arrays["anchors"])).to(text.device)
                target = text if params.notebook_literal else functional.normalize(text - anchors.mean(dim=0), dim=-1)
            cosine = (self._vectors.float() @ target.cpu().t()).mean(dim=1).numpy()
        return _on_scene(cosine, self._pixel, self._stride, self._shape)


class ClassSpace:
    """Class probabilities, shared out to a query by the likeness of the class texts."""

    exact = False

    def __init__(self, fitted: Fitted, scene: Scene, encoder: TextEncoder, check: Check) -> None:
        self._encoder = encoder
        texts = _class_texts(fitted)
        vectors = np.stack([encoder.encode(list(own)).mean(axis=0) for own in texts])
        self._centre = vectors.mean(axis=0)
        self._texts = _unit(vectors - self._centre)  # (K, D)
        height, width, _ = scene.shape
        rows_at_once = max(1, STRIP_PIXELS * 10 // width)
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
    facts: Any = getattr(fitted, "facts", {})
    prompts = facts.get("prompts", {}) if isinstance(facts, dict) else {}
    return [[info.name.replace("_", " ").lower(), *prompts.get(info.id, [])] for info in fitted.schema.classes]


def _on_scene(values: FloatArray, pixel: npt.NDArray[np.int64], stride: int, shape: tuple[int, int]) -> FloatArray:
    """Lattice values on the whole grid: each pixel takes its lattice point's."""
    out = np.full(shape, np.nan, dtype=np.float32)
    out.ravel()[pixel] = values
    if stride > 1:
        rows, cols = (np.arange(n) // stride * stride for n in shape)
        out = out[rows[:, None], cols[None, :]]
    return out


def _unit(vectors: npt.NDArray[Any]) -> FloatArray:
    norm = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(norm, 1e-9), dtype=np.float32)
