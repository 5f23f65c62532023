"""What `curated` and `s3fn` share: labels in a fixed order, class anchors from text, leave-one-out, saving, blocks.

Leave-one-out. A network trained on a label confirms it, so asking the trained network says nothing, and N trainings
take N times as long. What is reported instead is the exact leave-one-out of a small label-free model on what the
network is given: class-balanced least squares (`kernel_head.py`) on the components of the pixel and their mean over
its window. It is honest about each label and cautious about the network, which usually does better.

A fitted model keeps the components' axes, the network's weights and the encoded texts, so that loading one needs
neither the text encoder nor the scene it was made on.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from hsi_studio.errors import LabelProblem, SceneMismatch
from hsi_studio.features.cache import FeatureCache, cache_key
from hsi_studio.methods import Block, Context, Params, State
from hsi_studio.methods.common.checks import enough_labels
from hsi_studio.methods.common.kernel_head import kernel, solve, thin
from hsi_studio.methods.common.time_left import Clock
from hsi_studio.types import ClassInfo, ClassSchema, FloatArray, IntArray, LabelSet, Progress, PromptSet, Scene

if TYPE_CHECKING:
    import torch

    from hsi_studio.methods.common.nn.window_grid import Axes, Grid, WindowBasis

MAX_LEFT_OUT = 2500  # labels whose leave-one-out is solved exactly; the others are told by that solution
CACHE_BYTES = 50_000_000  # of components kept in memory: a matrix a scene
GPU_TILES = 4  # times that side on a GPU, which a small block does not keep busy
TILE_PX = 64  # side of the blocks a scene is mapped in: small enough that stopping takes well under a second


class Encoder(Protocol):
    """The part of `text.encoders.TextEncoder` used here."""

    def encode(self, sentences: list[str]) -> FloatArray: ...


@dataclass(frozen=True)
class Labelled:
    """Labels sorted by pixel, so that the order of clicks changes nothing. `position[n]`: where n stood before."""

    row: IntArray
    col: IntArray
    label: npt.NDArray[np.int64]
    position: npt.NDArray[np.int64]
    classes: int


def sorted_labels(scene: Scene, labels: LabelSet) -> Labelled:
    """Raises TooFewLabels; LabelProblem for labels on pixels without data."""
    enough_labels(labels)
    empty = np.flatnonzero(~scene.valid[labels.row, labels.col])
    if empty.size:
        raise LabelProblem(
            f"{empty.size} labels lie on pixels without data, the first at row {labels.row[empty[0]]}, "
            f"column {labels.col[empty[0]]}: remove them."
        )
    order = np.lexsort((labels.label, labels.col, labels.row))
    label = labels.label[order].astype(np.int64)
    return Labelled(labels.row[order], labels.col[order], label, order, len(labels.schema))


def class_anchors(schema: ClassSchema, prompts: PromptSet, encoder: Encoder) -> FloatArray:
    """(K, D_text) unit vectors: every sentence encoded on its own, averaged within its class, normalised."""
    sentences = [prompts.of(info) for info in schema.classes]
    flat = [sentence for own in sentences for sentence in own]
    encoded = np.asarray(encoder.encode(flat), dtype=np.float32)  # (Σ, D)
    owner = np.repeat(np.arange(len(sentences)), [len(own) for own in sentences])
    anchors = np.zeros((len(sentences), encoded.shape[1]), dtype=np.float32)
    np.add.at(anchors, owner, encoded)
    return normalised(anchors)


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
) -> WindowBasis:
    """A scene's components (`nn/window_grid.fit_basis`), from the cache or fitted now. Raises BadValues, Cancelled."""
    from hsi_studio.methods.common.nn.window_grid import BASIS_VERSION, WindowBasis, fit_basis

    def part(fraction: float) -> None:
        ctx.check()
        ctx.progress(Progress("Learning the spectral components", 0.01 + 0.03 * fraction, 1.0))

    ctx.check()
    ctx.progress(Progress("Reading the scene", 0.0, 1.0))
    chosen: dict[str, Any] = {"axes": axes, "most": most, "variance": variance, "whitening": whitening}
    use_dsm = use_dsm and scene.dsm is not None
    if use_dsm:
        chosen["dsm"] = True
    key = cache_key(scene.id, "window_basis", BASIS_VERSION, chosen)
    folder = ctx.cache_dir / "features" if ctx.cache_dir is not None else None
    arrays = cache.get(key, lambda: fit_basis(scene, axes, most, variance, whitening, part, use_dsm).arrays(), folder)
    ctx.progress(Progress("Learning the spectral components", 0.05, 1.0))
    return WindowBasis.from_arrays(arrays)


def left_out_classes(features: FloatArray, at: Labelled) -> IntArray:
    """(N,) class of each label by leave-one-out, in the caller's order; features (N, C) in sorted order.

    The kernel's width is the median squared distance between labels. A class with one label is unknown without it,
    so such a label counts as wrong.
    """
    few = thin(at.label, MAX_LEFT_OUT)
    known = features[few]
    square = np.einsum("nc,nc->n", known, known)
    distance = square[:, None] + square[None] - 2.0 * known @ known.T
    middle = float(np.median(distance[np.triu_indices(len(few), 1)]))
    width = 1.0 / max(middle, 1e-12)
    head = solve(kernel(known, known, width).astype(np.float64), at.label[few], at.classes, 0.02)
    told = (kernel(features, known, width) @ head.dual).argmax(axis=1)
    told[few] = head.left_out_scores().argmax(axis=1)
    out = np.empty(at.label.size, dtype=np.int64)
    out[at.position] = told
    return out


def window_features(grid: Grid, side: int) -> FloatArray:
    """(N, 2·C) components of each label's pixel and their mean over its window."""
    import torch

    parts = []
    for which in torch.split(torch.arange(grid.centre.shape[0], device=grid.rows.device), 512):
        x = grid.windows(which, side)  # (n, P, P, C)
        parts.append(torch.cat([x[:, side // 2, side // 2], x.mean(dim=(1, 2))], dim=1))
    return np.asarray(torch.cat(parts).cpu().numpy(), dtype=np.float32)


class Steps:
    """Progress and cancel of a run of equal steps that spans [start, stop] of the whole work."""

    def __init__(self, ctx: Context, message: str, total: int, start: float = 0.0, stop: float = 1.0) -> None:
        self._ctx, self._message, self._total = ctx, message, max(total, 1)
        self._start, self._share = start, stop - start
        self._said, self._clock = time.perf_counter(), Clock()
        ctx.check()
        ctx.progress(Progress(message, start, 1.0))

    def __call__(self, step: int, note: str = "") -> None:
        """Call after step `step` (from 0). Raises Cancelled."""
        self._ctx.check()
        now, passed = time.perf_counter(), (step + 1) / self._total
        left = self._clock.left(passed)  # its first question is at the first step done here, after a pause as well
        if now - self._said < 0.25 and step + 1 < self._total:
            return
        self._said = now
        done = self._start + self._share * passed
        self._ctx.progress(Progress(self._message + note, done, 1.0, left))


def torch_generator(seed: int) -> torch.Generator:
    """A generator on the CPU, so that every device draws the same numbers."""
    import torch

    return torch.Generator().manual_seed(seed)


def step_count(labels: int, batch: int, epochs: int, least: int, most: int) -> int:
    """Steps of a training: epochs × batches an epoch, within bounds: few labels still train, many still end."""
    return max(1, min(max(-(-labels // batch) * epochs, least), most))


def warm_cosine(step: int, total: int, warm: float = 0.1) -> float:
    """Factor on the learning rate: linear to 1 over the first tenth of the steps, then half a cosine to 0."""
    first = max(1.0, warm * total)
    if step < first:
        return (step + 1) / first
    return 0.5 * (1 + math.cos(math.pi * (step - first) / max(total - first, 1)))


@dataclass
class WindowFitted:
    """A trained network on windows. `probabilities(values, pixel, width)` → (m, K) of chosen pixels of a block."""

    method: str
    schema: ClassSchema
    params: Params
    basis: WindowBasis
    network: torch.nn.Module
    probabilities: Callable[[torch.Tensor, torch.Tensor, int], torch.Tensor]
    reach: int  # (P − 1) / 2
    device: str
    left_out: IntArray
    arrays: dict[str, npt.NDArray[Any]]  # what the method keeps beside the network: texts
    facts: dict[str, Any]  # header entries: version, bands, classes, prompts, losses
    tile_px: int = TILE_PX
    wavelength_nm: FloatArray | None = None
    training: dict[str, float] = field(default_factory=dict)  # final loss, temperature, seconds; for people
    _heights: tuple[str, FloatArray | None] | None = field(default=None, repr=False)  # of the scene last asked about

    def predict(self, block: Block) -> FloatArray:
        """(K, h, w) float32 summing to 1; NaN at invalid pixels. Raises SceneMismatch for other bands."""
        import torch

        check_bands(self.facts, self.wavelength_nm, self.basis.projection.bands, block.scene)
        try:
            return self._predict(block)
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
            halves.append(self.predict(half))
        return np.concatenate(halves, axis=1 + axis)

    def _predict(self, block: Block) -> FloatArray:
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

    def leave_one_out(self) -> IntArray:
        """(N,) see the file's header."""
        return self.left_out

    def state(self) -> State:
        """Arrays and a JSON header from which `from_state` makes the same map."""
        arrays = {f"net.{name}": value.detach().cpu().numpy() for name, value in self.network.state_dict().items()}
        arrays |= {f"basis.{name}": value for name, value in self.basis.arrays().items()}
        arrays |= {f"own.{name}": value for name, value in self.arrays.items()} | {"left_out": self.left_out}
        if self.wavelength_nm is not None:
            arrays["wavelength_nm"] = self.wavelength_nm
        header = self.facts | {
            "method": self.method,
            "params": self.params.model_dump(mode="json"),
            "training": self.training,
            "classes": class_entries(self.schema),
        }
        return State(arrays, header)


@dataclass(frozen=True)
class Ground:
    """What a fitted model stands on beside its network: made by `fit`, or read back from a state."""

    schema: ClassSchema
    basis: WindowBasis
    left_out: IntArray
    facts: dict[str, Any]  # header entries every state has
    wavelength_nm: FloatArray | None
    device: str

    @staticmethod
    def of_fit(
        scene: Scene, schema: ClassSchema, prompts: PromptSet, version: int, basis: WindowBasis, left_out: IntArray,
        device: str,
    ) -> Ground:  # fmt: skip
        facts = {
            "version": version,
            "scene": scene.id,
            "bands": scene.bands.count,
            "prompts": {info.id: list(prompts.of(info)) for info in schema.classes},
        }
        return Ground(schema, basis, left_out, facts, scene.bands.wavelength_nm, device)

    @staticmethod
    def of_state(state: State, scene: Scene, version: int, device: str) -> Ground:
        """Raises SceneMismatch: see `check_state`."""
        from hsi_studio.methods.common.nn.window_grid import WindowBasis

        check_state(state, scene, version)
        facts = {key: state.header[key] for key in ("version", "scene", "bands", "prompts")}
        return Ground(
            classes_of(state), WindowBasis.from_arrays(part(state, "basis.")), state.arrays["left_out"], facts,
            state.arrays.get("wavelength_nm"), device,
        )  # fmt: skip

    def fitted(
        self,
        method: str,
        params: Params,
        network: torch.nn.Module,
        probabilities: Callable[[torch.Tensor, torch.Tensor, int], torch.Tensor],
        reach: int,
        arrays: dict[str, npt.NDArray[Any]],
        training: dict[str, float],
        tile_px: int = TILE_PX,
    ) -> WindowFitted:
        """A network on this ground."""
        return WindowFitted(
            method, self.schema, params, self.basis, network, probabilities, reach, self.device, self.left_out, arrays,
            self.facts, tile_px * (GPU_TILES if self.device.startswith("cuda") else 1), self.wavelength_nm, training,
        )  # fmt: skip

    def key(self, method: str, params: Params, seed: int, at: Labelled, text: FloatArray) -> str:
        """What a training on this ground depends on, for its checkpoints."""
        from hsi_studio.methods.common.nn.resume import fingerprint

        kind = self.device.split(":")[0]
        values = params.model_dump(mode="json")
        return fingerprint(
            method, self.facts["version"], self.facts["scene"], values, seed, kind, at.row, at.col, at.label, text
        )


def part(state: State, prefix: str) -> dict[str, npt.NDArray[Any]]:
    """The arrays whose names start with `prefix`, without it."""
    return {name[len(prefix) :]: value for name, value in state.arrays.items() if name.startswith(prefix)}


def load_network(make: Callable[[], torch.nn.Module], state: State, device: str) -> Any:
    """The network of a state, on the device. Raises ValueError when the state's arrays are not those of the network."""
    import torch

    from hsi_studio.methods.common.nn.layers import same_shapes

    weights = part(state, "net.")
    same_shapes(make, weights)
    network = make()
    network.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in weights.items()})
    return network.to(device).eval()


def check_state(state: State, scene: Scene, version: int) -> None:
    """Raises SceneMismatch when the bands, their values, the heights or the program's version are not the model's."""
    from hsi_studio.methods.common.nn.window_grid import WindowBasis

    if state.header["version"] != version:
        raise SceneMismatch(
            f"The model was made with version {state.header['version']} of the method, this program has {version}: "
            "retrain."
        )
    basis = part(state, "basis.")
    check_bands(state.header, state.arrays.get("wavelength_nm"), basis["bands"], scene)
    WindowBasis.from_arrays(basis).check_heights(scene)
    if state.header["scene"] == scene.id:
        return
    level, here = float(np.median(basis["mean"])), float(np.median(scene.survey.band_mean[basis["bands"]]))
    if level > 0 and not 0.1 < here / level < 10:
        raise SceneMismatch(
            f"Typical values are {level:.4g} in the model and {here:.4g} in {scene.name}: the units or the scale "
            "factor differ; open the scene it was trained on, or retrain."
        )


def check_bands(facts: dict[str, Any], wavelength_nm: FloatArray | None, bands: IntArray, scene: Scene) -> None:
    """Raises SceneMismatch, with both numbers, when a scene's bands are not the model's."""
    remedy = "open the scene it was trained on, or retrain."
    if facts["bands"] != scene.bands.count:
        raise SceneMismatch(f"{facts['bands']} bands in the model, {scene.bands.count} in {scene.name}: {remedy}")
    if facts["scene"] == scene.id:
        return
    theirs = scene.bands.wavelength_nm
    if wavelength_nm is not None and theirs is not None:
        apart = np.abs(wavelength_nm.astype(np.float64) - theirs.astype(np.float64))
        worst = int(np.nanargmax(apart))
        if apart[worst] > 5.0:
            raise SceneMismatch(
                f"Band {worst + 1} is at {wavelength_nm[worst]:.1f} nm in the model and at {theirs[worst]:.1f} nm in "
                f"{scene.name}: {remedy}"
            )
    lost = bands[~scene.good_bands[bands]]
    if lost.size:
        raise SceneMismatch(
            f"The model uses {bands.size} bands, {lost.size} of them carry nothing in {scene.name} (the first is band "
            f"{int(lost[0]) + 1}): {remedy}"
        )


def class_entries(schema: ClassSchema) -> list[dict[str, Any]]:
    """A schema as JSON; `classes_of` reads it back."""
    return [
        {"id": c.id, "name": c.name, "color": c.color, "reference_value": c.reference_value} for c in schema.classes
    ]


def classes_of(state: State) -> ClassSchema:
    return ClassSchema(tuple(ClassInfo(**c) for c in state.header["classes"]))
