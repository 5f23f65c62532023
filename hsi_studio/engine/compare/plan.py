"""What is to be compared: a plan of arms, draws and the control, as it lies in `plan.json`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hsi_studio.engine.evaluation.splits import DEFAULT_BUFFER_PX
from hsi_studio.errors import BadRequest

MAX_ARMS = 6
MAX_SEEDS = 100
MOST_SHOTS = 10_000
CONTROL = "shuffled words"


class Fact(BaseModel):
    """Base of everything here: frozen, no unknown names."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


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
    shots: int = Field(ge=1, le=MOST_SHOTS)
    seeds: tuple[int, ...] = Field(min_length=1, max_length=MAX_SEEDS)
    buffer_px: int = Field(DEFAULT_BUFFER_PX, ge=1, le=10_000)
    pace: Literal["quick", "thorough", "own"] = "own"
    budget_s: float | None = Field(None, gt=0)  # no further seed is begun that would go past it
    control: bool = True  # the shuffled-words control of every arm that reads text
    gives_up: tuple[str, ...] = ()  # what the pace costs, in sentences
    notes: tuple[str, ...] = ()  # what else must be known to read the figures, in sentences

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


def make_plan(values: Mapping[str, Any]) -> ComparisonPlan:
    """Raises BadRequest with the first mistake."""
    try:
        return ComparisonPlan.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        raise BadRequest(f"This comparison cannot be made{f' ({where})' if where else ''}: {said}.") from error


def sentences_of(
    names: Sequence[str], words: str, scene_name: str
) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """Every class's sentences in a style, p1 … p5, or "names" for the bare names; and notes. Raises BadRequest."""
    from hsi_studio.text.prompts import readable, sentences_for

    if words == "names":
        return {name: (readable(name),) for name in names}, ()
    return sentences_for(names, words, scene_name)
