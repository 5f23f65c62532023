"""What a training loop keeps and tells: checkpoints it goes on from, curves, previews. One file for every loop.

    loop = Loop(watch, parts, steps)
    for step in range(loop.first, steps):
        …                                    # one step of training
        loop.after(step, loss, values, make)

A checkpoint holds everything a step changes: weights, the optimiser's moments, averaged weights, the order of the
epoch under way, the state of every random generator, the losses so far. So a training that was stopped and goes on
ends with the same bits as one that was not, on the same device and library versions.

A checkpoint is only as good as what it was made from. It carries a key, a hash of all the training depends on
(parameters, seed, labels, scene, texts, kind of device). One of another key, or whose arrays are not exactly those
this loop keeps, is left aside with a line in the log, and the training begins at the start: it is a saving of time,
never a source of results.

Nothing here draws a random number or writes to what is being trained, so curves, checkpoints and previews change no
result. Curves cost a look at the clock a step, and a few times a second the values.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hsi_studio.methods.common.nn.training import Average, Batches
from hsi_studio.methods.contract import Context, Fitted, NoCheckpoints, State

log = logging.getLogger(__name__)

CURVE_SECONDS = 0.25  # between two points of a curve
SLOTS = ("step", "exp_avg", "exp_avg_sq")  # what Adam keeps of a weight
PREVIEWS = 20  # offers of a preview in a training

Values = Callable[[], dict[str, float]]  # what the curves show beside the loss; asked a few times a second
Make = Callable[[], Fitted]  # the model as it is now


def fingerprint(*parts: Any) -> str:
    """64 hex digits that stand for arrays, tensors, and anything JSON can say."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, Tensor):
            part = part.detach().cpu().numpy()
        if isinstance(part, dict) and any(isinstance(value, Tensor) for value in part.values()):
            part = {name: fingerprint(value) for name, value in part.items()}
        if isinstance(part, np.ndarray):
            digest.update(f"{part.dtype.str}{part.shape}".encode())
            digest.update(np.ascontiguousarray(part).tobytes())
        else:
            digest.update(json.dumps(part, sort_keys=True).encode())
        digest.update(b"|")
    return digest.hexdigest()


@dataclass(frozen=True)
class Watch:
    """Where a loop keeps and tells what it does. By default nowhere.

    `key`: see the file's header; made on need, since hashing inputs takes time.
    """

    ctx: Context = field(default_factory=Context)
    stage: str = "training"
    key: Callable[[], str] = lambda: ""


@dataclass
class Parts:
    """Everything a step of a training changes. `module`, `optimiser`, … are changed in place by `restore`."""

    module: nn.Module
    optimiser: torch.optim.Optimizer
    generators: dict[str, torch.Generator]
    average: Average | None = None
    batches: Batches | None = None

    def arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        """Copies, by name."""
        found = {f"net.{name}": value for name, value in self.module.state_dict().items()}
        for number, slots in self.optimiser.state_dict()["state"].items():
            found |= {f"adam.{number}.{slot}": value for slot, value in slots.items()}
        if self.average is not None:
            found |= {f"mean.{name}": value for name, value in self.average.values.items()}
        if self.batches is not None:
            found["order"] = self.batches.order
        found |= {f"generator.{name}": g.get_state() for name, g in self.generators.items()}
        return {name: value.detach().cpu().numpy().copy() for name, value in found.items()}

    def expected(self) -> dict[str, tuple[tuple[int, ...], np.dtype[Any]]]:
        """Names, shapes and types of what `arrays` may hold; moments are missing for weights without a gradient."""
        here = {name: (value.shape, value.dtype) for name, value in self.arrays().items()}
        names = [p for group in self.optimiser.param_groups for p in group["params"]]
        for number, parameter in enumerate(names):
            shape, kind = tuple(parameter.shape), np.dtype(np.float32)
            here |= {f"adam.{number}.{slot}": (() if slot == "step" else shape, kind) for slot in SLOTS}
        return here

    def restore(self, arrays: dict[str, np.ndarray[Any, Any]], step: int) -> None:
        """Everything as after `step` steps. `arrays` must have been compared with `expected`."""

        def part(prefix: str) -> dict[str, Tensor]:
            start = len(prefix)
            return {n[start:]: torch.from_numpy(np.array(a)) for n, a in arrays.items() if n.startswith(prefix)}

        self.module.load_state_dict(part("net."))
        slots: dict[int, dict[str, Tensor]] = {}
        for name, value in part("adam.").items():
            number, slot = name.split(".")
            slots.setdefault(int(number), {})[slot] = value
        self.optimiser.load_state_dict({**self.optimiser.state_dict(), "state": slots})
        if self.average is not None:
            self.average.seen = step
            for name, value in part("mean.").items():
                self.average.values[name].copy_(value)
        if self.batches is not None:
            self.batches.order = torch.from_numpy(np.array(arrays["order"]))
        for name, generator in self.generators.items():
            generator.set_state(torch.from_numpy(np.array(arrays[f"generator.{name}"])))


class Loop:
    """One training loop's checkpoints, curves and previews. `first`: the step to begin with."""

    def __init__(self, watch: Watch, parts: Parts, steps: int) -> None:
        self._watch, self._parts, self.steps = watch, parts, steps
        self._keeps = not isinstance(watch.ctx.checkpoints, NoCheckpoints)
        self._key = watch.key() if self._keeps else ""
        self._losses: list[Tensor] = []
        self._before: list[float] = []  # of the steps before a pause
        self._told = -CURVE_SECONDS
        self._offer_every = max(1, steps // PREVIEWS)
        self.loss = float("nan")  # as last told
        self.first = self._resumed() if self._keeps else 0

    def after(self, step: int, loss: Tensor, values: Values = dict, make: Make | None = None) -> None:
        """Call when step `step` (from 0) is complete. `loss` is detached here and read a few times a second."""
        self._losses.append(loss.detach())
        last = step + 1 == self.steps
        now = time.perf_counter()
        if last or now - self._told >= CURVE_SECONDS:
            self._told = now
            self.loss = float(self._losses[-1])
            with torch.no_grad():
                told = {"loss": self.loss, **values()}
            self._watch.ctx.metrics(self._watch.stage, step + 1, self.steps, told)
        if self._keeps and (last or self._watch.ctx.checkpoints.due()):
            self._watch.ctx.checkpoints.save(self._watch.stage, self._state(step + 1))
        if make is not None and not last and (step + 1) % self._offer_every == 0:
            self._watch.ctx.preview(make)

    def losses(self) -> list[float]:
        """Of every step, those before a pause included."""
        return self._before + (torch.stack(self._losses).tolist() if self._losses else [])

    def _state(self, step: int) -> State:
        losses = np.array(self.losses(), dtype=np.float64)
        header = {"stage": self._watch.stage, "key": self._key, "step": step, "steps": self.steps}
        return State({**self._parts.arrays(), "losses": losses}, header)

    def _resumed(self) -> int:
        """The step after the last one kept; 0 without a checkpoint of this training."""
        stage = self._watch.stage
        kept = self._watch.ctx.checkpoints.load(stage)
        if kept is None:
            return 0
        wrong = self._wrong(kept)
        if wrong:
            log.warning("checkpoint of %s is left aside, training begins at the start: %s", stage, wrong)
            return 0
        step = int(kept.header["step"])
        self._parts.restore(kept.arrays, step)
        self._before = kept.arrays["losses"].tolist()
        self.loss = self._before[-1]
        log.info("training of %s goes on at step %d of %d", stage, step, self.steps)
        return step

    def _wrong(self, kept: State) -> str:
        """Why a checkpoint is not one of this loop; empty when it is."""
        header = kept.header
        if header.get("stage") != self._watch.stage or header.get("key") != self._key:
            return "it was made with other parameters, labels, texts, scene or device"
        step = header.get("step")
        if header.get("steps") != self.steps or not isinstance(step, int) or not 1 <= step <= self.steps:
            return f"it is at step {step} of {header.get('steps')}, this training has {self.steps}"
        expected = {**self._parts.expected(), "losses": ((step,), np.dtype(np.float64))}
        moments = {name for name in kept.arrays if name.startswith("adam.")}
        whole = {f"{name.rpartition('.')[0]}.{slot}" for name in moments for slot in SLOTS}
        needed = {name for name in expected if not name.startswith("adam.")} | whole
        if needed != set(kept.arrays) or not needed <= set(expected):
            return f"its arrays are others: {', '.join(sorted(needed ^ set(kept.arrays))[:3]) or 'moments'}"
        for name, own in kept.arrays.items():
            shape, kind = expected[name]
            if own.shape != shape or own.dtype != kind:
                return f"{name} is {own.dtype} {own.shape}, not {kind} {shape}"
        return ""
