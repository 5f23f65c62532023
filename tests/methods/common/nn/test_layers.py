"""Facts about blocks, initialisation and the text transformer."""

from __future__ import annotations

from typing import cast

import torch

from hsi_studio.methods.common.nn.layers import Block, ClassTokenEncoder, build
from hsi_studio.methods.diffclip.text_transformer import TextTransformer


def _generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_first_token_alone_costs_less_and_is_the_same() -> None:
    block = cast(Block, build(lambda: Block(16, 4), "cpu", _generator()))
    x = torch.randn(3, 7, 16, generator=_generator(1))
    assert torch.allclose(block.first(x), block(x)[:, 0], atol=1e-6)
    encoder = cast(ClassTokenEncoder, build(lambda: ClassTokenEncoder(7, 16, 2, 4, 2.0), "cpu", _generator()))
    t = torch.tensor([0, 3, 9])
    assert torch.allclose(encoder.summary(x, t), encoder(x, t)[:, 0], atol=1e-5)


def test_places_travel_with_tokens() -> None:
    """All tokens in another order, with their places, give the same class token."""
    encoder = cast(ClassTokenEncoder, build(lambda: ClassTokenEncoder(6, 16, 2, 4, 2.0), "cpu", _generator()))
    x, t = torch.randn(2, 6, 16, generator=_generator(1)), torch.zeros(2, dtype=torch.long)
    order = torch.tensor([[3, 1, 0, 5, 4, 2]]).expand(2, -1)
    shuffled = x.gather(1, order[:, :, None].expand(-1, -1, 16))
    assert torch.allclose(encoder.summary(shuffled, t, order), encoder.summary(x, t), atol=1e-5)
    assert not torch.allclose(encoder.summary(shuffled, t), encoder.summary(x, t), atol=1e-3)


def test_building_leaves_the_global_random_state_alone_and_repeats() -> None:
    before = torch.random.get_rng_state()
    first, second = (build(lambda: Block(16, 4), "cpu", _generator(5)) for _ in range(2))
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_padding_after_the_end_changes_no_sentence() -> None:
    text = cast(TextTransformer, build(lambda: TextTransformer(9, 12, 16, 2, 4, 8), "cpu", _generator()))
    short = torch.tensor([[1, 5, 2]])
    padded = torch.tensor([[1, 5, 2, 0, 0, 0]])
    length = torch.tensor([3])
    assert torch.allclose(text(short, length), text(padded, length), atol=1e-6)
    assert not torch.allclose(text(short, length), text(torch.tensor([[1, 6, 2]]), length), atol=1e-3)
