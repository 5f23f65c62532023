"""`curated`: a small vision transformer learns to land near the sentence of its class, against hard wrong sentences.

Source: Chatterjee & Ghosh, 2025, arXiv 2509.22697. A ViT on spectral-spatial windows and a frozen text encoder with a
trainable linear probe meet in 64 dimensions, unit norm on both sides; s_ij = τ z_i·p_j with a learnable τ; loss over
the positive, the k_h = 4 hardest and k_s = 4 random wrong classes (`methods/curated/negatives.py`). Network and its
count of 246,593 parameters: `methods/curated/vit.py`. `Curated.paper` holds the paper's settings as parameters.

**With 9 classes or fewer (K − 1 ≤ k_h + k_s) the curated loss is the full softmax**: no wrong class is left out, and
the choice of negatives can change nothing.

What differs from the paper, and why:
- Its text encoder is bge-large; ours is the embedded MiniLM unless another is named: nothing to download.
- Prototypes p_j are computed inside the graph at every step, or the probe would never learn.
- Class-balanced batches, flips and turns, windows moved by a pixel, a warm-up and cosine schedule and an average of
  the last weights: with a few labels these are worth more than any loss. The paper's constants are in `paper`.
- The paper looks at the cube only. Where a scene has a surface model, its heights, slope and roughness join the
  components as further channels (`use_dsm`): that is our addition.
- Never stopped early, never chosen by test pixels: the last (averaged) weights are the model.
- The map is smoothed within the edges of the scene (`smoothing`), and compared with what it says at the labels, in
  closed form (`closed_form`, `common/label_head.py`). Components are principal ones as in the paper, half
  whitened, but in a noisy scene noise-whitened ones that keep part of their size (`axes`, `weighting`): label-free, and
  unlabelled pixels take part in the map.
- The middle pixel also enters by itself, through the class token (`centre`), and every step teaches the network the
  class of a pixel without its window as well (`alone`): the map is a mixture of what pixels and windows say, with a
  weight learned from the labels (`common/looks.py`). Windows say more on fields, pixels in a city where a window holds
  many classes. With sixty pixels of training a network that may look at either believes the window.
- k adapts to the number of classes, so two classes work.
- The paper's split is unknown; its 94.03 % on Indian Pines is not a few-shot figure and none here is to be read
  against it.

Notation: N labels, K classes, C components, P window side, p token side, D = 64.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from hsi_studio.features.cache import FeatureCache
from hsi_studio.methods.common.label_head import ClosedForm, is_on
from hsi_studio.methods.common.looks import HALF, SHARE, share_of_pixels
from hsi_studio.methods.common.material_anchors import Anchors
from hsi_studio.methods.common.schedule import Steps, step_count, torch_generator, warm_cosine
from hsi_studio.methods.common.sorted_labels import Labelled, sorted_labels
from hsi_studio.methods.common.state import load_network, part
from hsi_studio.methods.common.text_side import TextSide
from hsi_studio.methods.common.windowed import (
    CACHE_BYTES,
    Ground,
    WindowFitted,
    anchors_of,
    scene_basis,
)
from hsi_studio.methods.common.work import Shape, Work, around_labels, components, steps, transformer_mb
from hsi_studio.methods.contract import Context, Method, Params, State, TextModel, Values
from hsi_studio.types import FloatArray, LabelSet, PromptSet, Scene

if TYPE_CHECKING:
    import torch

    from hsi_studio.methods.common.nn.resume import Watch
    from hsi_studio.methods.common.nn.window_grid import Grid, WindowBasis
    from hsi_studio.methods.curated.vit import CuratedViT

VERSION = 1  # raise when a saved model would give another map
TILE = 48  # pixels a side of the blocks a scene is mapped in
ALONE_NOISE = 3.0  # of a pixel without its window, in that of windows: it has no neighbours to average it away
CHUNK = 512  # windows in the transformer at once: they stay in the processor's cache


class CuratedParams(Params):
    """Ours by default; `Curated.paper` for the paper's."""

    groups: ClassVar[dict[str, str]] = {
        "axes": "Windows", "hard": "Loss and text", "epochs": "Training", "augment": "Augmentation", "smoothing": "Map",
    }  # fmt: skip
    added: ClassVar[Mapping[str, Any]] = {
        "weighting": "equal", "smoothing": 0, "edge_strength": 4.0, "anchors": "text", "alone": False,
        "closed_form": "off",
    }  # fmt: skip

    axes: Literal["auto", "pca", "mnf"] = Field(
        "auto", description="Spectral components: principal (pca), noise-whitened (mnf), or by how noisy the scene is"
    )
    components: int = Field(40, ge=1, le=200, description="Components kept, fewer where there are fewer bands")
    weighting: Literal["root", "signal", "equal"] = Field(
        "root",
        description="Size of noise-whitened components: root = the fourth root of their ratio of variance to noise, "
        "signal = their signal in units of the noise, equal = all the same",
    )
    use_dsm: bool = Field(True, description="Use the surface model where the scene has one")
    patch: int = Field(15, ge=1, le=45, description="Window side in pixels, odd")
    token: int = Field(5, ge=1, le=15, description="Side of a transformer token in pixels; divides the window")
    centre: bool = Field(True, description="Give the transformer the middle pixel by itself as well")
    alone: bool = Field(
        True, description="Learn pixels without their windows as well, and map by a mixture of both; needs `centre`"
    )
    hard: int = Field(
        4,
        ge=0,
        le=100,
        description="Hardest wrong classes in the loss (k_h). If k_h + k_s cover all wrong classes (9 classes or fewer "
        "by default), the loss is the full softmax and neither number matters",
    )
    semi_hard: int = Field(4, ge=0, le=100, description="Other wrong classes drawn at random (k_s)")
    text_encoder: TextModel = Field("minilm", description="Frozen sentence encoder: minilm, a hub id or a folder")
    anchors: Anchors = "text"
    epochs: int = Field(100, ge=1, le=2000, description="Passes over the labels")
    batch: int = Field(32, ge=1, le=4096, description="Windows a step")
    least_steps: int = Field(100, ge=0, le=100_000, description="Steps at least, however few labels there are")
    most_steps: int = Field(3000, ge=1, le=1_000_000, description="Steps at most, however many labels there are")
    learning_rate: float = Field(1e-3, gt=0, le=1, description="Adam's largest step")
    weight_decay: float = Field(1e-4, ge=0, le=1, description="Pull of all weights towards 0")
    warm_up: bool = Field(True, description="Warm-up and cosine schedule; off = constant learning rate")
    augment: bool = Field(True, description="Random flips and turns of the windows")
    jitter: int = Field(1, ge=0, le=8, description="Windows are moved by up to this many pixels while training")
    noise: float = Field(0.1, ge=0, le=2, description="Noise added to components while training, in their deviations")
    average: float = Field(0.98, ge=0, lt=1, description="Averaging of the weights over steps; 0 = the last weights")
    smoothing: int = Field(30, ge=0, le=200, description="Steps of smoothing the map within edges; 0 = none")
    edge_strength: float = Field(4.0, gt=0, le=50, description="How much smoothing passes an edge: larger = more")
    closed_form: ClosedForm = "auto"

    @model_validator(mode="after")
    def _fits(self) -> CuratedParams:
        if self.patch % 2 == 0 or self.patch % self.token:
            raise ValueError(
                f"windows of {self.patch} pixels cannot be cut into tokens of {self.token}: take an odd window side "
                "that the token side divides, as 15 and 5"
            )
        if self.alone and not self.centre:
            raise ValueError("`alone` needs the middle pixel: set `centre` too, or turn `alone` off")
        return self


class Curated(Method):
    """The `curated` method."""

    name: ClassVar[str] = "curated"
    title: ClassVar[str] = "Curated prompts"
    source: ClassVar[str] = "Chatterjee & Ghosh, 2025, arXiv 2509.22697 (curated hard and semi-hard text negatives)"
    Params: ClassVar[type[Params]] = CuratedParams
    needs: ClassVar[frozenset[str]] = frozenset({"text"})
    test_params: ClassVar[Values] = {
        "epochs": 40,
        "patch": 9,
        "token": 3,
        "jitter": 0,
        "least_steps": 0,
    }  # small fields
    paper: ClassVar[Values] = {
        "axes": "pca", "components": 50, "use_dsm": False, "patch": 9, "token": 3, "centre": False, "alone": False,
        "text_encoder": "BAAI/bge-large-en-v1.5",
        "least_steps": 0, "most_steps": 1_000_000, "warm_up": False, "augment": False, "jitter": 0,
        "noise": 0.0, "average": 0.0, "smoothing": 0, "closed_form": "off",
    }  # fmt: skip
    presets: ClassVar[Mapping[str, Values]] = {"paper": paper}
    efforts: ClassVar[Mapping[str, Values]] = {
        "fast": {"epochs": 40, "least_steps": 60},
        "thorough": {"epochs": 300, "least_steps": 400},
    }
    ablations: ClassVar[Mapping[str, Values]] = {
        "hard negatives": {"hard": 0, "semi_hard": 8},  # as many, all of them random
        "middle pixel": {"centre": False, "alone": False},
        "augmentation": {"augment": False, "jitter": 0, "noise": 0.0},
        "closed form": {"closed_form": "off"},
        "edge smoothing": {"smoothing": 0},
    }

    quick_pace: ClassVar[Values] = {"epochs": 30}
    label_free: ClassVar[frozenset[str]] = frozenset({"axes", "components", "weighting", "use_dsm"})
    fixed_seconds: ClassVar[Mapping[str, float]] = {"prepare": 1.2, "fit": 3.0}
    own_text_side: ClassVar[bool] = True
    borrowed_leave_one_out: ClassVar[bool] = True

    def __init__(self, cache: FeatureCache | None = None) -> None:
        self.cache = cache or FeatureCache(CACHE_BYTES)

    def prepare(self, scene: Scene, params: CuratedParams, ctx: Context) -> None:
        """Fit the spectral components. Raises BadValues, Cancelled."""
        self._basis(scene, params, ctx)

    def work(self, params: Mapping[str, Any], shape: Shape, labels: int, classes: int) -> dict[str, Work]:
        pixels, parts = shape[0] * shape[1], int(params["patch"]) // int(params["token"])
        channels = min(int(params["components"]), shape[2])
        embed = 2 * parts**2 * int(params["token"]) ** 2 * channels * 64 / 1e9
        one = (1 + parts**2) * 6 * (12 * 64**2 + 4 * (1 + parts**2) * 64) / 1e9
        total = steps(params, labels, int(params["epochs"]))
        batch = min(int(params["batch"]), max(labels, 2))
        own = 6 * 12 * 64**2 / 1e9 if params.get("alone") else 0.0
        fit = (3 * total * batch * (one + embed + own), (450.0 if own else 300.0) * total)
        predict = (pixels * (one + embed / 4 + own), pixels / 50)
        return {"prepare": components(shape), **around_labels(params, shape, labels, fit, predict)}

    def window_px(self, params: Mapping[str, Any]) -> int:
        return int(params["patch"])

    def memory_mb(self, params: Mapping[str, Any], shape: Shape, labels: int, classes: int) -> float:
        tokens = 1 + (int(params["patch"]) // int(params["token"])) ** 2
        return transformer_mb(min(int(params["batch"]), max(labels, 2)), tokens, 64, 6)

    def fit(
        self, scene: Scene, labels: LabelSet, prompts: PromptSet, params: CuratedParams, ctx: Context
    ) -> WindowFitted:
        """Train. Raises TooFewLabels, LabelProblem, BadValues, FileProblem (the text encoder), Cancelled."""
        from hsi_studio.methods.common.nn.resume import Watch
        from hsi_studio.methods.common.nn.window_grid import label_grid, looks
        from hsi_studio.methods.curated.vit import CuratedViT

        at = sorted_labels(scene, labels)
        ctx.check()
        basis = self._basis(scene, params, ctx)
        made = anchors_of(labels.schema, prompts, params.anchors, params.text_encoder, scene.bands.wavelength_nm, ctx)
        text = made.vectors
        ctx.check()
        reach = params.patch // 2
        grid = label_grid(scene, basis, at.row, at.col, reach + params.jitter, ctx.device)
        ground = Ground.of_fit(scene, labels.schema, prompts, VERSION, basis, ctx.device, made.notes)
        generator = torch_generator(ctx.seed)
        network = CuratedViT(basis.components, params.patch, params.token, text.shape[1], centre=params.centre)
        network.initialise(generator)
        share = share_of_pixels(*looks(grid, params.patch), at.label, len(labels.schema)) if params.alone else 0.0
        watch = Watch(ctx, "train", lambda: ground.key(self.name, params, ctx.seed, at, text, share))

        def first_look(now: CuratedViT, training: dict[str, float]) -> WindowFitted:
            return replace(self._fitted(now, ground, text, params, {**training, SHARE: share}), smoothing=0)

        training = train(network.to(ctx.device), grid, at, text, params, generator, watch, first_look, share)
        fitted = self._fitted(network, ground, text, params, {**training, SHARE: share})
        return fitted.matched(at, ctx) if is_on(params.closed_form, basis.noisy) else fitted

    def from_state(self, state: State, scene: Scene, ctx: Context) -> WindowFitted:
        """The fitted model, for its own scene or one with the same bands. Raises SceneMismatch."""
        from hsi_studio.methods.curated.vit import CuratedViT

        ground = Ground.of_state(state, scene, VERSION, ctx.device)
        params = CuratedParams.model_validate(state.header["params"])
        text, inputs = part(state, "own.")["text"], ground.basis.components
        network = load_network(
            lambda: CuratedViT(inputs, params.patch, params.token, text.shape[1], centre=params.centre),
            state,
            ctx.device,
        )
        return self._fitted(network, ground, text, params, state.header["training"])

    def _basis(self, scene: Scene, params: CuratedParams, ctx: Context) -> WindowBasis:
        return scene_basis(
            scene, params.axes, params.components, 1.0, 0.5, params.use_dsm, self.cache, ctx, params.weighting
        )

    def _fitted(
        self,
        network: CuratedViT,
        ground: Ground,
        text: FloatArray,
        params: CuratedParams,
        training: dict[str, float],
    ) -> WindowFitted:
        import torch

        network.eval()
        with torch.inference_mode():
            own = torch.from_numpy(np.array(text)).to(ground.device)
            prototypes = network.prototypes(own) * network.scale  # (K, D)
        share = training.get(SHARE, HALF) if params.alone else 0.0
        probabilities = partial(_probabilities, network, prototypes, share)
        words = TextSide(params.text_encoder, partial(_vectors, network), network.prototypes, params.anchors)
        return ground.fitted(
            self.name, params, network, probabilities, params.patch // 2, {"text": text}, training, words, TILE,
            params.smoothing, params.edge_strength,
        )  # fmt: skip


def _probabilities(
    network: CuratedViT,
    prototypes: torch.Tensor,
    share: float,
    values: torch.Tensor,
    pixel: torch.Tensor,
    width: int,
) -> torch.Tensor:
    """(m, K): softmax over all classes, whatever negatives training used; `share` of it is what the pixels by
    themselves say, the rest what their windows say."""
    from hsi_studio.methods.common.nn.memory import chunk_size

    size = chunk_size(CHUNK, values.device.type)
    found = (network.dense(values, pixel, width, size) @ prototypes.t()).softmax(dim=1)
    if share:
        own = (network.dense_alone(values, pixel, width, size) @ prototypes.t()).softmax(dim=1)
        found = (1 - share) * found + share * own
    return found


def _vectors(network: CuratedViT, values: torch.Tensor, pixel: torch.Tensor, width: int) -> torch.Tensor:
    """(m, D) unit vectors of chosen pixels of a block."""
    return network.dense(values, pixel, width, CHUNK)


def train(
    network: CuratedViT,
    grid: Grid,
    at: Labelled,
    text: FloatArray,
    params: CuratedParams,
    generator: torch.Generator,
    watch: Watch,
    fitted: Callable[[CuratedViT, dict[str, float]], WindowFitted],
    share: float = HALF,
) -> dict[str, float]:
    """Fit the network in place. Returns the mean loss of the last ten steps and τ. `fitted`: for previews; `share`: how
    much pixels without their windows count in the loss, where they are learned."""
    import torch

    from hsi_studio.methods.common.nn.resume import Loop, Parts
    from hsi_studio.methods.common.nn.training import Average
    from hsi_studio.methods.common.nn.window_grid import balanced
    from hsi_studio.methods.curated.negatives import curated_loss, curated_mask

    ctx = watch.ctx
    anchors = torch.from_numpy(text).to(ctx.device)  # (K, D_text), frozen
    on_cpu = torch.from_numpy(at.label)
    label = on_cpu.to(ctx.device)
    count = label.shape[0]
    total = step_count(count, params.batch, params.epochs, params.least_steps, params.most_steps)
    optimizer = torch.optim.Adam(network.parameters(), params.learning_rate, weight_decay=params.weight_decay)
    average = Average(network, params.average)
    say = Steps(ctx, "Training", total, 0.05, 1.0)
    loop = Loop(watch, Parts(network, optimizer, {"all": generator}, average), total)

    def results(now: CuratedViT) -> dict[str, float]:
        return {"loss": float(np.mean(loop.losses()[-10:])), "temperature": float(now.scale.detach())}

    def preview() -> WindowFitted:
        now = copy.deepcopy(network)
        average.store(now)
        return fitted(now, results(now))

    for step in range(loop.first, total):
        if params.warm_up:
            for group in optimizer.param_groups:
                group["lr"] = params.learning_rate * warm_cosine(step, total)
        chosen = balanced(on_cpu, min(params.batch, max(count, 2)), generator).to(label.device)
        x = grid.windows(chosen, params.patch, generator if params.augment else None, params.jitter)
        if params.noise:
            x = x + params.noise * torch.randn(x.shape, generator=generator, device="cpu").to(x.device)
        similarity = network.scale * network.windows(x) @ network.prototypes(anchors).t()  # (n, K)
        used = curated_mask(similarity, label[chosen], params.hard, params.semi_hard, generator)
        loss = curated_loss(similarity, label[chosen], used)
        if params.alone:
            own = grid.rows.index_select(0, grid.centre[chosen])  # not moved: a neighbour has another spectrum
            if params.noise:
                drawn = torch.randn(own.shape, generator=generator, device="cpu").to(own.device)
                own = own + ALONE_NOISE * params.noise * drawn
            apart = network.scale * network.alone(own) @ network.prototypes(anchors).t()
            used = curated_mask(apart, label[chosen], params.hard, params.semi_hard, generator)
            loss = torch.lerp(loss, curated_loss(apart, label[chosen], used), share)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        average.update(network)

        def values(similarity: torch.Tensor = similarity, chosen: torch.Tensor = chosen) -> dict[str, float]:
            return {
                "lr": optimizer.param_groups[0]["lr"],
                "temperature": float(network.scale),
                "accuracy": float((similarity.argmax(dim=1) == label[chosen]).float().mean()),
            }

        loop.after(step, loss, values, preview)
        say(step)
    average.store(network)
    return results(network)
