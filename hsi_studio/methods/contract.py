"""What a method is: the contract every method fulfils, with the default of all that is optional.

A method is a folder here whose `__init__.py` ends with `METHOD = TheMethod()`, or one file of anybody's elsewhere
(`registry.py`). `hsi_studio.testing.check_method` tests it: defaults construct; same seed = same map; probabilities
sum to 1; inputs unchanged; one label per class works; cancel stops it; save → load → same map; invalid pixels stay
unlabelled; the order of labels and the reference change nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator

from hsi_studio.errors import BadRequest, Cancelled
from hsi_studio.methods.common.work import Shape, Work, plain
from hsi_studio.types import BoolArray, ClassSchema, FloatArray, IntArray, LabelSet, Progress, PromptSet, Scene

if TYPE_CHECKING:
    from hsi_studio.text.encoders import TextEncoder

Values = Mapping[str, Any]  # parameters by name
NO_VALUES: Values = MappingProxyType({})
NO_SETS: Mapping[str, Values] = MappingProxyType({})
MOST_SEED = 2**63 - 1  # what torch's generators take
TEXT_MODEL = "x-text-model"  # key in the schema of a parameter that names a text model or tokenizer
TextModel = Annotated[str, Field(max_length=300, json_schema_extra={TEXT_MODEL: True})]


class Params(BaseModel):
    """Base of a method's parameters: frozen, no unknown names, finite; forms, JSON and docs come from it.

    Every field has its limits in its metadata, elements of lists too: `Annotated[int, Field(ge=1, le=128)]`. A field
    that names a text model is a `TextModel` ("" or None: none): `make_params` lets those pass that may be opened here.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    groups: ClassVar[dict[str, str]] = {}  # first field of each part of the form → the part's title
    added: ClassVar[Mapping[str, Any]] = {}  # fields of later versions → the value that does what was done before them

    @model_validator(mode="before")
    @classmethod
    def _as_then(cls, given: Any) -> Any:
        """A run or model from before a field was there says every other one, and is read as what it was."""
        if not isinstance(given, dict) or not set(cls.model_fields) - set(cls.added) <= set(given):
            return given
        return {**cls.added, **given}


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


@dataclass(frozen=True)
class WordPosteriors:
    """What class names say of a scene's places before any label: posteriors (n, J) of the names at positions `kept` (J)
    of those asked for, on places `index` (H, W), −1 where invalid. `stamp` changes with the numbers."""

    index: IntArray
    probability: FloatArray
    kept: tuple[int, ...]
    stamp: str


@dataclass(frozen=True)
class WordsTold:
    """What class names did in a fit. `p`: share of the orders of the names that agree with the labels as well as
    theirs; `tested`: of how many orders, 0 = too few names; `alarms`: (class, class whose name its labels look like);
    `without`: the same fit without the names, None where they were turned away."""

    p: float
    tested: int
    alarms: tuple[tuple[int, int], ...]
    without: Fitted | None


Words = Callable[[Scene, tuple[str, ...]], WordPosteriors | None]
Metrics = Callable[[str, int, int, dict[str, float]], None]


@dataclass
class Context:
    """What the surroundings give a method: seed, device, progress, cancel, a cache folder. Raises BadRequest (seed).

    The last three are for methods that train for long, and may be left alone by the others:
    `metrics(stage, step, steps, values)` takes what the curves show (`loss`, its parts as `loss/…`, `lr`,
    `temperature`, `accuracy` of the training pixels) and is free to drop most of it; `checkpoints` makes a training go
    on with the same result as one that was never interrupted; `preview(make)` may call `make()` for the model as it is
    now, to draw a first map. None of them may change the result: no draw from the training's generators.
    `words` is what a scene's class names are worth without labels, for methods that start from it.
    """

    seed: int = 0
    device: str = "cpu"
    progress: Callable[[Progress], None] = lambda _: None
    cancelled: Callable[[], bool] = lambda: False
    cache_dir: Path | None = None  # None = keep nothing on disk
    metrics: Metrics = lambda stage, step, steps, values: None
    checkpoints: Checkpoints = field(default_factory=NoCheckpoints)
    preview: Callable[[Callable[[], Fitted]], None] = lambda make: None
    words: Words = lambda scene, names: None  # class names → posteriors; None = not known, or not yet
    warm_start: State | None = None  # a fitted model to start from, for methods that say `warm_starts`

    def __post_init__(self) -> None:
        if not 0 <= self.seed <= MOST_SEED:
            raise BadRequest(f"The seed is {str(self.seed)[:40]}: choose a whole number from 0 to {MOST_SEED}.")

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


@runtime_checkable
class TextSpace(Protocol):
    """A fitted model whose pixels and texts live in one space, on one scene."""

    def query(self, sentences: Sequence[str]) -> FloatArray:
        """(H, W) mean cosine of every pixel with the sentences; NaN where invalid."""
        ...


class Fitted(ABC):
    """A method after `fit`. What is not abstract is optional, and its default is what a plain model does."""

    schema: ClassSchema
    tile_px: int | None = None  # side of the blocks it wants to be asked for, of a model that takes long for a pixel

    @abstractmethod
    def predict(self, block: Block) -> FloatArray:
        """(K, h, w) float32 probabilities over `schema`, summing to 1; NaN at invalid pixels."""

    @abstractmethod
    def state(self) -> State:
        """All that `Method.from_state` needs for the same map."""

    def predict_best(self, block: Block) -> tuple[npt.NDArray[np.uint16], FloatArray]:
        """What `best_class(self.predict(block))` gives; for models that know it without all probabilities."""
        return best_class(self.predict(block))

    def leave_one_out(self) -> IntArray | None:
        """(N,) class index each labelled pixel would get from this very method fitted without it, in the order of the
        labels; None = that would take a training a label, so nothing is known. Another model's answer is no substitute.
        """
        return None

    def words_told(self) -> WordsTold | None:
        """What the class names did; None of methods that know nothing of words, or were told none."""
        return None

    def warm(self, ctx: Context) -> None:
        """All that can be computed for the scene before its first block, of models with seconds of it.

        Raises Cancelled.
        """
        return None

    def at(self, row: npt.NDArray[np.int64], col: npt.NDArray[np.int64]) -> FloatArray | None:
        """(n, K) probabilities of single pixels, for a first look while it trains: smoothing, which `predict` does,
        may be missing. None = only whole blocks."""
        return None

    def embed(self, block: Block) -> FloatArray | None:
        """(h, w, D) unit vectors of the pixels, NaN at invalid ones; None = it has no such space."""
        return None

    def text_vectors(self) -> FloatArray | None:
        """(K, D) unit vectors of the classes' texts in the space of `embed`; None = it keeps none."""
        return None

    @property
    def sentences(self) -> Mapping[str, Sequence[str]]:
        """Class id → the sentences it was trained with; empty for a model that read none."""
        return {}

    @property
    def notes(self) -> tuple[str, ...]:
        """What its training met that a reader of its map should know, in sentences."""
        return ()

    def text_space(
        self, scene: Scene, encoder: Callable[[str], TextEncoder], check: Callable[[float], None]
    ) -> TextSpace | None:
        """The scene's pixels beside a text side that takes new words; None = there is none.

        `encoder(spec)` opens a sentence encoder, `check(done)` takes the share done. Raises what `check` raises,
        SceneMismatch.
        """
        return None


class Method(ABC):
    """One classification method. Instances are stateless (but for caches that can be dropped at any time).

    A subclass sets `name`, `title`, `source` and `Params` and has `fit` and `from_state`; everything else has a
    default here. No other part of the program knows a method by its name: what it needs to know stands below.
    """

    name: ClassVar[str]  # lower case: of files, the command line, saved models
    title: ClassVar[str]  # for people
    source: ClassVar[str]  # citation
    Params: ClassVar[type[Params]]
    needs: ClassVar[frozenset[str]] = frozenset()  # of {"text", "dsm", "pretraining"}

    # sets of parameter values, by name
    presets: ClassVar[Mapping[str, Values]] = NO_SETS  # further settings: the paper's, ablations with a name
    efforts: ClassVar[Mapping[str, Values]] = NO_SETS  # "fast", "thorough" of the effort dial; normal = the defaults
    ablations: ClassVar[Mapping[str, Values]] = NO_SETS  # part → the values that switch it off, to see its worth
    test_params: ClassVar[Values] = NO_VALUES  # what contract tests run it with: fewer steps, else nothing that matters
    quick_pace: ClassVar[Values] = NO_VALUES  # shorter trainings for a comparison at the quick pace
    heights_with: ClassVar[Values] = NO_VALUES  # what `use_dsm` needs to matter, where the defaults read no heights

    # what a run of it costs
    label_free: ClassVar[frozenset[str]] = frozenset()  # parameters that the result of `prepare` depends on
    fixed_seconds: ClassVar[Mapping[str, float]] = MappingProxyType({"fit": 1.0})  # phase → libraries, text encoders

    # what else it can do
    warm_starts: ClassVar[bool] = False  # a training can start from another model: `Context.warm_start`
    own_text_side: ClassVar[bool] = False  # its models' `text_space` takes words they were not trained on
    borrowed_leave_one_out: ClassVar[bool] = False  # what earlier versions stored as its own was another model's
    joint_space: ClassVar[bool] = False  # its models have `text_vectors` and `embed`

    @abstractmethod
    def fit(self, scene: Scene, labels: LabelSet, prompts: PromptSet, params: Any, ctx: Context) -> Fitted:
        """Raises TooFewLabels (say how many more), LabelProblem, Cancelled. `common/checks.py` has the first two."""

    @abstractmethod
    def from_state(self, state: State, scene: Scene, ctx: Context) -> Fitted:
        """Raises SceneMismatch with both numbers when the bands or the normalisation differ."""

    def prepare(self, scene: Scene, params: Any, ctx: Context) -> None:
        """Label-free work done once per scene (features, pre-training). `fit` does it when it was not."""
        return None

    def pretrained_status(self, scene: Scene, params: Any, cache_dir: Path | None, device: str) -> str:
        """For people, whether the pre-training for this scene is on disk; "" for methods without one."""
        return ""

    def work(self, params: Mapping[str, Any], shape: Shape, labels: int, classes: int) -> dict[str, Work]:
        """{"prepare" | "fit" | "predict": (GFLOP, calls of small operations)} of a run with these parameters."""
        return plain(shape, labels, classes)

    def window_px(self, params: Mapping[str, Any]) -> int:
        """Side of the window that a pixel's class is made from before any smoothing, with all parameters given."""
        return 1

    def reads_heights(self, params: Mapping[str, Any]) -> bool:
        """Whether a scene's surface model would change its map, with all parameters given."""
        return params.get("use_dsm") is True and all(
            params.get(key) == value for key, value in self.heights_with.items()
        )

    def memory_mb(self, params: Mapping[str, Any], shape: Shape, labels: int, classes: int) -> float:
        """MiB that its training takes beside the scene, mostly what a batch leaves in a network; 0 = little."""
        return 0.0


def best_class(probabilities: FloatArray) -> tuple[npt.NDArray[np.uint16], FloatArray]:
    """(K, h, w) → label (h, w) uint16 (class + 1, 0 where NaN) and the probability of it (h, w), NaN there."""
    unknown = ~np.isfinite(probabilities).all(axis=0)
    best = probabilities.argmax(axis=0)
    confidence = np.take_along_axis(probabilities, best[None], axis=0)[0].astype(np.float32)
    label = (best + 1).astype(np.uint16)
    label[unknown], confidence[unknown] = 0, np.nan
    return label, confidence


def make_params(kind: type[Params], values: Mapping[str, Any]) -> Params:
    """Params from loose values, with errors a user can act on. Every way in (form, command line, JSON, façade) comes
    through here. Raises BadRequest, also for a text model that may not be opened here."""
    from pydantic import ValidationError

    try:
        made = kind.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])[:80]
        if first["type"] == "extra_forbidden":
            known = ", ".join(kind.model_fields)
            raise BadRequest(f"There is no parameter {where}. Known parameters: {known}.") from error
        said = first["msg"].removeprefix("Value error, ")  # of one parameter, or of several that do not go together
        raise BadRequest(f"Parameter {where}: {said}." if where else f"{said[:1].upper()}{said[1:]}.") from error
    names = text_models(made)
    if names:
        from hsi_studio.text.model_files import check_allowed

        for name in names:
            check_allowed(name)
    return made


def text_models(params: Params) -> list[str]:
    """What its `TextModel` fields say, empty ones left out."""
    declared = type(params).model_json_schema()["properties"]
    named = [name for name, schema in declared.items() if any(part.get(TEXT_MODEL) for part in _parts(schema))]
    return [str(value) for name in named if (value := getattr(params, name))]


def without_limits(kind: type[Params]) -> list[str]:
    """Fields that take values without a limit, each with what it lacks: "epochs: largest value"."""
    declared = kind.model_json_schema()["properties"]
    return [f"{name}: {lack}" for name, schema in declared.items() if (lack := _lacks(schema))]


def _parts(schema: dict[str, Any]) -> list[dict[str, Any]]:
    return [schema, *schema.get("anyOf", [])]


def _lacks(schema: dict[str, Any]) -> str:
    """What a field's JSON schema leaves open; "" when nothing."""
    if "anyOf" in schema:
        return next(filter(None, map(_lacks, schema["anyOf"])), "")
    if "enum" in schema or "const" in schema:
        return ""
    match schema.get("type"):
        case "boolean" | "null":
            return ""
        case "integer" | "number":
            least, most = {"minimum", "exclusiveMinimum"} & set(schema), {"maximum", "exclusiveMaximum"} & set(schema)
            return "" if least and most else "largest value" if least else "smallest value"
        case "string":
            return "" if "maxLength" in schema else "longest text (max_length, or a Literal of the choices)"
        case "array":
            inner = [*schema.get("prefixItems", []), *([schema["items"]] if "items" in schema else [])]
            if "maxItems" not in schema:
                return "longest list (max_length)"
            return next((f"of an element, {lack}" for one in inner if (lack := _lacks(one))), "")
    return "a type of numbers, texts, booleans or lists of them"
