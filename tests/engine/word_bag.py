"""A sentence encoder for tests: a sentence is the sum of its words, so sentences are alike when they share words."""

from __future__ import annotations

import re
import zlib

import numpy as np

from hsi_studio.types import FloatArray, IntArray


class WordBag:
    name, dim, max_tokens = "word bag", 512, 256

    def __init__(self) -> None:
        self.asked = 0  # sentences encoded

    def encode(self, sentences: list[str]) -> FloatArray:
        self.asked += len(sentences)
        out = np.zeros((len(sentences), self.dim), dtype=np.float32)
        for n, sentence in enumerate(sentences):
            for word in re.findall(r"[a-z]+", sentence.lower()):
                out[n, zlib.crc32(word.rstrip("s").encode()) % self.dim] += 1.0
        return out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)

    def token_counts(self, sentences: list[str]) -> IntArray:
        return np.array([len(s.split()) for s in sentences], dtype=np.int64)
