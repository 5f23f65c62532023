"""What a model file says about its model: method, scene, classes, shots, prompts, accuracy and on what, origin.

Every text is bounded and has no control characters; ids hold no separator of paths. So a list may show a stranger's
file before anything of it is used, and no text in it leads out of a folder.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from hsi_studio.engine.evaluation.map_accuracy import AccuracyReport
from hsi_studio.engine.evaluation.not_known import borrowed
from hsi_studio.types import LabelSet, PromptSet, Scene

CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


def _one_line(longest: int) -> Any:
    """A text's validator: control characters become spaces, the end is cut."""
    return BeforeValidator(lambda v: CONTROL.sub(" ", v).strip()[:longest] if isinstance(v, str) else v)


Line = Annotated[str, _one_line(200)]
Name = Annotated[str, Field(max_length=128, pattern=r"^[^/\\\\\x00-\x1f\x7f]*$")]  # ids: no separators of paths in them


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class ClassFacts(_Facts):
    id: Name
    name: Line
    color: str = Field(default="#808080", pattern=r"^#[0-9a-fA-F]{6}$")
    reference_value: int | None = None


class SceneFacts(_Facts):
    """The scene a model was trained on."""

    id: Name
    name: Line = ""
    title: Line = ""
    bands: int = Field(ge=1, le=100_000)
    wavelength_nm: tuple[float, ...] | None = Field(default=None, max_length=100_000)  # (B,)
    size: tuple[int, int] | None = None  # rows, columns
    ground: Line = ""  # `ground_of`; "" in files from before
    level: float | None = Field(default=None, allow_inf_nan=False)  # `level_of`; None in files from before


class LabelFacts(_Facts):
    """How many labels it was trained on."""

    fewest: int = Field(default=0, ge=0)  # of a class that has any
    most: int = Field(default=0, ge=0)
    total: int = Field(default=0, ge=0)
    revision: int = 0


class AccuracyFacts(_Facts):
    """Accuracy as fractions, and on what it was computed."""

    oa: float | None = Field(default=None, ge=0, le=1)
    aa: float | None = Field(default=None, ge=0, le=1)
    kappa: float | None = Field(default=None, ge=-1, le=1)
    kind: Line = ""  # "reference", "leave_one_out"
    on: Annotated[str, _one_line(1000)] = ""  # "on 4,378 reference pixels of …"


class PromptFacts(_Facts):
    style: Line = ""
    set: Line = ""
    sentences: dict[str, tuple[str, ...]] = Field(default_factory=dict, max_length=1000)  # by class id


class CheckpointFacts(_Facts):
    """What people and the model list need to know about a model. No path, and nothing that is used as one."""

    method: str = Field(pattern=r"^[a-z0-9_]{1,64}$")
    classes: tuple[ClassFacts, ...] = Field(max_length=1000)
    scene: SceneFacts
    labels: LabelFacts = LabelFacts()
    prompts: PromptFacts = PromptFacts()
    seed: int = 0
    params: dict[str, Any] = Field(default_factory=dict)
    accuracy: AccuracyFacts | None = None
    run_id: Name = ""
    parent: Name = ""  # run or model it started from
    created: Line = ""  # ISO 8601, UTC
    title: Line = ""
    note: str = Field(default="", max_length=10_000)
    tags: tuple[Line, ...] = Field(default=(), max_length=50)

    @model_validator(mode="before")
    @classmethod
    def _own_figures(cls, given: Any) -> Any:
        told = given.get("accuracy") if isinstance(given, dict) else None
        if isinstance(told, dict) and borrowed(str(given.get("method")), str(told.get("kind"))):
            return {**given, "accuracy": None}
        return given


def describe(
    scene: Scene,
    labels: LabelSet,
    method: str,
    *,
    params: dict[str, Any],
    seed: int,
    prompts: PromptSet | None = None,
    style: str = "",
    prompt_set: str = "",
    report: AccuracyReport | None = None,
    run_id: str = "",
    parent: str = "",
    title: str = "",
) -> CheckpointFacts:
    """The facts of a model fitted on a scene's labels. `labels` as they were given to `fit`: only labelled classes."""
    counts = labels.counts[labels.counts > 0]
    nm, classes = scene.bands.wavelength_nm, labels.schema.classes
    given = {} if prompts is None else {c.id: prompts.sentences[c.id] for c in classes if c.id in prompts.sentences}
    return CheckpointFacts(
        method=method,
        classes=tuple(ClassFacts(**c.to_json()) for c in classes),
        scene=SceneFacts(
            id=scene.id,
            name=scene.name,
            title=scene.title,
            bands=scene.bands.count,
            wavelength_nm=None if nm is None else tuple(round(float(w), 3) for w in nm),
            size=scene.shape[:2],
            ground=ground_of(scene),
            level=level_of(scene),
        ),
        labels=LabelFacts(
            fewest=int(counts.min()) if counts.size else 0,
            most=int(counts.max()) if counts.size else 0,
            total=len(labels),
            revision=labels.revision,
        ),
        prompts=PromptFacts(style=style, set=prompt_set, sentences=given),
        seed=seed,
        params=params,
        accuracy=None if report is None else accuracy_facts(report),
        run_id=run_id,
        parent=parent,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        title=title,
    )


def ground_of(scene: Scene) -> str:
    """The same for the same pixels, whatever is said of the file, laid on it (a reference, heights) or left out."""
    files = sorted(one.sha256 for one in scene.sources if one.role == "cube" and one.sha256)
    return hashlib.sha256(" ".join(files).encode()).hexdigest()[:16] if files else scene.base_id or scene.id


def level_of(scene: Scene) -> float | None:
    """Typical value of its pixels: the median over usable bands of their means, in its units."""
    means = scene.survey.band_mean[scene.good_bands]
    return float(np.median(means)) if means.size and np.isfinite(means).all() else None


def same_ground(there: SceneFacts, scene: Scene) -> bool:
    """Whether a model's labels lie on this very scene: its reference holds the pixels that the model was trained on."""
    if there.id in (scene.id, scene.base_id):
        return True
    return there.ground == ground_of(scene) and there.size == scene.shape[:2]


def accuracy_facts(report: AccuracyReport) -> AccuracyFacts | None:
    """The figures that lead the report: those away from the labels' neighbourhood where there are any."""
    block = report.leading
    if block.oa is None:
        return None
    return AccuracyFacts(
        oa=block.oa.value,
        aa=None if block.aa is None else block.aa.value,
        kappa=None if block.kappa is None else block.kappa.value,
        kind=report.kind,
        on=block.words,
    )
