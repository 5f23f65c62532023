"""The 3D-CNN of S3FN, over windows of a scene and over cubes of a collection.

Source: Islam et al., 2025, arXiv 2510.07556 and its notebooks (MIT): Conv3D 32 → average pool 2 → Conv3D 64 →
Conv3D 128 → average pool 2 → dense 128 → dropout 0.5 → dense 64 → K; kernels 3×3×3, ReLU, L2.

What differs:
- Global average pooling over space before the dense layers, as 98 % of the paper's 13–19 M weights sit in
  flatten → dense. The spectral axis is flattened, not pooled: which component it is *is* the information.
- Convolutions are padded along the spectrum (few components must work) and not in space, so that a window's
  result never depends on an invented border.
- For windows of a scene the pools move by 1 pixel in space (`stride` 1) and by 2 along the spectrum; the second one
  and the global mean are one mean (the same thing for the smallest window, 9 pixels). Then a window's features are
  one position of a convolution over the scene: `dense` computes a map once instead of once a window, and gives the
  same numbers up to rounding. Cubes of a collection use the paper's stride of 2.
- For windows of a scene two plain means of the components may join the pooled features: of the middle 3×3 pixels
  (`centre`: a label is one pixel's, and pooling forgets which; a pixel alone is noisy) and of a wider window
  (`context`: what the pixel lies in, far cheaper than convolving it). A cube of a collection has one label as a whole.

Notation: N windows, P side of the convolved window, outer = max(P, context), C components (the depth axis of the
convolutions), F = 128 features.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

FEATURES = 128
LEAST_SIDE = {1: 9, 2: 14}  # what is left after three convolutions and two pools must be a pixel at least


class CNN3D(nn.Module):
    """Windows → F features (after the first dense layer's ReLU) → K scores."""

    def __init__(
        self,
        components: int,
        side: int,
        classes: int,
        stride: int,
        channels: tuple[int, int, int],
        centre: bool = False,
        context: int = 0,
    ) -> None:
        super().__init__()
        self.centre, self.context, self.outer = centre, context, max(side, context)
        if side < LEAST_SIDE[stride]:
            raise ValueError(f"a window of {side} pixels is too small: at least {LEAST_SIDE[stride]}")
        self.side, self.stride = side, stride
        a, b, c = channels
        self.conv1 = nn.Conv3d(1, a, 3, padding=(1, 0, 0))
        self.conv2 = nn.Conv3d(a, b, 3, padding=(1, 0, 0))
        self.conv3 = nn.Conv3d(b, c, 3, padding=(1, 0, 0))
        depth = components
        for _ in range(2):
            depth = max(depth // 2, 1)
        self.dense1 = nn.Linear(c * depth + components * (centre + bool(context)), FEATURES)
        self.dense2 = nn.Linear(FEATURES, 64)
        self.dense3 = nn.Linear(64, classes)

    def initialise(self, generator: torch.Generator) -> None:
        """Glorot-uniform weights and zero biases, Keras' defaults."""
        with torch.no_grad():
            for module in self.modules():
                if isinstance(module, nn.Linear | nn.Conv3d):
                    nn.init.xavier_uniform_(module.weight, generator=generator)
                    assert module.bias is not None
                    nn.init.zeros_(module.bias)

    @property
    def final(self) -> int:
        """Side of the map after the third convolution, as many pixels as the last pools average over."""
        if self.stride == 1:
            return self.side - 7
        return (self.side - 2) // 2 - 4

    def trunk(self, x: torch.Tensor) -> torch.Tensor:
        """(N, 1, C, h, w) → (N, 128, C', h', w'), after the third convolution."""
        x = functional.relu(self.conv1(x))
        x = functional.avg_pool3d(x, (min(2, x.shape[2]), 2, 2), stride=(2, self.stride, self.stride))
        x = functional.relu(self.conv2(x))
        x = functional.relu(self.conv3(x))
        return x if x.shape[2] == 1 else functional.avg_pool3d(x, (2, 1, 1))

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """(N, outer, outer, C) → (N, F)."""
        found = [self._pooled(_middle(x, self.side))]
        if self.centre:
            found.append(_middle(x, 3).mean(dim=(1, 2)))
        if self.context:
            found.append(_middle(x, self.context).mean(dim=(1, 2)))
        return functional.relu(self.dense1(torch.cat(found, dim=1)))

    def alone(self, own: torch.Tensor) -> torch.Tensor:
        """(N, C) pixels → (N, F): the features of windows that are the same pixel all over.

        Convolutions of such a window are the same at every place: those along the spectrum with weights summed over
        rows and columns.
        """
        x = _along(self.conv1, own[:, None])
        x = functional.avg_pool1d(x, min(2, x.shape[2]), stride=2)
        x = _along(self.conv3, _along(self.conv2, x))
        x = x if x.shape[2] == 1 else functional.avg_pool1d(x, 2)
        means = [own] * (self.centre + bool(self.context))
        return functional.relu(self.dense1(torch.cat([x.flatten(1), *means], dim=1)))

    def _pooled(self, x: torch.Tensor) -> torch.Tensor:
        """(N, P, P, C) → (N, 128·C')."""
        x = self.trunk(x.permute(0, 3, 1, 2)[:, None])
        if self.stride == 2:
            x = functional.avg_pool3d(x, (1, 2, 2))  # the paper's second pool; an odd last row is left out, as there
        return x.mean(dim=(3, 4)).flatten(1)

    def scores(self, features: torch.Tensor) -> torch.Tensor:
        """(N, F) → (N, K). Dropout belongs to training and is applied there."""
        return torch.as_tensor(self.dense3(functional.relu(self.dense2(features))))

    def dense(self, values: torch.Tensor) -> torch.Tensor:
        """(h + outer − 1, w + outer − 1, C) → (h, w, F): the features of every pixel's window. Stride 1 only."""
        if self.stride != 1:
            raise ValueError("only windows with stride 1 share their computation")
        flat = values.permute(2, 0, 1)  # (C, …)
        x = self.trunk(self._crop(flat, self.side)[None, None])[0]  # (128, C', h + final − 1, w + final − 1)
        found = [functional.avg_pool2d(x.flatten(0, 1), self.final, stride=1)]  # (128·C', h, w)
        if self.centre:
            found.append(functional.avg_pool2d(self._crop(flat, 3), 3, stride=1))
        if self.context:
            found.append(functional.avg_pool2d(self._crop(flat, self.context), self.context, stride=1))
        return functional.relu(self.dense1(torch.cat(found).permute(1, 2, 0)))

    def _crop(self, x: torch.Tensor, side: int) -> torch.Tensor:
        """(C, h + outer − 1, w + outer − 1) → (C, h + side − 1, w + side − 1), what windows of `side` need."""
        cut = (self.outer - side) // 2
        return x[:, cut : x.shape[1] - cut, cut : x.shape[2] - cut]


def _along(conv: nn.Conv3d, x: torch.Tensor) -> torch.Tensor:
    """(N, in, C) → (N, out, C): a convolution and ReLU of what does not change along rows and columns."""
    return functional.relu(functional.conv1d(x, conv.weight.sum(dim=(3, 4)), conv.bias, padding=1))


def _middle(x: torch.Tensor, side: int) -> torch.Tensor:
    """(N, P, P, C) → (N, side, side, C)."""
    cut = (x.shape[1] - side) // 2
    return x[:, cut : cut + side, cut : cut + side]
