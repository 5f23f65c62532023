"""Curated prompts (Chatterjee and Ghosh 2025)."""

from __future__ import annotations

from hsi_studio.methods.curated.method import Curated

METHOD = Curated()
