"""`studio.collections`: one label an image. Accuracy on a folder, a model on disk, answers for new images.

>>> result = studio.collections.evaluate("wood/", shots=5, seeds=range(10))
>>> studio.collections.train("wood/", "wood.safetensors")
>>> studio.collections.classify("wood.safetensors", "new/")

A collection is a folder with a folder per class, or a table (`scene/collection.py`). A model is one safe file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from hsi_studio.engine.evaluation.collection_accuracy import ImageResult, evaluate_images, sentences_of
from hsi_studio.engine.models.checkpoint import read_checkpoint, write_checkpoint
from hsi_studio.engine.models.metadata import CheckpointFacts, ClassFacts, LabelFacts, PromptFacts, SceneFacts
from hsi_studio.errors import BadRequest, CorruptFile
from hsi_studio.files import is_there
from hsi_studio.methods import IMAGE_METHOD
from hsi_studio.methods.collections import ImageModel, get_image_method, load_image_model
from hsi_studio.methods.contract import Context, make_params
from hsi_studio.scene.collection import Collection, open_folder, open_table
from hsi_studio.scene.image_sets import ImageSet, image_sets, open_set, place_of
from hsi_studio.studio import Subject
from hsi_studio.studio.workspace import Workspace
from hsi_studio.types import Progress

Prompts = Mapping[str, Sequence[str]]  # class name → sentences
UNFIT = (KeyError, ValueError, TypeError, IndexError, RuntimeError)  # of a file whose numbers make no network


@dataclass(frozen=True)
class Answer:
    """What a model says about one image."""

    path: Path
    label: str
    probability: float  # mean over the image's cubes
    votes: int  # of the cubes, for that class
    of: int
    known: str  # the class of the folder or row it lies in


class Collections(Subject):
    """Verbs on collections. Nothing is kept between calls."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def open(self, source: str | Path, columns: Sequence[str] = ()) -> Collection:
        """A folder with a folder per class, a CSV file and its columns (image, class and perhaps group), or a public
        collection by id, with what `image_sets.open_set` takes.

        Raises FileProblem, SizeMismatch, BadRequest.
        """
        if not is_there(str(source)) and str(source) in {known.id for known in image_sets()}:
            return open_set(str(source), columns)
        if Path(source).suffix.lower() != ".csv":
            return open_folder(source)
        if len(columns) not in (2, 3):
            raise BadRequest(f"{Path(source).name} is a table: name its columns of images, classes and perhaps groups.")
        return open_table(source, image=columns[0], label=columns[1], group=columns[2] if len(columns) == 3 else None)

    def known(self) -> list[tuple[ImageSet, Path | None]]:
        """Public collections, and where their files lie (None: still to be fetched by hand)."""
        return [(one, place_of(one)) for one in image_sets()]

    def evaluate(
        self,
        source: str | Path | Collection,
        method: str = IMAGE_METHOD,
        *,
        shots: int | None = None,
        folds: int | None = None,
        seeds: Sequence[int] = range(5),
        params: Mapping[str, Any] | None = None,
        prompts: Prompts | None = None,
        positive: str | None = None,
        columns: Sequence[str] = (),
        device: str = "cpu",
        progress: Callable[[Progress], None] = lambda _: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> ImageResult:
        """Accuracy over draws: see `engine/evaluation/collection_accuracy.py`. Raises BadRequest, TooFewLabels,
        FileProblem, Cancelled."""
        collection = source if isinstance(source, Collection) else self.open(source, columns)
        return evaluate_images(
            collection, seeds=list(seeds), shots=shots, folds=folds, method=method,
            params=make_params(get_image_method(method).Params, dict(params or {})), prompts=prompts,
            positive=positive, ctx=self._context(0, device, progress, cancelled),
        )  # fmt: skip

    def train(
        self,
        source: str | Path | Collection,
        out: str | Path,
        method: str = IMAGE_METHOD,
        *,
        params: Mapping[str, Any] | None = None,
        prompts: Prompts | None = None,
        columns: Sequence[str] = (),
        seed: int = 0,
        device: str = "cpu",
        progress: Callable[[Progress], None] = lambda _: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> ImageModel:
        """Train on all images and write the model. Raises BadRequest, TooFewLabels, FileProblem, Cancelled."""
        out = Path(out)
        if out.suffix != ".safetensors":
            raise BadRequest(f"{out.name}: a model file ends with .safetensors.")
        collection = source if isinstance(source, Collection) else self.open(source, columns)
        how = get_image_method(method)
        chosen = make_params(how.Params, dict(params or {}))
        sentences = sentences_of(collection.schema, prompts)
        model = how.fit(collection, sentences, chosen, self._context(seed, device, progress, cancelled), None)
        counts = np.bincount(collection.label, minlength=len(collection.schema))
        facts = CheckpointFacts(
            method=how.saved_as,
            classes=tuple(ClassFacts(id=c.id, name=c.name, color=c.color) for c in collection.schema.classes),
            scene=SceneFacts(id=_name(collection.name), name=collection.name, bands=collection.bands),
            labels=LabelFacts(fewest=int(counts.min()), most=int(counts.max()), total=len(collection)),
            prompts=PromptFacts(sentences=dict(sentences.sentences)),
            seed=seed,
            params=chosen.model_dump(mode="json"),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            title=f"{method} on {len(collection)} images of {collection.name}",
        )
        write_checkpoint(out, model.state(), facts)
        return model

    def load(self, file: str | Path, device: str = "cpu") -> ImageModel:
        """A model that `train` wrote. Raises FileProblem, BadRequest (a model of scenes), SceneMismatch."""
        state, _ = read_checkpoint(Path(file))
        try:
            return load_image_model(state, Context(device=device))
        except UNFIT as error:
            raise CorruptFile(file, f"its numbers make no model ({error})", "Train the model again") from error

    def classify(
        self,
        file: str | Path | ImageModel,
        source: str | Path | Collection,
        *,
        columns: Sequence[str] = (),
        device: str = "cpu",
        progress: Callable[[Progress], None] = lambda _: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> list[Answer]:
        """An answer for every image of a collection. Raises FileProblem, SceneMismatch, Cancelled."""
        collection = source if isinstance(source, Collection) else self.open(source, columns)
        model = self.load(file, device) if isinstance(file, str | Path) else file
        votes = model.classify(collection, self._context(0, device, progress, cancelled))
        names = model.schema.names
        return [
            Answer(
                image.path, names[k], float(votes.probability[n, k]), int(votes.votes[n, k]),
                int(votes.votes[n].sum()), collection.schema.names[image.label],
            )
            for n, (image, k) in enumerate(zip(collection.images, votes.label.tolist(), strict=True))
        ]  # fmt: skip

    def _context(
        self, seed: int, device: str, progress: Callable[[Progress], None], cancelled: Callable[[], bool]
    ) -> Context:
        return Context(seed, device, progress, cancelled, self._workspace.cache_folder)


def _name(text: str) -> str:
    """A name without what ids may not hold."""
    return "".join(c if c.isalnum() or c in "-_ ." else "-" for c in text)[:128] or "collection"
