"""`studio.evidence`: what is known of a layer: areas, a cell of its confusion matrix, two maps on the same pixels, and
how sure the model behind it is.

>>> studio.evidence.compare(project.id, "live", run.id).difference
>>> studio.evidence.areas(project.id)
>>> studio.evidence.reliability(project.id, "live").after.ece

Layers are named as in `studio.displayed.find` ("shown" = the one on the screen). Margin, entropy, temperature and class
sets need the model: there is one behind the live map, a run and a model, and none that was kept behind texts and
comparisons. Held-out pixels are reference pixels that the model has not seen; without a reference, the labels of the
live map, each told by a model without a fifth of them.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hsi_studio.engine.evaluation.areas import Measured
from hsi_studio.engine.evaluation.map_accuracy import ReferenceCounter, reference_values
from hsi_studio.engine.evaluation.same_pixels import SamePixels, cell_pixels
from hsi_studio.engine.evaluation.splits import DEFAULT_BUFFER_PX
from hsi_studio.engine.evaluation.uncertainty import (
    SURFACES,
    Held,
    Reliability,
    Sets,
    fit_sets,
    halves,
    in_set,
    probabilities_at,
    reliability,
    surface_of,
)
from hsi_studio.engine.mapping.postprocess import Step
from hsi_studio.errors import BadRequest, TooFewLabels
from hsi_studio.humanize import counted
from hsi_studio.methods.contract import Context, Fitted
from hsi_studio.studio import Subject
from hsi_studio.studio.certify import Certify
from hsi_studio.studio.displayed_map import DisplayedMap, DisplayedMaps
from hsi_studio.studio.edited_maps import EditedMaps
from hsi_studio.studio.fair_sides import side_by_side, side_of
from hsi_studio.studio.kept_maps import KeptMaps
from hsi_studio.studio.live import LiveMaps
from hsi_studio.studio.models import Models
from hsi_studio.studio.workspace import Workspace
from hsi_studio.types import BoolArray, ClassInfo, FloatArray, LabelSet

MOST_HELD = 4000  # pixels that a model is asked about
FOLDS = 5
KEPT = 6


@dataclass(frozen=True)
class ClassArea:
    """One class of a map. Areas in m², None without a pixel size; estimates only where random pixels were looked at."""

    info: ClassInfo
    pixels: int
    mapped_m2: float | None
    estimate: Measured | None = None  # pixels
    estimate_m2: Measured | None = None
    users: Measured | None = None
    producers: Measured | None = None


@dataclass(frozen=True)
class Areas:
    """`words` say where the estimates come from, or why there are none."""

    classes: tuple[ClassArea, ...]
    words: str
    overall: Measured | None = None

    @property
    def unit(self) -> tuple[str, float, int]:
        """(name, m² in it, digits to show). Of a map below a hectare nobody wants 0.0111 ha, nor a standard error of
        0.0003; without a pixel size all is counted in pixels."""
        if all(one.mapped_m2 is None for one in self.classes):
            return "pixels", 1.0, 0
        whole = sum(one.mapped_m2 or 0.0 for one in self.classes)
        return ("ha", 1e4, 2) if whole >= 1e4 else ("m²", 1.0, 1 if whole >= 100.0 else 4)


class Evidence(Subject):
    """One subject of `Studio`. Safe to call from many threads."""

    def __init__(
        self, workspace: Workspace, displayed: DisplayedMaps, models: Models, live_maps: LiveMaps, certify: Certify
    ) -> None:
        self._workspace, self._displayed, self._models = workspace, displayed, models
        self._live_maps, self._certify = live_maps, certify
        self._lock = threading.Lock()
        self._surfaces: KeptMaps[tuple[str, str], tuple[object, FloatArray]] = KeptMaps(KEPT)
        self._compared: OrderedDict[tuple[str, str], tuple[tuple[Any, ...], SamePixels]] = OrderedDict()
        self._held: OrderedDict[tuple[str, str], tuple[object, Held]] = OrderedDict()

    # ── counted ─────────────────────────────────────────────────────────────────────────────────

    def compare(self, project_id: str, first: str, second: str, buffered: bool = False) -> SamePixels:
        """Two layers on one set of test pixels. Raises BadRequest, LabelProblem, FileProblem."""
        return self.compare_maps(self._find(project_id, first), self._find(project_id, second), buffered)

    def compare_maps(self, first: DisplayedMap, second: DisplayedMap, buffered: bool = False) -> SamePixels:
        """The same of two maps that are at hand. Of one that was made elsewhere the answer says what is not known."""
        scene, one, other = self._workspace.scene_of(first.project_id), side_of(first), side_of(second)
        if one is None or other is None:
            title = first.title if one is None else second.title
            words = f"Which pixels “{title}” was made from is not known: it cannot be compared fairly."
            return SamePixels(0, "", problem=words)
        key = (first.project_id, f"{first.layer} {second.layer} {buffered}")
        of = (first.prediction, second.prediction, one.seen.revision, other.seen.revision)
        with self._lock:
            kept = self._compared.get(key)
        if kept is not None and kept[0][0] is of[0] and kept[0][1] is of[1] and kept[0][2:] == of[2:]:
            return kept[1]
        made = side_by_side(one, other, scene, DEFAULT_BUFFER_PX if buffered else 0)
        with self._lock:
            self._compared[key] = (of, made)
            while len(self._compared) > KEPT:
                self._compared.popitem(last=False)
        return made

    def cell(
        self, project_id: str, reference_class: str, mapped_class: str, which: str = "shown", buffered: bool = False
    ) -> BoolArray:
        """(H, W) test pixels of one class that the map shows as another (ids; "" = another class, or none).

        Raises BadRequest, LabelProblem, FileProblem.
        """
        shown, scene = self._find(project_id, which), self._workspace.scene_of(project_id)
        labels = shown.seen
        if shown.source == "imported":  # judged on every reference pixel: which of them it was made from is not known
            none = np.zeros(0, dtype=np.int64)
            labels = LabelSet(shown.prediction.schema, none, none, none)
        if scene.reference is None or labels is None:
            raise BadRequest("Which pixels were tested is only known with a reference and the labels of the map.")
        try:
            return cell_pixels(
                shown.prediction, labels, scene, reference_class, mapped_class, DEFAULT_BUFFER_PX if buffered else 0
            )
        except KeyError as error:
            raise BadRequest("This class is not counted in the matrix: choose one of its rows and columns.") from error

    def areas(self, project_id: str, which: str = "shown") -> Areas:
        """Areas of a map's classes: counted, and estimated where random pixels were looked at (`studio.certify`).

        Raises BadRequest, LabelProblem, FileProblem.
        """
        return self.areas_of(self._find(project_id, which))

    def areas_of(self, shown: DisplayedMap) -> Areas:
        """The same of a map that is there: nothing is waited for, so that a click's answer may hold it."""
        project_id, scene = shown.project_id, self._workspace.scene_of(shown.project_id)
        m2 = scene.gsd_m**2 if scene.gsd_m else None
        rows = [ClassArea(info, count, None if m2 is None else count * m2) for info, count in shown.pixels]
        if not self._certify.exists(project_id):
            words = (
                "Counted on the map: how much was mapped, which is not how much there is. Certify the map for areas "
                "with standard errors."
            )
            return Areas(tuple(rows), words)
        found = self._certify.result(project_id, shown.layer)
        if found.estimates is None:
            return Areas(tuple(rows), f"Counted on the map. {found.problem}")
        total = found.pixels
        made = []
        for row in rows:
            k = found.index(row.info)
            if k is None or (not row.pixels and not found.estimates.area[k].value):  # neither on the map nor seen
                made.append(row)
                continue
            share = found.estimates.area[k]
            pixels = share.times(total)
            made.append(replace(
                row, estimate=pixels, estimate_m2=None if m2 is None else pixels.times(m2),
                users=found.estimates.users[k], producers=found.estimates.producers[k],
            ))  # fmt: skip
        return Areas(tuple(made), f"Estimated {found.words}.", found.estimates.overall)

    # ── asked of the model ──────────────────────────────────────────────────────────────────────

    @contextmanager
    def model(self, shown: DisplayedMap, ctx: Context | None = None) -> Iterator[Fitted]:
        """The fitted model behind a map; of edited maps the one below. Raises BadRequest where none was kept, and what
        fitting and loading raise."""
        while isinstance(shown.owner, EditedMaps):
            below = shown.owner.below(shown)
            if below is None:
                raise BadRequest("The map below these steps is not there yet.")
            shown = below
        ctx = replace(ctx or Context(), cache_dir=self._workspace.cache_folder)
        if shown.source == "live":
            labels = self._workspace.project(shown.project_id).labels()
            yield self._live_maps.fit(shown.project_id, labels, ctx)
        elif shown.source in ("run", "model"):
            with self._models.use(shown.id, shown.project_id, ctx) as fitted:
                yield fitted
        else:
            raise BadRequest(
                f"The model behind “{shown.title}” was not kept: only its classes and confidence are known. Choose the "
                "live map, a run or a model."
            )

    def surface(self, shown: DisplayedMap, step: Step, ctx: Context | None = None) -> FloatArray:
        """(H, W) of the confidence, margin, entropy or set sizes of a map's model; `step.value` is the confidence of
        the sets. Raises as `model`, and TooFewLabels (sets)."""
        if step.kind == "confidence":
            return shown.prediction.confidence
        key = (shown.project_id, f"{shown.layer} {step.kind}{step.value if step.kind == 'sets' else ''}")
        known = self._surfaces.get(key)
        if known is not None and known[0] is shown.prediction:
            return known[1]
        sets = self.sets_of(shown, step.value, ctx) if step.kind == "sets" else None
        scene = self._workspace.scene_of(shown.project_id).without_reference()
        with self.model(shown, ctx) as fitted:
            made = surface_of(fitted, scene, step.kind, ctx or Context(), sets)
        self._surfaces.put(key, (shown.prediction, made), made.nbytes)
        return made

    def surface_of(self, project_id: str, kind: str, which: str = "shown") -> FloatArray:
        """(H, W) of a layer's confidence, margin or entropy; NaN = no data. Raises as `model`, BadRequest."""
        if kind not in SURFACES[:3]:
            raise BadRequest(f"There is no surface {str(kind)[:40]!r}: choose one of {', '.join(SURFACES[:3])}.")
        return self.surface(self._find(project_id, which), Step(kind, 0.0))

    def reliability(self, project_id: str, which: str = "shown", ctx: Context | None = None) -> Reliability:
        """Whether its confidence can be believed, before and after a temperature. Raises as `model`, TooFewLabels."""
        return reliability(self.held(self._find(project_id, which), ctx))

    def sets(self, project_id: str, which: str = "shown", confidence: float = 0.9, ctx: Context | None = None) -> Sets:
        """The conformal classifier of a layer's model. Raises as `model`, TooFewLabels."""
        return self.sets_of(self._find(project_id, which), confidence, ctx)

    def sets_of(self, shown: DisplayedMap, confidence: float, ctx: Context | None = None) -> Sets:
        if not 0 < confidence < 1:
            raise BadRequest(f"A confidence of {confidence:g} cannot be: give one such as 0.9.")
        return fit_sets(self.held(shown, ctx), confidence)

    def set_at(
        self, project_id: str, row: int, col: int, which: str = "shown", confidence: float = 0.9
    ) -> tuple[str, ...]:
        """Names of the classes that a pixel may be, the likeliest first.

        Raises as `sets`, BadRequest outside the scene.
        """
        shown, scene = self._find(project_id, which), self._workspace.scene_of(project_id)
        height, width, _ = scene.shape
        inside = 0 <= row < height and 0 <= col < width
        if not inside or not scene.valid_in(slice(row, row + 1), slice(col, col + 1)).all():
            raise BadRequest(f"Row {row}, column {col} is no pixel with data of {scene.name}.")
        sets = self.sets_of(shown, confidence)
        with self.model(shown) as fitted:
            p = probabilities_at(fitted, scene.without_reference(), np.array([row * width + col]), Context())
            member = in_set(p, sets.alphas, confidence)[0]
            return tuple(fitted.schema.names[k] for k in np.argsort(-p[0]) if member[k])

    def held(self, shown: DisplayedMap, ctx: Context | None = None) -> Held:
        """What the model says of pixels it has not seen and whose class is known. Raises BadRequest, TooFewLabels."""
        key = (shown.project_id, shown.layer)
        with self._lock:
            known = self._held.get(key)
        if known is not None and known[0] is shown.prediction:
            return known[1]
        scene = self._workspace.scene_of(shown.project_id)
        made = self._held_labels(shown, ctx) if scene.reference is None else self._held_reference(shown, ctx)
        with self._lock:
            self._held[key] = shown.prediction, made
            while len(self._held) > KEPT:
                self._held.popitem(last=False)
        return made

    # ── inside ──────────────────────────────────────────────────────────────────────────────────

    def _find(self, project_id: str, which: str) -> DisplayedMap:
        return self._displayed.find(project_id, which)

    def _held_reference(self, shown: DisplayedMap, ctx: Context | None) -> Held:
        scene, labels = self._workspace.scene_of(shown.project_id), shown.seen
        assert scene.reference is not None
        if labels is None:
            raise BadRequest(
                f"Which pixels “{shown.title}” was made from is not known: none can be held out for certain."
            )
        with self.model(shown, ctx) as fitted:
            value_of = reference_values(fitted.schema.classes, scene)
            classes = [info for info in fitted.schema.classes if info.id in value_of]
            counter = ReferenceCounter(shown.prediction, labels, scene, classes, value_of)
            buffer_px = DEFAULT_BUFFER_PX
            pixels, reference, _ = counter.tested(buffer_px)
            if np.unique(reference).size < 2:
                buffer_px = 0
                pixels, reference, _ = counter.tested(0)
            if pixels.size > MOST_HELD:
                chosen = np.sort(np.random.default_rng(0).choice(pixels.size, MOST_HELD, replace=False))
                pixels, reference = pixels[chosen], reference[chosen]
            p = probabilities_at(fitted, scene.without_reference(), pixels, replace(ctx or Context()))
            place = [fitted.schema.index(info.id) for info in classes]
        known = np.isfinite(p).all(axis=1)
        pixels, p = pixels[known], p[known]
        label = np.array(place, dtype=np.int64)[reference[known]]
        away = f", none within {buffer_px} pixels of its labels" if buffer_px and len(labels) else ""
        words = f"{counted(int(pixels.size), 'random reference pixel')} that the model has not seen{away}"
        return Held(p, label, halves(*np.divmod(pixels, scene.shape[1])), words)

    def _held_labels(self, shown: DisplayedMap, ctx: Context | None) -> Held:
        """Without a reference: each label told by a model that has not seen it."""
        if shown.source != "live":
            raise BadRequest(
                f"Whether the confidence of “{shown.title}” can be believed cannot be known: the scene has no "
                "reference, and the model has seen its labels. The live map's can: it is made again without some."
            )
        labels = self._workspace.project(shown.project_id).labels().only_labelled()
        usable = labels.counts[labels.label] >= FOLDS
        if usable.sum() < 2 * FOLDS or np.unique(labels.label[usable]).size < 2:
            raise TooFewLabels(
                f"Two classes with {FOLDS} labels each are needed to hold a part of them out: label more pixels, or "
                "open a reference map."
            )
        scene = self._workspace.scene_of(shown.project_id).without_reference()
        ctx = replace(ctx or Context(), cache_dir=self._workspace.cache_folder)
        fold = _folds(labels.label)
        p = np.full((len(labels), len(labels.schema)), np.nan, dtype=np.float32)
        flat = labels.row.astype(np.int64) * scene.shape[1] + labels.col
        for k in range(FOLDS):
            rest, out = fold != k, (fold == k) & usable
            part = LabelSet(labels.schema, labels.row[rest], labels.col[rest], labels.label[rest], labels.revision)
            p[out] = probabilities_at(self._live_maps.fit(shown.project_id, part, ctx), scene, flat[out], ctx)
        words = f"your {counted(int(usable.sum()), 'label')}, each told without a fifth of them; near ones flatter"
        told = np.flatnonzero(usable)
        half = halves(labels.row[usable], labels.col[usable])
        return Held(p[told], labels.label[told].astype(np.int64), half, words)


def _folds(label: np.ndarray) -> np.ndarray:
    """(n,) 0 … FOLDS − 1, every class spread over all folds."""
    fold = np.zeros(label.size, dtype=np.int64)
    for k in np.unique(label):
        own = np.flatnonzero(label == k)
        fold[np.random.default_rng(int(k)).permutation(own)] = np.arange(own.size) % FOLDS
    return fold
