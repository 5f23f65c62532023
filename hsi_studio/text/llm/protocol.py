"""What a language model is to us: messages in, a streamed answer out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

MAX_CHARACTERS = 20_000
Message = dict[str, str]  # {"role": "system" | "user", "content": …}


@dataclass(frozen=True)
class Usage:
    """What an answer took, as the server counts it; `cost` in the server's currency, where it says so."""

    prompt_tokens: int
    answer_tokens: int
    cost: float | None = None


@dataclass(frozen=True)
class Answer:
    """A whole answer. `cut`: why it ends before its end; "" = it is whole."""

    text: str
    usage: Usage | None
    cut: str = ""


class Writer(Protocol):
    """Something that answers. Implementations: `Endpoint` here, `LocalModel` in `local.py`."""

    @property
    def name(self) -> str:
        """The model, for people."""
        ...

    @property
    def place(self) -> str:
        """Where it runs, for people: "api.example.org", "this machine"."""
        ...

    def write(
        self, messages: list[Message], on_text: Callable[[str], None], cancelled: Callable[[], bool], limit: int = 2000
    ) -> Answer:
        """Answer; `on_text` gets each new piece, on any thread; `limit` in tokens. Takes seconds to minutes.

        Raises LanguageModelProblem, Cancelled.
        """
        ...
