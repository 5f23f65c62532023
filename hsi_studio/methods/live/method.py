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
What a click solves is bounded by `max_nodes`: larger scenes are mapped on superpixels, with pixels between them
(`features/guide.py`). Forced onto superpixels of 4 and of 25 pixels Indian Pines (21,025 pixels) has 83.1 and 83.1
instead of 82.8 at 5 labels a class and 95.2 and 94.6 instead of 95.8 at 20, the town 91.9 and 90.3 instead of 91.9,
96.1 and 93.5 instead of 96.6 (12 draws; benchmarks/large_scenes.py).

Notation: n nodes, N labels, K classes, S scales, J kernels in use. Features know the whole scene.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import numpy as np

from hsi_studio.features.cache import FeatureCache, cache_key
from hsi_studio.features.guide import Spots
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
from hsi_studio.methods.common.threads import one_thread_a_product
from hsi_studio.methods.contract import Context, Method, Params, State, Values
from hsi_studio.methods.live.alone import Alone, Judged, judge
from hsi_studio.methods.live.features import VERSION, Basis, LiveFeatures, live_features
from hsi_studio.methods.live.fitted import LiveFitted, Support
from hsi_studio.methods.live.linear import Linear, beside, fit_linear
from hsi_studio.methods.live.nearby import Nearby, Places, Votes, places_of
from hsi_studio.methods.live.params import LiveParams
from hsi_studio.methods.live.views import Kernel, kernels, preference, views
from hsi_studio.methods.live.words import gate, prior_scores, with_prior
from hsi_studio.types import ClassSchema, FloatArray, LabelSet, PromptSet, Scene

MAX_SUPPORT = 2500  # labels the head is solved on; more are thinned class by class
MAX_VIEW_SUPPORT = 120  # labels that choose the views
NEAR = 0.75  # of the classes in one place each: then labels do not say how sure the map is
MOST_KERNELS = 5  # that a map is made of: each costs time at every click


class Live(Method):
    """The `live` method. Its only state is a bounded cache of features, which can be dropped at any time."""

    name: ClassVar[str] = "live"
    title: ClassVar[str] = "Live map"
    source: ClassVar[str] = (
        "HSI Studio: noise-whitened components (Green et al. 1988), edge-preserving diffusion (Perona & Malik 1990), "
        "least-squares SVM with closed-form leave-one-out (Suykens 1999; Cawley 2006)"
    )
    Params: ClassVar[type[Params]] = LiveParams
    ablations: ClassVar[Mapping[str, Values]] = {
        "smoothing": {"smoothing": "pixel"},
        "nearby labels": {"nearby": False},
    }
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
        pixel = labels.row.astype(np.int64) * scene.shape[1] + labels.col  # (N,)
        ctx.check()
        order = np.lexsort((labels.label, labels.col, labels.row))
        position = order[thin(labels.label[order], MAX_SUPPORT)]
        label, classes = labels.label[position].astype(np.int64), len(labels.schema)
        spots, offered = features.spots(pixel[position]), kernels(features)
        groups = params.scale_groups()
        table = views(len(features.white), groups, features.dimensions.size)
        prior = preference(features.basis.components.noise, features.dimensions, classes, groups)
        few = thin(label, MAX_VIEW_SUPPORT)
        grams = [np.zeros((0, 0))] * len(offered)
        used = np.flatnonzero(table.any(axis=0)).tolist()
        ridge = params.ridge / labels_a_class(label)
        if labels_say_something(label):
            told = spots.some(few)
            for j in used:
                f = offered[j].of(features, told)
                grams[j] = kernel(f, f, params.kernel_width).astype(np.float64)
        every = mix_views(grams, label[few], classes, ridge, table, prior, MOST_KERNELS)
        ctx.check()
        chosen = np.flatnonzero(every).tolist()
        support = Support(tuple(offered[j].of(features, spots) for j in chosen), position, pixel)
        gram = np.zeros((label.size, label.size))
        for j, f in zip(chosen, support.features, strict=True):
            gram += every[j] * kernel(f, f, params.kernel_width)
        ridge = choose_ridge(gram[np.ix_(few, few)], label[few], classes, ridge)
        head = solve(gram, label, classes, ridge)
        temperature, _ = calibrate(head)
        near = share_in_one_place(labels, scene.shape) >= NEAR
        linear = fit_linear(features, params.linear_places(features), spots, label, head, temperature, near)
        votes = None
        if params.nearby:
            places = places_of(features.index, labels.row[position], labels.col[position], label)
            votes = Votes(features.index, features.centres, places, classes)
        judged = None
        if params.single_pixels and features.guide is not None and features.pixels_known:
            judged = judge(features.own_values(pixel[position]), label, classes)
        nearby = _heard(votes, head, temperature, linear)
        plain = LiveFitted(
            labels.schema, params, scene, features, support, tuple(offered[j] for j in chosen), every[chosen], head,
            temperature, scene.id, linear, nearby=nearby,
            alone=_beside(judged, nearby, head, temperature, linear),
        )  # fmt: skip
        return self._with_words(plain, spots, votes, judged, ctx) if params.words else plain

    def _with_words(
        self, plain: LiveFitted, spots: Spots, votes: Votes | None, judged: Judged | None, ctx: Context
    ) -> LiveFitted:
        """The fit with its class names as a prior, where they are known and the labels agree with them."""
        said = ctx.words(plain.scene, tuple(plain.schema.names))
        if said is None or len(said.kept) < 2:
            return plain
        index, head = plain.features.index, plain.head
        key = cache_key(plain.scene.id, "live_words", 1, {"stamp": said.stamp, "nodes": plain.features.count})
        there = said.index.astype(np.int32)
        words = self.cache.get(key, lambda: {"words": mean_on(there, said.probability, index)})["words"]
        at_labels = spots.of(words)
        asked = gate(at_labels, head.label, said.kept)
        if not asked.open:
            return replace(plain, gate=asked)
        better, c = with_prior(head, at_labels, said.kept)
        temperature, _ = calibrate(better)
        linear = beside(plain.linear, head.label, better, temperature)
        nearby = _heard(votes, better, temperature, linear)
        return replace(
            plain, head=better, temperature=temperature, linear=linear, gate=asked, prior=prior_scores(words, c),
            nearby=nearby, alone=_beside(judged, nearby, better, temperature, linear), without_words=plain,
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
        if home and not features.basis.is_like(basis):  # made by another version: its numbers are in its own basis
            features = self._features(scene, params, ctx, basis)
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
            nearby = Votes(features.index, features.centres, where, len(schema)).raised(spoken["power"])
        alone = None
        if "alone" in header and features.pixels_known:  # models of before it have none
            alone = Alone(Discriminant(arrays["alone_weight"], arrays["alone_offset"]), **header["alone"])
        return LiveFitted(
            schema, params, scene, features, Support(supports, nowhere, nowhere), tuple(used[j] for j in kept),
            arrays["weights"][kept], head, float(header["temperature"]), header["scene"], linear, arrays["left_out"],
            nearby, alone,
        )  # fmt: skip

    def _features(self, scene: Scene, params: LiveParams, ctx: Context, basis: Basis | None = None) -> LiveFeatures:
        folder = ctx.cache_dir / "features" if ctx.cache_dir is not None else None
        return live_features(scene, params.recipe(scene), self.cache, folder, ctx.check, ctx.progress, basis)


def _heard(votes: Votes | None, head: KernelHead, temperature: float, linear: Linear) -> Nearby:
    """What the labels around a place add to the mixture; nothing where they are not asked."""
    if votes is None:
        return Nearby()
    return votes.heard(_left_out(head, temperature, linear), linear.near)


def _beside(
    judged: Judged | None, nearby: Nearby, head: KernelHead, temperature: float, linear: Linear
) -> Alone | None:
    """What single pixels add to that; nothing where they are not asked."""
    if judged is None:
        return None
    left_out = nearby.left_out if nearby.left_out is not None else _left_out(head, temperature, linear)
    return judged.beside(left_out, linear.near)


def _left_out(head: KernelHead, temperature: float, linear: Linear) -> FloatArray:
    """(M, K) the mixture's probabilities of each label without it."""
    return linear.left_out if linear.left_out is not None else softmax(head.left_out_scores(), temperature)
