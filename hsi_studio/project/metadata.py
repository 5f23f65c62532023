"""`project.json`: what does not change about a project, and the list of projects in a folder.

It is written once, with a copy beside it (`project.copy.json`, which only `mend_about.py` reads), and later only to
give it another title: what a newer version put into it stays there.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator

from hsi_studio.edges import at_edge
from hsi_studio.errors import BadRequest, CorruptFile, FileProblem, LabelProblem, StudioError
from hsi_studio.files import write_json
from hsi_studio.io.meaning_colors import colors_for
from hsi_studio.project.events import class_from_json
from hsi_studio.project.lesson import LessonAbout
from hsi_studio.project.payloads import MOST_CLASSES, ClassLine
from hsi_studio.sanitize import clean_text, same_name
from hsi_studio.stored import Stored, open_file, read_object, validated
from hsi_studio.types import ClassInfo, Scene

SCHEMA_VERSION = 1
ABOUT, COPY, JOURNAL = "project.json", "project.copy.json", "journal.jsonl"
MAX_ABOUT = 16 << 20  # bytes
WHAT = "a project description"
REMEDY = "Restore the file from a backup, or mend it: `python -m hsi_studio mend PROJECT`"

Side = Annotated[int, Field(strict=True, ge=1, le=10_000_000)]
Line = Annotated[str, Field(max_length=1000)]


class SceneAbout(Stored):
    """The scene a project is about. `spec` opens it again: keyword arguments of `Workspace.open`."""

    id: Annotated[str, Field(max_length=200)]
    name: Line = ""
    shape: Annotated[tuple[Side, ...], Field(min_length=2, max_length=3)]  # (H, W, B)
    spec: Annotated[dict[str, Any], Field(max_length=20)]


class About(Stored):
    """`project.json`."""

    schema_version: Annotated[int, Field(strict=True, ge=1)]
    id: Line
    title: Line
    created: Annotated[str, Field(max_length=64)]
    scene: SceneAbout
    classes: Annotated[tuple[ClassLine, ...], Field(max_length=MOST_CLASSES)]
    lesson: LessonAbout | None = None  # its reference is hidden until it is handed in

    @field_validator("classes")
    @classmethod
    def _can_be_used(cls, classes: tuple[ClassLine, ...]) -> tuple[ClassLine, ...]:
        found = [class_of(one) for one in classes]
        if len({info.id for info in found}) < len(found):
            raise ValueError("a class is in the list twice")
        return classes

    @field_validator("title", mode="after")
    @classmethod
    def _clean(cls, title: str) -> str:
        return clean_text(title) or "Project"

    @property
    def class_infos(self) -> list[ClassInfo]:
        return [class_of(one) for one in self.classes]


def class_of(line: ClassLine) -> ClassInfo:
    """A class, its name and colour cleaned. Raises ValueError."""
    try:
        return class_from_json(line.model_dump())
    except LabelProblem as problem:
        raise ValueError(str(problem)) from problem


@dataclass(frozen=True)
class ProjectSummary:
    """A project on disk, as a list shows it. With a `problem` the other fields may be empty."""

    id: str
    folder: Path
    title: str = ""
    scene_id: str = ""
    scene_spec: dict[str, Any] | None = None
    created: str = ""
    modified: float = 0.0  # seconds since 1970
    actions: int = 0
    problem: str = ""


def list_projects(root: Path | str) -> list[ProjectSummary]:
    """Every project under `root`, the one changed last first. A damaged one is listed with its problem.

    Raises FileProblem for a root that cannot be read.
    """
    found = []
    root = Path(root)
    try:
        folders = [one for one in root.iterdir() if not one.name.startswith(".") and one.is_dir()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise FileProblem(root, f"it cannot be read ({error.strerror})", "Check the folder's permissions") from error
    for folder in folders:
        journal, about_file = folder / JOURNAL, folder / ABOUT
        if not (os.path.lexists(about_file) or os.path.lexists(journal)):
            continue
        modified = max(_modified(journal), _modified(about_file))
        try:
            about = read_about(folder)
            actions = _count_lines(journal)
        except StudioError as error:
            found.append(ProjectSummary(folder.name, folder, modified=modified, problem=str(error)))
            continue
        found.append(
            ProjectSummary(
                id=folder.name,
                folder=folder,
                title=about.title,
                scene_id=about.scene.id,
                scene_spec=dict(about.scene.spec),
                created=about.created,
                modified=modified,
                actions=actions,
            )
        )
    return sorted(found, key=lambda summary: (summary.modified, summary.created), reverse=True)


def classes_of(scene: Scene) -> list[ClassInfo]:
    """The reference's classes with colours by meaning; names that clash get their value behind them."""
    classes: list[ClassInfo] = []
    colors = colors_for([name for _, name in scene.reference_classes])
    for (value, name), color in zip(scene.reference_classes, colors, strict=True):
        cleaned = clean_text(name)[:70] or f"Class {value}"
        if any(same_name(cleaned, other.name) for other in classes):
            cleaned = f"{cleaned} ({value})"
        own = scene.reference_colors.get(int(value), color)  # a palette's water stays blue
        classes.append(ClassInfo.new(cleaned, own, int(value)))
    return classes


def read_about(folder: Path) -> About:
    """project.json, checked. Raises FileProblem."""
    path = folder / ABOUT
    value = read_object(path, MAX_ABOUT, WHAT, REMEDY)
    version = value.get("schema_version")
    if type(version) is int and version > SCHEMA_VERSION:
        raise FileProblem(path, f"it was made by a newer version (format {version})", "Update HSI Studio")
    try:
        return validated(About, value)
    except ValueError as error:
        raise CorruptFile(path, f"it is not {WHAT} ({str(error)[:200]})", REMEDY) from error


def retitled(folder: Path, title: str) -> str:
    """Give a project another title; returns it as it is kept. Raises BadRequest for an empty one, FileProblem."""
    kept = clean_text(title)[:200]
    if not kept:
        raise BadRequest("Give the project a name.")
    read_about(folder)
    with at_edge(folder / ABOUT):
        for name in (COPY, ABOUT):
            value = read_object(folder / ABOUT, MAX_ABOUT, WHAT, REMEDY)
            write_json(folder / name, {**value, "title": kept}, indent=2)
    return kept


def relocated(folder: Path, places: dict[str, str]) -> None:
    """Name other files as a project's scene and its layers. Raises FileProblem."""
    read_about(folder)
    with at_edge(folder / ABOUT):
        for name in (COPY, ABOUT):
            value = read_object(folder / ABOUT, MAX_ABOUT, WHAT, REMEDY)
            scene = {**value["scene"], "spec": {**value["scene"]["spec"], **places}}
            write_json(folder / name, {**value, "scene": scene}, indent=2)


def _modified(path: Path) -> float:
    """Seconds since 1970; 0 where there is no such file, or its time is none."""
    try:
        about = os.lstat(path)
    except OSError:
        return 0.0
    return about.st_mtime if stat.S_ISREG(about.st_mode) else 0.0


def _count_lines(journal: Path) -> int:
    """Raises FileProblem."""
    lines = 0
    with open_file(journal, "Restore it from a backup, or mend the project") as stream:
        try:
            while data := stream.read(1 << 24):
                lines += data.count(b"\n")
        except OSError as error:
            raise FileProblem(journal, f"it cannot be read ({error.strerror})", REMEDY) from error
    return lines
