"""Formats, methods and tabs by name: those of the package, then plug-ins from outside it.

Built in: every module of a folder that defines `READER`, `METHOD` or `TAB`. From outside, in this order:

- **entry points** of installed packages, in the groups `hsi_studio.readers`, `hsi_studio.methods`, `hsi_studio.tabs`;
  each names the object (`toy:METHOD`) or the module that defines it (`toy`).
- **folders of single files**, named in `HSI_STUDIO_PLUGINS` (several with ":" between, ";" on Windows): every `*.py` in
  them that assigns one of the three at its top level; names with a leading underscore are passed over.

A plug-in is a program: it runs with all rights of the app. Both ways are the operator's own, who installs packages and
sets the environment. Never name a folder that users can write to, as one of uploads or projects.

Names are unique: one that exists already is never replaced. What cannot be imported, is not what it says to be or bears
a known name is left out and told in `Registry.problems` and the log, never swallowed.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib
import importlib.util
import inspect
import logging
import pkgutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from hsi_studio.settings import PLUGINS

log = logging.getLogger(__name__)

FOLDERS = PLUGINS.name
GROUPS = {"READER": "hsi_studio.readers", "METHOD": "hsi_studio.methods", "TAB": "hsi_studio.tabs"}


@dataclass(frozen=True)
class Source:
    """Where a plug-in comes from: in words, and its file."""

    words: str  # "package hsi-toy 1.0", "/plugins/toy.py"
    file: Path | None = None


@dataclass
class Registry:
    """What a scan found. `entries` keeps file-name order, built-in ones first, so results do not depend on the disk."""

    entries: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    sources: dict[str, Source] = field(default_factory=dict)  # of plug-ins alone

    def take(self, entry: Any, where: str, refuse: Callable[[Any], str], source: Source | None = None) -> None:
        """Add an entry, or a problem."""
        why = refuse(entry)
        name = getattr(entry, "name", None)
        if not why and not isinstance(name, str):
            why = "it has no `name`"
        if why:
            self.problems.append(f"{where} is left out: {why}.")
        elif name in self.entries:
            self.problems.append(f"{where} declares {name!r}, which exists already; it is ignored")
        else:
            self.entries[str(name)] = entry
            if source is not None:
                self.sources[str(name)] = source

    def plugin_code(self) -> bytes:
        """A digest of the plug-ins' files: figures that they made depend on them. Empty without plug-ins."""
        files = {source.file for source in self.sources.values() if source.file is not None}
        found = [file.read_bytes() for file in sorted(files) if file.is_file()]
        return hashlib.sha256(b"\0".join(found)).digest() if found else b""


def scan(package: ModuleType, attribute: str, refuse: Callable[[Any], str] = lambda entry: "") -> Registry:
    """Collect `module.<attribute>` (an object, or a list of them, with a `.name`) from a package and from plug-ins.

    `refuse(entry)` says why an object is none of the kind, "" when it is.
    """
    found = Registry()
    for module_info in sorted(pkgutil.iter_modules(package.__path__), key=lambda m: m.name):
        full_name = f"{package.__name__}.{module_info.name}"
        module = _tried(found, full_name, importlib.import_module, full_name)
        for entry in _entries(getattr(module, attribute, None)):
            found.take(entry, full_name, refuse)
    if attribute in GROUPS:
        _from_packages(found, attribute, refuse)
        _from_folders(found, attribute, refuse)
    return found


def _from_packages(found: Registry, attribute: str, refuse: Callable[[Any], str]) -> None:
    for point in sorted(_points(tuple(sys.path)).select(group=GROUPS[attribute]), key=lambda p: (p.name, p.value)):
        package = f"package {point.dist.name} {point.dist.version}" if point.dist is not None else "a package"
        where = f"plug-in {point.name} = {point.value} of {package}"
        loaded = _tried(found, where, point.load)
        if isinstance(loaded, ModuleType):
            if not hasattr(loaded, attribute):
                found.problems.append(f"{where} is left out: the module has no {attribute}.")
            loaded = getattr(loaded, attribute, None)
        for entry in _entries(loaded):
            found.take(entry, where, refuse, Source(package, _file_of(entry)))


@functools.lru_cache(maxsize=1)
def _points(path: tuple[str, ...]) -> Any:
    """Entry points of every installed package: about 0.1 s, asked for three times. `path`: where they are found."""
    return entry_points()


def _from_folders(found: Registry, attribute: str, refuse: Callable[[Any], str]) -> None:
    for folder in (named.resolve() for named in PLUGINS.folders()):
        if not folder.is_dir():
            found.problems.append(f"{FOLDERS} names {folder}, which is no folder.")
            continue
        for file in sorted(folder.glob("*.py")):
            if file.name.startswith("_"):
                continue
            declared = _tried(found, f"plug-in {file}", _declared, file)
            if declared is None:
                continue
            if not declared & set(GROUPS):
                found.problems.append(f"plug-in {file} is left out: it declares none of {', '.join(GROUPS)}.")
            if attribute not in declared:
                continue
            module = _tried(found, f"plug-in {file}", _module_of, file)
            for entry in _entries(getattr(module, attribute, None)):
                found.take(entry, f"plug-in {file}", refuse, Source(str(file), file))


def _tried(found: Registry, where: str, load: Callable[..., Any], *given: Any) -> Any:
    """What `load(*given)` gives; None and a problem when it fails. A broken plug-in must not take the others down."""
    try:
        return load(*given)
    except (Exception, SystemExit) as error:
        log.exception("cannot import %s", where)
        found.problems.append(f"{where} cannot be imported: {type(error).__name__}: {error}")
        return None


def _entries(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, list) else [value]


def _declared(file: Path) -> set[str]:
    """Names that a file assigns at its top level, without running it: a tab is not imported to look for methods.

    Raises SyntaxError, OSError.
    """
    found: set[str] = set()
    for statement in ast.parse(file.read_bytes(), str(file)).body:
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return found


def _module_of(file: Path) -> ModuleType:
    """A file as a module, run once in a program however many registries ask for it."""
    name = f"hsi_studio_plugin_{hashlib.sha256(str(file).encode()).hexdigest()[:8]}_{file.stem}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _file_of(entry: Any) -> Path | None:
    try:
        return Path(inspect.getfile(type(entry)))
    except (TypeError, OSError):
        return None
