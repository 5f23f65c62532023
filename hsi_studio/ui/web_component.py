"""Small `gr.HTML` components of our own: a constant template, a module of ours as script, a JSON value.

The template never holds a value (Gradio runs template text as JavaScript); scripts set all text with
`textContent`. Because the template is constant, an update never rebuilds the element: focus, scroll
and zoom survive.

The component's own script is one constant line. It imports the panel's module by its address (`web_routes.py`) and
calls its `mount`; so the page's configuration carries no script, and the browser keeps the modules. Gradio takes for
an event of the component what stands in quotes in that line: each event a module triggers is named in `PANELS`. No
prop may have the name of an event.

The value travels as one JSON *string*. As an object Gradio's page wraps it in proxies and clones it again
and again (`structuredClone` took 400 ms of a click with a few hundred spectra values); a string is copied
as it is. Modules read it with `readValue()` of `web/component.js`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from hsi_studio.ui.web_routes import UI, address

EVENT = re.compile(r"[a-z][a-z_]*")
LOADER = (  # the address stands in the text: a component that is built late may get its props after its script ran
    "const events = %s; import(%s).then((m) => m.mount({element, props, trigger, watch, events}))"
    ".catch((e) => { console.error(e); element.textContent = 'This part did not start: load the page again.'; });"
)


@dataclass(frozen=True)
class Panel:
    """A module with `mount`, and the events it triggers."""

    script: Path
    events: tuple[str, ...] = ()


PANELS = {
    "viewer": Panel(UI / "viewer/viewer.js", ("view", "sync", "heat_off")),
    "top": Panel(UI / "viewer/title_bar.js", ("opened",)),
    "strip": Panel(UI / "viewer/accuracy_strip.js", ("act",)),
    "spectrum": Panel(UI / "viewer/spectrum.js"),
    "facts": Panel(UI / "web/facts.js"),
    "classes": Panel(UI / "tabs/label/class_list.js", ("act",)),
    "prompts": Panel(UI / "tabs/prompts/table.js", ("act", "measure", "look")),
    "textview": Panel(UI / "tabs/prompts/similarity.js", ("act",)),
    "wordings": Panel(UI / "tabs/prompts/versions.js", ("act",)),
    "drafts": Panel(UI / "tabs/prompts/drafts.js", ("act",)),
    "query": Panel(UI / "tabs/query/query.js", ("act",)),
    "train": Panel(UI / "tabs/train/train.js", ("start", "act")),
    "models": Panel(UI / "tabs/models/models.js", ("act", "look")),
    "evidence": Panel(UI / "tabs/map/evidence.js", ("act",)),
    "lesson": Panel(UI / "tabs/lesson/lesson.js"),
    "compare": Panel(UI / "tabs/compare/compare.js", ("act", "look")),
}


def packed(value: dict[str, Any]) -> str:
    """A value as these components take it: every handler's answer to one of them goes through here."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def loader(module: Panel) -> str:
    """The component's script. Raises ValueError for an event that is no plain word."""
    strange = [name for name in module.events if not EVENT.fullmatch(name)]
    if strange:
        raise ValueError(f"{', '.join(strange)}: an event's name is lower-case letters and _.")
    return LOADER % (json.dumps(module.events), json.dumps(address(module.script)))


def json_html(value: dict[str, Any], module: Panel, **options: Any) -> gr.HTML:
    """`gr.HTML` that imports `module`.

    Not a subclass with its own `postprocess`: for each subclass of a component Gradio writes a .pyi file beside
    its source.
    """
    return gr.HTML(
        value=packed(value),
        js_on_load=loader(module),
        apply_default_css=False,
        container=False,
        padding=False,
        **options,
    )


def panel(name: str, value: dict[str, Any], module: Panel | None = None, **options: Any) -> gr.HTML:
    """The component with the module of `PANELS`, or a tab's own `module`; found by `#hsi-<name>` in the page."""
    template = f'<div class="hsi-{name}"></div>'
    if name != "facts":  # the only one that stands on a page more than once
        options.setdefault("elem_id", f"hsi-{name}")
    return json_html(value, module or PANELS[name], html_template=template, **options)
