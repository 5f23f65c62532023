"""What can happen to a project, and what the project is after it: pure state, no files.

    event ──plan()──▶ Change (before and after of everything touched) ──commit()──▶ state

Unusual here:
- `plan` decides everything and changes nothing; `commit` cannot fail. So the store can write the journal
  between the two: what is in the journal is what was possible, and what was refused left no line.
- A `Change` holds both sides of each thing it touched, so undo and redo cost what the action cost, never a
  replay. A deleted class takes its points along and brings them back.
- Undo and redo are events like any other. There is one undo stack a project: whoever undoes, undoes the last
  action on the project, whichever tab made it.

Event types and payloads: `PLANNERS` at the end. Rows and columns are 0-based.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from hsi_studio.errors import BadRequest, LabelProblem
from hsi_studio.humanize import counted
from hsi_studio.project.payloads import check_payload
from hsi_studio.project.prompt_sets import PromptSets, SetsChange
from hsi_studio.sanitize import clean_color, clean_name, same_name
from hsi_studio.scene.region import polygon_mask
from hsi_studio.types import BoolArray, ClassInfo, ClassSchema

Pixel = tuple[int, int]  # (row, column)
Regions = tuple[tuple[tuple[float, float], ...], ...]  # polygons of (row, column) corners, as `polygon_mask` takes them


@dataclass(frozen=True)
class Event:
    """One journal line. `seq` is its line number, from 1."""

    seq: int
    time: str  # UTC, ISO 8601
    actor: str  # who: a browser tab's id, "cli", …
    type: str
    payload: dict[str, Any]


@dataclass(frozen=True)
class Point:
    """A labelled pixel. `number` is its marker's: given once, never used again."""

    row: int
    col: int
    class_id: str
    number: int


@dataclass(frozen=True)
class Change:
    """Both sides of everything an event touches. With kind "undo" or "redo" the top of that stack is meant."""

    seq: int
    text: str  # "add Corn at row 12, column 40"
    classes: tuple[ClassSchema, ClassSchema] | None = None  # before, after
    points: dict[Pixel, tuple[Point | None, Point | None]] = field(default_factory=dict)
    prompts: SetsChange | None = None
    bands: tuple[tuple[int, ...], tuple[int, ...]] | None = None  # left out: before, after
    regions: tuple[Regions, Regions] | None = None  # held out: before, after
    kind: str = "do"

    @property
    def empty(self) -> bool:
        nothing = self.classes is None and not self.points and self.prompts is None and self.bands is None
        return self.kind == "do" and nothing and self.regions is None


class State:
    """A project's classes, points and prompt sets, with its undo stack."""

    def __init__(self, shape: tuple[int, int], classes: Sequence[ClassInfo] = ()) -> None:
        self.shape = shape  # (H, W)
        self.schema = ClassSchema(tuple(classes))
        self.points: dict[Pixel, Point] = {}
        self.prompts = PromptSets()
        self.left_out: tuple[int, ...] = ()  # bands, from 0
        self.regions: Regions = ()  # held out: measured on, never labelled
        self.held: BoolArray | None = None  # (H, W) pixels inside them
        self.done: list[Change] = []
        self.undone: list[Change] = []
        self.next_number = 1
        self.relabelled: list[int] = []  # sequence numbers of the actions that changed labels

    def plan(self, event: Event) -> Change:
        """What the event would do. An event that changes nothing gives an empty Change. Raises LabelProblem."""
        planner = PLANNERS.get(event.type)
        if planner is None:
            raise LabelProblem(f"There is no action {event.type!r}. A newer version of HSI Studio may know it.")
        try:
            check_payload(event.type, event.payload)
            return planner(self, event.seq, event.payload)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise LabelProblem(f"The action {event.type!r} lacks a value it needs: {error}.") from error

    def commit(self, change: Change) -> None:
        """Make a planned change. Cannot fail."""
        applied = change
        if change.kind == "undo":
            self.undone.append(applied := self.done.pop())
            self._apply(applied, after=False)
        elif change.kind == "redo":
            self.done.append(applied := self.undone.pop())
            self._apply(applied, after=True)
        elif not change.empty:
            self.done.append(change)
            self.undone.clear()
            self._apply(change, after=True)
            if change.prompts is not None:
                self.prompts.remember(change.prompts, change.seq)
        if applied.points:
            self.relabelled.append(change.seq)

    def _apply(self, change: Change, after: bool) -> None:
        if change.classes is not None:
            self.schema = change.classes[after]
        for pixel, sides in change.points.items():
            point = sides[after]
            if point is None:
                self.points.pop(pixel, None)
            else:
                self.points[pixel] = point
                self.next_number = max(self.next_number, point.number + 1)
        if change.prompts is not None:
            self.prompts.apply(change.prompts, after)
        if change.bands is not None:
            self.left_out = change.bands[after]
        if change.regions is not None:
            self.regions = change.regions[after]
            self.held = mask_of(self.shape, self.regions)

    # ── checks ──────────────────────────────────────────────────────────────────────────────────

    def info(self, class_id: str) -> ClassInfo:
        """Raises LabelProblem for a class that is not (or no longer) there."""
        found = self.schema.get(class_id)
        if found is None:
            raise LabelProblem("This class does not exist any more. Choose another one, or undo its deletion.")
        return found

    def pixel(self, row: int, col: int) -> Pixel:
        """Raises LabelProblem outside the scene."""
        row, col = int(row), int(col)
        for name, value, size in (("row", row, self.shape[0]), ("column", col, self.shape[1])):
            if not 0 <= value < size:
                raise LabelProblem(f"{name} {value} is outside 0–{size - 1}. Choose a pixel inside the scene.")
        return row, col

    def free_pixel(self, pixel: Pixel) -> Pixel:
        """Raises LabelProblem inside a hold-out region."""
        if self.held is not None and self.held[pixel]:
            raise LabelProblem(
                f"Row {pixel[0]}, column {pixel[1]} lies in a hold-out region, which is there to measure on: choose "
                "another pixel, or take the region away (step 6, Map)."
            )
        return pixel

    def free_name(self, name: str, but: str | None = None) -> str:
        """The cleaned name, when no class other than `but` has it. Raises LabelProblem."""
        cleaned = clean_name(name)
        for info in self.schema.classes:
            if info.id != but and same_name(info.name, cleaned):
                raise LabelProblem(f"There is a class {info.name!r} already. Give the new one another name.")
        return cleaned

    def without(self, gone: set[str]) -> dict[Pixel, tuple[Point | None, Point | None]]:
        """`points` of a Change that takes classes away."""
        return {pixel: (point, None) for pixel, point in self.points.items() if point.class_id in gone}


def class_from_json(value: dict[str, Any]) -> ClassInfo:
    """A class as the journal writes it. Raises LabelProblem, KeyError."""
    return ClassInfo.from_json({**value, "name": clean_name(value["name"]), "color": clean_color(value["color"])})


# ── one planner an event type ───────────────────────────────────────────────────────────────────


def _add_class(state: State, seq: int, payload: dict[str, Any]) -> Change:
    info = class_from_json(payload)
    state.free_name(info.name)
    if state.schema.get(info.id) is not None:
        raise LabelProblem("A class with this id exists already.")
    after = ClassSchema((*state.schema.classes, info))
    return Change(seq, f"add class {info.name}", classes=(state.schema, after))


def _edit(state: State, class_id: str, **values: Any) -> tuple[ClassSchema, ClassSchema] | None:
    """Before and after; None when the class has these values already."""
    classes = tuple(replace(info, **values) if info.id == class_id else info for info in state.schema.classes)
    return None if classes == state.schema.classes else (state.schema, ClassSchema(classes))


def _rename_class(state: State, seq: int, payload: dict[str, Any]) -> Change:
    old = state.info(payload["id"])
    name = state.free_name(payload["name"], but=old.id)
    return Change(seq, f"rename {old.name} to {name}", classes=_edit(state, old.id, name=name))


def _recolour_class(state: State, seq: int, payload: dict[str, Any]) -> Change:
    info, color = state.info(payload["id"]), clean_color(payload["color"])
    return Change(seq, f"recolour {info.name}", classes=_edit(state, info.id, color=color))


def _move_class(state: State, seq: int, payload: dict[str, Any]) -> Change:
    info = state.info(payload["id"])
    rest = [other for other in state.schema.classes if other.id != info.id]
    rest.insert(min(max(int(payload["position"]), 0), len(rest)), info)
    after = ClassSchema(tuple(rest))
    return Change(seq, f"move {info.name}", classes=None if after == state.schema else (state.schema, after))


def _delete_class(state: State, seq: int, payload: dict[str, Any]) -> Change:
    info = state.info(payload["id"])
    after = ClassSchema(tuple(other for other in state.schema.classes if other.id != info.id))
    lost = state.without({info.id})
    with_it = f" and its {counted(len(lost), 'label')}" if lost else ""
    return Change(seq, f"delete {info.name}{with_it}", (state.schema, after), lost)


def _set_classes(state: State, seq: int, payload: dict[str, Any]) -> Change:
    after = ClassSchema(tuple(class_from_json(value) for value in payload["classes"]))
    if len({info.id for info in after.classes}) < len(after) or len({n.casefold() for n in after.names}) < len(after):
        raise LabelProblem("A class is in the list twice. Keep one of them.")
    lost = state.without({info.id for info in state.schema.classes} - {info.id for info in after.classes})
    text = f"set the class list to {counted(len(after), 'class', 'classes')}"
    if lost:
        text += f", without {counted(len(lost), 'label')} of classes not in it"
    return Change(seq, text, None if after == state.schema else (state.schema, after), lost)


def _add_point(state: State, seq: int, payload: dict[str, Any]) -> Change:
    """Also relabels: a pixel has at most one label."""
    pixel, info = state.free_pixel(state.pixel(payload["row"], payload["col"])), state.info(payload["class"])
    before = state.points.get(pixel)
    if before is not None and before.class_id == info.id:
        return Change(seq, f"label {info.name} again")
    verb = "add" if before is None else f"relabel {state.info(before.class_id).name} as"
    number = state.next_number if before is None else before.number
    point = Point(*pixel, info.id, number)
    return Change(seq, f"{verb} {info.name} at row {pixel[0]}, column {pixel[1]}", points={pixel: (before, point)})


def _remove_point(state: State, seq: int, payload: dict[str, Any]) -> Change:
    pixel = state.pixel(payload["row"], payload["col"])
    before = state.points.get(pixel)
    if before is None:
        raise LabelProblem(f"There is no label at row {pixel[0]}, column {pixel[1]}.")
    name = state.info(before.class_id).name
    return Change(seq, f"remove {name} at row {pixel[0]}, column {pixel[1]}", points={pixel: (before, None)})


def _import_labels(state: State, seq: int, payload: dict[str, Any]) -> Change:
    """Many at once; a pixel that is labelled already takes the imported label. "instead": all others go."""
    new = tuple(class_from_json(value) for value in payload.get("classes", []))
    for info in new:
        state.free_name(info.name)
    after = ClassSchema((*state.schema.classes, *new))
    known = {info.id for info in after.classes}
    if len(known) < len(after) or len({n.casefold() for n in after.names}) < len(after):
        raise LabelProblem("A class is in the import twice. Keep one of them.")
    points: dict[Pixel, tuple[Point | None, Point | None]] = {}
    others = ""
    if payload.get("instead"):
        points = {pixel: (point, None) for pixel, point in state.points.items()}
        others = f" instead of {len(points)}" if points else ""
    number = state.next_number
    for row, col, class_id in payload["points"]:
        pixel, before = state.free_pixel(state.pixel(row, col)), state.points.get((int(row), int(col)))
        if class_id not in known:
            raise LabelProblem("An imported label belongs to a class that does not exist.")
        if before is not None and before.class_id == class_id:
            points.pop(pixel, None)
            continue
        points[pixel] = (before, Point(*pixel, class_id, number if before is None else before.number))
        number += before is None
    return Change(
        seq,
        f"import {counted(len(payload['points']), 'label')}{others}",
        classes=(state.schema, after) if new else None,
        points=points,
    )


def _clear(state: State, seq: int, payload: dict[str, Any]) -> Change:
    points: dict[Pixel, tuple[Point | None, Point | None]] = {p: (point, None) for p, point in state.points.items()}
    return Change(seq, f"clear {counted(len(points), 'label')}", points=points)


def _set_bands(state: State, seq: int, payload: dict[str, Any]) -> Change:
    """The whole list of bands left out."""
    wanted = tuple(sorted({int(band) for band in payload["left_out"]}))
    if any(band < 0 for band in wanted):
        raise LabelProblem("A band's number is negative.")
    more, fewer = len(set(wanted) - set(state.left_out)), len(set(state.left_out) - set(wanted))
    parts = [f"leave out {counted(more, 'band')}"] if more else []
    parts += [f"bring back {counted(fewer, 'band')}"] if fewer else []
    return Change(seq, " and ".join(parts) or "no change", bands=(state.left_out, wanted) if parts else None)


def _set_regions(state: State, seq: int, payload: dict[str, Any]) -> Change:
    """The whole list of hold-out regions. Labels inside go; undo brings them back."""
    wanted: Regions = tuple(tuple((float(row), float(col)) for row, col in one) for one in payload["regions"])
    held = mask_of(state.shape, wanted)
    lost: dict[Pixel, tuple[Point | None, Point | None]] = {}
    if held is not None:
        lost = {pixel: (point, None) for pixel, point in state.points.items() if held[pixel]}
    text = f"hold out {counted(len(wanted), 'region')}" if wanted else "hold out no region"
    if lost:
        text += f", without {counted(len(lost), 'label')} inside"
    return Change(seq, text, points=lost, regions=None if wanted == state.regions else (state.regions, wanted))


def mask_of(shape: tuple[int, int], regions: Regions) -> BoolArray | None:
    """(H, W) pixels whose centre lies in any of the polygons; None for no polygon. Raises LabelProblem."""
    if not regions:
        return None
    mask = np.zeros(shape, dtype=np.bool_)
    try:
        for corners in regions:
            mask |= polygon_mask(shape, corners)
    except BadRequest as error:
        raise LabelProblem(str(error)) from error
    return mask


def _words(seq: int, change: SetsChange) -> Change:
    return Change(seq, change.text, prompts=change if change.sets else None)


def _set_prompt(state: State, seq: int, payload: dict[str, Any]) -> Change:
    info = state.info(payload["id"])
    return _words(seq, state.prompts.edit_first(info.id, payload["sentences"], state.schema))


def _create_prompt_set(state: State, seq: int, payload: dict[str, Any]) -> Change:
    return _words(seq, state.prompts.create(payload, state.schema))


def _update_prompt_set(state: State, seq: int, payload: dict[str, Any]) -> Change:
    return _words(seq, state.prompts.update(payload))


def _delete_prompt_set(state: State, seq: int, payload: dict[str, Any]) -> Change:
    return _words(seq, state.prompts.delete(payload))


def _edit_prompt_set(state: State, seq: int, payload: dict[str, Any]) -> Change:
    return _words(seq, state.prompts.edit(payload, state.schema))


def _undo(state: State, seq: int, payload: dict[str, Any]) -> Change:
    return _step_back(seq, payload, state.done, "undo")


def _redo(state: State, seq: int, payload: dict[str, Any]) -> Change:
    return _step_back(seq, payload, state.undone, "redo")


def _lost(state: State, seq: int, payload: dict[str, Any]) -> Change:
    """Holds the place of a line that was damaged (`salvage.py`)."""
    return Change(seq, "a lost action")


def _step_back(seq: int, payload: dict[str, Any], stack: list[Change], kind: str) -> Change:
    if not stack:
        raise LabelProblem(f"There is nothing to {kind}.")
    if payload.get("target", stack[-1].seq) != stack[-1].seq:
        raise LabelProblem(f"Action {payload['target']} is not the one to {kind}; {stack[-1].seq} is.")
    return Change(seq, f"{kind}: {stack[-1].text}", kind=kind)


PLANNERS: dict[str, Callable[[State, int, dict[str, Any]], Change]] = {
    "add_class": _add_class,  # id, name, color, reference_value
    "rename_class": _rename_class,  # id, name
    "recolour_class": _recolour_class,  # id, color
    "move_class": _move_class,  # id, position
    "delete_class": _delete_class,  # id
    "set_classes": _set_classes,  # classes: the whole list after it
    "add_point": _add_point,  # row, col, class
    "remove_point": _remove_point,  # row, col
    "import_labels": _import_labels,  # points: [row, col, class id], classes: the new ones, instead: of the others
    "clear": _clear,
    "set_regions": _set_regions,  # regions: the whole list of polygons after it, each of [row, column] corners
    "set_bands": _set_bands,  # left_out: the whole list after it, from 0
    "set_prompt": _set_prompt,  # id, sentences; [] = back to the class name; writes to the set `FIRST_SET`
    "create_prompt_set": _create_prompt_set,  # set, name, language, origin, sentences: class id → list
    "update_prompt_set": _update_prompt_set,  # set, name, language
    "delete_prompt_set": _delete_prompt_set,  # set
    "edit_prompt_set": _edit_prompt_set,  # set, sentences: class id → list (others stay), why
    "undo": _undo,  # target: seq of the action undone
    "redo": _redo,  # target
    "lost": _lost,  # line, reason
}
