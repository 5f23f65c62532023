"""How far long work is, told to whoever watches, who may stop it.

    with watched(hear):                    in the thread that works
        …  tell("Copying", done, total)    at any depth below, at no cost where nobody watches

`hear(what, done, total)` ends the work by raising `Cancelled`. The watcher is one of the thread (a context variable),
so that a loop deep down needs no parameter of every function above it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Hear = Callable[[str, float, float], None]  # what is done, how much of it, of how much (0 = not known)
_hear: ContextVar[Hear | None] = ContextVar("_hear", default=None)


@contextmanager
def watched(hear: Hear) -> Iterator[None]:
    """Work in the block is told to `hear`."""
    token = _hear.set(hear)
    try:
        yield
    finally:
        _hear.reset(token)


def tell(what: str, done: float = 0, total: float = 0) -> None:
    """Raises what the watcher raises: Cancelled."""
    hear = _hear.get()
    if hear is not None:
        hear(what, done, total)
