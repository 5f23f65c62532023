"""What `diffclip` makes of labels and prompts: sentences a class, tokens or vectors of them, a check of labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hsi_studio.errors import BadRequest
from hsi_studio.methods.common.kernel_head import kernel, solve, thin
from hsi_studio.methods.contract import Context
from hsi_studio.methods.diffclip.params import DiffClipParams
from hsi_studio.types import ClassSchema, FloatArray, PromptSet

if TYPE_CHECKING:
    from hsi_studio.methods.diffclip.finetune import ClassSource

CONTEXT = 77  # tokens a sentence at most
LOO_WIDTH, LOO_RIDGE, MAX_LOO = 2.0, 0.02, 2500  # of the least-squares check of the labels


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


def class_source(schema: ClassSchema, prompts: PromptSet, params: DiffClipParams, ctx: Context) -> ClassSource:
    """What the class side is trained from, on the device."""
    import torch

    from hsi_studio.methods.diffclip.finetune import ClassSource

    if not params.use_text:
        return ClassSource(len(schema), {})
    sentences, weights = class_sentences(schema, prompts, params.template)
    tensors = {"mean": torch.tensor(weights, device=ctx.device)}
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


def label_check(
    tokens: list[npt.NDArray[np.float32]],
    areas: FloatArray,
    near: npt.NDArray[np.bool_],
    label: npt.NDArray[np.int64],
    classes: int,
) -> npt.NDArray[np.int64]:
    """(N,) leave-one-out class of least squares on patch means, which turning leaves alone.

    Two means: of the innermost tokens `near` (T,) and of the whole patch. `tokens`: (N, T, C_m) a modality.
    Labels beyond MAX_LOO are told by a solution they took no part in.
    """
    weights = areas / areas.sum()
    parts = [np.concatenate([x[:, near].mean(axis=1), np.einsum("ntc,t->nc", x, weights)], axis=1) for x in tokens]
    features = np.concatenate(parts, axis=1).astype(np.float32)
    spread = float(np.sqrt(features.var(axis=0).sum()))
    features /= spread if spread > 0 else 1.0
    kept = thin(label, MAX_LOO)
    gram = kernel(features[kept], features[kept], LOO_WIDTH).astype(np.float64)
    head = solve(gram, label[kept], classes, LOO_RIDGE)
    out: npt.NDArray[np.int64] = (kernel(features, features[kept], LOO_WIDTH) @ head.dual).argmax(axis=1)
    out[kept] = head.left_out_scores().argmax(axis=1)
    return out
