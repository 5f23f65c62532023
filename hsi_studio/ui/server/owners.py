"""Whose request this is, and the studio of that owner: each sees the own projects, runs and models, nobody else's.

Three ways to run the app:
- alone (no option): one owner, the home folder itself. A laptop's user keeps the projects when the browser changes.
- `--auth`, `--auth-file`: an owner is a user; home folder `users/<name>/`.
- `--per-session`: an owner is a browser, told by an unguessable cookie; home folder `users/s-<its sha-256>/`, so that
  who reads the folder's names cannot become one of them.

The guard (`guard.py`) finds the owner and puts the name into a header that no client can set. The page is built once,
on a `Mine`: it looks the header up at every use and passes on to the `Studio` of that owner. Nothing of a studio is
kept by the page: what is taken from a `Mine` while the page is built (a method, `studio.models`) is looked up again
when it is used. Without a request there is nobody, whose studio is empty.

Shared on purpose: a link `/hsi/share/<token>` lets another user of the server into one project; see `shares.py`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from fastapi import Request

from hsi_studio import paths
from hsi_studio.errors import BadRequest
from hsi_studio.studio import Subject
from hsi_studio.studio.facade import Studio
from hsi_studio.studio.guest import guest_of
from hsi_studio.studio.quotas import Quotas
from hsi_studio.studio.shared_server import SharedServer
from hsi_studio.ui.server.shares import Share, Shares

log = logging.getLogger(__name__)

IDLE_S = 1800.0  # an owner who asked for nothing so long is put away
COME_AND_GO_S, MOST_STUDIOS = 120.0, 48  # beyond so many, those who asked for nothing so long

HEADER = "x-hsi-owner"
GUEST = "x-hsi-share"  # token of the share the visitor is in
OPERATOR = "x-hsi-operator"  # "1": the visitor runs this server
ALONE, NOBODY = "", "_nobody"
_visitor: ContextVar[tuple[str, str] | None] = ContextVar("hsi_visitor", default=None)  # (owner, share token)


async def remember_visitor(request: Request) -> None:
    """A dependency of our own routes: they have no Gradio request to look at."""
    _visitor.set((request.headers.get(HEADER, NOBODY), request.headers.get(GUEST, "")))


def visitor() -> tuple[str, str] | None:
    """(owner, share token) of the request this thread works for; None outside of one."""
    from gradio.context import LocalContext

    request = LocalContext.request.get(None)
    if request is not None:
        headers = request.headers
        return headers.get(HEADER, NOBODY), headers.get(GUEST, "")
    return _visitor.get()


class Owners:
    """The studios of a server with several owners. Safe to use from many threads."""

    def __init__(
        self, home: Path, data_root: Path, server: SharedServer, prepare: Callable[[Studio], None] = lambda studio: None
    ) -> None:
        self.home, self.data_root, self.server, self._prepare = home, data_root, server, prepare
        self.shares = Shares(home / "shares.json")
        self._studios: dict[str, Studio] = {}
        self._guests: dict[str, Studio] = {}  # token → view
        self._used: dict[str, float] = {}  # owner → when the owner, or a guest, asked last
        self._lock = threading.RLock()

    def studio(self, owner: str) -> Studio:
        """An owner's studio; made on first need, its folder when something is written."""
        folder = self.home / "users" / owner
        if not owner or folder.parent != self.home / "users" or owner in (".", ".."):
            raise BadRequest("It cannot be told who you are: load the page again.")
        with self._lock:
            self._used[owner] = time.monotonic()
            if owner not in self._studios:
                made = Studio(folder, self.data_root, server=self.server)
                self._prepare(made)
                self._studios[owner] = made
            return self._studios[owner]

    def here(self) -> Studio:
        """The studio of whoever asks: the own one, or the view of a project that was shared."""
        found = visitor()
        owner, token = found or (NOBODY, "")
        if found is not None and owner == NOBODY:
            raise BadRequest("This page needs its cookie to know your projects: allow cookies, then load it again.")
        share = self.guest_in(owner, token)
        if share is None:
            if token and self.shared_by(token) is None:  # it was taken back, or its project is gone
                self._put_away([token])
            return self.studio(owner)
        with self._lock:
            self._used[share.owner] = time.monotonic()
            if token not in self._guests:
                self._guests[token] = guest_of(self.studio(share.owner), share.project_id)
            return self._guests[token]

    def shared_by(self, token: str) -> Share | None:
        """What a link leads to; None where it was taken back, or its project is gone (in the trash it is, too)."""
        share = self.shares.get(token) if token else None
        there = share is not None and (self.home / "users" / share.owner / "projects" / share.project_id).is_dir()
        return share if there else None

    def guest_in(self, owner: str, token: str) -> Share | None:
        """The share that a visitor is in; None for who is among the own projects: with no link, with one that leads
        nowhere, with a link to an own project. The browser keeps the token of all of them."""
        share = self.shared_by(token)
        return None if share is None or share.owner == owner else share

    def share(self, project_id: str) -> str:
        """A token for the visitor's own project; the same one each time. Raises BadRequest."""
        owner = self._sharer()
        return self.shares.make(owner, self.studio(owner).project(project_id).id)

    def shared(self, project_id: str) -> str | None:
        """The token of the visitor's own project, "" where it is not shared; None for a guest."""
        owner, token = visitor() or (NOBODY, "")
        return self.shares.token(owner, project_id) if self.guest_in(owner, token) is None else None

    def unshare(self, project_id: str) -> bool:
        """Take the link back: who came by it sees the project no more. Whether there was one. Raises BadRequest."""
        gone = self.shares.end(self._sharer(), project_id)
        self._put_away(gone)
        return bool(gone)

    def _put_away(self, tokens: list[str]) -> None:
        """The views of links that lead nowhere: their questions end."""
        with self._lock:
            views = [view for token in tokens if (view := self._guests.pop(token, None)) is not None]
        for view in views:
            view.close()

    def _sharer(self) -> str:
        """Who asks. Raises BadRequest for a guest."""
        owner, token = visitor() or (NOBODY, "")
        if self.guest_in(owner, token) is not None:
            raise BadRequest("This project was shared with you: only its owner can share it, or take the link back.")
        return owner

    def may_read(self, owner: str, token: str, file: Path) -> bool:
        """Whether a visitor may have a file by its path: nothing of the server's folder but what is the visitor's."""
        full, server = file.resolve(), self.home.resolve()
        if not full.is_relative_to(server):
            return True  # Gradio has its own rules for the rest
        share = self.guest_in(owner, token)
        if share is not None:
            return full.is_relative_to((self.home / "users" / share.owner / "projects" / share.project_id).resolve())
        return bool(owner) and full.is_relative_to((self.home / "users" / owner).resolve())

    def admit_upload(self, owner: str, size: int) -> None:
        """Before an upload is taken. It is the uploader's, whosever project is on the screen. Raises BadRequest."""
        self.server.admit_upload(self.studio(owner).home, size)

    def tidy(self, working: Callable[[str], bool] = lambda owner: False) -> int:
        """Put studios away whose owners have gone: their threads end, their memory comes back. Nothing is lost: what
        is on disk is opened again when they return, trainings go on. Returns how many.

        `working(owner)`: something of this owner's is under way.
        """
        now = time.monotonic()
        with self._lock:
            oldest = sorted(self._studios, key=lambda owner: self._used.get(owner, 0.0))
            many, gone = len(oldest) - MOST_STUDIOS, list[Studio]()
            for number, owner in enumerate(oldest):
                quiet = now - self._used.get(owner, 0.0)
                if quiet > (COME_AND_GO_S if number < many else IDLE_S) and not working(owner):
                    guests = [t for t in self._guests if (s := self.shares.get(t)) is None or s.owner == owner]
                    gone += [self._guests.pop(token) for token in guests]
                    gone.append(self._studios.pop(owner))
                    self._used.pop(owner, None)
        for studio in gone:
            studio.close()
        return len(gone)

    def present(self) -> dict[str, float]:
        """Owners whose studio is in memory, and the seconds since they asked last."""
        now = time.monotonic()
        with self._lock:
            return {owner: now - self._used.get(owner, now) for owner in self._studios}

    def close(self) -> None:
        with self._lock:
            studios = [*self._guests.values(), *self._studios.values()]
        for studio in studios:
            studio.close()
        self.server.close()


def owners_of(
    home: Path | None,
    data_root: Path | None,
    prepare: Callable[[Studio], None] = lambda studio: None,
    quotas: Quotas | None = None,
) -> Owners:
    """For a server with several owners. Without `data_root` nobody opens files of the machine, only uploads.
    `prepare` is called with each studio that is made; `quotas`: default those of the environment.

    Raises BadRequest (a quota in the environment that is no number).
    """
    root = Path(home).expanduser().absolute() if home else paths.home()
    if data_root is None:
        data_root = root / "data"
        data_root.mkdir(parents=True, exist_ok=True)
    if any((root / "projects").glob("*/project.json")):
        log.warning(
            "The projects in %s were made without user names: move those of a user to %s to have them in the list.",
            root / "projects", root / "users" / "NAME" / "projects",
        )  # fmt: skip
    return Owners(root, data_root, SharedServer(root, quotas or Quotas.of_environment()), prepare)


class Mine:
    """Stands for the `Studio` of whoever asks. Attributes are looked up when they are used, never before."""

    def __init__(self, here: Callable[[], Any]) -> None:
        self._here = here

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        value = getattr(self._here(), name)
        if callable(value) or isinstance(value, Subject):
            return _Later(self._here, name)
        return value


class _Later:
    """A method or a subject of a `Mine`."""

    def __init__(self, here: Callable[[], Any], name: str) -> None:
        self._here, self._name = here, name

    def __call__(self, *args: Any, **options: Any) -> Any:
        return getattr(self._here(), self._name)(*args, **options)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        here, own = self._here, self._name

        def subject() -> Any:
            return getattr(here(), own)

        return getattr(Mine(subject), name)
