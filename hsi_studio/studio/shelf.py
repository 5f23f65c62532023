"""`studio.shelf`: one's projects as cards: a picture, what is in them, how good the map was; renamed, copied, put into
the trash and taken out of it.

    projects/<id>/card.json        the live map's accuracy as it was last known {"revision", "oa", "of"}
    projects/<id>/thumbnail.png    made while the scene is open
    trash/projects/<id>/           a deleted project, whole; its uploaded files stay where they are

What a card shows can be made again, so a card file that is missing or damaged costs its figure and nothing else.
"""

from __future__ import annotations

import io
import json
import logging
import os
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hsi_studio.edges import at_edge
from hsi_studio.errors import BadRequest, StudioError
from hsi_studio.files import best_effort, is_name, make_folder, sync_folder, write_bytes, write_json
from hsi_studio.project.journal import Journal
from hsi_studio.project.lesson import RESULT, LessonResult, read_result
from hsi_studio.project.metadata import ABOUT, COPY, JOURNAL, read_about, retitled
from hsi_studio.project.store import Project
from hsi_studio.studio import Subject
from hsi_studio.studio.live import LiveMaps
from hsi_studio.studio.runs import Runs
from hsi_studio.studio.workspace import IN_SHARED, Workspace

log = logging.getLogger(__name__)

CARD, THUMBNAIL = "card.json", "thumbnail.png"
SIDE = 240  # pixels of a thumbnail
LARGEST_CARD = 1 << 16


@dataclass(frozen=True)
class ProjectCard:
    """What a card shows. `shape` (H, W[, B]); `oa`: overall accuracy, 0 to 1, of the map `of`, None = not known;
    `old`: labels have changed since it was measured; `lesson`: how far one is, in words; `problem`: why the project
    cannot be opened."""

    id: str
    title: str
    scene: str
    shape: tuple[int, ...]
    labels: int
    classes: int
    modified: float
    oa: float | None = None
    of: str = ""
    old: bool = False
    picture: bool = False
    lesson: str = ""
    problem: str = ""


class Shelf(Subject):
    """One subject of `Studio`. Safe to call from many threads."""

    def __init__(self, workspace: Workspace, live: LiveMaps, runs: Runs) -> None:
        self._workspace, self._live, self._runs = workspace, live, runs
        self._counted: dict[str, tuple[float, int, int]] = {}  # id → (journal's time, labels, classes)

    def cards(self, most: int = 60) -> list[ProjectCard]:
        """The newest projects first. A damaged one has its problem."""
        return [self._card(one) for one in self._workspace.projects()[:most]]

    def _card(self, one: Any) -> ProjectCard:
        blank = ProjectCard(one.id, one.title or one.id, "", (), 0, 0, one.modified, problem=one.problem)
        if one.problem:
            return blank
        try:
            about = read_about(one.folder)
            labels, classes = self._count(one)
            lesson = "" if about.lesson is None else lesson_words(read_result(one.folder))
        except StudioError as error:
            return ProjectCard(one.id, one.title or one.id, "", (), 0, 0, one.modified, problem=str(error))
        oa, of, revision = self._accuracy(one)
        return ProjectCard(
            one.id, one.title, about.scene.name, tuple(about.scene.shape), labels, classes, one.modified,
            oa, of, oa is not None and revision < one.actions, (one.folder / THUMBNAIL).is_file(),
            lesson,
        )  # fmt: skip

    def _count(self, one: Any) -> tuple[int, int]:
        known = self._counted.get(one.id)
        if known is None or known[0] != one.modified:
            project = self._workspace.opened(one.id) or Project.open(one.folder, read_only=True)
            known = (one.modified, len(project.points), len(project.schema))
            self._counted[one.id] = known
        return known[1], known[2]

    def _accuracy(self, one: Any) -> tuple[float | None, str, int]:
        """(overall accuracy, of which map, labels' revision); of the live map where it is at hand, else as it was."""
        project = self._workspace.opened(one.id)
        status = None if project is None else self._live.known(one.id)
        leading = None if status is None or status.report is None else status.report.leading.oa
        if status is not None and status.report is not None and leading is not None:
            of = f"map of your labels{', away from the labels' * status.report.away}"
            card = {"oa": leading.value, "of": of, "revision": status.report_revision}
            if card != read_card(one.folder):
                with best_effort(one.folder / CARD):
                    write_json(one.folder / CARD, card, sync=False)
        else:
            card = read_card(one.folder)
        oa, revision = card.get("oa"), card.get("revision")
        if not isinstance(oa, float) or not 0 <= oa <= 1 or not isinstance(revision, int):
            return None, "", 0
        return oa, str(card.get("of", "")), revision

    # ── pictures ────────────────────────────────────────────────────────────────────────────────

    def thumbnail(self, project_id: str) -> Path | None:
        """The project's picture; made now where its scene is open, else None until it is. Raises BadRequest."""
        folder = self._folder(project_id)
        path = folder / THUMBNAIL
        if path.is_file():
            return path
        if self._workspace.opened(project_id) is None:
            return None
        from PIL import Image

        from hsi_studio.features.composite import Compositor, default_composite

        scene = self._workspace.whole_scene_of(project_id)
        height, width, _ = scene.shape
        step = -(-max(height, width) // SIDE)
        made = Compositor(4).render(scene, default_composite(scene), slice(0, height), slice(0, width), step=step)
        stream = io.BytesIO()
        Image.fromarray(made).save(stream, "PNG")
        with best_effort(path):
            write_bytes(path, stream.getvalue(), sync=False)
        return path if path.is_file() else None

    # ── what can be done with a project ─────────────────────────────────────────────────────────

    def title(self, project_id: str) -> str:
        """Raises BadRequest, FileProblem."""
        return read_about(self._folder(project_id)).title

    def rename(self, project_id: str, title: str) -> str:
        """Returns the title as it is kept. Raises BadRequest, FileProblem."""
        folder = self._own(project_id)
        kept = retitled(folder, title)
        self._workspace.read_again(project_id)
        return kept

    def duplicate(self, project_id: str) -> str:
        """A copy with its labels, classes and prompts, and their history; without runs. Returns its id. Raises
        BadRequest, FileProblem."""
        folder = self._own(project_id)
        about = read_about(folder)
        name = f"{project_id[:48]}-{uuid.uuid4().hex[:8]}"
        aside = folder.with_name(f".copying-{name}")
        with at_edge(folder):
            make_folder(aside)
            with Journal(folder / JOURNAL).locked():
                data = (folder / JOURNAL).read_bytes()
            write_bytes(aside / JOURNAL, data[: data.rfind(b"\n") + 1])
            for file in (ABOUT, COPY):
                value = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
                write_json(aside / file, {**value, "id": name, "title": f"{about.title} (copy)"[:200]}, indent=2)
            for file in (THUMBNAIL, CARD, RESULT):  # a lesson that was handed in stays so: its reference was seen
                if (folder / file).is_file():
                    write_bytes(aside / file, (folder / file).read_bytes())
            os.rename(aside, folder.with_name(name))
            sync_folder(folder.parent)
        return name

    def delete(self, project_id: str) -> None:
        """Into the trash, whole. Raises BadRequest (a training is at work on it), FileProblem."""
        folder = self._own(project_id)
        if any(run.alive for run in self._runs.list(project_id)):
            raise BadRequest("A training of this project is waiting or at work: stop it first.")
        self._workspace.put_away(project_id)
        target = self._trash / project_id
        with at_edge(folder):
            make_folder(self._trash)
            if os.path.lexists(target):
                target = self._trash / f"{project_id[:48]}-{uuid.uuid4().hex[:8]}"
            os.rename(folder, target)
            sync_folder(folder.parent)

    def trashed(self) -> list[tuple[str, str]]:
        """(id, title) of what lies in the trash, the one deleted last first."""
        try:
            folders = [one for one in self._trash.iterdir() if one.is_dir()]
        except FileNotFoundError:
            return []
        found = []
        for folder in sorted(folders, key=lambda one: one.stat().st_ctime, reverse=True):
            try:
                found.append((folder.name, read_about(folder).title))
            except StudioError:
                found.append((folder.name, folder.name))
        return found

    def bring_back(self, project_id: str) -> None:
        """Out of the trash. Raises BadRequest, FileProblem."""
        if self._workspace.only is not None:
            raise BadRequest(IN_SHARED)
        source, target = self._trash / project_id, self._workspace.projects_folder / project_id
        if not is_name(project_id) or not source.is_dir():
            raise BadRequest(f"There is no project {project_id[:80]!r} in the trash.")
        if os.path.lexists(target):
            raise BadRequest(f"There is a project {project_id[:80]!r} again: rename or delete that one first.")
        with at_edge(source):
            make_folder(target.parent)
            os.rename(source, target)
            sync_folder(target.parent)

    @property
    def _trash(self) -> Path:
        return self._workspace.home / "trash" / "projects"

    def _folder(self, project_id: str) -> Path:
        self._workspace.admit(project_id)
        return self._workspace.folder_of(project_id)

    def _own(self, project_id: str) -> Path:
        if self._workspace.only is not None:
            raise BadRequest(IN_SHARED)
        return self._folder(project_id)


def lesson_words(result: LessonResult | None) -> str:
    """Of a card: the score, never the accuracy on the classes that happen to be labelled."""
    if result is None:
        return "lesson, not handed in"
    return f"lesson {100 * result.score.value:.1f} %, baseline {100 * result.baseline.value:.1f} %"


def read_card(folder: Path) -> dict[str, Any]:
    """card.json as it is; {} for none, or one that makes no sense."""
    try:
        with (folder / CARD).open("rb") as stream:
            value = json.loads(stream.read(LARGEST_CARD))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
