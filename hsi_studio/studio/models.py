"""`studio.models`: every trained model, on disk and in memory: find, describe, load, map with, compare, move.

>>> with studio.models.use(model_id, project_id) as fitted:
...     fitted.predict(block)

A model stands on a project's scene; the same model on two scenes is loaded twice. Its maps are in `model_maps.py`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from hsi_studio.engine.models.checkpoint import read_checkpoint
from hsi_studio.engine.models.compatibility import SceneFit, scene_fit
from hsi_studio.engine.models.library import ModelFile, ModelLibrary
from hsi_studio.engine.models.memory import Loaded
from hsi_studio.engine.models.metadata import CheckpointFacts
from hsi_studio.engine.models.placement import Placement
from hsi_studio.errors import BadRequest, CorruptFile, SceneMismatch
from hsi_studio.methods import get_method, methods
from hsi_studio.methods.contract import Block, Context, Fitted, State
from hsi_studio.studio import Subject
from hsi_studio.studio.model_maps import ModelMaps, NoRuns, RunFacts
from hsi_studio.studio.workspace import Workspace
from hsi_studio.types import Prediction, Scene

log = logging.getLogger(__name__)

SORTS = ("modified", "title", "method", "scene", "accuracy", "shots", "size")
UNFIT = (KeyError, ValueError, TypeError, IndexError, RuntimeError, AttributeError, AssertionError, MemoryError)


@dataclass(frozen=True)
class ModelInfo:
    """A model for lists. `problem` says why a file cannot be used; then most fields are empty."""

    id: str
    title: str
    origin: str  # "run", "import"
    project_id: str
    size: int  # bytes
    modified: float  # Unix seconds
    problem: str
    facts: CheckpointFacts | None
    loaded: str  # "" or where it is: "CPU: no CUDA device found"
    loaded_size: int
    in_use: bool

    @property
    def shots(self) -> tuple[int, int]:
        return (0, 0) if self.facts is None else (self.facts.labels.fewest, self.facts.labels.most)


class Models(Subject):
    """The models of one home folder. Safe to call from many threads. Those in memory are the server's."""

    def __init__(self, workspace: Workspace, runs: RunFacts | None = None) -> None:
        self._workspace, self.manager = workspace, workspace.server.manager
        self.library = ModelLibrary(workspace.home, workspace.only)
        self.maps = ModelMaps(workspace, self.library, self._used, runs or NoRuns())

    # ── on disk ─────────────────────────────────────────────────────────────────────────────────

    def find(self, search: str = "", sort: str = "modified", descending: bool | None = None) -> list[ModelInfo]:
        """Models that match every word of `search` (anywhere: title, method, scene, classes, tags, note), sorted.

        `descending` None = newest, most accurate, largest first; names from A. Raises BadRequest.
        """
        if sort not in SORTS:
            raise BadRequest(f"Models cannot be sorted by {sort!r}: choose one of {', '.join(SORTS)}.")
        words = search.casefold().split()
        found = [info for info in self._infos(self.library.models()) if all(word in _text_of(info) for word in words)]
        if descending is None:
            descending = sort in ("modified", "accuracy", "shots", "size")
        return sorted(found, key=lambda info: _sort_value(info, sort), reverse=descending)

    def trashed(self) -> list[ModelInfo]:
        return self._infos(self.library.trashed())

    def get(self, model_id: str) -> ModelInfo:
        """Raises BadRequest."""
        return self._infos([self.library.get(model_id)])[0]

    def edit(
        self, model_id: str, *, title: str | None = None, note: str | None = None, tags: tuple[str, ...] | None = None
    ) -> None:
        """Change what is given. Raises BadRequest."""
        given = {"title": title, "note": note, "tags": tags}
        self.library.edit(model_id, **{key: value for key, value in given.items() if value is not None})

    def delete(self, model_id: str) -> None:
        """To the trash; out of memory where nobody uses it. Raises BadRequest, for a guest too."""
        self._workspace.for_its_owner("models")
        model = self.library.get(model_id)
        self.library.delete(model_id)
        for key, (_, _, in_use) in self.manager.loaded().items():
            if key.startswith(f"{model.path}@") and not in_use:
                self.manager.unload(key)
        self.maps.forget(model_id)

    def restore(self, model_id: str) -> str:
        """Raises BadRequest."""
        return self.library.restore(model_id)

    def empty_trash(self) -> int:
        """Bytes that came free."""
        return self.library.empty_trash()

    def import_file(self, file: str | Path) -> tuple[ModelInfo, bool]:
        """Import a model file. (model, whether it was here already). Raises FileProblem; then nothing is kept."""
        model_id, known = self.library.import_file(Path(file))
        return self.get(model_id), known

    def export(self, model_id: str, folder: Path) -> Path:
        """Export as one safe file, the user's edits in it. Raises BadRequest, FileProblem."""
        return self.library.export(model_id, folder)

    @staticmethod
    def changed_params(info: ModelInfo) -> dict[str, Any]:
        """Parameters that differ from the method's defaults; all of them for a method this program has not."""
        if info.facts is None:
            return {}
        method = methods().entries.get(info.facts.method)
        defaults = {} if method is None else method.Params().model_dump(mode="json")
        return {key: value for key, value in info.facts.params.items() if defaults.get(key, ...) != value}

    # ── in memory ───────────────────────────────────────────────────────────────────────────────

    def fit(self, model_id: str, project_id: str) -> SceneFit:
        """Whether the model can map the project's scene, and what else is possible. Raises BadRequest, FileProblem."""
        _, header = self.library.usable(model_id)
        return scene_fit(header, self._workspace.scene_of(project_id))

    @contextmanager
    def use(self, model_id: str, project_id: str, ctx: Context | None = None) -> Iterator[Fitted]:
        """The fitted model on the project's scene; loaded when it is not, and in memory until the block ends.

        Raises SceneMismatch (with what would be possible), FileProblem, ModelsBusy, BadRequest.
        """
        with self._used(model_id, project_id, ctx) as loaded:
            yield loaded.fitted

    @contextmanager
    def _used(self, model_id: str, project_id: str, ctx: Context | None = None) -> Iterator[Loaded]:
        model, header = self.library.usable(model_id)
        scene = self._workspace.scene_of(project_id).without_reference()
        told = scene_fit(header, scene)
        if not told.ok:
            raise SceneMismatch(told.words)

        def load(where: Placement) -> Fitted:
            state, _ = read_checkpoint(model.path)
            context = replace(ctx or Context(), device=where.device, cache_dir=self._workspace.cache_folder)
            try:
                fitted = get_method(header.facts.method).from_state(state, scene, context)
                _proved(fitted, scene, len(header.facts.classes))
                return fitted
            except UNFIT as error:
                log.info("model %s was refused", model.path, exc_info=True)
                raise CorruptFile(
                    model.path,
                    f"its parts do not fit together ({type(error).__name__}: {str(error)[:200]})",
                    "Get the file again from where it came, or train the model again",
                ) from error

        weights = sum(info.size for info in header.arrays.values())
        key = f"{model.path}@{header.digest[:16]}@{scene.id}"
        uses_gpu = any(name.startswith("net.") for name in header.arrays)
        with self.manager.use(key, weights, load, uses_gpu) as loaded:
            yield loaded

    def load(self, model_id: str, project_id: str) -> Placement:
        """Have the model in memory, ready to use; where it went. It may be put away when others need the room."""
        with self._used(model_id, project_id) as loaded:
            return loaded.placement

    def unload(self, model_id: str) -> bool:
        """Put it away; False when it was not loaded. Raises ModelsBusy, BadRequest."""
        path = self.library.get(model_id).path
        keys = [key for key in self.manager.loaded() if key.startswith(f"{path}@")]
        return sum(self.manager.unload(key) for key in keys) > 0

    def warm_start(self, model_id: str, method: str) -> State:
        """The state a new training of `method` may start from: `Context.warm_start`. Raises BadRequest, FileProblem."""
        return read_checkpoint(self.warm_start_file(model_id, method))[0]

    def warm_start_file(self, model_id: str, method: str) -> Path:
        """Where that state is. Raises BadRequest, FileProblem."""
        model, header = self.library.usable(model_id)
        if header.facts.method != method:
            raise BadRequest(
                f"“{model.title}” is a model of {header.facts.method}, the training is of {method}: choose a model of "
                "the same method to start from."
            )
        if not get_method(method).warm_starts:
            raise BadRequest(f"{method} has no encoder that a training could start from: leave “Start from” empty.")
        return model.path

    @staticmethod
    def can_start(info: ModelInfo) -> bool:
        """Whether a new training can start from this model."""
        method = None if info.facts is None else methods().entries.get(info.facts.method)
        return method is not None and bool(method.warm_starts)

    def warm_starts(self, method: str) -> list[ModelInfo]:
        """Models a new training of `method` may start from, newest first."""
        if not get_method(method).warm_starts:
            return []
        return [info for info in self.find() if info.facts is not None and info.facts.method == method]

    # ── maps ────────────────────────────────────────────────────────────────────────────────────

    def map(self, model_id: str, project_id: str, ctx: Context | None = None) -> Prediction:
        """The model's map of the project's scene, in the project's classes: see `ModelMaps.make`."""
        return self.maps.make(model_id, project_id, ctx)

    def close(self) -> None:
        """Stop the maps that are being made."""
        self.maps.close()

    def _infos(self, files: list[ModelFile]) -> list[ModelInfo]:
        loaded: dict[str, tuple[Placement, int, bool]] = {}
        for key, entry in self.manager.loaded().items():
            path, size = key.split("@")[0], loaded.get(key.split("@")[0], (None, 0, False))
            loaded[path] = (entry[0], size[1] + entry[1], size[2] or entry[2])
        return [_info(file, loaded.get(str(file.path))) for file in files]


def _info(file: ModelFile, loaded: tuple[Placement | None, int, bool] | None) -> ModelInfo:
    where, size, in_use = loaded or (None, 0, False)
    return ModelInfo(
        file.id, file.title, file.origin, file.project_id, file.size, file.modified, file.problem, file.facts,
        "" if where is None else where.reason, size, in_use,
    )  # fmt: skip


def _proved(fitted: Fitted, scene: Scene, classes: int) -> None:
    """Map one pixel: arrays that do not fit each other fail here, not in the middle of a map. Raises ValueError."""
    row, col = (int(at) for at in np.unravel_index(int(np.argmax(scene.valid)), scene.valid.shape))
    p = fitted.predict(Block(scene, slice(row, row + 1), slice(col, col + 1)))
    if p.shape != (classes, 1, 1) or (scene.valid[row, col] and not np.isclose(p.sum(), 1.0, atol=1e-3)):
        raise ValueError(f"probabilities of shape {p.shape} for {classes} classes, with the sum {float(p.sum()):.3g}")


def _text_of(info: ModelInfo) -> str:
    """What a search looks in."""
    facts = info.facts
    if facts is None:
        return f"{info.title} {info.problem}".casefold()
    parts = [
        info.title, info.id, facts.method, facts.scene.name, facts.scene.title, facts.note, facts.prompts.style,
        facts.prompts.set, *facts.tags, *(c.name for c in facts.classes),
    ]  # fmt: skip
    return " ".join(parts).casefold()


def _sort_value(info: ModelInfo, sort: str) -> tuple[Any, ...]:
    """Ties go by age, so that an order never changes by itself. Without the figure: after all that have it."""
    facts = info.facts
    oa = None if facts is None or facts.accuracy is None else facts.accuracy.oa
    first: Any = {
        "modified": info.modified,
        "title": info.title.casefold(),
        "method": "" if facts is None else facts.method,
        "scene": "" if facts is None else (facts.scene.title or facts.scene.name).casefold(),
        "accuracy": -1.0 if oa is None else oa,
        "shots": info.shots,
        "size": info.size,
    }[sort]
    return first, info.modified, info.id
