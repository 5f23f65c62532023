"""Sentences as token ids, for a text transformer that is trained from scratch.

Source: DiffCLIP (Zhang et al., AAAI 2025) trains on CLIP's byte-pair tokens (A. Radford et al., "Learning transferable
visual models from natural language supervision", ICML 2021, arXiv 2103.00020; context 77).
What differs: the default is the WordPiece vocabulary of the embedded sentence encoder, because CLIP's vocabulary is
not shipped with this program; "clip" reads it through transformers from a hub id or a folder. Either way ids are made
dense, so that a token table needs one row for each token that occurs (a few hundred instead of 49,408 or 30,522).

Notation: n sentences, L ≤ context tokens of the longest, begin and end token included; 0 = padding.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hsi_studio.errors import BadRequest, ModelMissing
from hsi_studio.text.model_files import EMBEDDED, damaged, find_model
from hsi_studio.types import IntArray

KINDS = ("wordpiece", "clip")
PADDING = -1  # original id of dense id 0: padding is no token of the vocabulary


@dataclass(frozen=True)
class TokenSet:
    """Tokenised sentences. A token table needs `len(vocabulary)` rows; row 0 is the padding's."""

    ids: IntArray  # (n, L) int64 dense ids; 0 = padding
    lengths: IntArray  # (n,) int64 tokens of each sentence; the end token is at lengths − 1
    vocabulary: list[int]  # original id of each dense id; vocabulary[0] = −1 stands for the padding
    kind: str

    def __len__(self) -> int:
        return int(self.ids.shape[0])


def token_set(sentences: list[str], kind: str = "wordpiece", source: str | None = None, context: int = 77) -> TokenSet:
    """Tokenise and make the ids dense; sentences longer than `context` tokens are cut, their end token kept.

    `source`: for "clip" a hub id or folder with CLIP's tokenizer (needed); for "wordpiece" None = the embedded one.
    Raises BadRequest, ModelMissing.
    """
    rows = tokenise(sentences, kind, source, context)
    dense, vocabulary = compact(rows)
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    ids = np.zeros((len(rows), int(lengths.max(initial=1))), dtype=np.int64)  # (n, L)
    for n, row in enumerate(dense):
        ids[n, : len(row)] = row
    return TokenSet(ids, lengths, vocabulary, kind)


def tokenise(
    sentences: Sequence[str], kind: str = "wordpiece", source: str | None = None, context: int = 77
) -> list[list[int]]:
    """Original ids of each sentence with its begin and end token, at most `context` of them.

    Raises BadRequest, ModelMissing.
    """
    if kind not in KINDS:
        raise BadRequest(f"There is no tokenizer kind {kind!r}. Choose one of: {', '.join(KINDS)}.")
    if context < 3:
        raise BadRequest(f"A context of {context} tokens has no room for a word: 3 is the least.")
    if kind == "clip" and source is None:
        raise BadRequest(
            "CLIP's vocabulary is not part of this program: name a hub id such as openai/clip-vit-base-patch32 or a "
            "folder with its tokenizer as the source, or use kind 'wordpiece'."
        )
    encode = _clip(str(source)) if kind == "clip" else _wordpiece(source or EMBEDDED)
    rows = [encode(sentence) for sentence in sentences]
    return [row if len(row) <= context else [*row[: context - 1], row[-1]] for row in rows]


def compact(rows: Sequence[Sequence[int]]) -> tuple[list[list[int]], list[int]]:
    """Dense ids 1 … V in the order of the original ids, and the table dense id → original id (0 → −1)."""
    vocabulary = [PADDING, *sorted({token for row in rows for token in row})]
    dense = {token: d for d, token in enumerate(vocabulary)}
    return [[dense[token] for token in row] for row in rows], vocabulary


def _wordpiece(source: str) -> Any:
    """sentence → ids, with the fast tokenizer alone: neither torch nor transformers is imported."""
    model = find_model(source, weights=False)
    file = model.path / "tokenizer.json"
    if not file.is_file():
        raise ModelMissing(f"{model.name}: there is no tokenizer.json in {model.path}: copy it there.")
    found = file.stat()
    return _read_wordpiece(file, found.st_mtime_ns, found.st_size)


@functools.lru_cache(maxsize=4)
def _read_wordpiece(file: Path, changed_ns: int, size: int) -> Any:
    """The tokenizer of a file as it is now: another time or size is another file."""
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # the tokenizers library raises nothing more specific
        raise damaged(file, "it is not a tokenizer", error) from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return lambda sentence: list(tokenizer.encode(sentence).ids)


def _clip(source: str) -> Any:
    """sentence → ids through transformers' CLIPTokenizer."""
    model = find_model(source, weights=False)
    from transformers import CLIPTokenizer

    try:
        tokenizer = CLIPTokenizer.from_pretrained(str(model.path), local_files_only=True)
    except Exception as error:  # the tokenizers library raises nothing more specific
        raise damaged(model.path, "its CLIP tokenizer cannot be loaded", error) from error
    return lambda sentence: list(tokenizer(sentence, truncation=False)["input_ids"])
