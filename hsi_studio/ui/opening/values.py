"""An opening and a shelf as JSON for the page's sheet (`opening.js`)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from hsi_studio.humanize import ago, shape_text, size_text
from hsi_studio.scene.plan import Fact, Sure
from hsi_studio.scene.preview import Look
from hsi_studio.scene.rules import masks
from hsi_studio.studio.opening import ROLES, Opening
from hsi_studio.studio.shelf import ProjectCard
from hsi_studio.types import Progress
from hsi_studio.ui.said_on_page import for_page
from hsi_studio.ui.tabs.scene.question import QUESTIONS, answer_words, axes_words

ORDERS = ("rows,cols,bands", "bands,rows,cols", "rows,bands,cols", "cols,rows,bands", "bands,cols,rows",
          "cols,bands,rows")  # fmt: skip
UNITS = (("nm", "nm"), ("um", "µm"), ("angstrom", "Ångström"), ("wavenumber", "1/cm"))
TEXTS = {  # option → an example of what is typed
    "nodata": "-9999, or none", "wavelengths": "one number a band, or none", "scale": "0.0001", "crs": "EPSG:32633",
    "quality": "cloud, shadow; or all",
}  # fmt: skip
ROWS_OF = "Looking at every pixel"  # its progress counts rows, all others bytes


def opening_value(made: Opening) -> dict[str, Any]:
    """The sheet's whole state."""
    found = made.found
    variables = [[name, f"{name}  {'×'.join(map(str, shape))}  {kind}"] for name, shape, kind in made.variables]
    return {
        "id": made.id,
        "name": made.name,
        "stage": made.stage,
        "progress": progress_value(made.progress),
        "problem": for_page(made.problem),
        "variables": variables,
        "files": sorted(
            (file_value(made, number) for number in range(len(made.files))), key=lambda one: ROLES.index(one["role"])
        ),
        "roles": list(ROLES),
        "look": None if found is None else look_value(found, made.said),
        "project": made.project,
        "notes": [for_page(note) for note in made.notes],
    }


def progress_value(progress: Progress) -> dict[str, Any]:
    text = progress.message
    if progress.message == ROWS_OF:
        text = f"{text}: row {progress.done:,.0f} of {progress.total:,.0f}"
    elif progress.total:
        text = f"{text}: {size_text(progress.done)} of {size_text(progress.total)}"
    elif progress.done:
        text = f"{text}: {size_text(progress.done)}"
    return {"text": text, "fraction": progress.fraction, "seconds_left": progress.seconds_left}


def file_value(made: Opening, number: int) -> dict[str, Any]:
    file = made.files[number]
    try:
        size = size_text(file.stat().st_size) if file.is_file() else "folder"
    except OSError:
        size = "gone"
    return {"name": file.name, "size": size, "role": made.roles.get(file.name, ROLES[-1])}


def _fill_words(value: str) -> str:
    return "every value is data" if value == "none" else f"{value} means “no data”"


def look_value(found: Look, said: dict[str, Any]) -> dict[str, Any]:
    height, width, count = found.shape
    rows, asks = list(plan_rows(found, said)), None
    if found.asked is not None:
        words = {"axes": axes_words, "nodata": _fill_words}.get(found.asked.question, str)
        choices = [
            {"value": one.value, "label": words(one.value), "size": one.size, "reach": one.reach,
             "picture": one.picture, "spectrum": list(one.spectrum), "problem": one.problem}
            for one in found.choices
        ]  # fmt: skip
        asks = {"question": found.asked.question, "text": for_page(found.asked.problem), "choices": choices}
    return {
        "file": found.path.name,
        "picture": found.picture,
        "spectrum": list(found.spectrum),
        "nm": None if found.nm is None else list(found.nm),
        "size": f"{height} rows × {width} columns × {count} bands",
        "rows": rows,
        "asks": asks,
        "notes": [note for note in map(for_page, found.notes) if note not in {one["why"] for one in rows}],
    }


def plan_rows(found: Look, said: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One row a question: title, taken for, how sure, why, and what it may be changed to."""
    height, width, count = found.shape
    plan = found.plan
    yield row(
        "",
        "Size",
        f"{height} × {width} pixels, {count} bands",
        Fact(None, plan["axes"].sure if "axes" in plan else "certain", "Rows × columns."),
    )
    for name, title in QUESTIONS.items():
        if name not in plan or name == "roles" or (name == "unit" and "wavelengths" in plan):
            continue
        fact, words = plan[name], answer_words(name, plan[name].value)
        if name == "bad bands":
            words = f"{fact.value} of {count} bands" if fact.value else "none"
        if name == "mask" and fact.value is not None and "mask" not in said:
            fact = replace(fact, sure="likely", reason="A file with the scene; what is left out goes by its name.")
        if name == "reference" and name in found.layers:
            continue  # below, with what is on it
        if name == "variable" and not fact.reason and len(found.variables) < 2:
            continue
        yield row(name, title, words, fact, edit(name, said, fact.value, found))
        if name == "wavelengths" and fact.value is not None:
            yield row(
                "unit",
                "Their unit",
                _unit(said),
                Fact(None, fact.sure, _unit_reason(said)),
                edit("unit", said, None, found),
            )
    place = found.place or "rows and columns only"
    sure: Sure = "certain" if found.place else "likely"
    yield row("", "Place", place, Fact(None, sure, "From the file." if found.place else "The file names no place."))
    for role, fact in found.layers.items():
        title = "Surface model" if role == "dsm" else "Reference map"
        change = edit(role, said, None, found) if role in plan else None
        yield row(role if change else "", title, fact.value or "does not fit: left out", fact, change)


def row(key: str, title: str, words: str, fact: Fact, change: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"key": key, "title": title, "words": words, "sure": fact.sure, "why": for_page(fact.reason), "edit": change}


def edit(name: str, said: dict[str, Any], value: Any, found: Look) -> dict[str, Any] | None:
    """What the page offers to change an answer with; None for what is changed elsewhere."""
    now = str(said.get(name, ""))
    if name == "variable" and len(found.variables) > 1:
        listed = [[one, f"{one}  {shape_text(shape)}"] for one, shape in found.variables]
        return {"kind": "list", "value": now or str(value), "choices": listed}
    if name == "axes":
        return {"kind": "list", "value": now, "choices": [["", "as found"], *([o, axes_words(o)] for o in ORDERS)]}
    if name == "unit":
        return {"kind": "list", "value": now, "choices": [["", "as found"], *map(list, UNITS)]}
    if name == "reference":
        return {
            "kind": "list",
            "value": now,
            "choices": [["", "as found"], *([n, n] for n in found.plan[name].choices)],
        }
    if name == "mask":
        ways = [[way, masks.words(way)] for way in found.plan["mask"].choices]
        chosen = next((way for way, words in ways if value and words == masks.words(str(value))), "")
        inside = [["", "not applied"]] if found.path.name == Path(ways[0][0].rpartition(":")[0]).name else []
        return {"kind": "list", "value": chosen, "choices": [*inside, *ways]}  # a file of its own has a role instead
    if name in TEXTS:
        shown = f"{value:g}" if isinstance(value, float) else ""
        return {"kind": "text", "value": now or shown, "hint": TEXTS[name]}
    return None


def _unit(said: dict[str, Any]) -> str:
    return dict(UNITS).get(str(said.get("unit", "")), "nm, as shown")


def _unit_reason(said: dict[str, Any]) -> str:
    return "You say so." if said.get("unit") else "All wavelengths are turned into nm."


def shelf_value(cards: list[ProjectCard], trash: list[tuple[str, str]], scenes: list[Any], root: str) -> dict[str, Any]:
    """The start view: one's projects, what lies in the trash, scenes that are there without a download."""
    now = time.time()
    return {
        "projects": [card_value(card, now) for card in cards],
        "trash": [{"id": name, "title": title} for name, title in trash],
        "scenes": [
            {"id": scene.id, "title": scene.title, "size": f"{scene.size[0]} × {scene.size[1]}, {scene.size[2]} bands",
             "sensor": scene.sensor}
            for scene in scenes
        ],
        "root": root,
    }  # fmt: skip


def card_value(card: ProjectCard, now: float) -> dict[str, Any]:
    size = ""
    if card.shape:
        size = f"{card.shape[0]} × {card.shape[1]}" + (f", {card.shape[2]} bands" if len(card.shape) > 2 else "")
    accuracy = card.lesson
    if card.oa is not None and not card.lesson:
        away = " away from labels" * ("away" in card.of)
        accuracy = f"accuracy{away} {100 * card.oa:.1f} %" + (", labels changed since" if card.old else "")
    return {
        "id": card.id,
        "title": card.title,
        "scene": card.scene,
        "size": size,
        "labels": card.labels,
        "classes": card.classes,
        "accuracy": accuracy,
        "of": card.of,
        "when": ago(max(0.0, now - card.modified)),
        "picture": f"/hsi/shelf/{card.id}/thumbnail.png",
        "problem": card.problem,
    }
