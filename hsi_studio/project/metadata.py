"""`project.json`: what does not change about a project, and the list of projects in a folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hsi_studio.errors import CorruptFile, FileProblem, LabelProblem, StudioError
from hsi_studio.io.palette import palette
from hsi_studio.project.events import class_from_json
from hsi_studio.sanitize import clean_text, same_name
from hsi_studio.types import ClassInfo, Scene

SCHEMA_VERSION = 1


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
    """Every project under `root`, the one changed last first. A damaged one is listed with its problem."""
    found = []
    root = Path(root)
    for folder in root.iterdir() if root.is_dir() else ():
        if not folder.is_dir() or folder.name.startswith("."):
            continue
        journal = folder / "journal.jsonl"
        try:
            modified = max(p.stat().st_mtime for p in (journal, folder / "project.json") if p.exists())
        except (OSError, ValueError):
            modified = 0.0
        try:
            about = read_about(folder)
            data = journal.read_bytes()
        except (StudioError, OSError) as error:
            if (folder / "project.json").exists() or journal.exists():
                found.append(ProjectSummary(folder.name, folder, modified=modified, problem=str(error)))
            continue
        scene = about["scene"]
        found.append(
            ProjectSummary(
                id=folder.name,
                folder=folder,
                title=about["title"],
                scene_id=scene["id"],
                scene_spec=dict(scene["spec"]),
                created=about["created"],
                modified=modified,
                actions=data.count(b"\n"),
            )
        )
    return sorted(found, key=lambda summary: (summary.modified, summary.created), reverse=True)


def classes_of(scene: Scene) -> list[ClassInfo]:
    """The reference's classes with palette colours; names that clash get their value behind them."""
    classes: list[ClassInfo] = []
    colors = palette(len(scene.reference_classes))
    for (value, name), color in zip(scene.reference_classes, colors, strict=True):
        cleaned = clean_text(name)[:70] or f"Class {value}"
        if any(same_name(cleaned, other.name) for other in classes):
            cleaned = f"{cleaned} ({value})"
        own = scene.reference_colors.get(int(value), color)  # a palette's water stays blue
        classes.append(ClassInfo.new(cleaned, own, int(value)))
    return classes


def read_about(folder: Path) -> dict[str, Any]:
    """project.json, checked. Raises FileProblem."""
    path = folder / "project.json"
    remedy = "Restore the file from a backup, or start a new project and import the labels"
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        version = about["schema_version"]
        height, width = (int(v) for v in about["scene"]["shape"][:2])
        for info in about["classes"]:
            class_from_json(info)
        texts = (about["id"], about["title"], about["created"], about["scene"]["id"])
        sound = all(isinstance(t, str) for t in texts) and isinstance(about["scene"]["spec"], dict)
    except OSError as error:
        raise FileProblem(path, f"it cannot be read ({error.strerror})", remedy) from error
    except (ValueError, KeyError, TypeError, RecursionError, LabelProblem) as error:
        raise CorruptFile(path, f"it is not a project description ({type(error).__name__}: {error})", remedy) from error
    if not isinstance(version, int) or version > SCHEMA_VERSION:
        raise FileProblem(path, f"it was made by a newer version (format {version})", "Update HSI Studio")
    if not sound or height < 1 or width < 1:
        raise CorruptFile(path, "it is not a project description", remedy)
    result: dict[str, Any] = about
    return result
