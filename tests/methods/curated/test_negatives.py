"""Facts about the curated loss."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from hsi_studio.methods.curated.negatives import curated_loss, curated_mask, is_full_softmax


def gen(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_loss_computed_by_hand() -> None:
    """s = (1, 0, −1), positive 0, one hard negative: −ln(e / (e + 1)); the third class takes no part."""
    similarity, label = torch.tensor([[1.0, 0.0, -1.0]]), torch.tensor([0])
    used = curated_mask(similarity, label, 1, 0, gen())
    assert used.tolist() == [[True, True, False]]
    assert float(curated_loss(similarity, label, used)) == pytest.approx(-math.log(math.e / (math.e + 1)))


def test_hard_ones_are_the_most_similar_wrong_classes_and_semi_hard_ones_are_others() -> None:
    similarity = torch.randn(200, 16, generator=gen(1))
    label = torch.randint(0, 16, (200,), generator=gen(2))
    hard = curated_mask(similarity, label, 4, 0, gen())
    both = curated_mask(similarity, label, 4, 4, gen(3))
    assert (hard.sum(1) == 5).all()
    assert (both.sum(1) == 9).all()
    assert (both | ~hard).all()  # the hard ones stay
    wrong = similarity.masked_fill(functional.one_hot(label, 16).bool(), -torch.inf)
    least_used = torch.where(hard & ~functional.one_hot(label, 16).bool(), similarity, torch.inf).amin(1)
    assert (least_used == wrong.topk(4).values[:, -1]).all()


def test_semi_hard_ones_are_drawn_anew_and_evenly() -> None:
    similarity = torch.arange(16.0).expand(4000, 16)
    label = torch.zeros(4000, dtype=torch.long)
    extra = curated_mask(similarity, label, 4, 4, gen()) & ~curated_mask(similarity, label, 4, 0, gen())
    share = extra.float().mean(0)[1:12]  # class 0 is right, 12 … 15 are hard: 4 of the 11 others
    assert torch.allclose(share, torch.full((11,), 4 / 11), atol=0.04)
    assert float(extra[:, [0, 12, 13, 14, 15]].sum()) == 0


@pytest.mark.parametrize("classes", [2, 3, 9])
def test_up_to_nine_classes_it_is_the_full_softmax(classes: int) -> None:
    assert is_full_softmax(classes, 4, 4)
    assert not is_full_softmax(10, 4, 4)
    similarity = torch.randn(50, classes, generator=gen(4))
    label = torch.randint(0, classes, (50,), generator=gen(5))
    used = curated_mask(similarity, label, 4, 4, gen())
    assert used.all()
    assert torch.equal(curated_loss(similarity, label, used), functional.cross_entropy(similarity, label))
