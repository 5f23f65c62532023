"""Every dial of `diffclip`, its presets (`fast` = the defaults, `clip`, `paper`, …), ablations, the work of a run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from hsi_studio.methods.common.label_head import ClosedForm
from hsi_studio.methods.common.material_anchors import Anchors
from hsi_studio.methods.common.work import (
    SENTENCES,
    TEXT_TOKENS,
    Shape,
    Work,
    around_labels,
    transformer,
    transformer_mb,
)
from hsi_studio.methods.contract import MOST_SEED, Params, TextModel

LARGE_SCENE = 300_000  # pixels


class DiffClipParams(Params):
    """Defaults are the fast preset; see `PRESETS` for the paper's settings and what each ablation changes."""

    groups: ClassVar[dict[str, str]] = {
        "inputs": "Patches", "width": "Network", "use_pretraining": "Stage 1: pre-training",
        "use_text": "Stage 2: classes and prompts", "members": "Stage 2: training", "stride": "Map",
    }  # fmt: skip

    added: ClassVar[Mapping[str, Any]] = {
        "axes": "mnf", "weighting": "equal", "noise_scale": "unit", "anchors": "text", "alone": False,
        "closed_form": "off",
    }  # fmt: skip

    # what a patch is
    inputs: Literal["components", "bands"] = Field(
        "components",
        description="Spectral channels: components, or every band scaled robustly (the paper)",
    )
    components: int = Field(40, ge=1, le=100, description="Components kept when inputs are components")
    axes: Literal["auto", "pca", "mnf"] = Field(
        "auto", description="Spectral components: principal (pca), noise-whitened (mnf), or by how noisy the scene is"
    )
    weighting: Literal["root", "signal", "equal"] = Field(
        "root",
        description="Size of noise-whitened components: root = the fourth root of their ratio of variance to noise, "
        "signal = their signal in units of the noise, equal = all the same",
    )
    use_dsm: bool = Field(True, description="Use the surface model where the scene has one")
    patch: int = Field(11, ge=1, le=31, description="Side of a patch in pixels, odd")
    tokens: Literal["foveated", "pixels"] = Field(
        "foveated", description="Foveated: averages away from the centre, 5 times fewer tokens; pixels: the paper"
    )
    # the network
    width: int = Field(128, ge=16, le=512, multiple_of=8, description="Width of tokens and of the shared embedding")
    depth: int = Field(4, ge=1, le=12, description="Blocks of the encoder")
    heads: int = Field(8, ge=1, le=16, description="Attention heads; must divide the width")
    # stage 1
    use_pretraining: bool = Field(True, description="Stage 1; off = the CLIP baseline of the paper")
    use_diffusion: bool = Field(True, description="Noise on the visible tokens in stage 1; off = plain masking")
    use_mask: bool = Field(True, description="Masking in stage 1; off = plain denoising")
    mask_ratio: float = Field(0.7, ge=0.0, le=0.95, description="Share of tokens masked in each modality")
    unlabelled: int = Field(700, ge=8, le=100_000, description="Unlabelled patches drawn from the valid scene")
    pretrain_epochs: int = Field(30, ge=1, le=1000, description="Passes over the unlabelled patches")
    pretrain_batch: int = Field(256, ge=8, le=4096, description="Patches a step in stage 1")
    pretrain_lr: float = Field(1e-3, gt=0, le=0.1, description="Learning rate of stage 1")
    decoder_depth: int = Field(1, ge=1, le=8, description="Blocks of each modality's decoder (the paper: 3)")
    weigh_channels: bool = Field(
        True, description="Stage 1 counts each channel by how much of it a patch's other tokens can tell; off = equally"
    )
    pretrain_seed: int = Field(
        0, ge=0, le=MOST_SEED, description="Seed of stage 1; its own, so that one encoder serves every draw"
    )
    diffusion_steps: int = Field(1000, ge=2, le=4000, description="Length T of the noising chain")
    noise_scale: Literal["channel", "unit"] = Field(
        "channel",
        description="Noise of both stages: in deviations of each channel, or of deviation 1 in all (the paper)",
    )
    keep_front_end: bool = Field(
        True, description="Fine-tuning starts from the pre-trained linear projection; off = a new one, as in the paper"
    )
    # stage 2
    use_text: bool = Field(True, description="Class embeddings from prompts; off = a linear head")
    template: str = Field(
        "a multimodal fusion patch of a {class} with strong semantic information.",
        max_length=500,
        description="Sentence for classes without prompts of their own; {class} becomes the name",
    )
    text_encoder: TextModel = Field(
        "scratch", description="scratch = a small transformer trained here (the paper); else a frozen sentence encoder"
    )
    anchors: Anchors = "text"
    tokenizer: Literal["wordpiece", "clip"] = Field(
        "wordpiece", description="How prompts are cut for the transformer trained here"
    )
    tokenizer_source: TextModel | None = Field(None, description="Hub id or folder of it; empty = the embedded one")
    centre_text: bool = Field(True, description="Take off what all class prompts share (a template's words)")
    text_depth: int = Field(3, ge=1, le=12, description="Layers of the text transformer")
    loss: Literal["class", "pairs"] = Field(
        "class", description="class: all pixels of a class are positives; pairs: the paper's literal diagonal form"
    )
    members: int = Field(2, ge=1, le=10, description="Networks fine-tuned from different starts, then averaged")
    epochs: int = Field(60, ge=1, le=2000, description="Passes over the labels in stage 2")
    min_steps: int = Field(200, ge=1, le=10_000, description="Steps of stage 2 at least, however few the labels")
    batch: int = Field(64, ge=2, le=4096, description="Labelled patches a step in stage 2")
    lr: float = Field(1e-3, gt=0, le=0.1, description="Learning rate of stage 2")
    encoder_rate: float = Field(
        1.0, gt=0, le=1, description="Learning rate of a pre-trained encoder as a share of that of new parts"
    )
    schedule: Literal["cosine", "step", "constant"] = Field("cosine", description="Learning-rate curve of stage 2")
    weight_decay: float = Field(1e-2, ge=0, le=1, description="Weight decay of both stages")
    average: float = Field(0.98, ge=0, lt=1, description="Decay of the averaged weights; 0 = the last weights")
    noise_steps: int = Field(100, ge=0, le=4000, description="Largest diffusion step drawn in stage 2; 0 = no noise")
    augment: bool = Field(True, description="Flips and quarter turns, the same for all modalities")
    mixing: float = Field(0.3, ge=0, le=1, description="Share of patches mixed with another of their class")
    alone: bool = Field(
        True, description="Learn pixels without their patches as well, and map by a mixture of both (not in the paper)"
    )
    dropped_tokens: float = Field(0.3, ge=0, le=0.9, description="Share of tokens left out at random in stage 2")
    temperature: float = Field(0.07, gt=0, le=10, description="Temperature τ at the start")
    learn_temperature: bool = Field(True, description="τ is learned, within 0.01 … 1; off = fixed")
    # the map
    stride: int = Field(
        0,
        ge=0,
        le=8,
        description="Every n-th pixel is classified, the rest follow within edges; 1 = every pixel, 0 = 2, or 3 for "
        "scenes of more than 300,000 pixels",
    )
    smoothing: int = Field(30, ge=0, le=200, description="Steps of edge-preserving diffusion of the class scores")
    edge_strength: float = Field(4.0, gt=0, le=50, description="How much smoothing passes an edge: larger = more")
    closed_form: ClosedForm = "auto"

    @model_validator(mode="after")
    def _fits_together(self) -> DiffClipParams:
        if self.patch % 2 == 0:
            raise ValueError(f"patch is {self.patch}: choose an odd side, so that a pixel is in its middle")
        if self.width % self.heads:
            raise ValueError(f"heads is {self.heads}, which does not divide a width of {self.width}")
        if self.noise_steps > self.diffusion_steps:
            raise ValueError(f"noise_steps is {self.noise_steps}, the chain has {self.diffusion_steps}")
        return self

    def stride_on(self, pixels: int) -> int:
        """The stride for a scene of that many pixels."""
        return self.stride or (3 if pixels > LARGE_SCENE else 2)

    @staticmethod
    def preset(name: str) -> DiffClipParams:
        """One of `PRESETS`. Raises KeyError."""
        return DiffClipParams.model_validate(PRESETS[name])


PAPER: dict[str, Any] = {
    "members": 1,
    "inputs": "bands",
    "tokens": "pixels",
    "noise_scale": "unit",
    "keep_front_end": False,
    "pretrain_epochs": 100,
    "pretrain_lr": 1e-4,
    "decoder_depth": 3,
    "weigh_channels": False,
    "epochs": 150,
    "min_steps": 1,
    "lr": 1e-4,
    "schedule": "step",
    "weight_decay": 1e-5,
    "average": 0.0,
    "noise_steps": 0,  # stage 2 sees clean patches, in the paper's figures and in its code
    "augment": True,
    "mixing": 0.0,
    "dropped_tokens": 0.0,
    "alone": False,
    "loss": "pairs",
    "centre_text": False,
    "stride": 1,
    "smoothing": 0,
    "closed_form": "off",
}

PRESETS: dict[str, dict[str, Any]] = {
    "fast": {},
    "clip": {"use_pretraining": False},  # the same network without stage 1
    "inductive": {"stride": 1, "smoothing": 0},  # no unlabelled pixel takes part in the map
    "paper": PAPER,
    "no text": {"use_text": False},
    "no diffusion": {"use_diffusion": False},
    "no mask": {"use_mask": False},
}

ABLATIONS: dict[str, dict[str, Any]] = {
    "pre-training": PRESETS["clip"],
    "diffusion": {"use_pretraining": True, **PRESETS["no diffusion"]},
    "masking": {"use_pretraining": True, **PRESETS["no mask"]},
    "text": PRESETS["no text"],
    "edge smoothing": {"smoothing": 0},
}

EFFORTS: dict[str, dict[str, Any]] = {
    "fast": {"pretrain_epochs": 10, "members": 1, "min_steps": 120, "stride": 3},
    "thorough": {
        "pretrain_epochs": 100,
        "unlabelled": 1500,
        "members": 4,
        "epochs": 120,
        "min_steps": 400,
        "stride": 1,
    },
}

QUICK_PACE: dict[str, Any] = {
    "use_pretraining": False, "members": 1, "epochs": 20, "min_steps": 80, "stride": 3,
}  # fmt: skip


def memory_mb(p: Mapping[str, Any], labels: int) -> float:
    """MiB of a batch, the larger of both stages."""
    side, width, depth = int(p["patch"]), int(p["width"]), int(p["depth"])
    tokens = side**2 if p["tokens"] == "pixels" or side <= 3 else 9 + 8 * min(2, side // 2 - 1)
    first = min(int(p["pretrain_batch"]), int(p["unlabelled"])) if p["use_pretraining"] else 0
    return transformer_mb(max(first, min(int(p["batch"]), labels)), tokens, width, depth)


def work(p: Mapping[str, Any], shape: Shape, labels: int, classes: int) -> dict[str, Work]:
    """Of both stages and the map, by phase."""
    pixels, width, depth, side = shape[0] * shape[1], int(p["width"]), int(p["depth"]), int(p["patch"])
    tokens = side**2 if p["tokens"] == "pixels" or side <= 3 else 9 + 8 * min(2, side // 2 - 1)
    channels = int(p["components"]) if p["inputs"] == "components" else shape[2]
    read = 2 * pixels * shape[2] * channels / 1e9
    prepare = (20 * read, 100.0)
    if p["use_pretraining"]:
        count = min(int(p["unlabelled"]), pixels)
        batch = min(int(p["pretrain_batch"]), count)
        steps = math.ceil(count / batch) * int(p["pretrain_epochs"])
        seen = tokens * (1 - float(p["mask_ratio"])) if p["use_mask"] else tokens
        one = transformer(seen, width, depth) + transformer(tokens, width, int(p["decoder_depth"]))
        prepare = (prepare[0] + 3 * steps * batch * one, prepare[1] + steps * 40.0 * (depth + int(p["decoder_depth"])))
    batch = min(int(p["batch"]), labels)
    per_epoch = math.ceil(labels / max(batch, 1))
    steps = max(int(p["epochs"]), math.ceil(int(p["min_steps"]) / per_epoch)) * per_epoch * int(p["members"])
    own = transformer(1, width, depth) if p.get("alone") else 0.0  # the middle token by itself
    image = batch * (transformer(tokens * (1 - float(p["dropped_tokens"])), width, depth) + own)
    text = 0.0
    if p["use_text"] and p["text_encoder"] == "scratch" and p.get("anchors", "text") == "text":
        text = classes * SENTENCES * transformer(TEXT_TOKENS, width, int(p["text_depth"]))
    fit = (3 * steps * (image + text), steps * 40.0 * (depth + int(p["text_depth"])))
    stride = int(p["stride"]) or (3 if pixels > 300_000 else 2)
    mapped = pixels / stride**2 * int(p["members"]) * (transformer(tokens, width, depth) + own)
    smooth = pixels * classes * int(p["smoothing"]) * 20 / 1e9
    both = around_labels(p, shape, labels, fit, (mapped, pixels / stride**2 / 10))
    return {"prepare": prepare, "fit": both["fit"], "predict": (both["predict"][0] + smooth, both["predict"][1])}
