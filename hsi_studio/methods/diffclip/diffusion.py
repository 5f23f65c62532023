"""Forward noising and token masking: the two halves of mask diffusion.

Source: J. Ho, A. Jain, P. Abbeel, DDPM, NeurIPS 2020, arXiv:2006.11239: q(x_t | x_{t−1}) = N(√(1−β_t) x_{t−1}, β_t I),
hence x_t = √ᾱ_t x_0 + √(1−ᾱ_t) ε with ᾱ_t = Π_{s≤t} (1−β_s) (eq. 2, 4; β linear from 1e-4 to 0.02, §4);
masking of K. He et al., MAE, CVPR 2022, arXiv:2111.06377; both together: Zhang et al., DiffCLIP, AAAI 2025, eq. 1–2, 6.
What differs: ε may have each channel's own deviation instead of 1, since channels differ in size;
t counts from 0 = no noise, so that inference (t = 0) is the clean end of the same chain; a random
subset is drawn by sorting random keys on the device, and kept places travel with the tokens, so none can move.

Shapes: n samples, T tokens, V visible ones, C channels.
"""

from __future__ import annotations

import torch
from torch import Tensor


def alpha_bar(steps: int, first: float = 1e-4, last: float = 0.02) -> Tensor:
    """(steps + 1,) ᾱ_0 … ᾱ_T; ᾱ_0 = 1. β_1 = first, β_T = last, linear between."""
    beta = torch.linspace(first, last, steps, dtype=torch.float64, device="cpu")
    return torch.cat([torch.ones(1, dtype=torch.float64, device="cpu"), torch.cumprod(1.0 - beta, dim=0)]).float()


def spread(tokens: Tensor, scale: str) -> Tensor:
    """(C,) deviation of the noise in each channel of tokens (n, T, C): the channel's own, or 1 (`scale` unit)."""
    if scale == "unit" or tokens.shape[0] * tokens.shape[1] < 2:
        return torch.ones(tokens.shape[2], device=tokens.device)
    return tokens.std(dim=(0, 1))


def noised(
    x: Tensor, t: Tensor, kept_signal: Tensor, generator: torch.Generator, deviation: Tensor | None = None
) -> Tensor:
    """x_t for x_0 (n, T, C) and steps t (n,), with `kept_signal` = ᾱ on x's device. `deviation` (C,) of ε; None = 1."""
    a = kept_signal[t][:, None, None]
    noise = torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype)
    if deviation is not None:
        noise = noise * deviation
    return a.sqrt() * x + (1.0 - a).sqrt() * noise


def visible(n: int, tokens: int, mask_ratio: float, generator: torch.Generator, device: torch.device) -> Tensor:
    """(n, V) places of the tokens that stay, V = T − round(mask_ratio · T), at least one. Uniform, increasing."""
    count = max(1, tokens - round(mask_ratio * tokens))
    keys = torch.rand(n, tokens, generator=generator, device=device)
    return keys.argsort(dim=1)[:, :count].sort(dim=1).values


def take(x: Tensor, kept: Tensor) -> Tensor:
    """(n, T, C), (n, V) → (n, V, C)."""
    return x.gather(1, kept[:, :, None].expand(-1, -1, x.shape[2]))


def put_back(x: Tensor, kept: Tensor, mask_token: Tensor, tokens: int) -> Tensor:
    """(n, V, D) → (n, T, D): token i at its own place `kept[:, i]`, `mask_token` (D,) everywhere else."""
    full = mask_token.to(x.dtype).expand(x.shape[0], tokens, -1)
    return full.scatter(1, kept[:, :, None].expand(-1, -1, x.shape[2]), x)
