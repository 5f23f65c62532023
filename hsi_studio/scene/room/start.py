"""Starting readers: forked from a spawner where that is possible (Linux), else a new Python for each.

One spawner for the program, started when the first reader is asked for or before (`warm`). It ends with the program.
One that died is replaced once for a request; a second death is an error.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import signal
import socket
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from hsi_studio import paths, settings
from hsi_studio.scene.formats import gdal_safety
from hsi_studio.scene.room.limits import Limits

LOOK_S = 0.2  # how often is looked whether the reader writes too much
READY_S = 120.0  # for the libraries to load
DATA = ("GDAL_DATA", "PROJ_DATA", "PROJ_LIB")  # folders of the libraries
KEPT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "SYSTEMROOT", *DATA)
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "GDAL_NUM_THREADS")
SYSTEM = (
    "/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib", "/lib64", "/usr/share/proj", "/usr/share/gdal",
    "/usr/share/zoneinfo", "/etc/ld.so.cache", "/etc/localtime", "/dev/null", "/dev/urandom", "/proc/meminfo",
    "/sys/devices/system/cpu/online",
)  # fmt: skip


class Gone(OSError):
    """The process that readers are started from is not there."""


@dataclass(frozen=True)
class Ended:
    """`status` as of `subprocess`; `why`: "time" or "disk" when the app ended it."""

    status: int
    why: str = ""


class Running(Protocol):
    def wait(self, too_much: Callable[[], bool]) -> Ended: ...


class Starter(Protocol):
    def start(self, request: Mapping[str, Any], most: Limits) -> contextlib.AbstractContextManager[Running]: ...


@functools.cache
def starter() -> Starter:
    """The one of this program."""
    forks = sys.platform == "linux" and hasattr(os, "pidfd_open") and hasattr(signal, "pidfd_send_signal")
    return Spawner() if forks else Anew()


def warm() -> None:
    """Start what readers are forked from; returns at once, the libraries load meanwhile."""
    one = starter()
    if isinstance(one, Spawner):
        one.ready()


def environment() -> dict[str, str]:
    """Of readers: what libraries need to be found, and no more. Secrets of the app are not in it."""
    made = {name: os.environ[name] for name in KEPT if name in os.environ}
    made |= dict.fromkeys(THREADS, "1") | {"PYTHONHASHSEED": "0", "HOME": "/nonexistent", "TMPDIR": "."}
    made[settings.TRUST_LOCAL.name] = "1"  # in the room one reads: no room in a room
    if settings.PLUGINS.text():
        made[settings.PLUGINS.name] = settings.PLUGINS.text()
    gdal_safety.quieten(made)
    return made


@functools.cache
def python_path() -> tuple[str, ...]:
    """Where this program's modules come from, as absolute folders."""
    return tuple(dict.fromkeys([str(paths.BESIDE), *(os.path.abspath(one) for one in sys.path if one)]))


@functools.cache
def reader_roots() -> tuple[Path, ...]:
    """Folders that readers may read in: Python, its packages, the system's libraries, this package, plug-ins."""
    roots = [Path(one) for one in SYSTEM]
    roots += [Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    roots += [paths.PACKAGE, paths.ASSETS]
    for base in {sys.prefix, sys.base_prefix, sys.exec_prefix}:
        roots += [Path(base, part) for part in ("lib", "lib64", "share", "Library", "DLLs")]
    for one in python_path():
        if "-packages" in one or one.endswith((".zip", "lib-dynload")):
            roots.append(Path(one))
    roots += settings.PLUGINS.folders()
    roots += [Path(os.environ[name]) for name in DATA if os.environ.get(name)]
    home = paths.home().resolve()
    found = [one.resolve() for one in roots if one.exists()]
    return tuple(dict.fromkeys(one for one in found if not home.is_relative_to(one)))


def _command(code: str, *given: str) -> list[str]:
    """A Python that takes nothing from its environment but the path to modules."""
    start = f"import sys; sys.path[:] = {list(python_path())!r}; {code}"
    return [sys.executable, "-I", "-X", "utf8", "-c", start, *given]


@dataclass
class Spawner:
    """Readers forked from one warm process."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _socket: socket.socket | None = None
    _process: subprocess.Popen[bytes] | None = None

    def ready(self) -> socket.socket:
        """Its socket; started on first need. Raises OSError."""
        with self._lock:
            if self._socket is None or self._process is None or self._process.poll() is not None:
                self._close()
                mine, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                with its:
                    code = "from hsi_studio.scene.room.spawner import main; main(int(sys.argv[1]))"
                    self._process = subprocess.Popen(
                        _command(code, str(its.fileno())),
                        pass_fds=(its.fileno(),),
                        env=environment(),
                        cwd="/",
                        stdin=subprocess.DEVNULL,
                        stdout=subprocess.DEVNULL,
                        start_new_session=True,  # Ctrl-C in the terminal is for the app
                    )
                self._socket = mine
                atexit.register(self.close)
            return self._socket

    def close(self) -> None:
        """End it, with the readers it has."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        atexit.unregister(self.close)
        if self._socket is not None:
            self._socket.close()
        if self._process is not None:
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._socket = self._process = None

    @contextmanager
    def start(self, request: Mapping[str, Any], most: Limits) -> Iterator[Running]:
        """Raises Gone, OSError."""
        running = self._sent(json.dumps(request).encode(), most)
        try:
            yield running
        finally:
            running.end()

    def _sent(self, message: bytes, most: Limits) -> Forked:
        for again in (True, False):
            mine, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            try:
                with its:
                    socket.send_fds(self.ready(), [message], [its.fileno()])
                return Forked(mine, most)
            except OSError as error:
                mine.close()
                if not again:
                    raise Gone(f"{error}") from error
                self.close()
        raise Gone("no spawner")


class Forked:
    """A reader that the spawner forked."""

    def __init__(self, reply: socket.socket, most: Limits) -> None:
        self._reply, self._most, self._watch = reply, most, -1
        reply.settimeout(READY_S)
        message, handles, _, _ = socket.recv_fds(reply, 4096, 1)
        if not message or not handles:
            reply.close()
            raise Gone("it ended before the reader began")
        self._watch = handles[0]

    def wait(self, too_much: Callable[[], bool]) -> Ended:
        """Until it ends, or is ended."""
        until, why = time.monotonic() + self._most.wall_s, ""
        self._reply.settimeout(LOOK_S)
        while True:
            try:
                message = self._reply.recv(4096)
                break
            except TimeoutError:
                if not why:
                    why = "disk" if too_much() else "time" if time.monotonic() > until else ""
                    if why:
                        self._kill()
        status = json.loads(message)["status"] if message else -int(signal.SIGKILL)
        return Ended(status, why)

    def end(self) -> None:
        """Whether it is done or not."""
        self._kill()
        os.close(self._watch)
        self._reply.close()

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._watch, signal.SIGKILL)


class Anew:
    """A new Python for each reader: a second more for each file, and the limits that the system has."""

    @contextmanager
    def start(self, request: Mapping[str, Any], most: Limits) -> Iterator[Running]:
        process = subprocess.Popen(
            _command("from hsi_studio.scene.room.reader import main; main()"),
            env=environment(),
            cwd=str(request["work"]),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        assert process.stdin is not None
        with process.stdin as stream:
            stream.write(json.dumps(request).encode())
        running = OfItsOwn(process, most)
        try:
            yield running
        finally:
            process.kill()
            process.wait()


@dataclass
class OfItsOwn:
    process: subprocess.Popen[bytes]
    most: Limits

    def wait(self, too_much: Callable[[], bool]) -> Ended:
        until = time.monotonic() + self.most.wall_s + READY_S / 4
        while True:
            try:
                return Ended(self.process.wait(LOOK_S))
            except subprocess.TimeoutExpired:
                why = "disk" if too_much() else "time" if time.monotonic() > until else ""
                if why:
                    self.process.kill()
                    return Ended(self.process.wait(), why)
