"""A project with a map of every kind, all different, as the work that makes them leaves them on disk."""

from __future__ import annotations

import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hsi_studio import Studio
from hsi_studio.engine.compare.plan import Arm, ComparisonPlan
from hsi_studio.engine.compare.results import MAPS, ArmResult, Comparison, Figures, write_comparison, write_plan
from hsi_studio.engine.evaluation.map_accuracy import report_without_labels
from hsi_studio.engine.runs.record import RunClass, RunFolder, RunRecord
from hsi_studio.project.store import Project
from hsi_studio.studio.text_maps import TextMap
from hsi_studio.types import Prediction
from tests.studio.models import train

RUN, PREVIEW, MODEL, COMPARISON = (f"20260101-12000{k}-abcdef" for k in range(4))


def project_with_reference(studio: Studio, folder: Path) -> Project:
    """30 × 30 pixels in two halves with a reference; three labels a class; the last column holds no data."""
    rng = np.random.default_rng(0)
    cube = rng.normal(0.2, 0.2, (30, 30, 10)).astype(np.float32)
    cube[15:, :, 5:] += 0.3
    cube[:, -1] = np.nan
    reference = np.ones((30, 30), dtype=np.int32)
    reference[15:] = 2
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "halves.npz", cube=cube, reference=reference)
    project = studio.new_project(folder / "halves.npz")
    upper, lower = project.schema.classes
    for k in range(3):
        project.toggle_point(2, 3 + 4 * k, upper.id)
        project.toggle_point(25, 3 + 4 * k, lower.id)
    studio.refresh(project.id)
    return project


def some_map(studio: Studio, project: Project, seed: int, method: str) -> Prediction:
    """Any two-class map of the scene."""
    rng = np.random.default_rng(seed)
    valid = studio.scene_of(project.id).valid
    label = np.where(valid, rng.integers(1, 3, valid.shape), 0).astype(np.uint16)
    sure = np.where(valid, 0.5 + rng.random(valid.shape) / 2, np.nan).astype(np.float32)
    return Prediction(project.schema, label, sure, method, {"seed": seed}, project.revision)


def add_run(studio: Studio, project: Project, run: str = RUN, name: str = "map.npz", **more: Any) -> Prediction:
    """A training that has ended, with the map it ended with or its last preview."""
    scene, labels = studio.scene_of(project.id), project.labels()
    values: dict[str, Any] = {"seed": 1, "created": "2026-01-01T12:00:00Z", "title": "SVM, 3 labels a class", **more}
    record = RunRecord(
        id=run, project_id=project.id, method="svm", params={"seed": 1},
        classes=[RunClass(**vars(info)) for info in labels.schema.classes],
        scene={"id": scene.id, "name": scene.name, "title": scene.title, "spec": {}, "shape": list(scene.shape)},
        labels={"revision": labels.revision, "file": "labels.json", "counts": {}},
        state="done" if name == "map.npz" else "interrupted", **values,
    )  # fmt: skip
    folder = RunFolder(project.folder / "runs" / run)
    folder.path.mkdir(parents=True)
    folder.write_labels(labels)
    made = some_map(studio, project, zlib.crc32(run.encode()) % 1000, "svm")
    folder.write_map(made, name)
    folder.write(record)
    return made


def add_text_map(studio: Studio, project: Project, seed: int = 5, serial: int = 1) -> Prediction:
    made = some_map(studio, project, seed, "texts")
    report = report_without_labels(made, studio.scene_of(project.id))
    studio.queries.text_maps._put(
        project.id, TextMap("done", "class names", prediction=made, report=report, serial=serial)
    )
    return made


def add_comparison(studio: Studio, project: Project, run: str = COMPARISON) -> tuple[Prediction, Prediction]:
    """Two arms, “lda” and “knn”, of 3 shots."""
    scene = studio.scene_of(project.id)
    add_run(studio, project, run, kind="compare", title="lda against knn")
    folder = project.folder / "runs" / run
    (folder / "map.npz").unlink()
    plan = ComparisonPlan(arms=(Arm(name="lda", method="lda"), Arm(name="knn", method="knn")), shots=3, seeds=(0,))
    none = Figures(oa=None, aa=None, kappa=None, f1=(), n_test=0)
    arms = tuple(
        ArmResult(name=arm.name, method=arm.method, figures=dict.fromkeys(plan.protocols, none), fit_s=0, map_s=0)
        for arm in plan.arms
    )
    (folder / MAPS).mkdir()
    made = [replace(some_map(studio, project, 7 + k, arm.method), revision=0) for k, arm in enumerate(plan.arms)]
    for k, one in enumerate(made):
        np.savez(folder / MAPS / f"{k:02d}.npz", label=one.label, confidence=one.confidence)
    facts = {"id": scene.id, "name": scene.name, "title": scene.title, "rows": 30, "columns": 30, "bands": 10}
    facts["heights"] = scene.dsm is not None
    found = Comparison(
        plan=plan, state="done", scene=facts, basis="reference",
        classes=tuple(name for _, name in scene.reference_classes), seeds=(0,), arms=arms,
        maps={arm.name: f"{k:02d}.npz" for k, arm in enumerate(plan.arms)},
    )  # fmt: skip
    write_plan(folder, plan)
    write_comparison(folder, found)
    return made[0], made[1]


def add_model(studio: Studio, project: Project) -> Prediction:
    """A model whose map was made."""
    train(studio, project, MODEL, method="lda", title="My model")
    return studio.models.map(MODEL, project.id)
