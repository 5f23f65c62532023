"""Values that no page, no form and no honest script sends, and a listener for errors that an edge had not foreseen."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

TEXTS = ("", "..", "../../etc/passwd", "/etc/passwd", "a" * 5000, "\x00", "\ud800", "čšž\u202e", "<img src=x>", "{0.x}",
         "NaN", "[" * 5000, "run:../../x", "set:x@9", "٣", "http://127.0.0.1:9/x", "-1")  # fmt: skip
SOME = ("", "../../etc/passwd", "a" * 5000, "\x00", "\ud800", "NaN", "[" * 5000)
NUMBERS: tuple[Any, ...] = (-1, 2**31, 2**63, 10**40, float("nan"), float("inf"), -0.5, 1e308)
OTHERS: tuple[Any, ...] = (None, True, [], {}, [[]], ["x", None], {"x": float("nan")}, b"x")
ANY = (*TEXTS, *NUMBERS, *OTHERS)


class _Listener(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        self.seen.append(f"{record.getMessage()}: {error!r}")


@contextmanager
def nothing_unforeseen() -> Iterator[None]:
    """Fails when an edge met an error that it had not foreseen, however well it was told."""
    heard, logger = _Listener(), logging.getLogger("hsi_studio")
    logger.addHandler(heard)
    try:
        yield
    finally:
        logger.removeHandler(heard)
    assert heard.seen == []
