"""Where things lie: the repository's assets, the user's projects and caches."""

from __future__ import annotations

import os
from pathlib import Path

ASSETS = Path(__file__).resolve().parents[1] / "assets"


def home() -> Path:
    """Projects and caches: $HSI_STUDIO_HOME, else ~/.hsi_studio. Not created here."""
    return Path(os.environ.get("HSI_STUDIO_HOME") or Path.home() / ".hsi_studio")
