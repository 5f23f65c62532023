"""A catalogue id or a path → `Scene`; layers laid on an open scene."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hsi_studio.errors import BadRequest, FileProblem
from hsi_studio.scene.catalog import catalog, open_catalog
from hsi_studio.scene.open import open_scene, with_layers
from hsi_studio.types import Progress, Scene


def resolve(
    spec: str | Path,
    *,
    variable: str | None = None,
    dsm: str | Path | None = None,
    reference: str | Path | None = None,
    name: str | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
    **reading: Any,
) -> Scene:
    """A catalogue id ("indian_pines") or a path → Scene. An existing file wins over an id.

    `progress` hears of a download. `reading` as in `open_scene`. Raises BadRequest (neither; lists the ids),
    FileProblem.
    """
    text = str(spec)
    if text in catalog_ids() and not Path(text).is_file():
        scene = open_catalog(text, progress)
        if variable is not None:
            raise BadRequest(f"{text} is a catalogue scene and has no variables: leave --var out.")
        said = ", ".join(f"--{key}" for key, value in reading.items() if value is not None and key != "rules")
        if said:
            raise BadRequest(f"{text} is a catalogue scene and is known: leave {said} out.")
        return with_layers(scene, dsm, reference, name)
    if not Path(text).expanduser().exists():
        if any(c in text for c in "/\\.") or isinstance(spec, Path):
            raise FileProblem(
                text,
                f"there is no such file ({text})",
                f"Check the path, or name a scene of the catalogue: {', '.join(catalog_ids())}",
            )
        raise BadRequest(f"There is no file and no catalogue scene {text!r}. Catalogue: {', '.join(catalog_ids())}.")
    return open_scene(text, variable=variable, dsm=dsm, reference=reference, name=name, **reading)


def catalog_ids() -> list[str]:
    return [entry.id for entry in catalog()]
