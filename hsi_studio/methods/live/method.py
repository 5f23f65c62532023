"""`live`: the map that follows the click. Label-free features once per scene, a closed-form head per click.

Source: ours. The parts are cited where they are: noise-whitened components (`features/spectral.py`), edge-preserving
diffusion (`features/spatial.py`), class-balanced least squares on kernels (`methods/common/kernel_head.py`). One
kernel a metric and scale, k = exp(−γ ‖f(x) − f(x')‖²); what they weigh is decided at every click among eighteen
views (`views.py`): by what the scene tells without labels, and from two labels a class on by closed-form leave-one-out,
because fields want much smoothing and cities none, and few materials other components than many. So is the ridge.
From two labels of a class on, linear discriminants of unsmoothed and little smoothed components and shapes
(`methods/common/discriminant.py`) share in the probabilities, as far as labels that are left out speak for them: many
labels on mixed pixels want few parameters. Where left-out labels say that it helps, the labels around a place vote for
it, too (`nearby.py`).
Where the surroundings know what the class names mean (`Context.words`), they are a prior (`words.py`).

Transductive: unlabelled pixels of the scene take part (components, diffusion), labels only in the head.
Everything a click costs is bounded by `max_nodes`: larger scenes are mapped on superpixels, which costs some
accuracy. Indian Pines (21,025 pixels) forced onto 5,000 nodes loses 0.5 points of overall accuracy at 5 labels a
class and 1.0 at 20; onto 2,100 nodes 1.1 and 1.9 (means of 20 random draws).

Notation: n nodes, N labels, K classes, S scales, J kernels in use. Features know the whole scene.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from hsi_studio.errors import SceneMismatch
from hsi_studio.features.cache import FeatureCache, cache_key
from hsi_studio.features.spatial import mean_on
from hsi_studio.methods.common.checks import check_scene, enough_labels, labels_on_data
from hsi_studio.methods.common.discriminant import Discriminant
from hsi_studio.methods.common.kernel_head import (
    KernelHead,
    calibrate,
    choose_ridge,
    kernel,
    labels_a_class,
    labels_say_something,
    mix_views,
    softmax,
    solve,
    thin,
)
from hsi_studio.methods.common.places import share_in_one_place
from hsi_studio.methods.common.threads import THREADS, one_thread_a_product, share
from hsi_studio.methods.contract import Block, Context, Fitted, Method, Params, State, Values, WordsTold
from hsi_studio.methods.live.features import VERSION, Basis, LiveFeatures, Place, Recipe, live_features
from hsi_studio.methods.live.linear import Linear, beside, fit_linear
from hsi_studio.methods.live.nearby import Nearby, Places, again, fit_nearby, places_of
from hsi_studio.methods.live.views import GROUPS, Kernel, kernels, preference, views
from hsi_studio.methods.live.words import Gate, gate, prior_scores, with_prior
from hsi_studio.types import ClassSchema, FloatArray, IntArray, LabelSet, PromptSet, Scene

CHUNK = 2048  # nodes whose kernel rows are in memory at once: they stay in the processor's cache
MAX_SUPPORT = 2500  # labels the head is solved on; more are thinned class by class
MAX_VIEW_SUPPORT = 120  # labels that choose the views
NEAR = 0.75  # of the classes in one place each: then labels do not say how sure the map is
MOST_KERNELS = 5  # that a map is made of: each costs time at every click


class LiveParams(Params):
    """Defaults were fixed on the development scenes of benchmarks/scenes.py; others were looked at: LOOKS.md there."""

    components: int = Field(40, ge=1, le=100, description="Spectral components kept, fewer where there are fewer bands")
    edge_components: int = Field(3, ge=1, le=20, description="Principal components that decide where edges are")
    edge_strength: float = Field(4.0, gt=0, le=50, description="How much smoothing passes an edge: larger = more")
    scales: tuple[Annotated[int, Field(ge=1, le=2000)], ...] = Field(
        (2, 5, 20, 60, 200), min_length=1, max_length=8, description="Smoothing steps, one feature set each"
    )
    smoothing: Literal["auto", "pixel", "fine", "coarse"] = Field(
        "auto", description="Which scales decide: auto = chosen at every click by leave-one-out on the labels"
    )
    kernel_width: float = Field(1.5, gt=0, le=100, description="γ of the kernel: larger = more local in feature space")
    ridge: float = Field(
        0.2,
        gt=0,
        le=10,
        description="How little the only label of a class is trusted; from two on, leave-one-out helps",
    )
    use_dsm: bool = Field(True, description="Use the surface model where the scene has one")
    height_weight: float = Field(0.08, gt=0, le=10, description="Weight of heights against the spectrum")
    max_nodes: int = Field(40_000, ge=100, le=200_000, description="Scenes with more pixels are mapped on superpixels")
    nearby: bool = Field(True, description="Labels speak for the places around them, as far as left-out labels agree")
    words: bool = Field(True, description="Start from what the class names mean, where the labels agree with them")

    def recipe(self, scene: Scene) -> Recipe:
        return Recipe(
            components=self.components,
            edge_components=self.edge_components,
            edge_strength=self.edge_strength,
            scales=tuple(sorted(set(self.scales))),
            height_weight=self.height_weight if self.use_dsm and scene.dsm is not None else 0.0,
            max_nodes=self.max_nodes,
        )

    def scale_groups(self) -> tuple[str, ...]:
        """Groups of scales that may decide."""
        return GROUPS if self.smoothing == "auto" else (self.smoothing,)

    def linear_places(self, features: LiveFeatures) -> tuple[Place, ...]:
        """Family and scale of every discriminant."""
        count = len(features.principal)
        middle = {"pixel": (0,), "fine": (count // 3,), "coarse": (2 * count // 3,), "auto": (0, count // 3)}
        scales = tuple(dict.fromkeys(middle[self.smoothing]))
        families = ("principal", "shape") if features.shape else ("principal",)
        return tuple((family, scale) for family in families for scale in scales)


@dataclass(frozen=True)
class Support:
    """The M ≤ N labels the head was solved on, in pixel order so that the order of clicks changes nothing."""

    features: tuple[FloatArray, ...]  # J arrays (M, C), in the kernels' own metrics
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
    kernels: tuple[Kernel, ...]  # J
    weights: npt.NDArray[np.float64]  # (J,)
    head: KernelHead
    temperature: float
    home_scene: str  # id of the scene the labels lie on
    linear: Linear = field(default_factory=Linear)
    left_out: IntArray | None = None  # (N,) set when loaded from a state
    nearby: Nearby = field(default_factory=Nearby)
    gate: Gate | None = None  # whether the labels agree with the class names; None = nothing is known of those
    prior: FloatArray | None = None  # (n, K) what the words add to the scores of the nodes
    without_words: LiveFitted | None = None  # the same head without that: what is saved
    _nodes: FloatArray | None = None  # (n, K)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def node_probabilities(self) -> FloatArray:
        """(n, K) float32, rows sum to 1."""
        with self._lock:
            if self._nodes is None:
                nodes = np.empty((self.features.count, len(self.schema)), dtype=np.float32)

                def fill(first: int) -> None:
                    for start in range(first * CHUNK, nodes.shape[0], THREADS * CHUNK):
                        rows = slice(start, min(start + CHUNK, nodes.shape[0]))
                        nodes[rows] = self.probabilities_of(rows)

                share(fill)
                self._nodes = nodes
            return self._nodes

    def probabilities_of(self, rows: slice | npt.NDArray[np.int64]) -> FloatArray:
        """(m, K) of some nodes."""
        mixed = self.linear.mixed(softmax(self._scores(rows), self.temperature), self.features, rows)
        return self.nearby.beside(mixed, rows)

    def _scores(self, rows: slice | npt.NDArray[np.int64]) -> FloatArray:
        """(m, K) class scores of some nodes."""
        dual = self.head.dual.astype(np.float32)
        scores: FloatArray | None = None
        for one, weight, support in zip(self.kernels, self.weights.tolist(), self.support.features, strict=True):
            k = kernel(one.of(self.features, rows), support, self.params.kernel_width)
            part = k @ (np.float32(weight) * dual)
            scores = part if scores is None else scores + part
        if self.prior is not None and scores is not None:
            scores += self.prior[rows]
        return np.asarray(scores, dtype=np.float32)

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

        A class with one label is unknown once that is left out, so such a label counts as wrong. Weights of the
        kernels, shares of the discriminants and the power of `nearby` are kept, not chosen again without the label.
        Labels beyond MAX_SUPPORT took no part in the fit.
        """
        if self.left_out is not None:
            return self.left_out
        out = np.full(self.support.node.size, -1, dtype=np.int64)
        told = self.linear.left_out if self.nearby.left_out is None else self.nearby.left_out
        found = self.head.left_out_scores() if told is None else told
        out[self.support.position] = found.argmax(axis=1)
        rest = np.flatnonzero(out < 0)
        if rest.size:
            out[rest] = self.probabilities_of(self.support.node[rest]).argmax(axis=1)
        return out

    def words_told(self) -> WordsTold | None:
        gate = self.gate
        return None if gate is None else WordsTold(gate.p, gate.tested, gate.alarms, self.without_words)

    def state(self) -> State:
        """Arrays and a JSON header from which `Live.from_state` makes the same map; the words stay with their scene."""
        if self.without_words is not None:
            return self.without_words.state()
        arrays: dict[str, np.ndarray[Any, Any]] = dict(self.features.basis.arrays())
        arrays |= {f"support_{j}": f for j, f in enumerate(self.support.features)}
        arrays |= {f"factor_{j}": k.factor for j, k in enumerate(self.kernels) if k.factor is not None}
        arrays |= {
            **{f"linear_weight_{e}": one.weight for e, one in enumerate(self.linear.heads)},
            **{f"linear_offset_{e}": one.offset for e, one in enumerate(self.linear.heads)},
            "shares": self.linear.shares,
            "weights": self.weights,
            "dual": self.head.dual,
            "label": self.head.label,
            "left_out": self.leave_one_out(),
        }
        near = self.nearby.places
        if self.nearby.power and near is not None:
            arrays |= {"near_row": near.row, "near_col": near.col}
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
            "kernels": [[one.family, one.scale] for one in self.kernels],
            "linear": [list(place) for place in self.linear.places],
            "power": self.linear.power,
            "nearby": self.nearby.header(),
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
    ablations: ClassVar[Mapping[str, Values]] = {"smoothing": {"smoothing": "pixel"}, "nearby": {"nearby": False}}
    label_free: ClassVar[frozenset[str]] = frozenset({
        "components", "edge_components", "edge_strength", "scales", "use_dsm", "height_weight", "max_nodes",
    })  # fmt: skip

    def __init__(self, cache: FeatureCache | None = None) -> None:
        self.cache = cache or FeatureCache()

    def prepare(self, scene: Scene, params: LiveParams, ctx: Context) -> None:
        """Make or load the scene's features. Raises BadValues, Cancelled."""
        import sklearn.covariance  # noqa: F401 - needed at a click, which has no second to spare for loading it

        self._features(scene, params, ctx)

    def fit(self, scene: Scene, labels: LabelSet, prompts: PromptSet, params: LiveParams, ctx: Context) -> LiveFitted:
        """Solve the head. Every class of the schema needs a label: see `LabelSet.only_labelled`.

        Raises TooFewLabels, LabelProblem (a label on an invalid pixel), BadValues, Cancelled.
        """
        enough_labels(labels)
        features = self._features(scene, params, ctx)
        with one_thread_a_product():
            return self._solved(scene, features, labels, params, ctx)

    def _solved(
        self, scene: Scene, features: LiveFeatures, labels: LabelSet, params: LiveParams, ctx: Context
    ) -> LiveFitted:
        labels_on_data(features.index >= 0, labels)
        node = features.index[labels.row, labels.col].astype(np.int64)  # (N,)
        ctx.check()
        order = np.lexsort((labels.label, labels.col, labels.row))
        position = order[thin(labels.label[order], MAX_SUPPORT)]
        label, classes = labels.label[position].astype(np.int64), len(labels.schema)
        nodes, offered = node[position], kernels(features)
        groups = params.scale_groups()
        table = views(len(features.white), groups, features.dimensions.size)
        prior = preference(features.basis.components.noise, features.dimensions, classes, groups)
        few = thin(label, MAX_VIEW_SUPPORT)
        grams = [np.zeros((0, 0))] * len(offered)
        used = np.flatnonzero(table.any(axis=0)).tolist()
        ridge = params.ridge / labels_a_class(label)
        if labels_say_something(label):
            for j in used:
                f = offered[j].of(features, nodes[few])
                grams[j] = kernel(f, f, params.kernel_width).astype(np.float64)
        every = mix_views(grams, label[few], classes, ridge, table, prior, MOST_KERNELS)
        ctx.check()
        chosen = np.flatnonzero(every).tolist()
        support = Support(tuple(offered[j].of(features, nodes) for j in chosen), position, node)
        gram = np.zeros((label.size, label.size))
        for j, f in zip(chosen, support.features, strict=True):
            gram += every[j] * kernel(f, f, params.kernel_width)
        ridge = choose_ridge(gram[np.ix_(few, few)], label[few], classes, ridge)
        head = solve(gram, label, classes, ridge)
        temperature, _ = calibrate(head)
        near = share_in_one_place(labels, scene.shape) >= NEAR
        linear = fit_linear(features, params.linear_places(features), nodes, label, head, temperature, near)
        places = places_of(features.index, labels.row[position], labels.col[position], label)
        plain = LiveFitted(
            labels.schema, params, scene, features, support, tuple(offered[j] for j in chosen), every[chosen], head,
            temperature, scene.id, linear, nearby=self._nearby(features, places, head, temperature, linear, params),
        )  # fmt: skip
        return self._with_words(plain, nodes, places, ctx) if params.words else plain

    def _nearby(
        self,
        features: LiveFeatures,
        places: Places,
        head: KernelHead,
        temperature: float,
        linear: Linear,
        params: LiveParams,
    ) -> Nearby:
        """What the labels around a place add to the mixture."""
        if not params.nearby:
            return Nearby()
        left_out = linear.left_out if linear.left_out is not None else softmax(head.left_out_scores(), temperature)
        return fit_nearby(features.index, places, len(left_out[0]), left_out, linear.near)

    def _with_words(self, plain: LiveFitted, nodes: npt.NDArray[np.int64], places: Places, ctx: Context) -> LiveFitted:
        """The fit with its class names as a prior, where they are known and the labels agree with them."""
        said = ctx.words(plain.scene, tuple(plain.schema.names))
        if said is None or len(said.kept) < 2:
            return plain
        index, head = plain.features.index, plain.head
        key = cache_key(plain.scene.id, "live_words", 1, {"stamp": said.stamp, "nodes": plain.features.count})
        there = said.index.astype(np.int32)
        words = self.cache.get(key, lambda: {"words": mean_on(there, said.probability, index)})["words"]
        asked = gate(words[nodes], head.label, said.kept)
        if not asked.open:
            return replace(plain, gate=asked)
        better, c = with_prior(head, words[nodes], said.kept)
        temperature, _ = calibrate(better)
        linear = beside(plain.linear, head.label, better, temperature)
        return replace(
            plain, head=better, temperature=temperature, linear=linear, gate=asked, prior=prior_scores(words, c),
            nearby=self._nearby(plain.features, places, better, temperature, linear, plain.params), without_words=plain,
            _lock=threading.Lock(),
        )  # fmt: skip

    def from_state(self, state: State, scene: Scene, ctx: Context) -> LiveFitted:
        """The fitted model on `scene`, its own or another with the same bands. Raises SceneMismatch."""
        header, arrays = state.header, state.arrays
        check_scene(state, scene, VERSION)
        params = LiveParams.model_validate(header["params"]).model_copy(update={"use_dsm": bool(header["layers"])})
        basis = Basis.from_arrays(arrays)
        home = header["scene"] == scene.id
        features = self._features(scene, params, ctx, None if home else basis)
        scales = len(features.white)
        # Models of before there were metrics: principal components not smoothed, whitened ones smoothed, all kept.
        old = [["principal", 0], *(["white", s] for s in range(1, scales))]
        used = [Kernel(f, s, arrays.get(f"factor_{j}")) for j, (f, s) in enumerate(header.get("kernels", old))]
        kept = np.flatnonzero(arrays["weights"]).tolist()
        supports = tuple(arrays[f"support_{j}"] for j in kept)
        schema = ClassSchema.from_json(header["classes"])
        # The inverse is not stored: leave-one-out was made when the state was.
        head = KernelHead(arrays["dual"], np.zeros((0, 0)), arrays["label"])
        nowhere = np.zeros(0, dtype=np.int64)
        # Models of before there were discriminants have none, of before there were shapes those of components.
        told = [("principal", p) if isinstance(p, int) else p for p in header.get("linear", ())]
        at = tuple((str(family), int(scale)) for family, scale in told)
        heads = tuple(Discriminant(arrays[f"linear_weight_{e}"], arrays[f"linear_offset_{e}"]) for e in range(len(at)))
        power = float(header.get("power", 1.0))  # models of before it: none
        linear = Linear(at, heads, arrays["shares"], power) if at else Linear()
        spoken: dict[str, float] = header.get("nearby") or {}  # models of before it have none
        nearby = Nearby()
        if home and spoken:  # labels speak for their own scene
            where = Places(arrays["near_row"], arrays["near_col"], arrays["label"], spoken["spread"])
            nearby = again(features.index, where, len(schema), spoken["power"])
        return LiveFitted(
            schema, params, scene, features, Support(supports, nowhere, nowhere), tuple(used[j] for j in kept),
            arrays["weights"][kept], head, float(header["temperature"]), header["scene"], linear, arrays["left_out"],
            nearby,
        )  # fmt: skip

    def _features(self, scene: Scene, params: LiveParams, ctx: Context, basis: Basis | None = None) -> LiveFeatures:
        folder = ctx.cache_dir / "features" if ctx.cache_dir is not None else None
        return live_features(scene, params.recipe(scene), self.cache, folder, ctx.check, ctx.progress, basis)
