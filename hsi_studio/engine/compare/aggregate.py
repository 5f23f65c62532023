"""From the cells of a comparison to its figures: means, paired differences, classes, McNemar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from hsi_studio.engine.compare import statistics as stats
from hsi_studio.engine.compare.cells import CellJson, CellSpec
from hsi_studio.engine.compare.plan import ComparisonPlan
from hsi_studio.engine.compare.results import ArmResult, ClassGap, Comparison, Difference, Disagreement, Figures
from hsi_studio.engine.evaluation.metrics import Scores, scores
from hsi_studio.engine.evaluation.splits import draw_shots, make_split, parse_protocol
from hsi_studio.engine.sweep.cells import READS_NONE
from hsi_studio.errors import BadRequest
from hsi_studio.types import IntArray, Scene


@dataclass
class Gathered:
    """What is there so far, by the spec's name."""

    cells: dict[str, dict[int, CellJson]] = field(default_factory=dict)
    predicted: dict[str, dict[int, IntArray]] = field(default_factory=dict)  # (N,) class index at the labelled pixels
    problems: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Scored:
    """One seed under one protocol."""

    scores: Scores
    rows: tuple[int, ...]  # (K,) test pixels of each class


def collect(
    plan: ComparisonPlan,
    scene: Scene,
    has_reference: bool,
    specs: Sequence[CellSpec],
    gathered: Gathered,
    seeds: Sequence[int],
    final: bool,
) -> Comparison:
    """Everything that can be counted from the cells of `seeds`; McNemar only in the end."""
    names = [name for _, name in scene.reference_classes]
    scored = {
        e.name: {protocol: [_scored(gathered, e.name, seed, protocol) for seed in seeds] for protocol in plan.protocols}
        for e in specs
    }
    results = tuple(_arm_result(e, scored[e.name], gathered, seeds, len(names)) for e in specs)
    tests = _test_pixels(plan, scene, seeds) if final and seeds else {}

    def between(first: str, second: str, protocol: str) -> Difference | None:
        a, b = scored[first][protocol], scored[second][protocol]
        found = difference(first, second, protocol, names, a, b)
        if found is None:
            return None
        found = found.model_copy(update={"same": _same(gathered, first, second, seeds)})
        if protocol not in tests:
            return found
        return found.model_copy(
            update={"disagreement": _mcnemar(scene, gathered, first, second, seeds, tests[protocol])}
        )

    reference = plan.reference_arm.name
    differences = [between(reference, arm.name, protocol) for arm in plan.arms[1:] for protocol in plan.protocols]
    controls = [between(e.control_of, e.name, protocol) for e in specs if e.control_of for protocol in plan.protocols]
    return Comparison(
        plan=plan,
        scene={
            "id": scene.id, "name": scene.name, "title": scene.title, "rows": scene.shape[0],
            "columns": scene.shape[1], "bands": scene.shape[2], "heights": scene.dsm is not None,
        },
        basis="reference" if has_reference else "labels",
        classes=tuple(names),
        drawn=_drawn(plan, scene),
        seeds=tuple(seeds),
        arms=results,
        differences=tuple(d for d in differences if d is not None),
        controls=tuple(d for d in controls if d is not None),
    )  # fmt: skip


def _drawn(plan: ComparisonPlan, scene: Scene) -> tuple[int, ...]:
    """Labelled pixels of each class in a draw: a class with fewer than twice the shots has fewer. All seeds' alike."""
    reference = np.where(scene.valid, scene.reference, 0)  # type: ignore[arg-type]  # a comparison has one
    drawn = reference.ravel()[draw_shots(reference, plan.shots, plan.seeds[0])]
    return tuple(int((drawn == value).sum()) for value, _ in scene.reference_classes)


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
    spec: CellSpec, scored: Mapping[str, list[Scored | None]], gathered: Gathered, seeds: Sequence[int], n_classes: int
) -> ArmResult:
    cells = [gathered.cells[spec.name][s] for s in seeds if s in gathered.cells.get(spec.name, {})]
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
        name=spec.name,
        control_of=spec.control_of,
        method=spec.variant.method,
        words=spec.arm.words if spec.prompts != READS_NONE else "",
        figures=figures,
        fit_s=round(float(np.mean([c["fit_seconds"] for c in cells])), 2) if cells else 0.0,
        map_s=round(float(np.mean([c["predict_seconds"] for c in cells])), 2) if cells else 0.0,
        problem=gathered.problems.get(spec.name, ""),
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
    both = [n for n, s in enumerate(seeds) if all(s in gathered.predicted.get(name, {}) for name in (first, second))]
    if not both:
        return None
    usable = np.where(scene.valid, scene.reference, 0).ravel()
    pixels = np.flatnonzero(usable > 0)
    values = np.array([value for value, _ in scene.reference_classes])
    reference = np.searchsorted(values, usable[pixels])
    voting = tests[both]
    used = voting.any(axis=0)
    maps = [
        stats.pooled(np.stack([gathered.predicted[name][seeds[n]] for n in both]), voting, values.size)[used]
        for name in (first, second)
    ]
    row, col = np.divmod(pixels[used], scene.shape[1])
    return stats.disagreement(reference[used], maps[0], maps[1], row, col)


def _same(gathered: Gathered, first: str, second: str, seeds: Sequence[int]) -> bool:
    """Whether both say the same of every labelled pixel in every seed."""
    pairs = [[gathered.predicted.get(name, {}).get(seed) for name in (first, second)] for seed in seeds]
    return all(a is not None and b is not None and bool(np.array_equal(a, b)) for a, b in pairs)


def _mean(values: Sequence[int]) -> int:
    return round(float(np.mean(values))) if values else 0


def _percent(value: float | None) -> float | None:
    return None if value is None else 100 * value
