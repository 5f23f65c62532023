"""Classic netCDF: what scipy writes is read by the rules of netCDF-4; CDF-5 is written here by hand."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from rasterio.crs import CRS
from scipy.io import netcdf_file

from hsi_studio import Studio
from hsi_studio.errors import CorruptFile, FileProblem, UnknownFormat
from hsi_studio.scene.open import open_scene
from tests.scene import fake

NM = np.linspace(450, 900, 8)
CUBE = fake.cube(6, 5, 8)


def write(path: Path, unlimited: str | None = None, version: int = 2) -> Path:
    """(wavelength, y, x) of whole numbers with a scale, a gap and a grid, as a CF file of the classic format."""
    stored = np.round(CUBE * 100).astype("i2").transpose(2, 0, 1)
    stored[:, 0, 0] = -9999
    with netcdf_file(path, "w", version=version, mmap=False) as file:
        for name, size in (("wavelength", 8), ("y", 6), ("x", 5), ("class", 3), ("letters", 7), ("one", 1)):
            file.createDimension(name, None if name == unlimited else size)
        cube = file.createVariable("reflectance", "i2", ("wavelength", "y", "x"))
        cube[:] = stored
        cube.scale_factor, cube._FillValue, cube.units, cube.grid_mapping = 0.01, np.int16(-9999), "1", "grid"
        for name, values in (
            ("wavelength", NM),
            ("y", 5799995 - 10.0 * np.arange(6)),
            ("x", 500005 + 10.0 * np.arange(5)),
        ):
            vector = file.createVariable(name, "f8", (name,))
            vector[:] = values
            vector.units = "nm" if name == "wavelength" else "m"
        classes = file.createVariable("gt", "i1", ("y", "x"))
        classes[:] = np.arange(30).reshape(6, 5) % 4
        names = file.createVariable("class_names", "c", ("class", "letters"))
        names[:] = np.array([list(f"{name:7}") for name in ("Wald", "Wasser", "Acker")], "S1")
        grid = file.createVariable("grid", "i4", ("one",))  # scipy writes scalars over records
        grid.spatial_ref = CRS.from_epsg(32633).to_wkt()
    return path


def truth() -> np.ndarray:
    out = np.round(CUBE * 100).astype("f4") * np.float32(0.01)
    out[0, 0] = np.nan
    return out


@pytest.mark.parametrize("unlimited", [None, "wavelength"])
@pytest.mark.parametrize("version", [1, 2])
def test_a_cf_file_is_read_as_netcdf_4_is(tmp_path, unlimited, version):
    scene = open_scene(write(tmp_path / "a.nc", unlimited, version))
    assert np.allclose(scene.cube.read(slice(0, 6), slice(0, 5)), truth(), equal_nan=True)
    assert np.allclose(scene.bands.wavelength_nm, NM)
    assert scene.transform == (10, 0, 500000, 0, -10, 5800000)
    assert CRS.from_wkt(scene.crs).to_epsg() == 32633
    assert np.array_equal(scene.reference, np.arange(30).reshape(6, 5) % 4)
    assert scene.reference_names == {1: "Wald", 2: "Wasser", 3: "Acker"}


def test_it_opens_in_the_app_whatever_its_ending(tmp_path):
    write(tmp_path / "a.nc", "wavelength").rename(tmp_path / "a.grd")
    studio = Studio(home=tmp_path / "home", data_root=tmp_path)
    try:
        scene = studio.open(tmp_path / "a.grd")
        assert np.allclose(scene.cube.read(slice(0, 6), slice(0, 5)), truth(), equal_nan=True)
    finally:
        studio.close()


def test_bytes_without_a_sign_and_a_layer_by_name(tmp_path):
    with netcdf_file(tmp_path / "a.nc", "w", mmap=False) as file:
        for name, size in (("t", None), ("y", 6), ("x", 5)):
            file.createDimension(name, size)
        for name in ("cube", "other"):
            cube = file.createVariable(name, "i1", ("t", "y", "x"))
            cube[:] = np.arange(100, 220, dtype="u1").reshape(4, 6, 5).view("i1")
            cube._Unsigned = "true"
    scene = open_scene(tmp_path / "a.nc", variable="cube", axes="bands,rows,cols")
    whole = np.arange(100, 220).reshape(4, 6, 5).transpose(1, 2, 0)
    assert np.array_equal(scene.cube.read(slice(0, 6), slice(0, 5)), whole)


@pytest.mark.parametrize("names", [("cube",), ("cube", "flags")], ids=["alone", "beside another"])
@pytest.mark.parametrize("streamed", [False, True])
def test_records_of_odd_sizes_are_padded_unless_there_is_one_variable(tmp_path, names, streamed):
    """(t, 5, 5) of bytes: 25 a record alone, 28 beside another; a stream does not say how many there are."""
    path, values = tmp_path / "a.nc", np.random.default_rng(0).integers(1, 120, (6, 5, 5)).astype("i1")
    with netcdf_file(path, "w", mmap=False) as file:
        for name, size in (("t", None), ("y", 5), ("x", 5)):
            file.createDimension(name, size)
        for n, name in enumerate(names):
            file.createVariable(name, "i1", ("t", "y", "x"))[:] = values + n
    if streamed:
        path.write_bytes(b"CDF\1\xff\xff\xff\xff" + path.read_bytes()[8:])
    scene = open_scene(path, variable="cube", axes="bands,rows,cols")
    assert np.array_equal(scene.cube.read(slice(0, 5), slice(0, 5)), values.transpose(1, 2, 0))


def cdf5(values: np.ndarray) -> bytes:
    """One array of a CDF-5 file: counts, sizes and places have eight bytes."""

    def name(text: str) -> bytes:
        return struct.pack(">Q", len(text)) + text.encode() + b"\0" * (-len(text) % 4)

    dims = b"".join(name(n) + struct.pack(">Q", size) for n, size in zip("byx", values.shape, strict=True))
    head = b"CDF\5" + struct.pack(">Q", 0) + struct.pack(">IQ", 10, 3) + dims + struct.pack(">IQ", 0, 0)
    head += struct.pack(">IQ", 11, 1) + name("cube") + struct.pack(">4Q", 3, 0, 1, 2) + struct.pack(">IQ", 0, 0)
    begin = len(head) + 4 + 8 + 8
    return head + struct.pack(">IQQ", 8, values.size * 2, begin) + values.astype(">u2").tobytes()


def test_cdf_5(tmp_path):
    stored = np.round(CUBE * 100).astype("u2").transpose(2, 0, 1)
    (tmp_path / "a.nc").write_bytes(cdf5(stored))
    scene = open_scene(tmp_path / "a.nc", axes="bands,rows,cols")
    assert np.array_equal(scene.cube.read(slice(0, 6), slice(0, 5)), stored.transpose(1, 2, 0))


def test_every_cut_and_every_changed_byte_of_the_header_ends_in_a_scene_or_a_sentence(tmp_path):
    whole = write(tmp_path / "a.nc", "wavelength").read_bytes()
    path = tmp_path / "b.nc"
    rng, wrong = np.random.default_rng(0), 0
    for n in range(300):
        data = bytearray(whole[: int(rng.integers(4, len(whole)))] if n % 3 == 0 else whole)
        for _ in range(n % 4):
            data[int(rng.integers(4, min(len(data), 900) or 5)) % len(data)] = int(rng.integers(0, 256))
        path.write_bytes(bytes(data))
        try:
            open_scene(path)
        except FileProblem as error:
            wrong += not str(error).startswith("b.nc: ")
    assert wrong == 0


def test_what_the_header_claims_is_compared_with_the_file(tmp_path):
    data = cdf5(CUBE.astype("u2").transpose(2, 0, 1))
    (tmp_path / "a.nc").write_bytes(data[:-10])
    with pytest.raises(CorruptFile, match="“cube” ends 10 bytes behind the end of the file"):
        open_scene(tmp_path / "a.nc")
    (tmp_path / "a.nc").write_bytes(data[:12] + struct.pack(">IQ", 10, 1 << 40) + data[24:])
    with pytest.raises(FileProblem, match="dimensions, at most"):
        open_scene(tmp_path / "a.nc")


def test_hdf4_has_a_remedy_under_any_ending(tmp_path):
    (tmp_path / "EO1H.L1R").write_bytes(b"\x0e\x03\x13\x01" + bytes(100))
    with pytest.raises(UnknownFormat, match=r"it is an HDF4 file\. Convert it: h4toh5"):
        open_scene(tmp_path / "EO1H.L1R")
