"""What went wrong with formats and methods, and which of them come from outside the package."""

from __future__ import annotations

from hsi_studio.methods import methods
from hsi_studio.registry import Registry
from hsi_studio.scene.formats.registry import readers


def problems(*more: Registry) -> list[str]:
    """A sentence for each plug-in that was left out, formats first. `more`: registries of the caller's, as tabs."""
    found = [readers(), methods(), *more]
    return list(dict.fromkeys(sentence for registry in found for sentence in registry.problems))
