"""Runs a comparison: cells of the sweep, seed after seed, a result after every seed.

Unusual here:
- A seed is finished by all arms and controls before the next begins, so a run that is stopped, or whose time is up, has
  compared everything on the same draws.
- Cells come from a store and go there (`cells.py`): a comparison that is run again, goes on after a stop, or
  has an arm that another one had, fits only what is missing.
- An arm that cannot be run (too few labels for it, a text encoder that is missing) is reported with the reason; the
  others go on.
- The surroundings' checkpoints, curves and previews are not handed to the fits: a checkpoint of one arm must not be
  taken up by the next.
"""

from __future__ import annotations

import logging
import os
import platform
import time
from pathlib import Path
from typing import Any, Literal

import numpy as np

from hsi_studio.engine.compare.aggregate import Gathered, collect
from hsi_studio.engine.compare.cells import CellSpec, CellStore, sentences_in_order, specs_of
from hsi_studio.engine.compare.findings import findings
from hsi_studio.engine.compare.label_reference import enough_labels, labels_as_reference, left_out
from hsi_studio.engine.compare.plan import ComparisonPlan
from hsi_studio.engine.compare.results import CELLS, Comparison, write_comparison, write_plan
from hsi_studio.engine.sweep.cells import Cell, SweepScene, code_hash, run_cell, write_cell
from hsi_studio.engine.sweep.workers import Clock
from hsi_studio.errors import BadRequest, Cancelled, StudioError
from hsi_studio.methods import get_method
from hsi_studio.methods.contract import Context, make_params
from hsi_studio.types import LabelSet, Progress, Scene

log = logging.getLogger(__name__)

LEAST_SEEDS = 3  # run whatever the time: fewer have no interval
CellJson = dict[str, Any]
State = Literal["running", "done", "stopped"]


def run_comparison(
    plan: ComparisonPlan,
    folder: Path,
    ctx: Context,
    scene: Scene,
    labels: LabelSet | None = None,
    *,
    store: Path | None = None,
) -> Comparison:
    """Run what is missing and write `folder`/comparison.json after every seed.

    `labels` stand in for a reference the scene does not have; `store` keeps cells for other comparisons (default: the
    folder itself). Raises BadRequest (an arm that makes no sense), TooFewLabels, Cancelled (what is done is kept and
    described as "stopped" when there is time for it).
    """
    began = time.perf_counter()
    if scene.reference is None:
        if labels is None:
            raise BadRequest(f"{scene.name} has no reference to compare on: open it with one, or give labels.")
        enough_labels(labels, plan.shots)
    compared = scene if scene.reference is not None else labels_as_reference(scene, labels)  # type: ignore[arg-type]
    specs = specs_of(plan, compared)
    held = SweepScene(compared, prompts={e.arm.prompts: sentences_in_order(e.arm, compared) for e in specs})
    cells = CellStore(store or folder / CELLS, compared, ctx.device, plan.seeds[0])
    context = Context(device=ctx.device, cancelled=ctx.cancelled, cache_dir=ctx.cache_dir)
    gathered, done, made_with = Gathered(), list[int](), versions(ctx.device)
    write_plan(folder, plan)

    def result(state: State) -> Comparison:
        made = collect(plan, compared, scene.reference is not None, specs, gathered, done, final=state != "running")
        made = made.model_copy(
            update={
                "state": state,
                "left_out": left_out(labels) if scene.reference is None and labels is not None else (),
                "maps": cells.copy_maps(folder, specs, plan, compared) if done else {},
                "seconds": round(time.perf_counter() - began, 1),
                "versions": made_with,
            }
        )
        made = made.model_copy(update=findings(made))
        write_comparison(folder, made)
        return made

    clock = Clock()
    total = len(plan.seeds) * len(specs)
    try:
        for number, seed in enumerate(plan.seeds):
            if number >= LEAST_SEEDS and plan.budget_s is not None:
                passed = time.perf_counter() - began
                if passed * (number + 1) / number > plan.budget_s:
                    break
            for place, spec in enumerate(specs):
                ctx.check()
                if spec.name in gathered.problems:
                    continue
                todo = [e.cell(compared, plan, s) for s in plan.seeds[number:] for e in specs]
                left = clock.left(todo[place:], 1)
                said = f"{spec.name}, seed {number + 1} of {len(plan.seeds)}"
                ctx.progress(Progress(said, number * len(specs) + place, total, left))
                _one(spec, spec.cell(compared, plan, seed), held, cells, context, gathered, clock)
            done.append(seed)
            if number + 1 < len(plan.seeds):
                result("running")
    except Cancelled:
        if done:
            result("stopped")
        raise
    ctx.progress(Progress("Counting", total, total, 0.0))
    return result("done")


def _one(
    spec: CellSpec, cell: Cell, held: SweepScene, store: CellStore, ctx: Context, gathered: Gathered, clock: Clock
) -> None:
    """One cell: from the store, or run. A problem of this arm is noted, not raised."""
    found = store.read(cell)
    if found is None:
        started = time.perf_counter()
        try:
            method = get_method(cell.variant.method)
            params = make_params(method.Params, cell.variant.params)
            method.prepare(held.scene.without_reference(), params, ctx)
            prepared = time.perf_counter() - started
            result = run_cell(held, cell, ctx, prepared, keep=store.keep)
        except Cancelled:
            raise
        except StudioError as error:
            log.warning("%s: %s", spec.name, error)
            gathered.problems[spec.name] = str(error)
            return
        write_cell(cell.file(store.folder), result)
        found = store.read(cell)
        assert found is not None
        clock.add(cell, time.perf_counter() - started)
    gathered.cells.setdefault(spec.name, {})[cell.seed], gathered.predicted.setdefault(spec.name, {})[cell.seed] = found


def versions(device: str) -> dict[str, str]:
    """What the figures were made with."""
    import importlib

    import torch

    return {
        "hsi_studio": str(importlib.import_module("hsi_studio").__version__),
        "code": code_hash(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": str(torch.__version__),
        "platform": platform.platform(),
        "cores": str(os.cpu_count() or "?"),
        "device": device,
    }
