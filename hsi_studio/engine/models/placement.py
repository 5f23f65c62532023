"""Which device a model goes to, and the reason in words."""

from __future__ import annotations

from dataclasses import dataclass

from hsi_studio.humanize import size_text

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
        return Placement("cpu", f"CPU: the model needs {size_text(wanted)}, {size_text(free)} are free on {name}")
    return Placement("cuda", f"CUDA: {name}, {size_text(free)} free")
