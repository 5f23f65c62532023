"""The two trainings of S3FN, on windows from anywhere (a scene, a collection), and the text head of the second.

Source: Islam et al., 2025, arXiv 2510.07556. Stage 1: the 3D-CNN with cross-entropy on its own K outputs, Adam 1e-3,
L2, dropout 0.5. Stage 2: the CNN is frozen; one dense layer 128 → D_text with ReLU learns to point at the anchor of
the right class; softmax cross-entropy over cosines.

What differs: anchors of all classes have cosines near 0.99 to each other and there is no temperature in the
notebooks, so that the softmax can never be sure. Here anchors are centred (their mean over classes subtracted),
normalised again, and the cosines are multiplied by a learnable temperature. `literal` keeps the notebooks' form.
With two classes the centred anchors are each other's opposite, and a ReLU output still reaches both.

Notation: N labels, K classes, F = 128 features, D text dimensions.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import nn
from torch.nn import functional

from hsi_studio.methods.common.nn.resume import Loop, Parts, Watch
from hsi_studio.methods.common.nn.training import Average
from hsi_studio.methods.common.nn.window_grid import balanced
from hsi_studio.methods.contract import Fitted
from hsi_studio.methods.s3fn.cnn3d import CNN3D, FEATURES

Draw = Callable[[torch.Tensor, torch.Generator | None], torch.Tensor]  # (m,) indices → (m, P, P, C), varied if given
MOST_SCALE = 100.0


@dataclass(frozen=True)
class Plan:
    """What both trainings share. `rate(step)` scales the learning rate; `after(step)` may raise to stop."""

    steps: int
    batch: int
    learning_rate: float
    l2: float
    rate: Callable[[int], float]
    after: Callable[[int], None]
    watch: Watch = field(default_factory=Watch)  # see `methods/common/nn/resume.py`


class TextHead(nn.Module):
    """Features (n, F) → scores (n, K): temperature × cosine between ReLU(W f + b) and the class anchors."""

    def __init__(self, text_dim: int, literal: bool) -> None:
        super().__init__()
        self.dense = nn.Linear(FEATURES, text_dim)
        self.log_scale = nn.Parameter(torch.tensor(0.0 if literal else 2.3026), requires_grad=not literal)

    def initialise(self, generator: torch.Generator) -> None:
        with torch.no_grad():
            nn.init.xavier_uniform_(self.dense.weight, generator=generator)
            nn.init.zeros_(self.dense.bias)

    @property
    def scale(self) -> torch.Tensor:
        """What cosines are multiplied by, at most 100; 1 in the notebooks' form."""
        return self.log_scale.exp().clamp(max=MOST_SCALE)

    def forward(self, features: torch.Tensor, anchors: torch.Tensor) -> torch.Tensor:
        """anchors (K, D) of norm 1."""
        return self.scale * functional.normalize(functional.relu(self.dense(features)), dim=-1) @ anchors.t()


def centred(anchors: torch.Tensor) -> torch.Tensor:
    """(K, D) anchors minus their mean, of norm 1 again; rows that were the mean itself stay 0."""
    return functional.normalize(anchors - anchors.mean(dim=0), dim=-1, eps=1e-6)


def train_cnn(
    network: CNN3D,
    draw: Draw,
    label: torch.Tensor,
    plan: Plan,
    generator: torch.Generator,
    dropout: float = 0.5,
    average: float = 0.0,
    fitted: Callable[[CNN3D], Fitted] | None = None,
    own: Draw | None = None,
    share: float = 0.5,
) -> float:
    """Stage 1 in place. Returns the last losses' mean. With `own`, (m,) → (m, C), pixels are learned without their
    windows as well, and `share` of the loss is theirs.

    The final weights are a moving average over steps where `average` > 0. `fitted` makes a preview of a copy.
    """
    optimizer = torch.optim.Adam(network.parameters(), plan.learning_rate, weight_decay=plan.l2)
    mean, on_cpu = Average(network, average), label.cpu()
    loop = Loop(plan.watch, Parts(network, optimizer, {"all": generator}, mean), plan.steps)

    def preview() -> Fitted:
        assert fitted is not None
        now = copy.deepcopy(network)
        mean.store(now)
        return fitted(now)

    for step in range(loop.first, plan.steps):
        for group in optimizer.param_groups:
            group["lr"] = plan.learning_rate * plan.rate(step)
        chosen = balanced(on_cpu, plan.batch, generator).to(label.device)
        features, target = network.features(draw(chosen, generator)), label[chosen]
        if own is not None:
            features = torch.cat([features, network.alone(own(chosen, generator))])
        if dropout:
            kept = (torch.rand(features.shape, generator=generator, device="cpu") >= dropout).to(features.device)
            features = features * kept / (1.0 - dropout)
        scores = network.scores(features)
        loss = functional.cross_entropy(scores[: chosen.shape[0]], target)
        if own is not None:
            loss = torch.lerp(loss, functional.cross_entropy(scores[chosen.shape[0] :], target), share)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        mean.update(network)
        loop.after(
            step, loss, partial(_values, optimizer, scores[: chosen.shape[0]], target), preview if fitted else None
        )
        plan.after(step)
    mean.store(network)
    return _last(loop)


def _values(optimizer: torch.optim.Optimizer, scores: torch.Tensor, label: torch.Tensor) -> dict[str, float]:
    """What the curves show of a step on scores (n, K)."""
    right = (scores.argmax(dim=1) == label).float().mean()
    return {"lr": optimizer.param_groups[0]["lr"], "accuracy": float(right)}


def _last(loop: Loop) -> float:
    """Mean loss of the last ten steps."""
    last = loop.losses()[-10:]
    return sum(last) / max(len(last), 1)


def frozen_features(
    network: CNN3D,
    draw: Draw,
    count: int,
    views: int,
    generator: torch.Generator,
    check: Callable[[], None],
    chunk: int = 128,
    own: Draw | None = None,
) -> torch.Tensor:
    """(V, N, F) features of the frozen CNN: of the windows as they are, and of V − 1 varied draws of each; with `own`
    as many again of the pixels without their windows."""
    device = next(network.parameters()).device
    out = []
    with torch.no_grad():
        looks = [(network.features, draw), *([(network.alone, own)] if own is not None else [])]
        for seen, drawn in looks:
            for view in range(views):
                parts = []
                for which in torch.split(torch.arange(count, device=device), chunk):
                    check()
                    parts.append(seen(drawn(which, generator if view else None)))
                out.append(torch.cat(parts))
    return torch.stack(out)


def train_head(
    head: TextHead,
    features: torch.Tensor,
    label: torch.Tensor,
    anchors: torch.Tensor,
    plan: Plan,
    generator: torch.Generator,
    fitted: Callable[[TextHead], Fitted] | None = None,
) -> float:
    """Stage 2 in place, on features (V, N, F) made beforehand. Returns the last losses' mean."""
    weights = [w for w in head.parameters() if w.requires_grad]
    optimizer = torch.optim.Adam(weights, plan.learning_rate, weight_decay=plan.l2)
    on_cpu = label.cpu()
    loop = Loop(plan.watch, Parts(head, optimizer, {"all": generator}), plan.steps)
    for step in range(loop.first, plan.steps):
        for group in optimizer.param_groups:
            group["lr"] = plan.learning_rate * plan.rate(step)
        chosen = balanced(on_cpu, plan.batch, generator).to(label.device)
        view = torch.randint(0, features.shape[0], (plan.batch,), generator=generator, device="cpu").to(label.device)
        scores = head(features[view, chosen], anchors)
        loss = functional.cross_entropy(scores, label[chosen])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

        def values(scores: torch.Tensor = scores, chosen: torch.Tensor = chosen) -> dict[str, float]:
            return {**_values(optimizer, scores, label[chosen]), "temperature": float(head.scale)}

        loop.after(step, loss, values, None if fitted is None else lambda: fitted(copy.deepcopy(head)))
        plan.after(step)
    return _last(loop)
