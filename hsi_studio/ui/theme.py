"""Colours and spacing: Gradio's own theme with one accent, plus `assets/studio.css`."""

from __future__ import annotations

import gradio as gr

from hsi_studio.paths import ASSETS

ACCENT = gr.themes.colors.teal
FONT = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"]  # nothing is fetched from a font server


def theme() -> gr.themes.Base:
    return gr.themes.Base(
        primary_hue=ACCENT,
        neutral_hue=gr.themes.colors.slate,
        font=FONT,
        font_mono=["ui-monospace", "Consolas", "monospace"],
        radius_size=gr.themes.sizes.radius_sm,
        spacing_size=gr.themes.sizes.spacing_sm,
        text_size=gr.themes.sizes.text_sm,
    )


def css() -> str:
    """All style sheets of ours as one text."""
    return "\n".join((ASSETS / name).read_text(encoding="utf-8") for name in ("studio.css",))
