"""Sweeps: scenes × methods × prompts × shots × seeds × protocols, one small JSON file a cell, resumable.

A cell is one fit and one map. All protocols that train on the same draw (`random`, `buffered`) are scored on that
one map; a split with a training part of its own is another cell. A cell's file is written beside its name and renamed,
so an interrupted sweep leaves no half file; a rerun computes only cells that are missing or lack a protocol.

A cell's key: scene name, method, hash of all its parameters, prompts, shots, seed, draw. Not in the key, but in the
file: the hash of the program's code, device, threads, load and memory, which the tables report when they differ.
Methods that read no text are run once, not once a prompt style (`READS_NONE`).
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from hsi_studio import paths
from hsi_studio.engine.evaluation.few_shot import (
    MappedDraw,
    Sentences,
    calibration_error,
    map_draw,
    prompts_in_style,
    score_draw,
)
from hsi_studio.engine.evaluation.metrics import scores
from hsi_studio.engine.evaluation.splits import Protocol, make_split, parse_protocol
from hsi_studio.engine.runs.resources import Meter
from hsi_studio.errors import BadRequest
from hsi_studio.files import write_text
from hsi_studio.methods import get_method, methods
from hsi_studio.methods.contract import Context, Method, Params, Values
from hsi_studio.scene.formats.registry import readers
from hsi_studio.stored import loads_object
from hsi_studio.types import IntArray, Scene

log = logging.getLogger(__name__)

FORMAT = 1  # raise when a cell's JSON changes its meaning
READS_NONE = "none"  # prompts of a method that reads no text
DRAW = "draw"  # the draw that `random` and `buffered` share
PROGRAM = Path(paths.__file__).resolve().parents[1]  # the folder that holds the package
FIGURES = (  # files and folders whose code a figure depends on
    "hsi_studio/types.py",
    "hsi_studio/io/regions.py",
    "hsi_studio/scene",
    "hsi_studio/features",
    "hsi_studio/text",
    "hsi_studio/methods",
    "hsi_studio/engine/mapping",
    "hsi_studio/engine/evaluation",
    "hsi_studio/engine/sweep/cells.py",
)


@dataclass(frozen=True)
class SweepScene:
    """A scene with its own splits: name → (H, W) int, 1 = train, 2 = test; protocol `mask:NAME` uses them.

    `prompts`: sets of sentences of the caller's own; a cell's prompts may be such a name, or "permuted:NAME". Only the
    name is in a cell's key: it must change with the sentences.
    """

    scene: Scene
    masks: dict[str, IntArray] = field(default_factory=dict)
    prompts: dict[str, Sentences] = field(default_factory=dict)


@dataclass(frozen=True)
class Variant:
    """A method with all its parameters, and what tables call it."""

    label: str
    method: str
    params: dict[str, Any]

    @property
    def key(self) -> str:
        """10 hex digits of method and parameters; the label does not count."""
        text = json.dumps([self.method, self.params], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:10]


@dataclass(frozen=True)
class Cell:
    """One fit: what it is made of and which protocols its map is scored by."""

    scene: str  # what opens the scene
    scene_name: str
    variant: Variant
    prompts: str
    shots: int
    seed: int
    draw: str  # DRAW, or the protocol that has a training part of its own
    protocols: tuple[str, ...]

    def file(self, folder: Path) -> Path:
        place = "" if self.draw == DRAW else f"-{_slug(self.draw)}"
        name = f"{_slug(self.prompts)}-k{self.shots}-s{self.seed}{place}.json"
        return folder / "cells" / _slug(self.scene_name) / f"{_slug(self.variant.method)}-{self.variant.key}" / name


Keep = Callable[[Cell, MappedDraw], None]  # takes a cell's map before its result is written


def parse_variant(text: str) -> Variant:
    """METHOD[:PRESET][,NAME=VALUE…][@LABEL], as "svm", "METHOD:paper", "svm,features=spectra@SVM".

    Presets are the method's own, and `quick` (`test_params`). Values are JSON, or text where they are not. Raises
    BadRequest with the choices.
    """
    body, _, label = text.partition("@")
    head, *items = re.split(r",(?=\w+=)", body)
    name, _, preset = head.partition(":")
    method = get_method(name.strip())
    values: dict[str, Any] = {}
    if preset:
        presets = _presets(method)
        if preset not in presets:
            raise BadRequest(f"{name} has no preset {preset!r}. Choose one of: {', '.join(presets) or 'none'}.")
        values |= presets[preset]
    for item in items:
        key, _, value = item.partition("=")
        try:
            values[key] = json.loads(value)
        except json.JSONDecodeError:
            values[key] = value
    try:
        params = method.Params.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise BadRequest(f"{text}: {'.'.join(map(str, first['loc'])) or name}: {first['msg']}.") from error
    return Variant(label or body, method.name, params.model_dump(mode="json"))


def _presets(method: Method) -> dict[str, Values]:
    """Its own, and "quick": what its tests run it with."""
    return {**({"quick": method.test_params} if method.test_params else {}), **method.presets}


def reads_text(variant: Variant, method: Method) -> bool:
    return "text" in method.needs and variant.params.get("use_text", True) is not False


def plan(
    scenes: Mapping[str, SweepScene],
    variants: Sequence[Variant],
    prompts: Sequence[str],
    shots: Sequence[int],
    seeds: Sequence[int],
    protocols: Sequence[str],
) -> list[Cell]:
    """All cells; `scenes` by what opens them. Seeds are the outermost of a scene's loops after shots, so that a sweep
    that is stopped has compared the methods on the same draws. `mask:NAME` is left out for scenes without it.

    Raises BadRequest for protocols, prompts, or two variants of one label that make no sense.
    """
    labels = [v.label for v in variants]
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice:
        raise BadRequest(f"Two methods are called {', '.join(twice)}: name them with @LABEL.")
    cells: dict[tuple[Any, ...], Cell] = {}
    for spec, held in scenes.items():
        if held.scene.reference is None:
            raise BadRequest(f"{held.scene.name} has no reference to evaluate against.")
        for style in prompts:
            prompts_in_style(held.scene, style, held.prompts)
        draws: dict[str, list[str]] = {}
        for protocol in protocols:
            if not protocol.startswith("mask:"):
                parse_protocol(protocol)
            elif protocol[5:] not in held.masks:
                continue
            shared = protocol.partition(":")[0] in ("random", "buffered")
            draws.setdefault(DRAW if shared else _own_draw(held, protocol), []).append(protocol)
        for k in shots:
            for seed in seeds:
                for variant in variants:
                    read = reads_text(variant, get_method(variant.method))
                    for style in prompts if read else [READS_NONE]:
                        for draw, scored in draws.items():
                            cell = Cell(spec, held.scene.name, variant, style, k, seed, draw, tuple(scored))
                            cells.setdefault((spec, variant.key, style, k, seed, draw), cell)
    return list(cells.values())


def _own_draw(held: SweepScene, protocol: str) -> str:
    """A split's name and, for masks of the scene, a hash of the mask: another mask is another draw."""
    if not protocol.startswith("mask:"):
        return protocol
    mask = np.ascontiguousarray(held.masks[protocol[5:]], dtype=np.uint8)
    return f"{protocol}#{hashlib.sha256(mask.tobytes()).hexdigest()[:6]}"


def missing(cells: Iterable[Cell], folder: Path) -> list[Cell]:
    """The cells that are not in the folder, or not with all their protocols (those they have are kept in the list)."""
    todo = []
    for cell in cells:
        known = read_cell(cell.file(folder))
        have = set(known["results"]) if known else set()
        if not set(cell.protocols) <= have:
            todo.append(replace(cell, protocols=tuple(sorted(have | set(cell.protocols), key=_order))))
    return todo


def read_cell(file: Path) -> dict[str, Any] | None:
    """A cell's JSON; None where there is none that can be read."""
    try:
        found = loads_object(file.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        log.warning("%s cannot be read and is made again: %s", file, error)
        return None
    return found if found.get("format") == FORMAT else None


def write_cell(file: Path, result: Mapping[str, Any]) -> None:
    """A killed process leaves no half file under the real name."""
    write_text(file, json.dumps(result, ensure_ascii=False) + "\n")


def run_cell(
    held: SweepScene,
    cell: Cell,
    ctx: Context,
    prepared_s: float = 0.0,
    meter: Meter | None = None,
    method: Method | None = None,
    keep: Keep | None = None,
) -> dict[str, Any]:
    """Fit, map and score one cell → its JSON.

    `meter`: one started before the preparation, so that its memory counts. `method`: default by name. `keep` gets the
    map before the result is returned. Protocols that leave no pixel to test on have a "problem" in place of figures.
    Raises what `fit` and `predict` do.
    """
    scene, blind = held.scene, held.scene.without_reference()
    assert scene.reference is not None
    method = method or get_method(cell.variant.method)
    params: Params = method.Params.model_validate(cell.variant.params)
    usable = np.where(scene.valid, scene.reference, 0).astype(np.int32)
    splits: dict[str, Any] = {}
    for protocol in cell.protocols:
        rule, mask = _rule(held, protocol)
        try:
            splits[protocol] = make_split(usable, cell.shots, cell.seed, rule, mask, scene.reference_names)
        except BadRequest as error:
            splits[protocol] = str(error)
    trains: list[npt.NDArray[np.int64]] = [s.train for s in splits.values() if not isinstance(s, str)]
    if not trains:
        raise BadRequest(" ".join(splits.values()))
    assert all(np.array_equal(train, trains[0]) for train in trains)
    said, _ = prompts_in_style(scene, "names" if cell.prompts == READS_NONE else cell.prompts, held.prompts)
    sentences = {name: list(text) for name, text in said(cell.seed).items()}

    quiet = replace(ctx, seed=cell.seed, progress=lambda _: None)
    meter = meter or Meter(ctx.device)
    mapped = map_draw(scene, blind, method, params, trains[0], sentences, quiet)
    cost = asdict(meter.stop())
    if keep is not None:
        keep(cell, mapped)
    pixels = int(np.count_nonzero(scene.valid))
    return {
        "format": FORMAT,
        "scene": scene.name,
        "scene_id": scene.id,
        "title": scene.title,
        "classes": [name for _, name in scene.reference_classes],
        "label": cell.variant.label,
        "method": method.name,
        "params": cell.variant.params,
        "prompts": cell.prompts,
        "shots": cell.shots,
        "seed": cell.seed,
        "draw": cell.draw,
        "n_train": mapped.n_train,
        "prepare_seconds": round(prepared_s, 3),
        "fit_seconds": round(mapped.fit_seconds, 4),
        "predict_seconds": round(mapped.predict_seconds, 4),
        "pixels": pixels,
        "pixels_per_second": round(pixels / max(mapped.predict_seconds, 1e-9), 1),
        "memory": {key: None if value is None else round(value, 1) for key, value in cost.items()},
        "device": ctx.device,
        "threads": os.environ.get("OMP_NUM_THREADS"),
        "code": code_hash(),
        "finished": round(time.time(), 1),
        "results": {
            protocol: {"problem": split} if isinstance(split, str) else _figures(scene, mapped, split.test)
            for protocol, split in splits.items()
        },
    }


def _figures(scene: Scene, mapped: MappedDraw, test: npt.NDArray[np.int64]) -> dict[str, Any]:
    """OA, AA, κ and expected calibration error in percent, and the (K, K+1) confusion matrix they come from."""
    matrix = score_draw(scene, mapped, test)
    found, ece = scores(matrix), calibration_error(scene, mapped, test)
    percent = {
        key: None if value is None else round(100 * value, 4)
        for key, value in (("oa", found.oa), ("aa", found.aa), ("kappa", found.kappa), ("ece", ece))
    }
    return {"n_test": found.n, **percent, "confusion": matrix.tolist()}


def _rule(held: SweepScene, protocol: str) -> tuple[Protocol, IntArray | None]:
    if protocol.startswith("mask:"):
        return Protocol(protocol, "official"), held.masks[protocol[5:]]
    rule = parse_protocol(protocol)
    if not rule.mask:
        return rule, None
    from hsi_studio.engine.evaluation.few_shot import read_mask

    return rule, read_mask(rule, held.scene)


def code_files() -> list[Path]:
    """Every file that a figure depends on: what reads a scene, maps it and measures the map, and the sentences."""
    found: list[Path] = []
    for name in FIGURES:
        place = PROGRAM / name
        found += [place] if place.suffix == ".py" else sorted(place.rglob("*.py"))
    return [*found, *sorted((paths.ASSETS / "prompts").rglob("*.json"))]


def code_hash() -> str:
    """12 hex digits of the program's code: cells of different code are not told apart by anything else."""
    digest = hashlib.sha256()
    for file in code_files():
        digest.update(file.read_bytes())
    digest.update(methods().plugin_code())
    digest.update(readers().plugin_code())
    return digest.hexdigest()[:12]


def _slug(text: str) -> str:
    """Fit for a file name; long ones are cut and told apart by a hash."""
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "_", text).strip("_.") or "x"
    return plain if len(plain) <= 60 else f"{plain[:48]}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"


def _order(protocol: str) -> tuple[int, str]:
    kinds = ("random", "buffered", "mask", "split", "official")
    return kinds.index(protocol.partition(":")[0]), protocol
