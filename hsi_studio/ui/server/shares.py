"""Projects that were shared on purpose: an unguessable token a project, in one JSON file. Whoever has the link, and may
use the server at all, may open the project, label in it and train; the owner can take the link back.
"""

from __future__ import annotations

import os
import secrets
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from hsi_studio.edges import at_edge
from hsi_studio.errors import CorruptFile
from hsi_studio.files import write_json
from hsi_studio.stored import Stored, read_object, validated

MAX_FILE = 16 << 20  # bytes
WHAT, REMEDY = "the list of shared projects", "Delete it and share again"
Name = Annotated[str, Field(max_length=255, pattern=r"^[^/\\\\\x00-\x1f]*$")]  # becomes a part of a path


class _Share(Stored):
    owner: Name
    project_id: Name


@dataclass(frozen=True)
class Share:
    owner: str
    project_id: str


class Shares:
    """Safe to use from many threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._known: dict[str, Share] | None = None

    def get(self, token: str) -> Share | None:
        with self._lock:
            return self._all().get(token)

    def token(self, owner: str, project_id: str) -> str:
        """Of a project that is shared; "" for another."""
        with self._lock:
            return self._token(Share(owner, project_id))

    def make(self, owner: str, project_id: str) -> str:
        with self._lock:
            share = Share(owner, project_id)
            if known := self._token(share):
                return known
            token = secrets.token_urlsafe(24)
            self._keep({**self._all(), token: share})
            return token

    def end(self, owner: str, project_id: str) -> list[str]:
        """The tokens that no longer work."""
        with self._lock:
            known, share = self._all(), Share(owner, project_id)
            gone = [token for token, one in known.items() if one == share]
            if gone:
                self._keep({token: one for token, one in known.items() if one != share})
            return gone

    def _token(self, share: Share) -> str:
        return next((token for token, one in self._all().items() if one == share), "")

    def _all(self) -> dict[str, Share]:
        if self._known is None:
            stored = read_object(self.path, MAX_FILE, WHAT, REMEDY) if os.path.lexists(self.path) else {}
            try:
                known = {token: validated(_Share, value) for token, value in stored.items()}
            except ValueError as error:
                raise CorruptFile(self.path, f"it is not {WHAT} ({error})", REMEDY) from error
            self._known = {token: Share(one.owner, one.project_id) for token, one in known.items()}
        return self._known

    def _keep(self, known: dict[str, Share]) -> None:
        with at_edge(self.path):
            write_json(self.path, {token: asdict(share) for token, share in known.items()})
        self._known = known
