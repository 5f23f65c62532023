"""How arrays get to a device, and how much goes through a network at once: as much as pays, less where it does not fit.

On a CPU a chunk should stay near the processor's cache; on a GPU few large chunks keep it busy. What fits depends on
what else runs there, so a chunk that finds no room is halved and tried again, and all after it are that small.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import numpy.typing as npt
import torch

log = logging.getLogger(__name__)

GPU_CHUNK = 16  # times what a CPU takes at once
LEAST = 1


def to_device(array: npt.NDArray[Any], device: str) -> torch.Tensor:
    """An array on the device. To a GPU through pinned memory, so that the copy runs beside the work that is queued."""
    tensor = torch.from_numpy(array)
    return tensor.pin_memory().to(device, non_blocking=True) if device.startswith("cuda") else tensor.to(device)


def chunk_size(cpu: int, device: str) -> int:
    """Items at once on a device, from what suits a CPU."""
    return max(LEAST, cpu * GPU_CHUNK if device.startswith("cuda") else cpu)


def in_chunks(count: int, size: int, run: Callable[[slice], torch.Tensor]) -> torch.Tensor:
    """`run` on slices of 0 … count in order, its results (m, …) joined. `run` is asked once even when count is 0.

    Raises torch.OutOfMemoryError when not even one item fits.
    """
    parts: list[torch.Tensor] = []
    start = 0
    while start < count or not parts:
        at = slice(start, min(start + size, count))
        try:
            parts.append(run(at))
        except torch.OutOfMemoryError:
            if size <= LEAST:
                raise
            size = max(LEAST, min(size, at.stop - at.start) // 2)
            log.warning("no room on the GPU for %d at once, going on with %d", at.stop - at.start, size)
            torch.cuda.empty_cache()
            continue
        start = at.stop
    return torch.cat(parts) if len(parts) > 1 else parts[0]
