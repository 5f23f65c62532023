"""Small files in every format, made on the spot."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

ENVI_CODES = {"u1": 1, "i2": 2, "i4": 3, "f4": 4, "f8": 5, "u2": 12, "u4": 13, "i8": 14, "u8": 15}


def cube(height: int = 6, width: int = 5, bands: int = 8, dtype: str = "f4", seed: int = 0) -> np.ndarray[Any, Any]:
    """(H, W, B) positive values below 100 with a spectrum that rises and falls."""
    rng = np.random.default_rng(seed)
    spectrum = 40 + 30 * np.sin(np.linspace(0, 5, bands))
    return (spectrum + 5 * rng.random((height, width, bands))).astype(dtype)


def envi(
    folder: Path,
    values: np.ndarray[Any, Any],
    interleave: str = "bsq",
    order: int = 0,
    offset: int = 0,
    name: str = "scene",
    extension: str = ".img",
    extra: str = "",
    header: dict[str, Any] | None = None,
) -> Path:
    """An ENVI pair; returns the data file. `header` replaces fields (None removes one)."""
    height, width, bands = values.shape
    stored = values.transpose({"bsq": (2, 0, 1), "bil": (0, 2, 1), "bip": (0, 1, 2)}[interleave])
    data = folder / f"{name}{extension}"
    data.write_bytes(b"\x07" * offset + stored.astype(stored.dtype.newbyteorder("><"[order == 0])).tobytes())
    fields: dict[str, Any] = {
        "samples": width,
        "lines": height,
        "bands": bands,
        "header offset": offset,
        "file type": "ENVI Standard",
        "data type": ENVI_CODES[values.dtype.str[1:]],
        "interleave": interleave,
        "byte order": order,
    } | (header or {})
    lines = [f"{key} = {value}" for key, value in fields.items() if value is not None]
    (folder / f"{name}.hdr").write_text("\n".join(["ENVI", *lines, extra, ""]), encoding="utf-8")
    return data


@contextmanager
def little_memory(limit: int = 8 << 20) -> Iterator[Callable[[], int]]:
    """Fails when Python and NumPy allocate more than `limit` bytes at the peak inside the block."""
    tracemalloc.start()
    try:
        yield lambda: tracemalloc.get_traced_memory()[1]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < limit, f"{peak} bytes allocated"
