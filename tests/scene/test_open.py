"""`open_scene`, ids and readers as a whole."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from hsi_studio.errors import CorruptFile, FileProblem, UnknownFormat
from hsi_studio.scene import identity
from hsi_studio.scene.formats.registry import readers
from hsi_studio.scene.open import open_scene
from tests.scene import fake


def test_every_reader_is_found_and_complete():
    found = readers()
    assert found.problems == []
    assert {"envi", "geotiff", "hdf", "matlab", "numpy"} <= set(found.entries)
    for reader in found.entries.values():
        assert reader.title
        assert all(e.startswith(".") for e in reader.extensions)


def test_sniffing_never_raises_and_never_claims_foreign_files(tmp_path):
    for content in (b"", b"x", b"%PDF-1.7", b"\x89PNG\r\n", np.random.default_rng(0).bytes(2000)):
        path = tmp_path / "file.bin"
        path.write_bytes(content)
        for reader in readers().entries.values():
            assert not reader.sniff(path)
            assert not reader.sniff(tmp_path)
            assert not reader.sniff(tmp_path / "absent")


def test_id_is_of_content_not_of_place(tmp_path):
    np.save(tmp_path / "a.npy", fake.cube())
    (tmp_path / "b.npy").write_bytes((tmp_path / "a.npy").read_bytes())
    first, second = open_scene(tmp_path / "a.npy"), open_scene(tmp_path / "b.npy", name="other")
    assert first.id == second.id
    assert len(first.id) == 16
    assert second.name == "other"
    np.save(tmp_path / "b.npy", fake.cube(seed=1))
    assert open_scene(tmp_path / "b.npy").id != first.id


def test_dsm_and_reference_change_the_id(tmp_path):
    np.save(tmp_path / "a.npy", fake.cube())
    np.save(tmp_path / "d.npy", np.ones((6, 5)))
    np.save(tmp_path / "r.npy", np.eye(6, 5, dtype=int))
    plain = open_scene(tmp_path / "a.npy")
    with_dsm = open_scene(tmp_path / "a.npy", dsm=tmp_path / "d.npy")
    with_both = open_scene(tmp_path / "a.npy", dsm=tmp_path / "d.npy", reference=tmp_path / "r.npy")
    assert len({plain.id, with_dsm.id, with_both.id}) == 3
    assert [s.role for s in with_both.sources] == ["cube", "dsm", "reference"]
    assert with_both.dsm.shape == (6, 5, 1)
    with pytest.raises(ValueError, match="read-only"):
        with_both.reference[0, 0] = 3


def test_sampled_hash_sees_size_and_ends(tmp_path):
    path = tmp_path / "big"
    data = bytearray(np.random.default_rng(0).bytes(3 << 20))
    path.write_bytes(data)
    first = identity.content_hash(path, whole_up_to=1 << 20)
    assert first.startswith("sampled:")
    assert first == identity.content_hash(path, whole_up_to=1 << 20)
    for place in (0, 1_500_000, len(data) - 1):
        changed = bytearray(data)
        changed[place] ^= 1
        path.write_bytes(changed)
        assert identity.content_hash(path, whole_up_to=1 << 20) != first


def test_missing_folder_and_unknown_files(tmp_path):
    with pytest.raises(FileProblem, match="no such file"):
        open_scene(tmp_path / "gone.tif")
    with pytest.raises(UnknownFormat, match="folder"):
        open_scene(tmp_path)
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7 and so on")
    with pytest.raises(UnknownFormat, match=r"a\.pdf.*GeoTIFF"):
        open_scene(tmp_path / "a.pdf")
    (tmp_path / "b.pdf").write_bytes(b"")
    with pytest.raises(CorruptFile, match="0 bytes"):
        open_scene(tmp_path / "b.pdf")


def test_opening_is_lazy(tmp_path):
    stored = np.lib.format.open_memmap(tmp_path / "big.npy", mode="w+", dtype="u1", shape=(2000, 1000, 100))
    stored[1234, 567] = np.arange(100)
    stored.flush()
    del stored
    with fake.little_memory():
        scene = open_scene(tmp_path / "big.npy")
        assert scene.spectrum(1234, 567)[42] == 42


def test_import_of_the_package_is_light():
    heavy = "'rasterio', 'h5py', 'scipy.io', 'pooch', 'tensorly', 'spectral', 'sklearn', 'torch'"
    code = f"import sys, hsi_studio.scene; print([m for m in ({heavy}) if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
