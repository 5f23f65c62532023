"""The paces of a comparison: a quick answer and a thorough one, and what the quick one gives up.

Quick aims at an answer within two minutes on two cores for scenes of the size of Indian Pines (145 × 145) and two arms
with their controls: shorter trainings (`Method.quick_pace`), and as many seeds as fit into `QUICK_BUDGET_S`, at least
three. Its figures are those of the shorter trainings, so a method that needs its full length is underrated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hsi_studio.engine.compare.plan import MAX_ARMS, MAX_SEEDS, MOST_SHOTS, Arm, ComparisonPlan, make_plan
from hsi_studio.engine.evaluation.splits import DEFAULT_BUFFER_PX
from hsi_studio.errors import BadRequest
from hsi_studio.methods import get_method

QUICK_SEEDS, QUICK_BUDGET_S = 8, 110.0
THOROUGH_SEEDS = 10
PACES = {
    "quick": f"Quick: up to {QUICK_SEEDS} seeds in about 2 minutes, shorter trainings",
    "thorough": f"Thorough: {THOROUGH_SEEDS} seeds, full trainings",
}


def plan_for(
    arms: Sequence[Arm],
    shots: int,
    pace: str = "quick",
    seeds: int | None = None,
    title: str = "",
    control: bool = True,
) -> ComparisonPlan:
    """A plan at a pace; what an arm says about its parameters wins over the pace. `seeds` changes their number.

    Raises BadRequest.
    """
    if pace not in PACES:
        raise BadRequest(f"There is no pace {pace!r}. Choose one of: {', '.join(PACES)}.")
    quick = pace == "quick"
    count = (QUICK_SEEDS if quick else THOROUGH_SEEDS) if seeds is None else seeds
    if not 1 <= count <= MAX_SEEDS:
        raise BadRequest(f"{count} seeds: choose 1 to {MAX_SEEDS}.")
    if not 1 <= shots <= MOST_SHOTS:
        raise BadRequest(f"{shots} shots a class: choose 1 to {MOST_SHOTS:,}.")
    if len(arms) > MAX_ARMS:
        raise BadRequest(f"{len(arms)} are to be compared: choose {MAX_ARMS} at most.")
    chosen = [arm.model_copy(update={"params": shortened(arm)}) if quick else arm for arm in arms]
    return make_plan(
        {
            "title": title,
            "arms": [arm.model_dump() for arm in chosen],
            "shots": shots,
            "seeds": tuple(range(count)),
            "buffer_px": max(DEFAULT_BUFFER_PX, *(largest_window(arm) // 2 for arm in chosen)),
            "pace": pace,
            "budget_s": QUICK_BUDGET_S if quick and seeds is None else None,
            "control": control,
            "gives_up": gives_up(arms) if quick else (),
        }
    )


def largest_window(arm: Arm) -> int:
    """Side of the window a pixel's class comes from: test pixels nearer than half of it have seen a shot."""
    method = get_method(arm.method)
    return method.window_px({**method.Params().model_dump(), **arm.params})


def shortened(arm: Arm) -> dict[str, Any]:
    """An arm's parameters at the quick pace."""
    return {**get_method(arm.method).quick_pace, **arm.params}


def gives_up(arms: Sequence[Arm]) -> tuple[str, ...]:
    """What the quick pace changes, a sentence a method."""
    out = []
    for name in dict.fromkeys(arm.method for arm in arms):
        method = get_method(name)
        usual, own = method.Params().model_dump(), [arm.params for arm in arms if arm.method == name]
        changed = [
            f"{key} {_shown(value)} instead of {_shown(usual[key])}"
            for key, value in method.quick_pace.items()
            if not all(key in params for params in own)  # what every arm says itself is as it says
        ]
        if changed:
            out.append(f"Quick pace, {method.title} is not at its best: {', '.join(changed)}.")
    return tuple(out)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "–".join(map(str, value))
    return str(value)


def has_heights(params: Mapping[str, Any]) -> bool:
    """Whether a method's parameters have a switch for the surface model."""
    return "use_dsm" in params
