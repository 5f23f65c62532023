"""Small `gr.HTML` components of our own: a constant template, a script of ours, a JSON value.

The template never holds a value (Gradio runs template text as JavaScript); scripts set all text with
`textContent`. Because the template is constant, an update never rebuilds the element: focus, scroll
and zoom survive.

The value travels as one JSON *string*. As an object Gradio's page wraps it in proxies and clones it again
and again (`structuredClone` took 400 ms of a click with a few hundred spectra values); a string is copied
as it is. Scripts call `readValue()` of `web/component.js`, which stands before each of them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gradio as gr

UI = Path(__file__).parent
SCRIPTS = {  # panel → its script
    "top": "viewer/title_bar.js",
    "strip": "viewer/accuracy_strip.js",
    "spectrum": "viewer/spectrum.js",
    "facts": "web/facts.js",
    "draw_labels": "tabs/label/draw_labels.js",
    "classes": "tabs/label/class_list.js",
    "prompts": "tabs/prompts/table.js",
    "textview": "tabs/prompts/similarity.js",
    "wordings": "tabs/prompts/versions.js",
    "drafts": "tabs/prompts/drafts.js",
    "query": "tabs/query/query.js",
    "models": "tabs/models/models.js",
    "compare": "tabs/compare/compare.js",
}


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
        js_on_load=(UI / "web/component.js").read_text(encoding="utf-8") + script,
        apply_default_css=False,
        container=False,
        padding=False,
        **options,
    )


def panel(name: str, value: dict[str, Any], parts: tuple[str, ...] = (), **options: Any) -> gr.HTML:
    """The component with its script, with its `parts` before it; found by `#hsi-<name>`."""
    script = "\n".join((UI / SCRIPTS[part]).read_text(encoding="utf-8") for part in (*parts, name))
    template = f'<div class="hsi-{name}"></div>'
    if name != "facts":  # the only one that stands on a page more than once
        options.setdefault("elem_id", f"hsi-{name}")
    return json_html(value, script, html_template=template, **options)
