"""Folder scan: every module of a package that defines a given attribute is an entry.

A new format, method or tab is one new file. Duplicate names and modules that fail to import are
reported in `Registry.problems` and the log, never swallowed; a test demands that there are none.
"""

from __future__ import annotations

import importlib
import logging
import pkgutil
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

log = logging.getLogger(__name__)


@dataclass
class Registry:
    """What a scan found. `entries` keeps file-name order, so results do not depend on the disk."""

    entries: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def scan(package: ModuleType, attribute: str) -> Registry:
    """Collect `module.<attribute>` (an object, or a list of them, with a `.name`) from a package's modules."""
    found = Registry()
    for module_info in sorted(pkgutil.iter_modules(package.__path__), key=lambda m: m.name):
        full_name = f"{package.__name__}.{module_info.name}"
        try:
            module = importlib.import_module(full_name)
        except Exception as error:  # a broken plug-in must not take the others down
            log.exception("cannot import %s", full_name)
            found.problems.append(f"{full_name} cannot be imported: {error}")
            continue
        value = getattr(module, attribute, None)
        if value is None:
            continue
        for entry in value if isinstance(value, list) else [value]:
            if entry.name in found.entries:
                found.problems.append(f"{full_name} declares {entry.name!r}, which exists already; it is ignored")
                continue
            found.entries[entry.name] = entry
    return found
