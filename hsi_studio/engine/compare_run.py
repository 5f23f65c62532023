"""Runs a comparison: cells of the sweep, seed after seed, a result after every seed.

Unusual here:
- A seed is finished by all arms and controls before the next begins, so a run that is stopped, or whose time is up, has
  compared everything on the same draws.
- Cells are kept in a store by everything they depend on (program, reference, device, method with parameters,
  sentences, shots, seed). A comparison that is run again, goes on after a stop, or has an arm that another one had,
  takes them from there. Beside a cell lies what it says at the labelled pixels, and for the first seed its whole map.
- An arm that cannot be run (too few labels for it, a text encoder that is missing) is reported with the reason; the
  others go on.
- The surroundings' checkpoints, curves and previews are not handed to the fits: a checkpoint of one arm must not be
  taken up by the next.
"""

from __future__ import annotations

import logging
import os
import platform
import re
import shutil
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from hsi_studio.engine import compare_stats as stats
from hsi_studio.engine.compare import (
    CONTROL,
    MAPS,
    PLAN,
    RESULT,
    Arm,
    ArmResult,
    ClassGap,
    Comparison,
    ComparisonPlan,
    Difference,
    Disagreement,
    Figures,
    enough_labels,
    labels_as_reference,
    reference_hash,
    write_json,
)
from hsi_studio.engine.compare_words import findings
from hsi_studio.engine.evaluate import MappedDraw
from hsi_studio.engine.scores import Scores, scores
from hsi_studio.engine.splits import make_split, parse_protocol
from hsi_studio.engine.sweep import (
    DRAW,
    READS_NONE,
    Cell,
    SweepScene,
    Variant,
    code_hash,
    missing,
    read_cell,
    reads_text,
    run_cell,
    write_cell,
)
from hsi_studio.engine.sweep_jobs import Clock
from hsi_studio.errors import BadRequest, Cancelled, StudioError
from hsi_studio.methods import Context, get_method, make_params
from hsi_studio.types import IntArray, LabelSet, Progress, Scene

log = logging.getLogger(__name__)

LEAST_SEEDS = 3  # run whatever the time: fewer have no interval
CellJson = dict[str, Any]
State = Literal["running", "done", "stopped"]


@dataclass(frozen=True)
class Entry:
    """An arm or a control, as the sweep runs it."""

    name: str
    arm: Arm
    control_of: str
    variant: Variant
    prompts: str

    def cell(self, scene: Scene, plan: ComparisonPlan, seed: int) -> Cell:
        return Cell(scene.id, scene.name, self.variant, self.prompts, plan.shots, seed, DRAW, plan.protocols)


@dataclass
class Gathered:
    """What is there so far, by entry's name."""

    cells: dict[str, dict[int, CellJson]] = field(default_factory=dict)
    said: dict[str, dict[int, IntArray]] = field(default_factory=dict)  # (N,) class index at the labelled pixels
    problems: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Scored:
    """One seed under one protocol."""

    scores: Scores
    rows: tuple[int, ...]  # (K,) test pixels of each class


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
    described as "stopped").
    """
    began = time.perf_counter()
    if scene.reference is None:
        if labels is None:
            raise BadRequest(f"{scene.name} has no reference to compare on: open it with one, or give labels.")
        enough_labels(labels, plan.shots)
    compared = scene if scene.reference is not None else labels_as_reference(scene, labels)  # type: ignore[arg-type]
    entries = entries_of(plan, compared)
    held = SweepScene(compared, prompts={e.arm.prompts: sentences_in_order(e.arm, compared) for e in entries})
    kept = Kept(store or folder, compared, ctx.device, plan.seeds[0])
    context = Context(device=ctx.device, cancelled=ctx.cancelled, cache_dir=ctx.cache_dir)
    gathered, done = Gathered(), list[int]()
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / PLAN, plan)

    def result(state: State) -> Comparison:
        made = collect(plan, compared, scene.reference is not None, entries, gathered, done, final=state != "running")
        made = made.model_copy(
            update={
                "state": state,
                "maps": kept.copy_maps(folder, entries, plan, compared) if done else {},
                "seconds": round(time.perf_counter() - began, 1),
                "versions": versions(ctx.device),
            }
        )
        made = made.model_copy(update=findings(made))
        write_json(folder / RESULT, made)
        return made

    clock = Clock()
    total = len(plan.seeds) * len(entries)
    try:
        for number, seed in enumerate(plan.seeds):
            if number >= LEAST_SEEDS and plan.budget_s is not None:
                passed = time.perf_counter() - began
                if passed * (number + 1) / number > plan.budget_s:
                    break
            for place, entry in enumerate(entries):
                ctx.check()
                if entry.name in gathered.problems:
                    continue
                todo = [e.cell(compared, plan, s) for s in plan.seeds[number:] for e in entries]
                left = clock.left(todo[place:], 1)
                said = f"{entry.name}, seed {number + 1} of {len(plan.seeds)}"
                ctx.progress(Progress(said, number * len(entries) + place, total, left))
                _one(entry, entry.cell(compared, plan, seed), held, kept, context, gathered, clock)
            done.append(seed)
            if number + 1 < len(plan.seeds):
                result("running")
    except Cancelled:
        if done:
            result("stopped")
        raise
    ctx.progress(Progress("Counting", total, total, 0.0))
    return result("done")


def entries_of(plan: ComparisonPlan, scene: Scene) -> list[Entry]:
    """The arms in their order, each followed by its control. Raises BadRequest."""
    found = []
    for arm in plan.arms:
        method = get_method(arm.method)
        params = make_params(method.Params, arm.params).model_dump(mode="json")
        variant = Variant(arm.name, method.name, params)
        reads = reads_text(variant, method)
        if reads and not arm.words:
            raise BadRequest(f"{arm.name}: {method.title} reads words: choose prompts for it.")
        found.append(Entry(arm.name, arm, "", variant, arm.prompts if reads else READS_NONE))
        if reads and plan.control and len(scene.reference_classes) > 1:
            name = f"{arm.name}, {CONTROL}"
            found.append(Entry(name, arm, arm.name, replace(variant, label=name), f"permuted:{arm.prompts}"))
    return found


def sentences_in_order(arm: Arm, scene: Scene) -> dict[str, tuple[str, ...]]:
    """Sentences of every class of the scene, in its order; a class without any is known by its name."""
    return {name: arm.sentences.get(name) or (name,) for _, name in scene.reference_classes}


class Kept:
    """Cells in a store, with what they say at the labelled pixels and, for the first seed, the whole map."""

    def __init__(self, store: Path, scene: Scene, device: str, map_seed: int) -> None:
        assert scene.reference is not None
        place = re.sub(r"[^a-z0-9]+", "-", device.lower())
        self.folder = store / "compared" / f"{code_hash()}-{reference_hash(scene)}-{place}"
        self.map_seed = map_seed
        self.shape = scene.shape[:2]
        self.pixels = np.flatnonzero(np.where(scene.valid, scene.reference, 0) > 0)  # (N,) flat, ascending

    def read(self, cell: Cell) -> tuple[CellJson, IntArray] | None:
        """The cell and its answers, when everything is there and fits."""
        if missing([cell], self.folder):
            return None
        if cell.seed == self.map_seed and not self._file(cell, "map").is_file():
            return None
        found = read_cell(cell.file(self.folder))
        try:
            with np.load(self._file(cell, "said"), allow_pickle=False) as stored:
                said = stored["said"]
        except (OSError, ValueError, KeyError) as error:
            log.warning("%s is made again: %s", cell.file(self.folder), error)
            return None
        return None if found is None or said.shape != self.pixels.shape else (found, said)

    def keep(self, cell: Cell, mapped: MappedDraw) -> None:
        """Called before the cell itself is written: a cell that is there has its answers."""
        _write_arrays(self._file(cell, "said"), said=mapped.index[self.pixels].astype(np.int16))
        if cell.seed == self.map_seed:
            _write_arrays(
                self._file(cell, "map"),
                label=(mapped.index + 1).astype(np.uint16).reshape(self.shape),
                confidence=mapped.confidence.astype(np.float32).reshape(self.shape),
            )

    def copy_maps(self, folder: Path, entries: Sequence[Entry], plan: ComparisonPlan, scene: Scene) -> dict[str, str]:
        """The first seed's maps → folder/maps; name → file."""
        found = {}
        (folder / MAPS).mkdir(exist_ok=True)
        for number, entry in enumerate(entries):
            source = self._file(entry.cell(scene, plan, self.map_seed), "map")
            if source.is_file():
                target = folder / MAPS / f"{number:02d}.npz"
                if not target.is_file():
                    shutil.copyfile(source, target)
                found[entry.name] = target.name
        return found

    def _file(self, cell: Cell, kind: str) -> Path:
        return cell.file(self.folder).with_suffix(f".{kind}.npz")


def _one(
    entry: Entry, cell: Cell, held: SweepScene, kept: Kept, ctx: Context, gathered: Gathered, clock: Clock
) -> None:
    """One cell: from the store, or run. A problem of this arm is noted, not raised."""
    found = kept.read(cell)
    if found is None:
        started = time.perf_counter()
        try:
            method = get_method(cell.variant.method)
            params = make_params(method.Params, cell.variant.params)
            method.prepare(held.scene.without_reference(), params, ctx)
            prepared = time.perf_counter() - started
            result = run_cell(held, cell, ctx, prepared, keep=kept.keep)
        except Cancelled:
            raise
        except StudioError as error:
            log.warning("%s: %s", entry.name, error)
            gathered.problems[entry.name] = str(error)
            return
        write_cell(cell.file(kept.folder), result)
        found = kept.read(cell)
        assert found is not None
        clock.add(cell, time.perf_counter() - started)
    gathered.cells.setdefault(entry.name, {})[cell.seed], gathered.said.setdefault(entry.name, {})[cell.seed] = found


def collect(
    plan: ComparisonPlan,
    scene: Scene,
    has_reference: bool,
    entries: Sequence[Entry],
    gathered: Gathered,
    seeds: Sequence[int],
    final: bool,
) -> Comparison:
    """Everything that can be counted from the cells of `seeds`; McNemar only in the end."""
    names = [name for _, name in scene.reference_classes]
    scored = {
        e.name: {protocol: [_scored(gathered, e.name, seed, protocol) for seed in seeds] for protocol in plan.protocols}
        for e in entries
    }
    results = tuple(_arm_result(e, scored[e.name], gathered, seeds, len(names)) for e in entries)
    tests = _test_pixels(plan, scene, seeds) if final and seeds else {}

    def between(first: str, second: str, protocol: str) -> Difference | None:
        a, b = scored[first][protocol], scored[second][protocol]
        found = difference(first, second, protocol, names, a, b)
        if found is None or protocol not in tests:
            return found
        return found.model_copy(
            update={"disagreement": _mcnemar(scene, gathered, first, second, seeds, tests[protocol])}
        )

    reference = plan.reference_arm.name
    differences = [between(reference, arm.name, protocol) for arm in plan.arms[1:] for protocol in plan.protocols]
    controls = [between(e.control_of, e.name, protocol) for e in entries if e.control_of for protocol in plan.protocols]
    return Comparison(
        plan=plan,
        scene={
            "id": scene.id, "name": scene.name, "title": scene.title, "rows": scene.shape[0],
            "columns": scene.shape[1], "bands": scene.shape[2], "heights": scene.dsm is not None,
        },
        basis="reference" if has_reference else "labels",
        classes=tuple(names),
        seeds=tuple(seeds),
        arms=results,
        differences=tuple(d for d in differences if d is not None),
        controls=tuple(d for d in controls if d is not None),
    )  # fmt: skip


def difference(
    first: str,
    second: str,
    protocol: str,
    names: Sequence[str],
    a: Sequence[Scored | None],
    b: Sequence[Scored | None],
) -> Difference | None:
    """`b` − `a` seed by seed, in percent points. None when no seed has both."""
    if not any(x is not None and y is not None for x, y in zip(a, b, strict=True)):
        return None

    def figure(key: str, of: Sequence[Scored | None]) -> list[float | None]:
        return [None if s is None else _percent(getattr(s.scores, key)) for s in of]

    classes = []
    for k, name in enumerate(names):
        pair = [[None if s is None else _percent(s.scores.f1[k]) for s in of] for of in (a, b)]
        found = stats.gap(*pair)
        if found is not None:
            classes.append(ClassGap(name=name, n_test=_mean([s.rows[k] for s in a if s is not None]), f1=found))
    real = stats.discoveries([c.f1.p for c in classes])
    oa, aa, kappa = (stats.gap(figure(key, a), figure(key, b)) for key in ("oa", "aa", "kappa"))
    return Difference(
        first=first, second=second, protocol=protocol, oa=oa, aa=aa, kappa=kappa,
        classes=tuple(c.model_copy(update={"real": r}) for c, r in zip(classes, real, strict=True)),
    )  # fmt: skip


def _scored(gathered: Gathered, name: str, seed: int, protocol: str) -> Scored | None:
    cell = gathered.cells.get(name, {}).get(seed)
    figures = None if cell is None else cell["results"][protocol]
    if figures is None or "problem" in figures:
        return None
    matrix = np.array(figures["confusion"], dtype=np.int64)
    return Scored(scores(matrix), tuple(int(n) for n in matrix.sum(axis=1)))


def _arm_result(
    entry: Entry, scored: Mapping[str, list[Scored | None]], gathered: Gathered, seeds: Sequence[int], n_classes: int
) -> ArmResult:
    cells = [gathered.cells[entry.name][s] for s in seeds if s in gathered.cells.get(entry.name, {})]
    figures = {}
    for protocol, found in scored.items():
        known = [s for s in found if s is not None]
        problem = "" if known or not cells else str(cells[0]["results"][protocol].get("problem", ""))
        figures[protocol] = Figures(
            oa=stats.spread([_percent(s.scores.oa) for s in known]),
            aa=stats.spread([_percent(s.scores.aa) for s in known]),
            kappa=stats.spread([_percent(s.scores.kappa) for s in known]),
            f1=tuple(stats.spread([_percent(s.scores.f1[k]) for s in known]) for k in range(n_classes)),
            n_test=_mean([s.scores.n for s in known]),
            problem=problem,
        )
    return ArmResult(
        name=entry.name,
        control_of=entry.control_of,
        method=entry.variant.method,
        words=entry.arm.words if entry.prompts != READS_NONE else "",
        figures=figures,
        fit_s=round(float(np.mean([c["fit_seconds"] for c in cells])), 2) if cells else 0.0,
        map_s=round(float(np.mean([c["predict_seconds"] for c in cells])), 2) if cells else 0.0,
        problem=gathered.problems.get(entry.name, ""),
    )


def _test_pixels(plan: ComparisonPlan, scene: Scene, seeds: Sequence[int]) -> dict[str, npt.NDArray[np.bool_]]:
    """Protocol → (n, N) which of the labelled pixels test in which seed."""
    assert scene.reference is not None
    usable = np.where(scene.valid, scene.reference, 0).astype(np.int32)
    labelled = np.flatnonzero(usable > 0)
    found = {}
    for protocol in plan.protocols:
        tests = np.zeros((len(seeds), labelled.size), dtype=np.bool_)
        for number, seed in enumerate(seeds):
            try:
                split = make_split(usable, plan.shots, seed, parse_protocol(protocol), None, scene.reference_names)
            except BadRequest:
                continue  # this draw leaves no pixel to test on: its cell says so
            tests[number, np.searchsorted(labelled, split.test)] = True
        found[protocol] = tests
    return found


def _mcnemar(
    scene: Scene, gathered: Gathered, first: str, second: str, seeds: Sequence[int], tests: npt.NDArray[np.bool_]
) -> Disagreement | None:
    assert scene.reference is not None
    both = [n for n, s in enumerate(seeds) if all(s in gathered.said.get(name, {}) for name in (first, second))]
    if not both:
        return None
    usable = np.where(scene.valid, scene.reference, 0).ravel()
    pixels = np.flatnonzero(usable > 0)
    values = np.array([value for value, _ in scene.reference_classes])
    reference = np.searchsorted(values, usable[pixels])
    voting = tests[both]
    used = voting.any(axis=0)
    maps = [
        stats.pooled(np.stack([gathered.said[name][seeds[n]] for n in both]), voting, values.size)[used]
        for name in (first, second)
    ]
    row, col = np.divmod(pixels[used], scene.shape[1])
    return stats.disagreement(reference[used], maps[0], maps[1], row, col)


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


def _write_arrays(file: Path, **arrays: npt.NDArray[Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{uuid.uuid4().hex}.part.npz")
    try:
        np.savez_compressed(partial, allow_pickle=False, **arrays)
        os.replace(partial, file)
    finally:
        partial.unlink(missing_ok=True)


def _mean(values: Sequence[int]) -> int:
    return round(float(np.mean(values))) if values else 0


def _percent(value: float | None) -> float | None:
    return None if value is None else 100 * value
