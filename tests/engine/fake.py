"""A method of ten lines for tests of the engine: the class whose mean spectrum is nearest."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from hsi_studio.methods.contract import Block, Context, Fitted, Method, Params, State
from hsi_studio.types import ClassSchema, FloatArray, IntArray, LabelSet, PromptSet, Scene
from tests.project.small import small_scene


class FakeParams(Params):
    bias: float = 0.0


class FakeFitted(Fitted):
    def __init__(self, schema: ClassSchema, means: np.ndarray) -> None:
        self.schema, self.means = schema, means

    def predict(self, block: Block) -> FloatArray:
        spectra = block.scene.read(block.rows, block.cols)  # (h, w, B)
        distance = np.linalg.norm(spectra[None] - self.means[:, None, None], axis=-1)  # (K, h, w)
        score = np.exp(-distance)
        out = (score / score.sum(axis=0)).astype(np.float32)
        out[:, ~block.valid] = np.nan
        return out

    def leave_one_out(self) -> IntArray:
        raise NotImplementedError

    def state(self) -> State:
        return State()


class FakeMethod(Method):
    name: ClassVar[str] = "fake"
    title: ClassVar[str] = "Nearest mean"
    source: ClassVar[str] = "none"
    Params: ClassVar[type[Params]] = FakeParams

    def __init__(self) -> None:
        self.seen: list[tuple[Scene, LabelSet, PromptSet, Context]] = []

    def prepare(self, scene: Scene, params: Any, ctx: Context) -> None:
        assert scene.reference is None

    def fit(self, scene: Scene, labels: LabelSet, prompts: PromptSet, params: Any, ctx: Context) -> FakeFitted:
        assert scene.reference is None
        assert scene.reference_names == {}
        self.seen.append((scene, labels, prompts, ctx))
        spectra = np.stack([scene.spectrum(int(r), int(c)) for r, c in zip(labels.row, labels.col, strict=True)])
        means = np.stack([spectra[labels.label == k].mean(axis=0) for k in range(len(labels.schema))])
        return FakeFitted(labels.schema, means)

    def from_state(self, state: State, scene: Scene, ctx: Context) -> FakeFitted:
        raise NotImplementedError


def separable_scene(height: int = 30, width: int = 40, classes: int = 3, noise: float = 0.3, **options: Any) -> Scene:
    """Vertical stripes of `classes` classes whose spectra differ by 1 in one band each; rows 0 and H−1 unlabelled."""
    from hsi_studio.scene.cube import ArrayCube
    from hsi_studio.types import Bands, Survey
    from tests.project.small import striped_reference

    reference = striped_reference(height, width, classes)
    stripes = np.broadcast_to(np.arange(width) * classes // width, (height, width))
    cube = np.random.default_rng(1).normal(0, noise, (height, width, classes)).astype(np.float32)
    cube += np.eye(classes, dtype=np.float32)[stripes]
    base = small_scene(height, width, classes)
    valid = np.ones((height, width), bool)
    valid[options.pop("invalid_rows", slice(0, 0))] = False
    cube[~valid] = np.nan
    zero = np.zeros(classes, np.float32)
    found = Survey(valid, np.ones(classes, bool), zero, zero, zero, zero)
    values = {
        "id": base.id,
        "name": "stripes",
        "title": "Stripes",
        "reference": reference,
        "reference_names": {k + 1: f"Stripe {k + 1}" for k in range(classes)},
        **options,
    }
    return Scene(cube=ArrayCube(cube), bands=Bands(classes), survey_fn=lambda _: found, **values)
