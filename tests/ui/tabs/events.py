"""An event of the page as a handler gets it, and the reading of what it answers."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import gradio as gr


def event(what: str = "", **data: Any) -> Any:
    """The page's `trigger("act", {do: what, …})`."""
    return SimpleNamespace(_data={"do": what, **data} if what else data)


def value(packed: Any) -> dict[str, Any]:
    """A component's value as its script reads it."""
    assert isinstance(packed, str), packed
    return json.loads(packed)  # type: ignore[no-any-return]


def untouched(answer: Any) -> bool:
    """Whether a handler left a component as it is."""
    return bool(answer == gr.skip())
