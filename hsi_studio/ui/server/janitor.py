"""A thread that gives back what visitors left: unused studios, scenes and caches over budget, old uploads.

It looks once a minute (uploads once an hour), and at nothing that a request of the moment needs (`Owners.tidy`,
`OpenScenes`). What goes can be opened or made again; labels, runs and models are never touched.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import logging
import threading
import time
from pathlib import Path

from hsi_studio import settings
from hsi_studio.errors import StudioError
from hsi_studio.studio.facade import Studio
from hsi_studio.studio.uploads import KEEP_DAYS, clean_uploads, trim_folder, waiting_room
from hsi_studio.ui.server.fair import Budget
from hsi_studio.ui.server.owners import Owners
from hsi_studio.ui.server.page_sessions import Unfetched

log = logging.getLogger(__name__)

EVERY_S, UPLOADS_EVERY_S = 60.0, 3600.0
WAITING_ROOM_BYTES = 20 << 30  # of uploads that wait to be opened and files that wait to be downloaded


def give_back_memory() -> None:
    """Have the C library return freed memory to the system: glibc keeps it, a third of what scenes had took (Linux)."""
    with contextlib.suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL("libc.so.6").malloc_trim(0)


class Janitor:
    """`start` and `close` it with the server; `tidy` is one round."""

    def __init__(self, served: Owners | Studio, budget: Budget, unfetched: Unfetched | None = None) -> None:
        self.served, self.budget, self.unfetched = served, budget, unfetched
        self._stop = threading.Event()
        self._uploads_at = 0.0

    def start(self) -> None:
        threading.Thread(target=self._run, name="janitor", daemon=True).start()

    def close(self) -> None:
        self._stop.set()

    def tidy(self) -> None:
        """One round. Raises OSError, StudioError."""
        server = self.served.server if isinstance(self.served, Owners) else self.served.workspace.server
        closed = self.served.tidy(self.budget.working) if isinstance(self.served, Owners) else 0
        server.tidy()
        if self.unfetched is not None:
            self.unfetched.tidy()
        trim_folder(waiting_room(), WAITING_ROOM_BYTES)
        if time.monotonic() - self._uploads_at > UPLOADS_EVERY_S or not self._uploads_at:
            self._uploads_at = time.monotonic()
            for home in self._homes():
                clean_uploads(home, settings.UPLOAD_DAYS.number() or KEEP_DAYS)
        if closed:
            gc.collect()  # studios lead back to themselves
        give_back_memory()

    def _homes(self) -> list[Path]:
        if isinstance(self.served, Studio):
            return [self.served.home]
        users = self.served.home / "users"
        return sorted(users.iterdir()) if users.is_dir() else []

    def _run(self) -> None:
        while not self._stop.wait(EVERY_S):
            try:
                self.tidy()
            except (OSError, StudioError) as error:
                log.warning("tidying up failed: %s", error)
