"""What `curated` and `s3fn` share: labels in a fixed order, class anchors from text, saving, blocks.

There is no leave-one-out: a network trained on a label confirms it, N trainings take N times as long, and what
another model gets from the same inputs says nothing about this one (an untrained network would read as 79 %).

A fitted model keeps the components' axes, the network's weights and the encoded texts, so that loading one needs
neither the text encoder nor the scene it was made on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from hsi_studio.features.cache import FeatureCache, cache_key
from hsi_studio.methods.common import label_head, looks
from hsi_studio.methods.common.checks import check_bands, check_state
from hsi_studio.methods.common.label_head import LabelHead, learned
from hsi_studio.methods.common.material_anchors import AnchorEncoder, ClassVectors, class_vectors
from hsi_studio.methods.common.raw_tiles import RawTiles, paste, tiles_of
from hsi_studio.methods.common.smoothing import Known, filled, seen_at
from hsi_studio.methods.common.sorted_labels import Labelled
from hsi_studio.methods.common.state import part
from hsi_studio.methods.common.text_side import TextSide
from hsi_studio.methods.common.time_left import Clock
from hsi_studio.methods.contract import Block, Context, Fitted, Params, State, TextSpace
from hsi_studio.types import ClassSchema, FloatArray, Progress, PromptSet, Scene

if TYPE_CHECKING:
    import torch

    from hsi_studio.methods.common.nn.window_grid import Axes, WindowBasis, WindowEdges
    from hsi_studio.text.encoders import TextEncoder

CACHE_BYTES = 50_000_000  # of components kept in memory: a matrix a scene
GPU_TILES = 4  # times that side on a GPU, which a small block does not keep busy
SMOOTH_PX = 192  # side of blocks that are smoothed: a third of the margin's work at 64
HEAD_PX = 288  # the same with a head, whose margin is three times as wide
TILE_PX = 64  # side of the blocks a scene is mapped in: small enough that stopping takes well under a second


class Encoder(Protocol):
    """The part of `text.encoders.TextEncoder` used here."""

    def encode(self, sentences: list[str]) -> FloatArray: ...


def class_anchors(schema: ClassSchema, prompts: PromptSet, encoder: Encoder) -> FloatArray:
    """(K, D_text) unit vectors: every sentence encoded on its own, averaged within its class, normalised."""
    sentences = [prompts.of(info) for info in schema.classes]
    flat = [sentence for own in sentences for sentence in own]
    encoded = np.asarray(encoder.encode(flat), dtype=np.float32)  # (Σ, D)
    owner = np.repeat(np.arange(len(sentences)), [len(own) for own in sentences])
    anchors = np.zeros((len(sentences), encoded.shape[1]), dtype=np.float32)
    np.add.at(anchors, owner, encoded)
    return normalised(anchors)


def anchors_of(
    schema: ClassSchema,
    prompts: PromptSet,
    anchors: str,
    text_encoder: str,
    wavelength_nm: FloatArray | None,
    ctx: Context,
) -> ClassVectors:
    """(K, D) of the sentences, of the materials they mean, or both (`material_anchors.py`). Raises FileProblem."""
    text = class_anchors(schema, prompts, open_encoder(text_encoder, ctx))
    return class_vectors(anchors, schema, prompts, text, wavelength_nm, ctx.cache_dir)


def normalised(vectors: FloatArray) -> FloatArray:
    """Rows of length 1; zero rows stay zero."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-12), dtype=np.float32)


def open_encoder(spec: str, ctx: Context) -> Encoder:
    """The frozen sentence encoder. Raises FileProblem when its files are not there."""
    from hsi_studio.text.encoders import get_encoder

    return get_encoder(spec, cache_dir=ctx.cache_dir)


def scene_basis(
    scene: Scene,
    axes: Axes,
    most: int,
    variance: float,
    whitening: float,
    use_dsm: bool,
    cache: FeatureCache,
    ctx: Context,
    weighting: str = "root",
) -> WindowBasis:
    """A scene's components (`nn/window_grid.fit_basis`), from the cache or fitted now. Raises BadValues, Cancelled."""
    from hsi_studio.methods.common.nn.window_grid import BASIS_VERSION, WindowBasis, fit_basis

    def part(fraction: float) -> None:
        ctx.check()
        ctx.progress(Progress("Learning the spectral components", 0.01 + 0.03 * fraction, 1.0))

    ctx.check()
    ctx.progress(Progress("Reading the scene", 0.0, 1.0))
    chosen: dict[str, Any] = {"axes": axes, "most": most, "variance": variance, "whitening": whitening}
    if axes != "pca":
        chosen["weighting"] = weighting
    use_dsm = use_dsm and scene.dsm is not None
    if use_dsm:
        chosen["dsm"] = True
    key = cache_key(scene.id, "window_basis", BASIS_VERSION, chosen)
    folder = ctx.cache_dir / "features" if ctx.cache_dir is not None else None

    def made() -> dict[str, npt.NDArray[Any]]:
        return fit_basis(scene, axes, most, variance, whitening, part, use_dsm, weighting).arrays()

    arrays = cache.get(key, made, folder)
    ctx.progress(Progress("Learning the spectral components", 0.05, 1.0))
    return WindowBasis.from_arrays(arrays)


@dataclass
class WindowFitted(Fitted):
    """A trained network on windows. `probabilities(values, pixel, width)` → (m, K) of chosen pixels of a block."""

    method: str
    schema: ClassSchema
    params: Params
    basis: WindowBasis
    network: torch.nn.Module
    probabilities: Callable[[torch.Tensor, torch.Tensor, int], torch.Tensor]
    reach: int  # (P − 1) / 2
    device: str
    arrays: dict[str, npt.NDArray[Any]]  # what the method keeps beside the network: texts
    facts: dict[str, Any]  # header entries: version, bands, classes, prompts, losses
    network_px: int = TILE_PX  # side of the tiles that go through the network
    wavelength_nm: FloatArray | None = None
    words: TextSide | None = None
    training: dict[str, float] = field(default_factory=dict)  # final loss, temperature, seconds; for people
    smoothing: int = 0  # steps within edges; 0 = the network's own probabilities
    edge_strength: float = 4.0
    home: Scene | None = None  # that it was made for or loaded on: the only one `warm` can know
    head: LabelHead | None = None  # joins the smoothed map; None = that alone
    _raw: RawTiles = field(default_factory=RawTiles, repr=False)
    _heights: tuple[str, FloatArray | None] | None = field(default=None, repr=False)  # of the scene last asked about

    @property
    def tile_px(self) -> int | None:  # type: ignore[override]
        """Side of the blocks it is best asked for: smoothed ones repeat a margin."""
        side = SMOOTH_PX if self.head is None else HEAD_PX
        return max(side, self.network_px) if self.smoothing else self.network_px

    def warm(self, ctx: Context) -> None:
        """Run the network over the scene it stands on, where its answers can be kept. Raises Cancelled."""
        scene = self.home
        if not self.smoothing or scene is None or not self._raw.holds(scene, len(self.schema)):
            return
        height, width, _ = scene.shape
        clock, tiles = Clock(), list(tiles_of(slice(0, height), slice(0, width), self.network_px, scene))
        for number, block in enumerate(tiles):
            ctx.check()
            share = number / len(tiles)
            ctx.progress(Progress("Running the network over the scene", share, 1.0, clock.left(share)))
            self._raw.get(block, self.network_answers)

    def predict(self, block: Block) -> FloatArray:
        """(K, h, w) float32 summing to 1; NaN at invalid pixels. Raises SceneMismatch for other bands."""
        if not self.smoothing:
            return self.network_answers(block)
        known = self._known(block.scene)

        def alone(row: npt.NDArray[np.int64], col: npt.NDArray[np.int64]) -> FloatArray:
            one = [
                known(slice(r, r + 1), slice(c, c + 1))[0, 0] for r, c in zip(row.tolist(), col.tolist(), strict=True)
            ]
            return np.stack(one)

        smooth = filled(
            self._edges(block.scene), known, alone, block.rows, block.cols, self.smoothing, self.edge_strength,
            head=self.head,
        )  # fmt: skip
        return np.ascontiguousarray(smooth.transpose(2, 0, 1))  # (K, h, w)

    def matched(self, at: Labelled, ctx: Context) -> WindowFitted:
        """With a head that knows what the smoothed map says at the labels (`label_head.py`). Raises Cancelled."""
        if not self.smoothing or self.home is None:
            return self
        ctx.progress(Progress("Comparing the map with the labels", 1.0, 1.0))
        edged, known = self._edges(self.home), self._known(self.home, ctx.check)
        row, col = at.row.astype(np.int64), at.col.astype(np.int64)
        far, made = seen_at(edged, known, row, col, self.smoothing, self.edge_strength, ctx.check)
        return replace(self, head=learned(far, at.label, len(self.schema), made))

    def _edges(self, scene: Scene) -> WindowEdges:
        from hsi_studio.methods.common.nn.window_grid import WindowEdges

        return WindowEdges(scene, self.basis, self._heights_of(scene))

    def _known(self, scene: Scene, check: Callable[[], None] = lambda: None) -> Known:
        """What gives the network's answers in a window (h, w, K), from those that are kept where it was asked."""

        def known(rows: slice, cols: slice) -> FloatArray:
            out = np.full((rows.stop - rows.start, cols.stop - cols.start, len(self.schema)), np.nan, dtype=np.float32)
            for tile in tiles_of(rows, cols, self.network_px, scene):
                check()
                paste(out, rows, cols, tile, self._raw.get(tile, self.network_answers))
            return out

        return known

    def network_answers(self, block: Block) -> FloatArray:
        """(K, h, w) before any smoothing. Raises SceneMismatch for other bands."""
        import torch

        check_bands(self.facts, self.wavelength_nm, self.basis.projection.bands, block.scene)
        try:
            return self._answers(block)
        except torch.OutOfMemoryError:
            h, w = block.shape
            if h * w == 1:
                raise
            torch.cuda.empty_cache()
        # No room on the GPU: in halves, across the longer side. Windows overlap, results do not depend on the cut.
        axis = 0 if h >= w else 1
        cut = block.rows if axis == 0 else block.cols
        middle = (cut.start + cut.stop) // 2
        halves = []
        for side in (slice(cut.start, middle), slice(middle, cut.stop)):
            half = replace(block, rows=side) if axis == 0 else replace(block, cols=side)
            halves.append(self.network_answers(half))
        return np.concatenate(halves, axis=1 + axis)

    def _answers(self, block: Block) -> FloatArray:
        import torch

        from hsi_studio.methods.common.nn.memory import to_device
        from hsi_studio.methods.common.nn.window_grid import block_values

        h, w = block.shape
        out = np.full((len(self.schema), h * w), np.nan, dtype=np.float32)
        pixel = np.flatnonzero(block.valid.ravel())
        if pixel.size:
            with torch.inference_mode():
                heights = self._heights_of(block.scene)
                values = block_values(block.scene, self.basis, block.rows, block.cols, self.reach, self.device, heights)
                found = self.probabilities(values, to_device(pixel, self.device), w)
            out[:, pixel] = found.float().cpu().numpy().T
        return out.reshape(-1, h, w)

    def _heights_of(self, scene: Scene) -> FloatArray | None:
        """Made once a scene, not once a block. Raises SceneMismatch."""
        kept = self._heights
        if kept is None or kept[0] != scene.id:
            kept = self._heights = (scene.id, self.basis.heights(scene))
        return kept[1]

    @property
    def sentences(self) -> Mapping[str, Sequence[str]]:
        found: dict[str, list[str]] = self.facts["prompts"]
        return found

    @property
    def notes(self) -> tuple[str, ...]:
        return (*self.facts.get("notes", ()), *looks.said(self.training.get(looks.SHARE)), *label_head.said(self.head))

    def text_space(
        self, scene: Scene, encoder: Callable[[str], TextEncoder], check: Callable[[float], None]
    ) -> TextSpace | None:
        """See `text_side.py`. Raises what `check` raises, SceneMismatch."""
        from hsi_studio.methods.common.text_side import WindowSpace

        if self.words is None:
            return None
        check_bands(self.facts, self.wavelength_nm, self.basis.projection.bands, scene)
        asked = AnchorEncoder(
            self.words.anchors, encoder(self.words.encoder), self.wavelength_nm, encoder("minilm").encode
        )
        return WindowSpace(self.words, self.basis, self.reach, self.device, scene, asked, check)

    def state(self) -> State:
        """Arrays and a JSON header from which `from_state` makes the same map."""
        arrays = {f"net.{name}": value.detach().cpu().numpy() for name, value in self.network.state_dict().items()}
        arrays |= {f"basis.{name}": value for name, value in self.basis.arrays().items()}
        arrays |= {f"own.{name}": value for name, value in self.arrays.items()}
        if self.head is not None:
            arrays |= {f"head.{name}": value for name, value in self.head.arrays().items()}
        if self.wavelength_nm is not None:
            arrays["wavelength_nm"] = self.wavelength_nm
        header = self.facts | {
            "method": self.method,
            "params": self.params.model_dump(mode="json"),
            "training": self.training,
            "classes": self.schema.to_json(),
        }
        return State(arrays, header)


@dataclass(frozen=True)
class Ground:
    """What a fitted model stands on beside its network: made by `fit`, or read back from a state."""

    schema: ClassSchema
    basis: WindowBasis
    facts: dict[str, Any]  # header entries every state has
    wavelength_nm: FloatArray | None
    device: str
    scene: Scene
    head: LabelHead | None = None  # of a state; a fit makes one when it is done

    @staticmethod
    def of_fit(
        scene: Scene,
        schema: ClassSchema,
        prompts: PromptSet,
        version: int,
        basis: WindowBasis,
        device: str,
        notes: Sequence[str] = (),
    ) -> Ground:
        facts = {
            "version": version,
            "scene": scene.id,
            "bands": scene.bands.count,
            "prompts": {info.id: list(prompts.of(info)) for info in schema.classes},
        } | ({"notes": list(notes)} if notes else {})
        return Ground(schema, basis, facts, scene.bands.wavelength_nm, device, scene)

    @staticmethod
    def of_state(state: State, scene: Scene, version: int, device: str) -> Ground:
        """Raises SceneMismatch: see `check_state`."""
        from hsi_studio.methods.common.nn.window_grid import WindowBasis

        check_state(state, scene, version)
        facts = {key: state.header[key] for key in ("version", "scene", "bands", "prompts")}
        facts |= {"notes": state.header["notes"]} if "notes" in state.header else {}
        schema, basis = ClassSchema.from_json(state.header["classes"]), WindowBasis.from_arrays(part(state, "basis."))
        head = LabelHead.from_arrays(part(state, "head."))
        return Ground(schema, basis, facts, state.arrays.get("wavelength_nm"), device, scene, head)

    def fitted(
        self,
        method: str,
        params: Params,
        network: torch.nn.Module,
        probabilities: Callable[[torch.Tensor, torch.Tensor, int], torch.Tensor],
        reach: int,
        arrays: dict[str, npt.NDArray[Any]],
        training: dict[str, float],
        words: TextSide,
        tile_px: int = TILE_PX,
        smoothing: int = 0,
        edge_strength: float = 4.0,
    ) -> WindowFitted:
        """A network on this ground."""
        return WindowFitted(
            method, self.schema, params, self.basis, network, probabilities, reach, self.device, arrays,
            self.facts, tile_px * (GPU_TILES if self.device.startswith("cuda") else 1), self.wavelength_nm, words,
            training, smoothing, edge_strength, self.scene, self.head,
        )  # fmt: skip

    def key(self, method: str, params: Params, seed: int, at: Labelled, text: FloatArray, share: float) -> str:
        """What a training on this ground depends on, for its checkpoints. `share`: of pixels by themselves."""
        from hsi_studio.methods.common.nn.resume import fingerprint

        kind = self.device.split(":")[0]
        values = params.model_dump(mode="json")
        return fingerprint(
            method,
            self.facts["version"],
            self.facts["scene"],
            values,
            seed,
            kind,
            at.row,
            at.col,
            at.label,
            text,
            share,
        )
