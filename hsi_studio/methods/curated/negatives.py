"""Curated contrastive loss: a sample against its class text, the hardest wrong texts and some random ones.

Source: Chatterjee & Ghosh, 2025, arXiv 2509.22697: per sample the positive, k_h hardest wrong classes (largest
similarity) and k_s random others, L_i = −log e^{s⁺} / (e^{s⁺} + Σ_hard e^s + Σ_semi e^s), s = τ z·p.
How the k_s are drawn is not published; here uniformly without replacement among the rest, by random keys and topk.
With K − 1 ≤ k_h + k_s every wrong class is in: the loss *is* the full softmax cross-entropy (`is_full_softmax`).

Notation: N samples, K classes.
"""

from __future__ import annotations

import torch
from torch.nn import functional


def is_full_softmax(classes: int, hard: int, semi: int) -> bool:
    """Whether k_h and k_s together cover all wrong classes."""
    return classes - 1 <= hard + semi


def curated_mask(
    similarity: torch.Tensor, label: torch.Tensor, hard: int, semi: int, generator: torch.Generator
) -> torch.Tensor:
    """(N, K) bool: the positive, its hard and its semi-hard negatives, from similarities (N, K) and labels (N,).

    k adapts to K: hard ones first, as many as there are wrong classes, then semi-hard ones of what is left.
    """
    classes = similarity.shape[1]
    hard = min(hard, classes - 1)
    semi = min(semi, classes - 1 - hard)
    used = functional.one_hot(label, classes).bool()
    if hard:
        wrong = similarity.detach().masked_fill(used, -torch.inf)
        used = used.scatter(1, wrong.topk(hard, dim=1).indices, True)
    if semi:
        keys = torch.rand(similarity.shape, generator=generator, device="cpu").to(similarity.device)
        keys = keys.masked_fill(used, -1.0)
        used = used.scatter(1, keys.topk(semi, dim=1).indices, True)
    return used


def curated_loss(similarity: torch.Tensor, label: torch.Tensor, used: torch.Tensor) -> torch.Tensor:
    """Mean over N of −log softmax of the positive among the classes of `used` (N, K)."""
    return functional.cross_entropy(similarity.masked_fill(~used, -torch.inf), label)
