"""Colours and spacing: Gradio's own theme with one accent, plus `web/studio.css`."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

UI = Path(__file__).parent
ACCENT = gr.themes.colors.teal
FONT = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"]  # nothing is fetched from a font server


def theme() -> gr.themes.Base:
    base = gr.themes.Base(
        primary_hue=ACCENT,
        neutral_hue=gr.themes.colors.slate,
        font=FONT,
        font_mono=["ui-monospace", "Consolas", "monospace"],
        radius_size=gr.themes.sizes.radius_sm,
        spacing_size=gr.themes.sizes.spacing_sm,
        text_size=gr.themes.sizes.text_sm,
    )
    return base.set(
        body_text_color_subdued="*neutral_600",  # 7.6 : 1 on white; the default's 2.6 : 1 is too faint to read
        body_text_color_subdued_dark="*neutral_300",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover_dark="*primary_600",
        button_primary_text_color="white",
        button_small_padding="6px 12px",
        button_small_text_size="13px",
    )


def css() -> str:
    """All style sheets of ours as one text."""
    names = ("web/studio.css", "tabs/train/train.css", "tabs/compare/compare.css", "tabs/query/query.css")
    return "\n".join((UI / name).read_text(encoding="utf-8") for name in names)
