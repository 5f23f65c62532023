"""Pre-trained encoders on disk: one safetensors file with the weights, one JSON file with how they were made.

The key is a hash of the scene, the code's version and the parameters stage 1 depends on: other content, code or
settings are another encoder. Files that cannot be read back are made again; deleting them loses only time.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from hsi_studio.errors import FileProblem
from hsi_studio.features.cache import Arrays, cache_key
from hsi_studio.features.spectral import FARTHEST, wild_bands
from hsi_studio.files import best_effort, write_bytes
from hsi_studio.humanize import ago
from hsi_studio.methods.diffclip.params import DiffClipParams
from hsi_studio.stored import loads_object, read_file
from hsi_studio.types import Scene

log = logging.getLogger(__name__)

VERSION = 1  # raise when the numbers stage 1 makes change
FOLDER = "diffclip"
MAX_MADE = 1 << 20  # bytes of the file that says how one was made
KEYS = (
    "inputs", "components", "axes", "weighting", "use_dsm", "patch", "tokens", "width", "depth", "heads",
    "decoder_depth", "use_diffusion",
    "use_mask", "mask_ratio", "unlabelled", "pretrain_epochs", "pretrain_batch", "pretrain_lr", "pretrain_seed",
    "weigh_channels", "diffusion_steps", "noise_scale", "weight_decay", "average", "augment",
)  # fmt: skip


@dataclass(frozen=True)
class Made:
    """How an encoder was pre-trained."""

    patches: int
    epochs: int
    first_loss: float
    last_loss: float
    seconds: float
    when: str  # ISO 8601, UTC


def encoder_key(scene: Scene, params: DiffClipParams, device: str) -> str:
    """64 hex digits. The device's kind is part of it, since sums round differently."""
    values: dict[str, Any] = {name: getattr(params, name) for name in KEYS}
    if wild_bands(scene).size:  # of other scenes the numbers are as before these were cut
        values["farthest"] = FARTHEST
    return cache_key(scene.id, "diffclip_pretraining", VERSION, {**values, "device": device.split(":")[0]})


def load_encoder(folder: Path, key: str) -> tuple[Arrays, Made] | None:
    """Weights and how they were made; None when there are none that can be read."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    made = read_made(folder, key)
    file = folder / f"{key}.safetensors"
    if made is None or not file.is_file():
        return None
    try:
        return dict(load_file(file)), made
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        log.warning("pre-trained encoder %s cannot be read and is made again: %s", file.name, error)
        return None


def store_encoder(folder: Path, key: str, arrays: Arrays, made: Made) -> None:
    """A cache that cannot be written costs time later, not the result now."""
    from safetensors.numpy import save

    contents = {
        ".safetensors": save({name: np.ascontiguousarray(array) for name, array in arrays.items()}),
        ".json": json.dumps(asdict(made)).encode(),
    }
    with best_effort(folder / key):
        for ending, content in contents.items():
            write_bytes(folder / f"{key}{ending}", content, sync=False)


def read_made(folder: Path, key: str) -> Made | None:
    file = folder / f"{key}.json"
    if not file.is_file():
        return None
    try:
        made = TypeAdapter(Made).validate_python(loads_object(read_file(file, MAX_MADE, "Delete it")))
        datetime.fromisoformat(made.when)
        return made
    except (FileProblem, ValueError) as error:
        log.warning("%s cannot be read: %s", file.name, error)
        return None


def pretrained_status(
    scene: Scene, params: DiffClipParams, cache_dir: Path | None, device: str = "cpu", now: datetime | None = None
) -> str:
    """For the user: "pre-trained: yes, 700 patches, 3 min ago", "pre-trained: no", "pre-trained: switched off"."""
    if not params.use_pretraining:
        return "pre-trained: switched off"
    folder = cache_dir / FOLDER if cache_dir is not None else None
    key = encoder_key(scene, params, device)
    made = read_made(folder, key) if folder is not None else None
    if made is None or folder is None or not (folder / f"{key}.safetensors").is_file():
        return "pre-trained: no"
    passed = ((now or datetime.now(UTC)) - datetime.fromisoformat(made.when)).total_seconds()
    return f"pre-trained: yes, {made.patches:,} patches, {ago(passed)}"
