"""What `Studio` can do, by subject: `studio.runs`, `studio.models`, … One subject a file.

Each is a class that is given the `Desk` it works on: the few things of `Studio` that every subject needs. Subjects
know each other only through what they are given, never through `Studio` itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from hsi_studio.project.store import Project
from hsi_studio.types import Scene


class Subject:
    """What hangs on a `Studio` under a name (`studio.models`), or on another subject (`studio.models.maps`).

    On a server with several users the page holds subjects by their name only, and looks them up for whoever asks
    (`ui/server/owners.py`). It knows them by this class: one that does not have it as a base would keep the first
    user's state for everybody.
    """


class Desk(Protocol):
    """The part of `Studio` that its subjects use. Safe to call from many threads."""

    home: Path

    @property
    def cache_folder(self) -> Path: ...

    def open(self, spec: str | Path) -> Scene:
        """A scene by catalogue id or path; read once, shared. Raises BadRequest, FileProblem."""
        ...

    def project(self, project_id: str) -> Project:
        """Raises BadRequest, FileProblem."""
        ...

    def scene_of(self, project_id: str) -> Scene: ...
