"""`s3fn`: a 3D-CNN learns the classes, then its features learn to point at the classes' descriptions.

Source: Islam et al., 2025, "S3FN", arXiv 2510.07556, and its notebooks (MIT). Stage 1: z-score, PCA (99–99.9 % of
the variance), 3D-CNN (`nn/cnn3d.py`) with cross-entropy. Text: several comparative descriptions per class, each
encoded on its own and averaged. Stage 2: CNN frozen, one dense layer 128 → D_text with ReLU, cosine to every class
anchor, softmax cross-entropy (`nn/s3fn_train.py`). The label is never needed to map a pixel.

What differs from the paper and its notebooks, and why:
- Anchors are centred and normalised again, and a temperature is learnt: their cosines to each other are near 0.99
  otherwise. `notebook_literal` switches both off.
- The paper classifies small cubes of one label each (that is `s3fn_images.py`, for collections). For pixels of a
  scene the windows are small, pooled globally over space, and pools move by one pixel: see `nn/cnn3d.py`.
- Components are divided by the root of their deviation (`whitening` 0.5), as PCA puts almost all variance in one;
  at most `components` are kept, because convolution costs as much for the last component as for the first.
- The notebooks choose the epoch by the test set; here nothing is chosen: the averaged last weights are the model.
- Class-balanced batches, flips, turns and moves by a pixel; warm-up and cosine schedule.

Notation: N labels, K classes, C components, P window side, F = 128 features. Halo: (P − 1) / 2 pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, field_validator

from hsi_studio.features.cache import FeatureCache
from hsi_studio.methods import Context, Params, State
from hsi_studio.methods.windowed import (
    CACHE_BYTES,
    Steps,
    WindowFitted,
    check_state,
    class_anchors,
    classes_of,
    left_out_classes,
    load_network,
    open_encoder,
    part,
    scene_basis,
    scene_facts,
    sorted_labels,
    torch_generator,
    warm_cosine,
    window_features,
)
from hsi_studio.types import ClassSchema, FloatArray, LabelSet, PromptSet, Scene

if TYPE_CHECKING:
    import torch
    from torch import nn

    from hsi_studio.methods.nn.cnn3d import CNN3D
    from hsi_studio.methods.nn.s3fn_train import Draw, TextHead
    from hsi_studio.methods.nn.window_grid import WindowBasis

VERSION = 1  # raise when a saved model would give another map
VIEWS = 4  # draws of every label that stage 2 sees


class S3FNParams(Params):
    """Defaults were fixed on Indian Pines; see benchmarks/RESULTS.md."""

    axes: Literal["pca", "mnf"] = Field("pca", description="Spectral components: principal (pca) or noise-whitened")
    variance: float = Field(0.999, gt=0, le=1, description="Share of the variance that components must explain")
    components: int = Field(16, ge=1, le=200, description="Components kept at most")
    whitening: float = Field(0.5, ge=0, le=1, description="How far components are made equal: 0 = as PCA gives them")
    patch: int = Field(9, ge=9, le=45, description="Window side in pixels, odd")
    channels: tuple[int, int, int] = Field((32, 64, 128), description="Channels of the three convolutions")
    dropout: float = Field(0.5, ge=0, lt=1, description="Share of features hidden at each step of stage 1")
    l2: float = Field(1e-4, ge=0, le=1, description="Pull of all weights towards 0")
    epochs: int = Field(100, ge=1, le=2000, description="Passes over the labels in stage 1")
    text_epochs: int = Field(100, ge=1, le=2000, description="Passes over the labels in stage 2")
    batch: int = Field(32, ge=1, le=4096, description="Windows a step")
    learning_rate: float = Field(1e-3, gt=0, le=1, description="Adam's largest step")
    text_encoder: str = Field("minilm", description="Frozen sentence encoder: minilm, a hub id or a folder")
    augment: bool = Field(True, description="Random flips and turns of the windows")
    jitter: int = Field(1, ge=0, le=8, description="Windows are moved by up to this many pixels while training")
    average: float = Field(0.98, ge=0, lt=1, description="Averaging of the weights over steps; 0 = the last weights")
    notebook_literal: bool = Field(False, description="As the notebooks: anchors not centred, no temperature")

    @field_validator("patch")
    @classmethod
    def _odd(cls, value: int) -> int:
        if value % 2 == 0:
            raise ValueError(f"a window of {value} pixels has no middle: take {value - 1} or {value + 1}")
        return value


@dataclass(frozen=True)
class Trained:
    """A network after both stages."""

    cnn: CNN3D
    head: TextHead
    anchors: FloatArray  # (K, D) as encoded, before any centring
    training: dict[str, float]


class S3FN:
    """The `s3fn` method."""

    name: ClassVar[str] = "s3fn"
    title: ClassVar[str] = "S3FN"
    source: ClassVar[str] = "Islam et al., 2025, arXiv 2510.07556 (3D-CNN features aligned with class descriptions)"
    Params: ClassVar[type[Params]] = S3FNParams
    needs: ClassVar[frozenset[str]] = frozenset({"text"})
    halo_px: ClassVar[int] = 22  # at most: (patch − 1) / 2
    quick: ClassVar[dict[str, Any]] = {"epochs": 40, "text_epochs": 40, "channels": (8, 16, 32), "jitter": 0}  # tests

    def __init__(self, cache: FeatureCache | None = None) -> None:
        self.cache = cache or FeatureCache(CACHE_BYTES)

    def prepare(self, scene: Scene, params: S3FNParams, ctx: Context) -> None:
        """Fit the spectral components. Raises BadValues, Cancelled."""
        self._basis(scene, params, ctx)

    def fit(self, scene: Scene, labels: LabelSet, prompts: PromptSet, params: S3FNParams, ctx: Context) -> WindowFitted:
        """Train. Raises TooFewLabels, LabelProblem, BadValues, FileProblem (the text encoder), Cancelled."""
        import torch

        from hsi_studio.methods.nn.window_grid import label_grid

        at = sorted_labels(scene, labels)
        ctx.check()
        basis = self._basis(scene, params, ctx)
        anchors = class_anchors(labels.schema, prompts, open_encoder(params.text_encoder, ctx))
        ctx.check()
        grid = label_grid(scene, basis, at.row, at.col, params.patch // 2 + params.jitter, ctx.device)
        left_out = left_out_classes(window_features(grid, params.patch), at)

        def draw(which: torch.Tensor, generator: torch.Generator | None) -> torch.Tensor:
            if generator is None:
                return grid.windows(which, params.patch)
            still = None if params.augment else torch.zeros_like(which)
            return grid.windows(which, params.patch, generator, params.jitter, still)

        label = torch.from_numpy(at.label).to(ctx.device)
        trained = train_both(draw, label, basis.components, params.patch, 1, anchors, params, ctx)
        facts = scene_facts(scene, labels.schema, prompts, VERSION)
        return self._fitted(
            trained, basis, params, ctx.device, left_out, facts, labels.schema, scene.bands.wavelength_nm
        )

    def from_state(self, state: State, scene: Scene, ctx: Context) -> WindowFitted:
        """The fitted model, for its own scene or one with the same bands. Raises SceneMismatch."""
        from hsi_studio.methods.nn.window_grid import WindowBasis

        check_state(state, scene, VERSION)
        params = S3FNParams.model_validate(state.header["params"])
        basis = WindowBasis.from_arrays(part(state, "basis."))
        schema, anchors = classes_of(state), part(state, "own.")["anchors"]
        cnn, head = networks(basis.components, params.patch, 1, len(schema), int(anchors.shape[1]), params)
        load_network(as_one(cnn, head), state, ctx.device)
        trained = Trained(cnn, head, anchors, state.header["training"])
        facts = {key: state.header[key] for key in ("version", "scene", "bands", "prompts")}
        return self._fitted(
            trained, basis, params, ctx.device, state.arrays["left_out"], facts, schema,
            state.arrays.get("wavelength_nm"),
        )  # fmt: skip

    def _basis(self, scene: Scene, params: S3FNParams, ctx: Context) -> WindowBasis:
        return scene_basis(scene, params.axes, params.components, params.variance, params.whitening, self.cache, ctx)

    def _fitted(
        self,
        trained: Trained,
        basis: WindowBasis,
        params: S3FNParams,
        device: str,
        left_out: Any,
        facts: dict[str, Any],
        schema: ClassSchema,
        wavelength_nm: Any,
    ) -> WindowFitted:
        return WindowFitted(
            self.name, schema, params, basis, as_one(trained.cnn, trained.head), partial(_probabilities, trained,
            used_anchors(trained.anchors, params.notebook_literal, device)), params.patch // 2, device, left_out,
            {"anchors": trained.anchors}, facts, wavelength_nm=wavelength_nm, training=trained.training,
        )  # fmt: skip


def as_one(cnn: CNN3D, head: TextHead) -> nn.Module:
    """Both networks under one roof: names of weights start with "cnn." and "head."."""
    from torch import nn

    return nn.ModuleDict({"cnn": cnn, "head": head})


def networks(
    components: int, side: int, stride: int, classes: int, text_dim: int, params: S3FNParams
) -> tuple[CNN3D, TextHead]:
    """Untrained networks."""
    from hsi_studio.methods.nn.cnn3d import CNN3D
    from hsi_studio.methods.nn.s3fn_train import TextHead

    return CNN3D(components, side, classes, stride, params.channels), TextHead(text_dim, params.notebook_literal)


def used_anchors(anchors: FloatArray, literal: bool, device: str) -> torch.Tensor:
    """(K, D) anchors as the head uses them."""
    import torch

    from hsi_studio.methods.nn.s3fn_train import centred

    own = torch.from_numpy(np.array(anchors, dtype=np.float32)).to(device)
    return own if literal else centred(own)


def train_both(
    draw: Draw,
    label: torch.Tensor,
    components: int,
    side: int,
    stride: int,
    anchors: FloatArray,
    params: S3FNParams,
    ctx: Context,
) -> Trained:
    """Stage 1 and stage 2. `label` (N,) on the device. Raises Cancelled."""
    from hsi_studio.methods.nn.s3fn_train import Plan, frozen_features, train_cnn, train_head

    generator = torch_generator(ctx.seed)
    count = int(label.shape[0])
    batch = min(params.batch, max(count, 2))
    per_epoch = -(-count // params.batch)
    cnn, head = networks(components, side, stride, anchors.shape[0], anchors.shape[1], params)
    cnn.initialise(generator)
    head.initialise(generator)
    cnn.to(ctx.device)
    head.to(ctx.device)

    def plan(epochs: int, message: str, start: float, stop: float) -> Plan:
        steps = per_epoch * epochs
        rate, say = partial(warm_cosine, total=steps), Steps(ctx, message, steps, start, stop)
        return Plan(steps, batch, params.learning_rate, params.l2, rate, say)

    first = train_cnn(
        cnn, draw, label, plan(params.epochs, "Training the 3D network", 0.05, 0.9), generator, params.dropout,
        params.average,
    )  # fmt: skip
    cnn.eval()
    views = frozen_features(cnn, draw, count, VIEWS, generator, ctx.check)
    used = used_anchors(anchors, params.notebook_literal, ctx.device)
    second = train_head(
        head, views, label, used, plan(params.text_epochs, "Aligning with the texts", 0.9, 1.0), generator
    )  # fmt: skip
    head.eval()
    return Trained(
        cnn, head, anchors, {"loss_cnn": first, "loss_text": second, "temperature": float(head.scale.detach())}
    )


def _probabilities(
    trained: Trained, anchors: torch.Tensor, values: torch.Tensor, pixel: torch.Tensor, width: int
) -> torch.Tensor:
    """(m, K) of chosen pixels of a block, `values` (h + P − 1, w + P − 1, C)."""
    features = trained.cnn.dense(values).flatten(0, 1)[pixel]  # (m, F)
    scores: torch.Tensor = trained.head(features, anchors)
    return scores.softmax(dim=1)


METHOD = S3FN()
