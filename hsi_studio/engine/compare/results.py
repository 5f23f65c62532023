"""A/B comparison: what is asked (`ComparisonPlan`) and what came out (`Comparison`), as JSON on disk.

An *arm* is one way to make a map: a method, its parameters, its words. Two to six arms are run on the same scene, the
same labelled pixels and the same seeds, so that every difference is paired. Every arm whose method reads text gets a
*control*: the same arm with the same sentences exchanged among the classes (another exchange every seed). Random and
buffered test pixels always stand side by side; they are scored on the same maps.

Without a reference the labels stand in for it (`labels_as_reference`): of every class's labels some train and the
others test, again and again. That is a small test set drawn from where the user clicked; `enough_labels` refuses what
is too small to say anything, with the numbers.

A comparison's folder: plan.json, comparison.json (rewritten after every seed), maps/<arm>.npz (first seed).
"""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hsi_studio.engine.evaluation.splits import DEFAULT_BUFFER_PX
from hsi_studio.errors import BadRequest, CorruptFile, FileProblem, TooFewLabels
from hsi_studio.types import LabelSet, Scene

FORMAT = 1  # raise when the JSON changes its meaning
MAX_ARMS = 6
MAX_SEEDS = 100
MAX_JSON_BYTES = 64 * 2**20
LEAST_LABELS = 4  # of a class, where labels test: two train, two test
PLAN, RESULT, MAPS, CELLS = "plan.json", "comparison.json", "maps", "compared"
CONTROL = "shuffled words"
REMEDY = "Run the comparison again"


Read = TypeVar("Read", bound="Fact")


class Fact(BaseModel):
    """Base of everything here: frozen, no unknown names."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Arm(Fact):
    """One way to make a map. `sentences` by class name; a class without any is known by its name."""

    name: str = Field(min_length=1, max_length=120)
    method: str
    params: dict[str, Any] = {}  # what differs from the defaults
    words: str = ""  # what the sentences are called: "p5", a prompt set's name; "" = the method reads none
    sentences: dict[str, tuple[str, ...]] = {}

    @property
    def prompts(self) -> str:
        """The sentences' name in a sweep: it changes with every word of them."""
        text = json.dumps(self.sentences, sort_keys=True, ensure_ascii=False)
        return f"{self.words}#{hashlib.sha256(text.encode()).hexdigest()[:8]}" if self.words else "none"


class ComparisonPlan(Fact):
    """What to compare. The first arm is what the others are compared with."""

    format: Literal[1] = 1
    title: str = ""
    arms: tuple[Arm, ...] = Field(min_length=2, max_length=MAX_ARMS)
    shots: int = Field(ge=1, le=10_000)
    seeds: tuple[int, ...] = Field(min_length=1, max_length=MAX_SEEDS)
    buffer_px: int = Field(DEFAULT_BUFFER_PX, ge=1, le=10_000)
    pace: Literal["quick", "thorough", "own"] = "own"
    budget_s: float | None = Field(None, gt=0)  # no further seed is begun that would go past it
    control: bool = True  # the shuffled-words control of every arm that reads text
    gives_up: tuple[str, ...] = ()  # what the pace costs, in sentences

    @model_validator(mode="after")
    def _distinct(self) -> ComparisonPlan:
        names = [arm.name.casefold() for arm in self.arms]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two arms are called {', '.join(twice)}: give each its own name")
        same: dict[str, str] = {}
        for arm in self.arms:
            key = json.dumps([arm.method, arm.params, arm.prompts], sort_keys=True)
            if key in same:
                raise ValueError(f"{same[key]} and {arm.name} are the same: change one of them")
            same[key] = arm.name
        if len(set(self.seeds)) < len(self.seeds) or min(self.seeds) < 0:
            raise ValueError("seeds are different whole numbers from 0")
        return self

    @property
    def reference_arm(self) -> Arm:
        return self.arms[0]

    @property
    def protocols(self) -> tuple[str, str]:
        return "random", f"buffered:{self.buffer_px}"


class Spread(Fact):
    """A figure over seeds, in percent points: mean, standard deviation (n − 1), the seeds' values in their order."""

    mean: float
    std: float
    values: tuple[float, ...]


class Gap(Fact):
    """A paired difference in percent points: mean over seeds, 95 % interval (None: too few seeds), spread, power."""

    value: float
    low: float | None = None
    high: float | None = None
    std: float = 0.0
    n: int = 0
    values: tuple[float, ...] = ()
    p: float | None = None  # paired t test, two-sided; for lists of classes only
    needed: int | None = None  # seeds to show this difference if it is real; None: beyond counting
    visible: float | None = None  # the difference this many seeds would probably have shown

    @property
    def clear(self) -> bool:
        """Whether 0 lies outside the interval."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


class ClassGap(Fact):
    """F1 of one class: this arm − the one it is compared with."""

    name: str
    n_test: int  # mean over seeds
    f1: Gap
    real: bool = False  # holds after the false-discovery rate over all classes is kept at 5 %


class Disagreement(Fact):
    """McNemar's test of two maps pooled over seeds: at each pixel the class that most seeds in which it tests give it.

    The draws are the same for both, so both have the same test pixels.
    """

    n: int
    only_first: int  # pixels only the arm compared with has right
    only_second: int
    p: float  # as if pixels were independent: far too small, because neighbours fail together
    blocks: int
    p_blocks: float | None  # one pixel a block of 10 × 10: twice the median of 101 draws


class Figures(Fact):
    """An arm under one protocol; a figure that no seed has is None."""

    oa: Spread | None
    aa: Spread | None
    kappa: Spread | None
    f1: tuple[Spread | None, ...]  # by class
    n_test: int  # mean over seeds
    problem: str = ""


class ArmResult(Fact):
    name: str
    control_of: str = ""  # name of the arm whose sentences were exchanged; "" = an arm of the plan
    method: str
    words: str = ""
    figures: dict[str, Figures]  # protocol → figures
    fit_s: float
    map_s: float
    problem: str = ""  # why some of its seeds are missing


class Difference(Fact):
    """`second` − `first`, paired by seed, under one protocol."""

    first: str
    second: str
    protocol: str
    oa: Gap | None
    aa: Gap | None
    kappa: Gap | None
    classes: tuple[ClassGap, ...]
    disagreement: Disagreement | None = None


class Comparison(Fact):
    """What came out, so far or in the end. `seeds` are those that every arm has."""

    format: Literal[1] = 1
    plan: ComparisonPlan
    state: Literal["running", "done", "stopped"] = "running"
    scene: dict[str, Any]  # id, name, title, rows, columns, bands, heights
    basis: Literal["reference", "labels"]
    classes: tuple[str, ...]
    colors: tuple[str, ...] = ()  # of the classes, where a project gives them
    seeds: tuple[int, ...]
    arms: tuple[ArmResult, ...]
    differences: tuple[Difference, ...] = ()  # every arm − the first, every protocol
    controls: tuple[Difference, ...] = ()  # every control − its arm
    headline: str = ""
    words: tuple[str, ...] = ()  # one sentence a finding
    notes: tuple[str, ...] = ()  # what to bear in mind
    maps: dict[str, str] = {}  # arm → file below the folder
    seconds: float = 0.0
    versions: dict[str, str] = {}

    def arm(self, name: str) -> ArmResult | None:
        return next((arm for arm in self.arms if arm.name == name), None)


def make_plan(values: Mapping[str, Any]) -> ComparisonPlan:
    """Raises BadRequest with the first mistake."""
    try:
        return ComparisonPlan.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        raise BadRequest(f"This comparison cannot be made{f' ({where})' if where else ''}: {said}.") from error


def write_json(file: Path, value: BaseModel) -> None:
    """Beside its name, then renamed: readers never see half of it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}.{uuid.uuid4().hex}.part")
    try:
        partial.write_text(value.model_dump_json(indent=1) + "\n", encoding="utf-8")
        os.replace(partial, file)
    finally:
        partial.unlink(missing_ok=True)


def read_plan(folder: Path) -> ComparisonPlan:
    """Raises FileProblem."""
    return _read(folder / PLAN, ComparisonPlan)


def read_comparison(folder: Path) -> Comparison | None:
    """The result in a folder; None when there is none yet. Raises FileProblem for one that cannot be read."""
    file = folder / RESULT
    return _read(file, Comparison) if file.is_file() else None


def _read(file: Path, kind: type[Read]) -> Read:
    """Raises FileProblem."""
    try:
        if file.stat().st_size > MAX_JSON_BYTES:
            raise CorruptFile(file, f"it is larger than {MAX_JSON_BYTES >> 20} MiB", REMEDY)
        return kind.model_validate_json(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise FileProblem(file, f"it cannot be read ({error.strerror})", REMEDY) from error
    except (UnicodeDecodeError, ValidationError) as error:
        raise CorruptFile(file, f"it is not a comparison's ({str(error)[:200]})", REMEDY) from error


def read_map(folder: Path, comparison: Comparison, arm: str) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """((H, W) uint16 class index + 1, (H, W) float32 confidence) of an arm's first seed.

    Raises BadRequest, FileProblem.
    """
    if arm not in comparison.maps:
        raise BadRequest(f"There is no map of {arm!r} in this comparison.")
    file = folder / MAPS / Path(comparison.maps[arm]).name
    shape = (int(comparison.scene["rows"]), int(comparison.scene["columns"]))
    try:
        with np.load(file, allow_pickle=False) as stored:
            label, confidence = stored["label"], stored["confidence"]
    except (OSError, ValueError, KeyError) as error:
        raise FileProblem(file, f"it is not a map ({error})", REMEDY) from error
    if label.shape != shape or confidence.shape != shape or label.dtype != np.uint16:
        raise FileProblem(file, f"its map is {label.shape}, the scene is {shape}", REMEDY)
    return label, confidence


# ── without a reference ─────────────────────────────────────────────────────────────────────────


def enough_labels(labels: LabelSet, shots: int) -> None:
    """Raises TooFewLabels unless two classes have `LEAST_LABELS` labels, so that some can train and others test."""
    counts = [int(count) for count in labels.counts if count > 0]
    able = [count for count in counts if count >= LEAST_LABELS]
    if len(able) < 2:
        have = ", ".join(
            f"{info.name} {count}" for info, count in zip(labels.schema.classes, labels.counts, strict=True) if count
        )
        raise TooFewLabels(
            "This scene has no reference map, so some of your labels must test what the others train: that takes at "
            f"least {LEAST_LABELS} labels in each of two classes. You have {have or 'none'}. Label more pixels, or "
            "open the scene with a reference map."
        )
    if shots > min(able) // 2:
        raise TooFewLabels(
            f"{shots} shots a class would leave too few labels to test on: a class trains on half of its labels at "
            f"most, and the smallest usable one has {min(able)}. Take {min(able) // 2} shots or fewer."
        )


def labels_as_reference(scene: Scene, labels: LabelSet) -> Scene:
    """The scene with its labels in place of a reference: what a method is trained and tested on, nothing else.

    Classes with fewer than `LEAST_LABELS` labels are left out: they cannot both train and test.
    """
    counts = labels.counts
    reference = np.zeros(scene.shape[:2], dtype=np.int32)
    used = [k for k in range(len(labels.schema)) if counts[k] >= LEAST_LABELS]
    for k in used:
        own = labels.label == k
        reference[labels.row[own], labels.col[own]] = k + 1
    names = {k + 1: labels.schema.classes[k].name for k in used}
    return replace(scene.without_reference(), reference=reference, reference_names=names)


def reference_hash(scene: Scene) -> str:
    """8 hex digits of the reference: other labels are other draws."""
    assert scene.reference is not None
    digest = hashlib.sha256(np.ascontiguousarray(np.where(scene.valid, scene.reference, 0), dtype=np.int32).tobytes())
    digest.update(json.dumps(scene.reference_classes).encode())
    return digest.hexdigest()[:8]


def sentences_of(
    names: Sequence[str], words: str, scene_name: str
) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """Every class's sentences in a style, p1 … p5, or "names" for the bare names; and notes. Raises BadRequest."""
    from hsi_studio.text.prompts import readable, sentences_for

    if words == "names":
        return {name: (readable(name),) for name in names}, ()
    return sentences_for(names, words, scene_name)
