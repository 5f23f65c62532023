"""The Scene tab: what this scene is, open another, go back to an earlier project."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import gradio as gr

from hsi_studio.errors import ChooseVariable, StudioError
from hsi_studio.studio.facade import Studio
from hsi_studio.ui.bus import Bus, Tab
from hsi_studio.ui.viewer.page_state import Present
from hsi_studio.ui.web_component import packed, panel

NONE = "(none)"


def create(studio: Studio, bus: Bus) -> None:
    present = Present(studio)
    with gr.Accordion("Open a scene of the catalogue", open=False):
        entry = gr.Dropdown(
            choices=[(f"{item.title}{'' if item.offline else ' (download)'}", item.id) for item in studio.catalog()],
            value="demo",
            label="Scene",
            elem_id="hsi-catalogue",
        )
        open_entry = gr.Button("Open", variant="primary", size="sm", elem_id="hsi-open-entry")

    with gr.Accordion("Open your own file", open=False):
        gr.HTML(
            "<p class='hsi-hint'>ENVI, GeoTIFF, MATLAB, HDF5 or NumPy. Upload it (ENVI: header and data together), "
            "or name a file that is already on this machine.</p>",
            padding=False,
        )
        upload = gr.File(label="Files", file_count="multiple", height=110, elem_id="hsi-upload")
        where = gr.Textbox(label="or path on this machine", placeholder=str(studio.data_root / "scene.hdr"))
        variable = gr.Dropdown(choices=[], label="Variable", visible=False, allow_custom_value=True)
        with gr.Row():
            dsm = gr.Textbox(label="Heights (DSM) on the same grid", placeholder="FILE or FILE:variable")
            reference = gr.Textbox(label="Reference map", placeholder="FILE or FILE:variable")
        open_file = gr.Button("Open", variant="primary", size="sm", elem_id="hsi-open-file")

    with gr.Accordion("Your projects", open=False) as shelf:
        mine = gr.Dropdown(choices=[], label="Newest first", elem_id="hsi-projects")
        with gr.Row():
            open_mine = gr.Button("Open project", size="sm")
            fresh = gr.Button("New project on this scene", size="sm")
    trouble = gr.Markdown("", elem_id="hsi-open-trouble")
    facts = panel("facts", {"sections": []})

    def show(project_id: str) -> tuple[Any, ...]:
        return ("", gr.update(visible=False), *present.everything(project_id))

    def failed(error: StudioError) -> tuple[Any, ...]:
        choose = gr.update(visible=False)
        if isinstance(error, ChooseVariable):
            choices = [(f"{n}  {'×'.join(map(str, shape))}  {kind}", n) for n, shape, kind in error.candidates]
            choose = gr.update(visible=True, choices=choices, value=choices[0][1])
        gr.Warning(str(error))
        return (f"**Not opened.** {_plain(str(error))}", choose, *(gr.skip() for _ in bus.shown))

    def from_catalogue(chosen: str, _progress: gr.Progress = gr.Progress()) -> tuple[Any, ...]:  # noqa: B008
        _progress(0, desc="Opening")
        try:
            scene = studio.open(chosen)
            project = studio.latest_project(scene.id) or studio.new_project(chosen)
        except StudioError as error:
            return failed(error)
        return show(project.id)

    def from_file(
        files: list[str] | None, path: str, name: str | None, heights: str, labels: str,
        _progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> tuple[Any, ...]:  # fmt: skip
        _progress(0, desc="Opening")
        try:
            chosen = _main_file(studio.keep_upload(files)) if files else studio.confined(path.strip())
            options = {
                "variable": name or None,
                "dsm": _spec(studio, heights, chosen),
                "reference": _spec(studio, labels, chosen),
            }
            scene = studio.open(chosen, **options)
            project = studio.latest_project(scene.id) or studio.new_project(chosen, **options)
        except StudioError as error:
            return failed(error)
        return show(project.id)

    def from_shelf(chosen: str | None) -> tuple[Any, ...]:
        try:
            return show(studio.project(chosen or "").id)
        except StudioError as error:
            return failed(error)

    def start_fresh(project_id: str) -> tuple[Any, ...]:
        spec = dict(studio.project(project_id).scene_spec)
        try:
            return show(studio.new_project(spec.pop("spec"), **spec).id)
        except StudioError as error:
            return failed(error)

    def list_mine(project_id: str) -> Any:
        choices = []
        for item in studio.projects():
            when = time.strftime("%d %b %Y, %H:%M", time.localtime(item.modified))
            note = f"cannot be opened: {item.problem}" if item.problem else f"{item.actions} actions"
            choices.append((f"{item.title or item.id} · {when} · {note}", item.id))
        return gr.update(choices=choices, value=project_id if project_id in {c[1] for c in choices} else None)

    shown = [trouble, variable, *bus.shown]
    for event in (
        open_entry.click(from_catalogue, [entry], shown, api_visibility="private"),
        open_file.click(from_file, [upload, where, variable, dsm, reference], shown, api_visibility="private"),
        open_mine.click(from_shelf, [mine], shown, api_visibility="private"),
        fresh.click(start_fresh, [bus.project], shown, api_visibility="private"),
    ):
        bus.after(event)
    shelf.expand(list_mine, [bus.project], [mine], api_visibility="private")
    bus.project.change(lambda p: scene_facts(studio, p), [bus.project], [facts], api_visibility="private")


def scene_facts(studio: Studio, project_id: str) -> str:
    """The scene as a table for `assets/facts.js`."""
    facts = studio.info(studio.scene_of(project_id))
    nm = facts["wavelength_nm"]
    rows = [
        ["Scene", facts["title"]],
        ["Size", f"{facts['rows']} rows × {facts['columns']} columns × {facts['bands']} bands"],
        ["Wavelengths", f"{min(nm):.0f}–{max(nm):.0f} nm" if nm else "not in the file: bands go by number"],
        ["Usable", f"{facts['usable_bands']} bands, {facts['valid_pixels']:,} pixels"],
        ["Values", f"{facts['value_range'][0]:.4g} to {facts['value_range'][1]:.4g} {facts['unit']}".rstrip()],
        ["Heights", f"{facts['dsm_layers']} layer(s)" if facts["dsm_layers"] else "none"],
        ["Map system", facts["crs"] or "none: rows and columns only"],
        ["Pixel size", f"{facts['gsd_m']:g} m" if facts["gsd_m"] else "not known"],
        ["Files", ", ".join(s["file"] for s in facts["sources"]) or "made in memory"],
        ["Citation", facts["citation"] or "–"],
        ["Licence", facts["licence"] or "–"],
    ]
    sections: list[dict[str, Any]] = [{"title": "", "rows": rows}]
    if facts["reference"]:
        table = [[str(r["value"]), r["name"], f"{r['pixels']:,}"] for r in facts["reference"]]
        sections.append(
            {
                "title": "Reference map",
                "head": ["", "Class", "Pixels"],
                "table": table,
                "numbers": [2],
                "words": "Used to measure accuracy only; no method sees it.",
            }
        )
    return packed({"notes": facts["notes"], "sections": sections})


def _main_file(files: list[Path]) -> Path:
    """Of uploaded files the one to open: an ENVI header if there is one, else the first."""
    return next((f for f in files if f.suffix.lower() == ".hdr"), files[0])


def _spec(studio: Studio, text: str, scene_file: Path) -> str | None:
    """ "FILE[:variable]" of a text field, confined to the data folder; names beside the scene's file work."""
    text = text.strip()
    if not text:
        return None
    name, colon, variable = text.rpartition(":")
    if not colon or len(name) == 1:  # no variable, or a drive letter
        name, variable = text, ""
    beside = scene_file.parent / name
    full = beside if beside.is_file() and Path(name).name == name else studio.confined(name)
    return f"{full}:{variable}" if variable else str(full)


def _plain(text: str) -> str:
    """Text that Markdown shows as it is: file names may hold anything."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]()#+-.!|<>~&" else c for c in text)


TAB = Tab("scene", "Scene", 24, create)
