"""A damaged `project.json` is made again: from its copy, else from what can be read of it and of the project's runs.

A training's record (`runs/<id>/run.json`) holds the scene, how it is opened, its size and the classes as they were
then. Classes keep their ids, so the journal's labels find them again. What cannot be found anywhere is said; without
the scene's size there is no project. The damaged file is kept as `project.damaged-<time>.json`.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hsi_studio.edges import at_edge
from hsi_studio.errors import CorruptFile, FileProblem
from hsi_studio.files import write_json
from hsi_studio.humanize import counted
from hsi_studio.project.lesson import MOST_SHOTS, LessonAbout
from hsi_studio.project.metadata import (
    ABOUT,
    COPY,
    MAX_ABOUT,
    REMEDY,
    SCHEMA_VERSION,
    WHAT,
    About,
    SceneAbout,
    class_of,
    read_about,
)
from hsi_studio.project.payloads import ClassLine
from hsi_studio.stored import loads_object, read_file, read_object, validated

MAX_RECORD = 64 << 20  # bytes of a run.json
BACKUP = "Restore project.json from a backup, or start a new project and import the labels"


def mend_about(folder: Path) -> list[str]:
    """Make project.json whole; returns what was done, in sentences: [] when nothing was wrong.

    Raises FileProblem when it is of a newer version, or the scene's size cannot be found.
    """
    try:
        read_about(folder)
        return []
    except CorruptFile as problem:
        wrong = problem.problem
    except FileProblem as problem:
        if (folder / ABOUT).is_file() and not (folder / ABOUT).is_symlink():  # of a newer version, or not ours to read
            raise
        wrong = problem.problem
    made, said = _copy(folder) or _pieces(folder, wrong)
    with at_edge(folder / ABOUT):
        _put_aside(folder)
        write_json(folder / ABOUT, made.model_dump(mode="json"), indent=2)
    return said


def _copy(folder: Path) -> tuple[About, list[str]] | None:
    try:
        value = read_object(folder / COPY, MAX_ABOUT, WHAT, REMEDY)
        return validated(About, value), [f"{ABOUT} was damaged; its copy is in its place, nothing of it is lost."]
    except (FileProblem, ValueError):
        return None


def _pieces(folder: Path, wrong: str) -> tuple[About, list[str]]:
    """From what can be read of the file, and of the newest run whose record can be read. Raises CorruptFile."""
    given, run = _readable(folder / ABOUT), _newest_run(folder)
    lost = []
    scene = next((one for one in (_scene(given.get("scene")), _scene(run.get("scene"))) if one is not None), None)
    if scene is None:
        raise CorruptFile(
            folder / ABOUT, f"{wrong}; neither it nor a run says how large the scene is, so it cannot be mended", BACKUP
        )
    classes, gone = _classes(given.get("classes"))
    if not isinstance(given.get("classes"), list):
        classes, gone = _classes(run.get("classes"))
        lost.append(f"The classes are those of the newest run: {counted(len(classes), 'class', 'classes')}.")
    if gone:
        lost.append(f"{counted(gone, 'class', 'classes')} could not be read; labels of them are lost.")
    texts = {}
    for key, instead in (("title", folder.name), ("created", "")):
        value = given.get(key)
        texts[key] = value if isinstance(value, str) and len(value) <= 64 else instead
        if texts[key] != value:
            lost.append(f"The {key} could not be read.")
    made = About(
        schema_version=SCHEMA_VERSION, id=folder.name, scene=scene, classes=tuple(classes), title=texts["title"],
        created=texts["created"], lesson=_lesson(given.get("lesson")),
    )  # fmt: skip
    return made, [f"{ABOUT} was damaged ({wrong}); it is made again from what could be read.", *lost]


def _readable(path: Path) -> dict[str, Any]:
    """As much JSON as there is: also with NaN, a name twice, numbers out of range; {} for none."""
    try:
        data = read_file(path, MAX_ABOUT, REMEDY)
        return loads_object(data)
    except FileProblem:
        return {}
    except ValueError:
        pass
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _newest_run(folder: Path) -> dict[str, Any]:
    for record in sorted(folder.glob("runs/*/run.json"), key=lambda one: one.parent.name, reverse=True):
        try:
            return read_object(record, MAX_RECORD, "the record of a run", REMEDY)
        except FileProblem:
            continue
    return {}


def _scene(value: Any) -> SceneAbout | None:
    """Options of a scene that are no texts are left out: they could not open it."""
    if not isinstance(value, dict):
        return None
    spec = value.get("spec")
    kept = {k: v for k, v in spec.items() if isinstance(v, str)} if isinstance(spec, dict) else {}
    try:
        return validated(SceneAbout, {**value, "spec": kept})
    except ValueError:
        return None


def _lesson(value: Any) -> LessonAbout | None:
    """A lesson stays one, whatever is left of it: its reference is not for the student."""
    if value is None:
        return None
    try:
        return validated(LessonAbout, value)
    except ValueError:
        return LessonAbout(shots=MOST_SHOTS)


def _classes(values: Any) -> tuple[list[ClassLine], int]:
    """(those that can be read, how many cannot)."""
    found: dict[str, ClassLine] = {}
    given = values if isinstance(values, list) else []
    for value in given:
        try:
            one = validated(ClassLine, value)
            class_of(one)
        except ValueError:
            continue
        found.setdefault(one.id, one)
    return list(found.values()), len(given) - len(found)


def _put_aside(folder: Path) -> None:
    """Keep the damaged file, or whatever has its name: moved, never read."""
    path = folder / ABOUT
    if os.path.lexists(path):
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
        path.rename(folder / f"project.damaged-{stamp}.json")
