"""What `diffclip` makes of labels and prompts: sentences a class, tokens or vectors of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hsi_studio.errors import BadRequest
from hsi_studio.methods.contract import Context
from hsi_studio.methods.diffclip.params import DiffClipParams
from hsi_studio.types import ClassSchema, PromptSet

if TYPE_CHECKING:
    from hsi_studio.methods.diffclip.finetune import ClassSource

CONTEXT = 77  # tokens a sentence at most


def class_sentences(
    schema: ClassSchema, prompts: PromptSet, template: str
) -> tuple[list[str], npt.NDArray[np.float32]]:
    """All sentences, and (K, S) weights that average each class's. Classes without any get the template."""
    if "{class}" not in template:
        raise BadRequest(f"The template {template!r} has no {{class}}: put it where the class name belongs.")
    sentences: list[str] = []
    owner: list[int] = []
    for k, info in enumerate(schema.classes):
        for sentence in prompts.sentences.get(info.id) or (template.replace("{class}", info.name),):
            sentences.append(sentence)
            owner.append(k)
    weights = np.zeros((len(schema), len(sentences)), dtype=np.float32)
    weights[owner, np.arange(len(sentences))] = 1.0
    return sentences, weights / weights.sum(axis=1, keepdims=True)


def class_source(
    schema: ClassSchema,
    prompts: PromptSet,
    params: DiffClipParams,
    ctx: Context,
    wavelength_nm: npt.NDArray[np.float32] | None = None,
) -> ClassSource:
    """What the class side is trained from, on the device. With anchors of materials one frozen vector a class, whose
    sentences go through a frozen encoder: the embedded one where `text_encoder` says "scratch"."""
    import torch

    from hsi_studio.methods.diffclip.finetune import ClassSource

    if not params.use_text:
        return ClassSource(len(schema), {})
    sentences, weights = class_sentences(schema, prompts, params.template)
    tensors = {"mean": torch.tensor(weights, device=ctx.device)}
    if params.anchors != "text":
        from hsi_studio.methods.common.material_anchors import class_vectors
        from hsi_studio.text.encoders import get_encoder
        from hsi_studio.text.model_files import EMBEDDED

        frozen = EMBEDDED if params.text_encoder == "scratch" else params.text_encoder
        each = weights @ get_encoder(frozen, ctx.cache_dir).encode(sentences)  # (K, D')
        each /= np.linalg.norm(each, axis=1, keepdims=True)
        made = class_vectors(params.anchors, schema, prompts, each, wavelength_nm, ctx.cache_dir)
        tensors["mean"] = torch.eye(len(schema), device=ctx.device)
        tensors["frozen"] = torch.tensor(made.vectors, device=ctx.device)
        return ClassSource(len(schema), tensors, notes=made.notes)
    if params.text_encoder != "scratch":
        from hsi_studio.text.encoders import get_encoder

        vectors = get_encoder(params.text_encoder, ctx.cache_dir).encode(sentences)  # (S, D')
        tensors["frozen"] = torch.tensor(vectors, device=ctx.device)
        return ClassSource(len(schema), tensors)
    from hsi_studio.text.tokens import token_set

    tokens = token_set(sentences, params.tokenizer, params.tokenizer_source, CONTEXT)
    tensors["ids"] = torch.tensor(tokens.ids, device=ctx.device)
    tensors["lengths"] = torch.tensor(tokens.lengths, device=ctx.device)
    return ClassSource(len(schema), tensors, len(tokens.vocabulary), CONTEXT)
