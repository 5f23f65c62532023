"""Opening: a path → an immutable, lazy `Scene`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hsi_studio.edges import reading
from hsi_studio.errors import UnknownFormat
from hsi_studio.humanize import shape_text
from hsi_studio.scene.formats.limits import check_size
from hsi_studio.scene.identity import scene_id, source
from hsi_studio.scene.labelmap import complete_names, read_class_map, read_dsm, split_spec
from hsi_studio.scene.raster import Raster
from hsi_studio.scene.room.access import find_reader
from hsi_studio.scene.survey import survey as make_survey
from hsi_studio.types import Scene


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
    with reading(path):
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
    check_size(path, raster.cube.shape)
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
