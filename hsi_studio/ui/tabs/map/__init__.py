"""The Map tab: accuracy per class, downloads, labels from a file."""

from __future__ import annotations

import zipfile
from typing import Any

import gradio as gr

from hsi_studio.errors import StudioError
from hsi_studio.studio.facade import Studio
from hsi_studio.ui.bus import FOLLOW, Bus, when_opened
from hsi_studio.ui.tabs.contract import Tab
from hsi_studio.ui.viewer.accuracy_strip import per_class_value
from hsi_studio.ui.viewer.page_state import Present
from hsi_studio.ui.web_component import panel


class MapTab:
    """Exports, and labels from a file."""

    def __init__(self, studio: Studio) -> None:
        self.studio, self.present = studio, Present(studio)

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

    def import_labels(self, project_id: str, file: str | None) -> tuple[Any, Any, Any]:
        """(file field, viewer, class list) with the labels of the file added."""
        if not file:
            return gr.skip(), gr.skip(), gr.skip()
        try:
            gr.Info("  ".join(self.studio.import_labels(project_id, file)))
        except StudioError as error:
            gr.Warning(str(error))
        return None, *self.present.answer(project_id)


def create(studio: Studio, bus: Bus) -> None:
    tab = MapTab(studio)
    gr.HTML(
        "<p class='hsi-hint'>Map as GeoTIFF and ENVI, its confidence, a picture with legend, the labels as GeoJSON and "
        "CSV. The map is the one on the screen: the live one, or the one chosen in another tab.</p>",
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
    with gr.Accordion("Import labels", open=False):
        gr.HTML(
            "<p class='hsi-hint'>GeoJSON or CSV as exported here; a CSV needs the columns row, col and class "
            "(counted from 0). Labels are added to yours; undo takes them back.</p>",
            padding=False,
        )
        chosen = gr.File(label="File with labels", height=110, elem_id="hsi-import")

    save.click(tab.export, [bus.project], [files], api_visibility="private")
    save_labels.click(tab.export_labels, [bus.project], [files], api_visibility="private")
    imported = chosen.upload(
        tab.import_labels,
        [bus.project, chosen],
        [chosen, bus.viewer, bus.classes],
        api_visibility="private",
    )
    bus.after(imported)


TAB = Tab("map", "Map", 24, create, step="map")
