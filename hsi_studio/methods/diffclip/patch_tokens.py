"""Which tokens a patch has, and how they are taken from a window of the scene on the device.

Layouts of a P×P patch around a centre pixel:
- `pixels`: every pixel is a token (P² of them), as in the ViT papers on patches.
- `foveated`: the 3×3 centre pixels, then rings of 8 averages each, thicker outwards; they tile the patch exactly.
  11×11 = 9 + 8 + 8 tokens with rings 2 pixels thick. What differs from the literature: fewer, coarser tokens away
  from the centre; attention and MLP cost falls with the number of tokens (25 of 121 for P = 11).

A token is the mean of the valid pixels of its rectangle (0 where it has none). Rectangles of one size share one
averaged map of the window, so a window costs one pooling a size and a gather, never a loop over patches.
Every layout maps onto itself under the eight flips and quarter turns, so augmentation is a permutation.

Axis letters: n centres, T tokens, C channels, h w the window.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from hsi_studio.types import FloatArray

LayoutName = Literal["pixels", "foveated"]


@dataclass(frozen=True)
class Layout:
    """Rectangles (row offset, column offset, height, width) relative to the centre pixel, top left corner first."""

    side: int
    rectangles: tuple[tuple[int, int, int, int], ...]

    @property
    def radius(self) -> int:
        return self.side // 2

    def __len__(self) -> int:
        return len(self.rectangles)

    @cached_property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        """Distinct (height, width), in order of first use."""
        return tuple(dict.fromkeys((h, w) for _, _, h, w in self.rectangles))

    @cached_property
    def symmetries(self) -> npt.NDArray[np.int64]:
        """(8, T): row g lists which token comes to each place under symmetry g; row 0 is the identity."""
        place = {rectangle: i for i, rectangle in enumerate(self.rectangles)}
        rows = []
        for transpose in (False, True):
            for flip_r in (False, True):
                for flip_c in (False, True):
                    row = []
                    for r, c, h, w in self.rectangles:
                        if transpose:
                            r, c, h, w = c, r, w, h
                        if flip_r:
                            r = -(r + h - 1)
                        if flip_c:
                            c = -(c + w - 1)
                        row.append(place[(r, c, h, w)])
                    rows.append(row)
        return np.array(rows, dtype=np.int64)

    @property
    def centre(self) -> int:
        """The token that is the centre pixel alone."""
        return self.rectangles.index((0, 0, 1, 1))

    def areas(self) -> npt.NDArray[np.float32]:
        """(T,) pixels a token."""
        return np.array([h * w for _, _, h, w in self.rectangles], dtype=np.float32)


def layout(name: LayoutName, side: int) -> Layout:
    """The tokens of a patch of odd `side`. Raises ValueError for an even one."""
    if side < 1 or side % 2 == 0:
        raise ValueError(f"a patch has an odd side, not {side}")
    radius = side // 2
    if name == "pixels" or side <= 3:
        span = range(-radius, radius + 1)
        return Layout(side, tuple((r, c, 1, 1) for r in span for c in span))
    rectangles: list[tuple[int, int, int, int]] = [(r, c, 1, 1) for r in (-1, 0, 1) for c in (-1, 0, 1)]
    left = radius - 1  # pixels between the centre 3×3 and the patch's edge
    inner = left // 2
    edge = 1
    for thick in (inner, left - inner):
        if thick == 0:
            continue
        out, middle = edge + thick, 2 * edge + 1
        spans = [(-out, thick), (-edge, middle), (edge + 1, thick)]
        rectangles += [
            (r, c, h, w)
            for i, (r, h) in enumerate(spans)
            for j, (c, w) in enumerate(spans)
            if (i, j) != (1, 1)
        ]  # fmt: skip
        edge = out
    return Layout(side, tuple(rectangles))


def pooled_maps(x: Tensor, valid: Tensor, which: Layout) -> list[Tensor]:
    """x (h, w, C), valid (h, w) → a map (h−a+1, w−b+1, C) of means over valid pixels for each size (a, b)."""
    weight = valid.to(x.dtype)[None, None]  # (1, 1, h, w)
    values = torch.where(valid[..., None], x, torch.zeros((), dtype=x.dtype, device=x.device)).permute(2, 0, 1)[None]
    out = []
    for size in which.sizes:
        if size == (1, 1):
            out.append(values[0].permute(1, 2, 0))
            continue
        share = F.avg_pool2d(weight, size, stride=1)
        mean = F.avg_pool2d(values, size, stride=1) / share.clamp_min(1e-6)
        out.append((mean * (share > 0))[0].permute(1, 2, 0))
    return out


def gather(maps: list[Tensor], row: Tensor, col: Tensor, which: Layout) -> Tensor:
    """Maps of `pooled_maps` (or of anything computed from them per pixel), centres (n,), (n,) → (n, T, C)."""
    parts: list[Tensor] = []
    order: list[int] = []
    for size, values in zip(which.sizes, maps, strict=True):
        here = [i for i, r in enumerate(which.rectangles) if (r[2], r[3]) == size]
        down = torch.tensor([which.rectangles[i][0] for i in here], device=row.device)
        right = torch.tensor([which.rectangles[i][1] for i in here], device=row.device)
        at = (row[:, None] + down) * values.shape[1] + (col[:, None] + right)  # (n, t)
        flat = values.reshape(-1, values.shape[2])
        parts.append(flat.index_select(0, at.reshape(-1)).view(*at.shape, -1))
        order += here
    together = torch.cat(parts, dim=1) if len(parts) > 1 else parts[0]
    if order == list(range(len(order))):
        return together
    back = torch.argsort(torch.tensor(order, device=row.device))
    return together.index_select(1, back)


def looks(tokens: list[Tensor], which: Layout) -> tuple[FloatArray, FloatArray]:
    """Tokens (n, T, C_m) of each modality → (n, C) the centre pixels, (n, C) the means of the patches."""
    areas = torch.as_tensor(which.areas(), device=tokens[0].device)
    own = torch.cat([x[:, which.centre] for x in tokens], dim=1)
    around = torch.cat([torch.einsum("ntc,t->nc", x, areas / areas.sum()) for x in tokens], dim=1)
    return own.cpu().numpy(), around.cpu().numpy()


def turned(x: Tensor, symmetry: Tensor, symmetries: Tensor) -> Tensor:
    """Tokens (n, T, C), symmetry numbers (n,), `Layout.symmetries` (8, T) on the device → turned tokens (n, T, C)."""
    at = symmetries[symmetry]  # (n, T)
    return x.gather(1, at[:, :, None].expand(-1, -1, x.shape[2]))
