"""`s3fn`: a 3D-CNN learns the classes, then its features learn to point at the classes' descriptions.

Source: Islam et al., 2025, "S3FN", arXiv 2510.07556, and its notebooks (MIT). Stage 1: z-score, PCA (99–99.9 % of the
variance), 3D-CNN (`methods/s3fn/cnn3d.py`) with cross-entropy. Text: several comparative descriptions per class, each
encoded on its own and averaged. Stage 2: CNN frozen, one dense layer 128 → D_text with ReLU, cosine to every class
anchor, softmax cross-entropy (`methods/s3fn/training.py`). The label is never needed to map a pixel.

What differs from the paper and its notebooks, and why:
- Anchors are centred and normalised again, and a temperature is learnt: their cosines to each other are near 0.99
  otherwise. `notebook_literal` switches both off.
- The paper classifies small cubes of one label each (that is `collection.py`, for collections). For pixels of a
  scene the windows are small, pooled globally over space, and pools move by one pixel; the means of the middle 3×3
  pixels and of a 15×15 window join the pooled features (`centre`, `context`): see `methods/s3fn/cnn3d.py`.
- 16 components at most: convolution costs as much for the last as for the first. They are principal ones, half
  whitened, but in a noisy scene noise-whitened (MNF, `axes`): there PCA's order puts brightness and noise before what
  tells crops apart.
- The paper looks at the cube only. Where a scene has a surface model, its heights, slope and roughness join the
  components as further channels (`use_dsm`): that is our addition.
- Every step of stage 1 also teaches pixels without their windows, as windows that are that pixel all over, and the map
  is a mixture of both (`alone`) with a weight learned from the labels (`common/looks.py`): windows say more on fields,
  pixels in a city where a window holds many classes.
- The map is smoothed within the edges of the scene (`smoothing`), and compared with what it says at the labels, in
  closed form (`closed_form`, `common/label_head.py`).
- The notebooks choose the epoch by the test set; here nothing is chosen: the averaged last weights are the model.
- Class-balanced batches, flips, turns and moves by a pixel; warm-up and cosine schedule.

Notation: N labels, K classes, C components, P window side, F = 128 features.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, field_validator

from hsi_studio.features.cache import FeatureCache
from hsi_studio.methods.common.label_head import ClosedForm, is_on
from hsi_studio.methods.common.looks import HALF, SHARE, share_of_pixels
from hsi_studio.methods.common.sorted_labels import sorted_labels
from hsi_studio.methods.common.state import load_network, part
from hsi_studio.methods.common.text_side import TextSide
from hsi_studio.methods.common.windowed import (
    CACHE_BYTES,
    Ground,
    WindowFitted,
    anchors_of,
    scene_basis,
)
from hsi_studio.methods.common.work import Shape, Work
from hsi_studio.methods.contract import Context, Method, Params, State, Values
from hsi_studio.methods.s3fn.stages import Stages, Trained, as_one, memory_mb, networks, train_both, used_anchors, work
from hsi_studio.types import FloatArray, LabelSet, PromptSet, Scene

if TYPE_CHECKING:
    import torch

    from hsi_studio.methods.common.nn.window_grid import WindowBasis
    from hsi_studio.methods.s3fn.cnn3d import CNN3D
    from hsi_studio.methods.s3fn.training import TextHead

ALONE_NOISE = 0.3  # of components of a pixel without its window while training: it has no neighbours to average it away
VERSION = 1  # raise when a saved model would give another map


class S3FNParams(Stages):
    """Defaults were fixed on Indian Pines; `S3FN.paper` has the paper's."""

    groups: ClassVar[dict[str, str]] = {
        "axes": "Components", "channels": "Network", "epochs": "Training", "patch": "Windows",
        "smoothing": "Map",
    }  # fmt: skip
    added: ClassVar[Mapping[str, Any]] = {
        **Stages.added, "weighting": "equal", "smoothing": 0, "edge_strength": 4.0, "alone": False,
        "closed_form": "off",
    }  # fmt: skip

    axes: Literal["auto", "pca", "mnf"] = Field(
        "auto", description="Spectral components: principal (pca), noise-whitened (mnf), or by how noisy the scene is"
    )
    weighting: Literal["root", "signal", "equal"] = Field(
        "root",
        description="Size of noise-whitened components: root = the fourth root of their ratio of variance to noise, "
        "signal = their signal in units of the noise, equal = all the same",
    )
    use_dsm: bool = Field(True, description="Use the surface model where the scene has one")
    patch: int = Field(9, ge=9, le=45, description="Window side in pixels, odd")
    centre: bool = Field(True, description="Give the network the mean of the middle 3×3 pixels by itself as well")
    context: int = Field(15, ge=0, le=45, description="Side of a wider window whose mean it gets as well; 0 = none")
    alone: bool = Field(True, description="Learn pixels without their windows as well, and map by a mixture of both")
    jitter: int = Field(1, ge=0, le=8, description="Windows are moved by up to this many pixels while training")
    smoothing: int = Field(30, ge=0, le=200, description="Steps of smoothing the map within edges; 0 = none")
    edge_strength: float = Field(4.0, gt=0, le=50, description="How much smoothing passes an edge: larger = more")
    closed_form: ClosedForm = "auto"

    @property
    def outer(self) -> int:
        """Side of the window a pixel's class depends on."""
        return max(self.patch, self.context)

    def networks(self, components: int, classes: int, text_dim: int) -> tuple[CNN3D, TextHead]:
        """Untrained networks for windows of a scene."""
        return networks(components, self.patch, 1, classes, text_dim, self, self.centre, self.context)

    @field_validator("patch", "context")
    @classmethod
    def _odd(cls, value: int) -> int:
        if value and value % 2 == 0:
            raise ValueError(f"a window of {value} pixels has no middle: take {value - 1} or {value + 1}")
        return value


class S3FN(Method):
    """The `s3fn` method."""

    name: ClassVar[str] = "s3fn"
    title: ClassVar[str] = "S3FN"
    source: ClassVar[str] = "Islam et al., 2025, arXiv 2510.07556 (3D-CNN features aligned with class descriptions)"
    Params: ClassVar[type[Params]] = S3FNParams
    needs: ClassVar[frozenset[str]] = frozenset({"text"})
    test_params: ClassVar[Values] = {
        "epochs": 40,
        "text_epochs": 40,
        "channels": (8, 16, 32),
        "jitter": 0,
        "least_steps": 0,
    }  # tests

    paper: ClassVar[Values] = {
        "axes": "pca", "components": 200, "whitening": 0.0, "use_dsm": False, "centre": False, "context": 0,
        "alone": False, "least_steps": 0, "most_steps": 1_000_000, "warm_up": False, "augment": False, "jitter": 0,
        "average": 0.0, "notebook_literal": True, "smoothing": 0, "closed_form": "off",
    }  # fmt: skip
    presets: ClassVar[Mapping[str, Values]] = {"paper": paper}
    efforts: ClassVar[Mapping[str, Values]] = {
        "fast": {"epochs": 40, "text_epochs": 40, "least_steps": 120},
        "thorough": {"epochs": 200, "text_epochs": 200, "least_steps": 800},
    }
    ablations: ClassVar[Mapping[str, Values]] = {
        "centring and temperature": {"notebook_literal": True},
        "middle and surroundings": {"centre": False, "context": 0, "alone": False},
        "augmentation": {"augment": False, "jitter": 0},
        "closed form": {"closed_form": "off"},
        "edge smoothing": {"smoothing": 0},
    }

    quick_pace: ClassVar[Values] = {"channels": (8, 16, 32), "epochs": 40, "text_epochs": 40}
    label_free: ClassVar[frozenset[str]] = frozenset(
        {"axes", "components", "weighting", "variance", "whitening", "use_dsm"}
    )
    fixed_seconds: ClassVar[Mapping[str, float]] = {"prepare": 1.2, "fit": 3.0}
    own_text_side: ClassVar[bool] = True
    borrowed_leave_one_out: ClassVar[bool] = True

    def __init__(self, cache: FeatureCache | None = None) -> None:
        self.cache = cache or FeatureCache(CACHE_BYTES)

    def prepare(self, scene: Scene, params: S3FNParams, ctx: Context) -> None:
        """Fit the spectral components. Raises BadValues, Cancelled."""
        self._basis(scene, params, ctx)

    def work(self, params: Mapping[str, Any], shape: Shape, labels: int, classes: int) -> dict[str, Work]:
        return work(params, shape, labels, classes)

    def window_px(self, params: Mapping[str, Any]) -> int:
        return max(int(params["patch"]), int(params["context"]))

    def memory_mb(self, params: Mapping[str, Any], shape: Shape, labels: int, classes: int) -> float:
        return memory_mb(params, shape, labels)

    def fit(self, scene: Scene, labels: LabelSet, prompts: PromptSet, params: S3FNParams, ctx: Context) -> WindowFitted:
        """Train. Raises TooFewLabels, LabelProblem, BadValues, FileProblem (the text encoder), Cancelled."""
        import torch

        from hsi_studio.methods.common.nn.window_grid import label_grid, looks

        at = sorted_labels(scene, labels)
        ctx.check()
        basis = self._basis(scene, params, ctx)
        made = anchors_of(labels.schema, prompts, params.anchors, params.text_encoder, scene.bands.wavelength_nm, ctx)
        anchors = made.vectors
        ctx.check()
        grid = label_grid(scene, basis, at.row, at.col, params.outer // 2 + params.jitter, ctx.device)

        def draw(which: torch.Tensor, generator: torch.Generator | None) -> torch.Tensor:
            if generator is None:
                return grid.windows(which, params.outer)
            still = None if params.augment else torch.zeros_like(which)
            return grid.windows(which, params.outer, generator, params.jitter, still)

        def own(which: torch.Tensor, generator: torch.Generator | None) -> torch.Tensor:
            found = grid.rows.index_select(0, grid.centre[which])
            if generator is None:
                return found
            return found + ALONE_NOISE * torch.randn(found.shape, generator=generator, device="cpu").to(found.device)

        label = torch.from_numpy(at.label).to(ctx.device)
        cnn, head = params.networks(basis.components, len(labels.schema), anchors.shape[1])
        ground = Ground.of_fit(scene, labels.schema, prompts, VERSION, basis, ctx.device, made.notes)

        share = share_of_pixels(*looks(grid, params.outer), at.label, len(labels.schema)) if params.alone else 0.0

        def told(now: Trained) -> Trained:
            return replace(now, training={**now.training, SHARE: share})

        def first_look(now: Trained) -> WindowFitted:
            return replace(self._fitted(told(now), ground, params), smoothing=0)

        trained = train_both(
            cnn, head, draw, label, anchors, params, ctx,
            lambda: ground.key(self.name, params, ctx.seed, at, anchors, share), first_look,
            own if params.alone else None, share,
        )  # fmt: skip
        fitted = self._fitted(told(trained), ground, params)
        return fitted.matched(at, ctx) if is_on(params.closed_form, basis.noisy) else fitted

    def from_state(self, state: State, scene: Scene, ctx: Context) -> WindowFitted:
        """The fitted model, for its own scene or one with the same bands. Raises SceneMismatch."""
        ground = Ground.of_state(state, scene, VERSION, ctx.device)
        params = S3FNParams.model_validate(state.header["params"])
        anchors = part(state, "own.")["anchors"]
        sizes = (ground.basis.components, len(ground.schema), anchors.shape[1])
        both = load_network(lambda: as_one(*params.networks(*sizes)), state, ctx.device)
        return self._fitted(Trained(both["cnn"], both["head"], anchors, state.header["training"]), ground, params)

    def _basis(self, scene: Scene, params: S3FNParams, ctx: Context) -> WindowBasis:
        return scene_basis(
            scene, params.axes, params.components, params.variance, params.whitening, params.use_dsm, self.cache, ctx,
            params.weighting,
        )  # fmt: skip

    def _fitted(self, trained: Trained, ground: Ground, params: S3FNParams) -> WindowFitted:
        words = TextSide(
            params.text_encoder, partial(_vectors, trained),
            partial(_targets, trained.anchors, params.notebook_literal), params.anchors,
        )  # fmt: skip
        anchors = used_anchors(trained.anchors, params.notebook_literal, ground.device)
        share = trained.training.get(SHARE, HALF) if params.alone else 0.0
        probabilities = partial(_probabilities, trained, anchors, share)
        return ground.fitted(
            self.name, params, as_one(trained.cnn, trained.head), probabilities,
            params.outer // 2, {"anchors": trained.anchors}, trained.training, words,
            smoothing=params.smoothing, edge_strength=params.edge_strength,
        )  # fmt: skip


def _vectors(trained: Trained, values: torch.Tensor, pixel: torch.Tensor, width: int) -> torch.Tensor:
    """(m, D_text) unit vectors of chosen pixels of a block."""
    from torch.nn import functional

    features = trained.cnn.dense(values).flatten(0, 1)[pixel]  # (m, F)
    return functional.normalize(functional.relu(trained.head.dense(features)), dim=-1)


def _targets(anchors: FloatArray, literal: bool, text: torch.Tensor) -> torch.Tensor:
    """(n, D_text) sentences as the class anchors (K, D_text) were used: centred by them, or as they are."""
    import torch
    from torch.nn import functional

    if literal:
        return text
    own = torch.from_numpy(np.array(anchors)).to(text.device)
    return functional.normalize(text - own.mean(dim=0), dim=-1)


def _probabilities(
    trained: Trained, anchors: torch.Tensor, share: float, values: torch.Tensor, pixel: torch.Tensor, width: int
) -> torch.Tensor:
    """(m, K) of chosen pixels of a block, `values` (h + P − 1, w + P − 1, C); `share` of it is what the
    pixels by themselves say, the rest what their windows say."""
    reach = trained.cnn.outer // 2
    looks = [trained.cnn.dense(values).flatten(0, 1)[pixel]]  # (m, F)
    if share:
        inner = values[reach : values.shape[0] - reach, reach : values.shape[1] - reach].flatten(0, 1)
        looks.append(trained.cnn.alone(inner[pixel]))
    found = [trained.head(seen, anchors) if trained.aligned else trained.cnn.scores(seen) for seen in looks]
    windows, *own = (scores.softmax(dim=1) for scores in found)
    return (1 - share) * windows + share * own[0] if own else windows
