"""A project: a folder with what was done to one scene.

    <slug>-<8 hex>/
      project.json     what does not change: id, title, which scene and its shape, the classes it began with
      project.copy.json   the same, in case the first is damaged (`mend_about.py`)
      journal.jsonl    the truth: one line an action (`events.py`, `journal.py`)
      labels.geojson   a snapshot for other programs, written by `snapshot()`; never read
      journal.lock, journal.torn, journal.damaged-*    see `journal.py`
      journal.rescued-*   what this program knew of a journal that was cut or taken away under it (`rescue.py`)

Unusual here:
- An action is checked, written and synced, then made: when a method returns, the action survives kill −9.
- Every method is thread-safe, and safe against other processes on the folder: before an action, and in
  `refresh`, the lines others appended are applied.
- An action that changes nothing (the same label again) writes no line.
"""

from __future__ import annotations

import copy
import json
import logging
import threading
import uuid
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from hsi_studio.edges import at_edge
from hsi_studio.errors import FileProblem, LabelProblem, SceneMismatch
from hsi_studio.files import make_folder, write_json, write_text
from hsi_studio.project.actions import Actions
from hsi_studio.project.events import Change, Event, Pixel, Point, Regions, State
from hsi_studio.project.journal import DamagedJournal, Journal, JournalGone, LostLines
from hsi_studio.project.lesson import RESULT, LessonAbout, keep_to_budget
from hsi_studio.project.metadata import (
    ABOUT,
    COPY,
    JOURNAL,
    MAX_ABOUT,
    REMEDY,
    SCHEMA_VERSION,
    ProjectSummary,
    classes_of,
    list_projects,
    read_about,
)  # fmt: skip
from hsi_studio.project.prompt_book import PromptBook
from hsi_studio.project.rescue import rescued
from hsi_studio.sanitize import clean_text, slug
from hsi_studio.stored import read_file
from hsi_studio.types import BoolArray, ClassInfo, ClassSchema, LabelSet, PromptSet, Scene

__all__ = ["Project", "ProjectSummary", "list_projects"]
log = logging.getLogger(__name__)


class Project(Actions):
    """One project, open. Make it with `create` or `open`."""

    def __init__(self, folder: Path, read_only: bool = False) -> None:
        self.folder, self.read_only = folder, read_only
        self._about = read_about(folder)
        self._about_text = read_file(folder / ABOUT, MAX_ABOUT, REMEDY)  # for `rescue.py`
        self._lock = threading.RLock()
        self._journal = Journal(folder / JOURNAL)
        self._state = State(self.shape, self._about.class_infos)
        self._events: list[Event] = []
        self._labels: LabelSet | None = None
        self._points: tuple[int, dict[Pixel, str]] = (-1, {})
        self._scene: Scene | None = None
        self._rescue: tuple[int, FileProblem] | None = None  # (actions, what is said of them)
        self.words = PromptBook(self, lambda: self._state.prompts, self._do, self.writing, self._lock)

    # ── opening ─────────────────────────────────────────────────────────────────────────────────

    @classmethod
    def create(
        cls, root: Path | str, scene: Scene, spec: dict[str, Any], title: str | None = None,
        lesson: LessonAbout | None = None,
    ) -> Project:  # fmt: skip
        """A new project folder under `root`. Classes come from the scene's reference, where it has one.

        `spec` is what opens the scene again; it must be JSON. With `lesson` labels are limited until it is handed in.
        Raises FileProblem when the folder cannot be made.
        """
        shown = clean_text(title or scene.title or scene.name)[:200] or "Project"
        folder = Path(root) / f"{slug(title or scene.name, 'project')}-{uuid.uuid4().hex[:8]}"
        about = {
            "schema_version": SCHEMA_VERSION,
            "id": folder.name,
            "title": shown,
            "created": _now(),
            "scene": {"id": scene.id, "name": scene.name, "shape": list(scene.shape), "spec": spec},
            "classes": [info.to_json() for info in classes_of(scene)],
            **({} if lesson is None else {"lesson": lesson.model_dump(mode="json")}),
        }
        with at_edge(folder):
            make_folder(folder)
            (folder / JOURNAL).touch()
            for name in (COPY, ABOUT):  # the project is there once the last one is
                write_json(folder / name, about, indent=2)
        project = cls.open(folder)
        project.attach(scene)
        return project

    @classmethod
    def open(cls, folder: Path | str, read_only: bool = False) -> Project:
        """Replay a project's journal. Raises FileProblem, and DamagedJournal for a line that makes no sense.

        `read_only` needs no write access and shows a damaged journal up to its damage; actions are then refused.
        """
        project = cls(Path(folder), read_only)
        try:
            if read_only:
                project.refresh()
            else:
                with project.writing():
                    pass
        except DamagedJournal as damage:
            if not read_only:
                raise
            project._journal.notes.append(f"{damage} Shown are actions 1–{damage.line - 1}.")
        return project

    def attach(self, scene: Scene) -> None:
        """Tie the open scene to the project: labels on pixels without data are refused from now on.

        Raises SceneMismatch when its size is another.
        """
        if scene.shape[:2] != self.shape:
            raise SceneMismatch(
                f"The project {self.title!r} is about {self.shape[0]} × {self.shape[1]} pixels, {scene.name} has "
                f"{scene.shape[0]} × {scene.shape[1]}: open the scene it was made on, or start a new project."
            )
        if self.scene_id not in (scene.id, scene.base_id):
            said = (
                f"{scene.name} is not quite the file this project was made on (its content differs). "
                "The labels keep their rows and columns."
            )
            log.warning("%s", said)  # a shell shows no notes of a project
            self._journal.notes.append(said)
        self._scene = scene

    # ── what it is ──────────────────────────────────────────────────────────────────────────────

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def title(self) -> str:
        return self._about.title

    @property
    def created(self) -> str:
        return self._about.created

    @property
    def scene_id(self) -> str:
        return self._about.scene.id

    @property
    def scene_spec(self) -> dict[str, Any]:
        """What opens the scene again; a copy."""
        return copy.deepcopy(self._about.scene.spec)

    @property
    def first_classes(self) -> tuple[ClassInfo, ...]:
        """Those it began with: the reference's, where there was one."""
        return tuple(self._about.class_infos)

    @property
    def lesson(self) -> LessonAbout | None:
        """What a lesson asks for, also after it was handed in; None for other projects."""
        return self._about.lesson

    @property
    def lesson_on(self) -> bool:
        """Whether its reference is hidden and its labels are limited."""
        return self._about.lesson is not None and not (self.folder / RESULT).exists()

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)."""
        height, width = self._about.scene.shape[:2]
        return height, width

    @property
    def in_place(self) -> bool:
        """Whether its files are still those that were read. False: open it again (`refresh` says what happened)."""
        return self._journal.in_place

    @property
    def notes(self) -> list[str]:
        """What had to be repaired or looked odd, for the user."""
        return list(self._journal.notes)

    def note(self, text: str) -> None:
        """One more of them."""
        self._journal.notes.append(text)

    # ── state ───────────────────────────────────────────────────────────────────────────────────

    @property
    def revision(self) -> int:
        """Sequence number of the last action; 0 for none."""
        with self._lock:
            return len(self._events)

    @property
    def schema(self) -> ClassSchema:
        with self._lock:
            return self._state.schema

    @property
    def left_out(self) -> tuple[int, ...]:
        """Bands that the project does without, from 0. Asked with the workspace's lock held: it waits for nobody."""
        return self._state.left_out

    @property
    def regions(self) -> Regions:
        """Hold-out regions: polygons of (row, column) corners, where accuracy is measured and no label is given."""
        with self._lock:
            return self._state.regions

    @property
    def held(self) -> BoolArray | None:
        """(H, W) pixels inside them; None without any."""
        with self._lock:
            return self._state.held

    @property
    def points(self) -> dict[Pixel, str]:
        """(row, column) → class id, in the order they were first labelled. A copy nobody else changes."""
        with self._lock:
            if self._points[0] != len(self._events):
                self._points = (len(self._events), {(p.row, p.col): p.class_id for p in self.numbered_points})
            return dict(self._points[1])

    @property
    def numbered_points(self) -> list[Point]:
        """The same with their marker numbers."""
        with self._lock:
            return sorted(self._state.points.values(), key=lambda point: point.number)

    def labels(self) -> LabelSet:
        """The support set; made once a revision."""
        with self._lock:
            if self._labels is None or self._labels.revision != len(self._events):
                points, schema = self.numbered_points, self._state.schema
                index = {info.id: k for k, info in enumerate(schema.classes)}
                table = np.array([(p.row, p.col, index[p.class_id]) for p in points], dtype=np.int64).reshape(-1, 3)
                row, col, label = (np.ascontiguousarray(column) for column in table.T)
                for array in (row, col, label):
                    array.flags.writeable = False
                self._labels = LabelSet(schema, row, col, label, len(self._events))
            return self._labels

    def label_changes(self, since: int) -> int:
        """How many actions after revision `since` changed labels: edits of words, names and colours do not count."""
        with self._lock:
            return len(self._state.relabelled) - bisect_right(self._state.relabelled, since)

    def prompts(self) -> PromptSet:
        """Sentences of the prompt set made or edited last; `words` has the others, and their versions."""
        return self.words.prompts()

    def when(self, seq: int) -> tuple[str, str]:
        """Time and actor of an action."""
        with self._lock:
            return self._events[seq - 1].time, self._events[seq - 1].actor

    @property
    def undo_label(self) -> str:
        """ "Undo: add Corn at row 12, column 40", or "" when there is nothing to undo."""
        with self._lock:
            return f"Undo: {self._state.done[-1].text}" if self._state.done else ""

    @property
    def redo_label(self) -> str:
        with self._lock:
            return f"Redo: {self._state.undone[-1].text}" if self._state.undone else ""

    def told(self, n: int = 60) -> list[tuple[int, str, bool]]:
        """(sequence number, what was done, whether it was undone) of actions, the newest first."""
        with self._lock:
            undone = [(change.seq, change.text, True) for change in self._state.undone]
            return [*undone, *((change.seq, change.text, False) for change in reversed(self._state.done))][:n]

    def history(self, n: int = 20) -> list[Event]:
        """The last `n` actions, oldest first."""
        with self._lock:
            return self._events[-n:] if n > 0 else []

    def changed_since(self, seq: int) -> list[Event]:
        """Actions after `seq`, other processes' included: [] means a view at `seq` is up to date."""
        self.refresh()
        with self._lock:
            return self._events[max(seq, 0) :]

    def refresh(self) -> None:
        """Apply what other processes appended. Raises DamagedJournal, FileProblem."""
        with self._lock, self._rescuing():
            self._catch_up()

    # ── taking back ─────────────────────────────────────────────────────────────────────────────

    def undo(self, actor: str = "") -> str:
        """Undo the project's last action; returns what was undone. Raises LabelProblem when there is none."""
        with self.writing():
            target = {"target": self._state.done[-1].seq} if self._state.done else {}
            return self._do("undo", target, actor).text

    def redo(self, actor: str = "") -> str:
        """Make the last undone action again. Raises LabelProblem when there is none."""
        with self.writing():
            target = {"target": self._state.undone[-1].seq} if self._state.undone else {}
            return self._do("redo", target, actor).text

    def snapshot(self) -> Path:
        """Write labels.geojson for other programs: a copy, which the project itself never reads. Raises FileProblem."""
        from hsi_studio.io.label_geojson import labels_to_geojson

        text = json.dumps(labels_to_geojson(self.labels(), self._scene), ensure_ascii=False)
        with at_edge(self.folder / "labels.geojson"):
            return write_text(self.folder / "labels.geojson", text + "\n")

    # ── inside ──────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Both locks held, others' lines applied: what is read meanwhile stays true. May be nested."""
        if self.read_only:
            raise LabelProblem(f"The project {self.title!r} is open read-only. Open it normally to change it.")
        with self._lock, self._rescuing(), self._journal.locked():
            self._catch_up()
            self._journal.mend_tail()
            self._catch_up()
            yield

    def _do(self, kind: str, payload: dict[str, Any], actor: str) -> Change:
        with self.writing():
            event = Event(len(self._events) + 1, _now(), clean_text(actor)[:64], kind, payload)
            change = self._state.plan(event)
            if self._about.lesson is not None and self.lesson_on:
                keep_to_budget(change, self._state, self._about.lesson.shots)
            if not change.empty:
                self._journal.append(event)
                self._state.commit(change)
                self._events.append(event)
            return change

    def _catch_up(self) -> None:
        while events := self._journal.read_new():
            for event in events:
                try:
                    change = self._state.plan(event)
                except LabelProblem as problem:
                    raise DamagedJournal(self._journal.path, event.seq, str(problem)) from problem
                self._state.commit(change)
                self._events.append(event)

    @contextmanager
    def _rescuing(self) -> Iterator[None]:
        """What is known of a journal that was cut or taken away is kept, and the error says where."""
        try:
            yield
        except (JournalGone, LostLines) as loss:
            if self._rescue is None or self._rescue[0] != len(self._events):
                self._rescue = (len(self._events), rescued(self.folder, self._about_text, self._events, loss))
            raise self._rescue[1] from loss

    def _has_data(self, row: int, col: int) -> bool:
        """True also of places outside the scene, which are refused elsewhere, and while no scene is attached."""
        height, width = self.shape
        if self._scene is None or not (0 <= row < height and 0 <= col < width):
            return True
        return bool(self._scene.valid_in(slice(row, row + 1), slice(col, col + 1)).all())

    def _may_label(self, row: int, col: int) -> bool:
        """As `_has_data`, and not held out."""
        height, width = self.shape
        held = self._state.held
        inside = held is not None and 0 <= row < height and 0 <= col < width and bool(held[row, col])
        return not inside and self._has_data(row, col)

    def _check_data(self, row: int, col: int) -> None:
        if not self._has_data(row, col):
            raise LabelProblem(
                f"The pixel at row {row}, column {col} has no data (hatched in the view). Choose another one."
            )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
