"""Schedules, averaged weights and batches: what the training loops here need.

Learning-rate curves: `cosine` (warm-up, then half a cosine to zero; I. Loshchilov, F. Hutter, arXiv:1608.03983) and
`step` (÷10 after epochs 100 and 131 of 150: DiffCLIP's step schedule, as in its published code).
Averaged weights: exponential moving average with the usual start-up correction min(decay, (1+i)/(10+i)).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

Schedule = Literal["cosine", "step", "constant"]


def rate(schedule: Schedule, step: int, steps: int, warm_up: float = 0.1) -> float:
    """Factor of the learning rate at step 0 … steps − 1."""
    done = step / max(steps, 1)
    if schedule == "constant":
        return 1.0
    if schedule == "step":
        return 1.0 if done < 100 / 150 else 0.1 if done < 131 / 150 else 0.01
    if done < warm_up:
        return (step + 1) / (warm_up * steps + 1)
    return 0.5 * (1.0 + math.cos(math.pi * (done - warm_up) / (1.0 - warm_up)))


class Average:
    """Moving average of a module's weights. `decay` 0 = the last weights."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay, self.seen = decay, 0
        self.values = {name: p.detach().clone() for name, p in module.named_parameters()}

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        keep = min(self.decay, (1 + self.seen) / (10 + self.seen)) if self.decay > 0 else 0.0
        self.seen += 1
        names = list(self.values)
        new = dict(module.named_parameters())
        torch._foreach_lerp_([self.values[n] for n in names], [new[n].detach() for n in names], 1.0 - keep)

    @torch.no_grad()
    def store(self, module: nn.Module) -> None:
        """Put the averaged weights into the module."""
        for name, parameter in module.named_parameters():
            parameter.copy_(self.values[name])


class Batches:
    """Index batches on the CPU: every epoch a new permutation; the last batch of an epoch may be smaller.

    Steps must be asked for in turn; `order` is the permutation of the epoch under way.
    """

    def __init__(self, n: int, size: int, generator: torch.Generator) -> None:
        self.size, self.an_epoch, self._generator = size, math.ceil(n / size), generator
        self.order = torch.arange(n, device="cpu")

    def at(self, step: int) -> Tensor:
        """(size or fewer,) the batch of step `step`, from 0."""
        within = step % self.an_epoch
        if within == 0:
            self.order = torch.randperm(self.order.numel(), generator=self._generator, device="cpu")
        return self.order[within * self.size : (within + 1) * self.size]


def steps_in(n: int, size: int, epochs: int) -> int:
    """How many batches there are in `epochs` epochs."""
    return epochs * math.ceil(n / size)


def optimiser(
    modules: Sequence[tuple[nn.Module, float]], weight_decay: float
) -> tuple[torch.optim.Optimizer, list[float]]:
    """AdamW over (module, learning rate) pairs, and the rate of each of its groups; decay on matrices only."""
    groups: list[dict[str, object]] = []
    rates: list[float] = []
    for module, lr in modules:
        trained = [p for p in module.parameters() if p.requires_grad]
        for parameters, decay in (
            ([p for p in trained if p.dim() > 1], weight_decay),
            ([p for p in trained if p.dim() <= 1], 0.0),
        ):
            if parameters:
                groups.append({"params": parameters, "weight_decay": decay, "lr": lr})
                rates.append(lr)
    return torch.optim.AdamW(groups), rates


def set_rate(adam: torch.optim.Optimizer, rates: Sequence[float], factor: float) -> None:
    """Every group's learning rate = its own rate · factor."""
    for group, lr in zip(adam.param_groups, rates, strict=True):
        group["lr"] = lr * factor
