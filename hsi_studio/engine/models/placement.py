"""Which device a model goes to, and the reason in words."""

from __future__ import annotations

from dataclasses import dataclass

SPARE = 256 << 20  # bytes left to whoever else uses the GPU
WORKING_SPACE = 3  # a network needs about this many times its weights while it maps


@dataclass(frozen=True)
class Placement:
    """`device` as torch names it; `reason` for people: "CPU: no CUDA device found"."""

    device: str
    reason: str

    @property
    def kind(self) -> str:
        return self.device.split(":")[0]


def place(need: int, uses_gpu: bool = True) -> Placement:
    """The device for a model of `need` bytes."""
    if not uses_gpu:
        return Placement("cpu", "CPU: this method does not use a GPU")
    import torch

    if not torch.cuda.is_available():
        return Placement("cpu", "CPU: no CUDA device found")
    free, _ = torch.cuda.mem_get_info()
    name = torch.cuda.get_device_name()
    wanted = WORKING_SPACE * need + SPARE
    if wanted > free:
        return Placement("cpu", f"CPU: the model needs {in_words(wanted)}, {in_words(free)} are free on {name}")
    return Placement("cuda", f"CUDA: {name}, {in_words(free)} free")


def in_words(size: float) -> str:
    """Bytes for people: "870 KiB", "1.2 GiB"."""
    for power, unit in ((30, "GiB"), (20, "MiB"), (10, "KiB")):
        if size >= 1 << power:
            value = size / (1 << power)
            return f"{value:.0f} {unit}" if value >= 100 else f"{value:.1f} {unit}"
    return f"{size:.0f} bytes"
