"""DiffCLIP stage 2: few-shot fine-tuning against the embeddings of class prompts (AAAI 2025, eq. 10–16).

What differs, and why (each can be set back; preset `paper`):
- targets by class: every pixel of a class is a positive of its prompt, so a class that repeats in a batch makes no
  false negative; the K prompts are encoded once a step, not once a sample;
- the temperature is learned within 0.01 … 1;
- a batch is drawn from all labels with small noise (t ≤ `noise_steps`), mixed within classes, with tokens left out:
  with 2 labels a class the network otherwise learns the patches by heart;
- the weights' moving average after the last step is kept. No pixel beyond the labels is looked at, so none selects;
- a cosine learning rate and at least `min_steps` steps, since few labels make short epochs.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import cast

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from hsi_studio.methods.common.nn.layers import build
from hsi_studio.methods.common.nn.resume import Loop, Parts, Watch
from hsi_studio.methods.common.nn.training import Average, Batches, optimiser, rate, set_rate
from hsi_studio.methods.contract import Fitted
from hsi_studio.methods.diffclip.diffusion import alpha_bar, noised, spread, take, visible
from hsi_studio.methods.diffclip.losses import class_contrast, pair_contrast
from hsi_studio.methods.diffclip.networks import ClassSide, ImageSide
from hsi_studio.methods.diffclip.params import DiffClipParams
from hsi_studio.methods.diffclip.patch_tokens import Layout, turned
from hsi_studio.methods.diffclip.text_transformer import TextTransformer

TEXT_HEADS = 8


@dataclass(frozen=True)
class ClassSource:
    """What class embeddings are made from: ids (S, L) and lengths (S,), or frozen vectors (S, D'), or nothing."""

    classes: int
    tensors: dict[str, Tensor]  # "ids", "lengths" | "frozen"; "mean" (K, S) unless without text
    vocabulary: int = 0
    context: int = 0
    notes: tuple[str, ...] = ()  # what class vectors were made from, for people

    @property
    def frozen_width(self) -> int:
        return int(self.tensors["frozen"].shape[1]) if "frozen" in self.tensors else 0


def new_class_side(source: ClassSource, params: DiffClipParams, device: str, generator: torch.Generator) -> ClassSide:
    """Untrained class side for a source; its temperature is set to the starting one."""

    def make() -> ClassSide:
        text = None
        if "ids" in source.tensors:
            text = TextTransformer(
                source.vocabulary, source.context, params.width, params.text_depth, TEXT_HEADS, params.width
            )
        return ClassSide(source.classes, params.width, text, source.frozen_width, params.centre_text)

    side = cast(ClassSide, build(make, device, generator))
    with torch.no_grad():
        side.scale.fill_(math.log(1.0 / params.temperature))
    side.scale.requires_grad_(params.learn_temperature)
    return side


class _Both(torch.nn.Module):
    def __init__(self, image: ImageSide, classes: ClassSide) -> None:
        super().__init__()
        self.image, self.classes = image, classes


@dataclass(frozen=True)
class Tuned:
    """After stage 2."""

    image: ImageSide
    prototypes: Tensor  # (K, E) unit vectors
    inverse_temperature: float
    losses: list[float]


@dataclass(frozen=True)
class Compared:
    """A batch against the classes."""

    loss: Tensor
    parts: dict[str, Tensor]  # what the loss is made of, if of more than one thing
    prototypes: Tensor  # (K, E)


def finetune(
    image: ImageSide,
    source: ClassSource,
    tokens: list[Tensor],
    label: Tensor,
    which: Layout,
    params: DiffClipParams,
    device: str,
    seed: int,
    progress: Callable[[float, float], None],
    watch: Watch | None = None,
    fitted: Callable[[Tuned], Fitted] | None = None,
    own_share: float = 0.5,
) -> Tuned:
    """Fine-tune `image` (changed in place) on tokens (N, T, C_m) with labels (N,) on the device.

    `own_share`: how much pixels without their patches count in the loss, where they are learned.
    `progress(fraction, last loss)` is called every step and may raise to stop. `watch`: see
    `methods/common/nn/resume.py`; `fitted` makes a model of a network as it is under way, for previews.
    """
    generator = torch.Generator().manual_seed(seed)
    on_device = torch.Generator(device=device).manual_seed(seed)
    both = _Both(image, new_class_side(source, params, device, generator))
    symmetries = torch.as_tensor(which.symmetries, device=device)
    middle, place = slice(which.centre, which.centre + 1), torch.tensor([[which.centre]], device=device)
    kept_signal = alpha_bar(params.diffusion_steps).to(device)
    n, T = tokens[0].shape[:2]
    a_epoch = math.ceil(n / params.batch)
    epochs = max(params.epochs, math.ceil(params.min_steps / a_epoch))
    steps = epochs * a_epoch
    same = label[:, None] == label[None, :]  # (N, N) who may be mixed with whom
    partner_weight = same.float()
    encoder_rate = params.encoder_rate if params.use_pretraining else 1.0
    kept_fronts = encoder_rate if params.keep_front_end else 1.0
    adam, rates = optimiser(
        [
            (image.encoder, params.lr * encoder_rate),
            (image.fronts, params.lr * kept_fronts),
            (image.head, params.lr),
            (both.classes, params.lr),
        ],
        params.weight_decay,
    )
    average = Average(both, params.average)
    deviations = [spread(x, params.noise_scale) for x in tokens]
    order = Batches(n, params.batch, generator)
    generators = {"batches": generator, "draws": on_device}
    loop = Loop(watch or Watch(), Parts(both, adam, generators, average, order), steps)

    def now(losses: list[float]) -> Tuned:
        """The averaged network, apart from the one that trains."""
        return _tuned(average, copy.deepcopy(both), source, losses)

    bf16 = device.startswith("cuda")
    for step in range(loop.first, steps):
        progress(step / steps, loop.loss)
        at = order.at(step).to(device)
        count = at.numel()
        turn = torch.randint(8 if params.augment else 1, (count,), generator=on_device, device=device)
        t = torch.randint(0, params.noise_steps + 1, (count,), generator=on_device, device=device)
        share = torch.ones(count, device=device)
        partner = at
        if params.mixing > 0:
            partner = torch.multinomial(partner_weight[at], 1, generator=on_device)[:, 0]
            drawn = torch.rand(count, generator=on_device, device=device)
            mixed = torch.rand(count, generator=on_device, device=device) < params.mixing
            share = torch.where(mixed, drawn, share)
        kept = None
        if params.dropped_tokens > 0 and T > 1:
            kept = visible(count, T, params.dropped_tokens, on_device, at.device)
        seen, alone = [], []
        for modality, deviation in zip(tokens, deviations, strict=True):
            x = modality[at]
            if params.mixing > 0:
                x = torch.lerp(modality[partner], x, share[:, None, None])
            x = turned(x, turn, symmetries)
            looks = [x if kept is None else take(x, kept), *([x[:, middle]] if params.alone else [])]
            if params.noise_steps > 0:
                looks = [noised(one, t, kept_signal, on_device, deviation) for one in looks]
            seen.append(looks[0])
            alone += looks[1:]
        set_rate(adam, rates, rate(params.schedule, step, steps))
        with torch.autocast(device.split(":")[0], torch.bfloat16, enabled=bf16):
            z, each = both.image(seen, t, kept), both.classes.sentences(source.tensors)
            apart = both.image(alone, t, place.expand(count, 1)) if params.alone else None
        compared = _compare(both.classes, source, z.float(), each.float(), label[at], params, on_device)
        if apart is not None:  # each pixel without its patch
            own = _compare(both.classes, source, apart.float(), each.float(), label[at], params, on_device)
            parts = {name: torch.lerp(part, own.parts[name], own_share) for name, part in compared.parts.items()}
            compared = replace(compared, loss=torch.lerp(compared.loss, own.loss, own_share), parts=parts)
        adam.zero_grad(set_to_none=True)
        compared.loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(both.parameters(), 1.0)
        adam.step()
        average.update(both)

        def values(compared: Compared = compared, z: Tensor = z, at: Tensor = at) -> dict[str, float]:
            right = (z.float() @ compared.prototypes.T).argmax(dim=1) == label[at]
            return {
                **{f"loss/{name}": float(part) for name, part in compared.parts.items()},
                "lr": max(group["lr"] for group in adam.param_groups),
                "temperature": 1.0 / float(both.classes.inverse_temperature()),
                "accuracy": float(right.float().mean()),
            }

        make = None if fitted is None else lambda: fitted(now(loop.losses()))
        loop.after(step, compared.loss, values, make)
    return _tuned(average, both, source, loop.losses())


def _tuned(average: Average, both: _Both, source: ClassSource, losses: list[float]) -> Tuned:
    """The averaged weights, put into `both`."""
    average.store(both)
    with torch.inference_mode():
        prototypes = both.classes(source.tensors).float().clone()
        scale = float(both.classes.inverse_temperature())
    return Tuned(both.image, prototypes, scale, losses)


def _compare(
    side: ClassSide,
    source: ClassSource,
    z: Tensor,
    each: Tensor,
    label: Tensor,
    params: DiffClipParams,
    generator: torch.Generator,
) -> Compared:
    """Image vectors z (n, E) and sentences (S, E) in float32: 1/τ up to 100 leaves nothing of 8 bits' cosines."""
    scale, prototypes = side.inverse_temperature(), side.averaged(each, source.tensors)
    if not params.use_text:
        return Compared(F.cross_entropy(scale * z @ prototypes.T, label), {}, prototypes)
    if params.loss == "class":
        both = class_contrast(z, prototypes, label, scale)
    else:  # one sentence a sample, drawn among its class's
        pick = torch.multinomial(source.tensors["mean"][label], 1, generator=generator)[:, 0]
        both = pair_contrast(z, each[pick], scale)
    return Compared(both.loss, {"to text": both.to_text, "to image": both.to_image}, prototypes)
