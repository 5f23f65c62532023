"""What strangers' files say twice, in words or in several files: told, or refused with what helps."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from hsi_studio.errors import FileProblem
from hsi_studio.io.label_import import read_labels
from hsi_studio.scene.open import open_scene
from hsi_studio.scene.rules.classes import of_values
from hsi_studio.scene.rules.wavelengths import from_band_names
from hsi_studio.types import ClassSchema
from tests.project.small import small_scene
from tests.scene import fake
from tests.scene.strangers import tiff


def test_a_second_mark_beside_the_first_is_told(tmp_path):
    cube = np.random.default_rng(0).random((12, 10, 8), np.float32)
    cube[:2], cube[2:, :2] = -9999, -999
    note = next(n for n in open_scene(fake.envi(tmp_path, cube)).notes if "“no data”" in n)
    assert "-999 fills 17 % of the pixels as well" in note
    cube[2:, :2] = 0.5
    assert not any("as well" in n for n in open_scene(fake.envi(tmp_path, cube)).notes)


@pytest.mark.parametrize("width", [9, 7], ids=["square", "oblong"])
def test_maps_beside_the_cube_lie_by_the_names_of_their_axes(tmp_path, width):
    """Of a square scene a class map (x, y) lay on it turned, and all accuracies were wrong."""
    gt = (np.arange(9 * width).reshape(9, width) % 4).astype("i1")
    with h5py.File(tmp_path / "a.nc", "w") as file:
        arrays = {
            "reflectance": (fake.cube(9, width, 8).transpose(2, 0, 1), ("band", "y", "x")),
            "gt": (gt.T, ("x", "y")),
            "dsm": (gt.T.astype("f4") + 100, ("x", "y")),
        }
        for name, (values, dims) in arrays.items():
            file[name] = values
            for axis, dim in enumerate(dims):
                file[name].dims[axis].label = dim
    scene = open_scene(tmp_path / "a.nc")
    assert np.array_equal(scene.reference, gt)
    assert np.array_equal(scene.dsm[:, :, 0], gt + 100)
    assert scene.id != open_scene(tmp_path / "a.nc", rules=7).id


@pytest.mark.parametrize("mark", [-1, 255])
def test_zeros_beside_a_mark_and_one_class_are_told(mark):
    found = of_values(Path("gt.tif"), np.array([[mark, 0.0, 1], [0, 1, 1]]), {})
    assert found.labels.tolist() == [[0, 0, 1], [0, 1, 1]]
    assert any("2 pixels of the class map are 0 and are taken as “not labelled”" in note for note in found.notes)


@pytest.mark.parametrize(
    "text", ["400, 410.5, 421, 431.5, 442, 452.5, 463, 473.5", "[400 410.5 421 431.5 442 452.5 463 473.5]"]
)
def test_wavelengths_as_one_text_in_an_attribute(tmp_path, text):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["cube"] = fake.cube(9, 7, 8)
        file["cube"].attrs["wavelength"] = text
    assert np.allclose(open_scene(tmp_path / "a.h5").bands.wavelength_nm, 400 + 10.5 * np.arange(8))
    assert open_scene(tmp_path / "a.h5", rules=7).bands.wavelength_nm is None


@pytest.mark.parametrize(
    ("names", "taken"),
    [(("wavelength", "wavelength_irradiance"), True), (("band_wav", "sun_wav"), True), (("one_wav", "two_wav"), False)],
)
def test_of_several_wavelengths_those_of_the_cubes_own_axis_count(tmp_path, names, taken):
    with h5py.File(tmp_path / "a.nc", "w") as file:
        file["cube"] = fake.cube(9, 7, 8)
        for name, first in zip(names, (400, 300), strict=True):
            file[name] = first + 10.0 * np.arange(8)
        if names[0] == "band_wav":
            file["band_wav"].make_scale()
            file["cube"].dims[2].attach_scale(file["band_wav"])
            for axis, name in enumerate("yx"):
                file["cube"].dims[axis].label = name
    scene = open_scene(tmp_path / "a.nc")
    if taken:
        assert np.allclose(scene.bands.wavelength_nm, 400 + 10 * np.arange(8))
    else:
        assert scene.bands.wavelength_nm is None
        assert "“one_wav”, “two_wav” could all be the wavelengths; none is used (say --wavelengths)." in scene.notes


@pytest.mark.parametrize("width", ["± 5.0 nm", "+/- 5.0 nm", "+-5 nm"])
def test_a_tolerance_in_a_band_name_is_no_wavelength(width):
    names = [f"{nm} nm {width}" for nm in (450, 460.5, 471)]
    assert from_band_names(names)[0] == pytest.approx([450, 460.5, 471])
    assert from_band_names([f"{nm} {width}" for nm in (450, 460.5, 471)])[0] == pytest.approx([450, 460.5, 471])


def test_a_folder_of_one_file_a_band_says_how_to_join_them(tmp_path):
    for k in range(1, 4):
        tiff(tmp_path / f"EO1H_B{k:03d}_L1T.TIF", fake.cube(9, 7, 1, "i2"))
    with pytest.raises(FileProblem, match=r"its 3 images are bands of one scene.*gdalbuildvrt -separate"):
        open_scene(tmp_path)
    tiff(tmp_path / "other.TIF", fake.cube(9, 7, 1, "i2"))
    with pytest.raises(FileProblem, match="4 images are in this folder"):
        open_scene(tmp_path)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"shapes": [], "imagePath": "a.png"}, "LabelMe file.*mask"),
        ({"annotations": [], "categories": [], "images": []}, "COCO file.*mask"),
        ({"geometryType": "esriGeometryPoint", "features": [{"attributes": {"class": "A"}}]}, "Esri JSON.*GeoJSON"),
    ],
)
def test_other_labels_in_json_are_called_by_their_name(tmp_path, document, said):
    (tmp_path / "l.json").write_text(json.dumps(document))
    with pytest.raises(FileProblem, match=said):
        read_labels(tmp_path / "l.json", small_scene(), ClassSchema())
