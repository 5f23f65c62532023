"""Steps, batches and learning rates of the small trainings."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


from hsi_studio.methods.common.time_left import Clock
from hsi_studio.methods.contract import Context
from hsi_studio.types import Progress


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
