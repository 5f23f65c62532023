"""The formats and methods there are, which of them come from outside the package, and what went wrong with those; and
what keeps the readers of files in their place on this machine."""

from __future__ import annotations

from hsi_studio.methods import IMAGE_METHOD, LIVE_METHOD, methods
from hsi_studio.registry import Registry
from hsi_studio.scene.formats.registry import readers

__all__ = ["IMAGE_METHOD", "LIVE_METHOD", "listed_formats", "listed_methods", "problems", "protections"]


def problems(*more: Registry) -> list[str]:
    """A sentence for each plug-in that was left out, formats first. `more`: registries of the caller's, as tabs."""
    found = [readers(), methods(), *more]
    return list(dict.fromkeys(sentence for registry in found for sentence in registry.problems))


def listed_methods() -> list[tuple[str, str, str]]:
    """(name, title, where it comes from: "" = built in) of every method."""
    return _listed(methods())


def listed_formats() -> list[tuple[str, str, str]]:
    """(name, title, where it comes from: "" = built in) of every file format."""
    return _listed(readers())


def _listed(registry: Registry) -> list[tuple[str, str, str]]:
    sources = {name: source.words for name, source in registry.sources.items()}
    return [(name, entry.title, sources.get(name, "")) for name, entry in registry.entries.items()]


def protections() -> list[tuple[str, bool, str]]:
    """(what, whether it holds here, what it keeps away) of the rooms that files are read in."""
    from hsi_studio.scene.room import opening

    return opening.protections()
