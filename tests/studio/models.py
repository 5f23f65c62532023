"""A studio with one or two small scenes and trained models, for tests of what is done with models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hsi_studio import Studio
from hsi_studio.engine.models.checkpoint import write_checkpoint
from hsi_studio.engine.models.metadata import describe
from hsi_studio.methods import get_method
from hsi_studio.methods.contract import Context, make_params
from hsi_studio.project.store import Project
from hsi_studio.types import PromptSet


def scene_file(folder: Path, name: str = "two_halves", bands: int = 10, seed: int = 0) -> Path:
    """30 × 30 pixels in two halves; the last column holds no data."""
    rng = np.random.default_rng(seed)
    cube = rng.normal(0.2, 0.01, (30, 30, bands)).astype(np.float32)
    cube[15:, :, bands // 2 :] += 0.3
    cube[:, -1] = np.nan
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.npy"
    np.save(file, cube)
    return file


def labelled(studio: Studio, file: Path) -> Project:
    """A project with classes “upper” and “lower”, three labels each."""
    project = studio.new_project(file)
    for name in ("upper", "lower"):
        project.add_class(name)
    upper, lower = project.schema.classes
    for k in range(3):
        project.toggle_point(2, 3 + 4 * k, upper.id)
        project.toggle_point(25, 3 + 4 * k, lower.id)
    return project


def train(
    studio: Studio, project: Project, run: str = "20260101-120000-abcdef", method: str = "live", **more: Any
) -> str:
    """A run's model file, as a training leaves it. Returns the run's id."""
    scene = studio.scene_of(project.id).without_reference()
    chosen = get_method(method)
    params = make_params(chosen.Params, chosen.test_params | more.pop("params", {}))
    labels = project.labels().only_labelled()
    fitted = chosen.fit(scene, labels, PromptSet(), params, Context())
    facts = describe(scene, labels, method, params=params.model_dump(mode="json"), seed=0, run_id=run, **more)
    write_checkpoint(project.folder / "runs" / run / "model.safetensors", fitted.state(), facts)
    return run
