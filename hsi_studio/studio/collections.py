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
from hsi_studio.engine.models.checkpoint import read_checkpoint, read_header, write_checkpoint
from hsi_studio.engine.models.metadata import CheckpointFacts, ClassFacts, LabelFacts, PromptFacts, SceneFacts
from hsi_studio.errors import BadRequest, CorruptFile, SceneMismatch
from hsi_studio.files import is_there
from hsi_studio.methods import IMAGE_METHOD
from hsi_studio.methods.collections import ImageModel, get_image_method, load_image_model
from hsi_studio.methods.common.checks import band_difference
from hsi_studio.methods.contract import Context, make_params
from hsi_studio.scene.collection import Collection, has_classes, open_folder, open_table, open_unlabelled
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
    known: str  # the class of the folder or row it lies in; "" where there is none


class Collections(Subject):
    """Verbs on collections. Nothing is kept between calls."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def open(self, source: str | Path, columns: Sequence[str] = (), labelled: bool = True) -> Collection:
        """A folder with a folder per class, a CSV file and its columns (image, class and perhaps group), or a public
        collection by id, with what `image_sets.open_set` takes. `labelled`: False = to be classified, any folder of
        images does.

        Raises FileProblem, SizeMismatch, BadRequest.
        """
        if not is_there(str(source)) and str(source) in {known.id for known in image_sets()}:
            return open_set(str(source), columns)
        if Path(source).suffix.lower() != ".csv":
            return open_folder(source) if labelled or has_classes(source) else open_unlabelled(source)
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
            scene=SceneFacts(
                id=_name(collection.name),
                name=collection.name,
                bands=collection.bands,
                wavelength_nm=_wavelengths(collection),
            ),
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
        """An answer for every image of a collection, or of a folder without classes. Raises FileProblem, SceneMismatch,
        Cancelled."""
        collection = source if isinstance(source, Collection) else self.open(source, columns, labelled=False)
        model = self.load(file, device) if isinstance(file, str | Path) else file
        if isinstance(file, str | Path):
            _check_wavelengths(file, collection)
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


def _wavelengths(collection: Collection) -> tuple[float, ...] | None:
    """(B,) of the images, which have the same where they state any."""
    known = (image.scene.bands.wavelength_nm for image in collection.images)
    found = next((nm for nm in known if nm is not None), None)
    return None if found is None else tuple(round(float(w), 3) for w in found)


def _check_wavelengths(file: str | Path, collection: Collection) -> None:
    """Raises SceneMismatch where a model's images had other ones, as far as both state them. The model itself knows
    how many bands it needs."""
    trained = read_header(Path(file)).facts.scene
    for image in collection.images if trained.bands == collection.bands else ():
        different = band_difference(trained.bands, trained.wavelength_nm, image.scene)
        if different:
            raise SceneMismatch(
                f"{image.path.name}: {different} Take images of the sensor that the model was trained on."
            )


def _name(text: str) -> str:
    """A name without what ids may not hold."""
    return "".join(c if c.isalnum() or c in "-_ ." else "-" for c in text)[:128] or "collection"
