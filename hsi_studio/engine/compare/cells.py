"""The cells of a comparison: what an arm and its control are in a sweep, and where their results are kept.

A cell's place in the store names everything it depends on (program, reference, device, method with parameters,
sentences, shots, seed), so it can be taken by every comparison that needs it. Beside a cell lies what it says at the
labelled pixels, and for a comparison's first seed its whole map.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from hsi_studio.engine.compare.label_reference import reference_hash
from hsi_studio.engine.compare.plan import CONTROL, Arm, ComparisonPlan
from hsi_studio.engine.compare.results import MAPS
from hsi_studio.engine.evaluation.few_shot import MappedDraw
from hsi_studio.engine.sweep.cells import DRAW, READS_NONE, Cell, Variant, code_hash, missing, read_cell, reads_text
from hsi_studio.errors import BadRequest
from hsi_studio.files import copy_file, write_arrays
from hsi_studio.methods import get_method
from hsi_studio.methods.contract import make_params
from hsi_studio.types import IntArray, Scene

log = logging.getLogger(__name__)

CellJson = dict[str, Any]
OLD = "said"  # what predictions were called in stores of older versions


@dataclass(frozen=True)
class CellSpec:
    """An arm or a control, as the sweep runs it."""

    name: str
    arm: Arm
    control_of: str
    variant: Variant
    prompts: str

    def cell(self, scene: Scene, plan: ComparisonPlan, seed: int) -> Cell:
        return Cell(scene.id, scene.name, self.variant, self.prompts, plan.shots, seed, DRAW, plan.protocols)


def specs_of(plan: ComparisonPlan, scene: Scene) -> list[CellSpec]:
    """The arms in their order, each followed by its control. Raises BadRequest."""
    found = []
    _tell_apart(plan, scene)
    for arm in plan.arms:
        method = get_method(arm.method)
        params = make_params(method.Params, arm.params).model_dump(mode="json")
        variant = Variant(arm.name, method.name, params)
        reads = reads_text(variant, method)
        if reads and not arm.words:
            raise BadRequest(f"{arm.name}: {method.title} reads words: choose prompts for it.")
        found.append(CellSpec(arm.name, arm, "", variant, arm.prompts if reads else READS_NONE))
        if reads and plan.control and len(scene.reference_classes) > 1:
            name = f"{arm.name}, {CONTROL}"
            found.append(CellSpec(name, arm, arm.name, replace(variant, label=name), f"permuted:{arm.prompts}"))
    return found


def _tell_apart(plan: ComparisonPlan, scene: Scene) -> None:
    """Raises BadRequest for two arms that would make the same map here, as two that differ in heights which neither
    reads: "no difference" between them would be taken for what heights are worth."""
    seen: dict[str, tuple[str, bool]] = {}
    for arm in plan.arms:
        method = get_method(arm.method)
        params = make_params(method.Params, arm.params).model_dump(mode="json")
        asked = params.get("use_dsm") is True
        if scene.dsm is None or not method.reads_heights(params):
            params.pop("use_dsm", None)
        key = json.dumps([arm.method, params, arm.prompts], sort_keys=True)
        if key not in seen:
            seen[key] = arm.name, asked
            continue
        first, asked_first = seen[key]
        if asked == asked_first:
            why = "their settings are"
        elif scene.dsm is None:
            why = f"{scene.name} has no surface model (DSM)"
        else:
            need = ", ".join(f"{name}={value}" for name, value in method.heights_with.items())
            why = f"{method.title} reads heights only with {need}"
        raise BadRequest(f"“{first}” and “{arm.name}” would be the same: {why}. Change or leave out one of them.")


def sentences_in_order(arm: Arm, scene: Scene) -> dict[str, tuple[str, ...]]:
    """Sentences of every class of the scene, in its order; a class without any is known by its name."""
    return {name: arm.sentences.get(name) or (name,) for _, name in scene.reference_classes}


class CellStore:
    """Cells in a store, with what they say at the labelled pixels and, for the first seed, the whole map."""

    def __init__(self, store: Path, scene: Scene, device: str, map_seed: int) -> None:
        assert scene.reference is not None
        place = re.sub(r"[^a-z0-9]+", "-", device.lower())
        self.folder = store / f"{code_hash()}-{reference_hash(scene)}-{place}"
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
            with np.load(self._predictions(cell), allow_pickle=False) as stored:
                predicted = stored["predicted" if "predicted" in stored.files else OLD]
        except (OSError, ValueError, KeyError) as error:
            log.warning("%s is made again: %s", cell.file(self.folder), error)
            return None
        return None if found is None or predicted.shape != self.pixels.shape else (found, predicted)

    def has(self, cell: Cell) -> bool:
        """Whether `read` would probably find it; looks at names only."""
        files = [cell.file(self.folder), self._predictions(cell)]
        if cell.seed == self.map_seed:
            files.append(self._file(cell, "map"))
        return all(file.is_file() for file in files)

    def keep(self, cell: Cell, mapped: MappedDraw) -> None:
        """Called before the cell itself is written: a cell that is there has its answers."""
        write_arrays(self._file(cell, "predictions"), {"predicted": mapped.index[self.pixels].astype(np.int16)})
        if cell.seed == self.map_seed:
            arrays = {
                "label": (mapped.index + 1).astype(np.uint16).reshape(self.shape),
                "confidence": mapped.confidence.astype(np.float32).reshape(self.shape),
            }
            write_arrays(self._file(cell, "map"), arrays)

    def copy_maps(self, folder: Path, specs: Sequence[CellSpec], plan: ComparisonPlan, scene: Scene) -> dict[str, str]:
        """The first seed's maps → folder/maps; name → file."""
        found = {}
        for number, spec in enumerate(specs):
            source = self._file(spec.cell(scene, plan, self.map_seed), "map")
            if source.is_file():
                target = folder / MAPS / f"{number:02d}.npz"
                if not target.is_file():
                    copy_file(source, target)
                found[spec.name] = target.name
        return found

    def _predictions(self, cell: Cell) -> Path:
        """Of this version, or of an older one where only that is there."""
        path, older = self._file(cell, "predictions"), self._file(cell, OLD)
        return older if older.is_file() and not path.is_file() else path

    def _file(self, cell: Cell, kind: str) -> Path:
        return cell.file(self.folder).with_suffix(f".{kind}.npz")
