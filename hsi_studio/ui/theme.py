"""Colours and spacing: Gradio's own theme with one accent, our two style sheets in `web` and those of the tabs."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from hsi_studio.ui.tabs import tabs

UI = Path(__file__).parent
ACCENT = gr.themes.colors.teal
SIZES = ("xxs", "xs", "sm", "md", "lg", "xl", "xxl")
ROUND, SMALL = "5px", "13px"  # as `web/studio.css` names them
FONT = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"]  # nothing is fetched from a font server


def theme() -> gr.themes.Base:
    base = gr.themes.Base(
        primary_hue=ACCENT,
        neutral_hue=gr.themes.colors.slate,
        font=FONT,
        font_mono=["ui-monospace", "Consolas", "monospace"],
        radius_size=gr.themes.sizes.Size(name="radius_hsi", **dict.fromkeys(SIZES, ROUND)),
        spacing_size=gr.themes.sizes.spacing_sm,
        text_size=gr.themes.sizes.Size(
            name="text_hsi", **dict.fromkeys(SIZES[:4], SMALL), lg="15px", xl="20px", xxl="32px"
        ),
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
        button_small_text_size=SMALL,
    )


def css() -> str:
    """All style sheets of ours as one text. One that a tab names and lacks is said in that tab."""
    of_tabs = [file for tab in tabs() for file in tab.files(tab.styles)]
    files = [UI / "web/studio.css", UI / "web/present.css", *of_tabs, UI / "web/forced.css"]
    return "\n".join(file.read_text(encoding="utf-8") for file in files if file.is_file())
