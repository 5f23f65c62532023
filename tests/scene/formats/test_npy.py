"""NumPy files: keys, companions, headers that lie, and no pickles."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from hsi_studio.errors import ChooseVariable, CorruptFile, FileProblem
from hsi_studio.scene import read_class_map
from hsi_studio.scene.formats.registry import list_variables
from hsi_studio.scene.open import open_scene
from hsi_studio.scene.plan import AskAboutFile
from tests.scene import fake


def npy_header(shape: tuple[int, ...], dtype: str = "<f4") -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"shape": shape, "fortran_order": False, "descr": dtype})
    return stream.getvalue()


@pytest.mark.parametrize("dtype", ["u1", "i2", ">i2", "u4", "f4", "f8", "f2"])
def test_npy_reads_back(tmp_path, dtype):
    values = fake.cube(dtype=dtype)
    np.save(tmp_path / "a.npy", values)
    scene = open_scene(tmp_path / "a.npy")
    assert np.array_equal(scene.read(slice(None), slice(None)), values.astype(np.float32))
    assert scene.name == "a"


def test_npy_in_fortran_order(tmp_path):
    values = fake.cube()
    np.save(tmp_path / "a.npy", np.asfortranarray(values))
    assert np.array_equal(open_scene(tmp_path / "a.npy").spectrum(2, 3), values[2, 3])


def test_bands_first_is_recognised_and_said(tmp_path):
    light = np.random.default_rng(0).uniform(0.5, 1.5, (9, 7, 1))
    np.save(tmp_path / "a.npy", (fake.cube(9, 7, 30) * light).transpose(2, 0, 1))
    scene = open_scene(tmp_path / "a.npy")
    assert scene.shape == (9, 7, 30)
    assert "first axis (30)" in scene.notes[0]


def test_of_a_standardised_cube_with_a_gradient_the_last_axis_is_offered_first(tmp_path):
    values = fake.cube(20, 7, 9) + 10 * np.arange(20)[:, None, None]
    np.save(tmp_path / "a.npy", (values - values.mean((0, 1))) / values.std((0, 1)))
    with pytest.raises(AskAboutFile) as asked:
        open_scene(tmp_path / "a.npy")
    assert open_scene(tmp_path / "a.npy", axes=asked.value.choices[0]).shape == (20, 7, 9)


def test_npz_with_everything_beside_the_cube(tmp_path):
    reference = np.zeros((6, 5), dtype=np.int16)
    reference[1:3] = 1
    reference[4] = 2
    np.savez_compressed(
        tmp_path / "all.npz",
        cube=fake.cube(),
        lidar=np.full((6, 5), 3.5),
        gt=reference,
        wavelength_nm=np.linspace(400, 1100, 8),
        fwhm_nm=np.full(8, 5.0),
        class_names=np.array(["Water", "Soil"]),
    )
    scene = open_scene(tmp_path / "all.npz")
    assert scene.dsm.shape == (6, 5, 1)
    assert scene.reference_names == {1: "Water", 2: "Soil"}
    assert np.array_equal(scene.reference, reference)
    assert scene.bands.wavelength_nm[[0, -1]] == pytest.approx([400, 1100])
    assert scene.bands.fwhm_nm == pytest.approx([5] * 8)
    assert not scene.reference.flags.writeable
    again, names = read_class_map(f"{tmp_path / 'all.npz'}:gt", (6, 5))
    assert np.array_equal(again, reference)
    assert names == {1: "Water", 2: "Soil"}


def test_wavelengths_settle_which_axis_is_spectral(tmp_path):
    np.savez(tmp_path / "a.npz", data=np.ones((8, 6, 5)) * np.arange(5), wavelength=np.linspace(0.4, 1.1, 8))
    scene = open_scene(tmp_path / "a.npz")
    assert scene.shape == (6, 5, 8)
    assert scene.bands.wavelength_nm[0] == pytest.approx(400)


def test_map_beside_it_settles_which_axis_is_spectral(tmp_path):
    np.savez(tmp_path / "a.npz", data=np.zeros((8, 6, 5)), gt=np.ones((6, 5), dtype=int))
    assert open_scene(tmp_path / "a.npz").shape == (6, 5, 8)


def test_several_cubes_ask_and_the_answer_opens(tmp_path):
    np.savez(tmp_path / "two.npz", first=fake.cube(seed=1), second=fake.cube(seed=2), flat=np.zeros((6, 5)))
    with pytest.raises(ChooseVariable) as caught:
        open_scene(tmp_path / "two.npz")
    assert caught.value.candidates == [("first", (6, 5, 8), "float32"), ("second", (6, 5, 8), "float32")]
    assert np.array_equal(open_scene(tmp_path / "two.npz", variable="second").spectrum(1, 1), fake.cube(seed=2)[1, 1])
    assert (
        open_scene(tmp_path / "two.npz", variable="first").id != open_scene(tmp_path / "two.npz", variable="second").id
    )
    for wrong in ("third", "flat"):
        with pytest.raises(ChooseVariable, match=wrong):
            open_scene(tmp_path / "two.npz", variable=wrong)
    assert {name for name, _, _ in list_variables(tmp_path / "two.npz")} == {"first", "second", "flat"}


def test_key_named_cube_wins_over_others(tmp_path):
    np.savez(tmp_path / "a.npz", cube=fake.cube(), patches=fake.cube(4, 4, 4))
    assert open_scene(tmp_path / "a.npz").shape == (6, 5, 8)


@pytest.mark.parametrize("size", [0, 5, 60, 130, 500])
def test_truncated_npy(tmp_path, size):
    np.save(tmp_path / "a.npy", fake.cube())
    data = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(data[:size])
    with pytest.raises(CorruptFile, match=r"a\.npy"):
        open_scene(tmp_path / "a.npy")


@pytest.mark.parametrize("share", [0.2, 0.6, 0.98])
def test_truncated_npz(tmp_path, share):
    np.savez(tmp_path / "a.npz", cube=fake.cube())
    data = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "a.npz").write_bytes(data[: int(len(data) * share)])
    with pytest.raises(CorruptFile, match=r"a\.npz"):
        open_scene(tmp_path / "a.npz")


def test_huge_claims_allocate_nothing(tmp_path):
    header = npy_header((100_000, 100_000, 500))
    (tmp_path / "a.npy").write_bytes(header + b"\0" * 100)
    with fake.little_memory(), pytest.raises(CorruptFile, match="20000000000000 bytes"):
        open_scene(tmp_path / "a.npy")
    with zipfile.ZipFile(tmp_path / "b.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("cube.npy", header + b"\0" * 100)
    with fake.little_memory(), pytest.raises(CorruptFile, match="20000000000000 bytes"):
        open_scene(tmp_path / "b.npz")


def test_overflowing_and_negative_sizes(tmp_path):
    (tmp_path / "a.npy").write_bytes(npy_header((2**40, 2**40, 2**40)) + b"\0" * 100)
    with fake.little_memory(), pytest.raises(CorruptFile):
        open_scene(tmp_path / "a.npy")
    (tmp_path / "b.npy").write_bytes(npy_header((-1, 5, 4)) + b"\0" * 100)
    with pytest.raises(CorruptFile, match="negative"):
        open_scene(tmp_path / "b.npy")


def test_objects_are_refused_and_never_unpickled(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "exploded",))

    np.save(tmp_path / "a.npy", np.array([[[Bomb()]]], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "b.npz", cube=np.array([[[Bomb()]]], dtype=object))
    for name in ("a.npy", "b.npz"):
        with pytest.raises(FileProblem, match="Python objects"):
            open_scene(tmp_path / name)
    assert not (tmp_path / "exploded").exists()


def test_complex_records_and_flat_arrays_are_refused(tmp_path):
    np.save(tmp_path / "a.npy", fake.cube().astype(complex))
    with pytest.raises(FileProblem, match="complex"):
        open_scene(tmp_path / "a.npy")
    np.save(tmp_path / "b.npy", np.zeros((4, 4)))
    with pytest.raises(ChooseVariable, match="three axes"):
        open_scene(tmp_path / "b.npy")


def test_text_named_npy(tmp_path):
    (tmp_path / "a.npy").write_text("1,2,3\n")
    with pytest.raises(CorruptFile, match="text file"):
        open_scene(tmp_path / "a.npy")
