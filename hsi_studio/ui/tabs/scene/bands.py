"""The part of the Scene tab about bands: what was found wrong with which, left out and brought back with one click."""

from __future__ import annotations

from typing import Any

import gradio as gr

from hsi_studio.errors import StudioError
from hsi_studio.features.band_quality import BandFinding
from hsi_studio.humanize import counted
from hsi_studio.studio.facade import Studio
from hsi_studio.ui.bus import Bus
from hsi_studio.ui.toasts import tell, warn
from hsi_studio.ui.viewer.page_state import Present
from hsi_studio.ui.web_component import packed, panel

MOST_SHOWN = 60  # bands with a box of their own


class BandsPart:
    """What the part can do. Answers: (report, boxes, button "leave out", button "bring back")."""

    def __init__(self, studio: Studio) -> None:
        self.studio, self.present = studio, Present(studio)

    def look(self, project_id: str) -> tuple[Any, ...]:
        """The bands that were found, and those that are left out."""
        try:
            found, left = self.studio.bands.found(project_id), set(self.studio.bands.left_out(project_id))
        except StudioError as error:
            return (packed({"notes": [str(error)], "sections": []}), gr.skip(), gr.skip(), gr.skip())
        labels = self.studio.workspace.whole_scene_of(project_id).bands.labels
        open_, dead = [f for f in found if not f.left_out], [f for f in found if f.left_out]
        by_hand = sorted(left - {f.band for f in open_})
        choices = [(f"{name(f.band, labels)} · {f.kind}: {f.reason}", str(f.band)) for f in open_]
        choices += [(f"{name(band, labels)} · left out by hand", str(band)) for band in by_hand]
        boxes = gr.CheckboxGroup(
            choices=choices[:MOST_SHOWN], value=[key for _, key in choices[:MOST_SHOWN] if int(key) in left],
            visible=bool(choices),
        )  # fmt: skip
        waiting = [f for f in open_ if f.band not in left]
        return (
            packed(report_value(open_, dead, labels, len(left))), boxes,
            gr.Button(f"Leave out the {counted(len(waiting), 'band')} found", visible=bool(waiting)),
            gr.Button(f"Bring back {counted(len(left), 'band')}", visible=bool(left)),
        )  # fmt: skip

    def choose(self, project_id: str, kept: list[str]) -> tuple[Any, ...]:
        """The boxes as they are: ticked bands are left out, the others of the list are not."""
        ticked = {int(key) for key in kept}
        listed = {f.band for f in self.studio.bands.found(project_id) if not f.left_out}
        more = ticked - set(self.studio.bands.left_out(project_id))
        back = (listed | set(self.studio.bands.left_out(project_id))) - ticked
        if more:
            return self.act(project_id, lambda bands: bands.leave_out(project_id, more))
        return self.act(project_id, lambda bands: bands.bring_back(project_id, back))

    def leave_out_found(self, project_id: str) -> tuple[Any, ...]:
        found = [f.band for f in self.studio.bands.found(project_id) if not f.left_out]
        return self.act(project_id, lambda bands: bands.leave_out(project_id, found))

    def bring_back(self, project_id: str) -> tuple[Any, ...]:
        return self.act(project_id, lambda bands: bands.bring_back(project_id))

    def act(self, project_id: str, action: Any) -> tuple[Any, ...]:
        """(this part's values, `Bus.shown`) after a change of bands: the scene has another id then."""
        try:
            tell(f"{action(self.studio.bands).capitalize()}. The map follows; undo takes it back.")
        except StudioError as error:
            warn(error)
        return (*self.look(project_id), *self.present.everything(project_id))


def closed() -> tuple[Any, ...]:
    """The part as it is before it is opened."""
    hidden = gr.update(visible=False)
    return (
        packed({"sections": []}),
        gr.update(visible=False, choices=[], value=[]),
        hidden,
        hidden,
        gr.update(open=False),
    )


def name(band: int, labels: list[str]) -> str:
    """ "104 (1362 nm)", from 1."""
    return f"{band + 1} ({labels[band]})" if labels[band].endswith("nm") else f"Band {band + 1}"


def report_value(open_: list[BandFinding], dead: list[BandFinding], labels: list[str], left: int) -> dict[str, Any]:
    """The sentences, and the bands that the survey leaves out, as a table for `web/facts.js`."""
    if not open_ and not dead:
        said = "No band stands out: none is dead, saturated, striped or noisy."
    elif not open_:
        said = "No band that is used stands out."
    else:
        verb = "stands" if len(open_) == 1 else "stand"
        said = f"{counted(len(open_), 'band')} {verb} out. Tick those to leave out; {left or 'none'} are now."
    sections: list[dict[str, Any]] = []
    if dead:
        table = [[name(f.band, labels), f.reason] for f in dead[:MOST_SHOWN]]
        more = len(dead) - MOST_SHOWN
        words = f"And {more} more. " if more > 0 else ""
        sections.append({"title": "Not used in any case", "head": ["Band", "Why"], "table": table,
                         "words": f"{words}A band that says nothing is left out in every project."})  # fmt: skip
    return {"notes": [said], "sections": sections}


def create(studio: Studio, bus: Bus) -> list[Any]:
    """Make the part, inside the Scene tab. Returns the events after which the scene has other bands."""
    part = BandsPart(studio)
    with gr.Accordion("Bands", open=False, elem_id="hsi-bands") as here:
        gr.HTML(
            "<p class='hsi-hint'>Bands that are saturated, striped or noisy are looked for in a sample of the scene. "
            "None is left out before you say so; maps and trainings then go by the bands that stay.</p>",
            padding=False,
        )
        report = panel("facts", {"sections": []}, elem_id="hsi-bands-report")
        boxes = gr.CheckboxGroup(choices=[], label="Left out", visible=False, elem_id="hsi-bands-left-out")
        with gr.Row():
            leave = gr.Button("Leave out", size="sm", visible=False, elem_id="hsi-bands-leave")
            back = gr.Button("Bring back", size="sm", visible=False, elem_id="hsi-bands-back")
    own = [report, boxes, leave, back]
    private: dict[str, Any] = {"api_visibility": "private"}
    here.expand(part.look, [bus.project], own, **private)
    changed = [
        boxes.input(part.choose, [bus.project, boxes], [*own, *bus.shown], **private),
        leave.click(part.leave_out_found, [bus.project], [*own, *bus.shown], **private),
        back.click(part.bring_back, [bus.project], [*own, *bus.shown], **private),
    ]
    # what it says is another scene's
    bus.project.change(closed, None, [*own, here], show_progress="hidden", queue=False, **private)
    return [bus.after(event) for event in changed]
