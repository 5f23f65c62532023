"""For the API pages: examples in docstrings (`>>>`) become code blocks, where Markdown would see quotations."""

from __future__ import annotations

import re
from typing import Any

from griffe import Docstring, Extension, Object

EXAMPLE = re.compile(r"^>>> .*(?:\n(?:>>> |\.\.\. ).*)*", re.MULTILINE)


def with_examples(text: str) -> str:
    """Every run of lines that begin with >>> as a block of Python."""
    return EXAMPLE.sub(lambda found: f"\n```pycon\n{found.group(0)}\n```\n", text)


class Examples(Extension):
    """Called by griffe for every object it has read."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        if isinstance(obj.docstring, Docstring):
            obj.docstring.value = with_examples(obj.docstring.value)
