"""The methods by name: every folder here whose `__init__.py` ends with `METHOD = …`, and plug-ins (`registry.py`); the
contract is in `contract.py`."""

from __future__ import annotations

import functools
import re
import sys
from typing import Any

from hsi_studio.errors import BadRequest
from hsi_studio.methods.contract import Method, Params
from hsi_studio.registry import Registry, scan

LIVE_METHOD = "live"  # follows the clicks, and is taken where none is named
BASELINE_METHOD = "svm"  # on single spectra: what a lesson is measured against
IMAGE_METHOD = "s3fn"  # taken for collections where none is named, see `collections.py`


@functools.cache
def methods() -> Registry:
    """Every method by name, built-in ones first."""
    return scan(sys.modules[__name__], "METHOD", not_a_method)


def get_method(name: str) -> Method:
    """Raises BadRequest."""
    entries = methods().entries
    if name not in entries:
        raise BadRequest(f"There is no method {name!r}. Choose one of: {', '.join(entries)}.")
    method: Method = entries[name]
    return method


def not_a_method(entry: Any) -> str:
    """Why an object cannot be a method, in words; "" when it can."""
    if isinstance(entry, type):
        return f"METHOD is the class {entry.__name__}, not an object of it: write METHOD = {entry.__name__}()"
    if not isinstance(entry, Method):
        return f"{type(entry).__name__} is not derived from hsi_studio.methods.contract.Method"
    for attribute in ("name", "title", "source"):
        if not isinstance(getattr(entry, attribute, None), str):
            return f"{type(entry).__name__} has no text {attribute!r}"
    if not re.fullmatch(r"[a-z0-9_]{1,64}", entry.name):
        return f"its name is {entry.name!r}: take up to 64 lower-case letters, digits and underscores"
    kind = getattr(entry, "Params", None)
    if not (isinstance(kind, type) and issubclass(kind, Params)):
        return f"{type(entry).__name__}.Params is not derived from hsi_studio.methods.contract.Params"
    return ""
