"""Random damage to files of every format ends in a scene or in a designed error, never in anything else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from hsi_studio.errors import StudioError
from hsi_studio.scene.open import open_scene
from tests.scene import fake
from tests.scene.formats.test_geotiff import geotiff
from tests.scene.formats.test_matlab import savemat73

CUBE, MAP = fake.cube(20, 16, 8), np.ones((20, 16), dtype="u1")


def write_hdf(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("cube", data=CUBE, chunks=(5, 5, 8), compression="gzip")
        file["wavelength"] = np.linspace(400, 2000, 8)


WRITERS: dict[str, Callable[[Path], None]] = {
    "a.npy": lambda p: np.save(p, CUBE),
    "a.npz": lambda p: np.savez_compressed(p, cube=CUBE, gt=MAP),
    "a.tif": lambda p: geotiff(p, CUBE, compress="deflate", tiled=True, blockxsize=16, blockysize=16).close(),
    "a.mat": lambda p: savemat(p, {"cube": CUBE, "gt": MAP, "s": {"x": np.ones(3)}}, do_compression=True),
    "a73.mat": lambda p: savemat73(p, {"cube": CUBE, "gt": MAP}),
    "a.h5": write_hdf,
}


@pytest.mark.parametrize("name", sorted(WRITERS))
def test_damage_is_survived(tmp_path, name):
    path = tmp_path / name
    WRITERS[name](path)
    whole = path.read_bytes()
    outcomes = {"opened": 0, "refused": 0}
    for seed in range(120):
        rng = np.random.default_rng(seed)
        data = bytearray(whole)
        for _ in range(int(rng.choice([1, 3, 10]))):
            data[rng.integers(len(data) if rng.random() < 0.5 else min(600, len(data)))] = rng.integers(256)
        if rng.random() < 0.2:
            del data[rng.integers(len(data)) :]
        path.write_bytes(bytes(data))
        try:
            open_scene(path).survey  # noqa: B018
            outcomes["opened"] += 1
        except StudioError as error:
            outcomes["refused"] += name in str(error)
    assert sum(outcomes.values()) == 120  # every refusal names the file
    assert outcomes["refused"] > 0


def test_values_beyond_float32_are_missing_not_infinite(tmp_path):
    values = fake.cube(dtype="f8")
    values[1, 2, 3] = 1e300
    np.save(tmp_path / "a.npy", values)
    scene = open_scene(tmp_path / "a.npy")
    assert np.isnan(scene.spectrum(1, 2)[3])
    assert not scene.valid[1, 2]
