"""The Scene tab: what this scene is, open another, go back to an earlier project."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import gradio as gr

from hsi_studio.errors import BadRequest, ChooseVariable, StudioError
from hsi_studio.scene.plan import AskAboutFile
from hsi_studio.scene.rules.roles import main_file as _main_file
from hsi_studio.scene.rules.roles import roles_of
from hsi_studio.studio.facade import Studio
from hsi_studio.ui.bus import Bus
from hsi_studio.ui.said_on_page import for_page
from hsi_studio.ui.tabs.contract import Tab
from hsi_studio.ui.tabs.scene import bands
from hsi_studio.ui.tabs.scene.damaged import Mending
from hsi_studio.ui.tabs.scene.question import create_question, no_question, plan_rows, question
from hsi_studio.ui.toasts import warn
from hsi_studio.ui.viewer.page_state import Present
from hsi_studio.ui.web_component import packed, panel

SHOWN = 6  # components in `Bus.shown`
Values = tuple[Any, ...]  # (trouble, variable, *Bus.shown, *the question), for every handler that opens something


class SceneTab:
    """Opens scenes and projects. What opens is shown whole; what does not, says why and leaves the page as it was."""

    def __init__(self, studio: Studio) -> None:
        self.studio, self.present = studio, Present(studio)

    def from_catalogue(self, chosen: str, progress: gr.Progress = gr.Progress()) -> Values:  # noqa: B008
        """The scene's latest project, or its first one."""
        progress(0, desc="Opening")
        try:
            return self.opened(chosen, {})
        except StudioError as error:
            return self.failed(error)

    def from_file(
        self, files: list[str] | None, path: str, variable: str | None, dsm: str, reference: str,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> Values:  # fmt: skip
        """Uploaded files, else a path of this machine, as they are taken for; a guess is asked."""
        progress(0, desc="Opening")
        try:
            chosen, options = self.chosen(files, path.strip())
            options |= {"variable": variable} if variable else {}
            for role, text in (("dsm", dsm), ("reference", reference)):
                options |= {role: self.layer(text, chosen)} if text and text.strip() else {}  # a closed part gives None
            return self.opened(chosen, options)
        except StudioError as error:
            return self.failed(error)

    def chosen(self, files: list[str] | None, path: str) -> tuple[Path, dict[str, Any]]:
        """(the scene's file, layers among the uploaded files by their names)."""
        if not files:
            if not path:
                raise BadRequest("Choose files to upload, or name one that is on this machine.")
            return self.studio.confined(path), {}
        kept = self.studio.keep_upload(files)
        roles = roles_of(kept, _main_file(kept))
        layers = {"dsm": roles.dsm, "reference": roles.reference}
        return roles.cube, {role: str(file) for role, file in layers.items() if file is not None}

    def opened(self, chosen: str | Path, options: dict[str, Any]) -> Values:
        """The latest project of a scene, or its first one; or the question about its file."""
        try:
            scene = self.studio.open(chosen, **options)
        except AskAboutFile as asked:
            return self.ask(asked, chosen, options)
        project = self.studio.latest_project(scene.id) or self.studio.new_project(chosen, **options)
        return self.show(project.id)

    def ask(self, asked: AskAboutFile, chosen: str | Path, options: dict[str, Any]) -> Values:
        """The question, each answer with what the file looks like under it."""
        variable = options.get("variable")
        said = {k: v for k, v in options.items() if k not in ("variable", "dsm", "reference")}
        shown = self.studio.choices(asked, variable, **said)
        pending = {
            "chosen": str(chosen),
            "options": options,
            "question": asked.question,
            "answers": list(asked.choices),
        }
        words = f"**A question before it opens.** {plain(asked.path.name)}: {plain(asked.problem)}. Which is right?"
        return (words, gr.update(visible=False), *(gr.skip() for _ in range(SHOWN)), *question(shown, pending))

    def answer_first(self, pending: dict[str, Any] | None) -> Values:
        return self.answer(0, pending)

    def answer_second(self, pending: dict[str, Any] | None) -> Values:
        return self.answer(1, pending)

    def answer_third(self, pending: dict[str, Any] | None) -> Values:
        return self.answer(2, pending)

    def answer(self, number: int, pending: dict[str, Any] | None) -> Values:
        """The file, read as the answer says."""
        try:
            if not pending:
                raise BadRequest("The question is no longer open: press Open again.")
            said = {pending["question"]: pending["answers"][number]}
            return self.opened(pending["chosen"], {**pending["options"], **said})
        except StudioError as error:
            return self.failed(error)

    def from_shelf(self, chosen: str | None) -> Values:
        """One of the visitor's projects."""
        try:
            return self.show(self.studio.usable(chosen or "").id)
        except StudioError as error:
            return self.failed(error)

    def start_fresh(self, project_id: str) -> Values:
        """A new project on the scene that is open."""
        try:
            spec = dict(self.studio.project(project_id).scene_spec)
            return self.show(self.studio.new_project(spec.pop("spec"), **spec).id)
        except StudioError as error:
            return self.failed(error)

    def list_projects(self, project_id: str) -> Any:
        """The choices of the shelf, newest first."""
        choices = []
        for item in self.studio.projects():
            when = time.strftime("%d %b %Y, %H:%M", time.localtime(item.modified))
            note = f"cannot be opened: {item.problem}" if item.problem else f"{item.actions} actions"
            choices.append((f"{item.title or item.id} · {when} · {note}", item.id))
        return gr.update(choices=choices, value=project_id if project_id in {c[1] for c in choices} else None)

    def show(self, project_id: str) -> Values:
        return ("", gr.update(visible=False), *self.present.everything(project_id), *no_question())

    def failed(self, error: StudioError) -> Values:
        """What is wrong, and where a file holds several variables, their list to choose from."""
        choose = gr.update(visible=False)
        if isinstance(error, ChooseVariable) and error.candidates:
            choices = [(f"{n}  {'×'.join(map(str, shape))}  {kind}", n) for n, shape, kind in error.candidates]
            choose = gr.update(visible=True, choices=choices, value=choices[0][1])
        warn(error)
        return (f"**Not opened.** {plain(str(error))}", choose, *(gr.skip() for _ in range(SHOWN)), *no_question())

    def layer(self, text: str, scene_file: Path) -> str | None:
        """ "FILE[:variable]" of a text field, confined to the data folder; names beside the scene's file work."""
        text = text.strip()
        if not text:
            return None
        name, colon, variable = text.rpartition(":")
        if not colon or len(name) == 1:  # no variable, or a drive letter
            name, variable = text, ""
        beside = scene_file.parent / name
        full = beside if beside.is_file() and Path(name).name == name else self.studio.confined(name)
        return f"{full}:{variable}" if variable else str(full)

    def facts(self, project_id: str) -> str:
        return scene_facts(self.studio, project_id)


def scene_facts(studio: Studio, project_id: str) -> str:
    """The scene as a table for `web/facts.js`."""
    facts = studio.info(studio.scene_of(project_id), wait=False)
    nm = facts["wavelength_nm"]
    usable = "pixels are still looked at" if facts["valid_pixels"] is None else f"{facts['valid_pixels']:,} pixels"
    rows = [
        ["Scene", facts["title"]],
        ["Size", f"{facts['rows']} rows × {facts['columns']} columns × {facts['bands']} bands"],
        ["Wavelengths", f"{min(nm):.0f}–{max(nm):.0f} nm" if nm else "not in the file: bands go by number"],
        ["Usable", f"{facts['usable_bands']} bands, {usable}"],
        [
            "Values",
            f"{value_text(facts['value_range'][0])} to {value_text(facts['value_range'][1])} {facts['unit']}".rstrip(),
        ],
        ["Surface model (DSM)", layers_of(facts["dsm_layers"])],
        ["Coordinate system (CRS)", facts["crs"] or "none: rows and columns only"],
        ["Pixel size", facts["pixel"] or "not known"],
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
    if facts["plan"]:
        sections.append(
            {
                "title": "How the file was read",
                "head": ["", "Taken for", "How sure", "Why"],
                "table": [list(row) for row in plan_rows(facts["plan"])],
                "words": "To have it read otherwise, open the file again by “Open” above and change the answer.",
            }
        )
    return packed(
        {"notes": [*studio.problems(), *map(for_page, facts["notes"])], "sections": sections}
    )  # left-out plug-ins first


def plain(text: str) -> str:
    """Text that Markdown shows as it is: file names may hold anything."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]()#+-.!|<>~&" else c for c in text)


def value_text(value: float) -> str:
    """ "0.754", "-185", "65,535"."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def layers_of(count: int) -> str:
    return f"{count} layer{'s' * (count != 1)}" if count else "none"


def create(studio: Studio, bus: Bus) -> None:
    tab = SceneTab(studio)
    mending = Mending(studio, tab.show, tab.failed, plain)
    with gr.Accordion("Open a scene of the catalogue", open=False):
        entry = gr.Dropdown(
            choices=[(f"{item.title}{'' if item.offline else ' (download)'}", item.id) for item in studio.catalog()],
            value="demo",
            label="Scene",
            elem_id="hsi-catalogue",
        )
        open_entry = gr.Button("Open", size="sm", elem_id="hsi-open-entry")

    with gr.Accordion("Open your own file", open=False):
        gr.HTML(
            "<p class='hsi-hint'>ENVI, GeoTIFF, MATLAB, HDF5, NumPy or a satellite product. Upload it with all that "
            "goes with it (header, metadata, surface model, reference), or name a file or folder of this machine. "
            "Dropped on the page, or given to “Open” above, it shows what it is taken for first, and every answer can "
            "be changed.</p>",
            padding=False,
        )
        upload = gr.File(label="Files", file_count="multiple", height=110, elem_id="hsi-upload")
        where = gr.Textbox(label="or path on this machine", placeholder=str(studio.data_root / "scene.hdr"))
        variable = gr.Dropdown(choices=[], label="Variable", visible=False, allow_custom_value=True)
        with gr.Row():
            dsm = gr.Textbox(label="Surface model (DSM)", placeholder="FILE or FILE:variable")
            reference = gr.Textbox(label="Reference map", placeholder="FILE or FILE:variable")
        open_file = gr.Button("Open", size="sm", elem_id="hsi-open-file")

    with gr.Accordion("Your projects", open=False) as shelf:
        mine = gr.Dropdown(choices=[], label="Newest first", elem_id="hsi-projects")
        with gr.Row():
            open_mine = gr.Button("Open project", size="sm")
            fresh = gr.Button("New project on this scene", size="sm")
            mend = gr.Button("Mend this project", size="sm", visible=False, elem_id="hsi-mend")
    trouble = gr.Markdown("", elem_id="hsi-open-trouble")
    asked, answers, pending = create_question()
    rebanded = bands.create(studio, bus)
    facts = panel("facts", {"sections": []})

    shown = [trouble, variable, *bus.shown, *asked]
    private: dict[str, Any] = {"api_visibility": "private"}
    file_inputs = [upload, where, variable, dsm, reference]
    for button, answer in zip(answers, (tab.answer_first, tab.answer_second, tab.answer_third), strict=True):
        bus.after(button.click(answer, [pending], shown, **private))
    for event in (
        open_entry.click(tab.from_catalogue, [entry], shown, **private),
        open_file.click(tab.from_file, file_inputs, shown, **private),
        open_mine.click(tab.from_shelf, [mine], shown, **private),
        fresh.click(tab.start_fresh, [bus.project], shown, **private),
        mend.click(mending.mend, [mine], shown, **private),
    ):
        bus.after(event)
    mine.change(mending.offer, [mine], [mend, trouble], **private)
    for event in rebanded:
        event.then(tab.facts, [bus.project], [facts], show_progress="hidden", **private)
    shelf.expand(tab.list_projects, [bus.project], [mine], **private)
    bus.project.change(tab.facts, [bus.project], [facts], **private)


TAB = Tab("scene", "Scene", 10, create, step="scene")
