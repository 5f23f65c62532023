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

from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from pydantic import ConfigDict, Field

from hsi_studio.engine.compare.plan import ComparisonPlan, Fact
from hsi_studio.errors import BadRequest, FileProblem
from hsi_studio.files import DAMAGED_ARRAYS, write_text
from hsi_studio.stored import read_model

FORMAT = 1  # raise when the JSON changes its meaning
MAX_JSON_BYTES = 64 * 2**20
PLAN, RESULT, MAPS, CELLS = "plan.json", "comparison.json", "maps", "compared"
REMEDY = "Run the comparison again"


Read = TypeVar("Read", bound="Fact")


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
    same: bool = False  # both say the same of every labelled pixel in every seed


class Comparison(Fact):
    """What came out, so far or in the end. `seeds` are those that every arm has."""

    model_config = ConfigDict(populate_by_name=True)

    format: Literal[1] = 1
    plan: ComparisonPlan
    state: Literal["running", "done", "stopped"] = "running"
    scene: dict[str, Any]  # id, name, title, rows, columns, bands, heights
    basis: Literal["reference", "labels"]
    classes: tuple[str, ...]
    drawn: tuple[int, ...] = ()  # labelled pixels of each class in every draw: half of a class trains at most
    left_out: tuple[str, ...] = ()  # "Fir 3": labelled classes with too few labels to both train and test
    colors: tuple[str, ...] = ()  # of the classes, where a project gives them
    seeds: tuple[int, ...]
    arms: tuple[ArmResult, ...]
    differences: tuple[Difference, ...] = ()  # every arm − the first, every protocol
    controls: tuple[Difference, ...] = ()  # every control − its arm
    headline: str = ""
    sentences: tuple[str, ...] = Field(default=(), alias="words")  # one a finding; in the file they are called "words"
    notes: tuple[str, ...] = ()  # what to bear in mind
    maps: dict[str, str] = Field(default_factory=dict)  # arm → file below the folder
    seconds: float = 0.0
    versions: dict[str, str] = Field(default_factory=dict)

    def arm(self, name: str) -> ArmResult | None:
        return next((arm for arm in self.arms if arm.name == name), None)


def write_plan(folder: Path, plan: ComparisonPlan) -> None:
    """Readers never see half of it."""
    write_text(folder / PLAN, plan.model_dump_json(indent=1) + "\n")


def write_comparison(folder: Path, made: Comparison) -> None:
    """Readers see the last whole one."""
    write_text(folder / RESULT, made.model_dump_json(indent=1, by_alias=True) + "\n")


def read_plan(folder: Path) -> ComparisonPlan:
    """Raises FileProblem."""
    return _read(folder / PLAN, ComparisonPlan)


def read_comparison(folder: Path) -> Comparison | None:
    """The result in a folder; None when there is none yet. Raises FileProblem for one that cannot be read."""
    file = folder / RESULT
    return _read(file, Comparison) if file.is_file() else None


def _read(file: Path, kind: type[Read]) -> Read:
    """Raises FileProblem."""
    return read_model(file, kind, MAX_JSON_BYTES, "a comparison's", REMEDY)


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
    except DAMAGED_ARRAYS as error:
        raise FileProblem(file, f"it is not a map ({error})", REMEDY) from error
    if label.shape != shape or confidence.shape != shape or label.dtype != np.uint16:
        raise FileProblem(file, f"its map is {label.shape}, the scene is {shape}", REMEDY)
    return label, confidence


# ── without a reference ─────────────────────────────────────────────────────────────────────────
