"""DiffCLIP stage 1: mask-diffusion pre-training on unlabelled patches (AAAI 2025, eq. 1–9).

A step: take a batch of patches, turn each (same turn for all modalities), mask a share of tokens in each modality,
noise the visible ones to a random step t of the chain, encode them, decode all tokens, compare with x_0.

Ablations: without diffusion t = 0 always (plain masked autoencoding); without mask every token is visible.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor

from hsi_studio.methods.common.nn.layers import build
from hsi_studio.methods.common.nn.resume import Loop, Parts, Watch
from hsi_studio.methods.common.nn.training import Average, Batches, optimiser, rate, set_rate, steps_in
from hsi_studio.methods.diffclip.diffusion import alpha_bar, noised, spread, take, visible
from hsi_studio.methods.diffclip.losses import predictability, reconstruction
from hsi_studio.methods.diffclip.networks import ImageSide, MaskDiffusion
from hsi_studio.methods.diffclip.params import DiffClipParams
from hsi_studio.methods.diffclip.patch_tokens import Layout, turned

MICRO_TOKENS = 8_000  # tokens through the network between two looks at cancel; gradients of a batch are summed


def new_image_side(
    channels: tuple[int, ...], tokens: int, params: DiffClipParams, device: str, generator: torch.Generator
) -> ImageSide:
    """An untrained image side."""

    def make() -> ImageSide:
        return ImageSide(channels, tokens, params.width, params.depth, params.heads)

    return cast(ImageSide, build(make, device, generator))


def pretrain(
    tokens: list[Tensor],
    which: Layout,
    params: DiffClipParams,
    device: str,
    progress: Callable[[float, float], None],
    watch: Watch | None = None,
) -> tuple[ImageSide, list[float]]:
    """Train on tokens (n, T, C_m) of each modality; returns the image side and the mean loss of every epoch.

    `progress(fraction, last loss)` is called every step and may raise to stop. `watch`: see
    `methods/common/nn/resume.py`.
    """
    generator = torch.Generator().manual_seed(params.pretrain_seed)
    on_device = torch.Generator(device=device).manual_seed(params.pretrain_seed)
    channels = tuple(x.shape[2] for x in tokens)
    n, T = tokens[0].shape[:2]
    net = cast(
        MaskDiffusion,
        build(
            lambda: MaskDiffusion(
                ImageSide(channels, T, params.width, params.depth, params.heads),
                channels,
                T,
                params.width,
                params.decoder_depth,
                params.heads,
            ),
            device,
            generator,
        ),
    )
    symmetries = torch.as_tensor(which.symmetries, device=device)
    kept_signal = alpha_bar(params.diffusion_steps).to(device)
    ratio = params.mask_ratio if params.use_mask else 0.0
    steps = steps_in(n, params.pretrain_batch, params.pretrain_epochs)
    adam, rates = optimiser([(net, params.pretrain_lr)], params.weight_decay)
    average = Average(net, params.average)
    weights = [predictability(x) if params.weigh_channels else None for x in tokens]
    deviations = [spread(x, params.noise_scale) for x in tokens]
    order = Batches(n, params.pretrain_batch, generator)
    generators = {"batches": generator, "draws": on_device}
    loop = Loop(watch or Watch(), Parts(net, adam, generators, average, order), steps)
    bf16 = device.startswith("cuda")
    micro = max(16, MICRO_TOKENS // T)
    for step in range(loop.first, steps):
        index = order.at(step)
        set_rate(adam, rates, rate("cosine", step, steps))
        adam.zero_grad(set_to_none=True)
        parts = torch.zeros(len(tokens), device=device)  # a modality
        for part in torch.split(index, micro):
            progress(step / steps, loop.loss)
            at, count = part.to(device), part.numel()
            turn = torch.randint(8 if params.augment else 1, (count,), generator=on_device, device=device)
            t = torch.randint(1, params.diffusion_steps + 1, (count,), generator=on_device, device=device)
            if not params.use_diffusion:
                t = torch.zeros_like(t)
            clean, seen, places = [], [], []
            for modality, deviation in zip(tokens, deviations, strict=True):
                x0 = turned(modality[at], turn, symmetries)
                kept = visible(count, T, ratio, on_device, x0.device)
                clean.append(x0)
                seen.append(noised(take(x0, kept), t, kept_signal, on_device, deviation))
                places.append(kept)
            with torch.autocast(device.split(":")[0], torch.bfloat16, enabled=bf16):
                predicted = net(seen, t, places)
            own = torch.stack(
                [reconstruction(p.float(), x0, w) for p, x0, w in zip(predicted, clean, weights, strict=True)]
            )
            share = count / index.numel()
            (own.mean() * share).backward()  # type: ignore[no-untyped-call]
            parts += own.detach() * share
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        adam.step()
        average.update(net)

        def values(parts: Tensor = parts) -> dict[str, float]:
            each = parts.tolist() if len(tokens) > 1 else []
            return {
                "lr": adam.param_groups[0]["lr"],
                **{f"loss/modality {number}": value for number, value in enumerate(each, start=1)},
            }

        loop.after(step, parts.mean(), values)
    losses = loop.losses()
    average.store(net)
    per_epoch = steps // params.pretrain_epochs
    means = [sum(losses[i : i + per_epoch]) / per_epoch for i in range(0, len(losses), per_epoch)]
    return net.image, means
