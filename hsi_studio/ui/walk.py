"""`python app.py --demo`: a walk through the program for a room, one key a station.

    scene ─▶ map from words ─▶ five recorded clicks ─▶ two maps beside a line ─▶ comparison

Each station is a state, not a change: `Walk.go` brings the labels and the maps to what the station shows, whatever was
done before. So a reload, a jump back, and labels that somebody in the room gave meanwhile all end in the same picture.
The map from words is made before the page opens and a station says so (`made`); the clicks were chosen before, their
maps are made while one looks; the comparison is computed on this machine from the start on.

    GET  /hsi/walk         {"project", "stations": [{title, words, made, step, dock, present}, …]}
    POST /hsi/walk/{n}     bring the project there; {"problem": ""} or what is wrong

The page's part is `web/walk.js`. Nothing here is offered without `--demo`.
"""

from __future__ import annotations

import logging
import time
from dataclasses import asdict, dataclass
from typing import Any

from fastapi import APIRouter, HTTPException

from hsi_studio.errors import StudioError
from hsi_studio.methods import methods
from hsi_studio.studio.facade import Studio

log = logging.getLogger(__name__)

SCENE = "demo"
REPORT_S, WORDS_S = 20.0, 180.0
# Recorded: a pixel inside a large area of each of five large classes, as somebody would click them first.
CLICKS: tuple[tuple[int, int, str], ...] = (
    (192, 68, "Meadow"), (39, 19, "Broadleaf trees"), (30, 109, "Bare soil"), (50, 74, "Maize"), (182, 32, "Water"),
)  # fmt: skip
RIVALS = 2  # beside the live map: a comparison of three quick sides is over within a minute or two


@dataclass(frozen=True)
class Station:
    """One stop. `clicks` of the recorded labels are there; `left` and `right` are layer ids, "" = none."""

    title: str
    words: str
    made: str = ""  # what was computed before it is shown, in words
    clicks: int = 0
    left: str = "live"
    right: str = ""
    step: str = "label"
    dock: str = "accuracy"
    present: bool = True


def stations() -> tuple[Station, ...]:
    found = [
        Station("The scene", "A simulated valley of 200 × 200 pixels, 120 bands and heights. Nothing is labelled yet."),
        Station(
            "From words alone", "A map from the names of the classes: no pixel was labelled for it.",
            "made before this page opened", left="texts", step="words",
        ),
    ]  # fmt: skip
    for k, (_, _, name) in enumerate(CLICKS, start=1):
        last = "The map follows each click." if k > 1 else "A map needs a second class."
        found.append(Station(
            f"Click {k} of {len(CLICKS)}: {name}", last, "the pixel was recorded, its map is made now", k, dock="curves"
        ))  # fmt: skip
    everything = len(CLICKS)
    found += [
        Station(
            "Beside each other", "Drag the line: left your labels, right the words alone, on the same test pixels.",
            "the map from words was made before", everything, right="texts",
        ),
        Station(
            "Compared", "Methods on the same labels, drawn anew for each seed: what differs by more than chance?",
            "computed on this machine since the start", everything, step="compare", present=False,
        ),
    ]  # fmt: skip
    return tuple(found)


class Walk:
    """The walk of one project."""

    def __init__(self, studio: Studio) -> None:
        self.studio, self.stations = studio, stations()
        self.project = studio.new_project(SCENE, title="Demonstration").id

    def prepare(self) -> None:
        """Make what is shown as made before. Raises StudioError."""
        texts, until = self.studio.queries.text_maps, time.monotonic() + WORDS_S
        texts.request(self.project, "names", curve=False)
        while texts.get(self.project).state == "working" and time.monotonic() < until:
            time.sleep(0.2)
        if (said := texts.get(self.project)).state != "done":
            log.warning("The map from words is not there: %s", said.error or "it takes longer than expected")
        compare = self.studio.compare
        own = self.studio.method
        rivals = ((name, one) for name, one in methods().entries.items() if name != own)
        quick = [name for name, one in rivals if not (one.quick_pace or one.needs)]  # as quick as it gets
        sides = [compare.side(name) for name in (own, *quick[:RIVALS])]
        plan = compare.plan(self.project, sides, shots=5, seeds=3, title="Demonstration", control=False)
        compare.start(self.project, plan)

    def go(self, number: int) -> None:
        """Bring the project to a station. Raises StudioError."""
        station, project = self.stations[number], self.studio.project(self.project)
        source, _, item = station.left.partition(":")
        self.studio.displayed.show(self.project, source, item, beside=station.right)
        ids = {info.name: info.id for info in project.schema.classes}
        wanted = {(row, col): ids[name] for row, col, name in CLICKS[: station.clicks]}
        for pixel in [pixel for pixel, class_id in project.points.items() if wanted.get(pixel) != class_id]:
            self.studio.remove_label(self.project, *pixel)
        for pixel, class_id in wanted.items():  # one by one, so that each number of labels has its point of the curve
            if pixel not in project.points:
                self.studio.label(self.project, *pixel, class_id)
                self.studio.live(self.project).wait(project.revision, REPORT_S, report=True)
        self.studio.displayed.dismiss(self.project)


def router(walk: Walk) -> APIRouter:
    """Routes under /hsi. All handlers are plain `def`: they run in the thread pool."""
    api = APIRouter(prefix="/hsi/walk", include_in_schema=False)

    @api.get("")
    def looked() -> dict[str, Any]:
        return {"project": walk.project, "stations": [asdict(one) for one in walk.stations]}

    @api.post("/{number}")
    def go(number: int) -> dict[str, str]:
        if not 0 <= number < len(walk.stations):
            raise HTTPException(404, "There is no such station.")
        try:
            walk.go(number)
        except StudioError as error:
            return {"problem": str(error)}
        return {"problem": ""}

    return api
