"""The methods by name. Every folder here whose `__init__.py` ends with `METHOD = …` is one; the contract is in
`contract.py`."""

from __future__ import annotations

import functools
import sys

from hsi_studio.errors import BadRequest
from hsi_studio.methods.contract import Method
from hsi_studio.registry import Registry, scan


@functools.cache
def methods() -> Registry:
    """Every method in this folder by name."""
    return scan(sys.modules[__name__], "METHOD")


def get_method(name: str) -> Method:
    entries = methods().entries
    if name not in entries:
        raise BadRequest(f"There is no method {name!r}. Choose one of: {', '.join(entries)}.")
    method: Method = entries[name]
    return method
