"""A small process with the libraries loaded and nothing else, from which readers are forked.

Loading NumPy, h5py, GDAL and scipy takes a second; a fork of a process that has them takes milliseconds. It is one
thread (a fork keeps only one), opens no file of anybody's, knows no secret (its environment is made of a list), and
ends with the app, whose end of the socket it waits at:

    app ── request + one end of a socket ──▶ spawner ── fork ──▶ reader
                       ◀── the reader's pidfd, then its exit status ──┘ over that socket

The pidfd is how the app ends a reader that takes too long: a number could have gone to another process by then.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
from typing import Any

LONGEST_REQUEST = 128 << 10
LIBRARIES = ("numpy", "h5py", "rasterio", "rasterio.crs", "rasterio.windows", "scipy.io", "rasterio.warp")
OURS = ("hsi_studio.scene.room.reader", "hsi_studio.scene.room.asks", "hsi_studio.scene.room.cubes")


def main(handle: int) -> None:
    """Serve requests until the app is gone. `handle`: this process's end of the socket."""
    server = socket.socket(fileno=handle)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the app, which closes the socket
    _load()
    awake, wake = socket.socketpair()
    awake.setblocking(False)
    wake.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
    waiting: dict[int, socket.socket] = {}
    with selectors.DefaultSelector() as selector:
        selector.register(server, selectors.EVENT_READ)
        selector.register(awake, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is awake:
                    with contextlib.suppress(BlockingIOError):
                        awake.recv(4096)
                    _reap(waiting)
                elif not _serve(server, waiting):
                    for pid in waiting:
                        with contextlib.suppress(ProcessLookupError):
                            os.kill(pid, signal.SIGKILL)
                    return


def _load() -> None:
    for name in (*LIBRARIES, *OURS):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    from hsi_studio.scene.formats.registry import readers

    readers()  # with the operator's plug-ins
    with contextlib.suppress(ImportError):
        import rasterio

        with rasterio.Env():  # GDAL's drivers, but no data base of coordinate systems: an open file is not for forks
            pass
    gc.freeze()  # what is there stays: the forks need not look through it


def _serve(server: socket.socket, waiting: dict[int, socket.socket]) -> bool:
    """One request. False when the app is gone."""
    try:
        message, handles, _, _ = socket.recv_fds(server, LONGEST_REQUEST, 1)
    except ConnectionError:
        return False
    if not message or not handles:
        return False
    reply = socket.socket(fileno=handles[0])
    pid = os.fork()
    if pid == 0:
        _become_reader(server, reply, waiting, json.loads(message))
    waiting[pid] = reply
    watch = os.pidfd_open(pid)
    try:
        with contextlib.suppress(OSError):  # the app has given up
            socket.send_fds(reply, [b"{}"], [watch])
    finally:
        os.close(watch)
    return True


def _become_reader(
    server: socket.socket, reply: socket.socket, waiting: dict[int, socket.socket], request: dict[str, Any]
) -> None:
    from hsi_studio.scene.room.reader import live

    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for one in (server, reply, *waiting.values()):
        one.close()
    live(request)


def _reap(waiting: dict[int, socket.socket]) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        reply = waiting.pop(pid, None)
        if reply is not None:
            with reply, contextlib.suppress(OSError):
                reply.send(json.dumps({"status": os.waitstatus_to_exitcode(status)}).encode())


if __name__ == "__main__":
    main(int(sys.argv[1]))
