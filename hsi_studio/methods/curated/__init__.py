"""Curated prompts (Chatterjee and Ghosh 2025)."""
