"""Small `gr.HTML` components of our own: a constant template, a script from `assets/`, a JSON value.

The template never holds a value (Gradio runs template text as JavaScript); scripts set all text with
`textContent`. Because the template is constant, an update never rebuilds the element: focus, scroll
and zoom survive.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from hsi_studio.paths import ASSETS


def panel(name: str, value: dict[str, Any], **options: Any) -> gr.HTML:
    """The component whose script is `assets/<name>.js`; its element is found by `#hsi-<name>`."""
    script = (ASSETS / f"{name}.js").read_text(encoding="utf-8")
    return gr.HTML(
        value=value,
        html_template=f'<div class="hsi-{name}"></div>',
        js_on_load=script,
        apply_default_css=False,
        container=False,
        padding=False,
        elem_id=f"hsi-{name}",
        **options,
    )
