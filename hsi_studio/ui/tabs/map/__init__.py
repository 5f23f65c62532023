"""The Map tab: accuracy per class, downloads, labels from a file."""

from __future__ import annotations

import zipfile
from typing import Any

import gradio as gr

from hsi_studio.errors import StudioError
from hsi_studio.studio.facade import Studio
from hsi_studio.ui.bus import FOLLOW, Bus, when_opened
from hsi_studio.ui.tabs.contract import Tab
from hsi_studio.ui.tabs.map import label_import
from hsi_studio.ui.viewer.accuracy_strip import per_class_value
from hsi_studio.ui.web_component import panel


class MapTab:
    """Exports."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def export(self, project_id: str) -> Any:
        """Everything as one archive, then file by file."""
        try:
            written = self.studio.export(project_id)
        except StudioError as error:
            gr.Warning(str(error))
            return gr.update(visible=False)
        bundle = written[0].with_name(f"{written[0].stem.removesuffix('_map')}_export.zip")
        with zipfile.ZipFile(bundle, "w", zipfile.ZIP_DEFLATED) as archive:
            for item in written:
                archive.write(item, item.name)
        return gr.update(value=[str(bundle), *map(str, written)], visible=True)

    def export_labels(self, project_id: str) -> Any:
        try:
            written = self.studio.export_labels(project_id)
        except StudioError as error:
            gr.Warning(str(error))
            return gr.update(visible=False)
        return gr.update(value=[str(p) for p in written], visible=True)


def create(studio: Studio, bus: Bus) -> None:
    tab = MapTab(studio)
    gr.HTML(
        "<p class='hsi-hint'>Map as GeoTIFF and ENVI, its confidence, a picture with legend, the labels as GeoJSON, "
        "CSV and GeoPackage. The map is the one on the screen: the live one, or the one chosen in another tab.</p>",
        padding=False,
    )
    panel("facts", {}, elem_id="hsi-map-shown")
    with gr.Row():
        save = gr.Button("Export map and labels", variant="primary", size="sm", elem_id="hsi-export")
        save_labels = gr.Button("Labels only", size="sm", elem_id="hsi-export-labels")
    files = gr.File(label="Downloads", file_count="multiple", interactive=False, visible=False, elem_id="hsi-downloads")
    panel("facts", per_class_value(None), elem_id="hsi-map-classes")
    # Values of these two panels come with the map (ui/viewer/label_routes.py).
    when_opened(None, None, None, js=FOLLOW, show_progress="hidden", api_visibility="private")
    label_import.create(studio, bus)

    save.click(tab.export, [bus.project], [files], api_visibility="private")
    save_labels.click(tab.export_labels, [bus.project], [files], api_visibility="private")


TAB = Tab("map", "Map", 24, create, step="map")
