"""HDF5 and netCDF-4."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from hsi_studio.errors import ChooseVariable, CorruptFile
from hsi_studio.scene.open import open_scene
from tests.scene import fake


def test_neon_layout(tmp_path):
    values = (fake.cube() * 50).astype("i2")
    values[0, 0] = -9999
    with h5py.File(tmp_path / "neon.h5", "w") as file:
        data = file.create_dataset("SITE/Reflectance/Reflectance_Data", data=values, chunks=(2, 2, 8))
        data.attrs["Scale_Factor"], data.attrs["Data_Ignore_Value"] = [10000.0], [-9999.0]
        meta = file.create_group("SITE/Reflectance/Metadata")
        meta["Spectral_Data/Wavelength"] = np.linspace(380, 2500, 8)
        meta["Coordinate_System/Map_Info"] = (
            "UTM, 1.000, 1.000, 257000.00, 4112000.0, 1.0, 1.0, 11, North, WGS-84, units=Meters"
        )
        meta["Coordinate_System/EPSG Code"] = "32611"
    scene = open_scene(tmp_path / "neon.h5")
    assert scene.shape == (6, 5, 8)
    assert np.isnan(scene.spectrum(0, 0)).all()
    assert scene.spectrum(3, 3) == pytest.approx(values[3, 3] / 1e4, rel=1e-5)
    assert scene.bands.wavelength_nm[0] == pytest.approx(380)
    assert scene.transform == pytest.approx((1, 0, 257000, 0, -1, 4112000))
    assert "zone 11N" in scene.crs
    assert scene.valid.sum() == 29


def test_cf_scale_good_wavelengths_and_choice_by_name(tmp_path):
    with h5py.File(tmp_path / "emit.nc", "w") as file:
        data = file.create_dataset("reflectance", data=(fake.cube() * 10).astype("i2"))
        data.attrs["scale_factor"], data.attrs["add_offset"], data.attrs["_FillValue"] = 0.5, 1.0, -9999.0
        file["dummy"] = np.zeros((6, 5, 8))
        file["sensor_band_parameters/wavelengths"] = np.linspace(0.4, 2.5, 8)
        file["sensor_band_parameters/wavelengths"].attrs["units"] = "um"
        file["sensor_band_parameters/fwhm"] = np.full(8, 0.01)
        file["sensor_band_parameters/good_wavelengths"] = np.array([1, 1, 1, 0, 1, 1, 1, 1], dtype="u1")
    scene = open_scene(tmp_path / "emit.nc")
    assert scene.spectrum(1, 1)[0] == pytest.approx((fake.cube()[1, 1, 0] * 10).astype("i2") * 0.5 + 1)
    assert scene.bands.wavelength_nm[-1] == pytest.approx(2500)
    assert scene.bands.fwhm_nm[0] == pytest.approx(10)
    assert np.flatnonzero(~scene.good_bands).tolist() == [3]


def test_two_unnamed_cubes_ask(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x/one"], file["x/two"] = fake.cube(), fake.cube()
    with pytest.raises(ChooseVariable) as caught:
        open_scene(tmp_path / "a.h5")
    assert [name for name, _, _ in caught.value.candidates] == ["x/one", "x/two"]
    assert open_scene(tmp_path / "a.h5", variable="two").shape == (6, 5, 8)


@pytest.mark.parametrize("share", [0.3, 0.95])
def test_truncated(tmp_path, share):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["cube"] = fake.cube(40, 40, 8)
    data = (tmp_path / "a.h5").read_bytes()
    (tmp_path / "a.h5").write_bytes(data[: int(len(data) * share)])
    with pytest.raises(CorruptFile, match=r"a\.h5"):
        open_scene(tmp_path / "a.h5")


def test_huge_claim_allocates_nothing(tmp_path):
    with h5py.File(tmp_path / "huge.h5", "w") as file:
        file.create_dataset("cube", shape=(100_000, 100_000, 500), dtype="f4", chunks=(100, 100, 500))
    with fake.little_memory(), pytest.raises(CorruptFile, match="20000000000000 bytes"):
        open_scene(tmp_path / "huge.h5")


def test_text_named_h5(tmp_path):
    (tmp_path / "a.h5").write_text("hello\n")
    with pytest.raises(CorruptFile, match="text file"):
        open_scene(tmp_path / "a.h5")
