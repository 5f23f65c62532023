"""Who asks: the request that a handler would see."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from hsi_studio.ui.server.owners import GUEST, HEADER


class Asks:
    """A Gradio request as a handler sees it: headers only."""

    def __init__(self, owner: str, token: str = "") -> None:
        self.headers = {HEADER: owner, GUEST: token}


@contextmanager
def asking(owner: str, token: str = "") -> Iterator[None]:
    from gradio.context import LocalContext

    before = LocalContext.request.set(cast(Any, Asks(owner, token)))
    try:
        yield
    finally:
        LocalContext.request.reset(before)
