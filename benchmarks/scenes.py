"""Scenes of the benchmarks: catalogue ids, files, packed scenes, and those that are made from a folder of public data.

    indian_pines, demo, …       the catalogue; Indian Pines with the split `disjoint` where the data folder has it
    idtrees                     <data>/idtrees2020: real plots with LiDAR (`idtrees.py`), split `plots`
    trento_simulated            "simulated Trento": our generator on the real label map and heights of <data>/trento
    samson, enmap_potsdam, …    made from <data> (`public_scenes.py`)
    FILE.npz                    a packed scene (`pack`), or any file the program opens

<data> is $HSI_STUDIO_TEST_DATA or given. A packed scene holds the cube as stored, with its scale, and everything else a
`Scene` has, its id included: results, caches and draws are those of the original. No other file is needed to read it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.public_scenes import public_names, public_scene
from hsi_studio import settings
from hsi_studio.engine.sweep.cells import SweepScene
from hsi_studio.errors import BadRequest, FileProblem
from hsi_studio.scene import read_class_map, read_dsm
from hsi_studio.scene.cube import ArrayCube
from hsi_studio.scene.resolve import resolve
from hsi_studio.scene.survey import survey
from hsi_studio.types import Bands, Scene, Source

DISJOINT = "groundtruth_only/indianpines_disjoint_dset.mat"
BATTERY: dict[str, tuple[str, str]] = {
    # scene → its role and why it is here. Methods are developed on "development" scenes; a "check" scene is looked at
    # once per change of a method, and LOOKS.md says when and what came of it.
    "indian_pines": ("development", "fields, a noisy sensor, 16 classes"),
    "demo": ("development", "simulated, with heights"),
    "trento_simulated": ("development", "simulated spectra on a real layout and LiDAR"),
    "samson": ("development", "three materials, one step of the sensor's noise"),
    "salinas_a": ("check", "fields, 6 classes"),
    "salinas_pca3": ("check", "three components, no spectra; superpixels"),
    "enmap_potsdam": ("check", "a city at 30 m, mixed pixels"),
    "berlin_enmap": ("check", "a city at 30 m, simulated sensor, 320 labels"),
    "berlin_hymap": ("check", "a city at 9 m"),
    "idtrees": ("check", "tree crowns at 1 m, 85 plots, with heights"),
    "houston_pixels": ("check", "pixels without an image: spectra alone"),
    "pavia_u_simulated": ("check", "simulated spectra on a real layout"),
    "salinas_simulated": ("check", "simulated spectra on a real layout"),
    "ksc_simulated": ("check", "simulated spectra on a real layout"),
    "botswana_simulated": ("check", "simulated spectra on a real layout"),
}
TRENTO_MATERIALS = {1: "apple trees", 2: "roofs", 3: "ground", 4: "mixed woods", 5: "vineyard", 6: "asphalt"}
TRENTO_CLASSES = {1: "Apple Trees", 2: "Building", 3: "Ground", 4: "Woods", 5: "Vineyard", 6: "Roads"}


def data_folder(given: str | Path | None = None) -> Path | None:
    """The folder of public data: given, else $HSI_STUDIO_TEST_DATA, else None."""
    found = given or settings.TEST_DATA.text()
    return Path(found) if found else None


def open_for_sweep(spec: str, data: str | None = None) -> SweepScene:
    """Any of the kinds above. Raises BadRequest, FileProblem."""
    folder = data_folder(data)
    if Path(spec).suffix == ".npz" and is_packed(Path(spec)):
        return load_packed(Path(spec))
    if spec in ("idtrees", "trento_simulated", *public_names()):
        if folder is None:
            raise BadRequest(
                f"{spec} is made from public data: give their folder with --data or $HSI_STUDIO_TEST_DATA."
            )
        if spec == "trento_simulated":
            return simulated_trento(folder / "trento")
        if spec in public_names():
            return public_scene(spec, folder)
        from benchmarks.idtrees import idtrees_scene

        return idtrees_scene(folder / "idtrees2020")
    scene = resolve(spec)
    if spec == "indian_pines" and folder is not None and (folder / DISJOINT).is_file():
        return SweepScene(scene, {"disjoint": train_test(scene, folder / DISJOINT)})
    return SweepScene(scene)


def train_test(scene: Scene, train_map: Path) -> np.ndarray[Any, Any]:
    """(H, W) 1 where a map of training pixels is not 0, 2 at the reference's other labelled pixels."""
    train, _ = read_class_map(train_map, scene.shape[:2])
    assert scene.reference is not None
    return np.where(train > 0, 1, np.where(scene.reference > 0, 2, 0)).astype(np.int32)


def simulated_trento(folder: Path) -> SweepScene:
    """Our generator's spectra (63 bands, 402.89–989.09 nm, seed 0) on Trento's real label map and heights."""
    from hsi_studio.scene.physics.simulate import simulate

    if not (folder / "allgrd.mat").is_file():
        raise FileProblem(
            folder / "allgrd.mat", "there is no label map", "Give a folder with trento/allgrd.mat, Italy_lidar.mat"
        )
    raster, _ = read_class_map(folder / "allgrd.mat", None)
    dsm = read_dsm(folder / "Italy_lidar.mat", raster.shape)
    made = simulate(
        raster,
        dsm,
        materials=TRENTO_MATERIALS,
        class_names=TRENTO_CLASSES,
        wavelength_nm=np.linspace(402.89, 989.09, 63),
        seed=0,
        name="trento_simulated",
        title="Simulated Trento: simulated spectra on the real label map and LiDAR",
    )
    return SweepScene(made.scene)


def pack(held: SweepScene, file: Path) -> Path:
    """Write a packed scene (compressed .npz, no pickle)."""
    scene = held.scene
    if not isinstance(scene.cube, ArrayCube):
        raise BadRequest(f"{scene.name} is not held as one array and cannot be packed.")
    values, scale, offset, nodata = scene.cube.stored
    arrays: dict[str, Any] = {"cube": np.ascontiguousarray(values), "scale": scale, "offset": offset}
    for name, array in (("dsm", scene.dsm), ("reference", scene.reference), ("usable", scene.bands.usable)):
        if array is not None:
            arrays[name] = array
    for name, array in (("wavelength_nm", scene.bands.wavelength_nm), ("fwhm_nm", scene.bands.fwhm_nm)):
        if array is not None:
            arrays[name] = array
    arrays |= {f"mask_{name}": mask.astype(np.uint8) for name, mask in held.masks.items()}
    facts = {
        "id": scene.id, "name": scene.name, "title": scene.title, "nodata": nodata, "gsd_m": scene.gsd_m,
        "reference_names": [[value, name] for value, name in scene.reference_classes], "notes": list(scene.notes),
        "citation": scene.citation, "licence": scene.licence, "value_unit": scene.value_unit,
    }  # fmt: skip
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(file, packed=np.array(json.dumps(facts, ensure_ascii=False)), **arrays)
    return file


def is_packed(file: Path) -> bool:
    if not file.is_file():
        return False
    with np.load(file, allow_pickle=False) as stored:
        return "packed" in stored.files


def load_packed(file: Path) -> SweepScene:
    """What `pack` wrote, with the id of the original."""
    with np.load(file, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    facts = json.loads(str(arrays["packed"]))
    cube = ArrayCube(arrays["cube"], scale=arrays["scale"], offset=arrays["offset"], nodata=facts["nodata"])
    count = cube.shape[2]
    bands = Bands(count, arrays.get("wavelength_nm"), arrays.get("fwhm_nm"), arrays.get("usable"))
    scene = Scene(
        id=facts["id"],
        name=facts["name"],
        title=facts["title"],
        cube=cube,
        bands=bands,
        survey_fn=survey,
        dsm=arrays.get("dsm"),
        reference=arrays.get("reference"),
        reference_names={int(value): name for value, name in facts["reference_names"]},
        gsd_m=facts["gsd_m"],
        sources=(Source("cube", str(file)),),
        notes=tuple(facts["notes"]),
        citation=facts["citation"],
        licence=facts["licence"],
        value_unit=facts["value_unit"],
    )
    return SweepScene(scene, {name[5:]: a.astype(np.int32) for name, a in arrays.items() if name.startswith("mask_")})
