"""A catalogue id or a path → `Scene`; layers laid on an open scene."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from hsi_studio.errors import BadRequest, FileProblem
from hsi_studio.files import is_there
from hsi_studio.scene.catalog import catalog, open_catalog
from hsi_studio.scene.left_out import without_bands
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
    left_out: Iterable[int] = (),
    hide_reference: bool = False,
    **reading: Any,
) -> Scene:
    """A catalogue id ("indian_pines") or a path → Scene. An existing file wins over an id.

    `progress` hears of a download. `left_out`: bands (from 0) that its user does without. `hide_reference`: for
    a lesson that is not handed in. `reading` as in `open_scene`. Raises BadRequest (neither; lists the ids),
    FileProblem.
    """
    text = str(spec)
    if text in catalog_ids() and not is_there(text):
        scene = open_catalog(text, progress)
        if variable is not None:
            raise BadRequest(f"{text} is a catalogue scene and has no variables: leave --var out.")
        said = ", ".join(f"--{key}" for key, value in reading.items() if value is not None and key != "rules")
        if said:
            raise BadRequest(f"{text} is a catalogue scene and is known: leave {said} out.")
        scene = without_bands(with_layers(scene, dsm, reference, name), left_out)
        return scene.without_reference() if hide_reference else scene
    if not is_there(text):
        if any(c in text for c in "/\\.") or isinstance(spec, Path):
            raise FileProblem(
                text,
                f"there is no such file ({text[:300]})",
                f"Check the path, or name a scene of the catalogue: {', '.join(catalog_ids())}",
            )
        raise BadRequest(
            f"There is no file and no catalogue scene {text[:200]!r}. Catalogue: {', '.join(catalog_ids())}."
        )
    scene = open_scene(text, variable=variable, dsm=dsm, reference=reference, name=name, **reading)
    scene = without_bands(scene, left_out)
    return scene.without_reference() if hide_reference else scene


def catalog_ids() -> list[str]:
    return [entry.id for entry in catalog()]
