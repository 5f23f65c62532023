"""`studio.certify`: how good a map is and how large its classes are, from random pixels that somebody labels blind.

>>> sample = studio.certify.draw(project.id, target_se=0.03)
>>> studio.certify.answer(project.id, number=0, class_id=water.id)
>>> studio.certify.result(project.id).estimates.overall

The sample is random within each class of the map (`engine/evaluation/sample_design.py`); its estimates are those of
`engine/evaluation/areas.py`, for the map it was drawn from and for any other map of the scene. Its pixels are no
labels: no map is made from them. One sample a project, `certify.json`; a new one puts the old one beside it
(`certify-TIME.json`). A pixel that nobody can tell counts as not looked at.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from hsi_studio.engine.evaluation.areas import AreaEstimates, estimate_areas
from hsi_studio.engine.evaluation.sample_design import Design, draw_sample, plan_sample
from hsi_studio.engine.mapping.schema_match import called_as
from hsi_studio.errors import BadRequest, CorruptFile
from hsi_studio.files import put_in_place, write_json
from hsi_studio.humanize import counted, listed
from hsi_studio.stored import read_object
from hsi_studio.studio import Subject
from hsi_studio.studio.displayed_map import DisplayedMap, DisplayedMaps
from hsi_studio.studio.workspace import Workspace
from hsi_studio.types import ClassInfo, ClassSchema, Prediction

DEFAULT_SE = 0.03
MOST_BYTES = 16 << 20


@dataclass(frozen=True)
class Sample:
    """Random pixels in the order they are to be looked at. An answer is a class id, "" = cannot tell, None = not
    yet.
    """

    layer: str
    title: str  # of the map it was drawn from
    classes: ClassSchema  # of that map: its strata
    sizes: tuple[int, ...]  # pixels of each stratum
    row: np.ndarray  # (n,)
    col: np.ndarray  # (n,)
    stratum: np.ndarray  # (n,)
    answers: tuple[str | None, ...]
    target_se: float
    seed: int
    created: str
    map_hash: str

    @property
    def done(self) -> int:
        return sum(answer is not None for answer in self.answers)

    @property
    def next(self) -> int | None:
        """Number of the first pixel nobody has looked at; None when all were."""
        return next((n for n, answer in enumerate(self.answers) if answer is None), None)


@dataclass(frozen=True)
class Certificate:
    """Estimates over `classes`; None with a `problem`. `pixel_m2` None = the scene has no pixel size."""

    title: str  # of the map that is judged
    classes: tuple[ClassInfo, ...]
    estimates: AreaEstimates | None
    pixels: int  # mapped, whose areas are estimated
    pixel_m2: float | None
    words: str
    problem: str = ""

    def index(self, info: ClassInfo) -> int | None:
        """The place of a map's class among `classes`: by id, else by name, under which one that was deleted may have
        been made again."""
        return _places(self.classes, [info]).get(info.id)


@dataclass
class _Files:
    """Of everybody who works in one home: an owner and guests write the same file."""

    lock: threading.Lock = field(default_factory=threading.Lock)


class Certify(Subject):
    """Safe to call from many threads."""

    def __init__(self, workspace: Workspace, displayed: DisplayedMaps) -> None:
        self._workspace, self._displayed = workspace, displayed
        self._lock = workspace.shared(_Files).lock

    def plan(self, project_id: str, which: str = "shown", target_se: float = DEFAULT_SE) -> Design:
        """How many pixels a class must be looked at. What the map's accuracy report says of its classes is the guess.

        Raises BadRequest, LabelProblem, FileProblem.
        """
        return self._plan(self._displayed.find(project_id, which), target_se)

    def draw(self, project_id: str, which: str = "shown", target_se: float = DEFAULT_SE, seed: int = 0) -> Sample:
        """A new sample of a map. The one before is kept in the project's folder. Raises as `plan`."""
        found = self._displayed.find(project_id, which)
        design = self._plan(found, target_se)
        label = found.prediction.label
        pixels, stratum = draw_sample(label, design.count, seed)
        row, col = np.divmod(pixels, label.shape[1])
        value = {
            "layer": found.layer, "title": found.title, "classes": found.prediction.schema.to_json(),
            "sizes": _sizes(found.prediction).tolist(), "points": np.stack([row, col, stratum], axis=1).tolist(),
            "answers": [None] * pixels.size, "target_se": target_se, "seed": seed,
            "created": datetime.now(UTC).isoformat(timespec="seconds"), "map_hash": map_hash(found.prediction),
        }  # fmt: skip
        with self._lock:
            path = self._file(project_id)
            if path.is_file():
                put_in_place(path, path.with_name(f"certify-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}.json"))
            write_json(path, value)
        return self.sample(project_id)

    def sample(self, project_id: str) -> Sample:
        """Raises BadRequest when none was drawn, CorruptFile."""
        path = self._file(project_id)
        if not path.is_file():
            raise BadRequest("No random pixels were drawn for this project: certify a map first.")
        try:
            return _sample(self._stored(project_id))
        except (ValueError, KeyError, TypeError) as error:
            raise CorruptFile(path, f"the sample cannot be read ({error})", "Move it away and draw another") from error

    def exists(self, project_id: str) -> bool:
        return self._file(project_id).is_file()

    def answer(self, project_id: str, number: int, class_id: str | None) -> Sample:
        """What pixel `number` (from 0) is: a class id, "" = cannot tell, None = take the answer back.

        Raises BadRequest.
        """
        return self._answer(project_id, {number: class_id})

    def write_file(self, project_id: str, path: Path) -> Path:
        """The sample as GeoPackage, with the answers there are. Raises BadRequest."""
        from hsi_studio.io.points_gpkg import UNKNOWN, write_points

        sample, known = self.sample(project_id), {info.id: info.name for info in self._known(project_id)}
        names = [UNKNOWN if one == "" else known.get(one or "", "") for one in sample.answers]
        return write_points(Path(path), self._workspace.scene_of(project_id), sample.row, sample.col, names)

    def read_file(self, project_id: str, path: Path) -> str:
        """Take the answers of a GeoPackage. What was done, in a sentence. Raises FileProblem, BadRequest."""
        from hsi_studio.io.points_gpkg import UNKNOWN, read_points

        found = read_points(Path(path))
        known = {_plain(info.name): info.id for info in self.to_choose(project_id)} | {UNKNOWN: ""}
        sample = self.sample(project_id)
        mine = dict(enumerate(zip(sample.row.tolist(), sample.col.tolist(), strict=True), start=1))
        other = [n for n, (_, place) in found.items() if place is not None and mine.get(n) != place]
        if other:
            raise BadRequest(
                f"{Path(path).name}: point {other[0]} is another pixel than in the sample that is there now"
                f"{f' ({len(other)} points are)' if len(other) > 1 else ''}: the file is of another sample."
            )
        strange = sorted({name for name, _ in found.values() if name.casefold() not in known})
        if strange:
            raise BadRequest(
                f"{Path(path).name}: {', '.join(strange[:5])}: no class of this project has this name. "
                "Add it in the Label tab, or correct the file."
            )
        self._answer(project_id, {number - 1: known[name.casefold()] for number, (name, _) in found.items()})
        return f"{counted(len(found), 'pixel')} taken from {Path(path).name}."

    def result(self, project_id: str, which: str = "") -> Certificate:
        """What the sample says of a map: of the one it was drawn from, or of any other.

        Raises BadRequest, FileProblem.
        """
        sample, scene = self.sample(project_id), self._workspace.scene_of(project_id)
        classes = self.to_choose(project_id)
        place = _places(classes, self._known(project_id))
        title, mapped = sample.title, sample.stratum
        own = not which
        if which:
            found = self._displayed.find(project_id, which)
            title, mapped = found.title, _mapped(found.prediction, sample, classes)
            own = _is_drawn_from(found.prediction, sample)
        answered = np.array([bool(one) and one in place for one in sample.answers], dtype=np.bool_)
        unknown = sum(one == "" for one in sample.answers)
        pixel_m2 = None if not scene.gsd_m else scene.gsd_m**2
        words = (
            f"from {int(answered.sum())} of {counted(len(sample.answers), 'random pixel')}, drawn within each class of "
            f"“{sample.title}” (seed {sample.seed}, {sample.created[:10]}) and labelled without seeing the map"
        )
        if unknown:
            words += f"; {unknown} could not be told and {'is' if unknown == 1 else 'are'} left out"
        if not own:
            words += "; this is another map, so its classes are not the strata of the sample (Stehman 2014)"
        size = np.array(sample.sizes)
        count = np.bincount(sample.stratum[answered], minlength=size.size)
        waiting = [classes[h].name for h in np.flatnonzero((count == 0) & (size > 0))]
        if waiting:
            told = f"No pixel of {', '.join(waiting[:4])}{' and others' if len(waiting) > 4 else ''} was told yet: "
            return Certificate(
                title,
                tuple(classes),
                None,
                int(size.sum()),
                pixel_m2,
                words,
                f"{told}look at the pixels that are left.",
            )
        true = np.array(
            [place[one or ""] for one, ok in zip(sample.answers, answered, strict=True) if ok], dtype=np.int64
        )
        made = estimate_areas(sample.stratum[answered], mapped[answered], true, size, len(classes))
        return Certificate(title, tuple(classes), made, int(size.sum()), pixel_m2, words + _small(made, classes))

    def to_choose(self, project_id: str) -> list[ClassInfo]:
        """What a pixel may be told as: every class of the map the sample was drawn from, also one that the project has
        no more, then those the project got since. One that was deleted and made again under its name is the sample's:
        pixels told as it are pixels of that class."""
        mine, others = self._own(project_id)
        names = {_plain(info.name) for info in mine}
        return [*mine, *(info for info in others if _plain(info.name) not in names)]

    # ── inside ──────────────────────────────────────────────────────────────────────────────────

    def _plan(self, found: DisplayedMap, target_se: float) -> Design:
        report = found.report
        known = {} if report is None else {one.info.id: one.precision for one in report.main.classes}
        users = [known.get(info.id) for info in found.prediction.schema.classes]
        return plan_sample(_sizes(found.prediction).tolist(), users, target_se)

    def _known(self, project_id: str) -> list[ClassInfo]:
        """Every class that an answer may name."""
        mine, others = self._own(project_id)
        return [*mine, *others]

    def _own(self, project_id: str) -> tuple[list[ClassInfo], list[ClassInfo]]:
        """(classes of the sample's map, others that the project has), with names and colours as they are now."""
        now = self._workspace.project(project_id).schema
        mine = [now.get(info.id) or info for info in self.sample(project_id).classes.classes]
        ids = {info.id for info in mine}
        return mine, [info for info in now.classes if info.id not in ids]

    def _answer(self, project_id: str, answers: dict[int, str | None]) -> Sample:
        known = {info.id for info in self._known(project_id)} | {"", None}
        with self._lock:
            path = self._file(project_id)
            value = self._stored(project_id)
            total = len(value["answers"])
            for number, class_id in answers.items():
                if not 0 <= number < total:
                    raise BadRequest(f"There is no pixel {number + 1} in this sample of {total}.")
                if class_id not in known:
                    raise BadRequest("There is no such class in this project: choose one of the list.")
                value["answers"][number] = class_id
            write_json(path, value)
        return self.sample(project_id)

    def _stored(self, project_id: str) -> dict[str, Any]:
        """Raises FileProblem, CorruptFile."""
        return read_object(self._file(project_id), MOST_BYTES, "a sample of ours", "Move it away and draw another")

    def _file(self, project_id: str) -> Path:
        return self._workspace.project(project_id).folder / "certify.json"


def map_hash(prediction: Prediction) -> str:
    """sha256 of what a map shows: the same for the same classes, by name, on the same pixels, whatever their order and
    colours; classes that are not mapped do not count."""
    names = [info.name for info in prediction.schema.classes]
    present = np.flatnonzero(np.bincount(prediction.label.ravel(), minlength=len(names) + 1)[1:])
    order = sorted(present.tolist(), key=lambda k: names[k])
    lut = np.zeros(len(names) + 1, dtype="<u2")
    for position, k in enumerate(order, start=1):
        lut[k + 1] = position
    digest = hashlib.sha256(json.dumps([prediction.label.shape, [names[k] for k in order]]).encode())
    digest.update(np.ascontiguousarray(lut[prediction.label]).tobytes())
    return digest.hexdigest()


def _small(made: AreaEstimates, classes: list[ClassInfo]) -> str:
    """What a standard error does not hold: classes with one pixel, and that a sample without an error has none."""
    said = ""
    if made.thin:
        names = listed([classes[h].name for h in made.thin], 4)
        said = f"; only one pixel of {names} was told, so its part of the standard errors is not known and left out"
    if made.overall.se == 0:
        said += (
            "; within each class they were all right or all wrong, so a standard error of 0 says nothing of the others"
        )
    return said


def _is_drawn_from(prediction: Prediction, sample: Sample) -> bool:
    """Whether this is the map of the sample, also under names that its classes got since: the hash is over names."""
    as_then = called_as(prediction, sample.classes)
    return sample.map_hash in (map_hash(prediction), map_hash(as_then))


def _sizes(prediction: Prediction) -> np.ndarray:
    return np.bincount(prediction.label.ravel(), minlength=len(prediction.schema) + 1)[1:]


def _mapped(prediction: Prediction, sample: Sample, classes: list[ClassInfo]) -> np.ndarray:
    """(n,) what another map says of the sample's pixels, as an index of `classes`; −1 = none of them."""
    place = _places(classes, prediction.schema.classes)
    lut = np.array([-1, *(place.get(info.id, -1) for info in prediction.schema.classes)])
    found: np.ndarray = lut[prediction.label[sample.row, sample.col]]
    return found


def _plain(name: str) -> str:
    return name.casefold().strip()


def _places(classes: Sequence[ClassInfo], others: Iterable[ClassInfo]) -> dict[str, int]:
    """Class id → index in `classes`, also of `others` that are called as one of them."""
    named = {_plain(info.name): k for k, info in enumerate(classes)}
    found = {info.id: named[_plain(info.name)] for info in others if _plain(info.name) in named}
    return found | {info.id: k for k, info in enumerate(classes)}


def _sample(value: dict[str, Any]) -> Sample:
    """Raises KeyError, TypeError, ValueError."""
    points = np.array(value["points"], dtype=np.int64).reshape(-1, 3)
    return Sample(
        str(value["layer"]), str(value["title"]), ClassSchema.from_json(value["classes"]), tuple(value["sizes"]),
        points[:, 0], points[:, 1], points[:, 2], tuple(value["answers"]), float(value["target_se"]),
        int(value["seed"]), str(value["created"]), str(value["map_hash"]),
    )  # fmt: skip
