"""Transformer blocks, learned positions, diffusion time, and initialisation from a passed generator.

Source: A. Dosovitskiy et al., "An image is worth 16x16 words", ICLR 2021, arXiv:2010.11929 (pre-norm blocks);
sinusoids of A. Vaswani et al., NeurIPS 2017, §3.5, for the diffusion step as in DDPM (arXiv:2006.11239, app. B).

Unusual here:
- Modules are built on the meta device and filled by `fill` from a `torch.Generator`: building one neither reads
  nor moves the global random state.
- `Block.first` computes a block's output for the first token only. It is exact, and the last block of a
  classifier needs nothing else: queries, projection and MLP of T − 1 tokens are saved.

Shapes: n samples, T tokens, D width, h heads.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy.typing as npt
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn


class Block(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x)). (n, T, D) → (n, T, D)."""

    def __init__(self, width: int, heads: int, mlp_ratio: float = 2.0, causal: bool = False) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"{heads} heads do not divide a width of {width}")
        self.heads, self.causal = heads, causal
        hidden = round(width * mlp_ratio)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x: Tensor, blocked: Tensor | None = None) -> Tensor:
        """`blocked` (n, T) bool: keys nobody may look at (padding)."""
        n, T, D = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(n, T, 3, self.heads, D // self.heads).permute(2, 0, 3, 1, 4)
        mask = None if blocked is None else ~blocked[:, None, None, :]  # (n, 1, 1, T)
        if mask is not None and self.causal:
            mask = mask & torch.ones(T, T, dtype=torch.bool, device=x.device).tril()
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=self.causal and mask is None)
        x = x + self.out(mixed.transpose(1, 2).reshape(n, T, D))
        return x + self.mlp(self.norm2(x))

    def first(self, x: Tensor) -> Tensor:
        """(n, D): what `forward` returns at token 0."""
        n, T, D = x.shape
        d = D // self.heads
        normed = self.norm1(x)
        weight, bias = self.qkv.weight, self.qkv.bias
        q = F.linear(normed[:, :1], weight[:D], bias[:D]).view(n, 1, self.heads, d).transpose(1, 2)
        k, v = F.linear(normed, weight[D:], bias[D:]).view(n, T, 2, self.heads, d).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, D)
        token = x[:, 0] + self.out(mixed)
        return cast(Tensor, token + self.mlp(self.norm2(token)))

    def mlp(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.down(F.gelu(self.up(x))))


class FrontEnd(nn.Module):
    """Two 1×1 convolutions with norm and ReLU, applied to the last axis: (..., C) → (..., D)."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.first, self.norm1 = nn.Linear(channels, width), nn.LayerNorm(width)
        self.second, self.norm2 = nn.Linear(width, width), nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.norm1(self.first(x)))
        return F.relu(self.norm2(self.second(x)))


class Time(nn.Module):
    """Diffusion step t (n,) → (n, D): sinusoids, then two layers."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.first, self.second = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, t: Tensor) -> Tensor:
        half = self.width // 2
        rate = torch.exp(-math.log(10_000.0) * torch.arange(half, device=t.device, dtype=torch.float32) / half)
        angle = t.float()[:, None] * rate  # (n, D/2)
        return cast(Tensor, self.second(F.silu(self.first(torch.cat([angle.sin(), angle.cos()], dim=1)))))


class ClassTokenEncoder(nn.Module):
    """Class token + position + time + blocks: the encoder all modalities share. D → D."""

    def __init__(self, tokens: int, width: int, depth: int, heads: int, mlp_ratio: float) -> None:
        super().__init__()
        self.cls = nn.Parameter(torch.empty(1, 1, width))
        self.position = nn.Parameter(torch.empty(1, 1 + tokens, width))
        self.time = Time(width)
        self.blocks = nn.ModuleList(Block(width, heads, mlp_ratio) for _ in range(depth))
        self.norm = nn.LayerNorm(width)

    def begin(self, x: Tensor, t: Tensor, kept: Tensor | None = None) -> Tensor:
        """Embedded tokens (n, V, D) → (n, 1+V, D). `kept` (n, V): the places of the tokens, all when None."""
        n, _, D = x.shape
        place = self.position[:, 1:]
        if kept is not None:
            place = place.expand(n, -1, -1).gather(1, kept[:, :, None].expand(-1, -1, D))
        first = (self.cls + self.position[:, :1]).expand(n, -1, -1)
        return cast(Tensor, torch.cat([first, x + place], dim=1) + self.time(t)[:, None])

    def forward(self, x: Tensor, t: Tensor, kept: Tensor | None = None) -> Tensor:
        """(n, V, D) → (n, 1+V, D)."""
        x = self.begin(x, t, kept)
        for block in self.blocks:
            x = block(x)
        return cast(Tensor, self.norm(x))

    def summary(self, x: Tensor, t: Tensor, kept: Tensor | None = None) -> Tensor:
        """(n, V, D) → (n, D): the class token of `forward`, without the work only other tokens need."""
        x = self.begin(x, t, kept)
        for block in list(self.blocks)[:-1]:
            x = block(x)
        return cast(Tensor, self.norm(cast(Block, self.blocks[-1]).first(x)))


def same_shapes(make: Callable[[], nn.Module], arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Raises ValueError unless the arrays are those of the module, told by names and shapes before it takes memory:
    a file's numbers (widths, channels, classes) may ask for a network that its arrays do not fill."""
    with torch.device("meta"):
        wanted = {name: tuple(value.shape) or (1,) for name, value in make().state_dict().items()}
    found = {name: tuple(value.shape) or (1,) for name, value in arrays.items()}
    for name in sorted(wanted.keys() | found.keys()):
        if wanted.get(name) != found.get(name):
            raise ValueError(f"weight {name} is {found.get(name)}, the network's is {wanted.get(name)}")


def build(make: Callable[[], nn.Module], device: str, generator: torch.Generator) -> nn.Module:
    """A module with weights drawn from `generator` (a CPU one, so that every device starts alike)."""
    with torch.device("meta"):
        module = make()
    module = module.to_empty(device="cpu")
    fill(module, generator)
    return module.to(device)


@torch.no_grad()
def fill(module: nn.Module, generator: torch.Generator) -> None:
    """Xavier-uniform matrices, N(0, 0.02²) tokens, positions and tables, ones and zeros in norms, zero biases.

    A parameter named `mask_token…` starts at zero, and `scale…` keeps 0 until its owner sets it.
    """
    for name, parameter in module.named_parameters():
        last = name.rsplit(".", 1)[-1]
        norm = "norm" in name.rsplit(".", 2)[-2] if "." in name else False
        if norm:
            parameter.fill_(1.0 if last == "weight" else 0.0)
        elif last.startswith(("mask_token", "scale")) or last == "bias":
            parameter.zero_()
        elif last in {"cls", "position", "table"}:
            parameter.normal_(0.0, 0.02, generator=generator)
        else:
            nn.init.xavier_uniform_(parameter, generator=generator)
