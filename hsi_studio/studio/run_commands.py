"""A training in words: what is asked for, as a command line and as a snippet for a notebook."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hsi_studio import paths, settings
from hsi_studio.methods import methods
from hsi_studio.methods.contract import Method, Params
from hsi_studio.types import LabelSet


@dataclass(frozen=True)
class RunRequest:
    """What a run would be started with; `as_cli` and `as_python` take it too."""

    project_id: str
    method: str
    params: Mapping[str, Any] = field(default_factory=dict)
    prompts: str = "p5"
    seed: int = 0
    warm_start: str = ""  # id of the model whose encoder it starts from


def as_cli(asked: RunRequest, home: Path) -> str:
    """The command line of the same training."""
    words = ["python", "-m", "hsi_studio", "train", asked.project_id, "--method", asked.method]
    for name, value in asked.params.items():
        words += ["--param", f"{name}={_json(value)}"]
    words += ["--prompts", asked.prompts] if _reads(asked) else []
    words += ["--seed", str(asked.seed)]
    words += ["--start-from", asked.warm_start] if asked.warm_start else []
    place = "" if home == paths.home() else f"{settings.HOME.name}={shlex.quote(str(home))} "
    return place + shlex.join(words)


def as_python(asked: RunRequest, home: Path) -> str:
    """A snippet for a notebook."""
    place = "" if home == paths.home() else f"home={str(home)!r}"
    prompts = f"prompts={asked.prompts!r}, " if _reads(asked) else ""
    start = f", warm_start={asked.warm_start!r}" if asked.warm_start else ""
    return (
        "from hsi_studio import Studio\n\n"
        f"studio = Studio({place})\n"
        f"run = studio.runs.start({asked.project_id!r}, {asked.method!r}, {dict(asked.params)!r}, "
        f"{prompts}seed={asked.seed}{start})\n"
        "done = studio.runs.wait(run.id)\n"
        'print(done.state, done.reason, done.metrics.get("main", {}).get("oa"))\n'
    )


def _reads(asked: RunRequest) -> bool:
    """Whether the method reads prompts; of one that is gone nothing is known, and they are named."""
    method = methods().entries.get(asked.method)
    return method is None or "text" in method.needs


def changed(values: Params) -> dict[str, Any]:
    """What differs from the defaults, as JSON values."""
    defaults = type(values)().model_dump(mode="json")
    return {name: value for name, value in values.model_dump(mode="json").items() if value != defaults[name]}


def title_of(method: Method, labels: LabelSet) -> str:
    """What a run is called: method and labels a class."""
    counts = labels.counts[labels.counts > 0]
    low, high = int(counts.min()), int(counts.max())
    shots = f"{low}" if low == high else f"{low}–{high}"
    return f"{method.title}, {shots} label{'s' * (high != 1)} a class"


def _json(value: Any) -> str:

    return value if isinstance(value, str) else json.dumps(value)
