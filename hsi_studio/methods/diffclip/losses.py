"""Contrastive losses between image and class embeddings, and the reconstruction loss.

Source: A. Radford et al., CLIP, ICML 2021, arXiv:2103.00020; P. Khosla et al., supervised contrastive learning,
NeurIPS 2020, arXiv:2004.11362 (several positives: mean of their log-probabilities, eq. 2); DiffCLIP eq. 9, 12–16.

Shapes: n images, K classes, D embedding. Embeddings are unit vectors; `scale` = 1/τ.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor


@dataclass(frozen=True)
class Contrast:
    """A symmetric loss and its two halves, which are shown as curves."""

    to_text: Tensor
    to_image: Tensor

    @property
    def loss(self) -> Tensor:
        return 0.5 * (self.to_text + self.to_image)


def class_contrast(image: Tensor, text: Tensor, label: Tensor, scale: Tensor, smoothing: float = 0.0) -> Contrast:
    """Symmetric loss of image (n, D) against the K class texts (K, D); label (n,) or soft labels (n, K).

    Image → text: cross-entropy over the K classes. Text → image: for every class that occurs, cross-entropy over
    the n images with its target spread evenly over (in proportion to) the images of that class. Mean of both.
    """
    logits = scale * image @ text.T  # (n, K)
    target = F.one_hot(label, text.shape[0]).to(logits.dtype) if label.dim() == 1 else label
    soft = target * (1.0 - smoothing) + smoothing / target.shape[1]
    to_text = -(soft * logits.log_softmax(dim=1)).sum(dim=1).mean()
    mass = target.sum(dim=0)  # (K,)
    share = target / mass.clamp_min(1e-6)  # columns sum to 1 where the class occurs
    per_class = -(share * logits.log_softmax(dim=0)).sum(dim=0)  # (K,)
    present = (mass > 1e-6).to(logits.dtype)
    to_image = (per_class * present).sum() / present.sum()
    return Contrast(to_text, to_image)


def pair_contrast(image: Tensor, text: Tensor, scale: Tensor) -> Contrast:
    """The paper's literal form (eq. 12–16): image i and text i of the batch belong together, all others do not.

    A class that repeats in the batch makes false negatives; kept for comparison.
    """
    logits = scale * image @ text.T  # (n, n)
    here = torch.arange(image.shape[0], device=image.device)
    return Contrast(F.cross_entropy(logits, here), F.cross_entropy(logits.T, here))


def reconstruction(predicted: Tensor, x0: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean of ‖x_0 − x̂‖² over all tokens, visible and masked, and channels (DiffCLIP eq. 6, 9).

    `weight` (C,) makes the mean over channels a weighted one.
    """
    if weight is None:
        return F.mse_loss(predicted, x0)
    return ((predicted - x0).square().mean(dim=(0, 1)) * weight).sum() / weight.sum()


def predictability(tokens: Tensor) -> Tensor:
    """(C,) how much of each channel (n, T, C) the other tokens of a patch can tell: r² of a token with their mean.

    Noise cannot be told and would otherwise be most of the loss of noise-whitened channels, which all have unit
    variance. At least 0.01, so that no channel is forgotten.
    """
    count = tokens.shape[1]
    if count < 2:
        return torch.ones(tokens.shape[2], device=tokens.device)
    others = (tokens.sum(dim=1, keepdim=True) - tokens) / (count - 1)  # (n, T, C)
    a, b = tokens - tokens.mean(dim=(0, 1)), others - others.mean(dim=(0, 1))
    r = (a * b).mean(dim=(0, 1)) / (a.square().mean(dim=(0, 1)) * b.square().mean(dim=(0, 1))).sqrt().clamp_min(1e-9)
    return r.clamp_min(0.0).square().clamp_min(0.01)
