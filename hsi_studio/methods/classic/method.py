"""Baselines of every table: SVM, random forest, linear discriminant, nearest neighbours; on two kinds of features.

Source: see `models.py` for each classifier; features in `features.py`. With `features="spectra"` they
are the per-pixel classifiers papers compare with; with "spectral-spatial" they stand on the features of `live`, so
that a table shows what the features give and what the classifier gives.
What differs from the usual baselines: equal treatment of classes with few labels (see `models.py`), and
calibrated probabilities; no parameter is tuned on labels but the temperature, which changes no class.

A state holds the labels' features and not the classifier: it is fitted again on load, from the same numbers in the
same order with the same seed, which gives the same map and needs no pickle.

Notation: N labels, M ≤ MAX_SUPPORT of them used, C features, K classes.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from hsi_studio.errors import BadRequest, SceneMismatch
from hsi_studio.methods.classic.features import Features, Smoothed, Spectra, prepare_spectra
from hsi_studio.methods.classic.models import (
    MOST_FOLDS,
    QUICK_FOLDS,
    Discriminant,
    Forest,
    Learned,
    Model,
    Neighbours,
    SupportVectors,
    in_folds,
    temperature,
)
from hsi_studio.methods.common.checks import check_scene, enough_labels, labels_on_data
from hsi_studio.methods.common.kernel_head import softmax, thin
from hsi_studio.methods.contract import Block, Context, Fitted, Method, Params, State, Values
from hsi_studio.methods.live.features import VERSION
from hsi_studio.methods.live.method import MAX_SUPPORT
from hsi_studio.types import ClassSchema, FloatArray, IntArray, LabelSet, PromptSet, Scene


class ClassicParams(Params):
    """What all four share."""

    features: Literal["spectra", "spectral-spatial"] = Field(
        "spectra", description="What a pixel is described by: its own spectrum, or smoothed components of the scene"
    )
    smoothing_steps: tuple[Annotated[int, Field(ge=1, le=2000)], ...] = Field(
        (20, 60, 200), min_length=1, max_length=8, description="Smoothing steps of spectral-spatial features"
    )
    use_dsm: bool = Field(True, description="Spectral-spatial features use the surface model where the scene has one")

    @property
    def raw(self) -> bool:
        """Bands as they are, not z-scored."""
        return False

    @abstractmethod
    def model(self) -> Model:
        """The classifier with these settings."""


class SvmParams(ClassicParams):
    cost: float = Field(100.0, gt=0, le=1e6, description="C: how much a label on the wrong side costs")
    kernel_width: float = Field(
        1.0, gt=0, le=1000, description="γ times the features' total variance: larger = more local"
    )

    def model(self) -> Model:
        return SupportVectors(self.cost, self.kernel_width)


class ForestParams(ClassicParams):
    trees: int = Field(200, ge=10, le=2000, description="Number of trees: more = steadier, slower")

    def model(self) -> Model:
        return Forest(self.trees)


class LdaParams(ClassicParams):
    def model(self) -> Model:
        return Discriminant()


class KnnParams(ClassicParams):
    neighbours: int = Field(1, ge=1, le=100, description="Nearest labels of a class whose mean distance counts")
    metric: Literal["euclidean", "angle"] = Field(
        "euclidean", description="angle = spectral angle, which does not see brightness; needs at least 3 bands"
    )

    @property
    def raw(self) -> bool:
        return self.metric == "angle"

    def model(self) -> Model:
        return Neighbours(self.neighbours, self.metric)


@dataclass(frozen=True)
class Support:
    """The M labels a classifier is fitted on, in pixel order so that the order of clicks changes nothing."""

    x: FloatArray  # (M, C)
    label: npt.NDArray[np.int64]  # (M,)


@dataclass
class ClassicFitted(Fitted):
    """A classifier on a scene's features."""

    name: str
    schema: ClassSchema
    params: ClassicParams
    features: Features
    support: Support
    seed: int
    temperature: float
    learned: Learned
    home_scene: str  # id of the scene the labels lie on
    rest: FloatArray  # (N − M, C) labels beyond MAX_SUPPORT
    position: npt.NDArray[np.int64]  # (N,) where each used label, then each of the rest, stands in the LabelSet
    left_out: IntArray | None = field(default=None)  # (N,) made when asked for, or loaded from a state

    def predict(self, block: Block) -> FloatArray:
        """(K, h, w) float32 summing to 1; NaN at invalid pixels. Raises SceneMismatch for another scene's block."""
        if block.scene.id != self.features.scene.id:
            raise SceneMismatch(
                f"The model stands on scene {self.features.scene.id}, the block is from {block.scene.id}: "
                "load the model for that scene, or fit it there."
            )
        scores = self.features.over(block, self.learned.scores, len(self.schema))
        return np.ascontiguousarray(np.moveaxis(softmax(np.moveaxis(scores, 0, -1), self.temperature), -1, 0))

    def leave_one_out(self) -> IntArray:
        """(N,) class of each label from a fit without it; in the LabelSet's order.

        Nearest neighbours: exact. Forest: votes of the trees that did not see the label. SVM and discriminant: one
        fit a label up to 64 labels, beyond that 64 folds. Labels beyond MAX_SUPPORT took no part in the fit.
        """
        if self.left_out is None:
            x, label, classes = self.support.x, self.support.label, len(self.schema)
            found = self.learned.left_out
            if found is None:
                found = in_folds(self.params.model(), x, label, classes, self.seed, MOST_FOLDS, lambda: None)
            others = self.learned.scores(self.rest).argmax(axis=1) if len(self.rest) else np.zeros(0, dtype=np.int64)
            out = np.empty(self.position.size, dtype=np.int64)
            out[self.position] = np.concatenate([found.argmax(axis=1), others])
            self.left_out = out
        return self.left_out

    def state(self) -> State:
        """The labels' features, what makes such features of another scene, and a JSON header."""
        scene = self.features.scene
        arrays = self.features.arrays() | {
            "support": self.support.x,
            "label": self.support.label,
            "left_out": self.leave_one_out(),
        }
        if scene.bands.wavelength_nm is not None:
            arrays["wavelength_nm"] = scene.bands.wavelength_nm
        smoothed = self.params.features == "spectral-spatial"
        header = {
            "method": self.name,
            "params": self.params.model_dump(mode="json"),
            "features_version": VERSION,
            "scene": self.home_scene,
            "bands": scene.bands.count,
            "layers": int(smoothed and self.params.use_dsm and scene.dsm is not None),
            "seed": self.seed,
            "temperature": self.temperature,
            "classes": self.schema.to_json(),
        }
        return State(arrays, header)


class Classic(Method):
    """What the four methods share. Stateless; smoothed features are in the cache of `live`."""

    efforts: ClassVar[Mapping[str, Values]] = {"thorough": {"features": "spectral-spatial"}}
    heights_with: ClassVar[Values] = {"features": "spectral-spatial"}  # spectra have no heights in them
    label_free: ClassVar[frozenset[str]] = frozenset({"features", "smoothing_steps", "use_dsm"})

    def prepare(self, scene: Scene, params: ClassicParams, ctx: Context) -> None:
        """Survey the scene's bands, or make or load its smoothed features. Raises BadValues, Cancelled."""
        self._features(scene, params, ctx)

    def fit(
        self, scene: Scene, labels: LabelSet, prompts: PromptSet, params: ClassicParams, ctx: Context
    ) -> ClassicFitted:
        """Every class of the schema needs a label: see `LabelSet.only_labelled`.

        Raises TooFewLabels, LabelProblem (a label on an invalid pixel), BadRequest (an angle with too few bands),
        BadValues, Cancelled.
        """
        enough_labels(labels)
        labels_on_data(scene.valid, labels)
        features = self._features(scene, params, ctx)
        order = np.lexsort((labels.label, labels.col, labels.row))
        used = thin(labels.label[order], MAX_SUPPORT)
        position = order[np.concatenate([used, np.setdiff1d(np.arange(order.size), used)])]
        x = features.at(labels.row[position], labels.col[position])  # (N, C)
        support = Support(x[: used.size], labels.label[position[: used.size]].astype(np.int64))
        ctx.check()
        model, classes = params.model(), len(labels.schema)
        learned = model.fit(support.x, support.label, classes, ctx.seed, ctx.check)
        left_out = learned.left_out
        if left_out is None:
            left_out = in_folds(model, support.x, support.label, classes, ctx.seed, QUICK_FOLDS, ctx.check)
        factor = temperature(left_out, support.label)
        return ClassicFitted(
            self.name, labels.schema, params, features, support, ctx.seed, factor, learned, scene.id,
            x[used.size :], position,
        )  # fmt: skip

    def from_state(self, state: State, scene: Scene, ctx: Context) -> ClassicFitted:
        """The fitted model on `scene`, its own or another with the same bands. Raises SceneMismatch."""
        header, arrays = state.header, state.arrays
        check_scene(state, scene, VERSION)
        params = self.Params.model_validate({**header["params"], "use_dsm": bool(header["layers"])})
        assert isinstance(params, ClassicParams)
        home = header["scene"] == scene.id
        features = self._features(scene, params, ctx, arrays if not home or params.features == "spectra" else None)
        schema = ClassSchema.from_json(header["classes"])
        support = Support(arrays["support"], arrays["label"])
        learned = params.model().fit(support.x, support.label, len(schema), int(header["seed"]), ctx.check)
        nowhere = np.zeros(0, dtype=np.int64)
        return ClassicFitted(
            self.name, schema, params, features, support, int(header["seed"]), float(header["temperature"]), learned,
            header["scene"], np.zeros((0, support.x.shape[1]), dtype=np.float32), nowhere, arrays["left_out"],
        )  # fmt: skip

    def _features(
        self, scene: Scene, params: ClassicParams, ctx: Context, arrays: dict[str, np.ndarray[Any, Any]] | None = None
    ) -> Features:
        if params.features == "spectral-spatial":
            return Smoothed.of(scene, params.smoothing_steps, params.use_dsm, ctx, arrays)
        prepare_spectra(scene, ctx)
        if params.raw and int(scene.good_bands.sum()) < 3:
            raise BadRequest(
                f"A spectral angle needs at least 3 bands, {scene.name} has {int(scene.good_bands.sum())}: "
                "choose the euclidean metric."
            )
        return Spectra.of(scene, not params.raw, arrays)


class Svm(Classic):
    name = "svm"
    title = "Support vector machine"
    source = "C. Cortes, V. Vapnik, Support-vector networks, Machine Learning 20, 1995; scikit-learn's SVC (LIBSVM)"
    Params = SvmParams


class RandomForest(Classic):
    name = "forest"
    title = "Random forest"
    source = "L. Breiman, Random forests, Machine Learning 45, 2001, doi:10.1023/A:1010933404324; scikit-learn"
    Params = ForestParams
    efforts: ClassVar[dict[str, dict[str, Any]]] = {
        "fast": {"trees": 50},
        "thorough": {"features": "spectral-spatial", "trees": 1000},
    }


class Lda(Classic):
    name = "lda"
    title = "Linear discriminant"
    source = "R. A. Fisher 1936; covariance shrunk as in O. Ledoit, M. Wolf 2004, doi:10.1016/S0047-259X(03)00096-4"
    Params = LdaParams


class Knn(Classic):
    name = "knn"
    title = "Nearest neighbour or spectral angle"
    source = (
        "T. Cover, P. Hart, Nearest neighbor pattern classification, 1967; spectral angle: F. A. Kruse et al. 1993, "
        "doi:10.1016/0034-4257(93)90013-N"
    )
    Params = KnnParams
