"""One run as it is now: what lists, cards and the command line show."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hsi_studio.engine.runs.forecast import Forecast
from hsi_studio.engine.runs.record import ALIVE, WAITING, RunState
from hsi_studio.types import Progress


@dataclass(frozen=True)
class RunInfo:
    """One run as it is now."""

    id: str
    project_id: str
    owner: str
    title: str
    method: str
    params: dict[str, Any]
    changed: dict[str, Any]
    prompts: str  # the style, or "set:ID@VERSION"
    seed: int
    state: RunState
    reason: str
    position: int | None  # 0 = running, n = n-th in its queue, None = neither
    progress: Progress | None
    forecast: Forecast | None
    created: str
    started: str
    ended: str
    device: dict[str, str]  # slot, name, reason
    shots: tuple[int, int]  # fewest and most labels of a class
    revision: int  # of the labels
    metrics: dict[str, Any]
    timing: dict[str, Any] = field(default_factory=dict)
    adapted: tuple[str, ...] = ()  # what was changed to fit into memory
    notes: tuple[str, ...] = ()  # what its training met, in sentences
    parent: str = ""
    kind: str = "train"
    prompt_set: str = ""  # "My words, version 3" where it was trained with one

    @property
    def figures(self) -> tuple[dict[str, Any], bool]:
        """What every list shows of its accuracy: the block away from the labels, where that was measured (then True),
        else the one on all test pixels, which says why it has none."""
        away = self.metrics.get("buffered") or {}
        return (away, True) if away.get("oa") else (self.metrics.get("main") or {}, False)

    @property
    def alive(self) -> bool:
        """Waiting or at work."""
        return self.state in WAITING | ALIVE
