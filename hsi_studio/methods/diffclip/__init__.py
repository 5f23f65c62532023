"""DiffCLIP (Zhang, Cao et al., AAAI 2025)."""

from __future__ import annotations

from hsi_studio.methods.diffclip.method import DiffClip

METHOD = DiffClip()
