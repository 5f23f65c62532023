"""Reading: a path or a catalogue id → an immutable, lazy `Scene`.

Every module of this folder that ends with `READER = …` is a file format. `open_scene` asks each one
`sniff(path)`; a new format is one new file.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from hsi_studio.errors import BadRequest, CorruptFile, FileProblem, UnknownFormat
from hsi_studio.registry import Registry, scan
from hsi_studio.scene.catalog import CatalogEntry, catalog, open_catalog
from hsi_studio.scene.identity import scene_id, source
from hsi_studio.scene.labelmap import complete_names, read_class_map, read_dsm, split_spec
from hsi_studio.scene.raster import Candidate, Raster, Reader, file_size, first_bytes, shape_text
from hsi_studio.scene.survey import survey as make_survey
from hsi_studio.types import Progress, Scene

__all__ = [
    "CatalogEntry",
    "catalog",
    "find_reader",
    "list_variables",
    "open_catalog",
    "open_scene",
    "read_class_map",
    "read_dsm",
    "readers",
    "resolve",
    "scene_from_raster",
]


@functools.cache
def readers() -> Registry:
    """Every file format by name."""
    return scan(sys.modules[__name__], "READER")


def find_reader(path: str | Path) -> Reader:
    """The reader that recognises the file. Raises FileProblem, CorruptFile (empty), UnknownFormat."""
    path = Path(path)
    file_size(path)
    for reader in readers().entries.values():
        if reader.sniff(path):
            found: Reader = reader
            return found
    titles = ", ".join(reader.title for reader in readers().entries.values())
    claimed = [r for r in readers().entries.values() if path.suffix.lower() in r.extensions]
    if claimed:
        head = first_bytes(path, 256)
        text = " (it looks like a text file)" if head and all(b in b"\t\n\r" or b >= 32 for b in head) else ""
        raise CorruptFile(
            path,
            f"it is named like {claimed[0].title} but its content is not{text}",
            "Export it again from the program it comes from, or give it its right extension",
        )
    raise UnknownFormat(path, "no reader recognises this file", f"Convert it to one of: {titles}")


def list_variables(path: str | Path) -> list[Candidate]:
    """(name, shape, dtype) of the arrays in a file; one unnamed entry for single-raster formats."""
    return find_reader(path).variables(Path(path))


def open_scene(
    path: str | Path,
    *,
    variable: str | None = None,
    dsm: str | Path | None = None,
    reference: str | Path | None = None,
    name: str | None = None,
) -> Scene:
    """Open a hyperspectral file, with an optional height layer and reference on the same pixel grid.

    `variable`: which array of a container (.mat, .npz, HDF5). `dsm`, `reference`: "FILE" or
    "FILE:variable"; they replace what the file itself brings. Raises FileProblem and its kinds.
    """
    path = Path(path).expanduser()
    raster = find_reader(path).open(path, variable)
    return scene_from_raster(path, raster, variable=variable, dsm=dsm, reference=reference, name=name)


def scene_from_raster(
    path: Path,
    raster: Raster,
    *,
    variable: str | None = None,
    dsm: str | Path | None = None,
    reference: str | Path | None = None,
    name: str | None = None,
    **facts: Any,
) -> Scene:
    """A Scene from an opened raster; `facts` replace fields (title, citation, licence, bands …)."""
    height, width, n_bands = raster.cube.shape
    if n_bands < 2:
        raise UnknownFormat(
            path,
            f"it holds one band ({shape_text((height, width))} pixels); a scene needs at least two",
            "Open the hyperspectral file and give this one as --dsm or --reference",
        )
    sources = [source("cube", file) for file in raster.files or (path,)]
    layers, labels, names = raster.dsm, raster.reference, dict(raster.class_names)
    options = [variable]
    if dsm is not None:
        layers = read_dsm(dsm, (height, width), beside=path)
        file, part = split_spec(dsm, path)
        sources.append(source("dsm", file))
        options.append(f"dsm:{part}")
    if reference is not None:
        labels, names = read_class_map(reference, (height, width), beside=path)
        file, part = split_spec(reference, path)
        sources.append(source("reference", file))
        options.append(f"reference:{part}")
    elif labels is not None:
        names = complete_names(names, np.unique(labels[labels > 0]).tolist())
    if labels is None:
        names = {}
    short = name or _short_name(path)
    values: dict[str, Any] = {
        "id": scene_id(sources, options),
        "name": short,
        "title": raster.description or short,
        "cube": raster.cube,
        "bands": raster.bands,
        "survey_fn": make_survey,
        "dsm": layers,
        "reference": labels,
        "reference_names": names,
        "transform": raster.transform,
        "crs": raster.crs,
        "gsd_m": raster.gsd_m,
        "sources": tuple(sources),
        "notes": raster.notes,
        "value_unit": raster.value_unit,
    }
    return Scene(**(values | facts))


def _short_name(path: Path) -> str:
    """File name without extension, fit for file names: "x.img.hdr" → "x"."""
    stem = path.name
    for suffix in (".hdr", ".gz", path.suffix, Path(path.stem).suffix if path.suffix.lower() == ".hdr" else ""):
        if suffix and stem.lower().endswith(suffix.lower()) and len(stem) > len(suffix):
            stem = stem[: -len(suffix)]
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in stem) or "scene"


def resolve(
    spec: str | Path,
    *,
    variable: str | None = None,
    dsm: str | Path | None = None,
    reference: str | Path | None = None,
    name: str | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
) -> Scene:
    """A catalogue id ("indian_pines") or a path → Scene. An existing file wins over an id.

    `progress` hears of a download. Raises BadRequest (neither; lists the ids), FileProblem.
    """
    text = str(spec)
    if text in catalog_ids() and not Path(text).is_file():
        scene = open_catalog(text, progress)
        if variable is not None:
            raise BadRequest(f"{text} is a catalogue scene and has no variables: leave --var out.")
        return with_layers(scene, dsm, reference, name)
    if not Path(text).expanduser().exists():
        if any(c in text for c in "/\\.") or isinstance(spec, Path):
            raise FileProblem(
                text,
                f"there is no such file ({text})",
                f"Check the path, or name a scene of the catalogue: {', '.join(catalog_ids())}",
            )
        raise BadRequest(f"There is no file and no catalogue scene {text!r}. Catalogue: {', '.join(catalog_ids())}.")
    return open_scene(text, variable=variable, dsm=dsm, reference=reference, name=name)


def catalog_ids() -> list[str]:
    return [entry.id for entry in catalog()]


def with_layers(
    scene: Scene, dsm: str | Path | None = None, reference: str | Path | None = None, name: str | None = None
) -> Scene:
    """The scene with another height layer or reference laid on it (and a new id)."""
    if dsm is None and reference is None and name is None:
        return scene
    sources, options = list(scene.sources), [scene.id]
    fields: dict[str, Any] = {f: getattr(scene, f) for f in Scene.__dataclass_fields__ if f != "_lock"}
    if dsm is not None:
        fields["dsm"] = read_dsm(dsm, scene.shape[:2])
        path, part = split_spec(dsm)
        sources = [s for s in sources if s.role != "dsm"] + [source("dsm", path)]
        options.append(f"dsm:{part}")
    if reference is not None:
        fields["reference"], fields["reference_names"] = read_class_map(reference, scene.shape[:2])
        path, part = split_spec(reference)
        sources = [s for s in sources if s.role != "reference"] + [source("reference", path)]
        options.append(f"reference:{part}")
    if dsm is not None or reference is not None:
        fields["id"] = scene_id(sources, options)
    fields["sources"], fields["name"] = tuple(sources), name or scene.name
    return Scene(**fields)
