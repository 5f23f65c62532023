"""What every registered file format fulfils. A new reader needs one line in `SAMPLES`, and is tested by it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hsi_studio.errors import FileProblem
from hsi_studio.scene.formats.registry import find_reader, list_variables, readers
from hsi_studio.scene.raster import Raster
from tests.scene import fake

SHAPE = (6, 5)
CUBE = fake.cube(*SHAPE, 8)
CLASSES = (np.arange(30).reshape(SHAPE) % 4).astype(np.int16)
Writer = Callable[[Path, np.ndarray[Any, Any]], Path]


def as_envi(folder: Path, values: np.ndarray[Any, Any]) -> Path:
    return fake.envi(folder, values)


def as_geotiff(folder: Path, values: np.ndarray[Any, Any]) -> Path:
    from tests.scene.formats.test_geotiff import geotiff

    geotiff(folder / "scene.tif", values).close()
    return folder / "scene.tif"


def as_hdf(folder: Path, values: np.ndarray[Any, Any]) -> Path:
    import h5py

    with h5py.File(folder / "scene.h5", "w") as file:
        file["values"] = values
    return folder / "scene.h5"


def as_matlab(folder: Path, values: np.ndarray[Any, Any]) -> Path:
    from scipy.io import savemat

    savemat(folder / "scene.mat", {"values": values})
    return folder / "scene.mat"


def as_numpy(folder: Path, values: np.ndarray[Any, Any]) -> Path:
    np.savez(folder / "scene.npz", values=values)
    return folder / "scene.npz"


def as_gdal(folder: Path, values: np.ndarray[Any, Any]) -> Path:
    import rasterio

    height, width, count = values.shape
    profile = {"driver": "HFA", "height": height, "width": width, "count": count, "dtype": values.dtype.name}
    with rasterio.open(folder / "scene.img", "w", **profile) as target:
        target.write(np.moveaxis(values, 2, 0))
    return folder / "scene.img"


def as_netcdf(folder: Path, values: np.ndarray[Any, Any]) -> Path:
    from scipy.io import netcdf_file

    with netcdf_file(folder / "scene.nc", "w", mmap=False) as file:
        for name, size in zip("abc", values.shape, strict=False):
            file.createDimension(name, size)
        file.createVariable("values", values.dtype.char, tuple("abc"[: values.ndim]))[...] = values
    return folder / "scene.nc"


SAMPLES: dict[str, Writer] = {
    "envi": as_envi, "gdal": as_gdal, "geotiff": as_geotiff, "hdf": as_hdf, "matlab": as_matlab,
    "netcdf": as_netcdf, "numpy": as_numpy,
}  # fmt: skip
EVERY_READER = pytest.mark.parametrize("name", list(readers().entries))


def read(raster: Raster) -> np.ndarray[Any, Any]:
    found: np.ndarray[Any, Any] = raster.cube.read(slice(None), slice(None), None)
    return found


def test_there_is_a_sample_of_every_format() -> None:
    assert readers().problems == []
    assert set(SAMPLES) == set(readers().entries)


@EVERY_READER
def test_it_says_what_it_is(name: str, tmp_path: Path) -> None:
    reader = readers().entries[name]
    assert reader.name == name
    assert reader.title
    path = SAMPLES[name](tmp_path, CUBE)
    assert any(path.name.endswith(ending) for ending in reader.extensions)
    assert reader.sniff(path)
    assert find_reader(path) is reader
    others = [other for other in readers().entries.values() if other is not reader]
    assert not any(other.sniff(path) for other in others)


@EVERY_READER
def test_the_cube_is_rows_columns_bands_of_float32(name: str, tmp_path: Path) -> None:
    path = SAMPLES[name](tmp_path, CUBE)
    raster = readers().entries[name].open(path, None)
    assert raster.cube.shape == (*SHAPE, 8)
    values = read(raster)
    assert values.dtype == np.float32
    assert np.array_equal(values, CUBE)
    part = raster.cube.read(slice(2, 4), slice(1, 4), [6, 0])
    assert np.array_equal(part, CUBE[2:4, 1:4][:, :, [6, 0]])
    assert path in raster.files or raster.files == ()


@EVERY_READER
@pytest.mark.parametrize("layers", [1, 2])
def test_a_layer_is_read_as_it_is(name: str, tmp_path: Path, layers: int) -> None:
    """One class map or surface model, or two of them: whole values come back unchanged, as (H, W, L)."""
    values = np.stack([CLASSES + 10 * k for k in range(layers)], axis=2)
    path = SAMPLES[name](tmp_path, values)
    raster = readers().entries[name].layer(path, None, SHAPE)
    assert raster.cube.shape == (*SHAPE, layers)
    assert np.array_equal(read(raster), values)


@EVERY_READER
def test_its_variables_are_what_open_takes(name: str, tmp_path: Path) -> None:
    path = SAMPLES[name](tmp_path, CUBE)
    reader = readers().entries[name]
    found = reader.variables(path)
    assert found == list_variables(path)
    ((variable, shape, dtype),) = found
    assert variable in ("", "values")
    assert tuple(shape) == (*SHAPE, 8)
    assert all(type(side) is int for side in shape)
    assert np.dtype(dtype).itemsize == 4
    assert reader.open(path, variable or None).cube.shape == (*SHAPE, 8)
    assert reader.layer(path, variable or None, SHAPE).cube.shape == (*SHAPE, 8)


@EVERY_READER
def test_a_file_that_is_cut_off_or_gone_is_a_problem_with_a_remedy(name: str, tmp_path: Path) -> None:
    path = SAMPLES[name](tmp_path, CUBE)
    reader = readers().entries[name]
    path.write_bytes(path.read_bytes()[:200])
    for ask in (lambda: read(reader.open(path, None)), lambda: read(reader.layer(path, None, SHAPE))):
        with pytest.raises(FileProblem):
            ask()
    path.unlink()
    for ask in (
        lambda: reader.open(path, None),
        lambda: reader.layer(path, None, SHAPE),
        lambda: reader.variables(path),
    ):
        with pytest.raises(FileProblem):
            ask()
