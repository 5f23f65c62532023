"""Class maps and height layers from every format, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.io import savemat

from hsi_studio.errors import BadValues, CorruptFile, FileProblem, SizeMismatch
from hsi_studio.scene import read_class_map, read_dsm
from hsi_studio.scene.labelmap import split_spec
from hsi_studio.scene.open import open_scene
from tests.scene import fake
from tests.scene.formats.test_geotiff import geotiff

MAP = np.array([[0, 1, 1, 2, 0], [3, 3, 0, 0, 1]])


def written(folder, kind: str) -> str:
    """MAP in a file of this kind; returns its spec."""
    if kind == "npy":
        np.save(folder / "m.npy", MAP)
    elif kind == "npz":
        np.savez(folder / "m.npz", gt=MAP, other=np.zeros((3, 3)))
    elif kind == "mat":
        savemat(folder / "m.mat", {"gt": MAP.astype(float)})
    elif kind == "tif":
        geotiff(folder / "m.tif", MAP.astype("u1")[:, :, None], nodata=0).close()
    elif kind == "img":
        fake.envi(folder, MAP.astype("u1")[:, :, None], name="m", header={"file type": "ENVI Classification"})
    return str(folder / f"m.{kind}")


@pytest.mark.parametrize("kind", ["npy", "npz", "mat", "tif", "img"])
def test_same_map_from_every_format(tmp_path, kind):
    labels, names = read_class_map(written(tmp_path, kind), (2, 5))
    assert labels.dtype == np.int32
    assert np.array_equal(labels, MAP)
    assert names == {1: "Class 1", 2: "Class 2", 3: "Class 3"}


@pytest.mark.parametrize("kind", ["npy", "npz", "mat", "tif", "img"])
def test_other_size_names_both_sizes_and_the_remedy(tmp_path, kind):
    with pytest.raises(SizeMismatch) as caught:
        read_class_map(written(tmp_path, kind), (145, 145))
    for text in ("2 × 5", "145 × 145", "resample", "m."):
        assert text in str(caught.value)


def test_exchanged_rows_and_columns_are_suspected(tmp_path):
    with pytest.raises(SizeMismatch, match="exchanged"):
        read_class_map(written(tmp_path, "npy"), (5, 2))


def test_negative_nan_and_nodata_become_unlabelled(tmp_path):
    np.save(tmp_path / "a.npy", np.array([[-1.0, np.nan], [2.0, 0.0]]))
    assert read_class_map(tmp_path / "a.npy", (2, 2))[0].tolist() == [[0, 0], [2, 0]]
    values = np.array([[255, 1], [2, 255]], dtype="u1")[:, :, None]
    geotiff(tmp_path / "a.tif", values, nodata=255).close()
    assert read_class_map(tmp_path / "a.tif", (2, 2))[0].tolist() == [[0, 1], [2, 0]]


def test_envi_class_names_keep_their_values(tmp_path):
    fields = {
        "file type": "ENVI Classification",
        "classes": 4,
        "class names": "{Unclassified, Meadow, Roof (flat, red), Road}",
        "class lookup": "{0,0,0, 0,255,0, 255,0,0, 90,90,90}",
    }
    path = fake.envi(tmp_path, MAP.astype("u1")[:, :, None], name="c", header=fields)
    assert read_class_map(path, (2, 5))[1] == {1: "Meadow", 2: "Roof (flat, red)", 3: "Road"}


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (np.full((2, 2), 0.5), "whole numbers"),
        (np.zeros((2, 2)), "no labelled pixel"),
        (np.full((2, 2), np.nan), "no data"),
        (np.arange(1, 2501).reshape(50, 50), "2500 different"),
        (np.ones((2, 2, 3)), "3"),
    ],
)
def test_arrays_that_are_no_class_map(tmp_path, values, text):
    np.save(tmp_path / "a.npy", values)
    with pytest.raises(BadValues, match=text):
        read_class_map(tmp_path / "a.npy", values.shape[:2])


def test_specs(tmp_path):
    np.save(tmp_path / "a.npy", MAP)
    assert split_spec(tmp_path / "a.npy") == (tmp_path / "a.npy", None)
    assert split_spec(f"{tmp_path / 'a.npy'}:gt") == (tmp_path / "a.npy", "gt")
    assert split_spec("a.npy:gt", beside=tmp_path / "scene.npz") == (tmp_path / "a.npy", "gt")
    with pytest.raises(FileProblem, match="no such file"):
        split_spec("C:\\data\\gone.mat")
    with pytest.raises(FileProblem, match="gone"):
        split_spec(f"{tmp_path / 'gone.mat'}:gt")
    np.save(tmp_path / "odd:name.npy", MAP)
    assert split_spec(tmp_path / "odd:name.npy")[1] is None


def test_reference_names_the_scene_files_own_key(tmp_path, monkeypatch):
    cube, marked = fake.cube(2, 5, 4), MAP
    np.savez(tmp_path / "scene.npz", cube=cube, train=marked, test=np.ones_like(marked))
    monkeypatch.chdir(tmp_path)
    scene = open_scene("scene.npz", reference="scene.npz:train")
    assert np.array_equal(scene.reference, marked)
    assert scene.sources[-1].role == "reference"
    assert scene.id != open_scene("scene.npz").id != open_scene("scene.npz", reference="scene.npz:test").id


@pytest.mark.parametrize("kind", ["npy", "mat", "tif", "img"])
def test_height_layers(tmp_path, kind):
    heights = np.arange(10, dtype="f4").reshape(2, 5)
    heights[1, 1] = -9999
    path = tmp_path / f"d.{kind}"
    if kind == "npy":
        np.save(path, np.where(heights == -9999, np.nan, heights))
    elif kind == "mat":
        savemat(path, {"dsm": np.where(heights == -9999, np.nan, heights)})
    elif kind == "tif":
        geotiff(path, heights[:, :, None], nodata=-9999).close()
    else:
        fake.envi(tmp_path, heights[:, :, None], name="d", extra="data ignore value = -9999")
    dsm = read_dsm(path, (2, 5))
    assert dsm.shape == (2, 5, 1)
    assert dsm.dtype == np.float32
    assert np.isnan(dsm[1, 1, 0])
    assert np.nanmax(dsm) == 9
    with pytest.raises(SizeMismatch, match="height layer"):
        read_dsm(path, (20, 5))


def test_huge_height_layer_is_refused_by_size_before_reading(tmp_path):
    path = fake.envi(tmp_path, np.zeros((2, 2, 1), dtype="f4"), name="d", header={"samples": 10**5, "lines": 10**5})
    with fake.little_memory(), pytest.raises(CorruptFile):
        read_dsm(path, (2, 2))
