"""DiffCLIP's networks: image side (one or more modalities), its decoders, class side; tokens of scene patches.

Source: Zhang, Cao et al., "DiffCLIP: few-shot language-driven multimodal classifier", AAAI 2025; eq. 7–8, 10–11.
Sizes as published: width 128, encoder depth 4, 8 heads, MLP ×2, decoders of 3 blocks, 1×1-convolution front ends.

What differs, and why: decoders also see the class tokens of all modalities, so that class tokens are trained in
stage 1 (the paper does not say what trains them); norms of the front ends are per pixel, not per batch, so that a
pixel's features do not depend on what else is mapped. There are no parts that never train.

Shapes: n patches, T tokens, M modalities, C_m channels, D width, E embedding (= D).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from hsi_studio.methods.common.nn.layers import Block, ClassTokenEncoder, FrontEnd
from hsi_studio.methods.common.nn.memory import chunk_size, in_chunks, to_device
from hsi_studio.methods.diffclip.diffusion import put_back
from hsi_studio.methods.diffclip.inputs import SceneInputs
from hsi_studio.methods.diffclip.patch_tokens import Layout, gather, pooled_maps
from hsi_studio.methods.diffclip.text_transformer import TextTransformer

WINDOW_VALUES = 24_000_000  # front-end features in memory at once: about 100 MB
CHUNK_TOKENS = 20_000  # tokens through the encoder at once: they stay near the processor's cache


class ImageSide(nn.Module):
    """Front end a modality, one shared encoder, and a head from all class tokens to the shared space."""

    def __init__(self, channels: tuple[int, ...], tokens: int, width: int, depth: int, heads: int) -> None:
        super().__init__()
        self.fronts = nn.ModuleList(FrontEnd(c, width) for c in channels)
        self.encoder = ClassTokenEncoder(tokens, width, depth, heads, 2.0)
        self.head = nn.Linear(width * len(channels), width)

    def embed(self, features: list[Tensor], t: Tensor, kept: Tensor | None = None) -> Tensor:
        """Front-end features of each modality (n, V, D), steps t (n,) → unit vectors (n, E)."""
        return self.joint([self.encoder.summary(x, t, kept) for x in features])

    def joint(self, summaries: list[Tensor]) -> Tensor:
        """Class tokens of each modality (n, D) → unit vectors (n, E)."""
        return F.normalize(self.head(torch.cat(summaries, dim=1)), dim=1)

    def forward(self, x: list[Tensor], t: Tensor, kept: Tensor | None = None) -> Tensor:
        """Tokens of each modality (n, V, C_m) → unit vectors (n, E)."""
        return self.embed([front(v) for front, v in zip(self.fronts, x, strict=True)], t, kept)


class Members(nn.Module):
    """Several image sides, each fine-tuned from its own start. Cosines of the joint vectors are means of theirs.

    With `centre`, the place of the middle pixel's token, each looks twice: at the patch, and at that token alone.
    """

    def __init__(self, sides: list[ImageSide], centre: int | None = None) -> None:
        super().__init__()
        self.sides = nn.ModuleList(sides)
        self.centre = centre

    def forward(self, x: list[Tensor], t: Tensor) -> Tensor:
        """Tokens of each modality (n, T, C_m) → unit vectors (n, G·E) of G looks."""
        vectors = [side(x, t) for side in self.sides]
        if self.centre is not None:
            own, place = only(x, self.centre)
            vectors += [side(own, t, place) for side in self.sides]
        return joined(vectors)


def only(x: list[Tensor], centre: int) -> tuple[list[Tensor], Tensor]:
    """Of tokens (n, T, ·) of each modality the one at `centre` (n, 1, ·), and where it stood (n, 1)."""
    place = torch.full((x[0].shape[0], 1), centre, dtype=torch.long, device=x[0].device)
    return [v[:, centre : centre + 1] for v in x], place


def joined(vectors: list[Tensor]) -> Tensor:
    """G unit vectors (n, E) → one (n, G·E)."""
    return torch.cat(vectors, dim=1) / math.sqrt(len(vectors))


class Decoder(nn.Module):
    """One modality's decoder: visible + mask tokens + positions, after all class tokens → x̂_0 (n, T, C)."""

    def __init__(self, channels: int, tokens: int, width: int, depth: int, heads: int) -> None:
        super().__init__()
        self.embed = nn.Linear(width, width)
        self.mask_token = nn.Parameter(torch.empty(width))  # zeros at the start, as published
        self.position = nn.Parameter(torch.empty(1, tokens, width))
        self.blocks = nn.ModuleList(Block(width, heads, 2.0) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, channels)

    def forward(self, summaries: Tensor, latent: Tensor, kept: Tensor) -> Tensor:
        """summaries (n, M, D), latent (n, V, D), kept (n, V)."""
        T = self.position.shape[1]
        x = put_back(self.embed(latent), kept, self.mask_token, T) + self.position
        x = torch.cat([self.embed(summaries), x], dim=1)
        for block in self.blocks:
            x = block(x)
        return cast(Tensor, self.out(self.norm(x[:, -T:])))


class MaskDiffusion(nn.Module):
    """Stage 1: the encoder with a decoder a modality."""

    def __init__(
        self, image: ImageSide, channels: tuple[int, ...], tokens: int, width: int, depth: int, heads: int
    ) -> None:
        super().__init__()
        self.image = image
        self.decoders = nn.ModuleList(Decoder(c, tokens, width, depth, heads) for c in channels)

    def forward(self, x: list[Tensor], t: Tensor, kept: list[Tensor]) -> list[Tensor]:
        """Visible noised tokens of each modality (n, V, C_m) at places (n, V) → x̂_0 of all tokens (n, T, C_m)."""
        encoded = [
            self.image.encoder(front(v), t, places) for front, v, places in zip(self.image.fronts, x, kept, strict=True)
        ]
        summaries = torch.stack([e[:, 0] for e in encoded], dim=1)
        return [
            decoder(summaries, e[:, 1:], places)
            for decoder, e, places in zip(self.decoders, encoded, kept, strict=True)
        ]


class ClassSide(nn.Module):
    """K class embeddings: from sentences (mean of each class's unit vectors), or K free vectors without text.

    Exactly one source: `text` transformer over ids, `frozen` sentence embeddings (S, D') → projection, or neither.
    """

    def __init__(
        self, classes: int, width: int, text: TextTransformer | None, frozen_width: int, centred: bool
    ) -> None:
        super().__init__()
        self.classes, self.centred = classes, centred
        self.text = text
        self.project = nn.Linear(frozen_width, width, bias=False) if frozen_width else None
        self.free = nn.Parameter(torch.empty(classes, width)) if text is None and not frozen_width else None
        self.scale = nn.Parameter(torch.empty(()))  # ln(1/τ)

    def inverse_temperature(self) -> Tensor:
        """1/τ within 1 … 100."""
        return self.scale.exp().clamp(1.0, 100.0)

    def sentences(self, source: dict[str, Tensor]) -> Tensor:
        """(S, E) unit vectors, or (K, E) without text."""
        if self.text is not None:
            out = self.text(source["ids"], source["lengths"])
        elif self.project is not None:
            out = self.project(source["frozen"])
        else:
            assert self.free is not None
            out = self.free
        return F.normalize(out, dim=1)

    def forward(self, source: dict[str, Tensor]) -> Tensor:
        """(K, E) unit vectors. `source["mean"]` (K, S) averages a class's sentences.

        Centred: what all classes' sentences share (most of a template) is taken off. Otherwise K nearly equal
        vectors have to be driven apart first, and with one label a class training can end before they are.
        """
        return self.averaged(self.sentences(source), source)

    def averaged(self, each: Tensor, source: dict[str, Tensor]) -> Tensor:
        """(S, E) sentences → (K, E) classes."""
        if "mean" not in source:
            return each
        classes = source["mean"] @ each
        if self.centred:
            classes = classes - classes.mean(dim=0, keepdim=True)
        return F.normalize(classes, dim=1)


def scene_tokens(
    inputs: SceneInputs,
    which: Layout,
    row: npt.NDArray[np.int64],
    col: npt.NDArray[np.int64],
    device: str,
    check: Callable[[], None] = lambda: None,
) -> list[Tensor]:
    """Tokens (N, T, C_m) of each modality for the pixels' patches. The scene is read once, in strips."""
    width = inputs.scene.shape[1]
    parts: list[list[Tensor]] = []
    places: list[npt.NDArray[np.int64]] = []
    for rows in strips(inputs, which, sum(inputs.scaling.channels)):
        here = np.flatnonzero((row >= rows.start) & (row < rows.stop))
        if here.size == 0:
            continue
        check()
        channels, valid = inputs.window(rows, slice(0, width), which.radius)
        r = torch.as_tensor(row[here] - rows.start + which.radius, device=device)
        c = torch.as_tensor(col[here] + which.radius, device=device)
        mask = to_device(valid, device)
        parts.append([gather(pooled_maps(to_device(x, device), mask, which), r, c, which) for x in channels])
        places.append(here)
    back = torch.as_tensor(np.argsort(np.concatenate(places)), device=device)
    return [torch.cat(tokens)[back] for tokens in zip(*parts, strict=True)]


def strips(inputs: SceneInputs, which: Layout, values_a_pixel: int, multiple: int = 1) -> Iterator[slice]:
    """Row ranges whose maps (one a size of rectangle) stay within WINDOW_VALUES; starts are multiples of `multiple`."""
    height, width, _ = inputs.scene.shape
    rows = max(1, WINDOW_VALUES // ((width + which.side) * values_a_pixel * len(which.sizes)) - which.side)
    rows = max(multiple, rows // multiple * multiple)
    for top in range(0, height, rows):
        yield slice(top, min(top + rows, height))


@torch.inference_mode()
def lattice_embeddings(
    inputs: SceneInputs,
    which: Layout,
    image: Members,
    rows: slice,
    stride: int,
    device: str,
    check: Callable[[], None] = lambda: None,
    done: Callable[[float], None] = lambda _: None,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Tensor]:
    """(row, col, unit vectors (m, E)) for the valid lattice pixels of some rows.

    A pixel is on the lattice when its row and its column in the scene are multiples of `stride`. The front end runs
    once a pixel and size of rectangle, not once a patch; the numbers are those of patch-by-patch evaluation. One
    member's map of one modality is in memory at a time, so that strips stay wide against their margins.
    `done(fraction)` is told after every chunk.
    """
    channels, valid = inputs.window(rows, slice(0, inputs.scene.shape[1]), which.radius)
    mask = to_device(valid, device)
    inside = inputs.scene.valid[rows]
    on = np.zeros(inside.shape, dtype=bool)
    on[(-rows.start) % stride :: stride, ::stride] = True
    r, c = np.nonzero(on & inside)
    down = torch.as_tensor(r + which.radius, device=device)
    right = torch.as_tensor(c + which.radius, device=device)
    size = chunk_size(CHUNK_TOKENS // (1 + len(which)), device)
    # A look of a member: class tokens (m, D) of each modality.
    summaries: list[list[Tensor]] = [[] for _ in image.sides]
    apart: list[list[Tensor]] = [[] for _ in image.sides]
    parts = len(channels) * len(summaries)
    for number, values in enumerate(channels):
        pooled = pooled_maps(to_device(values, device), mask, which)
        for member, side in enumerate(image.sides):
            front, encoder = cast(ImageSide, side).fronts[number], cast(ImageSide, side).encoder
            before = number * len(summaries) + member
            maps = []
            for one in pooled:
                check()
                maps.append(front(one))

            def run(
                at: slice,
                maps: list[Tensor] = maps,
                encoder: ClassTokenEncoder = encoder,
                before: int = before,
            ) -> Tensor:
                check()
                done((before + at.start / max(r.size, 1)) / parts)
                t = torch.zeros(at.stop - at.start, dtype=torch.long, device=device)
                tokens = gather(maps, down[at], right[at], which)
                looks = [encoder.summary(tokens, t)]
                if image.centre is not None:
                    (own,), place = only([tokens], image.centre)
                    looks.append(encoder.summary(own, t, place))
                return torch.cat(looks, dim=1)

            both, width = in_chunks(r.size, size, run), encoder.cls.shape[2]
            summaries[member].append(both[:, :width])
            apart[member].append(both[:, width:])
    looks = [*summaries, *(apart if image.centre is not None else [])]
    sides = [cast(ImageSide, side) for side in image.sides] * (len(looks) // len(summaries))
    vectors = [side.joint(own) for side, own in zip(sides, looks, strict=True)]
    return r + rows.start, c, joined(vectors)
