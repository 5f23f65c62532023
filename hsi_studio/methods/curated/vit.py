"""The network of `curated`: a small vision transformer over a window, and a linear probe on frozen text embeddings.

Source: Chatterjee & Ghosh, 2025, arXiv 2509.22697: ViT of width 64, depth 6, 16 heads, MLP 64; probe D_text → 64
trained with it; unit norm on both sides; learnable temperature. Blocks as in Dosovitskiy et al. 2021 (pre-norm).

The patch embedding is not published. One layout gives exactly the 246,593 trainable parameters = 0.0735 % of the
total that the abstract's 0.07 % means with bge-large (335,141,888 frozen parameters): windows of 9×9 pixels of 50
components, cut into 3×3 tokens of 3×3 pixels:

    token embedding 450→64      28,864      6 × (2 LayerNorms 256, qkv 12,480, out 4,160, MLP 8,320)   151,296
    class token                     64      probe 1024→64                                               65,600
    10 positions                   640      temperature                                                      1
    last LayerNorm                 128                                                                 246,593

Whole scenes: a token's embedding depends on the token's pixels alone, so it is computed once for every position of
the scene (a convolution) and gathered for each window; positions and attention are per window. `windows` and
`dense` give the same numbers up to rounding.

`centre` adds a projection of the middle pixel's components to the class token, 64·(C + 1) parameters more. It is ours:
a label is one pixel's, and tokens blur which. With it the class token can go through the blocks without any other
(`alone`).

Notation: N windows, P side, C components, p token side in pixels, S = P / p tokens a side, T = S², D width, M heads.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from hsi_studio.methods.common.nn.memory import in_chunks

MOST_SCALE = 100.0  # of the temperature, as in CLIP


class Block(nn.Module):
    """Pre-norm attention and MLP. Heads of 64 / 16 = 4 numbers each."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x: torch.Tensor, first_only: bool = False) -> torch.Tensor:
        """(N, T, D) → the same; with `first_only` → (N, 1, D), the class token alone."""
        n, t, d = x.shape
        kept = 1 if first_only else t
        q, k, v = self.qkv(self.norm1(x)).view(n, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(q[:, :, :kept], k, v)  # (N, M, kept, D/M)
        x = x[:, :kept] + self.out(mixed.transpose(1, 2).reshape(n, kept, d))
        out: torch.Tensor = x + self.down(functional.gelu(self.up(self.norm2(x))))
        return out


class CuratedViT(nn.Module):
    """Windows → unit vectors (N, D); text embeddings → unit class prototypes (K, D)."""

    def __init__(
        self,
        components: int,
        side: int,
        token: int,
        text_dim: int,
        width: int = 64,
        depth: int = 6,
        heads: int = 16,
        hidden: int = 64,
        centre: bool = False,
    ) -> None:
        super().__init__()
        if side % token:
            raise ValueError(f"windows of {side} pixels cannot be cut into tokens of {token}")
        self.side, self.token, self.tokens = side, token, side // token
        self.embed = nn.Linear(token * token * components, width)
        self.first = nn.Parameter(torch.zeros(1, 1, width))
        self.pixel = nn.Linear(components, width) if centre else None
        self.position = nn.Parameter(torch.zeros(1, 1 + self.tokens**2, width))
        self.blocks = nn.ModuleList(Block(width, heads, hidden) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.probe = nn.Linear(text_dim, width)
        self.log_scale = nn.Parameter(torch.tensor(2.3026))  # τ = e^2.3 = 10

    def initialise(self, generator: torch.Generator) -> None:
        """Draw all weights: truncated normals of σ = 0.02 for tokens and positions, Xavier for linear layers."""
        with torch.no_grad():
            for module in self.modules():
                if isinstance(module, nn.Linear):
                    nn.init.xavier_uniform_(module.weight, generator=generator)
                    nn.init.zeros_(module.bias)
            for value in (self.first, self.position):
                nn.init.trunc_normal_(value, std=0.02, generator=generator)

    @property
    def scale(self) -> torch.Tensor:
        """τ, at most 100."""
        return self.log_scale.exp().clamp(max=MOST_SCALE)

    def prototypes(self, text: torch.Tensor) -> torch.Tensor:
        """(K, D) unit vectors from text embeddings (K, D_text). Part of the graph: the probe learns through it."""
        return functional.normalize(self.probe(text), dim=-1)

    def windows(self, x: torch.Tensor) -> torch.Tensor:
        """(N, P, P, C) → (N, D) unit vectors."""
        n, s, p = x.shape[0], self.tokens, self.token
        centre = x[:, self.side // 2, self.side // 2]  # (N, C)
        x = x.view(n, s, p, s, p, -1).transpose(2, 3).reshape(n, s * s, -1)  # (N, T, p·p·C)
        return self.attend(self.embed(x), centre)

    def attend(self, tokens: torch.Tensor, centre: torch.Tensor) -> torch.Tensor:
        """(N, T, D) embedded tokens and (N, C) components of the middle pixel → (N, D) unit vectors."""
        first = self.first.expand(tokens.shape[0], -1, -1)
        if self.pixel is not None:
            first = first + self.pixel(centre)[:, None]
        x = torch.cat([first, tokens], dim=1) + self.position[:, : 1 + tokens.shape[1]]
        last = len(self.blocks) - 1
        for number, block in enumerate(self.blocks):
            x = block(x, first_only=number == last)
        return functional.normalize(self.norm(x[:, 0]), dim=-1)

    def alone(self, centre: torch.Tensor) -> torch.Tensor:
        """(N, C) components of pixels → (N, D) unit vectors, without the window around them."""
        return self.attend(centre.new_zeros(centre.shape[0], 0, self.position.shape[2]), centre)

    def dense(self, values: torch.Tensor, pixel: torch.Tensor, width: int, chunk: int) -> torch.Tensor:
        """(m, D) unit vectors of chosen pixels of a block.

        values (h + P − 1, w + P − 1, C): the block with (P − 1) / 2 pixels around it; pixel (m,): row·w + column
        inside the block, whose width is `width`.
        """
        p, s = self.token, self.tokens
        kernel = self.embed.weight.view(-1, p, p, values.shape[2]).permute(0, 3, 1, 2)
        embedded = functional.conv2d(values.permute(2, 0, 1)[None], kernel, self.embed.bias)[
            0
        ]  # (D, h + P − p, w + P − p)
        stride = embedded.shape[2]
        flat = embedded.flatten(1).t().contiguous()  # (positions, D)
        corner = torch.arange(s, device=values.device) * p
        offset = (corner[:, None] * stride + corner[None, :]).reshape(-1)  # (T,)
        start = pixel // width * stride + pixel % width  # (m,)
        middle = self._middle(values, pixel, width)
        own = values.flatten(0, 1)

        def some(at: slice) -> torch.Tensor:
            corners = start[at]
            tokens = flat.index_select(0, (corners[:, None] + offset).reshape(-1)).view(corners.shape[0], s * s, -1)
            return self.attend(tokens, own.index_select(0, middle[at]))

        return in_chunks(start.shape[0], chunk, some)

    def dense_alone(self, values: torch.Tensor, pixel: torch.Tensor, width: int, chunk: int) -> torch.Tensor:
        """(m, D) unit vectors of chosen pixels of a block without their windows; see `dense`."""
        own, middle = values.flatten(0, 1), self._middle(values, pixel, width)
        return in_chunks(middle.shape[0], chunk, lambda at: self.alone(own.index_select(0, middle[at])))

    def _middle(self, values: torch.Tensor, pixel: torch.Tensor, width: int) -> torch.Tensor:
        """(m,) rows of chosen pixels of a block among its values and those around it."""
        return (pixel // width + self.side // 2) * values.shape[1] + pixel % width + self.side // 2
