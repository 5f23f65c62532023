"""The Prompts tab: prompt sets, their table, versions, likeness, a language model's proposals, files.

Here are the components and what event calls what; `tab.py` has what happens then. A timer looks after what runs in
the background, and only while something does. Which set is shown is kept in the page, so that choosing one to look at
is no action on the project.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from hsi_studio.studio.facade import Studio
from hsi_studio.ui.bus import Bus
from hsi_studio.ui.tabs.contract import Tab
from hsi_studio.ui.tabs.prompts.tab import PARTS, PromptsTab
from hsi_studio.ui.tabs.prompts.values import LANGUAGE_CHOICES
from hsi_studio.ui.web_component import panel

PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
NOW: dict[str, Any] = {"queue": False, "trigger_mode": "multiple", **PRIVATE}


def create(studio: Studio, bus: Bus) -> None:
    tab = PromptsTab(studio)
    parts: dict[str, Any] = {"table": panel("prompts", {"sets": [], "set": "", "classes": []})}
    likeness = gr.Accordion("Likeness: what the text model mixes up", open=False, elem_id="hsi-likeness")
    with likeness:
        parts["textview"] = panel("textview", {"state": "none", "title": "Opening …"})
    with gr.Accordion("Versions", open=False, elem_id="hsi-prompt-versions"):
        parts["wordings"] = panel("wordings", {"versions": []})
    with gr.Accordion("Language model", open=False, elem_id="hsi-language-model"):
        parts["drafts"] = panel("drafts", {"configured": False, "how": studio.prompts.drafts.how})
    with gr.Accordion("Language, import, export", open=False, elem_id="hsi-prompt-files"):
        parts["language"] = gr.Dropdown(
            choices=languages(), value="en", label="Language of the set's sentences", elem_id="hsi-prompt-language"
        )
        files = create_files()
    opened = gr.Textbox(visible=False)  # "1" once the likeness section is open
    parts["shown"] = gr.Textbox(visible=False)  # id of the set that is shown, in the page
    parts["painted"] = gr.Textbox(visible=False)  # what the table shows: "project/revision"
    parts["watch"] = gr.Timer(0.4, active=False)

    whole = [parts[name] for name in PARTS]
    now = [bus.project, parts["shown"], opened]
    for box in (parts["table"], parts["wordings"], parts["textview"]):
        box.act(tab.act, now, whole, **NOW)
    parts["table"].measure(tab.measure, now, whole, concurrency_limit=None, **PRIVATE)
    parts["drafts"].act(tab.draft, now, whole, **NOW)
    parts["watch"].tick(tab.look, now, [parts["textview"], parts["drafts"], parts["watch"]], **PRIVATE)
    likeness.expand(tab.open_likeness, now[:2], [opened, *whole], **PRIVATE)
    likeness.collapse(lambda: "", None, [opened], **PRIVATE)
    for event in (bus.project.change, parts["table"].look):
        event(tab.repaint, [*now, parts["painted"]], whole, queue=False, **PRIVATE)
    parts["language"].input(tab.set_language, [*now, parts["language"]], whole, **PRIVATE)
    files["json"].click(tab.export_json, now[:2], [files["downloads"]], **PRIVATE)
    files["csv"].click(tab.export_csv, now[:2], [files["downloads"]], **PRIVATE)
    files["chosen"].upload(tab.import_file, [*now, files["chosen"]], [files["chosen"], *whole], **PRIVATE)


def create_files() -> dict[str, Any]:
    """Export buttons with their download, and the field for a file to import."""
    with gr.Row():
        as_json = gr.Button("Export JSON", size="sm", elem_id="hsi-prompts-json")
        as_csv = gr.Button("Export CSV", size="sm", elem_id="hsi-prompts-csv")
    downloads = gr.File(label="Downloads", interactive=False, visible=False, elem_id="hsi-prompts-download")
    gr.HTML(
        "<p class='hsi-hint'>Import makes a new set: JSON as exported here or {class: [sentences]}, CSV with the "
        "columns class and sentence. Classes are matched by name.</p>",
        padding=False,
    )
    chosen = gr.File(label="File with prompts", height=110, elem_id="hsi-prompts-import")
    return {"json": as_json, "csv": as_csv, "downloads": downloads, "chosen": chosen}


def languages() -> list[tuple[str, str]]:
    """(name, code) of the languages a set may be in."""
    from hsi_studio.text.prompt_checks import LANGUAGES

    return [(LANGUAGES[code], code) for code in LANGUAGE_CHOICES]


TAB = Tab("prompts", "Prompts", 16, create, step="words", styles=("prompts.css",))
