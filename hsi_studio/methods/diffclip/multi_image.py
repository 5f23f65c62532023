"""DiffCLIP on a collection: several images a sample (MRNet: planes of a knee), one label a sample.

Source: Zhang, Cao et al., AAAI 2025, which runs the same network on MRNet (N. Bien et al., PLOS Medicine 15(11),
2018, doi:10.1371/journal.pmed.1002699) and reports accuracy, AUC, sensitivity and specificity.
Same code as for scenes: a plane is a modality, its tokens are the cells of a G×G grid (G = `params.patch`), a cell's
pixels are its channels. Stage 1 takes all samples' images without labels, stage 2 the labelled ones.
What differs from scenes: no flips or turns (left and right mean something in a body), no map, no smoothing.

Axis letters: N samples, M planes, K classes; images are (N, h, w) a plane.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hsi_studio.errors import BadRequest, SceneMismatch, TooFewLabels
from hsi_studio.methods.common.state import load_network
from hsi_studio.methods.contract import Context, State
from hsi_studio.methods.diffclip.class_text import class_source
from hsi_studio.methods.diffclip.method import load_encoder_weights
from hsi_studio.methods.diffclip.params import DiffClipParams
from hsi_studio.types import ClassSchema, FloatArray, Progress, PromptSet

if TYPE_CHECKING:
    import torch

    from hsi_studio.methods.diffclip.networks import ImageSide

NAME = "diffclip_images"
VERSION = 1  # raise when a saved network would give other numbers
MAX_CELL = 16  # pixels a cell's side at most; larger images are averaged down to G · MAX_CELL pixels


@dataclass(frozen=True)
class PairsFitted:
    """A network fitted on a collection."""

    schema: ClassSchema
    image: ImageSide
    prototypes: FloatArray  # (K, E)
    inverse_temperature: float
    centre: FloatArray  # (M,) per plane
    scale: FloatArray  # (M,)
    grid: int
    device: str
    params: DiffClipParams
    cell: int  # pixels a side that one token stands for, after averaging
    notes: tuple[str, ...] = ()  # what the classes' vectors were made from, for people

    def state(self) -> State:
        """Arrays and a JSON header from which `pairs_from_state` makes the same probabilities."""
        arrays = {f"net.{name}": value.detach().cpu().numpy() for name, value in self.image.state_dict().items()}
        arrays |= {"prototypes": self.prototypes, "centre": self.centre, "scale": self.scale}
        header = {
            "method": NAME,
            "version": VERSION,
            "params": self.params.model_dump(mode="json"),
            "cell": self.cell,
            "bands": int(self.centre.size),
            "inverse_temperature": self.inverse_temperature,
            "classes": self.schema.to_json(),
        }
        return State(arrays, header)

    def predict(self, planes: list[FloatArray]) -> FloatArray:
        """M arrays (n, h, w) → (n, K) probabilities. t = 0: the same images always give the same numbers."""
        import torch

        from hsi_studio.methods.common.nn.memory import chunk_size, in_chunks
        from hsi_studio.methods.diffclip.networks import CHUNK_TOKENS

        tokens = _tokens(planes, self.centre, self.scale, self.grid)

        def some(at: slice) -> torch.Tensor:
            x = [torch.tensor(v[at], device=self.device) for v in tokens]
            z = self.image(x, torch.zeros(x[0].shape[0], dtype=torch.long, device=self.device))
            logits = self.inverse_temperature * z @ torch.tensor(self.prototypes, device=self.device).T
            found: torch.Tensor = logits.softmax(dim=1)
            return found

        size = chunk_size(CHUNK_TOKENS // (1 + tokens[0].shape[1]), self.device)
        with torch.inference_mode():
            out: FloatArray = in_chunks(tokens[0].shape[0], size, some).cpu().numpy()
        return out


def fit_pairs(
    planes: list[FloatArray],
    label: npt.NDArray[np.int64],
    schema: ClassSchema,
    prompts: PromptSet,
    params: DiffClipParams,
    ctx: Context,
) -> PairsFitted:
    """Pre-train on all samples (label −1 = not labelled), fine-tune on the labelled ones.

    `planes`: M arrays (N, h, w), the same N; `label` (N,) class index or −1. Raises TooFewLabels, BadRequest (planes
    that do not fit together), Cancelled.
    """
    import torch

    from hsi_studio.methods.common.nn.resume import Watch, fingerprint
    from hsi_studio.methods.diffclip.finetune import finetune
    from hsi_studio.methods.diffclip.patch_tokens import layout
    from hsi_studio.methods.diffclip.pretrain import new_image_side, pretrain

    sizes = {plane.shape[0] for plane in planes}
    if not planes or sizes != {label.size}:
        raise BadRequest(f"{label.size} labels and planes of {sorted(sizes)} samples: every sample needs every plane.")
    known = np.flatnonzero(label >= 0)
    missing = [c.name for k, c in enumerate(schema.classes) if not (label == k).any()]
    if missing or len(schema) < 2:
        raise TooFewLabels(f"No sample of {', '.join(missing) or 'a second class'} is labelled: label one.")
    params = params.model_copy(update={"augment": False, "alone": False})
    centre = np.array([float(np.median(plane)) for plane in planes], dtype=np.float32)
    scale = np.array([max(float(plane.std()), 1e-6) for plane in planes], dtype=np.float32)
    tokens = [torch.tensor(x, device=ctx.device) for x in _tokens(planes, centre, scale, params.patch)]
    which = layout("pixels", params.patch)  # a cell stands where a pixel stands in a patch

    def report(message: str, start: float) -> Any:
        def tell(fraction: float, loss: float) -> None:
            ctx.check()
            ctx.progress(Progress(message, start + 0.5 * fraction, 1.0))

        return tell

    def key() -> str:
        values, kind = params.model_dump(mode="json"), ctx.device.split(":")[0]
        return fingerprint("pairs", values, ctx.seed, kind, label, source.tensors, *tokens)

    source = class_source(schema, prompts, params, ctx)
    generator = torch.Generator().manual_seed(ctx.seed)
    image = new_image_side(tuple(x.shape[2] for x in tokens), len(which), params, ctx.device, generator)
    if params.use_pretraining:
        told = report("Pre-training on all images", 0.0)
        taught, _ = pretrain(tokens, which, params, ctx.device, told, Watch(ctx, "pretrain", key))
        load_encoder_weights(image, {k: v.cpu().numpy() for k, v in taught.state_dict().items()}, params.keep_front_end)
    at = torch.as_tensor(known, device=ctx.device)
    target = torch.as_tensor(label[known], device=ctx.device)
    some, told = [x[at] for x in tokens], report("Fine-tuning", 0.5)
    watch = Watch(ctx, "finetune", key)
    tuned = finetune(image, source, some, target, which, params, ctx.device, ctx.seed, told, watch)
    return PairsFitted(
        schema, tuned.image, tuned.prototypes.cpu().numpy(), tuned.inverse_temperature, centre, scale, params.patch,
        ctx.device, params, math.isqrt(tokens[0].shape[2]), source.notes,
    )  # fmt: skip


def pairs_from_state(state: State, ctx: Context) -> PairsFitted:
    """A network as it was saved, on `ctx.device`. Raises SceneMismatch for one of another version."""
    from hsi_studio.methods.diffclip.networks import ImageSide

    header, arrays = state.header, state.arrays
    if header["version"] != VERSION:
        raise SceneMismatch(
            f"The model was made with version {header['version']} of {NAME}, this program has {VERSION}: retrain."
        )
    params, cell = DiffClipParams.model_validate(header["params"]), int(header["cell"])
    channels = (cell * cell,) * int(arrays["centre"].size)

    def make() -> ImageSide:
        return ImageSide(channels, params.patch**2, params.width, params.depth, params.heads)

    return PairsFitted(
        ClassSchema.from_json(state.header["classes"]), load_network(make, state, ctx.device), arrays["prototypes"],
        float(header["inverse_temperature"]), arrays["centre"], arrays["scale"], params.patch, ctx.device, params, cell,
    )  # fmt: skip


def _tokens(planes: list[FloatArray], centre: FloatArray, scale: FloatArray, grid: int) -> list[FloatArray]:
    """(N, G², cell²) a plane: the image averaged to G · c pixels a side, c ≤ MAX_CELL, then cut into cells of c × c."""
    import torch
    import torch.nn.functional as F  # noqa: N812

    out = []
    for plane, middle, spread in zip(planes, centre, scale, strict=True):
        n, h, w = plane.shape
        if min(h, w) < grid:
            raise BadRequest(f"Images of {h} × {w} pixels cannot be cut into {grid} × {grid} cells: lower `patch`.")
        cell = max(1, min(MAX_CELL, min(h, w) // grid))
        x = torch.tensor((plane - middle) / spread, dtype=torch.float32, device="cpu")[:, None].clamp(-6, 6)
        x = F.adaptive_avg_pool2d(x, grid * cell)[:, 0]
        x = x.view(n, grid, cell, grid, cell).transpose(2, 3).reshape(n, grid * grid, cell * cell)
        out.append(x.numpy())
    return out
