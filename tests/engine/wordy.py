"""A method of few lines that reads text: nearest mean, blurred for classes whose sentences do not name them."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from hsi_studio.errors import TooFewLabels
from hsi_studio.methods.contract import Context, Params
from hsi_studio.types import LabelSet, PromptSet, Scene
from tests.engine.fake import FakeFitted, FakeMethod


class WordyParams(Params):
    blur: float = Field(1.0, ge=0, description="Noise on the mean of a class whose sentences do not hold its name")
    use_text: bool = True
    broken: bool = False


class WordyMethod(FakeMethod):
    name: ClassVar[str] = "wordy"
    title: ClassVar[str] = "Wordy nearest mean"
    Params: ClassVar[type[Params]] = WordyParams
    needs: ClassVar[frozenset[str]] = frozenset({"text"})

    def fit(self, scene: Scene, labels: LabelSet, prompts: PromptSet, params: Any, ctx: Context) -> FakeFitted:
        ctx.check()
        if params.broken:
            raise TooFewLabels("Label more.")
        fitted = super().fit(scene, labels, prompts, params, ctx)
        rng = ctx.rng()
        for k, info in enumerate(labels.schema.classes):
            noise = rng.normal(0, params.blur, fitted.means.shape[1])
            named = any(info.name.lower() in sentence.lower() for sentence in prompts.of(info))
            if params.use_text and not named:
                fitted.means[k] += noise
        return fitted
