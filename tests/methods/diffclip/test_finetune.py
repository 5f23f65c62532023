"""Facts about stage 2 at the smallest size: learning, the temperature's limits, previews."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from hsi_studio.methods.common.nn.resume import Watch
from hsi_studio.methods.contract import Context
from hsi_studio.methods.diffclip.finetune import ClassSource, Tuned, finetune, new_class_side
from hsi_studio.methods.diffclip.params import DiffClipParams
from hsi_studio.methods.diffclip.patch_tokens import layout
from hsi_studio.methods.diffclip.pretrain import new_image_side

SMALL = {"width": 16, "depth": 1, "heads": 2, "patch": 3, "epochs": 1, "min_steps": 40, "batch": 8, "lr": 5e-3}
LAYOUT = layout("pixels", 3)
LABEL = torch.arange(12) % 3
FREE = ClassSource(3, {})
FROZEN = ClassSource(  # four sentences, two of them of the last class
    3,
    {
        "frozen": torch.randn(4, 6, generator=torch.Generator().manual_seed(1)),
        "mean": torch.tensor([[1.0, 0, 0, 0], [0, 1.0, 0, 0], [0, 0, 0.5, 0.5]]),
    },
)


def tokens() -> list[Tensor]:
    """12 patches of 3 classes; a class's patches are alike."""
    draws = torch.Generator().manual_seed(5)
    classes = torch.randn(3, 1, 4, generator=draws)
    return [classes[LABEL] + 0.3 * torch.randn(12, len(LAYOUT), 4, generator=draws)]


def params(**changes: Any) -> DiffClipParams:
    return DiffClipParams.model_validate({**SMALL, **changes})


def tune(source: ClassSource = FROZEN, seed: int = 0, **more: Any) -> Tuned:
    p = params(**more.pop("params", {}))
    image = new_image_side((4,), len(LAYOUT), p, "cpu", torch.Generator().manual_seed(3))
    return finetune(image, source, tokens(), LABEL, LAYOUT, p, "cpu", seed, lambda done, loss: None, **more)


def told(tuned: Tuned) -> Tensor:
    with torch.inference_mode():
        z = tuned.image(tokens(), torch.zeros(12, dtype=torch.long))
    return (z @ tuned.prototypes.T).argmax(dim=1)


@pytest.mark.parametrize(
    ("source", "changes"),
    [(FROZEN, {}), (FROZEN, {"loss": "pairs"}), (FREE, {"use_text": False})],
    ids=["class", "pairs", "no text"],
)
def test_patches_end_nearest_to_their_own_class(source: ClassSource, changes: dict[str, Any]) -> None:
    tuned = tune(source, params=changes)
    assert (told(tuned) == LABEL).float().mean() > 0.9
    assert torch.allclose(tuned.prototypes.norm(dim=1), torch.ones(3), atol=1e-5)
    assert len(tuned.losses) == 40
    assert sum(tuned.losses[-5:]) < sum(tuned.losses[:5])


def test_the_temperature_stays_where_it_is_put_or_moves_within_its_limits() -> None:
    assert tune(params={"learn_temperature": False, "min_steps": 8}).inverse_temperature == pytest.approx(
        1 / 0.07, rel=1e-5
    )
    learned = tune(params={"min_steps": 8}).inverse_temperature
    assert learned != pytest.approx(1 / 0.07, rel=1e-5)
    assert 1.0 <= learned <= 100.0
    cold = new_class_side(FREE, params(temperature=0.001), "cpu", torch.Generator())
    assert cold.inverse_temperature().item() == pytest.approx(100.0)


def test_few_labels_still_make_the_least_steps_in_whole_epochs() -> None:
    """12 labels in batches of 8 are 2 steps an epoch."""
    assert len(tune(params={"min_steps": 5}).losses) == math.ceil(5 / 2) * 2
    assert len(tune(params={"min_steps": 1, "epochs": 4}).losses) == 8


def test_a_preview_changes_nothing_and_the_seed_does() -> None:
    previews: list[Tuned] = []
    few = {"min_steps": 8}

    def look(make: Any) -> None:
        make()

    def fitted(tuned: Tuned) -> Any:
        previews.append(tuned)
        with torch.no_grad():  # what is done with a preview stays with it
            for weight in tuned.image.parameters():
                weight.zero_()

    torch.manual_seed(1)
    plain = tune(params=few)
    torch.manual_seed(2)
    watched = tune(params=few, watch=Watch(Context(preview=look)), fitted=fitted)
    assert previews
    assert torch.equal(plain.prototypes, watched.prototypes)
    assert all(torch.equal(a, b) for a, b in zip(plain.image.parameters(), watched.image.parameters(), strict=True))
    assert not torch.equal(plain.prototypes, tune(params=few, seed=1).prototypes)
