"""The Map tab: the evidence for the map on the screen (matrix, areas, certificate), steps after it, downloads, labels
from a file. What it does is in `tab.py`, its panel in `evidence.js`."""

from __future__ import annotations

from typing import Any

import gradio as gr

from hsi_studio.studio.facade import Studio
from hsi_studio.ui.bus import Bus
from hsi_studio.ui.tabs.contract import Tab
from hsi_studio.ui.tabs.map import label_import
from hsi_studio.ui.tabs.map.routes import router
from hsi_studio.ui.tabs.map.tab import MapTab
from hsi_studio.ui.viewer.accuracy_strip import per_class_value
from hsi_studio.ui.web_component import panel

PRIVATE: dict[str, Any] = {"api_visibility": "private"}


def create(studio: Studio, bus: Bus) -> None:
    tab = MapTab(studio)
    panel("facts", {}, elem_id="hsi-map-shown")
    save = gr.Button("Export everything (.zip)", variant="primary", size="sm", elem_id="hsi-export")
    files = gr.File(label="Downloads", file_count="multiple", interactive=False, visible=False, elem_id="hsi-downloads")
    evidence: Any = panel("evidence", {})  # gr.HTML accepts any event name
    panel("facts", per_class_value(None), elem_id="hsi-map-classes")
    # Values of these panels come with the map (ui/viewer/label_routes.py).
    save_labels = gr.Button("Export the labels only", size="sm", elem_id="hsi-export-labels")
    label_import.create(studio, bus)

    here = gr.State("")  # the project that the downloads are of
    bus.project.change(tab.opened, [bus.project, here], [here, files], show_progress="hidden", queue=False, **PRIVATE)
    save.click(tab.export, [bus.project], [files], **PRIVATE)
    save_labels.click(tab.export_labels, [bus.project], [files], **PRIVATE)
    bus.after(evidence.act(tab.act, [bus.project], [evidence, bus.viewer, files, bus.strip], **PRIVATE))


TAB = Tab("map", "Map", 24, create, routes=router, step="map")
