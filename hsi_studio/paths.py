"""Where things lie: the repository's assets, the user's projects and caches; files written in one step."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

ASSETS = Path(__file__).resolve().parents[1] / "assets"


def home() -> Path:
    """Projects and caches: $HSI_STUDIO_HOME, else ~/.hsi_studio. Not created here."""
    return Path(os.environ.get("HSI_STUDIO_HOME") or Path.home() / ".hsi_studio")


def write_whole(path: Path, data: bytes) -> Path:
    """Write a file in one step: after a crash there is the old one or the new one, never half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{uuid.uuid4().hex[:8]}-{path.name}")
    try:
        with partial.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    return path
