"""Which devices runs may use, found without importing torch: the program that draws the pages stays small.

A GPU counts when `nvidia-smi` lists it, the installed PyTorch is not a CPU build, and CUDA_VISIBLE_DEVICES does not
hide it. A worker sees only its own GPU (CUDA_VISIBLE_DEVICES), as "cuda".
"""

from __future__ import annotations

import functools
import importlib.metadata
import os
import platform
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from hsi_studio.humanize import counted, size_text


@dataclass(frozen=True)
class Device:
    """A place to run: `slot` names its queue, `reason` is for people."""

    slot: str  # "cpu", "cuda:0", …
    name: str
    reason: str
    visible: str = ""  # what CUDA_VISIBLE_DEVICES must say for a worker to see only this one
    total_mb: int = 0
    free_mb: int = 0

    @property
    def torch_name(self) -> str:
        """As its worker calls it."""
        return "cuda" if self.slot.startswith("cuda") else "cpu"


def devices() -> tuple[Device, ...]:
    """GPUs first, the CPU last. ParsedQuery again every ten seconds at most."""
    return _devices(int(time.monotonic() / 10), os.environ.get("CUDA_VISIBLE_DEVICES"))


def find_device(slot: str) -> Device:
    """A slot by name; the CPU, with the reason, when that GPU is not there any more."""
    for device in devices():
        if device.slot == slot:
            return device
    cpu = devices()[-1]
    return cpu if slot in ("", "cpu") else Device("cpu", cpu.name, f"CPU: {slot} is not there ({cpu.reason})")


@functools.lru_cache(maxsize=2)
def _devices(_: int, visible: str | None) -> tuple[Device, ...]:
    gpus, why = _gpus(visible)
    return (*gpus, Device("cpu", cpu_name(), f"CPU: {why}" if why else f"CPU: {cpu_name()}"))


def _gpus(visible: str | None) -> tuple[list[Device], str]:
    """(GPUs, why there is none)."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return [], "no CUDA device found"
    try:
        build = importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        return [], "PyTorch is not installed"
    if "+cpu" in build:
        return [], f"the installed PyTorch ({build}) is a CPU build"
    query = "--query-gpu=index,uuid,name,memory.total,memory.free"
    try:
        told = subprocess.run(
            [program, query, "--format=csv,noheader,nounits"], capture_output=True, text=True, timeout=5, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        return [], f"nvidia-smi does not answer ({error})"
    rows = [[field.strip() for field in line.split(",")] for line in told.stdout.splitlines() if line.count(",") == 4]
    chosen = rows
    if visible is not None:
        wanted = [item.strip() for item in visible.split(",") if item.strip()]
        chosen = [row for item in wanted for row in rows if item == row[0] or row[1].startswith(item)]
        if not chosen:
            return [], f"CUDA_VISIBLE_DEVICES={visible!r} hides every GPU"
    found = []
    for number, (_, uuid, name, total, free) in enumerate(chosen):
        try:
            mb = int(total), int(free)
        except ValueError:  # "[N/A]" on some devices: their memory is not told
            mb = 0, 0
        words = f", {size_text(mb[1] << 20)} free" if mb[1] else ""
        found.append(Device(f"cuda:{number}", name, f"CUDA: {name}{words}", uuid, *mb))
    return found, "" if found else "no CUDA device found"


@functools.cache
def cpu_name() -> str:
    """ "AMD EPYC 7B13, 2 cores"."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), name)
    except OSError:
        pass  # not Linux: the platform's word for it stays
    count = cores()
    return f"{name}, {counted(count, 'core')}"


def cores() -> int:
    """Cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
