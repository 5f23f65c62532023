"""How token states become one vector a sentence, and how a model says which way is its own.

Sources: sentence-transformers' `1_Pooling/config.json` and `modules.json` (N. Reimers, I. Gurevych, EMNLP 2019,
arXiv 1908.10084); CLIP projects the state at the end token (A. Radford et al., ICML 2021, arXiv 2103.00020); BGE takes
the first token (S. Xiao et al., "C-Pack", SIGIR 2024, arXiv 2309.07597); S3FN averages the states of the label's
own tokens (Islam et al. 2025, arXiv 2510.07556).

Notation: n sentences, L tokens, D dimensions; mask 1 = a token, 0 = padding.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hsi_studio.errors import BadRequest
from hsi_studio.text.model_files import ModelFolder

POOLINGS = ("mean", "cls", "max", "lasttoken", "mean_sqrt_len_tokens", "eos")
LEGACY = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
CLIP_KINDS = {"clip", "clip_text_model"}


def choose_pooling(model: ModelFolder) -> str:
    """The model's own pooling: its configuration first, then what its family is known for.

    Raises BadRequest for a pooling, or a layer after it, that this program does not have.
    """
    if model.kind in CLIP_KINDS:
        return "eos"
    modules = model.json("modules.json") or []
    last = [str(m.get("type", "")).rsplit(".", 1)[-1] for m in modules]
    extra = [name for name in last if name not in {"Transformer", "Pooling", "Normalize"}]
    if extra:
        raise BadRequest(
            f"{model.name} has a {extra[0]} layer after its pooling, which this program does not apply: take a model "
            "with Transformer, Pooling and Normalize alone, such as BAAI/bge-large-en-v1.5."
        )
    stated = _stated(model.json("1_Pooling/config.json"))
    if stated:
        if len(stated) > 1 or stated[0] not in POOLINGS:
            raise BadRequest(
                f"{model.name} pools by {' + '.join(stated)}, this program by one of: {', '.join(POOLINGS)}. "
                "Choose a pooling yourself, or take another model."
            )
        return stated[0]
    return "cls" if "bge-" in model.path.name.lower() or "bge-" in model.name.lower() else "mean"


def _stated(config: Any) -> list[str]:
    if not isinstance(config, dict):
        return []
    mode = config.get("pooling_mode")
    if isinstance(mode, str):
        return [mode]
    if isinstance(mode, list):
        return [str(m) for m in mode]
    return [name for key, name in LEGACY.items() if config.get(key)]


def pool(states: Any, mask: Any, pooling: str) -> Any:
    """torch (n, L, D) states and (n, L) mask → (n, D). "eos" never comes here: CLIP pools inside."""
    weight = mask.unsqueeze(-1).to(states.dtype)  # (n, L, 1)
    if pooling == "cls":
        return states[:, 0]
    if pooling == "lasttoken":
        last = mask.shape[1] - 1 - mask.flip(1).argmax(dim=1)  # (n,) works for padding on either side
        return states[last.new_tensor(range(states.shape[0])), last]
    if pooling == "max":
        return states.masked_fill(weight == 0, float("-inf")).max(dim=1).values
    count = weight.sum(dim=1).clamp(min=1)
    total = (states * weight).sum(dim=1)
    return total / count.sqrt() if pooling == "mean_sqrt_len_tokens" else total / count


def find_words(tokens: Sequence[int], words: Sequence[int]) -> list[int]:
    """Positions in `tokens` covered by occurrences of the token sequence `words`; [] when it does not occur."""
    size = len(words)
    found: set[int] = set()
    for start in range(len(tokens) - size + 1 if size else 0):
        if list(tokens[start : start + size]) == list(words):
            found.update(range(start, start + size))
    return sorted(found)
