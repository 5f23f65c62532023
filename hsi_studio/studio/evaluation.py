"""`studio.evaluation`: work on a scene without a project: a map from a file of labels, few-shot accuracy over seeds.

>>> studio.evaluation.map(scene, "labels.geojson", "svm")
>>> studio.evaluation.evaluate(scene, "svm", shots=5, seeds=10)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hsi_studio.edges import reading
from hsi_studio.engine.evaluation.few_shot import evaluate, prompts_in_style
from hsi_studio.engine.mapping.predict import predict_scene
from hsi_studio.io import export
from hsi_studio.io.label_import import LabelOptions, labels_from_file
from hsi_studio.methods import LIVE_METHOD, get_method
from hsi_studio.methods.contract import Context, make_params
from hsi_studio.studio import Subject
from hsi_studio.studio.workspace import Workspace
from hsi_studio.types import Prediction, Progress, PromptSet, Scene


class Evaluation(Subject):
    """One subject of `Studio`. Nothing is kept between calls."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def map(
        self,
        scene: Scene,
        labels_file: str | Path,
        method: str = LIVE_METHOD,
        params: dict[str, Any] | None = None,
        progress: Callable[[Progress], None] = lambda _: None,
        seed: int = 0,
        **label_options: Any,
    ) -> Prediction:
        """A map from a file of labels; `label_options` as in `LabelOptions`. Raises FileProblem, TooFewLabels,
        BadRequest."""
        ctx = Context(seed=seed, progress=progress, cache_dir=self._workspace.cache_folder)
        chosen = get_method(method)
        values = make_params(chosen.Params, params or {})
        with reading(labels_file):
            labels = labels_from_file(Path(labels_file), scene, LabelOptions(**label_options)).only_labelled()
        blind = scene.without_reference()
        fitted = chosen.fit(blind, labels, PromptSet(), values, ctx)
        return predict_scene(fitted, blind, method, values.model_dump(), labels.revision, ctx)

    def evaluate(
        self,
        scene: Scene,
        method: str = LIVE_METHOD,
        *,
        shots: int,
        seeds: int | Sequence[int],
        protocol: str = "random",
        params: dict[str, Any] | None = None,
        prompts: str = "names",
        device: str = "cpu",
        progress: Callable[[Progress], None] = lambda _: None,
    ) -> Any:
        """Few-shot accuracy over seeds; `prompts` as in `prompts_in_style`, its notes are in the result's.

        Raises BadRequest (no reference, unknown protocol or prompts).
        """
        ctx = Context(progress=progress, device=device, cache_dir=self._workspace.cache_folder)
        chosen = get_method(method)
        values = make_params(chosen.Params, params or {})
        said, notes = prompts_in_style(scene, prompts)
        found = evaluate(
            scene, chosen, shots=shots, seeds=seeds, protocol=protocol, params=values, prompts=said, ctx=ctx
        )
        return replace(found, notes=found.notes + notes)


def write_map(prediction: Prediction, scene: Scene, path: Path, confidence: Path | None = None) -> Path:
    """The map as .tif, .hdr (ENVI) or .png, and its confidence as a float GeoTIFF. Raises BadRequest (the ending)."""
    written = export.write_map(prediction, scene, path)
    if confidence is not None:
        export.export_confidence_geotiff(prediction, scene, confidence)
    return written
