"""Public scenes by id: `indian_pines` and `demo` are there offline, the others are downloaded once.

`assets/datasets.json` holds the facts of the downloadable ones (files, checksums, classes, licence,
citation, label counts). Checksums are those published by the sources named there; where a label file has
none, its size and number of labelled pixels a class must fit.
"""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hsi_studio import settings
from hsi_studio.errors import BadRequest, CorruptFile, FileProblem
from hsi_studio.scene import indian_pines
from hsi_studio.scene.cube import ArrayCube
from hsi_studio.scene.download import Member, RemoteFile, extract, fetch, folder
from hsi_studio.scene.identity import scene_id, source
from hsi_studio.scene.public_facts import fits, public_facts
from hsi_studio.scene.survey import survey as make_survey
from hsi_studio.types import Bands, Progress, Scene

REPORT = Callable[[Progress], None]


@dataclass(frozen=True)
class CatalogEntry:
    """One scene of the catalogue, as the picker shows it."""

    id: str
    title: str
    sensor: str
    size: tuple[int, int, int]  # (H, W, B)
    classes: tuple[str, ...]
    licence: str
    citation: str
    urls: tuple[str, ...]
    sha256: tuple[str | None, ...]  # one a URL; None = none is published
    offline: bool  # can be opened without a connection now
    facts: dict[str, Any]  # the entry of datasets.json; {} for the built-in scenes


def catalog() -> list[CatalogEntry]:
    """Built-in scenes first, then the downloadable ones in the order of datasets.json."""
    from hsi_studio.scene.physics.layout import NAMES

    pines = CatalogEntry(
        "indian_pines",
        indian_pines.TITLE,
        "AVIRIS",
        (145, 145, 200),
        indian_pines.CLASS_NAMES,
        indian_pines.LICENCE,
        indian_pines.CITATION,
        ("https://pypi.org/project/tensorly/",),
        (None,),
        True,
        {},
    )
    demo = CatalogEntry(
        "demo",
        "Simulated town and fields, hyperspectral + LiDAR",
        "simulated",
        (200, 200, 120),
        tuple(NAMES.values()),
        "Apache-2.0",
        "HSI Studio, simulated from published leaf and canopy equations.",
        (),
        (),
        True,
        {},
    )
    return [pines, demo] + [_entry(name, facts) for name, facts in public_facts().items()]


def _entry(name: str, facts: dict[str, Any]) -> CatalogEntry:
    files = facts["files"]
    height, width, n_bands = facts["size"]
    return CatalogEntry(
        name,
        facts["title"],
        facts["sensor"],
        (height, width, n_bands),
        tuple(facts["classes"]),
        facts["licence"],
        facts["citation"],
        tuple(f["url"] for f in files),
        tuple(f.get("sha256") for f in files),
        all((folder(name) / f["name"]).exists() for f in files) or by_hand(name, facts) is not None,
        facts,
    )


def open_catalog(scene: str, progress: REPORT = lambda _: None) -> Scene:
    """A catalogue scene by id, downloading it first where needed.

    Raises BadRequest (unknown id), FileProblem (no connection: URL, checksum and folder are named), CorruptFile.
    """
    if scene == "indian_pines":
        return _indian_pines()
    if scene == "demo":
        from hsi_studio.scene.demo import demo_scene

        return demo_scene()
    if scene not in public_facts():
        ids = ", ".join(entry.id for entry in catalog())
        raise BadRequest(f"There is no catalogue scene {scene!r}. Choose one of: {ids}.")
    return _downloaded(scene, public_facts()[scene], progress)


def _indian_pines() -> Scene:
    """From the files of the `tensorly` wheel, found without importing it (that takes seconds)."""
    found = importlib.util.find_spec("tensorly")
    data = Path(found.origin).parent / "datasets" / "data" if found is not None and found.origin else Path("tensorly")
    cube_path, map_path = data / "Indian_pines_corrected.npy", data / "Indian_pines_gt.npy"
    for path in (cube_path, map_path):
        if not path.is_file():
            raise FileProblem(path, "the tensorly package is missing or incomplete", "Run: pip install tensorly")
    stored = np.load(cube_path, mmap_mode="r", allow_pickle=False)
    reference = np.load(map_path, allow_pickle=False).astype(np.int32)
    if stored.shape != (145, 145, 200) or reference.shape != (145, 145):
        raise CorruptFile(cube_path, f"it is {stored.shape}, expected (145, 145, 200)", "Run: pip install tensorly")
    sources = (source("cube", cube_path), source("reference", map_path))
    return Scene(
        id=scene_id(sources, ("indian_pines",)),
        name="indian_pines",
        title=indian_pines.TITLE,
        cube=ArrayCube(stored, scale=indian_pines.SCALE, offset=indian_pines.OFFSET),
        bands=Bands(200, indian_pines.wavelength_nm(), indian_pines.fwhm_nm()),
        survey_fn=make_survey,
        reference=reference,
        reference_names={k + 1: name for k, name in enumerate(indian_pines.CLASS_NAMES)},
        gsd_m=20.0,
        sources=sources,
        notes=(
            "Radiance = stored value / 500 − 2, in µW/(cm² nm sr), as Purdue documents the data.",
            "200 of AVIRIS' 220 bands: those in water vapour (104–108, 150–163) and band 220 are left out.",
            "Wavelengths are the flight's calibrated band centres (92AV3C.spc).",
        ),
        citation=indian_pines.CITATION,
        licence=indian_pines.LICENCE,
        value_unit="µW/(cm² nm sr)",
    )


def _downloaded(name: str, facts: dict[str, Any], progress: REPORT) -> Scene:
    from hsi_studio.scene.open import open_scene
    from hsi_studio.scene.room.access import direct

    target, parts = folder(name), facts
    there = by_hand(name, facts)
    if there is not None:
        target, parts = there, facts["instead"]
    else:
        _fetch_all(name, facts, progress)
    spec = {key: str(target / parts[key]) for key in ("dsm", "reference") if parts.get(key)}
    cube_name, _, variable = parts["cube"].partition(":")
    checked = there is None and all(f.get("sha256") for f in facts["files"])
    with direct() if checked else contextlib.nullcontext():
        scene = open_scene(target / cube_name, variable=variable or None, name=name, **spec)
    _verify(target / cube_name, scene, facts)
    return _with_facts(scene, facts)


def by_hand(name: str, facts: dict[str, Any]) -> Path | None:
    """The folder that holds the makers' own files of a scene (`instead`), fetched by hand: ours, or the mirror's."""
    wanted = [spec.partition(":")[0] for spec in facts.get("instead", {}).values()]
    mirror = settings.MIRROR.text().strip()
    places = [folder(name)]
    if mirror and not mirror.lower().startswith(("http://", "https://")):
        places.append(Path(mirror).expanduser() / name)
    return next((place for place in places if wanted and all((place / file).is_file() for file in wanted)), None)


def _fetch_all(name: str, facts: dict[str, Any], progress: REPORT) -> None:
    target = folder(name)
    for entry in facts["files"]:
        remote = RemoteFile(entry["name"], entry["url"], entry.get("sha256"))
        try:
            archive = fetch(remote, target, progress, facts["licence"])
        except FileProblem as error:
            if not facts.get("instead"):
                raise
            files = " and ".join(spec.partition(":")[0] for spec in facts["instead"].values())
            other = f"{error.remedy}; or take {files} from {facts['homepage']} and put them into {target}"
            raise type(error)(error.path, error.problem, other) from error
        for member in entry.get("members", []):
            extract(archive, Member(remote.name, member["ending"], member.get("sha256")), target)


def _verify(path: Path, scene: Scene, facts: dict[str, Any]) -> None:
    """Size and label counts must be the published ones."""
    if list(scene.shape) != facts["size"]:
        raise CorruptFile(
            path, f"it is {scene.shape}, expected {tuple(facts['size'])}", f"Delete {path} and open the scene again"
        )
    if scene.reference is not None and facts.get("labelled") and not fits(scene.reference, facts):
        raise CorruptFile(
            scene.sources[-1].path,
            f"it has {int((scene.reference > 0).sum())} labelled pixels of {len(np.unique(scene.reference)) - 1} "
            f"classes, expected {facts['labelled']} of {len(facts['classes'])}",
            "Delete it and open the scene again",
        )
    if scene.reference is not None and facts.get("counts"):
        values = facts.get("values") or list(range(1, len(facts["counts"]) + 1))
        most = max(values) + 1
        pixels = np.bincount(scene.reference.ravel(), minlength=most).tolist()
        others = [n for value, n in enumerate(pixels) if value and value not in values and n]
        found = [pixels[value] for value in values] + others
        if found != facts["counts"]:
            raise CorruptFile(
                path.with_name(facts["reference"].partition(":")[0]),
                f"its labelled pixels a class are {found}, expected {facts['counts']}",
                "Delete it and open the scene again",
            )


def _with_facts(scene: Scene, facts: dict[str, Any]) -> Scene:
    """Title, names, wavelengths and terms that the files themselves do not carry."""
    fields: dict[str, Any] = {f: getattr(scene, f) for f in Scene.__dataclass_fields__ if f != "_lock"}
    fields |= {"title": facts["title"], "citation": facts["citation"], "licence": facts["licence"]}
    fields["plan"] = {}  # a catalogue scene is known
    fields["gsd_m"] = scene.gsd_m or facts.get("gsd_m")
    fields["notes"] = scene.notes + tuple(facts.get("notes", ()))
    if scene.reference is not None:
        fields["reference_names"] = dict(
            zip(facts.get("values") or range(1, len(facts["classes"]) + 1), facts["classes"], strict=True)
        )
    count = scene.shape[2]
    if scene.bands.wavelength_nm is None and facts.get("wavelength_nm"):
        listed = np.asarray(facts["wavelength_nm"], dtype=np.float32)
        fields["bands"] = Bands(count, listed, None, scene.bands.usable)
        fields["notes"] += (f"Wavelengths are the published band centres ({facts['source']}); the files carry none.",)
    elif scene.bands.wavelength_nm is None and facts.get("wavelength_nm_evenly"):
        first, last = facts["wavelength_nm_evenly"]
        spread = np.linspace(first, last, count).astype(np.float32)
        fields["bands"] = Bands(count, spread, None, scene.bands.usable)
        fields["notes"] += (f"Wavelengths are spread evenly over {first:g}–{last:g} nm; the files carry none.",)
    return Scene(**fields)
