"""A model on windows asked in words: vectors of a scene's pixels once, then a product a query.

A method gives its two sides (`TextSide`): pixels → unit vectors, encoded sentences → unit vectors in the same space.
Vectors of a lattice of pixels are made once and kept (at most `MOST_PIXELS`; larger scenes are sampled).

Notation: m lattice pixels, n sentences, D dimensions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hsi_studio.methods.common.material_anchors import Encoder
from hsi_studio.types import FloatArray, Scene

if TYPE_CHECKING:
    import torch

    from hsi_studio.methods.common.nn.window_grid import WindowBasis

MOST_PIXELS = 60_000
STRIP_PIXELS = 20_000


@dataclass(frozen=True)
class TextSide:
    """`pixels(values, pixel, width)` → (m, D) of chosen pixels of a block; `texts((n, D_text))` → (n, D)."""

    encoder: str  # of the sentences, as `text.encoders.get_encoder` takes it
    pixels: Callable[[torch.Tensor, torch.Tensor, int], torch.Tensor]
    texts: Callable[[torch.Tensor], torch.Tensor]
    anchors: str = "text"  # what sentences become: `material_anchors.py`


class WindowSpace:
    """A `contract.TextSpace`: one scene's pixels beside a text side. Raises what `check` raises, SceneMismatch."""

    def __init__(
        self,
        side: TextSide,
        basis: WindowBasis,
        reach: int,
        device: str,
        scene: Scene,
        encoder: Encoder,
        check: Callable[[float], None],
    ) -> None:
        self._side, self._basis, self._reach, self._device, self._encoder = side, basis, reach, device, encoder
        self._shape = scene.shape[:2]
        self._stride = max(1, int(np.ceil(np.sqrt(scene.shape[0] * scene.shape[1] / MOST_PIXELS))))
        self._pixel, self._vectors = self._embed(scene, check)

    def _embed(self, scene: Scene, check: Callable[[float], None]) -> tuple[npt.NDArray[np.int64], Any]:
        """Flat indices (m,) of the lattice's valid pixels and their unit vectors (m, D)."""
        import torch

        from hsi_studio.methods.common.nn.window_grid import block_values

        height, width = self._shape
        heights = self._basis.heights(scene)
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
                values = block_values(scene, self._basis, rows, slice(0, width), self._reach, self._device, heights)
                vectors = self._side.pixels(values, torch.from_numpy(pixel).to(self._device), width)
                at.append(pixel + top * width)
                made.append(vectors.half().cpu())
        return np.concatenate(at), torch.cat(made)

    def query(self, sentences: Sequence[str]) -> FloatArray:
        """(H, W) mean cosine with the sentences; NaN where invalid."""
        import torch

        text = torch.from_numpy(self._encoder.encode(list(sentences))).to(self._device)
        with torch.inference_mode():
            target = self._side.texts(text)
            cosine = (self._vectors.float() @ target.cpu().t()).mean(dim=1).numpy()
        return _on_scene(cosine, self._pixel, self._stride, self._shape)


def _on_scene(values: FloatArray, pixel: npt.NDArray[np.int64], stride: int, shape: tuple[int, int]) -> FloatArray:
    """Lattice values on the whole grid: each pixel takes its lattice point's."""
    out = np.full(shape, np.nan, dtype=np.float32)
    out.ravel()[pixel] = values
    if stride > 1:
        rows, cols = (np.arange(n) // stride * stride for n in shape)
        out = out[rows[:, None], cols[None, :]]
    return out
