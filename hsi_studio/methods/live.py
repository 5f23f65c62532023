"""`live`: the map that follows the click. Label-free features once per scene, a closed-form head per click.

Source: ours. The parts are cited where they are: noise-whitened components (`features/spectral.py`),
edge-preserving diffusion (`features/spatial.py`), class-balanced least squares on kernels (`methods/live_head.py`).
The kernel is the mean over scales s of exp(−γ ‖f_s(x) − f_s(x')‖²): two pixels are alike when they are
alike at small and at large scale. Scores are smoothed by a few steps of the same diffusion.

Transductive: unlabelled pixels of the scene take part (components, diffusion), labels only in the head.
Everything a click costs is bounded by `max_nodes`. Larger scenes are mapped on superpixels; on Indian Pines
forced to a tenth of its pixels this costs about the figures in `benchmarks/RESULTS.md`.

Notation: n nodes, N labels, K classes, S scales. Halo: none to the caller; features know the whole scene.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from hsi_studio.errors import LabelProblem, SceneMismatch, TooFewLabels
from hsi_studio.features.cache import FeatureCache
from hsi_studio.features.spatial import diffuse
from hsi_studio.methods import Block, Context, Params, State
from hsi_studio.methods.live_features import Basis, LiveFeatures, Recipe, live_features
from hsi_studio.methods.live_head import KernelHead, calibrate, softmax, solve
from hsi_studio.types import ClassInfo, ClassSchema, FloatArray, IntArray, LabelSet, PromptSet, Scene

CHUNK = 8192  # nodes whose kernel rows are in memory at once


class LiveParams(Params):
    """Defaults were fixed on Indian Pines and checked on other scenes; see benchmarks/RESULTS.md."""

    components: int = Field(40, ge=1, le=100, description="Spectral components kept, fewer where there are fewer bands")
    edge_components: int = Field(3, ge=1, le=20, description="Principal components that decide where edges are")
    edge_strength: float = Field(4.0, gt=0, le=50, description="How much smoothing passes an edge: larger = more")
    scales: tuple[int, ...] = Field(
        (20, 60, 200), min_length=1, max_length=6, description="Smoothing steps, one feature set each, increasing"
    )
    score_smoothing: int = Field(10, ge=0, le=100, description="Smoothing steps on the class scores")
    kernel_width: float = Field(2.0, gt=0, le=100, description="γ of the kernel: larger = more local in feature space")
    ridge: float = Field(0.02, gt=0, le=10, description="How little a single label is trusted")
    use_dsm: bool = Field(True, description="Use the surface model where the scene has one")
    height_weight: float = Field(0.5, gt=0, le=10, description="Weight of heights against the spectrum")
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


@dataclass(frozen=True)
class Support:
    """The labels as the head sees them, in pixel order so that the order of clicks changes nothing."""

    features: tuple[FloatArray, ...]  # S arrays (N, C)
    node: npt.NDArray[np.int64]  # (N,) of the scene it was fitted on
    order: npt.NDArray[np.int64]  # (N,) position in the caller's LabelSet


@dataclass
class LiveFitted:
    """A solved head on a scene's features. Class scores of the nodes are made on first need and kept."""

    schema: ClassSchema
    params: LiveParams
    scene: Scene
    features: LiveFeatures
    support: Support
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
                dual = self.head.dual.astype(np.float32)
                scores = np.empty((self.features.count, dual.shape[1]), dtype=np.float32)
                for start in range(0, scores.shape[0], CHUNK):
                    part = [f[start : start + CHUNK] for f in self.features.scales]
                    scores[start : start + CHUNK] = kernel(part, self.support.features, self.params.kernel_width) @ dual
                scores = diffuse(self.features.walk, scores, [self.params.score_smoothing])[0]
                self._nodes = softmax(scores, self.temperature)
            return self._nodes

    def predict(self, block: Block) -> FloatArray:
        """(K, h, w) float32 summing to 1; NaN at invalid pixels. Raises SceneMismatch for another scene's block."""
        if block.scene.id != self.scene.id:
            raise SceneMismatch(
                f"The model stands on scene {self.scene.id}, the block is from {block.scene.id}: "
                "load the model for that scene, or fit it there."
            )
        nodes = self.node_probabilities()
        index = self.features.index[block.rows, block.cols]  # (h, w)
        out = np.take(nodes.T, np.maximum(index, 0), axis=1)  # (K, h, w)
        out[:, index < 0] = np.nan
        return np.ascontiguousarray(out)

    def leave_one_out(self) -> IntArray:
        """(N,) class each label would get without it, smoothing of scores included; in the LabelSet's order.

        A class with one label is unknown once that is left out, so such a label counts as wrong.
        """
        if self.left_out is not None:
            return self.left_out
        gram = kernel(self.support.features, self.support.features, self.params.kernel_width).astype(np.float64)
        rows = gram
        if self.params.score_smoothing:
            rows = self._smoothed_rows()
        scores = self.head.left_out_scores(rows)
        out = np.empty(scores.shape[0], dtype=np.int64)
        out[self.support.order] = scores.argmax(axis=1)
        return out

    def _smoothed_rows(self) -> npt.NDArray[np.float64]:
        """(N, N) rows of P^t k at the labelled nodes: where scores are read after smoothing."""
        import scipy.sparse as sp

        n, count = self.features.count, self.support.node.size
        picked = sp.csr_matrix(
            (np.ones(count, np.float32), (np.arange(count), self.support.node)), shape=(count, n)
        )  # row i of picked · P^t = how much each node weighs in label i's score
        for _ in range(self.params.score_smoothing):
            picked = picked @ self.features.walk
        near = np.unique(picked.indices)
        part = [f[near] for f in self.features.scales]
        return np.asarray(
            picked[:, near] @ kernel(part, self.support.features, self.params.kernel_width), dtype=np.float64
        )

    def state(self) -> State:
        """Arrays and a JSON header from which `Live.from_state` makes the same map."""
        arrays: dict[str, np.ndarray[Any, Any]] = dict(self.features.basis.arrays())
        arrays |= {f"support_{s}": f for s, f in enumerate(self.support.features)}
        arrays |= {"dual": self.head.dual, "label": self.head.label, "left_out": self.leave_one_out()}
        bands = self.scene.bands
        if bands.wavelength_nm is not None:
            arrays["wavelength_nm"] = bands.wavelength_nm
        header = {
            "method": "live",
            "params": self.params.model_dump(mode="json"),
            "scene": self.home_scene,
            "bands": bands.count,
            "layers": int(self.features.basis.height_mean.size),
            "temperature": self.temperature,
            "classes": [
                {"id": c.id, "name": c.name, "color": c.color, "reference_value": c.reference_value}
                for c in self.schema.classes
            ],
        }
        return State(arrays, header)


def kernel(first: Any, second: Any, width: float) -> FloatArray:
    """(n, m) mean over scales of exp(−width ‖a − b‖²); `first` and `second` hold S arrays (n, C) and (m, C)."""
    out = np.zeros((first[0].shape[0], second[0].shape[0]), dtype=np.float32)
    for a, b in zip(first, second, strict=True):
        distance = np.einsum("nc,nc->n", a, a)[:, None] + np.einsum("mc,mc->m", b, b)[None] - 2.0 * (a @ b.T)
        np.maximum(distance, 0.0, out=distance)
        distance *= -width
        out += np.exp(distance, out=distance)
    out /= len(first)
    return out


class Live:
    """The `live` method. Its only state is a bounded cache of features, which can be dropped at any time."""

    name: ClassVar[str] = "live"
    title: ClassVar[str] = "Live map"
    source: ClassVar[str] = (
        "HSI Studio: noise-whitened components (Green et al. 1988), edge-preserving diffusion (Perona & Malik 1990), "
        "least-squares SVM with closed-form leave-one-out (Suykens 1999; Cawley 2006)"
    )
    Params: ClassVar[type[Params]] = LiveParams
    needs: ClassVar[frozenset[str]] = frozenset()
    halo_px: ClassVar[int] = 0

    def __init__(self, cache: FeatureCache | None = None) -> None:
        self.cache = cache or FeatureCache()

    def prepare(self, scene: Scene, params: LiveParams, ctx: Context) -> None:
        """Make or load the scene's features. Raises BadValues, Cancelled."""
        self._features(scene, params, ctx)

    def fit(self, scene: Scene, labels: LabelSet, prompts: PromptSet, params: LiveParams, ctx: Context) -> LiveFitted:
        """Solve the head. Classes without labels get probability 0 nowhere: give `labels.only_labelled()`.

        Raises TooFewLabels, LabelProblem (all labels of a class on invalid pixels), Cancelled.
        """
        enough_labels(labels)
        features = self._features(scene, params, ctx)
        order = np.lexsort((labels.label, labels.col, labels.row))
        node = features.index[labels.row[order], labels.col[order]].astype(np.int64)
        if (node < 0).any():
            first = int(order[np.flatnonzero(node < 0)[0]])
            raise LabelProblem(
                f"{int((node < 0).sum())} labels lie on pixels without data, the first at row {labels.row[first]}, "
                f"column {labels.col[first]}: remove them."
            )
        ctx.check()
        support = Support(tuple(f[node] for f in features.scales), node, order)
        gram = kernel(support.features, support.features, params.kernel_width).astype(np.float64)
        head = solve(gram, labels.label[order].astype(np.int64), len(labels.schema), params.ridge)
        return LiveFitted(labels.schema, params, scene, features, support, head, calibrate(head), scene.id)

    def from_state(self, state: State, scene: Scene, ctx: Context) -> LiveFitted:
        """The fitted model on `scene`, its own or another with the same bands. Raises SceneMismatch."""
        header, arrays = state.header, state.arrays
        check_scene(state, scene)
        params = LiveParams.model_validate(header["params"])
        basis = Basis.from_arrays(arrays)
        home = header["scene"] == scene.id
        features = self._features(scene, params, ctx, None if home else basis)
        supports = tuple(arrays[f"support_{s}"] for s in range(len(features.scales)))
        count = arrays["label"].size
        schema = ClassSchema(tuple(ClassInfo(**c) for c in header["classes"]))
        # The inverse is not stored: leave-one-out was made when the state was.
        head = KernelHead(arrays["dual"], np.zeros((0, 0)), arrays["label"])
        nowhere = np.full(count, -1, dtype=np.int64)
        return LiveFitted(
            schema, params, scene, features, Support(supports, nowhere, nowhere), head,
            float(header["temperature"]), header["scene"], arrays["left_out"],
        )  # fmt: skip

    def _features(self, scene: Scene, params: LiveParams, ctx: Context, basis: Basis | None = None) -> LiveFeatures:
        folder = ctx.cache_dir / "features" if ctx.cache_dir is not None else None
        return live_features(scene, params.recipe(scene), self.cache, folder, ctx.check, ctx.progress, basis)


def enough_labels(labels: LabelSet) -> None:
    """Raises TooFewLabels, saying what is missing: a map needs two classes, and a label for each class given."""
    counts = labels.counts
    present = [name for name, n in zip(labels.schema.names, counts, strict=True) if n]
    if len(present) == 0:
        raise TooFewLabels("No pixel is labelled yet: label one pixel each of two classes to get a map.")
    if len(present) == 1:
        raise TooFewLabels(f"Only “{present[0]}” has labels: label a pixel of a second class to get a map.")
    missing = [name for name, n in zip(labels.schema.names, counts, strict=True) if not n]
    if missing:
        raise TooFewLabels(
            f"{len(missing)} of {len(labels.schema)} classes have no label ({', '.join(missing[:5])}): "
            "label a pixel of each, or leave these classes out."
        )


def check_scene(state: State, scene: Scene) -> None:
    """Raises SceneMismatch, with both numbers, when the bands, their units or the surface model differ."""
    header, arrays = state.header, state.arrays
    remedy = "open the scene it was trained on, or retrain."
    if header["bands"] != scene.bands.count:
        raise SceneMismatch(f"{header['bands']} bands in the model, {scene.bands.count} in {scene.name}: {remedy}")
    ours, theirs = arrays.get("wavelength_nm"), scene.bands.wavelength_nm
    if ours is not None and theirs is not None:
        apart = np.abs(ours.astype(np.float64) - theirs.astype(np.float64))
        worst = int(np.nanargmax(apart))
        if apart[worst] > 5.0:
            raise SceneMismatch(
                f"Band {worst + 1} is at {ours[worst]:.1f} nm in the model and at {theirs[worst]:.1f} nm in "
                f"{scene.name}: {remedy}"
            )
    if header["scene"] == scene.id:
        return
    bands = arrays["bands"]
    lost = bands[~scene.good_bands[bands]]
    if lost.size:
        raise SceneMismatch(
            f"The model uses {bands.size} bands, {lost.size} of them carry nothing in {scene.name} "
            f"(the first is band {int(lost[0]) + 1}): {remedy}"
        )
    level, here = float(np.median(arrays["mean"])), float(np.median(scene.survey.band_mean[bands]))
    if level > 0 and not 0.1 < here / level < 10:
        raise SceneMismatch(
            f"Typical values are {level:.4g} in the model and {here:.4g} in {scene.name}: the units or the scale "
            f"factor differ; {remedy}"
        )
    if header["layers"] and scene.dsm is None:
        raise SceneMismatch(
            f"{header['layers']} height features in the model, no surface model with {scene.name}: add one, or retrain "
            "without."
        )


METHOD = Live()
