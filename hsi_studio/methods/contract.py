"""What a method is: the contract every method folder fulfils.

A method is a folder whose `__init__.py` ends with `METHOD = TheMethod()`. One contract test runs over all of them
(`tests/methods/test_contract.py`): defaults construct; same seed = same map; probabilities sum to 1;
inputs unchanged; one label per class works; cancel within 1 s; save → load → same map; invalid
pixels stay unlabelled; the order of test pixels changes nothing.

Optional attributes: a method that trains for long names in `quick` the parameters the contract test runs it with
(fewer steps, nothing else that matters), in `efforts` what the positions fast and thorough of the effort dial change
(normal = the defaults), in `presets` further sets of values by name, in `parts` what can be switched off to see what
it is worth (with what the part needs to matter); one whose training can start from another model
(`Context.warm_start`) says `warm_starts = True`; a fitted model that takes long for a pixel names in `tile_px` the side
of the blocks it wants to be asked for, so that a map can be stopped between them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
from pydantic import BaseModel, ConfigDict

from hsi_studio.errors import BadRequest, Cancelled
from hsi_studio.types import BoolArray, ClassSchema, FloatArray, IntArray, LabelSet, Progress, PromptSet, Scene


class Params(BaseModel):
    """Base of a method's parameters: frozen, no unknown names; forms, JSON and docs come from it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    groups: ClassVar[dict[str, str]] = {}  # first field of each part of the form → the part's title


class Checkpoints(Protocol):
    """Where a long training leaves its state, so that it goes on after a pause, a crash or a kill."""

    def load(self, stage: str) -> State | None:
        """The last state saved under this name; None = begin at the start."""
        ...

    def due(self) -> bool:
        """Whether to save now: some time has passed since the last one, or a pause was asked for. Cheap."""
        ...

    def save(self, stage: str, state: State) -> None:
        """Keep it, in place of the last one of this name. A crash in between leaves the last one."""
        ...


class NoCheckpoints:
    """Nothing is kept."""

    def load(self, stage: str) -> State | None:
        return None

    def due(self) -> bool:
        return False

    def save(self, stage: str, state: State) -> None:
        return None


Metrics = Callable[[str, int, int, dict[str, float]], None]


@dataclass
class Context:
    """What the surroundings give a method: seed, device, progress, cancel, a cache folder.

    The last three are for methods that train for long, and may be left alone by the others:
    `metrics(stage, step, steps, values)` takes what the curves show (`loss`, its parts as `loss/…`, `lr`,
    `temperature`, `accuracy` of the training pixels) and is free to drop most of it; `checkpoints` makes a training go
    on with the same result as one that was never interrupted; `preview(make)` may call `make()` for the model as it is
    now, to draw a first map. None of them may change the result: no draw from the training's generators.
    """

    seed: int = 0
    device: str = "cpu"
    progress: Callable[[Progress], None] = lambda _: None
    cancelled: Callable[[], bool] = lambda: False
    cache_dir: Path | None = None  # None = keep nothing on disk
    metrics: Metrics = lambda stage, step, steps, values: None
    checkpoints: Checkpoints = field(default_factory=NoCheckpoints)
    preview: Callable[[Callable[[], Fitted]], None] = lambda make: None
    warm_start: State | None = None  # a fitted model to start from, for methods that say `warm_starts`

    def rng(self) -> np.random.Generator:
        return np.random.default_rng(self.seed)

    def check(self) -> None:
        """Raises Cancelled when the user has stopped the work. Call it at least twice a second."""
        if self.cancelled():
            raise Cancelled("Stopped.")


@dataclass(frozen=True)
class Block:
    """A window of a scene to be mapped."""

    scene: Scene
    rows: slice  # start and stop set, step None
    cols: slice

    @property
    def shape(self) -> tuple[int, int]:
        return self.rows.stop - self.rows.start, self.cols.stop - self.cols.start

    @property
    def valid(self) -> BoolArray:
        """(h, w)."""
        return self.scene.valid[self.rows, self.cols]


@dataclass(frozen=True)
class State:
    """A fitted model on its way to disk: arrays → safetensors, header → JSON. Nothing is executed on load."""

    arrays: dict[str, np.ndarray[Any, Any]] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)


class Fitted(Protocol):
    """A method after `fit`."""

    schema: ClassSchema

    def predict(self, block: Block) -> FloatArray:
        """(K, h, w) float32 probabilities over `schema`, summing to 1; NaN at invalid pixels."""
        ...

    def leave_one_out(self) -> IntArray:
        """(N,) class index each labelled pixel would get from a fit without it."""
        ...

    def state(self) -> State: ...


class Method(Protocol):
    """One classification method. Instances are stateless."""

    name: ClassVar[str]
    title: ClassVar[str]
    source: ClassVar[str]  # citation
    Params: ClassVar[type[Params]]
    needs: ClassVar[frozenset[str]]  # of {"text", "dsm", "pretraining"}
    halo_px: ClassVar[int]  # how far around a block `predict` looks

    def prepare(self, scene: Scene, params: Any, ctx: Context) -> None:
        """Label-free work done once per scene (features, pre-training). `fit` calls it when it was not."""
        ...

    def fit(self, scene: Scene, labels: LabelSet, prompts: PromptSet, params: Any, ctx: Context) -> Fitted:
        """Raises TooFewLabels (say how many more), Cancelled."""
        ...

    def from_state(self, state: State, scene: Scene, ctx: Context) -> Fitted:
        """Raises SceneMismatch with both numbers when the bands or the normalisation differ."""
        ...


def make_params(kind: type[Params], values: dict[str, Any]) -> Params:
    """Params from loose values, with errors a user can act on. Raises BadRequest."""
    from pydantic import ValidationError

    try:
        return kind(**values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        known = ", ".join(kind.model_fields)
        raise BadRequest(f"Parameter {where}: {first['msg']}. Known parameters: {known}.") from error
