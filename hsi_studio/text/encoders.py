"""Frozen sentence encoders: sentences in, unit vectors out; cached on disk.

`get_encoder("minilm")` is the encoder that comes with the program; a hub id or a folder gives another one
(`text/model_files.py` finds it, `text/pooling.py` says how its tokens become one vector).
What differs from calling sentence-transformers: nothing in the numbers (a test compares them); but weights are
safetensors only, no code of a model is run, nothing is downloaded without a hub id named by the user, and the
weights are opened only when a sentence is not in the cache.

Notation: n sentences, D dimensions.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from hsi_studio.errors import BadRequest, BadValues, CorruptFile
from hsi_studio.files import DAMAGED_ARRAYS, best_effort, write_arrays
from hsi_studio.text.model_files import EMBEDDED, ModelFolder, damaged, find_model, model_hash
from hsi_studio.text.pooling import CLIP_KINDS, POOLINGS, choose_pooling, find_words, pool
from hsi_studio.types import FloatArray, IntArray

log = logging.getLogger(__name__)

VERSION = 1  # raise when the numbers this file makes change
BATCH = 32  # sentences at once


class TextEncoder(Protocol):
    """What methods need of a text encoder."""

    @property
    def name(self) -> str: ...

    @property
    def dim(self) -> int:
        """D."""
        ...

    @property
    def max_tokens(self) -> int:
        """Longer sentences are cut."""
        ...

    def encode(self, sentences: list[str]) -> FloatArray:
        """(n, D) float32, rows of norm 1."""
        ...

    def token_counts(self, sentences: list[str]) -> IntArray:
        """(n,) tokens of each sentence before any cut, begin and end token included."""
        ...


def get_encoder(
    spec: str = EMBEDDED, cache_dir: Path | None = None, pooling: str = "auto", device: str = "cpu"
) -> SentenceEncoder:
    """An encoder by name: "minilm", a transformers hub id, or a folder.

    `cache_dir`: embeddings are kept in its folder `text`; None = nothing is kept on disk. `pooling`: "auto" = the
    model's own. Cheap: weights are opened by the first sentence that is not in the cache.
    Raises ModelMissing, CorruptFile, BadRequest.
    """
    if pooling not in {"auto", *POOLINGS}:
        raise BadRequest(f"There is no pooling {pooling!r}. Choose one of: auto, {', '.join(POOLINGS)}.")
    folder = cache_dir / "text" if cache_dir is not None else None
    model = find_model(spec, folder)
    own = choose_pooling(model) if pooling == "auto" else pooling
    if (own == "eos") != (model.kind in CLIP_KINDS):
        raise BadRequest(f"{model.name}: pooling {own!r} does not fit a {model.kind or 'nameless'} model; use 'auto'.")
    return SentenceEncoder(model, own, folder, device)


class SentenceEncoder:
    """One frozen transformer. Thread-safe: one thread encodes at a time."""

    def __init__(self, model: ModelFolder, pooling: str, folder: Path | None, device: str = "cpu") -> None:
        self.model, self.pooling, self.folder, self.device = model, pooling, folder, device
        self.model_hash = model_hash(model, folder)
        self.max_tokens = _max_tokens(model)
        self.dim = _dim(model)
        self._lock = threading.Lock()
        self._network: Any = None
        self._tokenizer: Any = None

    @property
    def name(self) -> str:
        return self.model.name

    def encode(self, sentences: list[str], focus: Sequence[str] | None = None) -> FloatArray:
        """(n, D) float32, rows of norm 1; from the cache where it has them.

        `focus` (n words, optional): average only the tokens of that word or name inside each sentence (S3FN's label
        tokens); a sentence without it is pooled over all its tokens. Raises BadRequest, BadValues, CorruptFile.
        """
        if focus is not None:
            if len(focus) != len(sentences):
                raise BadRequest(f"{len(focus)} focus words for {len(sentences)} sentences: one each is needed.")
            if self.model.kind in CLIP_KINDS:
                raise BadRequest(f"{self.name} has one state a sentence: words inside it cannot be averaged.")
        wanted = list(zip(sentences, focus or [""] * len(sentences), strict=True))
        found: dict[tuple[str, str], FloatArray] = {}
        for pair in wanted:
            kept = found.get(pair)
            if kept is None:
                kept = self._recall(pair)
            if kept is not None:
                found[pair] = kept
        missing = sorted({pair for pair in wanted if pair not in found}, key=lambda p: (len(p[0]), p))
        with self._lock:
            for start in range(0, len(missing), BATCH):
                part = missing[start : start + BATCH]
                for pair, vector in zip(part, self._run(part), strict=True):
                    found[pair] = vector
                    self._keep(pair, vector)
        out = np.empty((len(wanted), self.dim), dtype=np.float32)  # (n, D)
        for n, pair in enumerate(wanted):
            out[n] = found[pair]
        return out

    def token_counts(self, sentences: list[str]) -> IntArray:
        """(n,) tokens of each sentence before any cut, begin and end token included."""
        with self._lock:
            tokenizer = self._open_tokenizer()
            ids = [tokenizer(s, truncation=False, verbose=False)["input_ids"] for s in sentences]
        return np.array([len(row) for row in ids], dtype=np.int64)

    def _run(self, pairs: Sequence[tuple[str, str]]) -> FloatArray:
        """(n, D) of sentences that are not in the cache."""
        import torch

        tokenizer, network = self._open_tokenizer(), self._open_network()
        batch = tokenizer(
            [sentence for sentence, _ in pairs],
            padding=True, truncation=True, max_length=self.max_tokens, return_tensors="pt",
        ).to(self.device)  # fmt: skip
        with torch.inference_mode():
            output = network(**batch)
            if self.pooling == "eos":
                vectors = output.text_embeds  # (n, D)
            else:
                states, mask = output.last_hidden_state, batch["attention_mask"]  # (n, L, D), (n, L)
                vectors = pool(states, mask, self.pooling)
                for n, (_, word) in enumerate(pairs):
                    at = self._word_positions(batch["input_ids"][n].tolist(), word) if word else []
                    if at:
                        vectors[n] = states[n, at].mean(dim=0)
            vectors = torch.nn.functional.normalize(vectors.float(), dim=-1)
        out: FloatArray = vectors.cpu().numpy().astype(np.float32)
        if not np.isfinite(out).all():
            raise BadValues(self.model.path, "its sentence vectors are not finite", "Copy the model's weights again")
        return out

    def _word_positions(self, ids: list[int], word: str) -> list[int]:
        """Positions of `word` in a sentence's ids; byte-pair tokenizers write it otherwise after a space."""
        at: set[int] = set()
        for form in {word, f" {word}", word.lower(), f" {word.lower()}"}:
            at.update(find_words(ids, self._tokenizer(form, add_special_tokens=False)["input_ids"]))
        return sorted(at)

    def _open_tokenizer(self) -> Any:
        if self._tokenizer is None:
            from transformers import AutoTokenizer

            try:
                self._tokenizer = AutoTokenizer.from_pretrained(
                    str(self.model.path), local_files_only=True, trust_remote_code=False
                )
            except Exception as error:  # the tokenizers library raises nothing more specific
                raise damaged(self.model.path, "its tokenizer cannot be loaded", error) from error
        return self._tokenizer

    def _open_network(self) -> Any:
        if self._network is None:
            import torch
            from safetensors import SafetensorError
            from transformers import AutoModel, CLIPTextConfig, CLIPTextModelWithProjection

            clip, path = self.model.kind in CLIP_KINDS, str(self.model.path)
            options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
            if clip:  # a whole CLIP states the projection's size outside its text part, where it would not be seen
                options["config"] = CLIPTextConfig.from_pretrained(path, projection_dim=self.dim, local_files_only=True)
            loader: Any = CLIPTextModelWithProjection if clip else AutoModel
            try:
                with _quiet():
                    network, report = loader.from_pretrained(
                        path, use_safetensors=True, dtype=torch.float32, output_loading_info=True, **options
                    )
            except (SafetensorError, OSError, ValueError, RuntimeError) as error:
                raise damaged(self.model.path, "its weights cannot be loaded", error) from error
            lost = sorted(k for k in report["missing_keys"] if not k.startswith("pooler."))  # the pooler is not used
            lost += sorted(str(k[0] if isinstance(k, tuple) else k) for k in report["mismatched_keys"])
            if lost:  # they would be random numbers
                raise CorruptFile(
                    self.model.path,
                    f"{len(lost)} weights are missing or have another size, the first is {lost[0]}",
                    "Copy the model's folder again",
                )
            self._network = network.eval().requires_grad_(False).to(self.device)
        return self._network

    def _file(self, pair: tuple[str, str]) -> Path | None:
        """Where a sentence's vector is kept: the key holds everything it depends on."""
        if self.folder is None:
            return None
        sentence, word = pair
        text = "\0".join((str(VERSION), self.model_hash, self.pooling, str(self.max_tokens), word, sentence))
        key = hashlib.sha256(text.encode()).hexdigest()
        return self.folder / self.model_hash[:16] / f"{key}.npz"

    def _recall(self, pair: tuple[str, str]) -> FloatArray | None:
        file = self._file(pair)
        if file is None or not file.is_file():
            return None
        try:
            with np.load(file, allow_pickle=False) as stored:
                vector = stored["vector"]
        except DAMAGED_ARRAYS as error:
            log.warning("cached embedding %s cannot be read and is made again: %s", file.name, error)
            return None
        good = vector.shape == (self.dim,) and vector.dtype == np.float32 and bool(np.isfinite(vector).all())
        return vector if good else None

    def _keep(self, pair: tuple[str, str], vector: FloatArray) -> None:
        file = self._file(pair)
        if file is not None:
            with best_effort(file):
                write_arrays(file, {"vector": vector}, compressed=False, sync=False)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """transformers without its progress bar and its table of unused weights."""
    from transformers.utils import logging as noise

    chatter: Any = noise
    bars, level = chatter.is_progress_bar_enabled(), chatter.get_verbosity()
    chatter.disable_progress_bar()
    chatter.set_verbosity_error()
    try:
        yield
    finally:
        chatter.set_verbosity(level)
        if bars:
            chatter.enable_progress_bar()


def _max_tokens(model: ModelFolder) -> int:
    """Tokens a sentence may have: the smallest limit the folder states."""
    text = model.config.get("text_config") or model.config
    positions = int(text.get("max_position_embeddings") or (77 if model.kind in CLIP_KINDS else 512))
    if model.kind in {"roberta", "xlm-roberta", "camembert", "mpnet"}:
        positions -= 2  # their first position is padding_idx + 1
    stated = (model.json("sentence_bert_config.json") or {}).get("max_seq_length")
    return min(positions, int(stated)) if stated else positions


def _dim(model: ModelFolder) -> int:
    """D from the configuration. Raises BadRequest when it does not say."""
    if model.kind in CLIP_KINDS:
        text = model.config.get("text_config") or {}
        size = model.config.get("projection_dim") or text.get("projection_dim") or 512
    else:
        size = model.config.get("hidden_size") or model.config.get("d_model") or model.config.get("dim")
    if not size:
        raise BadRequest(f"{model.name}: its configuration does not say how long its vectors are (hidden_size).")
    return int(size)
