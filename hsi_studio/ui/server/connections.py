"""Connections that say nothing, slowly: closed after a while, and never so many that others find no place.

uvicorn 0.54 waits for ever for the first byte of a request and counts connections only when one has arrived whole, so a
thousand sockets without a password, opened and left alone, used up the process's file descriptors. Here:

- A connection has `HEAD_S` to send the whole head of a request, from when it is accepted or from the head's first byte,
  and as long for the rest of a body that was refused; between requests uvicorn's `timeout_keep_alive` holds.
- At most `MOST_IDLE` connections may be without a request at work. With one more one is closed: one that has asked for
  nothing, else of an unknown visitor, else of a known one; of the address that has the most, the one idle longest. So
  new visitors always find a place, who floods closes the own ones, and who is signed in stays, behind one address too.
  A request that lies unread is none that waits: after a moment in which the server was busy all that was dialled
  meanwhile comes in at once, before anything is read.
- In all there are at most `most_connections` (nine tenths of the file descriptors allowed, which are raised first).
- A peer that is gone without a word is found by TCP keepalive within two minutes; who does not read answers holds one
  connection, and is closed when the application's answer has waited for `WRITE_S`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import select
import socket
from collections import Counter
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

log = logging.getLogger(__name__)

HEAD_S, KEEP_ALIVE_S, WRITE_S = 15.0, 20, 120.0
HEAD_BYTES = 32 << 10  # of a request's head; h11 refuses what is longer
MOST_IDLE = 512
KNOWN = "hsi.known"  # in a request's state: the guard knows who asks
KEEPALIVE = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4))


class Idle:
    """Connections without a request at work, in the order they became so. Used in the event loop only."""

    def __init__(self, most: int = MOST_IDLE, head_s: float = HEAD_S) -> None:
        self.most, self.head_s = most, head_s
        self.closed = 0  # by us, since the start
        self._waiting: dict[Patient, asyncio.TimerHandle | None] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, one: Patient, hurry: bool) -> None:
        """`hurry`: it has begun something, and has `head_s` to finish it. The time runs from the first call on."""
        timer = self._waiting.get(one)
        if hurry and timer is None:
            timer = asyncio.get_running_loop().call_later(self.head_s, self.close, one)
        self._waiting[one] = timer
        for _ in range(min(2, len(self._waiting) - self.most)):  # two: those that were spared are made up for
            self._let_one_go()

    def _let_one_go(self) -> None:
        """None when all have sent something: they are read next, and the next connection asks again."""
        many = Counter((waiting.standing, waiting.address) for waiting in self._waiting)
        ranked = sorted(self._waiting, key=lambda one: (one.standing, -many[one.standing, one.address]))
        silent = next((waiting for waiting in ranked if not waiting.has_said()), None)
        if silent is not None:
            self.close(silent)

    def remove(self, one: Patient) -> None:
        timer = self._waiting.pop(one, None)
        if timer is not None:
            timer.cancel()

    def close(self, one: Patient) -> None:
        if one in self._waiting:
            self.remove(one)
            self.closed += 1
            one.transport.abort()


class Patient(H11Protocol):
    """uvicorn's HTTP/1.1, with a limit to its patience. `idle` is set by `protocol_of`."""

    idle: Idle
    address = ""
    _full: asyncio.TimerHandle | None = None  # nobody reads what is sent

    @property
    def standing(self) -> int:
        """0 = has asked for nothing yet, 1 = somebody unknown, 2 = somebody the guard knows."""
        cycle: Any = self.cycle  # None before the first request
        if cycle is None:
            return 0
        return 2 if cycle.scope.get("state", {}).get(KNOWN) else 1

    def has_said(self) -> bool:
        """Whether something that it sent lies unread (False where the system cannot tell), and it is not gone."""
        found = self.transport.get_extra_info("socket")
        if found is None or found.fileno() < 0 or not hasattr(select, "poll"):
            return False
        hung_up = getattr(select, "POLLRDHUP", 0)
        looks = select.poll()
        looks.register(found.fileno(), select.POLLIN | hung_up)
        told = looks.poll(0)
        return bool(told) and not told[0][1] & (hung_up | select.POLLHUP | select.POLLERR)

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.address = self.client[0] if self.client else ""
        found = transport.get_extra_info("socket")
        if found is not None:
            _keep_alive(found)
        self.idle.add(self, hurry=True)

    def connection_lost(self, exc: Exception | None) -> None:
        self.idle.remove(self)
        if self._full is not None:
            self._full.cancel()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        super().handle_events()
        self._look()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._look()

    def _look(self) -> None:
        if self.transport.is_closing():
            self.idle.remove(self)
        elif self.conn.their_state is h11.IDLE:  # between requests, or in a head
            self.idle.add(self, hurry=self.cycle is None or bool(self.conn.trailing_data[0]))
        elif self.cycle is not None and self.cycle.response_complete and self.conn.their_state is h11.SEND_BODY:
            self.idle.add(self, hurry=True)  # it was refused; what still comes is thrown away
        else:
            self.idle.remove(self)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._full is None:
            self._full = asyncio.get_running_loop().call_later(WRITE_S, self.transport.abort)

    def resume_writing(self) -> None:
        if self._full is not None:
            self._full.cancel()
            self._full = None
        super().resume_writing()


def protocol_of(idle: Idle) -> type[Patient]:
    """The protocol class for one server."""
    return type("PatientProtocol", (Patient,), {"idle": idle})


def most_connections() -> int:
    """How many connections this process can hold. Raises its limit of file descriptors as far as it may."""
    with contextlib.suppress(ImportError, ValueError, OSError):  # Windows has no such limit; a container may forbid it
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
        return min(8192, max(64, soft * 9 // 10 - 100))
    return 1000


def _keep_alive(sock: Any) -> None:
    with contextlib.suppress(OSError, AttributeError):  # a Unix socket, or a system without these
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in KEEPALIVE:
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
