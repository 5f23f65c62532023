"""The part of the Map tab that takes in labels of other programs: files, what will become of them, one button.

Files are looked at as soon as they are there; what has to be chosen (the class, a layer, the coordinates) is asked with
its values, and nothing is added before the button is pressed.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from hsi_studio.errors import ChooseLabels, StudioError
from hsi_studio.humanize import counted
from hsi_studio.studio.facade import Studio
from hsi_studio.ui.bus import Bus
from hsi_studio.ui.toasts import tell, warn
from hsi_studio.ui.viewer.page_state import Present
from hsi_studio.ui.web_component import packed, panel

FIELDS = ("attribute", "layer", "crs", "first")  # that may be asked for, each with a list
TITLES = {
    "attribute": "Class is in", "layer": "Layer", "crs": "Coordinates are", "first": "Rows and columns count from",
}  # fmt: skip
SHOWN_CLASSES = 12
EMPTY: dict[str, Any] = {"sections": []}
Answer = tuple[Any, ...]


class LabelImportPart:
    """What the part can do. Every handler gets the project, the files, the answers and the limit, in this order."""

    def __init__(self, studio: Studio) -> None:
        self.studio, self.present = studio, Present(studio)

    def look(self, project_id: str, files: list[str] | None, *given: Any) -> Answer:
        """(report, the fields, limit, button): what would be added, or what has to be chosen first."""
        if not files:
            return (packed(EMPTY), *(gr.update(visible=False, choices=[], value=None) for _ in FIELDS),
                    gr.update(visible=False), gr.update(visible=False))  # fmt: skip
        options = chosen(given)
        try:
            found = self.studio.labels.look(project_id, files, **options)
        except ChooseLabels as choice:
            return self.asking(choice, options)
        except StudioError as error:
            gone = gr.update(visible=False)
            return (packed({"notes": [str(error)], "sections": []}), *(gr.skip() for _ in FIELDS), gr.skip(), gone)
        told = found.to_json()
        lists = [item["attributes"] for item in told["files"] if len(item["attributes"]) > 1]
        fields = [gr.skip() for _ in FIELDS]
        if len(told["files"]) == 1 and lists:
            fields[0] = field("attribute", lists[0], told["files"][0]["attribute"])
        areas = any(item["labels"] > item["features"] for item in told["files"])
        count = len(found.labels)
        return (
            packed(report_value(told, found.sentences())), *fields,
            gr.update(visible=True) if areas or options["per_area"] else gr.skip(),
            gr.update(visible=True, value=f"Add {counted(count, 'label')}", interactive=count > 0),
        )  # fmt: skip

    def closed(self, project_id: str, before: str) -> Answer:
        """(project, files, report, the fields, limit, button) as they are before files are given, when another project
        than `before` is opened; a page that has just been loaded had none, and what was given meanwhile stays."""
        nothing = (None, *self.look("", None))
        return (project_id, *(nothing if before not in ("", project_id) else (gr.skip() for _ in nothing)))

    def asking(self, choice: ChooseLabels, options: dict[str, Any]) -> Answer:
        """The field that has to be answered, with its values; a limit is a number."""
        fields = [field(name, choice.options, options[name]) if name == choice.field else gr.skip() for name in FIELDS]
        note = f"{choice.path.name}: {choice.problem}. " + (
            "Give a limit below." if choice.field == "per_area" else "Choose below."
        )
        limit = gr.update(visible=True) if choice.field == "per_area" else gr.skip()
        return (packed({"notes": [note], "sections": []}), *fields, limit, gr.update(visible=False))

    def add(self, project_id: str, files: list[str] | None, *given: Any) -> Answer:
        """(files, report, the fields, limit, button, viewer, class list) with the labels added."""
        if not files:
            return tuple(gr.skip() for _ in range(len(FIELDS) + 6))
        try:
            done, *notes = self.studio.import_labels(project_id, files, **chosen(given))
            tell(" ".join((f"Done: {done}.", *notes)))
        except StudioError as error:
            warn(error)
            return tuple(gr.skip() for _ in range(len(FIELDS) + 6))
        notice = self.present.follow_labels(project_id)
        return (None, *self.look(project_id, None), *self.present.answer(project_id, notice=notice))


def chosen(given: tuple[Any, ...]) -> dict[str, Any]:
    """The answers as options of the import: "" and 0 are none."""
    options: dict[str, Any] = {name: value or None for name, value in zip(FIELDS, given, strict=False)}
    options["first"] = int(options["first"]) if options["first"] is not None else None
    limit = given[len(FIELDS)] if len(given) > len(FIELDS) else None
    options["per_area"] = int(limit) if limit else None
    return options


def field(name: str, options: list[tuple[str, str]], value: str | None) -> Any:
    """A list with the values and what they are."""
    choices = [(f"{key} · {words}" if words else key, key) for key, words in options]
    known = value if value in {key for key, _ in options} else None
    return gr.update(visible=True, choices=choices, value=known)


def report_value(told: dict[str, Any], notes: list[str]) -> dict[str, Any]:
    """The report as tables for `web/facts.js`."""
    files = [
        [f"{item['file']}{' · ' + item['layer'] if item['layer'] else ''}", item["kind"], f"{item['features']:,}",
         f"{item['labels']:,}"]
        for item in told["files"]
    ]  # fmt: skip
    places = list(dict.fromkeys(item["place"] for item in told["files"] if item["place"]))
    shown = sorted(told["classes"].items(), key=lambda pair: -pair[1])
    classes = [[name, f"{count:,}"] for name, count in shown[:SHOWN_CLASSES]]
    if len(shown) > SHOWN_CLASSES:
        left = sum(count for _, count in shown[SHOWN_CLASSES:])
        classes.append([f"and {counted(len(shown) - SHOWN_CLASSES, 'more class', 'more classes')}", f"{left:,}"])
    sections: list[dict[str, Any]] = [
        {"title": "", "head": ["File", "Kind", "Features", "Pixels"], "table": files, "numbers": [2, 3],
         "words": f"Coordinates: {'; '.join(places)}." if places else ""},
    ]  # fmt: skip
    if classes:
        sections.append({"title": "", "head": ["Class", "Pixels"], "table": classes, "numbers": [1]})
    return {"notes": notes, "sections": sections}


def create(studio: Studio, bus: Bus) -> None:
    """Make the part, inside the Map tab."""
    part = LabelImportPart(studio)
    with gr.Accordion("Import labels", open=False, elem_id="hsi-import-fold"):
        gr.HTML(
            "<p class='hsi-hint'>Points, lines and areas from GeoJSON, GeoPackage, shapefile (all parts, or a .zip), "
            "KML, ENVI ROI, CSV of any spreadsheet, or a raster of classes. An area labels the pixels whose centres "
            "lie in it. Labels are added to yours in one step, which undo takes back.</p>",
            padding=False,
        )
        files = gr.File(label="Files with labels", file_count="multiple", height=140, elem_id="hsi-import")
        report = panel("facts", EMPTY, elem_id="hsi-import-report")
        fields = [
            gr.Dropdown(choices=[], label=TITLES[name], visible=False, elem_id=f"hsi-import-{name}") for name in FIELDS
        ]
        limit = gr.Number(
            None, label="At most so many pixels of each area, evenly drawn (0: all)", minimum=0, precision=0,
            visible=False, elem_id="hsi-import-limit",
        )  # fmt: skip
        add = gr.Button("Add labels", size="sm", visible=False, elem_id="hsi-import-add")
    given = [bus.project, files, *fields, limit]
    shown = [report, *fields, limit, add]
    private: dict[str, Any] = {"api_visibility": "private"}
    files.upload(part.look, given, shown, **private)
    files.clear(part.look, given, shown, **private)
    for control in fields:
        control.input(part.look, given, shown, show_progress="hidden", **private)
    limit.submit(part.look, given, shown, show_progress="hidden", **private)
    limit.blur(part.look, given, shown, show_progress="hidden", **private)
    here = gr.State("")  # the project that files are given for
    bus.project.change(
        part.closed, [bus.project, here], [here, files, *shown], show_progress="hidden", queue=False, **private
    )
    bus.after(add.click(part.add, given, [files, *shown, bus.viewer, bus.classes], **private))
