"""MATLAB v5: the table of contents agrees with the writer, in either byte order, and loads nothing by itself."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat, whosmat

from hsi_studio.errors import CorruptFile
from hsi_studio.scene.formats import matlab5
from hsi_studio.scene.formats.matlab5 import elements, is_matlab5, variables

ARRAYS = {
    "cube": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    "a_name_of_more_than_four_bytes": np.arange(6, dtype=np.uint8).reshape(2, 3),
    "gt": np.ones((2, 3), dtype=np.int16),
}


@pytest.mark.parametrize("compressed", [False, True])
def test_names_and_shapes_are_those_of_scipy(tmp_path: Path, compressed: bool) -> None:
    file = tmp_path / "scene.mat"
    savemat(file, ARRAYS, do_compression=compressed)
    assert [(one.name, one.shape) for one in elements(file)] == [(name, shape) for name, shape, _ in whosmat(file)]
    for one in variables(file):
        assert one.dtype == ARRAYS[one.name].dtype
        np.testing.assert_array_equal(one.load(), ARRAYS[one.name])


def test_a_file_of_a_big_endian_machine_is_read(tmp_path: Path) -> None:
    values = np.arange(6, dtype=">f8").reshape(2, 3)
    body = struct.pack(">IIII", 6, 8, 6, 0) + struct.pack(">IIii", 5, 8, 2, 3)
    body += struct.pack(">HH4s", 2, 1, b"gt") + struct.pack(">II", 9, 48) + values.tobytes(order="F")
    head = b"MATLAB 5.0 MAT-file".ljust(124) + b"\1\0MI"
    file = tmp_path / "old.mat"
    file.write_bytes(head + struct.pack(">II", 14, len(body)) + body)
    assert is_matlab5(file.read_bytes())
    (found,) = variables(file)
    assert (found.name, found.shape) == ("gt", (2, 3))
    np.testing.assert_array_equal(found.load(), values)


def test_other_files_are_not_taken_for_matlab() -> None:
    head = b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM"
    assert not is_matlab5(head)  # HDF5 inside
    assert not is_matlab5(b"MATLAB 5.0 MAT-file")
    assert not is_matlab5(b"\x89HDF\r\n\x1a\n".ljust(200))


def test_listing_an_array_does_not_load_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "scene.mat"
    savemat(file, ARRAYS)
    asked: list[str] = []
    load = matlab5._load
    monkeypatch.setattr(matlab5, "_load", lambda path, names, found: asked.extend(names) or load(path, names, found))
    found = {one.name: one for one in variables(file)}
    assert asked == []
    found["gt"].load()
    assert asked == ["gt"]


def test_a_file_that_ends_early_says_both_lengths(tmp_path: Path) -> None:
    file = tmp_path / "scene.mat"
    savemat(file, ARRAYS)
    whole = file.read_bytes()
    file.write_bytes(whole[:-8])
    with pytest.raises(CorruptFile, match=f"needs {len(whole)} bytes and the file ends after {len(whole) - 8}"):
        elements(file)
