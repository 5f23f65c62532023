"""Facts about stage 1 at the smallest size: what it returns, what it depends on, what stops it."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from hsi_studio.errors import Cancelled
from hsi_studio.methods.common.nn.resume import Watch
from hsi_studio.methods.contract import Context
from hsi_studio.methods.diffclip.params import DiffClipParams
from hsi_studio.methods.diffclip.patch_tokens import layout
from hsi_studio.methods.diffclip.pretrain import new_image_side, pretrain

SMALL = {"width": 16, "depth": 1, "heads": 2, "patch": 3, "pretrain_batch": 8, "pretrain_epochs": 3}
LAYOUT = layout("pixels", 3)


def tokens(n: int = 20) -> list[Tensor]:
    """Two modalities of 3 and 2 channels."""
    draws = torch.Generator().manual_seed(5)
    return [torch.randn(n, len(LAYOUT), channels, generator=draws) for channels in (3, 2)]


def params(**changes: Any) -> DiffClipParams:
    return DiffClipParams.model_validate({**SMALL, **changes})


def weights(**changes: Any) -> dict[str, Tensor]:
    image, _ = pretrain(tokens(), LAYOUT, params(**changes), "cpu", lambda done, loss: None)
    return {name: value.clone() for name, value in image.state_dict().items()}


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return all(torch.equal(a[name], b[name]) for name in a)


def test_a_loss_an_epoch_and_unit_vectors_at_the_end() -> None:
    steps: list[int] = []
    watch = Watch(Context(metrics=lambda stage, step, total, values: steps.append(total)))
    told: list[float] = []
    image, losses = pretrain(tokens(), LAYOUT, params(), "cpu", lambda done, loss: told.append(done), watch)
    assert len(losses) == 3
    assert all(math.isfinite(loss) and loss > 0 for loss in losses)
    assert set(steps) == {9}  # ⌈20 / 8⌉ = 3 batches in each of 3 epochs
    assert told == sorted(told)
    with torch.inference_mode():
        z = image(tokens(), torch.zeros(20, dtype=torch.long))
    assert z.shape == (20, 16)
    assert torch.allclose(z.norm(dim=1), torch.ones(20), atol=1e-5)


def test_it_depends_on_its_own_seed_and_not_on_the_surroundings_randomness() -> None:
    torch.manual_seed(1)
    first = weights()
    torch.manual_seed(2)
    assert same(first, weights())
    assert not same(first, weights(pretrain_seed=1))


@pytest.mark.parametrize("switch", ["use_mask", "use_diffusion"])
def test_each_part_of_the_stage_can_be_switched_off_and_matters(switch: str) -> None:
    assert not same(weights(), weights(**{switch: False}))


def test_what_progress_raises_ends_it_at_once() -> None:
    asked: list[float] = []

    def stop(done: float, loss: float) -> None:
        asked.append(done)
        if len(asked) == 2:
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        pretrain(tokens(), LAYOUT, params(), "cpu", stop)
    assert len(asked) == 2


def test_a_new_image_side_is_drawn_from_its_generator_alone() -> None:
    def drawn(seed: int) -> dict[str, Tensor]:
        return new_image_side((3, 2), 9, params(), "cpu", torch.Generator().manual_seed(seed)).state_dict()

    assert same(drawn(0), drawn(0))
    assert not same(drawn(0), drawn(1))
