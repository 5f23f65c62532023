"""Few-shot accuracy over repeated draws, against a scene's reference.

The method sees a scene without its reference (`Scene.without_reference`) and the training pixels, nothing
else: it cannot know a test label, nor which pixels test. It maps the whole scene; the map is compared with
the reference afterwards.

Units in the result: OA, AA, κ and per-class recall in percent; std over seeds with n − 1 (0 for one seed).
AA is over classes that have test pixels; κ is null where it is 0/0 (`metrics.py`).
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hsi_studio.engine.evaluation.calibration import calibration
from hsi_studio.engine.evaluation.map_accuracy import AccuracyReport, accuracy_report
from hsi_studio.engine.evaluation.metrics import Counts, Scores, confusion, scores
from hsi_studio.engine.evaluation.splits import Protocol, Split, make_split, parse_protocol
from hsi_studio.engine.mapping.predict import predict_scene
from hsi_studio.errors import BadRequest
from hsi_studio.methods.contract import Context, Method, Params
from hsi_studio.types import ClassInfo, ClassSchema, FloatArray, IntArray, LabelSet, Progress, PromptSet, Scene

__all__ = [
    "AccuracyReport",
    "EvaluationResult",
    "MappedDraw",
    "SeedResult",
    "accuracy_report",
    "evaluate",
    "evaluate_split",
    "map_draw",
    "prompts_in_style",
    "read_mask",
    "score_draw",
]

MOST_DRAWS = 10_000  # seeds of an evaluation
Sentences = Mapping[str, Sequence[str]]  # class name → sentences


@dataclass(frozen=True)
class SeedResult:
    """One draw."""

    seed: int
    n_train: int
    scores: Scores
    fit_seconds: float
    predict_seconds: float

    def to_json(self) -> dict[str, Any]:
        found = self.scores
        return {
            "seed": self.seed,
            "n_train": self.n_train,
            "n_test": found.n,
            "oa": _percent(found.oa),
            "aa": _percent(found.aa),
            "kappa": _percent(found.kappa),
            "per_class": [_percent(value) for value in found.recall],
            "fit_seconds": round(self.fit_seconds, 4),
            "predict_seconds": round(self.predict_seconds, 4),
        }


@dataclass(frozen=True)
class MappedDraw:
    """The map of one draw. Any number of test sets can be scored on it."""

    index: IntArray  # (H·W,) class index among all reference classes, −1 = no class
    confidence: FloatArray  # (H·W,) probability of that class; NaN where there is none
    n_train: int
    fit_seconds: float
    predict_seconds: float


@dataclass(frozen=True)
class EvaluationResult:
    """All draws of one method on one scene."""

    scene: str
    method: str
    params: dict[str, Any]
    protocol: str
    shots: int
    classes: tuple[str, ...]
    seeds: tuple[SeedResult, ...]
    prepare_seconds: float  # label-free work, once a scene
    notes: tuple[str, ...] = ()  # about the first draw: how a mask was read, classes without pixels

    def to_json(self) -> dict[str, Any]:
        """Plain values; the README documents the keys."""
        seeds = [seed.to_json() for seed in self.seeds]
        keys = ("oa", "aa", "kappa", "fit_seconds", "predict_seconds")
        return {
            "scene": self.scene,
            "method": self.method,
            "params": self.params,
            "protocol": self.protocol,
            "shots": self.shots,
            "classes": list(self.classes),
            "summary": {key: _mean_std([seed[key] for seed in seeds]) for key in keys},
            "seeds": seeds,
            "prepare_seconds": round(self.prepare_seconds, 4),
            "notes": list(self.notes),
        }


def evaluate(
    scene: Scene,
    method: Method,
    *,
    shots: int,
    seeds: int | Sequence[int],
    protocol: str = "random",
    params: Params | None = None,
    prompts: Sentences | Callable[[int], Sentences] | None = None,
    ctx: Context | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> EvaluationResult:
    """Draw, fit, map and score, once a seed. `seeds` is a list, or n for 0 … n−1.

    `prompts`: class name → sentences, or a function that gives them for a seed; classes without any use their name.
    Progress goes to `progress`, or else to `ctx.progress`. Raises BadRequest (no reference, unknown protocol, nothing
    to train or test on), FileProblem (the split's file), TooFewLabels, Cancelled.
    """
    if scene.reference is None:
        raise BadRequest(f"{scene.name} has no reference to evaluate against: give one with --reference FILE.")
    if shots < 1:
        raise BadRequest(f"{shots} shots: at least one labelled pixel a class is needed.")
    if (count := seeds if isinstance(seeds, int) else len(seeds)) > MOST_DRAWS:
        raise BadRequest(f"{count} seeds: at most {MOST_DRAWS:,} draws can be evaluated at once.")
    chosen = list(range(seeds)) if isinstance(seeds, int) else [int(seed) for seed in seeds]
    if not chosen or min(chosen) < 0:
        raise BadRequest("Seeds are whole numbers from 0, and at least one is needed.")
    ctx = ctx or Context()
    report = progress or ctx.progress
    rule = parse_protocol(protocol)
    mask = read_mask(rule, scene)
    usable = np.where(scene.valid, scene.reference, 0).astype(np.int32)
    values = params if params is not None else method.Params()
    blind = scene.without_reference()

    started = time.perf_counter()
    report(Progress("Preparing the scene", 0, len(chosen)))
    method.prepare(blind, values, replace(ctx, progress=report))
    prepare_seconds = time.perf_counter() - started

    results: list[SeedResult] = []
    notes: tuple[str, ...] = ()
    started = time.perf_counter()
    for number, seed in enumerate(chosen):
        ctx.check()
        left = (time.perf_counter() - started) / number * (len(chosen) - number) if number else None
        last = f", last OA {100 * results[-1].scores.oa:.1f} %" if results else ""
        report(Progress(f"Draw {number + 1} of {len(chosen)}{last}", number, len(chosen), left))
        split = make_split(usable, shots, seed, rule, mask, scene.reference_names)
        notes = notes or split.notes
        quiet = replace(ctx, seed=seed, progress=lambda _: None)
        said = prompts(seed) if callable(prompts) else prompts or {}
        results.append(evaluate_split(scene, blind, method, values, split, seed, said, quiet))
    report(Progress("Done", len(chosen), len(chosen)))
    lost = int(np.count_nonzero((scene.reference > 0) & ~scene.valid))
    if lost:
        notes = (*notes, f"{lost} reference pixels without data are not counted.")
    return EvaluationResult(
        scene=scene.name,
        method=method.name,
        params=values.model_dump(mode="json"),
        protocol=protocol,
        shots=shots,
        classes=tuple(name for _, name in scene.reference_classes),
        seeds=tuple(results),
        prepare_seconds=prepare_seconds,
        notes=notes,
    )


def evaluate_split(
    scene: Scene,
    blind: Scene,
    method: Method,
    params: Params,
    split: Split,
    seed: int,
    prompts: Sentences,
    ctx: Context,
) -> SeedResult:
    """One draw: fit on `split.train` and score on `split.test`. `blind` is the scene without its reference."""
    mapped = map_draw(scene, blind, method, params, split.train, prompts, ctx)
    found = scores(score_draw(scene, mapped, split.test))
    return SeedResult(seed, mapped.n_train, found, mapped.fit_seconds, mapped.predict_seconds)


def map_draw(
    scene: Scene,
    blind: Scene,
    method: Method,
    params: Params,
    train: npt.NDArray[np.int64],
    prompts: Sentences,
    ctx: Context,
) -> MappedDraw:
    """Fit on the flat pixel indices `train` and map the whole scene; nothing here knows which pixels test."""
    assert scene.reference is not None
    labels, position = support_set(scene, train, scene.reference.ravel())
    sentences = {c.id: tuple(prompts[c.name]) for c in labels.schema.classes if prompts.get(c.name)}
    started = time.perf_counter()
    fitted = method.fit(blind, labels, PromptSet(sentences), params, ctx)
    fit_seconds = time.perf_counter() - started

    started = time.perf_counter()
    prediction = predict_scene(fitted, blind, method.name, params.model_dump(mode="json"), labels.revision, ctx)
    predict_seconds = time.perf_counter() - started

    column = np.array([-1, *(position[info.id] for info in prediction.schema.classes)])  # map code → class index
    return MappedDraw(
        column[prediction.label.ravel()],
        prediction.confidence.ravel(),
        int(train.size),
        fit_seconds,
        predict_seconds,
    )


def score_draw(scene: Scene, mapped: MappedDraw, test: npt.NDArray[np.int64]) -> Counts:
    """(K, K+1) confusion matrix of the flat pixel indices `test`, over all classes of the reference."""
    assert scene.reference is not None
    row_of = np.zeros(max(scene.reference_names, default=0) + 1, dtype=np.int64)  # reference value → class index
    for k, (value, _) in enumerate(scene.reference_classes):
        row_of[value] = k
    return confusion(row_of[scene.reference.ravel()[test]], mapped.index[test], len(scene.reference_classes))


def calibration_error(scene: Scene, mapped: MappedDraw, test: npt.NDArray[np.int64]) -> float | None:
    """Expected calibration error, a fraction, on those of the flat pixel indices `test` that have a class; None where
    none has."""
    assert scene.reference is not None
    has = test[mapped.index[test] >= 0]
    if not has.size:
        return None
    value = np.array([value for value, _ in scene.reference_classes])
    right = value[mapped.index[has]] == scene.reference.ravel()[has]
    return calibration(mapped.confidence[has], right).ece


def prompts_in_style(
    scene: Scene, style: str, sets: Mapping[str, Sentences] | None = None
) -> tuple[Callable[[int], Sentences], tuple[str, ...]]:
    """(seed → class name → sentences) and notes: "names" (none, methods use class names), "p1" … "p5", or "permuted".

    "permuted[:STYLE]" (default p5) is the control: every class gets the sentences of another one, and each seed another
    exchange. `sets`: prompts of the caller's own by name; the name stands where a style would. Raises BadRequest for an
    unknown style, or when there are fewer than two classes to exchange.
    """
    from hsi_studio.text.prompts import STYLES, permuted_names, sentences_for

    kind, _, base = style.partition(":")
    own = {} if sets is None else sets
    if style in own:
        return lambda _: own[style], ()
    if kind == "permuted" and base in own:
        return lambda seed: permuted_names(own[base], np.random.default_rng(seed)), ()
    if style not in ("names", *STYLES) and (kind != "permuted" or (base or "p5") not in STYLES):
        raise BadRequest(
            f"There are no prompts {style!r}. Choose one of: names, {', '.join(STYLES)}, permuted[:STYLE]."
        )
    if style == "names":
        return lambda _: {}, ()
    names = [name for _, name in scene.reference_classes]
    sentences, notes = sentences_for(names, (base or "p5") if kind == "permuted" else style, scene.name)
    if kind != "permuted":
        return lambda _: sentences, notes
    return lambda seed: permuted_names(sentences, np.random.default_rng(seed)), notes


def support_set(scene: Scene, train: IntArray, reference: IntArray) -> tuple[LabelSet, dict[str, int]]:
    """The training pixels as labels of the classes that have any, and class id → index among all classes."""
    infos = [
        ClassInfo(f"reference-{value}", name, "#000000", value) for value, name in scene.reference_classes
    ]  # fmt: skip
    index = {info.reference_value: k for k, info in enumerate(infos)}
    row, col = np.divmod(train, scene.shape[1])
    label = np.array([index[int(value)] for value in reference[train]], dtype=np.int64)
    everything = LabelSet(ClassSchema(tuple(infos)), row, col, label)
    return everything.only_labelled(), {info.id: k for k, info in enumerate(infos)}


def read_mask(rule: Protocol, scene: Scene) -> IntArray | None:
    """(H, W) what `make_split` needs for a protocol with files; None for the others. Raises FileProblem."""
    if not rule.mask:
        return None
    from hsi_studio.io.regions import regions_mask
    from hsi_studio.scene import read_class_map
    from hsi_studio.scene.rules.alignment import Grid

    if rule.kind == "regions":
        return np.where(regions_mask(Path(rule.mask), scene), 2, 1).astype(np.int32)
    grid = Grid(scene.shape[:2], scene.transform, scene.crs)
    mask, _ = read_class_map(rule.mask, grid)
    if not rule.test_mask:
        return mask
    test, _ = read_class_map(rule.test_mask, grid)
    return np.where(mask > 0, 1, np.where(test > 0, 2, 0)).astype(np.int32)


def _percent(value: float | None) -> float | None:
    return None if value is None else round(100 * value, 4)


def _mean_std(values: Sequence[float | None]) -> dict[str, float | None]:
    """Over the seeds that have the figure; null when none has."""
    known = [value for value in values if value is not None]
    if not known:
        return {"mean": None, "std": None}
    spread = statistics.stdev(known) if len(known) > 1 else 0.0
    return {"mean": round(statistics.fmean(known), 4), "std": round(spread, 4)}
