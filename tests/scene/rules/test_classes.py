"""What the numbers of a class raster mean."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat
from scipy.sparse import csc_matrix

from hsi_studio import Studio
from hsi_studio.errors import BadValues
from hsi_studio.scene.labelmap import read_classes
from hsi_studio.scene.open import open_scene
from hsi_studio.scene.rules.classes import of_values
from tests.scene import fake

FILE = Path("gt.tif")


def labelled(values, names=None, declared=False):
    return of_values(FILE, np.asarray(values, dtype=float), names or {}, declared)


@pytest.mark.parametrize("mark", [255, 65535, 32767, 9999])
def test_the_largest_number_of_a_type_is_not_labelled(mark):
    found = labelled([[1, 2, mark], [mark, mark, 1]])
    assert found.labels.tolist() == [[1, 2, 0], [0, 0, 1]]
    assert list(found.names) == [1, 2]
    assert str(mark) in found.notes[0]


def test_a_class_of_that_number_stays_when_it_is_named_or_close_to_the_others():
    assert labelled([[1, 255]], {255: "Water"}).labels.tolist() == [[1, 255]]
    assert labelled([list(range(200, 256))]).labels.max() == 255


@pytest.mark.parametrize("mark", [-1, 255])
def test_classes_counted_from_0_keep_their_first(mark):
    found = labelled([[0, 1, 2], [mark, mark, 0]])
    assert found.labels.tolist() == [[3, 1, 2], [0, 0, 3]]
    assert found.names == {1: "Class 1", 2: "Class 2", 3: "Class 0"}
    assert "from 0" in found.notes[-1]


def test_0_stays_unlabelled_where_something_else_says_so():
    assert labelled([[0, 1, 2], [-1, -1, 0]], {0: "Unclassified"}).labels.tolist() == [[0, 1, 2], [0, 0, 0]]
    assert labelled([[0, 1, 2], [255, 255, 0]], declared=True).labels[0, 0] == 0
    assert labelled([[0, 1, 2], [-9999, np.nan, 0]]).labels.tolist() == [[0, 1, 2], [0, 0, 0]]


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([[0.5]], "whole numbers"),
        ([[0, 0]], "no labelled"),
        ([[np.nan]], "no data"),
        ([range(1, 1500)], "1499 different"),
    ],
)
def test_what_is_no_class_map(values, text):
    with pytest.raises(BadValues, match=text):
        labelled(values)


@pytest.mark.parametrize("dtype", ["u1", "i8", "u8", ">i4", "f4", "bool"])
def test_every_number_type_and_order(tmp_path, dtype):
    gt = (np.arange(30).reshape(6, 5) % (2 if dtype == "bool" else 4)).astype(dtype)
    np.save(tmp_path / "gt.npy", np.asfortranarray(gt))
    assert np.array_equal(read_classes(tmp_path / "gt.npy", (6, 5)).labels, gt.astype(int))


def test_one_layer_a_class_and_painted_maps(tmp_path):
    gt = np.arange(30).reshape(6, 5) % 4
    np.save(tmp_path / "hot.npy", np.stack([gt == k for k in (1, 2, 3)], axis=2))
    assert np.array_equal(read_classes(tmp_path / "hot.npy", (6, 5)).labels, gt)
    colours = np.array([[0, 0, 0], [0, 0, 255], [0, 255, 0], [255, 0, 0]], "u1")
    np.save(tmp_path / "painted.npy", colours[gt])
    found = read_classes(tmp_path / "painted.npy", (6, 5))
    assert np.array_equal(found.labels, gt)
    assert found.colors == {1: "#0000ff", 2: "#00ff00", 3: "#ff0000"}


def test_sparse_cell_and_text_matrices_of_matlab(tmp_path):
    gt = np.arange(30).reshape(6, 5) % 4
    savemat(tmp_path / "sparse.mat", {"gt": csc_matrix(gt.astype(float))})
    assert np.array_equal(read_classes(tmp_path / "sparse.mat", (6, 5)).labels, gt)
    names = np.array(["Wald  ", "Wasser", "Acker "])
    cube = {"cube": fake.cube(), "gt": np.where(gt == 0, np.nan, gt), "class_names": names}
    savemat(tmp_path / "all.mat", cube | {"wavelengths": np.array([f"{nm} nm" for nm in range(400, 800, 50)])})
    scene = open_scene(tmp_path / "all.mat")
    assert np.array_equal(scene.reference, gt)
    assert list(scene.reference_names.values()) == ["Wald", "Wasser", "Acker"]
    assert scene.bands.wavelength_nm == pytest.approx(range(400, 800, 50))


def test_a_palette_colours_the_classes_of_a_new_project(tmp_path):
    np.save(tmp_path / "scene.npy", fake.cube())
    gt = np.arange(30).reshape(6, 5)[:, :, None] % 3
    header = {"file type": "ENVI Classification", "class names": "{none, A, B}"}
    header |= {"class lookup": "{0,0,0, 0,0,255, 0,255,0}", "classes": 3}
    path = fake.envi(tmp_path, gt.astype("u1"), name="gt", header=header)
    studio = Studio(home=tmp_path / "home", data_root=tmp_path)
    project = studio.new_project(str(tmp_path / "scene.npy"), reference=str(path))
    assert [info.color for info in project.schema.classes] == ["#0000ff", "#00ff00"]
    studio.close()
