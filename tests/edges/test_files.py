"""Every reader and importer answers hostile files with a scene or a typed error that names the file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from hsi_studio.errors import StudioError
from hsi_studio.scene.formats.registry import list_variables, readers
from hsi_studio.scene.open import open_scene
from tests.edges.hostile import nothing_unforeseen
from tests.scene import fake

ENDINGS = sorted({ending for reader in readers().entries.values() for ending in reader.extensions})


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("content", [b"", b"\x00" * 600, b"\xff\xfe{" * 90, b"ENVI\n" + b"x = {" * 90, b"[" * 9000])
def test_rubbish_by_any_name_is_refused_by_name(ending: str, content: bytes, tmp_path: Path) -> None:
    file = tmp_path / f"rubbish{ending}"
    file.write_bytes(content)
    for act in (open_scene, list_variables):
        with nothing_unforeseen(), pytest.raises(StudioError, match="rubbish"):
            act(file)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_folder_in_place_of_a_file_is_refused_by_name(ending: str, tmp_path: Path) -> None:
    (tmp_path / f"folder{ending}").mkdir()
    with nothing_unforeseen(), pytest.raises(StudioError, match="folder"):
        open_scene(tmp_path / f"folder{ending}")


@pytest.mark.parametrize("name", ["", "..", "\x00", "a" * 5000, "~nobody-here/x.tif", "/proc/self/mem", "."])
def test_a_name_that_is_none_is_refused(name: str, studio: Any, file: Path) -> None:
    with nothing_unforeseen():
        for act in (
            studio.open,
            lambda text: studio.open(file, dsm=text),
            lambda text: studio.open(file, reference=text),
        ):
            with pytest.raises(StudioError):
                act(name or "\x00")
        if name not in ("", ".") and len(name) < 300:  # too long is told when it is opened
            with pytest.raises(StudioError):
                studio.confined(name)


def odd_attributes(file: h5py.File) -> None:
    made = file.create_dataset("cube", data=fake.cube(8, 7, 6))
    for key in ("wavelength", "wavelengths", "units", "scale_factor", "_FillValue", "crs_wkt", "grid_mapping"):
        made.attrs[key] = np.array([b"\xff", b"x"])
        file.attrs[key] = h5py.Empty("f4")


def no_cube(file: h5py.File) -> None:
    file["a/b"] = "words"


ODD_HDF: dict[str, Callable[[h5py.File], None]] = {
    "attributes of other types": odd_attributes,
    "no cube": no_cube,
    "empty": lambda file: None,
    "infinite wavelengths": lambda file: file.update(
        {"cube": fake.cube(8, 7, 6), "wavelength": np.full(6, np.inf)}
    ),
    "zero wavelengths": lambda file: file.update({"cube": fake.cube(8, 7, 6), "wavelength": np.zeros(6)}),
    "compound": lambda file: file.update({"cube": np.zeros((4, 4, 4), dtype=[("a", "f4"), ("b", "i2")])}),
}  # fmt: skip


def opened_or_told(file: Path) -> str:
    """The facts that the page shows, as JSON; or the sentence of the refusal."""
    from hsi_studio.engine.scene_info import scene_facts

    try:
        return json.dumps(scene_facts(open_scene(file)), allow_nan=False)
    except StudioError as error:
        return str(error)


@pytest.mark.parametrize("name", list(ODD_HDF))
def test_an_odd_hdf5_file_opens_or_is_refused_by_name(name: str, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "odd.h5", "w") as file:
        ODD_HDF[name](file)
    with nothing_unforeseen():
        told = opened_or_told(tmp_path / "odd.h5")
        assert "odd.h5" in told or json.loads(told)


POINT = '{"type":"Feature","properties":{"class":"a"},"geometry":{"type":"Point","coordinates":[%s]}}'


def collection(feature: str, more: str = "") -> bytes:
    return f'{{"type":"FeatureCollection",{more}"features":[{feature}]}}'.encode()


LABELS = {
    "empty.csv": b"",
    "header.csv": b"row,col,class\n",
    "nan.csv": b"row,col,class\nNaN,Infinity,a\n",
    "huge.csv": b"row,col,class\n" + b"9" * 400 + b",1e999,a\n",
    "latitude.csv": b"lon,lat,class\n500,100,a\n",
    "null.csv": b"row,col,class\n\x00,\x00,\x00\n",
    "deep.geojson": b"[" * 100_000,
    "no features.geojson": b"{}",
    "null.geojson": b"null",
    "not a list.geojson": b'{"type":"FeatureCollection","features":{"a":1}}',
    "latitude.geojson": collection(POINT % "100,100"),
    "crs.geojson": collection(POINT % "0,0", '"crs":{"type":"name","properties":{"name":"http://127.0.0.1:9/x"}},'),
    "words.txt": b"nothing of use",
    "binary.tif": b"II*\x00" + bytes(100),
}  # fmt: skip


@pytest.mark.parametrize("name", list(LABELS))
def test_hostile_labels_are_refused_by_name(name: str, studio: Any, project: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(LABELS[name])
    before = len(studio.project(project).labels())
    with nothing_unforeseen(), pytest.raises(StudioError) as refused:
        studio.import_labels(project, tmp_path / name)
    assert name.split(".")[0] in str(refused.value)
    assert len(studio.project(project).labels()) == before


def test_a_folder_of_labels_is_refused(studio: Any, project: str, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").mkdir()
    with nothing_unforeseen(), pytest.raises(StudioError, match="labels"):
        studio.import_labels(project, tmp_path / "labels.csv")
