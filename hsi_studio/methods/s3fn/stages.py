"""Both stages of S3FN on windows from anywhere: what `s3fn` (scenes) and `s3fn_images` (collections) share.

Source and differences: `method.py`; the loops are in `methods/s3fn/training.py`, the network in
`methods/s3fn/cnn3d.py`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from hsi_studio.methods.common.material_anchors import Anchors
from hsi_studio.methods.common.schedule import Steps, step_count, torch_generator, warm_cosine
from hsi_studio.methods.common.work import Shape, Work, around_labels, components, steps
from hsi_studio.methods.contract import Context, Fitted, Params, TextModel
from hsi_studio.types import FloatArray

if TYPE_CHECKING:
    import torch
    from torch import nn

    from hsi_studio.methods.s3fn.cnn3d import CNN3D
    from hsi_studio.methods.s3fn.training import Draw, TextHead

VIEWS = 4  # draws of every label that stage 2 sees


Channels = Annotated[int, Field(ge=1, le=512)]


class Stages(Params):
    """Parameters of both stages."""

    added: ClassVar[Mapping[str, Any]] = {"anchors": "text"}

    axes: Literal["auto", "pca", "mnf"] = Field(
        "pca", description="Spectral components: principal (pca), noise-whitened (mnf), or by how noisy the scene is"
    )
    variance: float = Field(0.999, gt=0, le=1, description="Share of the variance principal components must explain")
    components: int = Field(16, ge=1, le=200, description="Components kept at most")
    whitening: float = Field(0.5, ge=0, le=1, description="How far components are made equal: 0 = as PCA gives them")
    channels: tuple[Channels, Channels, Channels] = Field(
        (32, 64, 128), description="Channels of the three convolutions"
    )
    dropout: float = Field(0.5, ge=0, lt=1, description="Share of features hidden at each step of stage 1")
    l2: float = Field(1e-4, ge=0, le=1, description="Pull of all weights towards 0")
    epochs: int = Field(100, ge=1, le=2000, description="Passes over the windows in stage 1")
    text_epochs: int = Field(100, ge=1, le=2000, description="Passes over the windows in stage 2")
    batch: int = Field(32, ge=1, le=4096, description="Windows a step")
    least_steps: int = Field(300, ge=0, le=100_000, description="Steps at least, however few labels there are")
    most_steps: int = Field(3000, ge=1, le=1_000_000, description="Steps at most, however many labels there are")
    learning_rate: float = Field(1e-3, gt=0, le=1, description="Adam's largest step")
    text_encoder: TextModel = Field("minilm", description="Frozen sentence encoder: minilm, a hub id or a folder")
    anchors: Anchors = "text"
    warm_up: bool = Field(True, description="Warm-up and cosine schedule; off = constant learning rate")
    augment: bool = Field(True, description="Random flips and turns of the windows")
    average: float = Field(0.98, ge=0, lt=1, description="Averaging of the weights over steps; 0 = the last weights")
    notebook_literal: bool = Field(False, description="As the notebooks: anchors not centred, no temperature")


@dataclass(frozen=True)
class Trained:
    """A network after both stages."""

    cnn: CNN3D
    head: TextHead
    anchors: FloatArray  # (K, D) as encoded, before any centring
    training: dict[str, float]
    aligned: bool = True  # False during stage 1: the head knows nothing yet, the network's own K outputs decide


def as_one(cnn: CNN3D, head: TextHead) -> nn.Module:
    """Both networks under one roof: names of weights start with "cnn." and "head."."""
    from torch import nn

    return nn.ModuleDict({"cnn": cnn, "head": head})


def networks(
    components: int,
    side: int,
    stride: int,
    classes: int,
    text_dim: int,
    params: Stages,
    centre: bool = False,
    context: int = 0,
) -> tuple[CNN3D, TextHead]:
    """Untrained networks. `centre`, `context`: extra means for windows of a scene, see `methods/s3fn/cnn3d.py`."""
    from hsi_studio.methods.s3fn.cnn3d import CNN3D
    from hsi_studio.methods.s3fn.training import TextHead

    return CNN3D(components, side, classes, stride, params.channels, centre, context), TextHead(
        text_dim, params.notebook_literal
    )


def used_anchors(anchors: FloatArray, literal: bool, device: str) -> torch.Tensor:
    """(K, D) anchors as the head uses them."""
    import torch

    from hsi_studio.methods.s3fn.training import centred

    own = torch.from_numpy(np.array(anchors, dtype=np.float32)).to(device)
    return own if literal else centred(own)


def train_both(
    cnn: CNN3D,
    head: TextHead,
    draw: Draw,
    label: torch.Tensor,
    anchors: FloatArray,
    params: Stages,
    ctx: Context,
    key: Callable[[], str],
    fitted: Callable[[Trained], Fitted] | None = None,
    own: Draw | None = None,
    share: float = 0.5,
) -> Trained:
    """Stage 1 and stage 2 on untrained networks. `label` (N,) on the device. Raises Cancelled.

    `own`: the labelled pixels by themselves, (m,) → (m, C), where those are learned too, with `share` of the loss;
    `key`: what the training depends on, for checkpoints; `fitted` makes a model of what is trained so far.
    """
    from hsi_studio.methods.common.nn.resume import Watch
    from hsi_studio.methods.s3fn.training import Plan, frozen_features, train_cnn, train_head

    generator = torch_generator(ctx.seed)
    count = int(label.shape[0])
    batch = min(params.batch, max(count, 2))
    cnn.initialise(generator)
    head.initialise(generator)
    cnn.to(ctx.device)
    head.to(ctx.device)

    def plan(stage: str, epochs: int, message: str, start: float, stop: float) -> Plan:
        steps = step_count(count, params.batch, epochs, params.least_steps, params.most_steps)
        rate = partial(warm_cosine, total=steps) if params.warm_up else lambda _: 1.0
        say = Steps(ctx, message, steps, start, stop)
        return Plan(steps, batch, params.learning_rate, params.l2, rate, say, Watch(ctx, stage, key))

    def early(now: CNN3D) -> Fitted:
        assert fitted is not None
        return fitted(Trained(now.eval(), copy.deepcopy(head).eval(), anchors, {}, aligned=False))

    def late(now: TextHead) -> Fitted:
        assert fitted is not None
        return fitted(Trained(copy.deepcopy(cnn).eval(), now.eval(), anchors, {}))

    first = train_cnn(
        cnn, draw, label, plan("cnn", params.epochs, "Training the 3D network", 0.05, 0.9), generator, params.dropout,
        params.average, early if fitted else None, own, share,
    )  # fmt: skip
    cnn.eval()
    views = frozen_features(cnn, draw, count, VIEWS, generator, ctx.check, own=own)
    used = used_anchors(anchors, params.notebook_literal, ctx.device)
    second = train_head(
        head, views, label, used, plan("text", params.text_epochs, "Aligning with the texts", 0.9, 1.0), generator,
        late if fitted else None,
    )  # fmt: skip
    head.eval()
    return Trained(
        cnn, head, anchors, {"loss_cnn": first, "loss_text": second, "temperature": float(head.scale.detach())}
    )


def memory_mb(params: Mapping[str, Any], shape: Shape, labels: int) -> float:
    """MiB that the three convolutions keep of a batch of windows for their gradients: two arrays each."""
    side, depth = int(params["patch"]), min(int(params["components"]), shape[2])
    a, b, c = (int(width) for width in params["channels"])
    kept = a * depth * (side - 2) ** 2 + max(depth // 2, 1) * (b * (side - 5) ** 2 + c * (side - 7) ** 2)
    return min(int(params["batch"]), labels) * kept * 2 * 4 / 2**20


def work(params: Mapping[str, Any], shape: Shape, labels: int, classes: int) -> dict[str, Work]:
    """Of both stages on windows of a scene, and of the map."""
    pixels, side = shape[0] * shape[1], int(params["patch"])
    channels = min(int(params["components"]), shape[2])
    a, b, c = (int(n) for n in params["channels"])
    voxels = (side - 2) ** 2 * channels, (side - 5) ** 2 * channels / 2, (side - 7) ** 2 * channels / 2
    one = 54 * (a * voxels[0] + a * b * voxels[1] + b * c * voxels[2]) / 1e9
    dense = 54 * channels * (a + a * b / 2 + b * c / 2) / 1e9  # a pixel of the map: windows share their work
    total = steps(params, labels, int(params["epochs"]))
    batch = min(int(params["batch"]), max(labels, 2))
    own = 54 * channels * (a + a * b / 2 + b * c / 2) / 9 / 1e9 if params.get("alone") else 0.0
    calls = 220.0 if own else 150.0
    fit = (3 * total * batch * (one + own), calls * total + 60.0 * steps(params, labels, int(params["text_epochs"])))
    predict = (pixels * (dense + own), pixels / 50)
    return {"prepare": components(shape), **around_labels(params, shape, labels, fit, predict)}
