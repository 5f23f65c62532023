"""A small text transformer trained from scratch: token table, causal blocks, the last token's state, projection.

Source: text side of CLIP (arXiv:2103.00020, §2.4) at DiffCLIP's size: width 128, 3 layers, 8 heads, context 77.
What differs: the table holds only the tokens that occur in the prompts (the others would never get a gradient),
sentences are padded to the longest one, not to 77 (causal attention: tokens after the end change nothing), and
no weights are shared with any pre-trained model.

Shapes: S sentences, L tokens, D width.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from hsi_studio.methods.common.nn.layers import Block


class TextTransformer(nn.Module):
    """ids (S, L) with 0 = padding, lengths (S,) → (S, out)."""

    def __init__(self, vocabulary: int, context: int, width: int, depth: int, heads: int, out: int) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.empty(vocabulary, width))
        self.position = nn.Parameter(torch.empty(context, width))
        self.blocks = nn.ModuleList(Block(width, heads, 4.0, causal=True) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.project = nn.Linear(width, out, bias=False)

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        longest = ids.shape[1]
        x = self.table[ids] + self.position[:longest]
        for block in self.blocks:
            x = block(x)
        last = (lengths - 1).clamp_min(0)
        return cast(Tensor, self.project(self.norm(x[torch.arange(ids.shape[0], device=ids.device), last])))
