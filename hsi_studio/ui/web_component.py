"""Small `gr.HTML` components of our own: a constant template, a script from `assets/`, a JSON value.

The template never holds a value (Gradio runs template text as JavaScript); scripts set all text with
`textContent`. Because the template is constant, an update never rebuilds the element: focus, scroll
and zoom survive.

The value travels as one JSON *string*. As an object Gradio's page wraps it in proxies and clones it again
and again (`structuredClone` took 400 ms of a click with a few hundred spectra values); a string is copied
as it is. Scripts call `readValue()` of `assets/panel.js`, which stands before each of them.
"""

from __future__ import annotations

import json
from typing import Any

import gradio as gr

from hsi_studio.paths import ASSETS


def packed(value: dict[str, Any]) -> str:
    """A value as these components take it: every handler's answer to one of them goes through here."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def json_html(value: dict[str, Any], script: str, **options: Any) -> gr.HTML:
    """`gr.HTML` whose script has `readValue()`.

    Not a subclass with its own `postprocess`: for each subclass of a component Gradio writes a .pyi file beside
    its source.
    """
    return gr.HTML(
        value=packed(value),
        js_on_load=(ASSETS / "panel.js").read_text(encoding="utf-8") + script,
        apply_default_css=False,
        container=False,
        padding=False,
        **options,
    )


def panel(name: str, value: dict[str, Any], parts: tuple[str, ...] = (), **options: Any) -> gr.HTML:
    """The component whose script is `assets/<name>.js`, with its `parts` before it; found by `#hsi-<name>`."""
    script = "\n".join((ASSETS / f"{part}.js").read_text(encoding="utf-8") for part in (*parts, name))
    template = f'<div class="hsi-{name}"></div>'
    if name != "facts":  # the only one that stands on a page more than once
        options.setdefault("elem_id", f"hsi-{name}")
    return json_html(value, script, html_template=template, **options)
