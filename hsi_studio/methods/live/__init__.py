"""The map that follows the clicks."""

from __future__ import annotations

from hsi_studio.methods.live.method import Live

METHOD = Live()
