"""For the reference pages: docstrings and comments of this code as the Markdown that mkdocstrings expects.

- Examples (`>>>`) become code blocks, where Markdown would see quotations.
- A list gets the empty line before it that Markdown wants.
- A field's comment at the end of its line is its description.
"""

from __future__ import annotations

import re
from typing import Any

from griffe import Attribute, Class, Docstring, Extension, Object

EXAMPLE = re.compile(r"^>>> .*(?:\n(?:>>> |\.\.\. ).*)*", re.MULTILINE)
LIST = re.compile(r"^(?!- |  |$)(.+)\n(?=- )", re.MULTILINE)
COMMENT = re.compile(r"\s{2}# (.+)$")


def as_markdown(text: str) -> str:
    """A docstring, with blocks and lists set apart."""
    return LIST.sub(r"\1\n\n", EXAMPLE.sub(lambda found: f"\n```pycon\n{found.group(0)}\n```\n", text))


class Prose(Extension):
    """Called by griffe for every object it has read."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        if isinstance(obj.docstring, Docstring):
            obj.docstring.value = as_markdown(obj.docstring.value)

    def on_attribute(self, *, attr: Attribute, **_: Any) -> None:
        """Fields of classes alone: constants of a module have reasons there, not descriptions."""
        if attr.docstring is None and isinstance(attr.parent, Class) and not attr.name.startswith("_") and attr.lines:
            found = COMMENT.search(attr.lines[-1])
            if found is not None:
                attr.docstring = Docstring(found.group(1), parent=attr)
