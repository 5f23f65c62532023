"""Work on a scene without a project: a map from a file of labels, few-shot accuracy over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hsi_studio.engine.evaluation.few_shot import evaluate, prompts_in_style
from hsi_studio.engine.mapping.predict import predict_scene
from hsi_studio.io import export
from hsi_studio.io.label_import import labels_from_file
from hsi_studio.methods import get_method
from hsi_studio.methods.contract import Context, make_params
from hsi_studio.types import Prediction, PromptSet, Scene


def map_from_file(scene: Scene, labels_file: Path, method: str, params: dict[str, Any], ctx: Context) -> Prediction:
    """Raises FileProblem, TooFewLabels, BadRequest."""
    chosen = get_method(method)
    values = make_params(chosen.Params, params)
    labels = labels_from_file(labels_file, scene).only_labelled()
    blind = scene.without_reference()
    fitted = chosen.fit(blind, labels, PromptSet(), values, ctx)
    return predict_scene(fitted, blind, method, values.model_dump(), labels.revision, ctx)


def write_map(prediction: Prediction, scene: Scene, path: Path, confidence: Path | None = None) -> Path:
    """The map as .tif, .hdr (ENVI) or .png, and its confidence as a float GeoTIFF. Raises BadRequest (the ending)."""
    written = export.write_map(prediction, scene, path)
    if confidence is not None:
        export.export_confidence_geotiff(prediction, scene, confidence)
    return written


def evaluation(
    scene: Scene, method: str, params: dict[str, Any], prompts: str, ctx: Context, *, shots: int,
    seeds: int | Sequence[int], protocol: str,
) -> Any:  # fmt: skip
    """Raises BadRequest (no reference, unknown protocol or prompts)."""
    chosen = get_method(method)
    values = make_params(chosen.Params, params)
    said, notes = prompts_in_style(scene, prompts)
    found = evaluate(scene, chosen, shots=shots, seeds=seeds, protocol=protocol, params=values, prompts=said, ctx=ctx)
    return replace(found, notes=found.notes + notes)
