"""`live`: the map that follows the click. Label-free features once per scene, a closed-form head per click.

Source: ours. The parts are cited where they are: noise-whitened components (`features/spectral.py`), edge-preserving
diffusion (`features/spatial.py`), class-balanced least squares on kernels (`methods/common/kernel_head.py`). One
kernel a scale s, k_s = exp(−γ ‖f_s(x) − f_s(x')‖²); their weights are chosen at every click among three views (pixel,
fine, coarse) by closed-form leave-one-out, because fields want much smoothing and cities none.

Transductive: unlabelled pixels of the scene take part (components, diffusion), labels only in the head.
Everything a click costs is bounded by `max_nodes`: larger scenes are mapped on superpixels, which costs some
accuracy. Indian Pines (21,025 pixels) forced onto 5,000 nodes loses 0.5 points of overall accuracy at 5 labels a
class and 1.0 at 20; onto 2,100 nodes 1.1 and 1.9 (means of 20 random draws).

Notation: n nodes, N labels, K classes, S scales. Features know the whole scene.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from hsi_studio.errors import SceneMismatch
from hsi_studio.features.cache import FeatureCache
from hsi_studio.methods.common.checks import check_scene, enough_labels, labels_on_data
from hsi_studio.methods.common.kernel_head import KernelHead, calibrate, kernel, mix_views, softmax, solve, thin
from hsi_studio.methods.contract import Block, Context, Fitted, Method, Params, State, Values
from hsi_studio.methods.live.features import VERSION, Basis, LiveFeatures, Recipe, live_features
from hsi_studio.types import ClassSchema, FloatArray, IntArray, LabelSet, PromptSet, Scene

CHUNK = 2048  # nodes whose kernel rows are in memory at once: they stay in the processor's cache
MAX_SUPPORT = 2500  # labels the head is solved on; more are thinned class by class
MAX_VIEW_SUPPORT = 400  # labels that choose the scales
PRIOR = {"pixel": 0.2, "fine": 0.2, "coarse": 0.6}  # before leave-one-out says anything


class LiveParams(Params):
    """Defaults were fixed on Indian Pines and checked on other scenes; see benchmarks/RESULTS.md."""

    components: int = Field(40, ge=1, le=100, description="Spectral components kept, fewer where there are fewer bands")
    edge_components: int = Field(3, ge=1, le=20, description="Principal components that decide where edges are")
    edge_strength: float = Field(4.0, gt=0, le=50, description="How much smoothing passes an edge: larger = more")
    scales: tuple[Annotated[int, Field(ge=1, le=2000)], ...] = Field(
        (2, 5, 20, 60, 200), min_length=1, max_length=8, description="Smoothing steps, one feature set each"
    )
    smoothing: Literal["auto", "pixel", "fine", "coarse"] = Field(
        "auto", description="Which scales decide: auto = chosen at every click by leave-one-out on the labels"
    )
    kernel_width: float = Field(2.0, gt=0, le=100, description="γ of the kernel: larger = more local in feature space")
    ridge: float = Field(0.02, gt=0, le=10, description="How little a single label is trusted")
    use_dsm: bool = Field(True, description="Use the surface model where the scene has one")
    height_weight: float = Field(0.08, gt=0, le=10, description="Weight of heights against the spectrum")
    max_nodes: int = Field(40_000, ge=100, le=200_000, description="Scenes with more pixels are mapped on superpixels")

    def recipe(self, scene: Scene) -> Recipe:
        return Recipe(
            components=self.components,
            edge_components=self.edge_components,
            edge_strength=self.edge_strength,
            scales=tuple(sorted(set(self.scales))),
            height_weight=self.height_weight if self.use_dsm and scene.dsm is not None else 0.0,
            max_nodes=self.max_nodes,
        )

    def views(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Weightings (V, S) of the pixel scale and the smoothed ones, and their prior (V,).

        pixel = no or least smoothing; fine, coarse = the lower and the upper half of the scales.
        """
        count = len(set(self.scales))
        rank = np.arange(count + 1)  # 0 = the pixel scale
        views = {
            "pixel": rank <= 1,
            "fine": (rank >= 1) & (rank <= (count + 1) // 2),
            "coarse": rank > count // 2,
        }
        names = list(views) if self.smoothing == "auto" else [self.smoothing]
        table = np.array([views[name] for name in names], dtype=np.float64)
        prior = np.array([PRIOR[name] for name in names])
        return table / table.sum(axis=1, keepdims=True), prior / prior.sum()


@dataclass(frozen=True)
class Support:
    """The M ≤ N labels the head was solved on, in pixel order so that the order of clicks changes nothing."""

    features: tuple[FloatArray, ...]  # S arrays (M, C)
    position: npt.NDArray[np.int64]  # (M,) in the caller's LabelSet
    node: npt.NDArray[np.int64]  # (N,) of every label, in the caller's order; empty when loaded from a state


@dataclass
class LiveFitted(Fitted):
    """A solved head on a scene's features. Class scores of the nodes are made on first need and kept."""

    schema: ClassSchema
    params: LiveParams
    scene: Scene
    features: LiveFeatures
    support: Support
    weights: npt.NDArray[np.float64]  # (S,) of the scales' kernels
    head: KernelHead
    temperature: float
    home_scene: str  # id of the scene the labels lie on
    left_out: IntArray | None = None  # (N,) set when loaded from a state
    _nodes: FloatArray | None = None  # (n, K)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def node_probabilities(self) -> FloatArray:
        """(n, K) float32, rows sum to 1."""
        with self._lock:
            if self._nodes is None:
                self._nodes = softmax(self._scores(self.features.scales), self.temperature)
            return self._nodes

    def _scores(self, scales: tuple[FloatArray, ...]) -> FloatArray:
        """(m, K) class scores of features (m, C) at every scale."""
        dual = self.head.dual.astype(np.float32)
        scores = np.zeros((scales[0].shape[0], dual.shape[1]), dtype=np.float32)
        for start in range(0, scores.shape[0], CHUNK):
            rows = slice(start, start + CHUNK)
            for s in np.flatnonzero(self.weights):
                k = kernel(scales[s][rows], self.support.features[s], self.params.kernel_width)
                scores[rows] += k @ (np.float32(self.weights[s]) * dual)
        return scores

    def predict(self, block: Block) -> FloatArray:
        """(K, h, w) float32 summing to 1; NaN at invalid pixels. Raises SceneMismatch for another scene's block."""
        self._check_scene(block)
        nodes = self.node_probabilities()
        index = self.features.index[block.rows, block.cols]  # (h, w)
        out = np.take(nodes.T, np.maximum(index, 0), axis=1)  # (K, h, w)
        out[:, index < 0] = np.nan
        return np.ascontiguousarray(out)

    def predict_best(self, block: Block) -> tuple[npt.NDArray[np.uint16], FloatArray]:
        """(h, w) label codes (class + 1, 0 where invalid) and (h, w) confidence: two look-ups a pixel."""
        self._check_scene(block)
        nodes = self.node_probabilities()
        best = nodes.argmax(axis=1)
        # One entry more than nodes: index −1, an invalid pixel, takes the last.
        label = np.append(best + 1, 0).astype(np.uint16)
        confidence = np.append(nodes[np.arange(best.size), best], np.nan).astype(np.float32)
        index = self.features.index[block.rows, block.cols]
        return label[index], confidence[index]

    def _check_scene(self, block: Block) -> None:
        if block.scene.id != self.scene.id:
            raise SceneMismatch(
                f"The model stands on scene {self.scene.id}, the block is from {block.scene.id}: "
                "load the model for that scene, or fit it there."
            )

    def leave_one_out(self) -> IntArray:
        """(N,) class each label would get from a fit without it, in closed form; in the LabelSet's order.

        A class with one label is unknown once that is left out, so such a label counts as wrong. The scales'
        weights are kept, not chosen again without the label. Labels beyond MAX_SUPPORT took no part in the fit.
        """
        if self.left_out is not None:
            return self.left_out
        out = np.full(self.support.node.size, -1, dtype=np.int64)
        out[self.support.position] = self.head.left_out_scores().argmax(axis=1)
        rest = np.flatnonzero(out < 0)
        if rest.size:
            nodes = self.support.node[rest]
            out[rest] = self._scores(tuple(f[nodes] for f in self.features.scales)).argmax(axis=1)
        return out

    def state(self) -> State:
        """Arrays and a JSON header from which `Live.from_state` makes the same map."""
        arrays: dict[str, np.ndarray[Any, Any]] = dict(self.features.basis.arrays())
        arrays |= {f"support_{s}": f for s, f in enumerate(self.support.features)}
        arrays |= {
            "weights": self.weights,
            "dual": self.head.dual,
            "label": self.head.label,
            "left_out": self.leave_one_out(),
        }
        bands = self.scene.bands
        if bands.wavelength_nm is not None:
            arrays["wavelength_nm"] = bands.wavelength_nm
        header = {
            "method": "live",
            "params": self.params.model_dump(mode="json"),
            "features_version": VERSION,
            "scene": self.home_scene,
            "bands": bands.count,
            "layers": int(self.params.recipe(self.scene).height_weight > 0),
            "temperature": self.temperature,
            "classes": self.schema.to_json(),
        }
        return State(arrays, header)


class Live(Method):
    """The `live` method. Its only state is a bounded cache of features, which can be dropped at any time."""

    name: ClassVar[str] = "live"
    title: ClassVar[str] = "Live map"
    source: ClassVar[str] = (
        "HSI Studio: noise-whitened components (Green et al. 1988), edge-preserving diffusion (Perona & Malik 1990), "
        "least-squares SVM with closed-form leave-one-out (Suykens 1999; Cawley 2006)"
    )
    Params: ClassVar[type[Params]] = LiveParams
    ablations: ClassVar[Mapping[str, Values]] = {"smoothing": {"smoothing": "pixel"}}
    label_free: ClassVar[frozenset[str]] = frozenset({
        "components", "edge_components", "edge_strength", "scales", "use_dsm", "height_weight", "max_nodes",
    })  # fmt: skip

    def __init__(self, cache: FeatureCache | None = None) -> None:
        self.cache = cache or FeatureCache()

    def prepare(self, scene: Scene, params: LiveParams, ctx: Context) -> None:
        """Make or load the scene's features. Raises BadValues, Cancelled."""
        self._features(scene, params, ctx)

    def fit(self, scene: Scene, labels: LabelSet, prompts: PromptSet, params: LiveParams, ctx: Context) -> LiveFitted:
        """Solve the head. Every class of the schema needs a label: see `LabelSet.only_labelled`.

        Raises TooFewLabels, LabelProblem (a label on an invalid pixel), BadValues, Cancelled.
        """
        enough_labels(labels)
        features = self._features(scene, params, ctx)
        labels_on_data(features.index >= 0, labels)
        node = features.index[labels.row, labels.col].astype(np.int64)  # (N,)
        ctx.check()
        order = np.lexsort((labels.label, labels.col, labels.row))
        position = order[thin(labels.label[order], MAX_SUPPORT)]
        label, classes = labels.label[position].astype(np.int64), len(labels.schema)
        support = Support(tuple(f[node[position]] for f in features.scales), position, node)
        views, prior = params.views()
        weights = views[0]
        if len(views) > 1:
            few = thin(label, MAX_VIEW_SUPPORT)
            grams = [kernel(f[few], f[few], params.kernel_width).astype(np.float64) for f in support.features]
            weights = mix_views(grams, label[few], classes, params.ridge, views, prior)
        ctx.check()
        gram = np.zeros((label.size, label.size))
        for s in np.flatnonzero(weights):
            gram += weights[s] * kernel(support.features[s], support.features[s], params.kernel_width)
        head = solve(gram, label, classes, params.ridge)
        temperature, _ = calibrate(head)
        return LiveFitted(labels.schema, params, scene, features, support, weights, head, temperature, scene.id)

    def from_state(self, state: State, scene: Scene, ctx: Context) -> LiveFitted:
        """The fitted model on `scene`, its own or another with the same bands. Raises SceneMismatch."""
        header, arrays = state.header, state.arrays
        check_scene(state, scene, VERSION)
        params = LiveParams.model_validate(header["params"]).model_copy(update={"use_dsm": bool(header["layers"])})
        basis = Basis.from_arrays(arrays)
        home = header["scene"] == scene.id
        features = self._features(scene, params, ctx, None if home else basis)
        supports = tuple(arrays[f"support_{s}"] for s in range(len(features.scales)))
        schema = ClassSchema.from_json(header["classes"])
        # The inverse is not stored: leave-one-out was made when the state was.
        head = KernelHead(arrays["dual"], np.zeros((0, 0)), arrays["label"])
        nowhere = np.zeros(0, dtype=np.int64)
        return LiveFitted(
            schema, params, scene, features, Support(supports, nowhere, nowhere), arrays["weights"], head,
            float(header["temperature"]), header["scene"], arrays["left_out"],
        )  # fmt: skip

    def _features(self, scene: Scene, params: LiveParams, ctx: Context, basis: Basis | None = None) -> LiveFeatures:
        folder = ctx.cache_dir / "features" if ctx.cache_dir is not None else None
        return live_features(scene, params.recipe(scene), self.cache, folder, ctx.check, ctx.progress, basis)
