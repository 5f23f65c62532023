"""What a piece of work cost: peak memory of this process and of the GPU, and the machine's load.

Peak resident memory is the kernel's (Linux: VmHWM, set back before the work; elsewhere the process's peak since it
started, which `Footprint.since_start` says). GPU memory is what PyTorch had allocated at most.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

MB = 1 << 20


@dataclass(frozen=True)
class Footprint:
    """In units of 2^20 bytes."""

    before_mb: float  # resident when the work began: interpreter, libraries, the scene
    peak_mb: float
    since_start: bool  # the peak is that of the whole process, it could not be set back
    cuda_peak_mb: float | None  # None without a GPU
    load: float | None  # one-minute load average when the work began


class Meter:
    """Start before the work, `stop` after it."""

    def __init__(self, device: str = "cpu") -> None:
        self.device = device
        self.since_start = not _reset_peak()
        self.before_mb = _status("VmRSS") or _rusage()
        self.load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
        if device.startswith("cuda"):
            import torch

            torch.cuda.reset_peak_memory_stats(device)

    def stop(self) -> Footprint:
        peak = None if self.since_start else _status("VmHWM")
        cuda = None
        if self.device.startswith("cuda"):
            import torch

            cuda = torch.cuda.max_memory_allocated(self.device) / MB
        return Footprint(self.before_mb, peak or _rusage(), peak is None, cuda, self.load)


def _reset_peak() -> bool:
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def _status(key: str) -> float | None:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    found = next((line for line in lines if line.startswith(f"{key}:")), None)
    return int(found.split()[1]) / 1024 if found else None  # kB → MB


def _rusage() -> float:
    try:
        import resource
    except ImportError:  # Windows
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / MB if sys.platform == "darwin" else peak / 1024
