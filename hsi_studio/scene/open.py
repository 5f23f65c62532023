"""Opening: a path → an immutable, lazy `Scene`."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hsi_studio.edges import reading
from hsi_studio.errors import UnknownFormat
from hsi_studio.humanize import shape_text
from hsi_studio.scene.formats.limits import check_size
from hsi_studio.scene.identity import scene_id, source
from hsi_studio.scene.labelmap import read_classes, read_heights, split_spec
from hsi_studio.scene.plan import RULES, AskAboutFile, Fact, Reading, ReadingPlan, Remark, with_another_reference
from hsi_studio.scene.public_facts import known_reference
from hsi_studio.scene.raster import Raster
from hsi_studio.scene.reading import read_file
from hsi_studio.scene.rules.alignment import Grid
from hsi_studio.scene.rules.classes import complete_names
from hsi_studio.scene.rules.data_file import neighbours
from hsi_studio.scene.rules.roles import data_in_folder, roles_of
from hsi_studio.scene.survey import survey as make_survey
from hsi_studio.types import IntArray, Scene


def open_scene(
    path: str | Path,
    *,
    variable: str | None = None,
    dsm: str | Path | None = None,
    reference: str | Path | None = None,
    name: str | None = None,
    **given: Any,
) -> Scene:
    """Open a hyperspectral file (or the folder of a product), with an optional height layer and reference laid on it.

    `variable`: which array of a container (.mat, .npz, HDF5). `dsm`, `reference`: "FILE" or
    "FILE:variable"; they replace what the file itself brings. `given`: what is said about the file instead of found
    in it, by the names of `plan.Reading`: axes="bands,rows,cols", nodata=-9999, wavelengths=…, unit="um", scale=0.0001,
    mask=FILE, crs="EPSG:32633". Raises AskAboutFile for a guess that would change pixels, FileProblem and its kinds.
    """
    folder = Path(path).expanduser()
    path = data_in_folder(folder)
    said = Reading.of(given)
    with reading(path):
        found = read_file(path, variable, said)
        if found.plan.asked and said.rules > 1:
            raise AskAboutFile(path, found.plan)
        raster = found.raster
        if folder.is_dir():
            raster = replace(raster, notes=(*raster.notes, *_beside(path, dsm, reference, said.mask)))
        return scene_from_raster(
            path,
            raster,
            variable=variable,
            dsm=dsm,
            reference=reference,
            name=name,
            plan=found.plan,
            rules=said.rules,
        )


def _beside(cube: Path, dsm: object, reference: object, mask: object) -> tuple[str, ...]:
    """A note on what else lies in the folder that was named and is not used."""
    there = roles_of([cube, *neighbours(cube)], cube)
    roles = (("--dsm", there.dsm, dsm), ("--reference", there.reference, reference), ("--mask", there.mask, mask))
    found = [f"{option} {file.name}" for option, file, given in roles if file is not None and given is None]
    return (f"In the folder lie also layers that are not used: {', '.join(found)}.",) if found else ()


def scene_from_raster(
    path: Path,
    raster: Raster,
    *,
    variable: str | None = None,
    dsm: str | Path | None = None,
    reference: str | Path | None = None,
    name: str | None = None,
    plan: ReadingPlan | None = None,
    rules: int = RULES,
    **facts: Any,
) -> Scene:
    """A Scene from an opened raster; `facts` replace fields (title, citation, licence, bands …). `rules`: by which
    layers are laid on it, as in `plan.RULES`."""
    height, width, n_bands = raster.cube.shape
    if n_bands < 2:
        if any("only the first is read" in note for note in raster.notes):
            raise UnknownFormat(
                path,
                f"its first page holds one band ({shape_text((height, width))} pixels), and there are other pages",
                f"Save the page with the image as a file of its own: gdal_translate GTIFF_DIR:2:{path.name} OUT.tif",
            )
        raise UnknownFormat(
            path,
            f"it holds one band ({shape_text((height, width))} pixels); a scene needs at least two",
            "Open the hyperspectral file and give this one as --dsm or --reference",
        )
    check_size(path, raster.cube.shape)
    sources = [source("cube", file) for file in raster.files or (path,)]
    grid = Grid((height, width), raster.transform, raster.crs, rules)
    layers, labels, names, colors = raster.dsm, raster.reference, dict(raster.class_names), dict(raster.class_colors)
    options: list[str | None] = [variable, *raster.differs]
    roles, notes, given = {"cube": path.name}, raster.notes, ""
    if dsm is not None:
        layers, more = read_heights(dsm, grid, beside=path)
        file, part = split_spec(dsm, path)
        sources.append(source("dsm", file))
        options.append(f"dsm:{part}{_moved(more, layers, rules)}")
        roles["dsm"], notes = file.name, notes + more
    if reference is not None:
        found = read_classes(reference, grid, beside=path)
        labels, names, colors = found.labels, found.names, found.colors
        file, part = split_spec(reference, path)
        sources.append(source("reference", file))
        options.append(f"reference:{part}{_moved(found.notes, labels, rules)}")
        roles["reference"], notes = file.name, with_another_reference(notes, plan) + found.notes
        given = part or file.name
    elif labels is not None:
        names = complete_names(names, np.unique(labels[labels > 0]).tolist())
    if labels is None:
        names, colors = {}, {}
    names, known = _of_known_scene(labels, names)
    notes += known
    short = name or _short_name(path)
    told = dict(plan.facts) if plan is not None else {}
    if given and "reference" in told:
        told["reference"] = replace(told["reference"], value=given, sure="certain", reason="You say so.")
    told["roles"] = Fact(roles, "certain", "As you name them.")
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
        "reference_colors": colors,
        "transform": raster.transform,
        "crs": raster.crs,
        "gsd_m": raster.gsd_m,
        "sources": tuple(sources),
        "notes": notes,
        "value_unit": raster.value_unit,
        "plan": ReadingPlan(told).to_json(),
    }
    return Scene(**(values | facts))


def _of_known_scene(labels: IntArray | None, names: dict[int, str]) -> tuple[dict[int, str], tuple[str, ...]]:
    """The class names of a public scene for a reference without names that has exactly its labelled pixels; (names,
    notes)."""
    if labels is None or any(name != f"Class {value}" for value, name in names.items()):
        return names, ()
    found = known_reference(labels)
    if found is None:
        return names, ()
    title, listed = found
    note = f"The reference has exactly the labelled pixels of {title}, class by class: its class names are taken."
    return dict(enumerate(listed, start=1)), (note,)


def _moved(notes: tuple[str, ...], laid: npt.NDArray[Any] | None = None, rules: int = RULES) -> str:
    """What marks a layer that is laid on otherwise than pixel by pixel in the scene's id; "" as before for the rest.
    The same words may be said of another place, that of a world file which was corrected: its pixels count."""
    told = "".join(f";{note}" for note in notes if not isinstance(note, Remark))
    if not told or laid is None or rules < 9:
        return told
    return f"{told};{hashlib.sha256(np.ascontiguousarray(laid).tobytes()).hexdigest()}"


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
    grid = Grid(scene.shape[:2], scene.transform, scene.crs)
    if dsm is not None:
        fields["dsm"], notes = read_heights(dsm, grid)
        path, part = split_spec(dsm)
        sources = [s for s in sources if s.role != "dsm"] + [source("dsm", path)]
        options.append(f"dsm:{part}{_moved(notes)}")
        fields["notes"] += notes
    if reference is not None:
        found = read_classes(reference, grid)
        fields["reference"] = found.labels
        fields["reference_names"], known = _of_known_scene(found.labels, found.names)
        fields["notes"] += known
        fields["reference_colors"] = found.colors
        path, part = split_spec(reference)
        sources = [s for s in sources if s.role != "reference"] + [source("reference", path)]
        options.append(f"reference:{part}{_moved(found.notes)}")
        fields["notes"] += found.notes
    if dsm is not None or reference is not None:
        fields["id"] = scene_id(sources, options)
    fields["sources"], fields["name"] = tuple(sources), name or scene.name
    return Scene(**fields)
