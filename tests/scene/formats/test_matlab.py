"""MATLAB v5 and v7.3: the same array from both, companions, structs, damaged files."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from hsi_studio.errors import ChooseVariable, CorruptFile, StudioError
from hsi_studio.scene import read_class_map
from hsi_studio.scene.formats.registry import list_variables
from hsi_studio.scene.open import open_scene
from tests.scene import fake


def savemat73(path: Path, variables: dict[str, np.ndarray[Any, Any]]) -> None:
    """HDF5 as MATLAB writes it: a 512-byte user block, arrays with reversed axes."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, values in variables.items():
            data = file.create_dataset(
                name, data=values.T, chunks=values.ndim > 1 or None, compression="gzip" if values.ndim > 1 else None
            )
            data.attrs["MATLAB_class"] = np.bytes_({"f": "double", "i": "int16", "u": "uint8"}[values.dtype.kind])
    with path.open("r+b") as stream:
        stream.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\0\2IM")


SAVERS = {"v5": lambda p, v: savemat(p, v), "v5z": lambda p, v: savemat(p, v, do_compression=True), "v7.3": savemat73}


@pytest.fixture(params=list(SAVERS))
def save(request):
    return SAVERS[request.param]


@pytest.mark.parametrize("dtype", ["f8", "f4", "i2", "u1"])
def test_cube_reads_back(tmp_path, save, dtype):
    values = fake.cube(dtype=dtype)
    save(tmp_path / "a.mat", {"hsi": values})
    scene = open_scene(tmp_path / "a.mat")
    assert scene.shape == (6, 5, 8)
    assert np.array_equal(scene.read(slice(None), slice(None)), values.astype(np.float32))
    assert np.array_equal(
        scene.read(slice(2, 4), slice(1, 3), [6, 2]), values[2:4, 1:3][:, :, [6, 2]].astype(np.float32)
    )


def test_companions_in_the_same_file(tmp_path, save):
    gt = np.zeros((6, 5))
    gt[2:] = 3
    wave = np.linspace(0.4, 2.4, 8).reshape(-1, 1)
    save(tmp_path / "a.mat", {"data": fake.cube(), "lidar": np.ones((6, 5, 2)), "scene_gt": gt, "wavelengths": wave})
    scene = open_scene(tmp_path / "a.mat")
    assert scene.shape == (6, 5, 8)
    assert scene.dsm.shape == (6, 5, 2)
    assert scene.reference_names == {3: "Class 3"}
    assert scene.bands.wavelength_nm[[0, -1]] == pytest.approx([400, 2400])


def test_several_cubes_ask(tmp_path, save):
    save(tmp_path / "a.mat", {"one": fake.cube(seed=1), "two": fake.cube(seed=2)})
    with pytest.raises(ChooseVariable) as caught:
        open_scene(tmp_path / "a.mat")
    assert [name for name, _, _ in caught.value.candidates] == ["one", "two"]
    assert np.allclose(open_scene(tmp_path / "a.mat", variable="two").spectrum(0, 0), fake.cube(seed=2)[0, 0])
    with pytest.raises(ChooseVariable, match="no variable “three”"):
        open_scene(tmp_path / "a.mat", variable="three")


def test_label_maps(tmp_path, save):
    save(tmp_path / "a.mat", {"train": np.eye(6, 5), "test": 2 * np.eye(6, 5)})
    labels, _ = read_class_map(f"{tmp_path / 'a.mat'}:test", (6, 5))
    assert labels.max() == 2
    with pytest.raises(ChooseVariable, match="FILE:NAME"):
        read_class_map(tmp_path / "a.mat", (6, 5))


def test_struct_fields_and_cells(tmp_path):
    layer = np.empty((1, 2), dtype=object)
    layer[0, 0], layer[0, 1] = {"z": np.ones((6, 5, 2))}, {"z": np.zeros((6, 5, 2))}
    hsi = {
        "Data": fake.cube(),
        "Lidar": layer,
        "info": {"wavelength": np.linspace(400, 1100, 8)},
        "sceneLabels": {"labels": -np.eye(6, 5) + 1},
    }
    savemat(tmp_path / "m.mat", {"hsi": hsi})
    names = [name for name, _, _ in list_variables(tmp_path / "m.mat")]
    assert {"hsi.Data", "hsi.Lidar{1}.z", "hsi.Lidar{2}.z", "hsi.info.wavelength", "hsi.sceneLabels.labels"} <= set(
        names
    )
    path = tmp_path / "m.mat"
    scene = open_scene(
        path, variable="hsi.Data", dsm=f"{path}:hsi.Lidar{{1}}.z", reference=f"{path}:hsi.sceneLabels.labels"
    )
    assert scene.dsm.max() == 1
    assert scene.bands.wavelength_nm[0] == 400
    assert scene.reference.sum() == 25


def test_class_names_from_a_cell_of_text(tmp_path):
    names = np.array(["Roof", "Tree"], dtype=object)
    savemat(tmp_path / "a.mat", {"cube": fake.cube(), "gt": np.ones((6, 5)), "class_names": names})
    assert open_scene(tmp_path / "a.mat").reference_names == {1: "Roof", 2: "Tree"}


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 0.99])
def test_truncated(tmp_path, save, share):
    save(tmp_path / "a.mat", {"cube": fake.cube(30, 30, 8)})
    data = (tmp_path / "a.mat").read_bytes()
    (tmp_path / "a.mat").write_bytes(data[: int(len(data) * share)])
    with pytest.raises(CorruptFile, match=r"a\.mat"):
        open_scene(tmp_path / "a.mat")


def test_empty_and_text_files_named_mat(tmp_path):
    (tmp_path / "a.mat").write_bytes(b"")
    with pytest.raises(CorruptFile, match="0 bytes"):
        open_scene(tmp_path / "a.mat")
    (tmp_path / "b.mat").write_text("This is not MATLAB at all.\n" * 30)
    with pytest.raises(CorruptFile, match="text file"):
        open_scene(tmp_path / "b.mat")
    (tmp_path / "c.mat").write_bytes(b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM")
    with pytest.raises(CorruptFile, match="no variables"):
        open_scene(tmp_path / "c.mat")


def matrix(shape: tuple[int, ...], data: bytes, n_bytes: int | None = None) -> bytes:
    """A v5 element of a single array "cube" whose header may lie."""
    body = struct.pack("<IIII", 6, 8, 7, 0) + struct.pack("<II3i4x", 5, 12, *shape)
    body += struct.pack("<II", 1, 4) + b"cube\0\0\0\0" + struct.pack("<II", 7, len(data)) + data
    return struct.pack("<II", 14, len(body) if n_bytes is None else n_bytes) + body


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("lie", ["shape only", "length too"])
def test_huge_claim_in_a_tiny_file_allocates_nothing(tmp_path, compressed, lie):
    element = matrix((100_000, 100_000, 500), b"\0" * 64, None if lie == "shape only" else 2**32 - 1)
    if compressed:
        packed = zlib.compress(element)
        element = struct.pack("<II", 15, len(packed)) + packed
    path = tmp_path / "huge.mat"
    path.write_bytes(b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM" + element)
    with fake.little_memory(), pytest.raises(CorruptFile, match=r"huge\.mat"):
        open_scene(path)


def test_huge_unwritten_array_in_v73_allocates_nothing(tmp_path):
    path = tmp_path / "huge.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        file.create_dataset("cube", shape=(500, 100_000, 100_000), dtype="f4", chunks=(1, 1000, 1000))
    with path.open("r+b") as stream:
        stream.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM")
    with fake.little_memory(), pytest.raises(CorruptFile, match="only 0 bytes"):
        open_scene(path)


@pytest.mark.parametrize("seed", range(60))
def test_random_damage_never_escapes_as_another_error(tmp_path, seed):
    rng = np.random.default_rng(seed)
    savemat(tmp_path / "a.mat", {"cube": fake.cube(), "gt": np.ones((6, 5))}, do_compression=bool(seed % 2))
    data = bytearray((tmp_path / "a.mat").read_bytes())
    for place in rng.integers(128, len(data), 4):
        data[place] = rng.integers(256)
    (tmp_path / "a.mat").write_bytes(bytes(data))
    message = "a.mat"
    try:
        open_scene(tmp_path / "a.mat").survey  # noqa: B018
    except StudioError as error:
        message = str(error)
    assert "a.mat" in message


def sparse73(path: Path, gt: np.ndarray[Any, Any]) -> Path:
    """A cube and a sparse matrix, as MATLAB's -v7.3 keeps it: entries, their rows, and where columns begin."""
    savemat73(path, {"hsi": fake.cube()})
    cols, rows = np.nonzero(gt.T)
    with h5py.File(path, "r+") as file:
        group = file.create_group("gt")
        group.attrs["MATLAB_sparse"] = np.uint64(gt.shape[0])
        group["jc"] = np.concatenate([[0], np.cumsum((gt > 0).sum(axis=0))]).astype("u8")
        if rows.size:
            group["data"], group["ir"] = gt[rows, cols].astype("f8"), rows.astype("u8")
    return path


def test_a_sparse_class_map_of_v73_is_the_reference(tmp_path):
    gt = np.zeros((6, 5))
    gt[1:3, 2:], gt[4, 0] = 2, 1
    scene = open_scene(sparse73(tmp_path / "a.mat", gt))
    assert np.array_equal(scene.reference, gt)
    assert ("gt", (6, 5), "float64") in list_variables(tmp_path / "a.mat")
    nothing = open_scene(sparse73(tmp_path / "b.mat", np.zeros((6, 5))))
    assert nothing.reference is None or not nothing.reference.any()


@pytest.mark.parametrize(("part", "value"), [("ir", 6), ("jc", 2), ("ir", 1 << 63)])
def test_a_sparse_matrix_whose_rows_are_not_its_own_is_refused(tmp_path, part, value):
    gt = np.zeros((6, 5))
    gt[1:3, 2:] = 2
    with h5py.File(sparse73(tmp_path / "a.mat", gt), "r+") as file:
        file["gt"][part][-1] = value
    with pytest.raises(CorruptFile, match="the rows and columns of the sparse matrix “gt” are not its own"):
        open_scene(tmp_path / "a.mat")
