"""`diffclip` after training: the network on a scene, its class scores at lattice pixels, its map, its state on disk.

Scores are made strip by strip on first need, or all at once by `warm`, and kept: (H/stride, W/stride, K) numbers.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from hsi_studio.errors import SceneMismatch
from hsi_studio.features.cache import Arrays
from hsi_studio.methods.common import label_head, looks
from hsi_studio.methods.common.label_head import LabelHead, learned
from hsi_studio.methods.common.looks import HALF, SHARE
from hsi_studio.methods.common.smoothing import FARTHER, filled, seen_at, steps_for
from hsi_studio.methods.common.time_left import Clock
from hsi_studio.methods.contract import Block, Context, Fitted, State
from hsi_studio.methods.diffclip.encoder_cache import VERSION
from hsi_studio.methods.diffclip.inputs import SceneInputs
from hsi_studio.methods.diffclip.params import DiffClipParams
from hsi_studio.types import ClassSchema, FloatArray, Progress

if TYPE_CHECKING:
    import torch

    from hsi_studio.methods.diffclip.networks import Members


@dataclass
class DiffClipFitted(Fitted):
    """A trained network on a scene. Class scores of lattice pixels are made on first need and kept."""

    schema: ClassSchema
    params: DiffClipParams
    inputs: SceneInputs
    image: Members
    prototypes: FloatArray  # (K, G·E) unit vectors of G members
    inverse_temperature: float
    home_scene: str
    device: str
    history: dict[str, Any]  # losses, temperature, seconds: for people
    head: LabelHead | None = None  # joins the smoothed map; None = that alone
    _scores: FloatArray | None = None  # (H/stride, W/stride, K), NaN where not known
    _done: npt.NDArray[np.bool_] | None = None  # (H/stride,) lattice rows that are known
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def stride(self) -> int:
        """Pixels between the lattice's."""
        height, width, _ = self.inputs.scene.shape
        return self.params.stride_on(height * width)

    def warm(self, ctx: Context) -> None:
        """Run the network over the whole scene now, looking at cancel several times a second. Raises Cancelled."""
        height = self.inputs.scene.shape[0]
        self._ensure(slice(0, height), ctx.check, ctx.progress)

    def predict(self, block: Block) -> FloatArray:
        """(K, h, w) float32 summing to 1; NaN at invalid pixels. Raises SceneMismatch for another scene's block."""
        if block.scene.id != self.inputs.scene.id:
            raise SceneMismatch(
                f"The model stands on scene {self.inputs.scene.id}, the block is from {block.scene.id}: "
                "load the model for that scene, or fit it there."
            )
        p = self.params
        steps = steps_for(self.stride, p.smoothing)
        out = filled(
            self.inputs, self._known, self._classify, block.rows, block.cols, steps, p.edge_strength, head=self.head
        )
        return np.ascontiguousarray(out.transpose(2, 0, 1))  # (K, h, w)

    def matched(
        self, row: npt.NDArray[np.int64], col: npt.NDArray[np.int64], label: npt.NDArray[np.int64], ctx: Context
    ) -> DiffClipFitted:
        """With a head that knows what the smoothed map says at the labels (`label_head.py`). Raises Cancelled."""
        p, steps = self.params, steps_for(self.stride, self.params.smoothing)
        if not steps:
            return self
        reach, height = FARTHER * steps + 1, self.inputs.scene.shape[0]
        self._ensure(
            slice(max(int(row.min()) - reach, 0), min(int(row.max()) + reach + 1, height)), ctx.check, ctx.progress
        )
        far, made = seen_at(self.inputs, self._known, row, col, steps, p.edge_strength, ctx.check)
        return replace(self, head=learned(far, label, len(self.schema), made))

    def at(self, row: npt.NDArray[np.int64], col: npt.NDArray[np.int64]) -> FloatArray:
        """(m, K) probabilities of single pixels, without smoothing: for a first look while the training runs."""
        return self._classify(row, col)

    def embed(self, block: Block) -> FloatArray:
        """(h, w, E) unit vectors of every pixel; NaN at invalid ones."""
        valid = block.valid
        row, col = np.nonzero(valid)
        out = np.full((*valid.shape, self.prototypes.shape[1]), np.nan, dtype=np.float32)
        out[valid] = self._vectors(row + block.rows.start, col + block.cols.start)
        return out

    @property
    def notes(self) -> tuple[str, ...]:
        return (*self.history.get("notes", ()), *looks.said(self.history.get(SHARE)), *label_head.said(self.head))

    def text_vectors(self) -> FloatArray:
        """(K, E): see `prototypes`."""
        return self.prototypes

    def state(self) -> State:
        """Arrays and a JSON header from which `DiffClip.from_state` makes the same map."""
        scene, scaling = self.inputs.scene, self.inputs.scaling
        arrays: Arrays = {f"net.{name}": value.cpu().numpy() for name, value in self.image.state_dict().items()}
        arrays |= scaling.arrays()
        if self.head is not None:
            arrays |= {f"head.{name}": value for name, value in self.head.arrays().items()}
        arrays |= {"prototypes": self.prototypes, "bands": scaling.bands, "mean": scaling.centre}
        if scene.bands.wavelength_nm is not None:
            arrays["wavelength_nm"] = scene.bands.wavelength_nm
        header = {
            "method": "diffclip",
            "params": self.params.model_dump(mode="json"),
            "features_version": VERSION,
            "scene": self.home_scene,
            "bands": scene.bands.count,
            "layers": int(scaling.height_centre.size),
            "inverse_temperature": self.inverse_temperature,
            "history": self.history,
            "classes": self.schema.to_json(),
        }
        return State(arrays, header)

    def _probabilities(self, z: torch.Tensor) -> FloatArray:
        """(m, E) → (m, K). Where pixels are seen alone as well, theirs and those of their patches, mixed."""
        import torch

        share = float(self.history.get(SHARE, HALF)) if self.params.alone else 0.0
        classes = torch.tensor(self.prototypes, device=z.device)
        parts, weights = [slice(None)], [1.0]
        if self.params.alone:  # the first half of the looks are at patches; a half's vectors have length √½
            middle = z.shape[1] // 2
            parts, weights = [slice(middle), slice(middle, None)], [1.0 - share, share]
        sharpness = self.inverse_temperature * len(parts)
        with torch.inference_mode():
            looks = [(sharpness * z[:, at] @ classes[:, at].T).softmax(dim=1) for at in parts]
            mixed = sum(weight * look for weight, look in zip(weights, looks, strict=True))
            found: FloatArray = cast(torch.Tensor, mixed).cpu().numpy()
        return found

    def _vectors(self, row: npt.NDArray[np.int64], col: npt.NDArray[np.int64]) -> FloatArray:
        """(m, E) of any pixels, patch by patch."""
        import torch

        from hsi_studio.methods.diffclip.networks import CHUNK_TOKENS, scene_tokens
        from hsi_studio.methods.diffclip.patch_tokens import layout

        which = layout(self.params.tokens, self.params.patch)
        out = np.empty((row.size, self.prototypes.shape[1]), dtype=np.float32)
        chunk = max(1, CHUNK_TOKENS // (1 + len(which)))
        with torch.inference_mode():
            for start in range(0, row.size, chunk):
                at = slice(start, start + chunk)
                tokens = scene_tokens(self.inputs, which, row[at], col[at], self.device)
                t = torch.zeros(tokens[0].shape[0], dtype=torch.long, device=self.device)
                out[at] = self.image(tokens, t).cpu().numpy()
        return out

    def _classify(self, row: npt.NDArray[np.int64], col: npt.NDArray[np.int64]) -> FloatArray:
        import torch

        return self._probabilities(torch.tensor(self._vectors(row, col), device=self.device))

    def _known(self, rows: slice, cols: slice) -> FloatArray:
        """(h, w, K) with NaN off the lattice."""
        scores = self._ensure(rows)
        stride = self.stride
        out = np.full((rows.stop - rows.start, cols.stop - cols.start, len(self.schema)), np.nan, dtype=np.float32)
        first_r, first_c = -(-rows.start // stride), -(-cols.start // stride)
        lattice = scores[first_r : -(-rows.stop // stride), first_c : -(-cols.stop // stride)]
        out[first_r * stride - rows.start :: stride, first_c * stride - cols.start :: stride] = lattice
        return out

    def _ensure(
        self,
        rows: slice,
        check: Callable[[], None] = lambda: None,
        progress: Callable[[Progress], None] = lambda _: None,
    ) -> FloatArray:
        """The lattice's scores, known at least in `rows`."""
        from hsi_studio.methods.diffclip.networks import lattice_embeddings, strips
        from hsi_studio.methods.diffclip.patch_tokens import layout

        height, width, _ = self.inputs.scene.shape
        stride = self.stride
        which = layout(self.params.tokens, self.params.patch)
        with self._lock:
            if self._scores is None or self._done is None:
                shape = (-(-height // stride), -(-width // stride), len(self.schema))
                self._scores = np.full(shape, np.nan, dtype=np.float32)
                self._done = np.zeros(shape[0], dtype=bool)
            clock = Clock()
            parts = list(strips(self.inputs, which, self.params.width, stride))
            parts = [p for p in parts if p.stop > rows.start and p.start < rows.stop]
            for number, part in enumerate(parts):
                mine = slice(part.start // stride, -(-part.stop // stride))
                if self._done[mine].all():
                    continue

                def done(fraction: float, number: int = number) -> None:
                    share = (number + fraction) / len(parts)
                    progress(Progress("Running the network over the scene", share, 1.0, clock.left(share)))

                r, c, z = lattice_embeddings(self.inputs, which, self.image, part, stride, self.device, check, done)
                self._scores[r // stride, c // stride] = self._probabilities(z)
                self._done[mine] = True
            return self._scores
